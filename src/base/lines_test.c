#include "base/lines.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void test_words_of_lines(void **state)
{
	static const char text[] = "one  two\r\n\n  # only a comment\n\tthree #four five#6";
	static const char *const want[][3] = {
		{ "one", "two", "" }, { "", "", "" }, { "", "", "" }, { "three", "", "" }
	};
	struct sp_line l;
	char word[16];

	(void)state;
	sp_line_init(&l, text, strlen(text), "f", NULL);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(sp_line_next(&l, NULL), 1);
		assert_int_equal(l.number, i + 1);
		for (unsigned k = 0; k < 3; k++) {
			sp_line_word(&l, word, sizeof word);
			assert_string_equal(word, want[i][k]);
		}
	}
	assert_int_equal(sp_line_next(&l, NULL), 0);
	assert_int_equal(sp_line_next(&l, NULL), 0);
}

static void test_other_blanks_and_long_words(void **state)
{
	static const char text[] = "key=a#value-that-is-long";
	struct sp_line l;
	char word[6];

	(void)state;
	sp_line_init(&l, text, strlen(text), "f", " =");
	assert_int_equal(sp_line_next(&l, NULL), 1);
	assert_ptr_equal(sp_line_word(&l, word, sizeof word), text);
	assert_string_equal(word, "key");
	assert_ptr_equal(sp_line_word(&l, word, sizeof word), text + 4);
	assert_string_equal(word, "a#val");
	assert_ptr_equal(sp_line_word(&l, word, sizeof word), text + strlen(text));
	assert_string_equal(word, "");
}

static void test_places(void **state)
{
	static const char text[] = "fine\nsome word\nze\0ro\n";
	struct sp_line l;
	struct sp_err err;
	char word[8];

	(void)state;
	sp_line_init(&l, text, sizeof text - 1, "file", NULL);
	assert_int_equal(sp_line_next(&l, &err), 1);
	assert_int_equal(sp_line_next(&l, &err), 1);
	sp_line_word(&l, word, sizeof word);
	assert_int_equal(sp_line_bad(&l, sp_line_word(&l, word, sizeof word), "no", &err),
			 -EINVAL);
	assert_string_equal(err.text, "file:2:6: no");
	assert_int_equal(err.exit, SP_EXIT_DATA);
	assert_int_equal(sp_line_next(&l, &err), -EINVAL);
	assert_string_equal(err.text, "file:3:1: a zero byte: this is not text");
}

static void test_no_text(void **state)
{
	struct sp_line l;

	(void)state;
	sp_line_init(&l, "", 0, "f", NULL);
	assert_int_equal(sp_line_next(&l, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_lines),
		cmocka_unit_test(test_other_blanks_and_long_words),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
