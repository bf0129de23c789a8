#include "capture/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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
		cmocka_unit_test(test_no_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
