#include "lab/named.h"

#include "base/str.h"
#include "lab/holder.h"
#include "lab/init_impl.h"
#include "place/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER	  "labs"
#define ANSWER_MS 10000

/* A connection, or a negative errno; what nobody listens on is taken away. */
static int call(int folder, const char *name)
{
	struct sockaddr_un sun = sp_place_address(folder, name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&sun, sizeof sun))
		return fd;
	rc = -errno;
	close(fd);
	if (rc == -ECONNREFUSED)
		unlinkat(folder, name, 0);
	return rc;
}

/* ---- up ---- */

/* The lock keeps two from taking the same left-over name away and making it anew. */
static int claim(int folder, const char *name, int *listening, struct sp_err *err)
{
	struct sockaddr_un sun = sp_place_address(folder, name);
	int fd, rc = 0;

	flock(folder, LOCK_EX);
	fd = call(folder, name);
	if (fd >= 0) {
		close(fd);
		rc = sp_fail(
			err, -EEXIST, SP_EXIT_USAGE,
			"a lab '%s' is up already; 'spate lab down %s' ends it, --name gives "
			"this one another name",
			name, name);
	}
	*listening = rc ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (!rc && (*listening < 0 || bind(*listening, (struct sockaddr *)&sun, sizeof sun) ||
		    listen(*listening, 16)))
		rc = sp_fail(err, -errno, SP_EXIT_IO, "cannot listen for orders to lab %s: %s",
			     name, strerror(errno));
	flock(folder, LOCK_UN);
	if (rc && *listening >= 0)
		close(*listening);
	return rc;
}

__attribute__((noreturn)) static void holder(const struct sp_lab_spec *spec, int folder,
					     int listening, int ready)
{
	/* 0 to 2 are to be nothing, and whatever else the caller had open is not ours. */
	int fd[] = { -1, -1, -1, folder, listening, ready }, status, bye = -1;
	struct sp_lab_note gone = { .kind = SP_LAB_NOTE_ANSWER };
	char title[16];

	fd[0] = fd[1] = fd[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 6; i++)
		fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 16);
	for (int i = 0; i < 6; i++)
		dup3(fd[i], i, O_CLOEXEC);
	close_range(6, ~0u, 0);
	setsid();
	snprintf(title, sizeof title, "lab=%.11s", spec->name);
	prctl(PR_SET_NAME, title);
	if (chdir("/"))
		_exit(1);
	status = sp_holder_run(spec, 4, 5, &bye);
	/* If the lab never was, whoever waits for it takes the name away: soon it may be another's. */
	if (!status)
		unlinkat(3, spec->name, 0);
	if (bye >= 0)
		sp_talk_send(bye, &gone, sizeof gone, NULL, 0);
	_exit(status);
}

static int start(const struct sp_lab_spec *spec, int folder, int listening, pid_t *pid,
		 struct sp_err *err)
{
	struct sp_err told = { 0 };
	int ready[2];

	if (pipe2(ready, O_CLOEXEC))
		return sp_fail(err, -errno, SP_EXIT_PERM, "cannot make a pipe: %s",
			       strerror(errno));
	*pid = fork();
	if (!*pid) {
		close(ready[0]);
		holder(spec, folder, listening, ready[1]);
	}
	close(ready[1]);
	int rc = 0;
	if (*pid < 0)
		rc = sp_fail(err, -errno, SP_EXIT_PERM,
			     "cannot start a process: %s; see 'ulimit "
			     "-u'",
			     strerror(errno));
	else if (read(ready[0], &told, sizeof told) != (ssize_t)sizeof told)
		rc = sp_fail(err, -ECANCELED, SP_EXIT_FAILED,
			     "the process that was to hold the lab was killed");
	else if ((rc = told.code) && err)
		*err = told;
	close(ready[0]);
	while (rc && *pid > 0 && waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc;
}

int sp_lab_named_up(const struct sp_lab_spec *spec, pid_t *pid, struct sp_err *err)
{
	int folder = sp_place_open(FOLDER, true, err), listening, rc;

	if (folder < 0)
		return folder;
	rc = claim(folder, spec->name, &listening, err);
	if (!rc) {
		rc = start(spec, folder, listening, pid, err);
		if (rc)
			unlinkat(folder, spec->name, 0);
		close(listening);
	}
	close(folder);
	return rc;
}

/* ---- orders ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

int sp_lab_named_list(char (*names)[SP_LAB_NAME_LEN], unsigned max, unsigned *n,
		      struct sp_err *err)
{
	int folder = sp_place_open(FOLDER, false, err), again;
	const struct dirent *e;
	DIR *dir;

	*n = 0;
	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	again = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	dir = again < 0 ? NULL : fdopendir(again);
	while (dir && (e = readdir(dir)) && *n < max) {
		if (!sp_lab_is_name(e->d_name, strlen(e->d_name)))
			continue;
		int fd = call(folder, e->d_name);
		if (fd < 0)
			continue;
		close(fd);
		sp_strlcpy(names[(*n)++], e->d_name, sizeof *names);
	}
	if (dir)
		closedir(dir);
	close(folder);
	qsort(names, *n, sizeof *names, compare);
	return 0;
}

/* A note in answer to an order; closes fd. */
static int ask(int fd, const struct sp_lab_order *o, struct sp_lab_note *note, int *fds,
	       unsigned *n_fds, struct sp_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc = sp_talk_send(fd, o, sizeof *o, NULL, 0);

	if (!rc)
		rc = poll(&p, 1, ANSWER_MS) == 1
			     ? sp_talk_recv(fd, note, sizeof *note, fds, n_fds)
			     : -ETIMEDOUT;
	close(fd);
	if (rc == -EPROTO)
		return sp_fail(err, rc, SP_EXIT_FAILED,
			       "the lab was made by another version of spate; use that one");
	if (rc)
		return sp_fail(err, rc, SP_EXIT_FAILED, "the lab does not answer: %s",
			       strerror(-rc));
	if (note->err.code && err)
		*err = note->err;
	return note->err.code;
}

static int choose(char name[SP_LAB_NAME_LEN], struct sp_err *err)
{
	char names[64][SP_LAB_NAME_LEN], all[200] = "";
	unsigned n;
	int rc = sp_lab_named_list(names, 64, &n, err);

	if (rc)
		return rc;
	if (n == 0)
		return sp_fail(err, -ENOENT, SP_EXIT_USAGE,
			       "no lab is up; 'spate lab up FILE' makes one");
	for (unsigned i = 0; i < n; i++)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "",
			 names[i]);
	if (n > 1)
		return sp_fail(err, -ENOENT, SP_EXIT_USAGE, "which lab? There are %s", all);
	memcpy(name, names[0], sizeof names[0]);
	return 0;
}

int sp_lab_named_ask(const char *wanted, const struct sp_lab_order *o, struct sp_lab_note *note,
		     int *fds, unsigned *n_fds, struct sp_err *err)
{
	char name[SP_LAB_NAME_LEN] = "", shown[80];
	int folder, fd, rc = 0;

	if (wanted && *wanted && sp_lab_is_name(wanted, strlen(wanted)))
		sp_strlcpy(name, wanted, sizeof name);
	else if (!wanted || !*wanted)
		rc = choose(name, err);
	if (rc)
		return rc;
	folder = sp_place_open(FOLDER, false, err);
	if (folder < 0 && folder != -ENOENT)
		return folder;
	fd = folder < 0 || !*name ? -ENOENT : call(folder, name);
	if (folder >= 0)
		close(folder);
	if (fd < 0)
		return sp_fail(err, -ENOENT, SP_EXIT_USAGE,
			       "no lab '%s' is up; 'spate lab list' shows those that are",
			       sp_str_printable(shown, sizeof shown, wanted ? wanted : name));
	return ask(fd, o, note, fds, n_fds, err);
}

int sp_lab_named_ask_inside(const struct sp_lab_order *o, struct sp_lab_note *note,
			    struct sp_err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    strlen(SP_LAB_SOCKET));

	memcpy(sun.sun_path + 1, SP_LAB_SOCKET, strlen(SP_LAB_SOCKET));
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, len)) {
		int rc = sp_fail(err, -errno, SP_EXIT_FAILED, "the lab does not answer: %s",
				 strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	return ask(fd, o, note, NULL, NULL, err);
}
