#include "lab/lab.h"

#include "lab/init.h"
#include "lab/space.h"

#include <errno.h>
#include <fcntl.h>
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

/* The terminal whose foreground this process group is. A shell inside the lab takes it, and
 * cannot give it back: outside its PID namespace it has no name for this group. */
static int foreground_tty(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0 && tcgetpgrp(fd) != getpgrp()) {
		close(fd);
		return -1;
	}
	return fd;
}

static void take_tty_back(int tty)
{
	sigset_t ttou, old;

	if (tty < 0)
		return;
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcsetpgrp(tty, getpgrp());
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static int start(struct lab *l, const struct sp_lab_hosts *hosts, char *const argv[],
		 struct sp_err *err)
{
	struct sp_space space;
	sigset_t mask;
	int sv[2];

	sp_init_signals(&mask);
	sigprocmask(SIG_BLOCK, &mask, &l->mask);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return sp_fail(err, -errno, SP_EXIT_PERM, "cannot make a socket pair: %s",
			       strerror(errno));
	l->control = sv[0];
	l->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (l->signals < 0) {
		close(sv[1]);
		return sp_fail(err, -errno, SP_EXIT_PERM, "cannot make a signalfd: %s",
			       strerror(errno));
	}
	l->tty = foreground_tty();
	l->init = sp_space_fork(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET, &space, err);
	if (!l->init) {
		close(l->control);
		close(l->signals);
		sp_init_main(&(struct sp_init_conf){ .hosts = hosts,
						     .argv = argv,
						     .space = &space,
						     .mask = &l->mask,
						     .control = sv[1] });
	}
	close(sv[1]);
	if (l->init < 0)
		return l->init;
	send(l->control, &(struct sp_init_order){ 0 }, sizeof(struct sp_init_order),
	     MSG_NOSIGNAL);
	return 0;
}

static void receive(struct lab *l, struct sp_init_result *r)
{
	ssize_t n = recv(l->control, r, sizeof *r, 0);

	/* Init went with an order unread: the socket says so once, and before what init sent. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(l->control, r, sizeof *r, 0);
	if (n == (ssize_t)sizeof *r)
		return;
	*r = (struct sp_init_result){ .status = 128 + SIGKILL };
	sp_fail(&r->err, -ECANCELED, (enum sp_exit)r->status,
		"the lab's init was killed; the lab is gone");
}

/* Passes signals on until init has told its result or is gone: then r->err says so. */
static void wait_for_result(struct lab *l, struct sp_init_result *r)
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
			r->status = 128 + last;
			return;
		}
		if (p[0].revents) {
			receive(l, r);
			return;
		}
		if (read(l->signals, &si, sizeof si) != (ssize_t)sizeof si ||
		    si.ssi_signo == SIGCHLD)
			continue;
		last = (int)si.ssi_signo;
		send(l->control, &(struct sp_init_order){ .signal = last },
		     sizeof(struct sp_init_order), MSG_NOSIGNAL);
		if (last == SIGTERM || last == SIGHUP)
			timeout = TERM_MS;
	}
}

static void finish(struct lab *l)
{
	if (l->init > 0) {
		/* Reaped only when every process of its PID namespace is. */
		kill(l->init, SIGKILL);
		while (waitpid(l->init, NULL, 0) < 0 && errno == EINTR)
			;
		take_tty_back(l->tty);
	}
	if (l->tty >= 0)
		close(l->tty);
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

int sp_lab_run(const struct sp_lab_hosts *hosts, char *const argv[], int *status,
	       struct sp_err *err)
{
	struct lab l = { .control = -1, .signals = -1, .tty = -1 };
	struct sp_init_result r = { 0 };
	int rc = start(&l, hosts, argv, err);

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

int sp_lab_exec(const char *host, char *const argv[], struct sp_err *err)
{
	const char *text = getenv(SP_LAB_ENV);
	struct sp_lab_map map;
	struct stat pidns;

	/* The holders' process ids mean other processes elsewhere. */
	if (!text || sp_lab_map_parse(text, &map) || stat("/proc/self/ns/pid", &pidns) ||
	    pidns.st_ino != map.pidns)
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
