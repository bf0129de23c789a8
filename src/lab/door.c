#include "lab/door.h"

#include "lab/hosts.h"
#include "lab/init.h"
#include "lab/space.h"
#include "lab/talk.h"
#include "lab/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int cannot(struct sp_err *err, const char *what)
{
	return sp_fail(err, -errno, SP_EXIT_PERM,
		       "cannot %s the lab: %s; only who made it, or root, can enter it", what,
		       strerror(errno));
}

/* The namespace that the caller is in already cannot be entered again. */
static bool is_own_user_namespace(int fd)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat("/proc/self/ns/user", &b) && a.st_ino == b.st_ino;
}

static int enter(const struct sp_door *d, struct sp_err *err)
{
	static const int types[] = { CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWNET };
	char cwd[PATH_MAX];
	bool known = getcwd(cwd, sizeof cwd) != NULL;

	for (unsigned i = is_own_user_namespace(d->fd[0]); i < 4; i++)
		if (setns(d->fd[i], types[i]))
			return cannot(err, "enter");
	if ((!known || chdir(cwd)) && chdir("/"))
		return cannot(err, "find a directory in");
	return 0;
}

/* The command itself; report closes when it runs. */
__attribute__((noreturn)) static void command(const struct sp_door *d, char *const argv[],
					      const sigset_t *mask, bool tty, int report)
{
	struct sp_err err = { 0 };
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* On a terminal it stays where the terminal's signals reach it; else only the one who
	 * waits passes signals on, and so they come once. */
	if (!tty)
		setpgid(0, 0);
	if (unshare(CLONE_NEWNS)) {
		cannot(&err, "get a mount namespace in");
	} else {
		sp_space_mount_sys();
		setenv(SP_LAB_ENV, d->map, 1);
		sigprocmask(SIG_SETMASK, mask, NULL);
		execvp(argv[0], argv);
		rc = -errno;
		sp_fail(&err, rc, (enum sp_exit)(rc == -ENOENT ? 127 : 126),
			"cannot run %s: %s", argv[0], strerror(-rc));
	}
	ssize_t n = write(report, &err, sizeof err);
	(void)n;
	_exit(127);
}

static int await(pid_t pid, bool tty)
{
	struct signalfd_siginfo si;
	int status = 0, signals;
	sigset_t set;

	sp_init_signals(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid || (got < 0 && errno != EINTR))
			break;
		if (read(signals, &si, sizeof si) != (ssize_t)sizeof si ||
		    si.ssi_signo == SIGCHLD || (tty && si.ssi_code == SI_KERNEL))
			continue;
		kill(pid, (int)si.ssi_signo);
	}
	close(signals);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int sp_door_run(const struct sp_door *d, char *const argv[], void (*started)(void *), void *arg,
		int *status, struct sp_err *err)
{
	int report[2], tty = sp_tty_foreground(), rc;
	struct sp_err failed = { 0 };
	sigset_t set, mask;

	sp_init_signals(&set);
	sigprocmask(SIG_BLOCK, &set, &mask);
	signal(SIGCHLD, SIG_DFL);
	if ((rc = enter(d, err)))
		return rc;
	if (pipe2(report, O_CLOEXEC))
		return cannot(err, "make a pipe into");
	pid_t pid = fork();
	if (pid < 0)
		return cannot(err, "start a process in");
	if (!pid)
		command(d, argv, &mask, tty >= 0, report[1]);
	close(report[1]);
	if (read(report[0], &failed, sizeof failed) == (ssize_t)sizeof failed)
		rc = failed.code;
	close(report[0]);
	if (!rc && started)
		started(arg);
	*status = await(pid, tty >= 0);
	sp_tty_take_back(tty);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (rc && err)
		*err = failed;
	return rc;
}

void sp_door_close(struct sp_door *d)
{
	for (unsigned i = 0; i < 4; i++)
		close(d->fd[i]);
}
