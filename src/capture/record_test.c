#include "capture/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_filters(void **state)
{
	static const char *const wrong[] = { "udp prot 5", "(", "port 99999",
					     "host 1.2.3.4.5" };
	struct sp_err err;

	(void)state;
	assert_int_equal(sp_capture_filter_check("", &err), 0);
	assert_int_equal(sp_capture_filter_check("udp port 5001 and host 10.0.0.1", &err), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err = (struct sp_err){ 0 };
		assert_int_equal(sp_capture_filter_check(wrong[i], &err), -22);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		assert_non_null(strstr(err.text, wrong[i]));
	}
}

static void test_no_interface(void **state)
{
	static const char *const wrong[] = { "", "no-such-if0", "a-name-that-is-far-too-long" };
	struct sp_err err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err = (struct sp_err){ 0 };
		assert_true(sp_capture_open(wrong[i], "", &err) < 0);
		assert_int_equal(err.exit, SP_EXIT_PERM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_no_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
