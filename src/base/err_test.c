#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static void test_fail(void **state)
{
	struct sp_err e = { 0 };

	(void)state;
	assert_int_equal(sp_fail(&e, -ENOENT, SP_EXIT_NOINPUT, "%s is missing", "a.pcap"),
			 -ENOENT);
	assert_int_equal(e.code, -ENOENT);
	assert_int_equal(e.exit, SP_EXIT_NOINPUT);
	assert_string_equal(e.text, "a.pcap is missing");
	sp_err_prefix(&e, "stream %d", 3);
	assert_string_equal(e.text, "stream 3: a.pcap is missing");
	assert_int_equal(e.code, -ENOENT);
	/* the sentence before may be part of the next one */
	sp_fail(&e, -EIO, SP_EXIT_IO, "gave up: %s", e.text);
	assert_string_equal(e.text, "gave up: stream 3: a.pcap is missing");
	assert_int_equal(sp_fail(NULL, -EIO, SP_EXIT_IO, "nobody reads this"), -EIO);
	sp_err_prefix(NULL, "nor this");
}

static void test_long_sentences(void **state)
{
	struct sp_err e = { 0 };

	(void)state;
	sp_fail(&e, -EINVAL, SP_EXIT_USAGE, "%511d", 7);
	assert_int_equal(strlen(e.text), SP_ERR_TEXT - 1);
	assert_string_equal(e.text + SP_ERR_TEXT - 3, " 7");
	sp_fail(&e, -EINVAL, SP_EXIT_USAGE, "%0600d", 7);
	assert_int_equal(strlen(e.text), SP_ERR_TEXT - 1);
	assert_string_equal(e.text + SP_ERR_TEXT - 5, "0...");
	sp_fail(&e, -EINVAL, SP_EXIT_USAGE, "%0500d", 7);
	sp_err_prefix(&e, "%s", "0123456789");
	assert_int_equal(strlen(e.text), SP_ERR_TEXT - 1);
	assert_string_equal(e.text + SP_ERR_TEXT - 5, "0...");
	sp_err_prefix(&e, "%0600d", 1);
	assert_int_equal(strlen(e.text), SP_ERR_TEXT - 1);
}

struct seen {
	unsigned lines;
	enum sp_log_level level;
	char text[1200];
};

static void remember(void *arg, enum sp_log_level level, const char *text)
{
	struct seen *s = arg;

	s->lines++;
	s->level = level;
	assert_true(strlen(text) < sizeof s->text);
	strcpy(s->text, text);
}

static void test_log(void **state)
{
	struct seen s = { 0 };
	struct sp_log log = { .arg = &s, .write = remember, .max = SP_LOG_WARN };
	char big[3000];

	(void)state;
	sp_log(&log, SP_LOG_INFO, "no");
	assert_int_equal(s.lines, 0);
	sp_log(&log, SP_LOG_WARN, "%d of %s", 3, "a\nb\x1b");
	assert_int_equal(s.lines, 1);
	assert_int_equal(s.level, SP_LOG_WARN);
	assert_string_equal(s.text, "3 of a\\x0ab\\x1b");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	sp_log(&log, SP_LOG_ERROR, "%s", big);
	assert_int_equal(strlen(s.text), 1023);
	sp_log(NULL, SP_LOG_ERROR, "nothing happens");
	log.write = NULL;
	sp_log(&log, SP_LOG_ERROR, "nothing happens");
}

static void test_log_fd(void **state)
{
	char got[4000], big[3000];
	struct sp_log log = { .write = sp_log_fd_write, .max = SP_LOG_DEBUG };
	int fds[2], closed = -1;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	log.arg = &fds[1];
	sp_log(&log, SP_LOG_DEBUG, "one %d", 1);
	sp_log_fd_write(&fds[1], SP_LOG_INFO, "");
	n = read(fds[0], got, sizeof got - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, "spate: one 1\nspate: \n");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	sp_log_fd_write(&fds[1], SP_LOG_INFO, big);
	n = read(fds[0], got, sizeof got);
	assert_true(n > 1000 && n < 1100);
	assert_int_equal(got[n - 1], '\n');
	assert_int_equal(got[n - 2], 'x');
	close(fds[0]);
	close(fds[1]);
	errno = 7;
	sp_log_fd_write(&closed, SP_LOG_INFO, "nobody reads this");
	assert_int_equal(errno, 7);
}

static void test_worse(void **state)
{
	(void)state;
	assert_int_equal(sp_exit_worse(SP_EXIT_OK, SP_EXIT_OK), SP_EXIT_OK);
	assert_int_equal(sp_exit_worse(SP_EXIT_EXPECT, SP_EXIT_OK), SP_EXIT_EXPECT);
	assert_int_equal(sp_exit_worse(SP_EXIT_EXPECT, SP_EXIT_UNMET), SP_EXIT_UNMET);
	assert_int_equal(sp_exit_worse(SP_EXIT_AGENTS, SP_EXIT_UNMET), SP_EXIT_AGENTS);
	assert_int_equal(sp_exit_worse(SP_EXIT_AGENTS, SP_EXIT_INTR), SP_EXIT_INTR);
	assert_int_equal(sp_exit_worse(SP_EXIT_IO, SP_EXIT_INTR), SP_EXIT_IO);
	assert_int_equal(sp_exit_worse(SP_EXIT_IO, SP_EXIT_UNTRUSTED), SP_EXIT_UNTRUSTED);
	assert_int_equal(sp_exit_worse(SP_EXIT_FAILED, SP_EXIT_UNTRUSTED), SP_EXIT_FAILED);
	assert_int_equal(sp_exit_worse(SP_EXIT_PERM, SP_EXIT_OK), SP_EXIT_PERM);
	assert_int_equal(sp_exit_worse(SP_EXIT_OK, SP_EXIT_PERM), SP_EXIT_PERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail),  cmocka_unit_test(test_long_sentences),
		cmocka_unit_test(test_log),   cmocka_unit_test(test_log_fd),
		cmocka_unit_test(test_worse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
