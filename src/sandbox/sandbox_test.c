/* Each test confines a child: there is no way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

/* The number of the first thing that was not as it should be; 0: all was. */
#define CHECK(condition)                                                                       \
	do {                                                                                   \
		if (!(condition))                                                              \
			return __LINE__;                                                       \
	} while (0)

struct folders {
	char mine[64], other[64];
	int dir, status;
	bool runs_bpf;
	struct sp_sandbox_state state;
};

static int make_folders(void **state)
{
	struct folders *f = calloc(1, sizeof *f);

	*state = f;
	if (!f)
		return -1;
	strcpy(f->mine, "/tmp/spate-sandbox-XXXXXX");
	strcpy(f->other, "/tmp/spate-sandbox-XXXXXX");
	if (!mkdtemp(f->mine) || !mkdtemp(f->other))
		return -1;
	f->dir = open(f->mine, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->dir < 0;
}

static int remove_folders(void **state)
{
	struct folders *f = *state;

	unlinkat(f->dir, "file", 0);
	unlinkat(f->dir, "other", 0);
	close(f->dir);
	rmdir(f->mine);
	rmdir(f->other);
	free(f);
	return 0;
}

/* A build with sanitizers keeps its system calls and files, and says so. */
static int check_sanitized(struct folders *f)
{
	CHECK(f->state.no_capabilities && f->state.no_new_privs);
	CHECK(!f->state.seccomp && !f->state.landlock);
	return 0;
}

/* Runs check in a confined child. A line, or 0. */
static void confined(struct folders *f, int (*check)(struct folders *))
{
	int status, out[2];
	int line = 0;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct sp_sandbox_conf conf = { .dirs = { f->dir },
						.n_dirs = 1,
						.runs_bpf = f->runs_bpf };

		f->status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
		sp_sandbox_enter(&conf, &f->state);
		line = sp_sandbox_built_without() ? check_sanitized(f) : check(f);
		if (write(out[1], &line, sizeof line) != sizeof line)
			_exit(1);
		_exit(0);
	}
	close(out[1]);
	assert_int_equal(read(out[0], &line, sizeof line), sizeof line);
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	if (line)
		fail_msg("sandbox_test.c:%d does not hold in the sandbox", line);
}

static int check_status(struct folders *f)
{
	char text[8192] = "";

	CHECK(f->state.no_capabilities && f->state.no_new_privs && f->state.seccomp);
	CHECK(pread(f->status, text, sizeof text - 1, 0) > 0);
	CHECK(strstr(text, "\nCapEff:\t0000000000000000\n"));
	CHECK(strstr(text, "\nCapPrm:\t0000000000000000\n"));
	CHECK(strstr(text, "\nCapInh:\t0000000000000000\n"));
	CHECK(strstr(text, "\nCapAmb:\t0000000000000000\n"));
	CHECK(strstr(text, "\nNoNewPrivs:\t1\n"));
	CHECK(strstr(text, "\nSeccomp:\t2\n"));
	return 0;
}

static void test_what_the_kernel_says(void **state)
{
	confined(*state, check_status);
}

static int check_forbidden(struct folders *f)
{
	char *const none[] = { NULL };
	union bpf_attr bpf = { 0 };

	(void)f;
	CHECK(execve("/bin/true", none, none) == -1 && errno == EPERM);
	CHECK(fork() == -1 && errno == EPERM);
	CHECK(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EPERM);
	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
	CHECK(syscall(SYS_bpf, BPF_MAP_CREATE, &bpf, sizeof bpf) == -1 && errno == EPERM);
	CHECK(kill(getppid(), 0) == -1 && errno == EPERM);
	CHECK(setuid(0) == -1 && errno == EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0) == MAP_FAILED);
	CHECK(errno == EPERM);
	CHECK(chmod("/tmp", 0777) == -1 && errno == EPERM);
	CHECK(mkdir("/tmp/spate-no", 0777) == -1 && errno == EPERM);
	return 0;
}

static void test_what_is_refused(void **state)
{
	confined(*state, check_forbidden);
}

/* Programs that are loaded, and nothing else of bpf(2): there is none with this number. */
static int check_bpf(struct folders *f)
{
	union bpf_attr bpf = { 0 };

	(void)f;
	bpf.test.prog_fd = 999;
	CHECK(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &bpf, sizeof bpf) == -1 && errno == EBADF);
	CHECK(syscall(SYS_bpf, BPF_PROG_LOAD, &bpf, sizeof bpf) == -1 && errno == EPERM);
	CHECK(syscall(SYS_bpf, BPF_MAP_CREATE, &bpf, sizeof bpf) == -1 && errno == EPERM);
	return 0;
}

static void test_bpf_runs(void **state)
{
	struct folders *f = *state;

	f->runs_bpf = true;
	confined(f, check_bpf);
}

static int check_files(struct folders *f)
{
	char path[128];
	int fd;

	CHECK(open("/etc/passwd", O_RDONLY) == -1);
	CHECK(open(f->mine, O_RDONLY | O_DIRECTORY) == -1);
	CHECK(open("/proc/self/status", O_RDONLY) == -1);
	/* through the folder that is allowed, out of it */
	snprintf(path, sizeof path, "../../etc/passwd");
	CHECK(!f->state.landlock || openat(f->dir, path, O_RDONLY) == -1);
	snprintf(path, sizeof path, "..%s/file", strrchr(f->other, '/'));
	CHECK(!f->state.landlock || openat(f->dir, path, O_WRONLY | O_CREAT, 0600) == -1);
	/* in it */
	fd = openat(f->dir, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK(write(fd, "x", 1) == 1 && fsync(fd) == 0 && close(fd) == 0);
	CHECK(renameat(f->dir, "file", f->dir, "other") == 0);
	CHECK(unlinkat(f->dir, "other", 0) == 0);
	return 0;
}

static void test_files(void **state)
{
	confined(*state, check_files);
}

static void *thread(void *arg)
{
	*(int *)arg = 7;
	return NULL;
}

/* What a run goes on doing. */
static int check_allowed(struct folders *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof to;
	int got = 0, a, b, one = 1;
	pthread_t t;
	char c = 'x';

	(void)f;
	CHECK(pthread_create(&t, NULL, thread, &got) == 0);
	CHECK(pthread_join(t, NULL) == 0 && got == 7);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	b = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(a >= 0 && b >= 0 && bind(a, (struct sockaddr *)&to, sizeof to) == 0);
	CHECK(getsockname(a, (struct sockaddr *)&to, &len) == 0);
	CHECK(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
	CHECK(connect(b, (struct sockaddr *)&to, sizeof to) == 0);
	CHECK(send(b, &c, 1, 0) == 1 && recv(a, &c, 1, 0) == 1);
	free(malloc(10 << 20));
	return 0;
}

static void test_what_goes_on(void **state)
{
	confined(*state, check_allowed);
}

static void test_texts(void **state)
{
	struct sp_sandbox_state s = { 0 };
	char text[128];

	(void)state;
	assert_string_equal(sp_sandbox_format(text, sizeof text, &s), "off");
	s.no_capabilities = s.no_new_privs = s.seccomp = true;
	s.landlock = 7;
	assert_string_equal(sp_sandbox_format(text, sizeof text, &s),
			    "no capabilities, no new privileges, seccomp, landlock 7");
	s.no_capabilities = false;
	s.landlock = 0;
	assert_string_equal(sp_sandbox_format(text, sizeof text, &s),
			    "no new privileges, seccomp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_the_kernel_says, make_folders,
						remove_folders),
		cmocka_unit_test_setup_teardown(test_what_is_refused, make_folders,
						remove_folders),
		cmocka_unit_test_setup_teardown(test_bpf_runs, make_folders, remove_folders),
		cmocka_unit_test_setup_teardown(test_files, make_folders, remove_folders),
		cmocka_unit_test_setup_teardown(test_what_goes_on, make_folders,
						remove_folders),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
