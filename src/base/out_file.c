#include "base/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define TRIES 100u

static const struct sp_out none = { .fd = -1, .dir = -1 };

/* ---- what is open already ---- */

static int number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && n <= INT32_MAX ? (int)n : -1;
}

/* The descriptor that a path means; -1: it is no such path. */
static int descriptor_of(const char *path)
{
	static const struct {
		const char *text;
		int fd; /* -1: a number follows */
	} names[] = {
		{ "-", STDOUT_FILENO },		  { "/dev/stdout", STDOUT_FILENO },
		{ "/dev/stderr", STDERR_FILENO }, { "/dev/fd/", -1 },
		{ "/proc/self/fd/", -1 },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i].text);

		if (names[i].fd >= 0 ? strcmp(path, names[i].text) == 0
				     : strncmp(path, names[i].text, len) == 0)
			return names[i].fd >= 0 ? names[i].fd : number(path + len);
	}
	return -1;
}

bool sp_out_is_stdout(const char *path)
{
	return descriptor_of(path) == STDOUT_FILENO;
}

/* ---- opening ---- */

static int open_as_it_is(struct sp_out *o, int dir, const char *name)
{
	struct stat st;

	o->fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (o->fd < 0)
		return -errno;
	/* Nobody may put a file in the place of what was looked at. */
	if (fstat(o->fd, &st) || (S_ISREG(st.st_mode) && ftruncate(o->fd, 0)))
		return -errno;
	return 0;
}

static int make_part(struct sp_out *o, mode_t mode)
{
	uint64_t key;

	for (unsigned i = 0; i < TRIES; i++) {
		if (getrandom(&key, sizeof key, 0) != sizeof key)
			return -errno;
		snprintf(o->part, sizeof o->part, ".spate-%016llx.part",
			 (unsigned long long)key);
		o->fd = openat(o->dir, o->part,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (o->fd >= 0 || errno != EEXIST)
			break;
	}
	if (o->fd < 0) {
		o->part[0] = '\0';
		return -errno;
	}
	return 0;
}

/* Who could not read our own file that is replaced cannot read this. */
static int open_named(struct sp_out *o, int dir, const char *name, mode_t mode)
{
	struct stat st;
	bool there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	bool regular = there && S_ISREG(st.st_mode);
	int rc;

	o->dir = dir;
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") ||
	    (there && S_ISDIR(st.st_mode)))
		return -EISDIR;
	if (strlen(name) >= sizeof o->name)
		return -ENAMETOOLONG;
	strcpy(o->name, name);
	if (there && !regular && !S_ISLNK(st.st_mode))
		return open_as_it_is(o, dir, name);
	rc = make_part(o, regular && st.st_uid == geteuid() ? st.st_mode & 0777 : mode);
	if ((rc == -EACCES || rc == -EPERM || rc == -EROFS) && o->fd < 0 && regular)
		rc = open_as_it_is(o, dir, name);
	return rc;
}

static void let_go(struct sp_out *o)
{
	if (o->dir >= 0 && !o->lent)
		close(o->dir);
	o->dir = -1;
}

static int settle(struct sp_out *o, int rc)
{
	if (rc)
		sp_out_drop(o);
	else if (!*o->part)
		let_go(o);
	return rc;
}

int sp_out_open_in(struct sp_out *o, int dir, const char *name, unsigned mode)
{
	*o = none;
	o->lent = true;
	return settle(o, open_named(o, dir, name, mode));
}

int sp_out_open(struct sp_out *o, const char *path)
{
	const char *slash = strrchr(path, '/');
	int fd = descriptor_of(path), dir;
	char folder[PATH_MAX] = ".";

	*o = none;
	if (fd >= 0) {
		o->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return o->fd < 0 ? -errno : 0;
	}
	if (slash && slash - path >= PATH_MAX)
		return -ENAMETOOLONG;
	if (slash)
		sp_strlcpy(folder, path, slash == path ? 2 : (size_t)(slash - path) + 1);
	dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -errno : settle(o, open_named(o, dir, slash ? slash + 1 : path, 0666));
}

/* ---- writing, and the end ---- */

int sp_out_write(const struct sp_out *o, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(o->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int sp_out_show(struct sp_out *o)
{
	if (!*o->part)
		return 0;
	if (renameat(o->dir, o->part, o->dir, o->name))
		return -errno;
	o->part[0] = '\0';
	let_go(o);
	return 0;
}

int sp_out_finish(struct sp_out *o)
{
	/* Network file systems report a full disk here. */
	int rc = o->fd >= 0 && close(o->fd) ? -errno : 0;

	o->fd = -1;
	if (!rc)
		rc = sp_out_show(o);
	sp_out_drop(o);
	return rc;
}

void sp_out_drop(struct sp_out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (*o->part)
		unlinkat(o->dir, o->part, 0);
	let_go(o);
	*o = none;
}

static int put(struct sp_out *o, int rc, const void *data, size_t len)
{
	if (!rc)
		rc = sp_out_write(o, data, len);
	if (!rc)
		return sp_out_finish(o);
	sp_out_drop(o);
	return rc;
}

int sp_out_put(const char *path, const void *data, size_t len)
{
	struct sp_out o;
	int rc = sp_out_open(&o, path);

	return put(&o, rc, data, len);
}

int sp_out_put_in(int dir, const char *name, const void *data, size_t len)
{
	struct sp_out o;
	int rc = sp_out_open_in(&o, dir, name, 0666);

	return put(&o, rc, data, len);
}
