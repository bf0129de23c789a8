#include "base/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

static const struct sp_flag rows[] = {
	{ "-t, --target, --target-ip", SP_FLAG_VALUE, "ADDR", "target", NULL, "G", "where to" },
	{ "-r, --rate", SP_FLAG_VALUE, "RATE", "rate", NULL, "G", "how fast" },
	{ "-D, --duration", SP_FLAG_VALUE, "TIME", "duration", NULL, "G", "how long" },
	{ "--no-gso", SP_FLAG_NONE, NULL, "gso", "false", "G", "one at a time" },
	{ "-4", SP_FLAG_NONE, NULL, "family", "4", "G", "IPv4" },
	{ "-v, --verbose", SP_FLAG_NONE, NULL, "verbose", "true", "G", "more" },
	{ 0 },
};

struct seen {
	char text[512];
	int stop_at; /* the call that returns 7; 0: none */
	int calls;
};

static int note(void *arg, const struct sp_flag *f, const char *value, const char *spelling,
		struct sp_err *e)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	(void)e;
	snprintf(s->text + at, sizeof s->text - at, "[%s %s %s]", f ? f->key : "word", spelling,
		 value);
	return ++s->calls == s->stop_at ? 7 : 0;
}

/* Splits at blanks; the words are the argv. */
static int parse(const char *line, struct seen *s, struct sp_err *e)
{
	char copy[256], *argv[32], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return sp_flags_parse(rows, argc, argv, note, s, e);
}

static void test_good(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "--rate 5", "[rate --rate 5]" },
		{ "--rate=5", "[rate --rate 5]" },
		{ "--rate=", "[rate --rate ]" },
		{ "--rate=a=b", "[rate --rate a=b]" },
		{ "-r 5", "[rate -r 5]" },
		{ "-r5", "[rate -r 5]" },
		{ "-D -1", "[duration -D -1]" },
		{ "--rate --size", "[rate --rate --size]" },
		{ "--no-gso", "[gso --no-gso false]" },
		{ "-4v", "[family -4 4][verbose -v true]" },
		{ "-4vr5", "[family -4 4][verbose -v true][rate -r 5]" },
		{ "a -v b", "[word a a][verbose -v true][word b b]" },
		{ "-v -- -v --rate --", "[verbose -v true][word -v -v][word --rate --rate]"
					"[word -- --]" },
		{ "-", "[word - -]" },
		{ "--target-ip x --target y", "[target --target-ip x][target --target y]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sp_err e = { 0 };
		struct seen s = { 0 };

		if (parse(cases[i][0], &s, &e))
			fail_msg("%s", e.text);
		assert_string_equal(s.text, cases[i][1]);
	}
}

static void test_sentences(void **state)
{
	static const char *const cases[][2] = {
		{ "--rte 5", "--rte: no such option; did you mean --rate?" },
		{ "--rte=5", "--rte: no such option; did you mean --rate?" },
		{ "--Rate 5", "--Rate: no such option; did you mean --rate?" },
		{ "--target_ip 5", "--target_ip: no such option; did you mean --target-ip?" },
		{ "--dur 5", "--dur: no such option; did you mean --duration?" },
		{ "--no 5", "--no: no such option; did you mean --no-gso?" },
		{ "--t 5", "--t: no such option" },
		{ "--interface 5", "--interface: no such option" },
		{ "--xx\x1b", "--xx\\x1b: no such option" },
		{ "-x", "-x: no such option" },
		{ "-xyz", "-xyz: no such option" },
		{ "-4x", "-x: no such option" },
		{ "-4=", "-=: no such option" },
		{ "a --rate", "--rate: needs a value: RATE" },
		{ "-r", "-r: needs a value: RATE" },
		{ "--no-gso=1", "--no-gso: takes no value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sp_err e = { 0 };
		struct seen s = { 0 };

		assert_int_equal(parse(cases[i][0], &s, &e),
				 strstr(cases[i][1], "no such option") ? -ENOENT : -EINVAL);
		assert_string_equal(e.text, cases[i][1]);
		assert_int_equal(e.exit, SP_EXIT_USAGE);
	}
}

static void test_stops(void **state)
{
	struct sp_err e = { 0 };
	struct seen s = { .stop_at = 2 };

	(void)state;
	assert_int_equal(parse("-4vr5 b", &s, &e), 7);
	assert_string_equal(s.text, "[family -4 4][verbose -v true]");
}

/* No command line crashes it, or fails without a sentence. */
static void test_random_lines(void **state)
{
	struct sp_rng r;

	(void)state;
	sp_rng_init(&r, 6, "lines");
	for (int round = 0; round < 50000; round++) {
		struct sp_err e = { 0 };
		struct seen s = { 0 };
		char line[40];
		size_t n = sp_rng_below(&r, sizeof line);

		for (size_t i = 0; i < n; i++)
			line[i] = sp_rng_below(&r, 3) ? "-=r4vt rate"[sp_rng_below(&r, 11)]
						      : (char)(1 + sp_rng_below(&r, 255));
		line[n] = '\0';
		if (parse(line, &s, &e))
			assert_true(strlen(e.text) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_random_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
