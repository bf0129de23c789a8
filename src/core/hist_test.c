#include "core/hist.h"

#include "base/rng.h"

#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

enum { N = 20000 };

static struct sp_hist *hist(void)
{
	struct sp_hist *h = calloc(1, sizeof *h);

	assert_non_null(h);
	return h;
}

static void test_buckets(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SP_HIST_BUCKETS; i++) {
		uint64_t low = sp_hist_low(i), end = sp_hist_low(i + 1);

		assert_int_equal(sp_hist_index(low), i);
		assert_int_equal(sp_hist_index(end - 1), i);
		assert_true(end > low && (end - low) * 64 <= (low > 64 ? low : 64));
	}
	assert_int_equal(sp_hist_low(0), 0);
	assert_true(sp_hist_low(SP_HIST_BUCKETS) == 1ull << 42);
	assert_int_equal(sp_hist_index(1ull << 42), SP_HIST_BUCKETS - 1);
	assert_int_equal(sp_hist_index(UINT64_MAX), SP_HIST_BUCKETS - 1);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void test_quantiles(void **state)
{
	const double q[] = { 0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };
	int64_t *v = malloc(N * sizeof *v);
	struct sp_hist *h = hist();
	struct sp_summary s;
	struct sp_rng rng;
	double sum = 0;

	(void)state;
	sp_rng_init(&rng, 1, "hist");
	for (int i = 0; i < N; i++) {
		v[i] = (int64_t)(sp_rng_u64(&rng) >> (22 + sp_rng_below(&rng, 40)));
		sp_hist_add(h, v[i]);
		sum += (double)v[i];
	}
	qsort(v, N, sizeof *v, by_value);
	for (unsigned i = 0; i < sizeof q / sizeof q[0]; i++) {
		double at = q[i] * N;
		int rank = (int)at + (at > (int)at);
		double want = (double)v[rank > 0 ? rank - 1 : 0];
		double got = (double)sp_hist_quantile(h, q[i]);

		assert_true(got >= want * (1 - 0.0079) - 1 && got <= want * (1 + 0.0079) + 1);
	}
	sp_hist_summary(h, &s);
	assert_true(s.known && !s.coarse && s.n == N && s.negative == 0);
	assert_true(s.min == v[0] && s.max == v[N - 1] && s.clock_error == -1);
	assert_true(s.mean > sum / N * 0.999999 && s.mean < sum / N * 1.000001);
	assert_true(s.p50 <= s.p90 && s.p90 <= s.p99 && s.p99 <= s.p999 && s.p999 <= s.max);
	free(v);
	free(h);
}

/* Below zero is counted and never clipped; above the range lands in the last bucket. */
static void test_extremes(void **state)
{
	struct sp_hist *h = hist();
	struct sp_summary s;

	(void)state;
	sp_hist_summary(h, &s);
	assert_false(s.known);
	for (int i = 0; i < 6; i++)
		sp_hist_add(h, -100 - i);
	for (int i = 0; i < 4; i++)
		sp_hist_add(h, 50);
	sp_hist_summary(h, &s);
	assert_int_equal(s.negative, 6);
	assert_int_equal(s.min, -105);
	assert_int_equal(s.p50, -105);
	assert_int_equal(s.p90, 50);
	assert_int_equal(s.max, 50);
	assert_true(s.mean == -41.5);
	sp_hist_add(h, INT64_MAX);
	sp_hist_add(h, 1ll << 50);
	assert_int_equal(h->b[SP_HIST_BUCKETS - 1], 2);
	assert_int_equal(h->max, INT64_MAX);
	assert_true(sp_hist_quantile(h, 1) >= (1ll << 42) - (1ll << 36));
	free(h);
}

static void test_one_value(void **state)
{
	struct sp_hist *h = hist();

	(void)state;
	sp_hist_add(h, 1234567);
	for (double q = 0; q <= 1; q += 0.25)
		assert_int_equal(sp_hist_quantile(h, q), 1234567); /* clamped to min and max */
	free(h);
}

static void test_merge(void **state)
{
	struct sp_hist *all = hist(), *part[3] = { hist(), hist(), hist() }, *sum = hist();
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 2, "hist");
	for (int i = 0; i < N; i++) {
		int64_t v = (int64_t)(sp_rng_u64(&rng) >> (20 + sp_rng_below(&rng, 40))) - 1000;

		sp_hist_add(all, v);
		sp_hist_add(part[sp_rng_below(&rng, 2)], v); /* the third stays empty */
	}
	for (int i = 2; i >= 0; i--)
		sp_hist_merge(sum, part[i]);
	assert_memory_equal(sum, all, sizeof *all);
	for (int i = 0; i < 3; i++)
		free(part[i]);
	free(all);
	free(sum);
}

static void test_sketch(void **state)
{
	struct sp_sketch s = { { 0 } }, half[2] = { { { 0 } }, { { 0 } } };
	struct sp_rng rng;

	(void)state;
	assert_int_equal(sp_sketch_quantile(&s, 0.5), 0);
	sp_rng_init(&rng, 3, "hist");
	for (int i = 0; i < N; i++) {
		uint64_t v = 1000 + sp_rng_below(&rng, 1000000);

		sp_sketch_add(&s, v);
		sp_sketch_add(&half[i % 2], v);
	}
	for (double q = 0.05; q < 1; q += 0.05) {
		double want = 1000 + q * 1000000, got = (double)sp_sketch_quantile(&s, q);

		assert_true(got > want * 0.74 && got < want * 1.34);
	}
	sp_sketch_merge(&half[0], &half[1]);
	assert_memory_equal(&half[0], &s, sizeof s);
	sp_sketch_add(&s, UINT64_MAX);
	assert_int_equal(s.b[SP_SKETCH_BUCKETS - 1], 1);
}

/* A count never wraps round: quantiles of long runs stay right. */
static void test_sketch_overflow(void **state)
{
	struct sp_sketch s = { { 0 } }, other = { { 0 } };

	(void)state;
	for (int i = 0; i < 100; i++)
		sp_sketch_add(&other, 1ull << 20);
	memcpy(&s, &other, sizeof s);
	for (unsigned i = 0; i < SP_SKETCH_BUCKETS; i++)
		if (s.b[i] == 100)
			s.b[i] = UINT32_MAX - 1;
	s.b[0] = 1u << 31;
	sp_sketch_merge(&other, &s);
	sp_sketch_add(&s, 1ull << 20);
	assert_int_equal(s.b[0], 1u << 30);
	assert_true(sp_sketch_quantile(&s, 0.3) < 128);
	assert_true(sp_sketch_quantile(&s, 0.4) >= 1 << 20);
	sp_sketch_add(&other, 1ull << 20);
	assert_true(sp_sketch_quantile(&other, 0.4) >= 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_extremes),	cmocka_unit_test(test_one_value),
		cmocka_unit_test(test_merge),		cmocka_unit_test(test_sketch),
		cmocka_unit_test(test_sketch_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
