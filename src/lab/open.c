/* A lab that a process holds while it does other things. */
#include "lab/lab.h"

#include "lab/door.h"
#include "lab/init.h"
#include "lab/lab_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOWN_MS 2000 /* init needs half a second for processes that do not want to end */
#define ASK_MS	5000

struct sp_lab {
	const struct sp_mem *mem;
	pid_t init;
	int control;
	uint32_t serial; /* of the last order */
	bool over;	 /* init said so, or is gone */
};

static int gone(struct sp_err *err)
{
	return sp_fail(err, -ECANCELED, SP_EXIT_FAILED,
		       "the lab is gone: one of its processes was killed");
}

int sp_lab_open(struct sp_lab **lab, const struct sp_lab_spec *spec, const struct sp_mem *mem,
		struct sp_err *err)
{
	struct sp_lab *l = sp_alloc(mem, sizeof *l);
	struct sp_lab_note note;
	sigset_t set, mask;
	int rc = 0;

	if (!l)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	l->mem = mem;
	/* Init is to begin with its signals blocked. */
	sp_init_signals(&set);
	sigprocmask(SIG_BLOCK, &set, &mask);
	l->init = sp_lab_fork(spec, NULL, &mask, &l->control, err);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (l->init < 0)
		rc = l->init;
	else if (sp_talk_recv(l->control, &note, sizeof note, NULL, NULL))
		rc = gone(err);
	else if (note.err.code) {
		rc = note.err.code;
		if (err)
			*err = note.err;
	}
	if (!rc) {
		*lab = l;
		return 0;
	}
	if (l->init > 0)
		sp_lab_close(l);
	else
		sp_free(mem, l);
	return rc;
}

void sp_lab_close(struct sp_lab *l)
{
	struct sp_lab_order down = { .what = SP_LAB_DOWN };
	struct sp_lab_note note = { .kind = SP_LAB_NOTE_ANSWER };
	struct pollfd p = { .fd = l->control, .events = POLLIN };

	if (!sp_talk_send(l->control, &down, sizeof down, NULL, 0))
		while (poll(&p, 1, DOWN_MS) == 1 &&
		       !sp_talk_recv(l->control, &note, sizeof note, NULL, NULL) &&
		       note.kind != SP_LAB_NOTE_OVER)
			;
	sp_lab_reap(l->init);
	close(l->control);
	sp_free(l->mem, l);
}

int sp_lab_fd(const struct sp_lab *l)
{
	return l->control;
}

/* A note that nobody asked for now: that the lab is over, or an answer that came too late. */
static bool is_last(const struct sp_lab_note *note)
{
	return note->kind != SP_LAB_NOTE_ANSWER;
}

bool sp_lab_is_over(struct sp_lab *l)
{
	struct pollfd p = { .fd = l->control, .events = POLLIN };
	struct sp_lab_note note;

	while (!l->over && poll(&p, 1, 0) == 1)
		l->over = sp_talk_recv(l->control, &note, sizeof note, NULL, NULL) ||
			  is_last(&note);
	return l->over;
}

int sp_lab_ask(struct sp_lab *l, const struct sp_lab_order *order, struct sp_lab_note *note,
	       int *fds, unsigned *n_fds, struct sp_err *err)
{
	struct pollfd p = { .fd = l->control, .events = POLLIN };
	unsigned room = n_fds ? *n_fds : 0;
	struct sp_lab_order o = *order;

	if (n_fds)
		*n_fds = 0;
	o.serial = ++l->serial;
	if (sp_lab_is_over(l) || sp_talk_send(l->control, &o, sizeof o, NULL, 0))
		return gone(err);
	while (poll(&p, 1, ASK_MS) == 1) {
		unsigned got = room;

		l->over = sp_talk_recv(l->control, note, sizeof *note, fds, &got) ||
			  is_last(note);
		if (l->over)
			return gone(err);
		if (note->serial == o.serial) {
			if (n_fds)
				*n_fds = got;
			if (note->err.code && err)
				*err = note->err;
			return note->err.code;
		}
		while (got)
			close(fds[--got]);
	}
	return sp_fail(err, -ETIMEDOUT, SP_EXIT_FAILED,
		       "the lab does not answer; is one of its processes stopped?");
}

int sp_lab_link_set(struct sp_lab *l, const char *link, const char *words, uint64_t *at_ns,
		    struct sp_err *err)
{
	struct sp_lab_order o = { .what = SP_LAB_CHANGE };
	struct sp_lab_note note;
	int rc;

	if (sp_strlcpy(o.name, link, sizeof o.name) >= sizeof o.name ||
	    sp_strlcpy(o.text, words, sizeof o.text) >= sizeof o.text || !*link)
		return sp_fail(err, -ENOENT, SP_EXIT_USAGE,
			       "there is no such link, or its settings are too long: '%.80s'",
			       link);
	rc = sp_lab_ask(l, &o, &note, NULL, NULL, err);
	if (!rc && at_ns)
		*at_ns = note.at_ns;
	return rc;
}

int sp_lab_link_state(struct sp_lab *l, unsigned i, struct sp_lab_link_state *st,
		      struct sp_err *err)
{
	struct sp_lab_order o = { .what = SP_LAB_STATE, .number = i };
	struct sp_lab_note note;
	int rc = sp_lab_ask(l, &o, &note, NULL, NULL, err);

	if (!rc)
		*st = note.link;
	return rc;
}

/* ---- processes ---- */

struct start {
	int report; /* one struct sp_err to the caller: code 0 when the command runs */
};

static void tell(int fd, const struct sp_err *err)
{
	ssize_t n = write(fd, err, sizeof *err);

	(void)n;
	close(fd);
}

static void on_started(void *arg)
{
	const struct start *s = arg;

	tell(s->report, &(struct sp_err){ 0 });
	/* The command has them; here they would keep pipes open. */
	close_range(0, 2, 0);
}

/* Descriptors 0 to 2 become stdio; 3 is the report, 4 to 7 the door; all others are closed. */
static int arrange(const int stdio[3], int report, const int door[4])
{
	int all[8], low;

	memcpy(all, stdio, 3 * sizeof *stdio);
	all[3] = report;
	memcpy(all + 4, door, 4 * sizeof *door);
	for (int i = 0; i < 8; i++) {
		low = all[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : all[i];
		/* Out of the way of those that come to be below. */
		all[i] = fcntl(low, F_DUPFD_CLOEXEC, 16);
		if (all[i] < 0)
			return -errno;
	}
	for (int i = 0; i < 8; i++)
		if (dup3(all[i], i, i < 3 ? 0 : O_CLOEXEC) < 0)
			return -errno;
	return close_range(8, ~0u, 0) ? -errno : 0;
}

__attribute__((noreturn)) static void child(const int stdio[3], int report, const int fds[4],
					    const char *map, char *const argv[])
{
	struct sp_door door = { { 4, 5, 6, 7 }, map };
	struct start s = { 3 };
	struct sp_err err = { 0 };
	int status = 127;

	if (arrange(stdio, report, fds)) {
		sp_fail(&err, -errno, SP_EXIT_FAILED, "cannot arrange descriptors: %s",
			strerror(errno));
		_exit(127);
	}
	if (sp_door_run(&door, argv, on_started, &s, &status, &err))
		tell(3, &err);
	_exit(status);
}

int sp_lab_spawn(struct sp_lab *l, const char *host, char *const argv[], const int stdio[3],
		 pid_t *pid, struct sp_err *err)
{
	struct sp_lab_order o = { .what = SP_LAB_DOOR };
	struct sp_err told = { 0 };
	struct sp_lab_note note;
	int fds[4], report[2], rc;
	unsigned n = 4;

	if (!*host || sp_strlcpy(o.name, host, sizeof o.name) >= sizeof o.name)
		return sp_fail(err, -ENOENT, SP_EXIT_USAGE, "there is no host '%.80s'", host);
	if ((rc = sp_lab_ask(l, &o, &note, fds, &n, err)))
		return rc;
	if (n != 4 || pipe2(report, O_CLOEXEC))
		return gone(err);
	*pid = fork();
	if (!*pid)
		child(stdio, report[1], fds, note.map, argv);
	close(report[1]);
	for (unsigned i = 0; i < 4; i++)
		close(fds[i]);
	if (*pid < 0)
		rc = sp_fail(err, -errno, SP_EXIT_PERM, "cannot start a process: %s",
			     strerror(errno));
	else if (read(report[0], &told, sizeof told) != (ssize_t)sizeof told)
		rc = gone(err);
	else if ((rc = told.code) && err)
		*err = told;
	close(report[0]);
	if (rc && *pid > 0)
		while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
			;
	return rc;
}
