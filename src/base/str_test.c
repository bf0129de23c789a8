#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/rng.h"

static void test_growing(void **state)
{
	struct sp_mem_test t;
	struct sp_str s;

	(void)state;
	sp_mem_test_init(&t, UINT64_MAX);
	sp_str_init(&s, &t.mem);
	assert_string_equal(s.text, "");
	sp_str_clear(&s);
	sp_str_puts(&s, "");
	sp_str_printf(&s, "%s", "");
	assert_int_equal(t.count, 0);
	for (int i = 0; i < 1000; i++) {
		sp_str_printf(&s, "%04d", i);
		sp_str_put(&s, "-+", 1);
		assert_int_equal(s.len, (size_t)(i + 1) * 5);
		assert_int_equal(s.text[s.len], 0);
	}
	for (int i = 0; i < 1000; i++) {
		char want[8];

		snprintf(want, sizeof want, "%04d-", i);
		assert_memory_equal(s.text + i * 5, want, 5);
	}
	sp_str_clear(&s);
	assert_string_equal(s.text, "");
	sp_str_puts(&s, "again");
	assert_string_equal(s.text, "again");
	assert_false(s.failed);
	sp_str_fini(&s);
	assert_string_equal(s.text, "");
	assert_int_equal(t.live, 0);
}

/* After the failure the text is what it was, whatever is called. */
static void test_sticky_failure(void **state)
{
	(void)state;
	for (uint64_t fail = 0; fail < 3; fail++) {
		struct sp_mem_test t;
		struct sp_str s;
		char text[256];

		sp_mem_test_init(&t, fail);
		sp_str_init(&s, &t.mem);
		for (int i = 0; i < 300 && !s.failed; i++) {
			sp_strlcpy(text, s.text, sizeof text);
			if (i & 1)
				sp_str_puts(&s, "x");
			else
				sp_str_printf(&s, "%d", i % 10);
		}
		assert_true(s.failed);
		assert_string_equal(s.text, text);
		sp_str_puts(&s, "more");
		sp_str_printf(&s, "%d", 5);
		sp_str_clear(&s);
		assert_true(s.failed);
		assert_string_equal(s.text, text);
		sp_str_fini(&s);
		assert_int_equal(t.live, 0);
	}
}

static void test_strlcpy(void **state)
{
	char buf[4] = "zzz";

	(void)state;
	assert_int_equal(sp_strlcpy(buf, "abcdef", sizeof buf), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(sp_strlcpy(buf, "", sizeof buf), 0);
	assert_string_equal(buf, "");
	buf[0] = 'q';
	assert_int_equal(sp_strlcpy(buf, "ab", 0), 2);
	assert_int_equal(buf[0], 'q');
}

static void test_ieq(void **state)
{
	(void)state;
	assert_true(sp_str_ieq("", ""));
	assert_true(sp_str_ieq("Mbit/s", "mBIT/S"));
	assert_false(sp_str_ieq("abc", "abcd"));
	assert_false(sp_str_ieq("abcd", "abc"));
	assert_false(sp_str_ieq("@", "`"));
	assert_false(sp_str_ieq("[", "{"));
	assert_false(sp_str_ieq("\xc4", "\xe4"));
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "rate",	 "size", "duration", "target",
					     "protocol", "port", "tcp",	     "udp" };
	static const char *const rows[][2] = {
		{ "rte", "rate" },     { "raet", "rate" },
		{ "RATE", "rate" },    { "duratoin", "duration" },
		{ "sise", "size" },    { "targets", "target" },
		{ "tc", "tcp" },       { "protocl", "protocol" },
		{ "prot", "port" },    { "xyz", NULL },
		{ "siqq", NULL },      { "", NULL },
		{ "q", NULL },	       { "d", NULL },
		{ "interface", NULL },
	};
	char longest[200];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = sp_str_nearest(rows[i][0], words, 8);

		if (!rows[i][1])
			assert_null(got);
		else
			assert_string_equal(got, rows[i][1]);
	}
	assert_null(sp_str_nearest("rate", words, 0));
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_null(sp_str_nearest(longest, words, 8));
	assert_null(sp_str_nearest("rate", (const char *const[]){ longest }, 1));
	longest[63] = '\0';
	assert_non_null(sp_str_nearest(longest, (const char *const[]){ longest }, 1));
}

static void test_utf8(void **state)
{
	static const struct {
		const char *s;
		size_t n;
	} rows[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xee\x80\x80", 3 },
		{ "\xef\xbf\xbf", 3 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\x80", 0 },
		{ "\xbf", 0 },
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		{ "\xc2", 0 },
		{ "\xc2\x41", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xe2\x82", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xed\xbf\xbf", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf0\x9f\x98", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(sp_utf8_len(rows[i].s), rows[i].n);
}

static void test_printable(void **state)
{
	static const char *const rows[][2] = {
		{ "plain", "plain" },
		{ "b\xc3\xbcro", "b\xc3\xbcro" },
		{ "a\nb\tc", "a\\x0ab\\x09c" },
		{ "\x1b[31m", "\\x1b[31m" },
		{ "\x7f", "\\x7f" },
		{ "\xc2\x9b", "\\xc2\\x9b" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xe2\x82", "\\xe2\\x82" },
	};
	char buf[64];
	struct sp_rng r;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(sp_str_printable(buf, sizeof buf, rows[i][0]), rows[i][1]);
	/* A character or an escape is there as a whole or not at all. */
	assert_string_equal(sp_str_printable(buf, 3, "a\xc3\xbc"), "a");
	assert_string_equal(sp_str_printable(buf, 4, "a\xc3\xbc"), "a\xc3\xbc");
	assert_string_equal(sp_str_printable(buf, 5, "a\n"), "a");
	assert_string_equal(sp_str_printable(buf, 6, "a\n"), "a\\x0a");
	assert_string_equal(sp_str_printable(buf, 1, "a"), "");
	buf[0] = 'q';
	sp_str_printable(buf, 0, "a");
	assert_int_equal(buf[0], 'q');

	sp_rng_init(&r, 5, "printable");
	for (int round = 0; round < 20000; round++) {
		char in[20], out[40];
		size_t n = sp_rng_below(&r, sizeof in), cap = 1 + sp_rng_below(&r, sizeof out);

		for (size_t i = 0; i < n; i++)
			in[i] = (char)(1 + sp_rng_below(&r, 255));
		in[n] = '\0';
		sp_str_printable(out, cap, in);
		assert_true(strlen(out) < cap);
		for (const char *p = out; *p; p += sp_utf8_len(p)) {
			assert_true(sp_utf8_len(p) > 0);
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		}
	}
}

static void test_grouped(void **state)
{
	char buf[27];

	(void)state;
	assert_string_equal(sp_str_count(buf, sizeof buf, 0, "frame"), "0 frames");
	assert_string_equal(sp_str_count(buf, sizeof buf, 1, "frame"), "1 frame");
	assert_string_equal(sp_str_count(buf, sizeof buf, 1000, "frame"), "1,000 frames");
	assert_string_equal(sp_str_grouped(buf, sizeof buf, 0), "0");
	assert_string_equal(sp_str_grouped(buf, sizeof buf, 999), "999");
	assert_string_equal(sp_str_grouped(buf, sizeof buf, 1000), "1,000");
	assert_string_equal(sp_str_grouped(buf, sizeof buf, 1234567), "1,234,567");
	assert_string_equal(sp_str_grouped(buf, sizeof buf, UINT64_MAX),
			    "18,446,744,073,709,551,615");
	assert_string_equal(sp_str_grouped(buf, 4, 1234567), "1,2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growing),	  cmocka_unit_test(test_sticky_failure),
		cmocka_unit_test(test_strlcpy),	  cmocka_unit_test(test_ieq),
		cmocka_unit_test(test_nearest),	  cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_printable), cmocka_unit_test(test_grouped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
