#include "plugin/dist.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

extern const struct sp_dist_ops sp_dist_constant;

static void test_constant(void **state)
{
	const struct sp_dist_ops *d = &sp_dist_constant;
	double st[8], v[SP_DIST_BLOCK], mean, var;
	struct sp_rng rng;

	(void)state;
	assert_true(d->state_size <= sizeof st);
	sp_rng_init(&rng, 1, "constant");
	assert_int_equal(d->init(st, NULL, 2.5, NULL), 0);
	d->draw(st, &rng, v, SP_DIST_BLOCK);
	for (unsigned i = 0; i < SP_DIST_BLOCK; i++)
		assert_true(v[i] == 2.5);
	assert_true(d->cdf(st, 2.4999) == 0);
	assert_true(d->cdf(st, 2.5) == 1);
	assert_true(d->moments(st, &mean, &var));
	assert_true(mean == 2.5 && var == 0);
}

static void test_refused(void **state)
{
	const double bad[] = { -1, (double)NAN, (double)INFINITY };
	double st[8];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct sp_err err = { 0 };

		assert_true(sp_dist_constant.init(st, NULL, bad[i], &err) < 0);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_true(err.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
