/* A run is started, in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "named/files.h"
#include "named/named.h"
#include "place/place.h"

struct start {
	const char *name, *command;
	int (*body)(void *arg, struct sp_self *);
	void *arg;
	int folder, file, listening, log, pipe[2];
};

static int64_t real_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the run's process ---- */

static void set_stdio(const struct start *x)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDOUT_FILENO);
	dup2(x->log, STDERR_FILENO);
	close(nothing);
	close(x->log);
}

__attribute__((noreturn)) static void be_the_run(struct start *x)
{
	struct sp_self self = { .file = x->file,
				.listening = x->listening,
				.ready = x->pipe[1] };
	int code;

	setsid();
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	close(x->pipe[0]);
	set_stdio(x);
	sp_named_state_init(&self.state, x->name, x->command);
	self.state.pid = getpid();
	self.state.start_ticks = sp_named_start_ticks(getpid());
	self.state.started_ns = real_now();
	if (sp_named_lock(x->file) || ftruncate(x->file, 0) ||
	    pwrite(x->file, &self.state, sizeof self.state, 0) != sizeof self.state ||
	    write(x->pipe[1], "c", 1) != 1)
		_exit(SP_EXIT_IO);
	flock(x->folder, LOCK_UN); /* the name is ours; the lock is the parent's, too */
	code = x->body(x->arg, &self);
	/* What never was ready leaves nothing behind. */
	if (self.ready >= 0)
		sp_named_remove(x->folder, x->name);
	exit(code);
}

/* ---- who started it ---- */

/* The names are free, or what has them is dead. The folder is locked. */
static int claim(struct start *x, struct sp_err *err)
{
	struct sockaddr_un sun = sp_place_address(x->folder, x->name);
	pid_t holder;

	x->file = sp_named_open(x->folder, x->name, true);
	if (x->file < 0)
		return sp_fail(err, -errno, SP_EXIT_IO, "cannot make the state of run %s: %s",
			       x->name, strerror(errno));
	if (sp_named_is_held(x->file, &holder))
		return sp_fail(err, -EEXIST, SP_EXIT_USAGE,
			       "a run '%s' is there already (process %d); 'spate stop %s' ends "
			       "it, or give this one another name",
			       x->name, (int)holder, x->name);
	unlinkat(x->folder, x->name, 0);
	x->log = sp_named_open_log(x->folder, x->name);
	x->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->log < 0 || x->listening < 0 ||
	    bind(x->listening, (struct sockaddr *)&sun, sizeof sun) ||
	    fchmodat(x->folder, x->name, 0600, 0) || listen(x->listening, 16))
		return sp_fail(err, -errno, SP_EXIT_IO,
			       "cannot listen for orders to run %s: %s", x->name,
			       strerror(errno));
	if (pipe2(x->pipe, O_CLOEXEC))
		return sp_fail(err, -errno, SP_EXIT_PERM, "cannot make a pipe: %s",
			       strerror(errno));
	return 0;
}

static void interrupted(int sig)
{
	(void)sig; /* the read ends */
}

/* Waits for a letter; who is interrupted ends the run that is not ready yet. 0: the end came. */
static char hear(const struct start *x, pid_t pid)
{
	char letter = 0;
	ssize_t n;

	while ((n = read(x->pipe[0], &letter, 1)) < 0 && errno == EINTR)
		kill(pid, SIGTERM);
	return n == 1 ? letter : 0;
}

static int status_of(pid_t pid, const char *name, struct sp_err *err)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return WEXITSTATUS(status);
	if (WIFEXITED(status))
		return sp_fail(err, -ECANCELED, SP_EXIT_FAILED,
			       "run %s ended before it was ready", name);
	return sp_fail(err, -ECANCELED, SP_EXIT_FAILED, "run %s was killed before it was ready",
		       name);
}

static void tell_log(int log)
{
	char text[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(log, text, sizeof text, at)) > 0) {
		(void)!write(STDERR_FILENO, text, (size_t)n);
		at += n;
	}
}

static int launch(struct start *x, struct sp_err *err)
{
	struct sigaction quiet = { .sa_handler = interrupted };
	char said;
	pid_t pid;

	sigaction(SIGINT, &quiet, NULL);
	sigaction(SIGTERM, &quiet, NULL);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		be_the_run(x);
	close(x->pipe[1]);
	x->pipe[1] = -1;
	if (pid < 0)
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot start a process: %s; see 'ulimit -u'", strerror(errno));
	said = hear(x, pid);
	if (said == 'c')
		said = hear(x, pid);
	tell_log(x->log);
	return said == 'r' ? 0 : status_of(pid, x->name, err);
}

static void close_all(const struct start *x)
{
	const int fds[] = { x->folder, x->file, x->listening, x->pipe[0], x->pipe[1], x->log };

	for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int sp_named_start(const char *name, const char *command,
		   int (*body)(void *arg, struct sp_self *), void *arg, struct sp_err *err)
{
	struct start x = { .name = name,
			   .command = command,
			   .body = body,
			   .arg = arg,
			   .file = -1,
			   .listening = -1,
			   .log = -1,
			   .pipe = { -1, -1 } };
	int rc;

	x.folder = sp_place_open(SP_NAMED_FOLDER, true, err);
	if (x.folder < 0)
		return x.folder;
	flock(x.folder, LOCK_EX);
	rc = claim(&x, err);
	if (!rc)
		rc = launch(&x, err);
	close_all(&x);
	return rc;
}
