/* bench-cost FILE COMMAND...: runs COMMAND and writes what it used to FILE, as JSON.
 *
 * A process that is started by a larger one inherits its peak memory in the kernel's books;
 * this one is small, so that the peak is the command's own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Signals go to the command only; this process waits for its end. */
static int wait_for(pid_t pid, const sigset_t *signals, struct rusage *used)
{
	const struct timespec tick = { .tv_sec = 1 };
	int status;

	for (;;) {
		int sig = sigtimedwait(signals, NULL, &tick);
		if (sig > 0 && sig != SIGCHLD)
			kill(pid, sig);
		if (wait4(pid, &status, WNOHANG, used) == pid)
			return status;
	}
}

int main(int argc, char **argv)
{
	struct rusage used;
	sigset_t signals, before;

	if (argc < 3) {
		fprintf(stderr, "usage: bench-cost FILE COMMAND...\n");
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &before);
	double start = now();
	pid_t pid = fork();
	if (pid < 0) {
		perror("bench-cost: fork");
		return 1;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "bench-cost: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	int status = wait_for(pid, &signals, &used);
	FILE *f = fopen(argv[1], "we");
	if (!f) {
		fprintf(stderr, "bench-cost: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	fprintf(f, "{\"user_s\": %.6f, \"sys_s\": %.6f, \"wall_s\": %.6f, \"rss_kib\": %ld}\n",
		seconds(&used.ru_utime), seconds(&used.ru_stime), now() - start,
		used.ru_maxrss);
	if (fclose(f)) {
		perror("bench-cost");
		return 1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
