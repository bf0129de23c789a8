#include "report/fmt.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "report/sample.h"

static void check(struct sp_str *s, const char *want)
{
	assert_false(s->failed);
	assert_string_equal(s->text, want);
	sp_str_clear(s);
}

static void texts_are_shown_harmlessly(void **state)
{
	struct sp_str s;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	sp_fmt_safe(&s, "caf\xc3\xa9 \033[31m\x07");
	check(&s, "caf\xc3\xa9 \\x1b[31m\\x07");
	sp_fmt_safe(&s, "a\xe2\x80\xae"
			"b\xef\xbb\xbf\xf3\xa0\x80\x81");
	check(&s, "a\\u202eb\\ufeff\\ue0001");
	sp_fmt_safe(&s, "\x9b\xc2\x9b\xff");
	check(&s, "\\x9b\\x9b\\xff");
	sp_fmt_safe(&s, SP_SAMPLE_HOSTILE);
	sp_sample_assert_harmless(s.text, false);
	sp_str_fini(&s);
}

static void cells_have_exactly_their_width(void **state)
{
	struct sp_str s;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	sp_fmt_left(&s, "abc", 5);
	check(&s, "abc  ");
	sp_fmt_left(&s, "abcdef", 5);
	check(&s, "abc..");
	sp_fmt_left(&s, "abcde", 5);
	check(&s, "abcde");
	sp_fmt_left(&s, "abcdef", 1);
	check(&s, ".");
	sp_fmt_left(&s, "abcdef", 0);
	check(&s, "");
	/* two columns each: the third does not fit beside the dots */
	sp_fmt_left(&s, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", 5);
	check(&s, "\xe6\xbc\xa2.. ");
	/* a combining accent takes none */
	sp_fmt_left(&s, "e\xcc\x81x", 3);
	check(&s, "e\xcc\x81x ");
	sp_fmt_right(&s, "12", 4);
	sp_fmt_right(&s, "12345", 4);
	check(&s, "  1212345");
	sp_str_fini(&s);
}

static void long_sentences_are_broken_at_blanks(void **state)
{
	struct sp_str s;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	sp_fmt_wrap(&s, "aaaa bbbb", 76, 4);
	check(&s, "aaaa\n    bbbb\n");
	sp_fmt_wrap(&s, "aaaa bbbb", 71, 4);
	check(&s, "aaaa bbbb\n");
	sp_fmt_wrap(&s, "used 99.2 % of it", 70, 2);
	check(&s, "used\n  99.2 % of it\n");
	sp_fmt_wrap(&s, "", 3, 2);
	check(&s, "\n");
	sp_str_fini(&s);
}

static void figures_are_exact_and_never_hide_the_unknown(void **state)
{
	char b[SP_FMT_FIGURE];

	(void)state;
	assert_string_equal(sp_fmt_fixed(b, sizeof b, 98.924, 2), "98.92");
	assert_string_equal(sp_fmt_fixed(b, sizeof b, -0.001, 2), "0.00");
	assert_string_equal(sp_fmt_fixed(b, sizeof b, -1.5, 1), "-1.5");
	assert_string_equal(sp_fmt_fixed(b, sizeof b, NAN, 2), "unknown");
	assert_string_equal(sp_fmt_fixed(b, sizeof b, INFINITY, 2), "unknown");
	assert_string_equal(sp_fmt_fixed_grouped(b, sizeof b, 1234567.89, 1), "1,234,567.9");
	assert_string_equal(sp_fmt_short(b, sizeof b, 1000), "1,000");
	assert_string_equal(sp_fmt_short(b, sizeof b, 999.6), "1,000");
	assert_string_equal(sp_fmt_short(b, sizeof b, 99.93), "99.9");
	assert_string_equal(sp_fmt_short(b, sizeof b, 0.5), "0.50");
	assert_string_equal(sp_fmt_short(b, sizeof b, 0), "0");
	assert_string_equal(sp_fmt_percent(b, sizeof b, 0, 100), "0 %");
	assert_string_equal(sp_fmt_percent(b, sizeof b, 1, 1000000000), "<0.001 %");
	assert_string_equal(sp_fmt_percent(b, sizeof b, 1, 1000), "0.100 %");
	assert_string_equal(sp_fmt_percent(b, sizeof b, 100, 100), "100 %");
	assert_string_equal(sp_fmt_percent(b, sizeof b, 0, 0), "unknown");
	assert_string_equal(sp_fmt_utc(b, sizeof b, SP_SAMPLE_START_NS - 1, 3),
			    "2025-12-31T23:59:59.999Z");
	assert_string_equal(sp_fmt_utc(b, sizeof b, -1, 0), "1969-12-31T23:59:59Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_shown_harmlessly),
		cmocka_unit_test(cells_have_exactly_their_width),
		cmocka_unit_test(long_sentences_are_broken_at_blanks),
		cmocka_unit_test(figures_are_exact_and_never_hide_the_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
