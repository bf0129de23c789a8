/* Whoever wants to know of named runs, or to end one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "named/files.h"
#include "named/named.h"
#include "place/place.h"

#define ANSWER_MS 5000
#define END_MS	  15000 /* for the far end's counts, and to write the report */
#define TERM_MS	  5000

/* One run, as it is found. */
struct found {
	int folder, file;
	const char *name;
};

static void lose(const struct found *f)
{
	if (f->file >= 0)
		close(f->file);
	if (f->folder >= 0)
		close(f->folder);
}

static int find(struct found *f, const char *name, struct sp_err *err)
{
	char shown[80];

	*f = (struct found){ -1, -1, name };
	if (sp_named_is_name(name))
		f->folder = sp_place_open(SP_NAMED_FOLDER, false, err);
	else
		f->folder = -ENOENT;
	if (f->folder < 0 && f->folder != -ENOENT)
		return f->folder;
	if (f->folder >= 0)
		f->file = sp_named_open(f->folder, name, false);
	if (f->file >= 0)
		return 0;
	if (f->folder >= 0)
		close(f->folder);
	return sp_fail(err, -ENOENT, SP_EXIT_USAGE,
		       "no run '%s' is there; 'spate list' shows those that are",
		       sp_str_printable(shown, sizeof shown, name));
}

/* What it said last. A run that says nothing any more was killed. */
static int read_last(const struct found *f, struct sp_named_state *out, struct sp_err *err)
{
	pid_t holder;
	bool held = sp_named_is_held(f->file, &holder); /* before it is read */
	ssize_t n = pread(f->file, out, sizeof *out, 0);

	if (n < 0 || !sp_named_state_ok(out, (size_t)n)) {
		sp_named_state_init(out, f->name, "");
		out->pid = holder;
		if (!held)
			out->phase = SP_NAMED_KILLED;
		return held ? sp_fail(err, -EAGAIN, SP_EXIT_FAILED,
				      "run %s does not say how it is; it was started a moment "
				      "ago, or by another version of spate",
				      f->name)
			    : 0;
	}
	if (!held && out->phase != SP_NAMED_ENDED)
		out->phase = SP_NAMED_KILLED;
	return 0;
}

/* -ECONNREFUSED, -ENOENT, -ETIMEDOUT, ...: no answer. */
static int ask(const struct found *f, char what, int wait_ms, struct sp_named_state *out)
{
	struct sockaddr_un sun = sp_place_address(f->folder, f->name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct sp_named_state got;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof sun) ||
	    send(fd, &what, 1, MSG_NOSIGNAL) != 1)
		rc = -errno;
	else if (poll(&p, 1, wait_ms) != 1)
		rc = -ETIMEDOUT;
	n = rc ? 0 : recv(fd, &got, sizeof got, 0);
	if (!rc && (n < 0 || !sp_named_state_ok(&got, (size_t)n)))
		rc = -EPROTO;
	if (!rc)
		*out = got;
	close(fd);
	return rc;
}

static int mute(const struct found *f, pid_t pid, struct sp_err *err)
{
	return sp_fail(err, -ETIMEDOUT, SP_EXIT_FAILED,
		       "run %s (process %d) does not answer: it is stopped, or starts or ends "
		       "slowly",
		       f->name, (int)pid);
}

static int poll_one(const struct found *f, int wait_ms, struct sp_named_state *out,
		    struct sp_err *err)
{
	pid_t holder;
	int rc;

	if (sp_named_is_held(f->file, &holder) && !ask(f, SP_SELF_POLL, wait_ms, out))
		return 0;
	/* It may have ended meanwhile: then the file has the last word. */
	rc = read_last(f, out, err);
	return rc || out->phase == SP_NAMED_ENDED || out->phase == SP_NAMED_KILLED
		       ? rc
		       : mute(f, out->pid, err);
}

int sp_named_poll(const char *name, struct sp_named_state *out, struct sp_err *err)
{
	struct found f;
	int rc = find(&f, name, err);

	if (rc)
		return rc;
	rc = poll_one(&f, ANSWER_MS, out, err);
	lose(&f);
	return rc;
}

/* ---- the end ---- */

static bool wait_gone(const struct found *f, unsigned ms)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	pid_t holder;

	for (unsigned i = 0; sp_named_is_held(f->file, &holder); i++) {
		if (i * 10 >= ms)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* The number, and when it was given: no other process is meant. */
static void terminate(const struct found *f)
{
	struct sp_named_state s;
	pid_t holder;

	if (pread(f->file, &s, sizeof s, 0) == sizeof s && sp_named_state_ok(&s, sizeof s) &&
	    sp_named_is_held(f->file, &holder) && sp_named_start_ticks(s.pid) == s.start_ticks)
		kill(s.pid, SIGTERM);
}

/* Unless somebody has started another of this name since. */
static void clean(const struct found *f, const struct sp_named_state *was)
{
	struct sp_named_state now;
	pid_t holder;
	int file;

	flock(f->folder, LOCK_EX);
	file = sp_named_open(f->folder, f->name, false);
	if (file >= 0 && !sp_named_is_held(file, &holder) &&
	    (pread(file, &now, sizeof now, 0) != sizeof now || now.pid == was->pid))
		sp_named_remove(f->folder, f->name);
	if (file >= 0)
		close(file);
	flock(f->folder, LOCK_UN);
}

static int stop_one(const struct found *f, struct sp_named_state *out, struct sp_err *err)
{
	pid_t holder;
	int rc;

	if (sp_named_is_held(f->file, &holder) &&
	    (ask(f, SP_SELF_STOP, ANSWER_MS, out) || !wait_gone(f, END_MS))) {
		terminate(f);
		if (!wait_gone(f, TERM_MS)) {
			rc = read_last(f, out, NULL);
			return sp_fail(err, -ETIMEDOUT, SP_EXIT_FAILED,
				       "run %s (process %d) ends neither when it is asked to "
				       "nor by SIGTERM; 'kill -9 %d' ends it",
				       f->name, (int)holder, (int)holder);
		}
	}
	rc = read_last(f, out, err);
	if (!rc)
		clean(f, out);
	return rc;
}

int sp_named_stop(const char *name, struct sp_named_state *out, struct sp_err *err)
{
	struct found f;
	int rc = find(&f, name, err);

	if (rc)
		return rc;
	rc = stop_one(&f, out, err);
	lose(&f);
	return rc;
}

/* ---- all ---- */

#define LIST_ANSWER_MS 300

static int by_name(const void *a, const void *b)
{
	const struct sp_named_state *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool name_of(const char *entry, char name[SP_NAMED_NAME_LEN])
{
	size_t n = strlen(entry), end = strlen(".state");

	if (n <= end || n - end >= SP_NAMED_NAME_LEN || strcmp(entry + n - end, ".state") != 0)
		return false;
	memcpy(name, entry, n - end);
	name[n - end] = '\0';
	return sp_named_is_name(name);
}

int sp_named_list(struct sp_named_state *out, unsigned max, struct sp_err *err)
{
	int folder = sp_place_open(SP_NAMED_FOLDER, false, err), again;
	char name[SP_NAMED_NAME_LEN];
	const struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	again = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	dir = again < 0 ? NULL : fdopendir(again);
	while (dir && (e = readdir(dir)) && n < max) {
		struct found f = { folder, -1, name };

		if (!name_of(e->d_name, name))
			continue;
		f.file = sp_named_open(folder, name, false);
		if (f.file < 0)
			continue;
		poll_one(&f, LIST_ANSWER_MS, &out[n++], NULL);
		close(f.file);
	}
	if (dir)
		closedir(dir);
	close(folder);
	qsort(out, n, sizeof *out, by_name);
	return (int)n;
}
