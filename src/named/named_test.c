/* Names, states, and whole lives of runs that do nothing but answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "named/named.h"

static int set_up(void **state)
{
	char *dir = strdup("/tmp/spate-named-XXXXXX");

	*state = dir;
	return mkdtemp(dir) ? setenv("XDG_RUNTIME_DIR", dir, 1) : -1;
}

static int tear_down(void **state)
{
	char path[200];

	snprintf(path, sizeof path, "rm -rf '%s'", (char *)*state);
	free(*state);
	return system(path);
}

/* Counts up by ten with each question, until it is stopped or has been asked *limit times. */
static int count(void *arg, struct sp_self *self)
{
	struct sp_named_counts counts = { 0, 0, -1 };
	struct pollfd p = { .fd = sp_self_fd(self), .events = POLLIN };
	int limit = *(int *)arg;
	bool over = false;

	if (limit < 0)
		return -limit; /* fails before it is ready */
	sp_self_ready(self, "/some/folder");
	for (int i = 0; !over && i < limit; i++) {
		if (poll(&p, 1, 20000) != 1)
			return 9;
		counts.sent += 10;
		sp_self_note(self, &counts);
		over = sp_self_serve(self);
	}
	counts.sent += 1000;
	sp_self_end(self, &counts, over ? 0 : 3);
	return over ? 0 : 3;
}

static int start(const char *name, int limit)
{
	struct sp_err err = { 0 };

	return sp_named_start(name, "send", count, &limit, &err);
}

static void test_names(void **state)
{
	static const char *const good[] = { "a", "A-1_b", "0",
					    "12345678901234567890123456789012" };
	static const char *const bad[] = {
		"",    "-a", "_a",  "a.b", "..",       ".",
		"a/b", "/",  "a b", "a\n", "\xc3\xa4", "123456789012345678901234567890123"
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(sp_named_is_name(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(sp_named_is_name(bad[i]));
}

static void test_states(void **state)
{
	struct sp_named_state s;

	(void)state;
	sp_named_state_init(&s, "a", "send");
	assert_false(sp_named_state_ok(&s, sizeof s)); /* no process */
	s.pid = 1;
	assert_true(sp_named_state_ok(&s, sizeof s));
	assert_false(sp_named_state_ok(&s, sizeof s - 1));
	s.phase = SP_NAMED_KILLED;
	assert_false(sp_named_state_ok(&s, sizeof s));
	s.phase = SP_NAMED_ENDED;
	memset(s.folder, 'x', sizeof s.folder);
	assert_false(sp_named_state_ok(&s, sizeof s));
	assert_true(sp_named_start_ticks(getpid()) > 0);
	assert_int_equal(sp_named_start_ticks(-5), 0);
}

static void test_a_life(void **state)
{
	struct sp_named_state s, all[4];
	struct sp_err err = { 0 };
	struct stat st;
	char path[200];

	assert_int_equal(start("one", 1000), 0);
	assert_int_equal(start("one", 1000), -EEXIST);
	assert_int_equal(sp_named_poll("one", &s, &err), 0);
	assert_int_equal(s.phase, SP_NAMED_RUNNING);
	assert_int_equal(s.counts.sent, 10);
	assert_int_equal(s.counts.corrupted, -1);
	assert_string_equal(s.folder, "/some/folder");
	assert_int_equal(sp_named_poll("one", &s, &err), 0);
	assert_int_equal(s.counts.sent, 20);
	snprintf(path, sizeof path, "%s/spate/named/one", (char *)*state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(start("two", 1000), 0);
	assert_int_equal(sp_named_list(all, 4, &err), 2);
	assert_string_equal(all[0].name, "one");
	assert_string_equal(all[1].name, "two");
	assert_int_equal(sp_named_stop("one", &s, &err), 0);
	assert_int_equal(s.phase, SP_NAMED_ENDED);
	assert_int_equal(s.exit_code, 0);
	assert_int_equal(s.counts.sent, 1040);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(sp_named_stop("one", &s, &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	assert_int_equal(sp_named_stop("two", &s, &err), 0);
	assert_int_equal(sp_named_list(all, 4, &err), 0);
}

/* Its counts and its status stay until somebody has asked for the end. */
static void test_ends_by_itself(void **state)
{
	struct sp_named_state s;
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(start("brief", 1), 0);
	assert_int_equal(sp_named_poll("brief", &s, &err), 0);
	for (unsigned i = 0; i < 500 && s.phase != SP_NAMED_ENDED; i++) {
		usleep(10000);
		assert_int_equal(sp_named_poll("brief", &s, &err), 0);
	}
	assert_int_equal(s.phase, SP_NAMED_ENDED);
	assert_int_equal(s.exit_code, 3);
	assert_int_equal(s.counts.sent, 1010);
	assert_int_equal(start("brief", 1000), 0); /* the name is free */
	assert_int_equal(sp_named_stop("brief", &s, &err), 0);
	assert_int_equal(s.exit_code, 0);
}

static void test_never_ready(void **state)
{
	struct sp_named_state s;
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(start("fails", -77), 77);
	assert_int_equal(sp_named_poll("fails", &s, &err), -ENOENT);
	assert_int_equal(start("fails", 1000), 0);
	assert_int_equal(sp_named_stop("fails", &s, &err), 0);
}

/* kill -9: known by the lock; what it told last is kept; the name is free. */
static void test_killed(void **state)
{
	struct sp_named_state s, all[4];
	struct sp_err err = { 0 };

	(void)state;
	for (unsigned way = 0; way < 2; way++) {
		assert_int_equal(start("victim", 1000), 0);
		assert_int_equal(sp_named_poll("victim", &s, &err), 0);
		assert_int_equal(kill(s.pid, SIGKILL), 0);
		while (waitpid(s.pid, NULL, 0) < 0 && errno == EINTR)
			;
		assert_int_equal(sp_named_list(all, 4, &err), 1);
		assert_int_equal(all[0].phase, SP_NAMED_KILLED);
		assert_int_equal(sp_named_poll("victim", &s, &err), 0);
		assert_int_equal(s.phase, SP_NAMED_KILLED);
		assert_int_equal(s.counts.sent, 10);
		if (way) {
			assert_int_equal(sp_named_stop("victim", &s, &err), 0);
			assert_int_equal(s.phase, SP_NAMED_KILLED);
			assert_int_equal(sp_named_list(all, 4, &err), 0);
		} else {
			assert_int_equal(start("victim", 1000), 0);
			assert_int_equal(sp_named_stop("victim", &s, &err), 0);
			assert_int_equal(s.phase, SP_NAMED_ENDED);
		}
	}
}

/* Ten at once: one wins. */
static void test_race(void **state)
{
	struct sp_named_state s;
	struct sp_err err = { 0 };
	int won = 0, status;
	pid_t pid[10];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			int rc = start("wanted", 1000);

			_exit(rc == 0 ? 0 : rc == -EEXIST ? 1 : 2);
		}
	}
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		won += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(won, 1);
	assert_int_equal(sp_named_stop("wanted", &s, &err), 0);
}

/* A file that is none of ours is no run, and stands in nobody's way. */
static void test_foreign_files(void **state)
{
	struct sp_named_state s, all[4];
	struct sp_err err = { 0 };
	char path[200];
	int fd;

	snprintf(path, sizeof path, "%s/spate/named/odd.state", (char *)*state);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "garbage", 7), 7);
	close(fd);
	assert_int_equal(sp_named_poll("odd", &s, &err), 0);
	assert_int_equal(s.phase, SP_NAMED_KILLED);
	assert_int_equal(sp_named_list(all, 4, &err), 1);
	assert_int_equal(start("odd", 1000), 0);
	assert_int_equal(sp_named_stop("odd", &s, &err), 0);
	snprintf(path, sizeof path, "%s/spate/named", (char *)*state);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(sp_named_list(all, 4, &err), -EPERM);
	assert_int_equal(err.exit, SP_EXIT_IO);
	assert_int_equal(chmod(path, 0700), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	    cmocka_unit_test(test_states),
		cmocka_unit_test(test_a_life),	    cmocka_unit_test(test_ends_by_itself),
		cmocka_unit_test(test_never_ready), cmocka_unit_test(test_killed),
		cmocka_unit_test(test_race),	    cmocka_unit_test(test_foreign_files),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
