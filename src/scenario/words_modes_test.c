/* Modes as words: flags, URLs and aliases say the same; random is what it draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/modes/profile.h"
#include "engine/plan.h"
#include "engine/test_catalog.h"
#include "scenario/words.h"

#define ARGS_MAX 48

static int parse(const struct sp_mem *mem, const char *text, struct sp_words *w,
		 struct sp_err *err)
{
	char line[1024], *argv[ARGS_MAX];
	int n = 0;

	snprintf(line, sizeof line, "%s", text);
	for (char *p = strtok(line, " "); p && n < ARGS_MAX; p = strtok(NULL, " "))
		argv[n++] = p;
	return sp_words_parse("send", n, argv, mem, &test_catalog, w, err);
}

static struct sp_words good(const char *text)
{
	struct sp_err err = { 0 };
	struct sp_words w;

	if (parse(sp_mem_system(), text, &w, &err))
		fail_msg("%s: %s", text, err.text);
	return w;
}

static void same(const char *a, const char *b)
{
	struct sp_words x = good(a), y = good(b);

	if (strcmp(x.plan->sha256, y.plan->sha256) != 0)
		fail_msg("'%s' is not '%s'", a, b);
	sp_words_free(&x);
	sp_words_free(&y);
}

static void bad(const char *text, const char *want)
{
	struct sp_err err = { 0 };
	struct sp_words w;

	assert_true(parse(sp_mem_system(), text, &w, &err) < 0);
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	if (!strstr(err.text, want))
		fail_msg("'%s' does not say '%s'", err.text, want);
}

static void test_spellings(void **state)
{
	(void)state;
	same("-t 10.1.1.2 --mode burst --burst-count 5 --burst-interval 2",
	     "udp://10.1.1.2?mode=burst&burst_count=5&burst_interval=2000ms");
	same("-t 10.1.1.2 --burst-count 5", "-t 10.1.1.2 --mode burst --burst-count=5");
	same("-t 10.1.1.2 --mode rate-limited", "-t 10.1.1.2 --mode rate -r 1000");
	same("-t 10.1.1.2 --mode exponential-backoff",
	     "-t 10.1.1.2 --mode backoff --backoff-cap 1.6");
	same("-t 10.1.1.2 --mode standard", "-t 10.1.1.2 --mode STANDARD --count 10 -r 100");
	same("-t 10.1.1.2 --mode auto", "-t 10.1.1.2");
	same("-t 10.1.1.2 --ramp-to 1k --ramp-from 0",
	     "-t 10.1.1.2 --mode ramp --ramp-to 1kpps");
	same("-t 10.1.1.2 --steps 5@0,7@1s", "-t 10.1.1.2 --steps 5pps@0s,7pps@1000ms");
	bad("-t 10.1.1.2 --mode bursts", "did you mean 'burst'");
	bad("-t 10.1.1.2 --burst-count 5 --trace x", "trace is a setting of the mode");
	bad("udp://10.1.1.2?mode=random", "random");
}

/* S3's words: each mode by itself has its constants. */
static void test_constants(void **state)
{
	struct sp_words w = good("-t 10.1.1.2 --mode continuous");

	(void)state;
	assert_int_equal(w.plan->streams[0].rate.micro, 1000000);
	assert_int_equal(w.plan->streams[0].duration_ns, 0);
	sp_words_free(&w);
	w = good("-t 10.1.1.2 --mode rate-limited");
	assert_int_equal(w.plan->streams[0].rate.micro, 1000000000);
	sp_words_free(&w);
	w = good("-t 10.1.1.2 --mode burst");
	assert_int_equal(w.plan->streams[0].profile->burst_count, 10);
	assert_int_equal(w.plan->streams[0].profile->burst_gap_ns, 10 * SP_NS_PER_MS);
	assert_int_equal(w.plan->streams[0].profile->burst_interval_ns, 5 * SP_NS_PER_S);
	sp_words_free(&w);
}

static void test_random_is_its_seed(void **state)
{
	bool mode[SP_MODES] = { false }, other = false;
	char line[120];

	(void)state;
	for (unsigned seed = 1; seed <= 40; seed++) {
		struct sp_words a, b;

		snprintf(line, sizeof line, "-t 10.1.1.2 --mode random --seed %u", seed);
		a = good(line);
		b = good(line);
		assert_string_equal(a.plan->sha256, b.plan->sha256);
		assert_non_null(strstr(a.out.drawn, "--mode"));
		assert_non_null(strstr(a.out.drawn, "--protocol"));
		assert_non_null(strstr(a.out.drawn, "--payload"));
		assert_non_null(a.plan->streams[0].profile);
		mode[a.plan->streams[0].profile->mode] = true;
		other |= strcmp(a.plan->streams[0].payload, "Hello via UDP!") != 0;
		assert_true(a.plan->streams[0].duration_ns > 0);
		sp_words_free(&a);
		sp_words_free(&b);
	}
	assert_true(mode[SP_MODE_CONTINUOUS] && mode[SP_MODE_BURST] && mode[SP_MODE_RATE] &&
		    mode[SP_MODE_BACKOFF] && other);
}

/* What is written is not drawn, and changes nothing of the rest. */
static void test_random_keeps_words(void **state)
{
	struct sp_words a, b;

	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		char line[160];

		snprintf(line, sizeof line, "-t 10.1.1.2 --mode random --seed %u", seed);
		a = good(line);
		snprintf(line, sizeof line,
			 "udp://10.1.1.2 --mode random --seed %u --payload mine -D 3 -r 50",
			 seed);
		b = good(line);
		assert_string_equal(b.plan->streams[0].payload, "mine");
		assert_string_equal(b.plan->streams[0].protocol, "udp");
		assert_int_equal(b.plan->streams[0].duration_ns, 3 * SP_NS_PER_S);
		assert_null(strstr(b.out.drawn, "--payload"));
		assert_int_equal(b.plan->streams[0].rate.micro, 50000000);
		sp_words_free(&a);
		sp_words_free(&b);
	}
	a = good("-t 10.1.1.2 --mode random");
	assert_true(a.out.seed_drawn);
	sp_words_free(&a);
	bad("-t 10.1.1.2 --mode random --seed x", "--seed");
}

static void test_no_memory(void **state)
{
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t fail_at = 0; rc && fail_at < 500; fail_at++) {
		struct sp_mem_test mem;
		struct sp_err err = { 0 };
		struct sp_words w;

		sp_mem_test_init(&mem, fail_at);
		rc = parse(&mem.mem, "-t 10.1.1.2 --mode random --seed 2", &w, &err);
		assert_true(rc == 0 || err.exit == SP_EXIT_FAILED);
		if (!rc)
			sp_words_free(&w);
		assert_int_equal(mem.live, 0);
	}
	assert_int_equal(rc, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_random_is_its_seed),
		cmocka_unit_test(test_random_keeps_words),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
