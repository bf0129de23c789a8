#include "ctl/clock.h"

#include "base/rng.h"
#include "ctl/limits.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

/* An exchange between clocks whose true offset is known. */
static struct sp_ctl_stamps exchange(uint64_t at, int64_t offset, uint64_t there, uint64_t held,
				     uint64_t back)
{
	struct sp_ctl_stamps s = { .t1 = at };

	s.t2 = at + there + (uint64_t)offset;
	s.t3 = s.t2 + held;
	s.t4 = at + there + held + back;
	return s;
}

static uint64_t distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

static void test_symmetric_is_exact(void **state)
{
	struct sp_ctl_stamps s = exchange(1000000, -250000, 40000, 3000, 40000);
	struct sp_ctl_estimate e;

	(void)state;
	assert_true(sp_ctl_clock_estimate(&s, &e));
	assert_true(e.known);
	assert_int_equal(e.offset_ns, -250000);
	assert_int_equal(e.error_ns, 40000 + SP_CTL_CLOCK_GRAIN_NS);
	assert_int_equal(e.at_ns, 1083000);
}

/* Everything on one leg: the estimate is wrong by half the round trip, and says so. */
static void test_worst_asymmetry_is_within_the_bound(void **state)
{
	struct sp_ctl_stamps s = exchange(1000000, 5000, 100000, 0, 0);
	struct sp_ctl_estimate e;

	(void)state;
	assert_true(sp_ctl_clock_estimate(&s, &e));
	assert_int_equal(e.offset_ns, 55000);
	assert_int_equal(distance(e.offset_ns, 5000), e.error_ns - SP_CTL_CLOCK_GRAIN_NS);
}

static void test_any_asymmetry_is_within_the_bound(void **state)
{
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "clock");
	for (int run = 0; run < 2000; run++) {
		int64_t offset = (int64_t)sp_rng_u64(&rng) >> (3 + sp_rng_below(&rng, 60));
		uint64_t at = (sp_rng_u64(&rng) >> 2) + (UINT64_C(1) << 62),
			 smallest = UINT64_MAX;
		struct sp_ctl_estimate e = { 0 };

		for (int i = 0; i < 8; i++) {
			uint64_t there = sp_rng_below(&rng, 1u << sp_rng_below(&rng, 24));
			uint64_t back = sp_rng_below(&rng, 1u << sp_rng_below(&rng, 24));
			struct sp_ctl_stamps s = exchange(at, offset, there,
							  sp_rng_below(&rng, 100000), back);

			smallest = there + back < smallest ? there + back : smallest;
			sp_ctl_clock_add(&e, &s);
			assert_true(distance(e.offset_ns, offset) <= e.error_ns);
		}
		/* All at the same time: the smallest round trip is the one that was kept. */
		assert_in_range(e.error_ns, smallest / 2, (smallest + 1) / 2 + 1 + 50000);
	}
}

static void test_smallest_round_trip_is_kept_until_it_is_old(void **state)
{
	struct sp_ctl_stamps near = exchange(1000, 700, 1000, 0, 1000);
	struct sp_ctl_stamps far = exchange(10000, 700, 9000, 0, 1000);
	struct sp_ctl_stamps later = exchange(10000 + 100000000, 900, 9000, 0, 1000);
	struct sp_ctl_estimate e = { 0 };

	(void)state;
	assert_true(sp_ctl_clock_add(&e, &near));
	assert_int_equal(e.offset_ns, 700);
	assert_false(sp_ctl_clock_add(&e, &far));
	assert_int_equal(e.offset_ns, 700);
	/* 100 ms later the old error of 1 us may have grown by 10 us: 5 us is better. */
	assert_true(sp_ctl_clock_add(&e, &later));
	assert_int_equal(e.offset_ns, 4900);
	assert_int_equal(e.error_ns, 5001);
}

static void test_impossible_times_are_refused(void **state)
{
	static const struct sp_ctl_stamps bad[] = {
		{ 100, 50, 60, 99 },		       /* answered before it was asked */
		{ 100, 60, 50, 200 },		       /* replied before it was received */
		{ 100, 0, 101, 200 },		       /* held for longer than it was away */
		{ 0, UINT64_MAX, UINT64_MAX, 10 },     /* centuries off */
		{ UINT64_MAX - 10, 0, 0, UINT64_MAX }, /* centuries off, the other way */
		{ 0, UINT64_MAX / 2, UINT64_MAX / 2, UINT64_MAX },
	};
	struct sp_ctl_estimate e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(sp_ctl_clock_add(&e, &bad[i]));
		assert_false(e.known);
	}
}

static void test_same_host(void **state)
{
	struct sp_ctl_host a, b;
	struct sp_ctl_stamps s = exchange(1000000, 0, 30000, 100, 10000);
	struct sp_ctl_estimate e = { 0 };

	(void)state;
	sp_ctl_host_read(&a);
	sp_ctl_host_read(&b);
	assert_true(a.known);
	assert_true(sp_ctl_host_same(&a, &b));
	sp_ctl_clock_same_host(&e, &a, &b);
	assert_false(e.same_host); /* nothing was measured that could agree */
	assert_true(sp_ctl_clock_add(&e, &s));
	assert_int_not_equal(e.offset_ns, 0);
	sp_ctl_clock_same_host(&e, &a, &b);
	assert_true(e.same_host);
	assert_int_equal(e.offset_ns, 0);
	assert_int_equal(e.error_ns, 0);
	/* There is nothing left to improve. */
	assert_false(sp_ctl_clock_add(&e, &s));
	assert_int_equal(e.offset_ns, 0);
}

static void test_other_hosts(void **state)
{
	struct sp_ctl_host a, b;
	struct sp_ctl_stamps s = exchange(1000000, 0, 30000, 100, 10000);
	struct sp_ctl_stamps off = exchange(1000000, 500000, 30000, 100, 10000);
	struct sp_ctl_estimate e = { 0 };

	(void)state;
	sp_ctl_host_read(&a);
	b = a;
	b.boot[15] ^= 1;
	assert_false(sp_ctl_host_same(&a, &b));
	b = a;
	b.timens++;
	assert_false(sp_ctl_host_same(&a, &b));
	b = a;
	b.offset_ns++;
	assert_false(sp_ctl_host_same(&a, &b));
	assert_true(sp_ctl_clock_add(&e, &s));
	sp_ctl_clock_same_host(&e, &a, &b);
	assert_false(e.same_host);
	b = a;
	b.known = false;
	assert_false(sp_ctl_host_same(&a, &b));
	/* A clone of our virtual machine: the same boot id, another clock. */
	e = (struct sp_ctl_estimate){ 0 };
	assert_true(sp_ctl_clock_add(&e, &off));
	sp_ctl_clock_same_host(&e, &a, &a);
	assert_false(e.same_host);
	assert_int_equal(e.offset_ns, 510000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symmetric_is_exact),
		cmocka_unit_test(test_worst_asymmetry_is_within_the_bound),
		cmocka_unit_test(test_any_asymmetry_is_within_the_bound),
		cmocka_unit_test(test_smallest_round_trip_is_kept_until_it_is_old),
		cmocka_unit_test(test_impossible_times_are_refused),
		cmocka_unit_test(test_same_host),
		cmocka_unit_test(test_other_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
