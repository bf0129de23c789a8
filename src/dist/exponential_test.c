#include "plugin/dist.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

extern const struct sp_dist_ops sp_dist_exponential;
#define D (&sp_dist_exponential)

enum { N = 100000 };

/* The draws against libm's logarithm of the same random numbers. */
static void test_accuracy(void **state)
{
	struct sp_rng a, b;
	double st[8], v[SP_DIST_BLOCK];

	(void)state;
	assert_true(D->state_size <= sizeof st);
	assert_int_equal(D->init(st, NULL, 1, NULL), 0);
	sp_rng_init(&a, 1, "exponential");
	b = a;
	for (unsigned round = 0; round < 20000; round++) {
		D->draw(st, &a, v, SP_DIST_BLOCK);
		for (unsigned i = 0; i < SP_DIST_BLOCK; i++) {
			double want = -log(sp_rng_unit(&b));

			assert_true(v[i] > 0);
			assert_true(fabs(v[i] - want) <= 1e-15 * want);
		}
	}
}

/* The same bits from every compiler, version and machine. */
static void test_same_bits(void **state)
{
	uint64_t hash = 0, bits;
	double st[8], v[SP_DIST_BLOCK];
	struct sp_rng rng;

	(void)state;
	assert_int_equal(D->init(st, NULL, 12345.678, NULL), 0);
	sp_rng_init(&rng, 42, "exponential");
	for (unsigned round = 0; round < 1000; round++) {
		D->draw(st, &rng, v, SP_DIST_BLOCK);
		for (unsigned i = 0; i < SP_DIST_BLOCK; i++) {
			memcpy(&bits, &v[i], sizeof bits);
			hash = (hash ^ bits) * 0x100000001b3;
		}
	}
	assert_true(hash == 0x227e0379d0126a9e);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Probability that the Kolmogorov-Smirnov distance of n draws exceeds d (Stephens 1970). */
static double ks_p(double d, double n)
{
	double t = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) * d, p = 0;

	for (int k = 1; k < 100; k++)
		p += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * t * t);
	return p < 1 ? p : 1;
}

static double ks_distance(const void *st, double *v)
{
	double d = 0;

	qsort(v, N, sizeof *v, by_value);
	for (int i = 0; i < N; i++) {
		double f = D->cdf(st, v[i]);

		d = fmax(d, fmax(f - (double)i / N, (double)(i + 1) / N - f));
	}
	return d;
}

static void test_law(void **state)
{
	double *v = malloc(N * sizeof *v), st[8], mean, var;
	unsigned poor = 0;

	(void)state;
	assert_int_equal(D->init(st, NULL, 1e6, NULL), 0);
	assert_true(D->moments(st, &mean, &var));
	assert_true(mean == 1e6 && var == 1e12);
	for (uint64_t seed = 0; seed < 20; seed++) {
		double sum = 0, squares = 0;
		struct sp_rng rng;

		sp_rng_init(&rng, seed, "law");
		D->draw(st, &rng, v, N);
		for (int i = 0; i < N; i++) {
			sum += v[i];
			squares += (v[i] - mean) * (v[i] - mean);
		}
		/* 4.5 standard errors */
		assert_true(fabs(sum / N / mean - 1) < 4.5 / sqrt(N));
		assert_true(fabs(squares / N / var - 1) < 4.5 * sqrt(8.0 / N));
		poor += ks_p(ks_distance(st, v), N) < 0.01;
	}
	assert_true(poor <= 1);
	/* The test can fail: a mean that is 2 % off is found. */
	assert_int_equal(D->init(st, NULL, 1.02e6, NULL), 0);
	assert_true(ks_p(ks_distance(st, v), N) < 0.01);
	free(v);
}

static void test_cdf(void **state)
{
	double st[8];

	(void)state;
	assert_int_equal(D->init(st, NULL, 2, NULL), 0);
	assert_true(D->cdf(st, -1) == 0 && D->cdf(st, 0) == 0);
	assert_true(fabs(D->cdf(st, 2) - 0.63212055882855767) < 1e-15);
	assert_true(D->cdf(st, 1e9) == 1);
}

static void test_refused(void **state)
{
	const double bad[] = { 0, -1, (double)NAN, (double)INFINITY };
	double st[8];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct sp_err err = { 0 };

		assert_true(D->init(st, NULL, bad[i], &err) < 0);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_true(err.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accuracy), cmocka_unit_test(test_same_bits),
		cmocka_unit_test(test_law),	 cmocka_unit_test(test_cdf),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
