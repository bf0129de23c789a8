#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "report/folder_part.h"

#define NAME_MAX_LEN 64u
#define WAY_OUT	     "name another place with --run-dir, or none with --no-run-dir"

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

/* Letters, digits, dot, dash and underscore; no dot or dash in front. */
static void plain_name(char *dst, size_t cap, const char *name)
{
	size_t n = 0;

	for (; *name && n + 1 < cap && n < NAME_MAX_LEN; name++) {
		char c = is_plain(*name) ? *name : '-';

		if ((n == 0 || dst[n - 1] == '-') && (c == '-' || (c == '.' && n == 0)))
			continue;
		dst[n++] = c;
	}
	while (n && dst[n - 1] == '-')
		n--;
	dst[n] = '\0';
	if (!n)
		sp_strlcpy(dst, "run", cap);
}

static int cannot_make(const char *path, int err, struct sp_err *e)
{
	return sp_fail(e, -err, SP_EXIT_IO, "cannot make the run folder %s: %s; %s", path,
		       strerrordesc_np(err), WAY_OUT);
}

/* path and whatever of its parents is missing. */
static int make_dirs(const char *path, mode_t mode, struct sp_err *e)
{
	char part[PATH_MAX];

	if (sp_strlcpy(part, path, sizeof part) >= sizeof part)
		return cannot_make(path, ENAMETOOLONG, e);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, mode) && errno != EEXIST)
			return cannot_make(path, errno, e);
		*p = '/';
	}
	if (mkdir(part, mode) && errno != EEXIST)
		return cannot_make(path, errno, e);
	return 0;
}

static bool given(const char *value)
{
	return value && *value;
}

/* Where runs are kept. The XDG rules: a relative path is to be ignored, what is made there is
 * the user's alone. */
static int find_root(char *root, size_t cap, const struct sp_folder_conf *conf, mode_t *mode,
		     struct sp_err *e)
{
	int n;

	*mode = 0700;
	if (given(conf->spate_runs)) {
		*mode = 0777;
		n = snprintf(root, cap, "%s", conf->spate_runs);
	} else if (given(conf->xdg_state_home) && conf->xdg_state_home[0] == '/') {
		n = snprintf(root, cap, "%s/spate/runs", conf->xdg_state_home);
	} else if (given(conf->home)) {
		n = snprintf(root, cap, "%s/.local/state/spate/runs", conf->home);
	} else {
		return sp_fail(e, -ENOENT, SP_EXIT_IO,
			       "no place for the run folder: HOME is not set; set SPATE_RUNS, "
			       "or %s",
			       WAY_OUT);
	}
	if (n < 0 || (size_t)n >= cap)
		return cannot_make("(its path)", ENAMETOOLONG, e);
	return 0;
}

/* A new folder under root: the time makes it sort, the id makes it the only one. */
static int make_new(char *path, size_t cap, const char *root, const struct sp_folder_conf *conf,
		    struct sp_err *e)
{
	char name[NAME_MAX_LEN + 1], stamp[32] = "", text[64];
	time_t s = (time_t)(conf->started_real_ns / 1000000000);
	struct tm tm;
	int n;

	plain_name(name, sizeof name, given(conf->name) ? conf->name : "run");
	if (gmtime_r(&s, &tm))
		strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 0; i < 100; i++) {
		unsigned id;

		snprintf(text, sizeof text, "%lld-%ld-%u", (long long)conf->started_real_ns,
			 (long)getpid(), i);
		id = (unsigned)(sp_hash_text(text) >> 40);
		n = snprintf(path, cap, "%s/%s-%s-%06x", root, stamp, name, id);
		if (n < 0 || (size_t)n >= cap)
			return cannot_make(root, ENAMETOOLONG, e);
		if (!mkdir(path, 0777))
			return 0;
		if (errno != EEXIST)
			return cannot_make(path, errno, e);
	}
	return cannot_make(path, EEXIST, e);
}

int sp_folder_place(struct sp_folder *f, const struct sp_folder_conf *conf, struct sp_err *e)
{
	char root[PATH_MAX], path[PATH_MAX];
	mode_t mode;
	int rc;

	if (conf->dir) {
		if (sp_strlcpy(path, conf->dir, sizeof path) >= sizeof path)
			return cannot_make(conf->dir, ENAMETOOLONG, e);
		rc = *path ? make_dirs(path, 0777, e) : cannot_make("\"\"", ENOENT, e);
	} else {
		rc = find_root(root, sizeof root, conf, &mode, e);
		if (!rc)
			rc = make_dirs(root, mode, e);
		if (!rc)
			rc = make_new(path, sizeof path, root, conf, e);
	}
	if (rc)
		return rc;
	if (!realpath(path, f->path))
		return cannot_make(path, errno, e);
	f->dir_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->dir_fd < 0 ? cannot_make(path, errno, e) : 0;
}
