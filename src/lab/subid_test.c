#include "lab/subid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_find(void **state)
{
	static const char text[] = "root:1:2\n"
				   "anna:100000:65536\n"
				   "ann:200000:1000\n"
				   "ann:300000:65536\n"
				   "1001:400000:5\n"
				   "bad:1:\n"
				   "bad:x:5\n"
				   "bad:4294967290:10\n"
				   "bad:-5:10\n"
				   "bad\n"
				   ":5:5\n"
				   "last:7:8";
	struct sp_subid r;

	(void)state;
	assert_true(sp_subid_find(text, "ann", 0, &r));
	assert_int_equal(r.first, 300000);
	assert_int_equal(r.count, 65536);
	assert_true(sp_subid_find(text, "nobody", 1001, &r));
	assert_int_equal(r.first, 400000);
	assert_true(sp_subid_find(text, "last", 0, &r));
	assert_int_equal(r.count, 8);
	assert_false(sp_subid_find(text, "bad", 0, &r));
	assert_false(sp_subid_find(text, "", 0, &r));
	assert_false(sp_subid_find("", "ann", 0, &r));
}

/* It says what is missing, or nothing is. */
static void test_can(void **state)
{
	char why[80];

	(void)state;
	bool can = sp_subid_can(why, sizeof why);
	assert_int_equal(can, why[0] == '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_can),
	};

	return cmocka_run_group_tests_name("lab/subid", tests, NULL, NULL);
}
