/* The folder into which extraction writes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/extract_impl.h"

static int cannot(const char *what, const char *path, int e, struct sp_err *err)
{
	return sp_fail(err, -e, SP_EXIT_IO, "cannot %s %s: %s", what, path, strerrordesc_np(e));
}

/* Where what is missing begins in path, which is open in *parent up to there; path's end: nothing is
 * missing. path is changed and put right again. */
static char *find_missing(char *path, int *parent)
{
	char *end = path + strlen(path), *cut = end;

	for (;;) {
		char was = *cut;

		*cut = '\0';
		*parent = open(cut > path   ? path
			       : was == '/' ? "/"
					    : ".",
			       O_PATH | O_DIRECTORY | O_CLOEXEC);
		*cut = was;
		if (*parent >= 0 || errno != ENOENT || cut == path)
			return cut + strspn(cut, "/");
		while (cut > path && *--cut != '/')
			;
		while (cut > path && cut[-1] == '/')
			cut--;
	}
}

/* made and whatever of its parents is missing, one after the other. */
static int make(int parent, char *made)
{
	for (char *at = made; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		if (*made && mkdirat(parent, made, 0777) && errno != EEXIST) {
			*at = '/';
			return -errno;
		}
	}
	return mkdirat(parent, made, 0777) && errno != EEXIST ? -errno : 0;
}

int sp_ext_folder_open(struct sp_ext_folder *f, const char *path, struct sp_arena *arena,
		       struct sp_err *err)
{
	char *own = sp_arena_strdup(arena, path), *missing;
	size_t len = own ? strlen(own) : 0;
	int rc = 0;

	if (!own)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (!len)
		return cannot("make", path, ENOENT, err);
	while (len > 1 && own[len - 1] == '/')
		own[--len] = '\0';
	missing = find_missing(own, &f->parent);
	if (f->parent < 0)
		return cannot("make", path, errno, err);
	if (*missing) {
		f->made = missing;
		rc = make(f->parent, missing);
	}
	if (rc)
		return cannot("make", path, -rc, err);
	f->fd = *missing ? openat(f->parent, missing, O_PATH | O_DIRECTORY | O_CLOEXEC)
			 : fcntl(f->parent, F_DUPFD_CLOEXEC, 3);
	return f->fd < 0 ? cannot("write to", path, errno, err) : 0;
}

void sp_ext_folder_undo(const struct sp_ext_folder *f)
{
	char path[4096];
	size_t len = f->made ? strlen(f->made) : 0;

	if (!len || len >= sizeof path)
		return;
	memcpy(path, f->made, len + 1);
	while (unlinkat(f->parent, path, AT_REMOVEDIR) == 0) {
		char *slash = strrchr(path, '/');

		while (slash && slash > path && slash[-1] == '/')
			slash--;
		if (!slash || slash == path)
			return;
		*slash = '\0';
	}
}

void sp_ext_folder_close(struct sp_ext_folder *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->parent >= 0)
		close(f->parent);
	f->fd = f->parent = -1;
}
