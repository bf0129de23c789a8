/* Departure k is the last ns at which no more than k packets have gone by: compared with the integral
 * itself, computed in another way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/rng.h"
#include "core/clock.h"
#include "engine/modes/curve.h"

#define S SP_NS_PER_S

typedef __int128 i128;

static struct sp_rate pps(double v)
{
	return (struct sp_rate){ .kind = SP_RATE_PPS, .micro = (uint64_t)(v * 1e6) };
}

static struct sp_curve *curve(unsigned pieces)
{
	struct sp_curve *c = sp_curve_new(sp_mem_system(), pieces, 0);

	assert_non_null(c);
	return c;
}

static void add(struct sp_curve *c, uint64_t len_ns, double from, double to)
{
	const struct sp_rate a = pps(from), b = pps(to);

	assert_int_equal(sp_curve_add(c, len_ns, &a, &b), 0);
}

static void expect(struct sp_curve *c, const uint64_t *due, size_t n)
{
	uint64_t at;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(sp_curve_next(c, &at), 0);
		assert_int_equal(at, due[i]);
	}
}

/* 2 * len * integral, of micro packets and ns. */
static i128 twice(i128 from, i128 to, i128 len, i128 t)
{
	return 2 * from * t * len + (to - from) * t * t;
}

/* All departures of one piece, and that there are as many as the area says. */
static void check_piece(double from, double to, uint64_t len_ns)
{
	const i128 a = (i128)pps(from).micro, b = (i128)pps(to).micro, len = (i128)len_ns;
	const i128 packet = (i128)2000000000000000 * len;
	struct sp_curve *c = curve(1);
	uint64_t due, n = 0;

	add(c, len_ns, from, to);
	sp_curve_start(c, 0);
	for (; sp_curve_next(c, &due) == 0; n++) {
		assert_true(due < len_ns);
		assert_true(twice(a, b, len, due) <= (i128)n * packet);
		assert_true(twice(a, b, len, due + 1) > (i128)n * packet);
	}
	assert_true((i128)(n ? n - 1 : 0) * packet < twice(a, b, len, len) || !n);
	assert_true((i128)n * packet >= twice(a, b, len, len));
	sp_curve_free(c);
}

static void test_pieces_are_exact(void **state)
{
	struct sp_rng rng;

	(void)state;
	check_piece(0, 1000, S);
	check_piece(1000, 0, S);
	check_piece(1000, 1000, S);
	check_piece(0.000001, 10, 10 * S);
	check_piece(123456.789, 0.5, S / 10);
	check_piece(7, 7.000001, 3 * S);
	sp_rng_init(&rng, 11, "curve");
	for (unsigned i = 0; i < 300; i++)
		check_piece((double)(sp_rng_u64(&rng) % 20000000) / 1000,
			    (double)(sp_rng_u64(&rng) % 20000000) / 1000,
			    1 + sp_rng_u64(&rng) % (S / 5));
}

/* What a piece has begun, the next one ends. */
static void test_pieces_join(void **state)
{
	/* 10 a second for 250 ms is 2.5 packets; the rest of the third takes 0.5/4 s. */
	static const uint64_t due[] = { 0, 100000000, 200000000, 375000000, 625000000 };
	struct sp_curve *c = curve(3);
	uint64_t at;

	(void)state;
	add(c, 250000000, 10, 10);
	add(c, 500000000, 4, 4);
	add(c, SP_NEVER, 0, 0);
	sp_curve_start(c, 0);
	expect(c, due, 5);
	assert_int_equal(sp_curve_next(c, &at), 1);
	assert_int_equal(sp_curve_next(c, &at), 1);
	sp_curve_free(c);
}

/* A departure never is in a pause: it is at the end of it. */
static void test_pauses(void **state)
{
	static const uint64_t due[] = { 5 * S, 5 * S + S / 2, 8 * S, 8 * S + S / 2, 11 * S };
	struct sp_curve *c = curve(2);

	(void)state;
	add(c, S, 2, 2);
	add(c, 2 * S, 0, 0);
	sp_curve_loop(c);
	sp_curve_start(c, 5 * S);
	expect(c, due, 5);
	sp_curve_start(c, 5 * S);
	expect(c, due, 5);
	sp_curve_free(c);
}

/* Rounds without a departure are not walked through: a packet a day in 1 us of 10 us. */
static void test_sparse_loop(void **state)
{
	struct sp_curve *c = curve(2);
	uint64_t at, day = 86400 * S;

	(void)state;
	add(c, 1000, 1.0 / 86400, 1.0 / 86400);
	add(c, 9000, 0, 0);
	sp_curve_loop(c);
	sp_curve_start(c, 0);
	assert_int_equal(sp_curve_next(c, &at), 0);
	assert_int_equal(at, 0);
	for (uint64_t i = 1; i < 1000; i++) {
		assert_int_equal(sp_curve_next(c, &at), 0);
		/* 0.000011 pps: the row's grain */
		assert_in_range(at, i * 10 * day, i * 11 * day);
	}
	sp_curve_free(c);
}

/* Nothing adds up over hours: the same as the exact gap of the same rate. */
static void test_no_drift(void **state)
{
	struct sp_curve *c = curve(1);
	uint64_t at = 0;

	(void)state;
	add(c, SP_NEVER, 3e6, 3e6);
	sp_curve_start(c, 0);
	for (uint64_t k = 0; k < 3000000; k++) {
		assert_int_equal(sp_curve_next(c, &at), 0);
		assert_int_equal(at, k * 1000 / 3);
	}
	sp_curve_free(c);
}

static void test_bits(void **state)
{
	static const uint64_t due[] = { 0, 11200, 22400 };
	const struct sp_rate gigabit = { .kind = SP_RATE_BPS, .micro = 1000000000000000u };
	const struct sp_rate silly = { .kind = SP_RATE_PPS, .micro = 1000000000000000000u };
	struct sp_curve *c = sp_curve_new(sp_mem_system(), 2, 1400);

	(void)state;
	assert_int_equal(sp_curve_add(c, SP_NEVER, &gigabit, &gigabit), 0);
	sp_curve_start(c, 0);
	expect(c, due, 3);
	assert_int_equal(sp_curve_add(c, S, &silly, &silly), -ERANGE);
	sp_curve_free(c);
}

static void test_end_of_time(void **state)
{
	struct sp_curve *c = curve(2);
	uint64_t at;

	(void)state;
	add(c, 1ull << 62, 0, 0);
	add(c, SP_NEVER, 1, 1);
	sp_curve_start(c, SP_NEVER - (1ull << 62));
	assert_int_equal(sp_curve_next(c, &at), 1);
	sp_curve_start(c, 0);
	assert_int_equal(sp_curve_next(c, &at), 0);
	assert_int_equal(at, 1ull << 62);
	sp_curve_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_exact), cmocka_unit_test(test_pieces_join),
		cmocka_unit_test(test_pauses),		 cmocka_unit_test(test_sparse_loop),
		cmocka_unit_test(test_no_drift),	 cmocka_unit_test(test_bits),
		cmocka_unit_test(test_end_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
