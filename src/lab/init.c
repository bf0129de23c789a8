#include "lab/init.h"

#include "base/str.h"
#include "lab/wire.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_MS 500 /* for what COMMAND left running, between SIGTERM and SIGKILL */
#define ECHO_MS	 200 /* the same signal to the whole process group arrives within this */

struct lab_init {
	const struct sp_init_conf *conf;
	struct sp_lab_map map;
	pid_t command;
	int signals;	      /* signalfd */
	int64_t got_at[NSIG]; /* ms, when init itself got this signal */
	struct sp_init_result result;
};

void sp_init_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(const struct lab_init *s)
{
	ssize_t n = send(s->conf->control, &s->result, sizeof s->result, MSG_NOSIGNAL);
	(void)n;
}

static void fail_and_exit(struct lab_init *s)
{
	tell(s);
	_exit(1);
}

/* Keeps a network namespace alive and is a thing that lab exec can point at. */
__attribute__((noreturn)) static void hold(const char *name)
{
	sigset_t all;
	char title[16];

	snprintf(title, sizeof title, "lab:%s", name);
	prctl(PR_SET_NAME, title);
	/* Entering its namespace needs the right to inspect it. */
	prctl(PR_SET_DUMPABLE, 1);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	close_range(0, ~0u, 0);
	if (chdir("/"))
		_exit(1);
	for (;;)
		pause();
}

static int make_holders(struct lab_init *s, struct sp_err *err)
{
	const struct sp_lab_hosts *h = s->conf->hosts;

	s->map.hosts = *h;
	for (unsigned i = 0; i < h->n; i++) {
		if (unshare(CLONE_NEWNET))
			return sp_fail(
				err, -errno, SP_EXIT_PERM,
				"cannot make network namespace %u of %u: %s; see 'sysctl "
				"user.max_net_namespaces'",
				i + 1, h->n, strerror(errno));
		sp_wire_prepare_host();
		pid_t pid = fork();
		if (pid < 0)
			return sp_fail(
				err, -errno, SP_EXIT_PERM,
				"cannot start a process for host %s: %s; see 'ulimit -u'",
				h->name[i], strerror(errno));
		if (!pid)
			hold(h->name[i]);
		s->map.holder[i] = pid;
	}
	/* The switch: a namespace of init's own. */
	if (unshare(CLONE_NEWNET))
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot make the lab's own network namespace: %s",
			       strerror(errno));
	sp_wire_prepare_switch();
	return 0;
}

__attribute__((noreturn)) static void command(struct lab_init *s)
{
	char map[SP_LAB_MAP_TEXT];
	char *const *argv = s->conf->argv;
	struct sp_err *err = &s->result.err;
	int rc = sp_space_enter(s->map.holder[0]);

	if (rc) {
		sp_fail(err, rc, SP_EXIT_PERM, "cannot enter host %s: %s", s->map.hosts.name[0],
			strerror(-rc));
		fail_and_exit(s);
	}
	setenv(SP_LAB_ENV, sp_lab_map_format(map, sizeof map, &s->map), 1);
	sigprocmask(SIG_SETMASK, s->conf->mask, NULL);
	execvp(argv[0], argv);
	rc = -errno;
	sp_fail(err, rc, (enum sp_exit)(rc == -ENOENT ? 127 : 126), "cannot run %s: %s",
		argv[0], strerror(-rc));
	fail_and_exit(s);
	_exit(1);
}

static void set_up(struct lab_init *s)
{
	struct stat pidns;
	struct sp_err *err = &s->result.err;

	if (sp_space_become_root(s->conf->space, err))
		fail_and_exit(s);
	sp_space_mount_proc();
	if (stat("/proc/self/ns/pid", &pidns)) {
		sp_fail(err, -errno, SP_EXIT_PERM,
			"cannot read /proc/self/ns/pid: %s; mount /proc", strerror(errno));
		fail_and_exit(s);
	}
	s->map.pidns = pidns.st_ino;
	if (make_holders(s, err) || sp_wire_up(&s->map, err))
		fail_and_exit(s);
	s->command = fork();
	if (s->command < 0) {
		sp_fail(err, -errno, SP_EXIT_PERM, "cannot start the command: %s",
			strerror(errno));
		fail_and_exit(s);
	}
	if (!s->command)
		command(s);
}

/* Everything that is left: the holders, which nobody needs any more, at once; the rest may
 * still write its report. A process of this PID namespace is a child of init or a descendant
 * of one, so no child left means nothing left. */
static void sweep(struct lab_init *s)
{
	int64_t end = now_ms() + SWEEP_MS;

	for (unsigned i = 0; i < s->map.hosts.n; i++)
		if (s->map.holder[i])
			kill(s->map.holder[i], SIGKILL);
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return;
		if (pid)
			continue;
		int64_t left = end - now_ms();
		if (left <= 0)
			return;
		struct signalfd_siginfo si;
		poll(&(struct pollfd){ .fd = s->signals, .events = POLLIN }, 1, (int)left);
		while (read(s->signals, &si, sizeof si) > 0)
			;
	}
}

/* True when the lab is over. */
static bool reap(struct lab_init *s)
{
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0)
			return false;
		if (pid == s->command) {
			s->result.status = WIFEXITED(status) ? WEXITSTATUS(status)
							     : 128 + WTERMSIG(status);
			return true;
		}
		for (unsigned i = 0; i < s->map.hosts.n; i++) {
			if (pid != s->map.holder[i])
				continue;
			s->map.holder[i] = 0;
			sp_fail(&s->result.err, -ECANCELED, SP_EXIT_FAILED,
				"the process that holds host %s was killed; the lab is gone",
				s->map.hosts.name[i]);
			return true;
		}
	}
}

static bool read_signals(struct lab_init *s)
{
	struct signalfd_siginfo si;
	bool over = false;

	while (read(s->signals, &si, sizeof si) == (ssize_t)sizeof si) {
		if (si.ssi_signo == SIGCHLD)
			over = over || reap(s);
		else if (si.ssi_signo < NSIG)
			s->got_at[si.ssi_signo] = now_ms();
	}
	return over;
}

/* Init is in the process group of the lab process, and COMMAND begins in it. What a terminal or
 * kill(-group) sends has therefore reached COMMAND already, and passing it on would be a second
 * Ctrl-C. Only what init did not get too was meant for the lab process alone. */
static bool pass_on(struct lab_init *s, int sig)
{
	usleep(5000);
	bool over = read_signals(s);

	if (sig > 0 && sig < NSIG && (!s->got_at[sig] || now_ms() - s->got_at[sig] > ECHO_MS))
		kill(-1, sig);
	return over;
}

static void serve(struct lab_init *s)
{
	struct pollfd p[2] = { { .fd = s->signals, .events = POLLIN },
			       { .fd = s->conf->control, .events = POLLIN } };
	struct sp_init_order order;
	bool over = read_signals(s);

	/* A Ctrl-C while the lab was built came before COMMAND was there to get it. */
	for (int sig = 1; sig < NSIG; sig++)
		if (s->got_at[sig])
			kill(s->command, sig);
	while (!over) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents)
			over = read_signals(s);
		if (p[1].revents && !over) {
			if (recv(s->conf->control, &order, sizeof order, 0) != sizeof order)
				_exit(1); /* the lab process is gone */
			over = pass_on(s, order.signal);
		}
	}
}

void sp_init_main(const struct sp_init_conf *conf)
{
	struct lab_init s = { .conf = conf };
	struct sp_init_order begin;
	sigset_t mask;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Parents that died before that line never send this. */
	if (recv(conf->control, &begin, sizeof begin, 0) != sizeof begin)
		_exit(1);
	prctl(PR_SET_NAME, "lab:init");
	/* A caller that ignored it would have handed that down, and with it lost exit statuses. */
	signal(SIGCHLD, SIG_DFL);
	sp_init_signals(&mask);
	s.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signals < 0) {
		sp_fail(&s.result.err, -errno, SP_EXIT_PERM, "cannot make a signalfd: %s",
			strerror(errno));
		fail_and_exit(&s);
	}
	set_up(&s);
	if (chdir("/"))
		_exit(1);
	serve(&s);
	sweep(&s);
	tell(&s);
	_exit(0);
}
