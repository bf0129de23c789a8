#include "base/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/rng.h"

enum spin { AUTO, NEVER, ALWAYS };

struct conf {
	bool live;
	uint64_t count, size, duration;
	struct sp_rate rate;
	double loss, shape;
	const char *name, *note;
	int spin;
};

#define AT(member) offsetof(struct conf, member)

static const struct sp_opt rows[] = {
	{ "live", SP_OPT_BOOL, AT(live), "yes", NULL, 0, 0, "show a live table" },
	{ "count", SP_OPT_U64, AT(count), NULL, NULL, 1, 5000, "packets" },
	{ "size", SP_OPT_SIZE, AT(size), "1024", NULL, 18, 65507, "payload" },
	{ "duration", SP_OPT_TIME, AT(duration), "10s", NULL, 1000000, 3600000000000u, "time" },
	{ "rate", SP_OPT_RATE, AT(rate), "100pps", NULL, 0, 0, "rate" },
	{ "loss", SP_OPT_RATIO, AT(loss), "1%", NULL, 0, 0, "loss" },
	{ "shape", SP_OPT_REAL, AT(shape), NULL, NULL, 0, 0, "shape" },
	{ "name", SP_OPT_TEXT, AT(name), "s1", NULL, 0, 0, "name" },
	{ "note", SP_OPT_TEXT, AT(note), NULL, NULL, 0, 0, "note" },
	{ "spin", SP_OPT_ENUM, AT(spin), "never", "auto|never|always", 0, 0, "spinning" },
	{ 0 },
};

struct fixture {
	struct sp_mem_test mem;
	struct sp_arena arena;
	struct conf conf;
	struct sp_err err;
};

static void begin(struct fixture *f, uint64_t fail_at)
{
	memset(f, 0, sizeof *f);
	sp_mem_test_init(&f->mem, fail_at);
	sp_arena_init(&f->arena, &f->mem.mem);
}

static void end(struct fixture *f)
{
	sp_arena_fini(&f->arena);
	assert_int_equal(f->mem.live, 0);
}

static int set(struct fixture *f, const char *key, const char *value, const char *place)
{
	return sp_opts_set(rows, &f->conf, key, value, place, &f->arena, &f->err);
}

static void test_defaults(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, UINT64_MAX);
	assert_int_equal(sp_opts_default(rows, &f.conf, &f.arena, &f.err), 0);
	assert_true(f.conf.live);
	assert_int_equal(f.conf.count, 0);
	assert_int_equal(f.conf.size, 1024);
	assert_int_equal(f.conf.duration, 10000000000u);
	assert_int_equal(f.conf.rate.kind, SP_RATE_PPS);
	assert_int_equal(f.conf.rate.micro, 100000000u);
	assert_true(f.conf.loss == 0.01);
	assert_string_equal(f.conf.name, "s1");
	assert_null(f.conf.note);
	assert_int_equal(f.conf.spin, NEVER);
	end(&f);
}

static void test_setting(void **state)
{
	static const char *const yes[] = { "true", "Yes", "on", "1", "", NULL };
	static const char *const no[] = { "false", "no", "OFF", "0" };
	struct fixture f;
	char text[] = "mine";

	(void)state;
	begin(&f, UINT64_MAX);
	for (size_t i = 0; i < 6; i++) {
		f.conf.live = false;
		assert_int_equal(set(&f, "live", yes[i], "--live"), 0);
		assert_true(f.conf.live);
	}
	for (size_t i = 0; i < 4; i++) {
		f.conf.live = true;
		assert_int_equal(set(&f, "live", no[i], "--live"), 0);
		assert_false(f.conf.live);
	}
	assert_int_equal(set(&f, "count", "5K", "--count"), 0);
	assert_int_equal(f.conf.count, 5000);
	assert_int_equal(set(&f, "rate", "max", "--rate"), 0);
	assert_int_equal(f.conf.rate.kind, SP_RATE_MAX);
	assert_int_equal(set(&f, "shape", "-0.7", "--shape"), 0);
	assert_true(f.conf.shape == -0.7);
	assert_int_equal(set(&f, "name", text, "--name"), 0);
	text[0] = 'x'; /* a copy was made */
	assert_string_equal(f.conf.name, "mine");
	assert_int_equal(set(&f, "name", "", "--name"), 0);
	assert_string_equal(f.conf.name, "");
	assert_int_equal(set(&f, "spin", "ALWAYS", "--spin"), 0);
	assert_int_equal(f.conf.spin, ALWAYS);
	assert_ptr_equal(sp_opt_find(rows, "loss"), &rows[5]);
	assert_null(sp_opt_find(rows, "los"));
	end(&f);
}

static void test_sentences(void **state)
{
	static const struct {
		const char *key, *value, *place;
		int rc;
		const char *text;
	} cases[] = {
		{ "rate", "abc", "--rate", -EINVAL,
		  "--rate: 'abc' is not a rate (such as 100pps, 50kpps, 2Gbit/s or max)" },
		{ "rate", "abc", "-r", -EINVAL,
		  "-r: rate: 'abc' is not a rate (such as 100pps, 50kpps, 2Gbit/s or max)" },
		{ "rate", "9999999Gpps", "x.yaml:3:5", -ERANGE,
		  "x.yaml:3:5: rate: '9999999Gpps' is too large" },
		{ "rate", NULL, "--rate", -EINVAL,
		  "--rate: needs a value: a rate (such as 100pps, 50kpps, 2Gbit/s or max)" },
		{ "name", NULL, "--name", -EINVAL, "--name: needs a value: a text" },
		{ "live", "maybe", "--live", -EINVAL, "--live: 'maybe' is not yes or no" },
		{ "size", "17", "--size", -ERANGE, "--size: must be at least 18 bytes" },
		{ "size", "64Ki", "--size", -ERANGE, "--size: must be at most 65507 bytes" },
		{ "size", "big\x1b", "--size", -EINVAL,
		  "--size: 'big\\x1b' is not a size (such as 1400, 64K or 10MiB)" },
		{ "count", "0", "--count", -ERANGE, "--count: must be at least 1" },
		{ "count", "5001", NULL, -ERANGE, "count: must be at most 5000" },
		{ "duration", "2h", "--duration", -ERANGE, "--duration: must be at most 1h" },
		{ "duration", "1us", "--duration", -ERANGE,
		  "--duration: must be at least 1ms" },
		{ "loss", "2", "--loss", -ERANGE, "--loss: '2' is not between 0 and 1 (100%)" },
		{ "shape", "x", "--shape", -EINVAL,
		  "--shape: 'x' is not a number (such as 0.7)" },
		{ "spin", "alwys", "--spin", -EINVAL,
		  "--spin: 'alwys' is none of auto, never, always; did you mean 'always'?" },
		{ "spin", "qqq", "--spin", -EINVAL,
		  "--spin: 'qqq' is none of auto, never, always" },
		{ "rte", "5", "x.yaml:3:5", -ENOENT,
		  "x.yaml:3:5: no such setting 'rte'; did you mean 'rate'?" },
		{ "zzzz", "5", NULL, -ENOENT, "no such setting 'zzzz'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct conf before;
		struct fixture f;

		begin(&f, UINT64_MAX);
		before = f.conf;
		assert_int_equal(set(&f, cases[i].key, cases[i].value, cases[i].place),
				 cases[i].rc);
		assert_string_equal(f.err.text, cases[i].text);
		assert_int_equal(f.err.code, cases[i].rc);
		assert_int_equal(f.err.exit, SP_EXIT_USAGE);
		assert_memory_equal(&f.conf, &before, sizeof before);
		end(&f);
	}
}

static void print(struct fixture *f, struct sp_str *s)
{
	struct sp_json j;

	sp_str_clear(s);
	sp_json_init(&j, s, 0);
	sp_json_open(&j, NULL, '{');
	sp_opts_print(rows, &f->conf, &j);
	sp_json_close(&j, '}');
}

static void test_printing(void **state)
{
	struct fixture f;
	struct sp_str s;

	(void)state;
	begin(&f, UINT64_MAX);
	sp_str_init(&s, &f.mem.mem);
	print(&f, &s);
	assert_string_equal(s.text,
			    "{\"live\":false,\"count\":0,\"size\":0,\"duration\":\"0s\","
			    "\"rate\":null,\"loss\":0,\"shape\":0,\"name\":null,"
			    "\"note\":null,\"spin\":\"auto\"}");
	assert_int_equal(sp_opts_default(rows, &f.conf, &f.arena, &f.err), 0);
	assert_int_equal(set(&f, "rate", "1.5Mbps@l1", "-r"), 0);
	assert_int_equal(set(&f, "shape", "0.7", "-s"), 0);
	print(&f, &s);
	assert_string_equal(s.text, "{\"live\":true,\"count\":0,\"size\":1024,"
				    "\"duration\":\"10s\",\"rate\":\"1500kbit/s@l1\","
				    "\"loss\":0.01,\"shape\":0.7,\"name\":\"s1\",\"note\":null,"
				    "\"spin\":\"never\"}");
	sp_str_fini(&s);
	end(&f);
}

/* Rows that came later do not change the texts of those who do not use them. */
static void test_quiet_rows(void **state)
{
	static const struct sp_opt quiet[] = {
		{ "live", SP_OPT_BOOL, AT(live), NULL, SP_OPT_QUIET, 0, 0, "" },
		{ "count", SP_OPT_U64, AT(count), NULL, SP_OPT_QUIET, 0, 0, "" },
		{ "duration", SP_OPT_TIME, AT(duration), NULL, SP_OPT_QUIET, 0, 0, "" },
		{ "name", SP_OPT_TEXT, AT(name), "", SP_OPT_QUIET, 0, 0, "" },
		{ "note", SP_OPT_TEXT, AT(note), NULL, SP_OPT_QUIET, 0, 0, "" },
		{ "spin", SP_OPT_ENUM, AT(spin), "auto", "auto|never", 1, 0, "" },
		{ 0 },
	};
	const struct conf used = { .live = true,
				   .count = 1,
				   .duration = 1000,
				   .name = "a",
				   .note = "b",
				   .spin = NEVER };
	struct conf conf = { .name = "" };
	struct sp_mem_test mem;
	struct sp_json j;
	struct sp_str s;

	(void)state;
	sp_mem_test_init(&mem, UINT64_MAX);
	sp_str_init(&s, &mem.mem);
	for (int i = 0; i < 2; i++) {
		sp_str_clear(&s);
		sp_json_init(&j, &s, 0);
		sp_json_open(&j, NULL, '{');
		sp_opts_print(quiet, &conf, &j);
		sp_json_close(&j, '}');
		assert_string_equal(s.text, i == 0 ? "{}"
						   : "{\"live\":true,\"count\":1,"
						     "\"duration\":\"1us\",\"name\":\"a\","
						     "\"note\":\"b\",\"spin\":\"never\"}");
		conf = used;
	}
	sp_str_fini(&s);
	assert_int_equal(mem.live, 0);
}

static void test_out_of_memory(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0);
	assert_int_equal(set(&f, "name", "x", "--name"), -ENOMEM);
	assert_string_equal(f.err.text, "--name: out of memory");
	assert_int_equal(f.err.exit, SP_EXIT_FAILED);
	end(&f);
	begin(&f, 0);
	assert_int_equal(sp_opts_default(rows, &f.conf, &f.arena, &f.err), -ENOMEM);
	end(&f);
}

static void test_calls(void **state)
{
	static const char *const good[][3] = {
		{ "weibull", "weibull", "" },
		{ "weibull()", "weibull", "" },
		{ "weibull(shape=0.7)", "weibull", "shape=0.7" },
		{ " student-t( a = 1 , b=2 ) ", "student-t", " a = 1 , b=2 " },
		{ "mix(a=exp(mean=1),b=x)", "mix", "a=exp(mean=1),b=x" },
	};
	static const char *const wrong[] = { "",    "()",    "a(b",   "a(b))", "a)b",
					     "a b", "a(b)c", "a((b)", "a.b",   "-\xff" };
	struct sp_err e;
	struct sp_call c;
	char big[600];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(sp_call_parse(good[i][0], &c, "-d", &e), 0);
		assert_string_equal(c.name, good[i][1]);
		assert_string_equal(c.args, good[i][2]);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(sp_call_parse(wrong[i], &c, "-d", &e), -EINVAL);
	sp_call_parse("a(b", &c, "--departure", &e);
	assert_string_equal(e.text, "--departure: in 'a(b' a bracket is not closed");
	sp_call_parse("a b", &c, "--departure", &e);
	assert_string_equal(
		e.text, "--departure: 'a b' is not of the form name or name(key=value,...)");
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_int_equal(sp_call_parse(big, &c, "-d", &e), -EINVAL);
	big[32] = '\0';
	assert_int_equal(sp_call_parse(big, &c, "-d", &e), -EINVAL);
	big[31] = '\0';
	assert_int_equal(sp_call_parse(big, &c, "-d", &e), 0);
	memset(big, 'a', sizeof big - 1);
	big[1] = '(';
	big[482] = ')';
	big[483] = '\0';
	assert_int_equal(sp_call_parse(big, &c, "-d", &e), -EINVAL);
	big[481] = ')';
	big[482] = '\0';
	assert_int_equal(sp_call_parse(big, &c, "-d", &e), 0);
	assert_int_equal(strlen(c.args), 479);
}

static int call(struct fixture *f, const char *text)
{
	struct sp_call c;
	int rc = sp_call_parse(text, &c, "--law", &f->err);

	return rc ? rc : sp_call_args(&c, rows, &f->conf, "--law", &f->arena, &f->err);
}

static void test_call_args(void **state)
{
	static const char *const rows_wrong[][2] = {
		{ "w(shap=1)", "--law: w: no such setting 'shap'; did you mean 'shape'?" },
		{ "w(shape=x)", "--law: w: shape: 'x' is not a number (such as 0.7)" },
		{ "w(shape)", "--law: w: shape: needs a value: a number (such as 0.7)" },
		{ "w(shape=1,shape=2)", "--law: w: 'shape' is given twice" },
		{ "w(shape=1,)", "--law: w: key=value is expected" },
		{ "w(,)", "--law: w: key=value is expected" },
		{ "w(=3)", "--law: w: key=value is expected before '3'" },
	};
	struct fixture f;

	(void)state;
	begin(&f, UINT64_MAX);
	assert_int_equal(call(&f, "w"), 0);
	assert_int_equal(call(&f, "w( )"), 0);
	assert_int_equal(call(&f, "w( shape = 0.7 , live, name=f(a=1,b=2),note=x=y)"), 0);
	assert_true(f.conf.shape == 0.7);
	assert_true(f.conf.live);
	assert_string_equal(f.conf.name, "f(a=1,b=2)");
	assert_string_equal(f.conf.note, "x=y");
	for (size_t i = 0; i < sizeof rows_wrong / sizeof *rows_wrong; i++) {
		assert_true(call(&f, rows_wrong[i][0]) < 0);
		assert_string_equal(f.err.text, rows_wrong[i][1]);
	}
	end(&f);
}

/* Any text ends in settings or in a sentence. */
static void test_random_calls(void **state)
{
	static const char *const pieces[] = { "w", "(",	    ")",   ",",	   "=",
					      " ", "shape", "0.7", "live", "name" };
	struct sp_rng r;
	unsigned taken = 0;

	(void)state;
	sp_rng_init(&r, 4, "calls");
	for (int i = 0; i < 50000; i++) {
		char text[100] = "w(";
		struct fixture f;
		size_t at = sp_rng_below(&r, 3);

		for (uint64_t n = sp_rng_below(&r, 14); n; n--) {
			const char *p = pieces[sp_rng_below(&r, 10)];

			memcpy(text + at, p, strlen(p));
			at += strlen(p);
		}
		text[at] = '\0';
		begin(&f, UINT64_MAX);
		if (call(&f, text) == 0)
			taken++;
		else
			assert_true(strlen(f.err.text) > 10);
		end(&f);
	}
	assert_true(taken > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_setting),
		cmocka_unit_test(test_sentences),    cmocka_unit_test(test_printing),
		cmocka_unit_test(test_quiet_rows),   cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_calls),	     cmocka_unit_test(test_call_args),
		cmocka_unit_test(test_random_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
