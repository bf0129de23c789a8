#include "place/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 512

static int folder_path(const char *sub, char *path, size_t cap, struct sp_err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int n;

	if (runtime && *runtime == '/')
		n = snprintf(path, cap, "%s/spate/%s", runtime, sub);
	else if (!geteuid())
		n = snprintf(path, cap, "/run/spate/%s", sub);
	else if (state && *state == '/')
		n = snprintf(path, cap, "%s/spate/%s", state, sub);
	else if (home && *home == '/')
		n = snprintf(path, cap, "%s/.local/state/spate/%s", home, sub);
	else
		return sp_fail(err, -ENOENT, SP_EXIT_IO,
			       "no folder for %s: set XDG_RUNTIME_DIR or HOME", sub);
	return n > 0 && (size_t)n < cap ? 0
					: sp_fail(err, -ENAMETOOLONG, SP_EXIT_IO,
						  "the path of the folder for %s is too long; "
						  "set XDG_RUNTIME_DIR to a shorter one",
						  sub);
}

static int fail_folder(struct sp_err *err, const char *path)
{
	return sp_fail(err, -errno, SP_EXIT_IO,
		       "cannot use %s: %s; set XDG_RUNTIME_DIR to a folder of your own", path,
		       strerror(errno));
}

int sp_place_open(const char *sub, bool make, struct sp_err *err)
{
	char path[PATH_LEN];
	struct stat st;
	int rc = folder_path(sub, path, sizeof path, err), fd;

	if (rc)
		return rc;
	for (char *p = path + 1; make && (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	if (make)
		mkdir(path, 0700);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT && !make ? -ENOENT : fail_folder(err, path);
	if (fstat(fd, &st) || st.st_uid != geteuid() || st.st_mode & 022) {
		close(fd);
		errno = EPERM;
		return fail_folder(err, path);
	}
	return fd;
}

struct sockaddr_un sp_place_address(int folder, const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof sun.sun_path, "/proc/self/fd/%d/%s", folder, name);
	return sun;
}
