/* Which segment an interface is: root's files, and the kernel's word on a veth. */
#include "engine/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "engine/netdev.h"

static bool roots_alone(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & 022);
}

static int not_roots(const char *place, struct sp_err *err)
{
	return sp_fail(err, -EACCES, SP_EXIT_PERM,
		       "%s does not count: it must be root's, and nobody else may write to it "
		       "(`sudo chown root %s; sudo chmod 644 %s`)",
		       place, place, place);
}

static int read_file(int dir, const char *name, const char *place, struct sp_segment *s,
		     struct sp_err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	static const int whole = SP_SEGMENT_BYTES + 1;
	struct stat st;
	char *text;
	ssize_t n;
	int rc;

	if (fd < 0 || fstat(fd, &st)) {
		rc = sp_fail(err, -errno, SP_EXIT_PERM, "%s: %s", place, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	text = sp_alloc(sp_mem_system(), (size_t)whole);
	n = text ? read(fd, text, (size_t)whole) : 0;
	close(fd);
	if (!S_ISREG(st.st_mode) || !roots_alone(&st))
		rc = not_roots(place, err);
	else if (!text || n < 0)
		rc = sp_fail(err, -EIO, SP_EXIT_PERM, "%s could not be read", place);
	else
		rc = sp_segment_parse(s, text, (size_t)n, place, err);
	sp_free(sp_mem_system(), text);
	return rc;
}

/* 1: one of the files says so; 0: none. What is over says nothing any more. */
static int by_files(DIR *files, const char *dir, const char *interface, int64_t now_s,
		    struct sp_segment *s, struct sp_err *err)
{
	const struct dirent *e;
	char place[256];
	int rc = 0;

	while ((e = readdir(files)) && !rc) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(place, sizeof place, "%s/%.*s", dir, 150, e->d_name);
		rc = read_file(dirfd(files), e->d_name, place, s, err);
		if (!rc && strcmp(s->interface, interface) == 0 && now_s < s->until_s)
			return 1;
	}
	return rc;
}

int sp_segment_find(const char *dir, const char *interface, int64_t now_s,
		    struct sp_arena *arena, struct sp_segment **out, struct sp_err *err)
{
	struct sp_segment *s;
	DIR *files = opendir(dir);
	struct stat st;
	int rc = 0;

	*out = NULL;
	s = sp_arena_alloc(arena, sizeof *s);
	if (!s)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else if (files && fstat(dirfd(files), &st) == 0 && !roots_alone(&st))
		rc = not_roots(dir, err);
	else if (files)
		rc = by_files(files, dir, interface, now_s, s, err);
	if (files)
		closedir(files);
	if (rc < 0 || sp_netdev_default_route(interface))
		return rc < 0 ? rc : 0;
	if (rc == 0) {
		*s = (struct sp_segment){ .pps = UINT64_MAX, .until_s = INT64_MAX };
		sp_strlcpy(s->interface, interface, sizeof s->interface);
		sp_strlcpy(s->place, "a veth into another namespace of this host",
			   sizeof s->place);
		rc = sp_netdev_inner_veth(interface);
	}
	*out = rc ? s : NULL;
	return rc;
}
