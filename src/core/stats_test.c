#include "core/stats.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static struct sp_two_samples compare(const double *a, size_t na, const double *b, size_t nb)
{
	double x[SP_STATS_MAX], y[SP_STATS_MAX];
	struct sp_two_samples r;

	memcpy(x, a, na * sizeof *a);
	memcpy(y, b, nb * sizeof *b);
	assert_int_equal(sp_stats_compare(sp_mem_system(), x, na, y, nb, &r), 0);
	return r;
}

static void test_median(void **state)
{
	double v[] = { 9, 1, 5, 7, 3, 11, 13, 15, 17, 19 };
	struct sp_interval i;

	(void)state;
	NEAR(sp_stats_median(v, 5), 5);
	NEAR(sp_stats_median(v, 10), 10);
	/* 10 values: second to ninth, 97.9 %; six are the fewest. */
	i = sp_stats_median_interval(v, 10);
	NEAR(i.low, 3);
	NEAR(i.high, 17);
	i = sp_stats_median_interval(v, 6);
	NEAR(i.low, 1);
	NEAR(i.high, 11);
	assert_true(isnan(sp_stats_median_interval(v, 5).low));
	assert_true(isnan(sp_stats_median(v, 0)));
}

static void test_batches(void **state)
{
	double v[] = { 1, 3, 5, 7, 9, 11, 13 };

	(void)state;
	assert_int_equal(sp_stats_batch(v, 7, 7), 7);
	assert_int_equal(sp_stats_batch(v, 7, 3), 2);
	NEAR(v[0], 3);
	NEAR(v[1], 9);
}

/* Tables of the exact law: 3 against 3, 4 against 4, 8 against 8 apart. */
static void test_rank_sum(void **state)
{
	const double a[] = { 1, 2, 3, 4, 5, 6, 7, 8 }, b[] = { 11, 12, 13, 14, 15, 16, 17, 18 };
	const double same[] = { 2, 2, 2, 2 };
	struct sp_two_samples r = compare(a, 3, b, 3);

	(void)state;
	assert_true(r.exact);
	NEAR(r.p, 2.0 / 20);
	NEAR(r.shift, 10);
	assert_true(isnan(r.shift_interval.low));
	r = compare(a, 4, b, 4);
	NEAR(r.p, 2.0 / 70);
	NEAR(r.shift_interval.low, 7);
	NEAR(r.shift_interval.high, 13);
	NEAR(compare(b, 8, a, 8).p, 2.0 / 12870);
	NEAR(compare(a, 8, a, 8).p, 1);
	NEAR(compare(same, 4, same, 4).p, 1);
	assert_true(isnan(compare(a, 0, b, 3).p));
	/* Ties: {1,2,2} against {2,3,3}: 14 of 20 choices are nearer to the mean. */
	const double t1[] = { 1, 2, 2 }, t2[] = { 2, 3, 3 };
	NEAR(compare(t1, 3, t2, 3).p, 6.0 / 20);
}

/* Where the exact law ends, the approximation goes on without a step. */
static void test_large(void **state)
{
	double a[60], b[60];
	struct sp_rng rng;
	struct sp_two_samples small, large;

	(void)state;
	sp_rng_init(&rng, 1, "stats");
	for (int i = 0; i < 60; i++) {
		a[i] = sp_rng_unit(&rng);
		b[i] = sp_rng_unit(&rng) + 0.25;
	}
	small = compare(a, 30, b, 30);
	large = compare(a, 30, b, 31);
	assert_true(small.exact && !large.exact);
	assert_true(large.p / small.p > 0.3 && large.p / small.p < 3);
	assert_true(fabs(large.shift_interval.low - small.shift_interval.low) < 0.05);
	assert_true(small.shift_interval.low < 0.25 && small.shift_interval.high > 0.25);
}

/* A thousand pairs of equal laws: p below 0.05 in about fifty of them, the interval holds 0. */
static void test_level(void **state)
{
	double a[12], b[12];
	struct sp_rng rng;
	int rejected = 0, outside = 0;

	(void)state;
	sp_rng_init(&rng, 7, "stats");
	for (int round = 0; round < 1000; round++) {
		struct sp_two_samples r;

		for (int i = 0; i < 12; i++) {
			a[i] = -log(1 - sp_rng_unit(&rng));
			b[i] = -log(1 - sp_rng_unit(&rng));
		}
		r = compare(a, 12, b, 12);
		rejected += r.p <= 0.05;
		outside += r.shift_interval.low > 0 || r.shift_interval.high < 0;
	}
	/* Four standard deviations around 5 %: 22 to 78; ranks are a little careful. */
	assert_in_range(rejected, 20, 78);
	assert_in_range(outside, 20, 78);
}

static void test_holm(void **state)
{
	double p[] = { 0.01, NAN, 0.04, 0.03, 0 };

	(void)state;
	sp_stats_holm(p, 5);
	NEAR(p[0], 0.03);
	assert_true(isnan(p[1]));
	NEAR(p[2], 0.06);
	NEAR(p[3], 0.06);
	NEAR(p[4], 0);
}

static void test_no_memory(void **state)
{
	struct sp_mem_test mem;
	struct sp_two_samples r;
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		double a[] = { 1, 2, 3, 4 }, b[] = { 5, 6, 7, 8 };

		sp_mem_test_init(&mem, n);
		rc = sp_stats_compare(&mem.mem, a, 4, b, 4, &r);
		assert_int_equal(mem.live, 0);
		assert_true(n < 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),	  cmocka_unit_test(test_batches),
		cmocka_unit_test(test_rank_sum),  cmocka_unit_test(test_large),
		cmocka_unit_test(test_level),	  cmocka_unit_test(test_holm),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
