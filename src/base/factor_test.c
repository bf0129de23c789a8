#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "base/factor.h"

static void factors(void **state)
{
	struct sp_factor f;

	(void)state;
	assert_int_equal(sp_factor_parse("1", &f), 0);
	assert_int_equal(sp_factor_scale(&f, 12345), 12345);
	assert_int_equal(sp_factor_parse("0.01", &f), 0);
	assert_int_equal(sp_factor_scale(&f, 1000), 10);
	assert_int_equal(sp_factor_scale(&f, 1001), 11); /* never early */
	assert_int_equal(sp_factor_parse("1e-3", &f), 0);
	assert_int_equal(sp_factor_scale(&f, 7000000), 7000);
	assert_int_equal(sp_factor_parse("2.50", &f), 0);
	assert_int_equal(sp_factor_scale(&f, 4), 10);
	assert_int_equal(sp_factor_parse("1e6", &f), 0);
	assert_int_equal(sp_factor_scale(&f, 3), 3000000);
	assert_int_equal(sp_factor_scale(&f, UINT64_MAX), UINT64_MAX / 2);
	assert_int_equal(sp_factor_parse("0", &f), -ERANGE);
	assert_int_equal(sp_factor_parse("0.0", &f), -ERANGE);
	assert_int_equal(sp_factor_parse("-1", &f), -ERANGE);
	assert_int_equal(sp_factor_parse("1e7", &f), -ERANGE);
	assert_int_equal(sp_factor_parse("1e-40", &f), -ERANGE);
	assert_int_equal(sp_factor_parse("fast", &f), -EINVAL);
	assert_int_equal(sp_factor_parse("", &f), -EINVAL);
	assert_int_equal(sp_factor_parse(".", &f), -EINVAL);
	assert_int_equal(sp_factor_parse("1e", &f), -EINVAL);
	assert_int_equal(sp_factor_parse("1.2.3", &f), -EINVAL);
	assert_int_equal(sp_factor_parse("nan", &f), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(factors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
