#include "lab/lab.h"

#include "lab/init.h"
#include "lab/lab_impl.h"
#include "lab/space.h"
#include "lab/subid.h"
#include "lab/tty.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TERM_MS 2000 /* what SIGTERM and SIGHUP leave the command */

struct lab {
	pid_t init;
	int control, signals; /* socket to init, signalfd; -1: not open */
	int tty;	      /* the terminal, when this process group has it; else -1 */
	sigset_t mask;	      /* the caller's */
};

pid_t sp_lab_fork(const struct sp_lab_spec *spec, char *const argv[], const sigset_t *mask,
		  int *control, struct sp_err *err)
{
	struct sp_lab_order begin = { .what = SP_LAB_BEGIN };
	struct sp_space space;
	int sv[2];

	*control = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return sp_fail(err, -errno, SP_EXIT_PERM, "cannot make a socket pair: %s",
			       strerror(errno));
	pid_t pid = sp_space_fork(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET, &space, err);
	if (!pid) {
		close(sv[0]);
		sp_init_main(&(struct sp_init_conf){ .spec = spec,
						     .argv = argv,
						     .space = &space,
						     .mask = mask,
						     .control = sv[1] });
	}
	close(sv[1]);
	if (pid < 0) {
		close(sv[0]);
		return pid;
	}
	/* Else it maps one user itself. */
	if (space.user)
		sp_subid_map(pid);
	*control = sv[0];
	sp_talk_send(*control, &begin, sizeof begin, NULL, 0);
	return pid;
}

void sp_lab_reap(pid_t init)
{
	kill(init, SIGKILL);
	while (waitpid(init, NULL, 0) < 0 && errno == EINTR)
		;
}

static int start(struct lab *l, const struct sp_lab_spec *spec, char *const argv[],
		 struct sp_err *err)
{
	sigset_t mask;

	sp_init_signals(&mask);
	sigprocmask(SIG_BLOCK, &mask, &l->mask);
	l->tty = sp_tty_foreground();
	l->init = sp_lab_fork(spec, argv, &l->mask, &l->control, err);
	if (l->init < 0)
		return l->init;
	l->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	return l->signals < 0 ? sp_fail(err, -errno, SP_EXIT_PERM, "cannot make a signalfd: %s",
					strerror(errno))
			      : 0;
}

/* The next note; when init is gone without one, that the lab was killed. */
static void receive(const struct lab *l, struct sp_lab_note *r)
{
	int rc = sp_talk_recv(l->control, r, sizeof *r, NULL, NULL);

	/* Init went with an order unread: the socket says so once, and before what init sent. */
	if (rc == -ECONNRESET)
		rc = sp_talk_recv(l->control, r, sizeof *r, NULL, NULL);
	if (!rc)
		return;
	*r = (struct sp_lab_note){ .kind = SP_LAB_NOTE_OVER, .status = 128 + SIGKILL };
	sp_fail(&r->err, -ECANCELED, (enum sp_exit)r->status,
		"the lab's init was killed; the lab is gone");
}

/* Passes signals on until init has told its result or is gone: then r->err says so. */
static void wait_for_result(struct lab *l, struct sp_lab_note *r)
{
	struct pollfd p[2] = { { .fd = l->control, .events = POLLIN },
			       { .fd = l->signals, .events = POLLIN } };
	struct signalfd_siginfo si;
	int timeout = -1, last = 0;

	for (;;) {
		int n = poll(p, 2, timeout);
		if (n < 0)
			continue;
		if (n == 0) { /* SIGTERM was ignored */
			*r = (struct sp_lab_note){ .status = 128 + last };
			return;
		}
		if (p[0].revents) {
			receive(l, r);
			if (r->kind == SP_LAB_NOTE_OVER)
				return;
			continue;
		}
		if (read(l->signals, &si, sizeof si) != (ssize_t)sizeof si ||
		    si.ssi_signo == SIGCHLD)
			continue;
		last = (int)si.ssi_signo;
		sp_talk_send(l->control,
			     &(struct sp_lab_order){ .what = SP_LAB_SIGNAL,
						     .number = (uint32_t)last },
			     sizeof(struct sp_lab_order), NULL, 0);
		if (last == SIGTERM || last == SIGHUP)
			timeout = TERM_MS;
	}
}

static void finish(struct lab *l)
{
	if (l->init > 0)
		sp_lab_reap(l->init);
	sp_tty_take_back(l->tty);
	if (l->control >= 0)
		close(l->control);
	if (l->signals >= 0)
		close(l->signals);
	/* A signal that came too late was for a lab that is over. */
	sigset_t mask;
	sp_init_signals(&mask);
	while (sigtimedwait(&mask, NULL, &(struct timespec){ 0 }) > 0)
		;
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
}

int sp_lab_run(const struct sp_lab_spec *spec, char *const argv[], int *status,
	       struct sp_err *err)
{
	struct lab l = { .control = -1, .signals = -1, .tty = -1 };
	struct sp_lab_note r = { 0 };
	int rc = start(&l, spec, argv, err);

	if (!rc) {
		wait_for_result(&l, &r);
		*status = r.status;
		rc = r.err.code;
		if (rc && err)
			*err = r.err;
	}
	finish(&l);
	return rc;
}

static int not_inside(struct sp_err *err)
{
	return sp_fail(err, -ESRCH, SP_EXIT_USAGE,
		       "not inside a lab: 'spate lab exec' works in the commands started by "
		       "'spate lab run -- COMMAND'");
}

static bool find_map(struct sp_lab_map *map)
{
	const char *text = getenv(SP_LAB_ENV);
	struct stat pidns;

	/* The holders' process ids mean other processes elsewhere. */
	return text && !sp_lab_map_parse(text, map) && !stat("/proc/self/ns/pid", &pidns) &&
	       pidns.st_ino == map->pidns;
}

bool sp_lab_is_inside(void)
{
	struct sp_lab_map map;

	return find_map(&map);
}

int sp_lab_exec(const char *host, char *const argv[], struct sp_err *err)
{
	struct sp_lab_map map;

	if (!find_map(&map))
		return not_inside(err);
	int i = sp_lab_hosts_find(&map.hosts, host);
	if (i < 0) {
		char all[128] = "";

		for (unsigned k = 0; k < map.hosts.n; k++)
			snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s",
				 k ? ", " : "", map.hosts.name[k]);
		return sp_fail(err, -ENOENT, SP_EXIT_USAGE,
			       "this lab has no host '%s'; it has %s", host, all);
	}
	int rc = sp_space_enter(map.holder[i]);
	if (rc == -ESRCH)
		return not_inside(err);
	if (rc)
		return sp_fail(
			err, rc, SP_EXIT_PERM,
			"cannot enter host %s: %s; only root of the lab can: do it before "
			"capabilities are dropped",
			host, strerror(-rc));
	execvp(argv[0], argv);
	rc = -errno;
	return sp_fail(err, rc, (enum sp_exit)(rc == -ENOENT ? 127 : 126), "cannot run %s: %s",
		       argv[0], strerror(-rc));
}
