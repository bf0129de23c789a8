#include "lab/init_impl.h"

#include <errno.h>
#include <fcntl.h>
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
	sp_talk_send(s->conf->control, &s->result, sizeof s->result, NULL, 0);
}

static void fail_and_exit(struct lab_init *s)
{
	tell(s);
	_exit(1);
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

static void start_command(struct lab_init *s)
{
	struct sp_lab_note ready = { .kind = SP_LAB_NOTE_READY };

	s->command = s->conf->argv ? fork() : 0;
	if (s->command < 0) {
		sp_fail(&s->result.err, -errno, SP_EXIT_PERM, "cannot start the command: %s",
			strerror(errno));
		fail_and_exit(s);
	}
	if (s->conf->argv && !s->command)
		command(s);
	sp_lab_map_format(ready.map, sizeof ready.map, &s->map);
	sp_talk_send(s->conf->control, &ready, sizeof ready, NULL, 0);
}

/* Everything that is left: the holders, which nobody needs any more, at once; the rest may
 * still write its report. A process of this PID namespace is a child of init or a descendant
 * of one, so no child left means nothing left. */
static void sweep(struct lab_init *s)
{
	int64_t end = now_ms() + SWEEP_MS;

	sp_init_kill_own(s);
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
		if (s->command && pid == s->command) {
			s->result.status = WIFEXITED(status) ? WEXITSTATUS(status)
							     : 128 + WTERMSIG(status);
			return true;
		}
		if (sp_init_note_end(s, pid))
			return true;
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

/* An order from the lab process; true when it ends the lab. */
static bool on_order(struct lab_init *s)
{
	struct sp_lab_order order;

	if (sp_talk_recv(s->conf->control, &order, sizeof order, NULL, NULL))
		_exit(1); /* the lab process is gone */
	if (order.what == SP_LAB_SIGNAL)
		return pass_on(s, (int)order.number);
	if (order.what == SP_LAB_DOWN)
		return true;
	sp_init_answer(s, s->conf->control, &order, true);
	return false;
}

static void serve(struct lab_init *s)
{
	struct pollfd p[2 + SP_LAB_MAX_HOSTS] = { { .fd = s->signals, .events = POLLIN },
						  { .fd = s->conf->control,
						    .events = POLLIN } };
	nfds_t n = 2 + s->map.hosts.n;
	bool over = read_signals(s);

	for (unsigned i = 0; i < s->map.hosts.n; i++)
		p[2 + i] = (struct pollfd){ .fd = s->inside[i], .events = POLLIN };
	/* A Ctrl-C while the lab was built came before COMMAND was there to get it. */
	for (int sig = 1; sig < NSIG && s->command; sig++)
		if (s->got_at[sig])
			kill(s->command, sig);
	while (!over) {
		if (poll(p, n, -1) < 0)
			continue;
		if (p[0].revents)
			over = read_signals(s);
		if (p[1].revents && !over)
			over = on_order(s);
		for (nfds_t i = 2; i < n && !over; i++)
			if (p[i].revents)
				sp_init_accept(s, p[i].fd);
	}
}

/* Without COMMAND nothing of what the lab process has open is wanted here. */
static int keep_only(int control)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	control = fcntl(control, F_DUPFD_CLOEXEC, 4);
	dup3(control, 3, O_CLOEXEC);
	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	close_range(4, ~0u, 0);
	return 3;
}

void sp_init_main(const struct sp_init_conf *given)
{
	struct sp_init_conf own = *given, *conf = &own;
	struct lab_init s = { .conf = conf };
	struct sp_lab_order begin;
	struct timespec t;
	sigset_t mask;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!conf->argv)
		conf->control = keep_only(conf->control);
	/* Parents that died before that line never send this. */
	if (sp_talk_recv(conf->control, &begin, sizeof begin, NULL, NULL))
		_exit(1);
	prctl(PR_SET_NAME, "lab:init");
	/* A caller that ignored it would have handed that down, and with it lost exit statuses. */
	signal(SIGCHLD, SIG_DFL);
	clock_gettime(CLOCK_REALTIME, &t);
	s.started_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	s.spec = sp_alloc(sp_mem_system(), sizeof *s.spec);
	if (!s.spec) {
		sp_fail(&s.result.err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		fail_and_exit(&s);
	}
	*s.spec = *conf->spec;
	sp_init_signals(&mask);
	s.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signals < 0) {
		sp_fail(&s.result.err, -errno, SP_EXIT_PERM, "cannot make a signalfd: %s",
			strerror(errno));
		fail_and_exit(&s);
	}
	if (sp_init_build(&s))
		fail_and_exit(&s);
	start_command(&s);
	if (chdir("/"))
		_exit(1);
	serve(&s);
	sweep(&s);
	tell(&s);
	_exit(0);
}
