#include "core/wheel.h"

#include "base/rng.h"
#include "core/clock.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

static struct sp_wheel *wheel(uint32_t n, uint64_t start_ns)
{
	struct sp_wheel *w;

	assert_int_equal(sp_wheel_new(&w, sp_mem_system(), n, start_ns), 0);
	return w;
}

static void test_empty(void **state)
{
	struct sp_wheel *w = wheel(4, 0);
	uint32_t id;

	(void)state;
	assert_true(sp_wheel_next(w) == SP_NEVER);
	assert_int_equal(sp_wheel_take(w, SP_NEVER, &id, 1), 0);
	sp_wheel_free(w);
	sp_wheel_free(NULL);
}

static void test_never_early(void **state)
{
	const uint64_t times[] = { 1,
				   1023,
				   1024,
				   67108863,
				   67108864,
				   67108865,
				   1048576,
				   68719476736,
				   1ull << 42,
				   1ull << 48,
				   1ull << 49,
				   1ull << 55,
				   (1ull << 62) + 5 };

	(void)state;
	for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
		uint64_t start = 12345678;
		struct sp_wheel *w = wheel(1, start);
		uint32_t id = 7;

		sp_wheel_put(w, 0, start + times[i]);
		assert_true(sp_wheel_next(w) == start + times[i]);
		assert_int_equal(sp_wheel_take(w, start + times[i] - 1, &id, 1), 0);
		assert_true(sp_wheel_next(w) == start + times[i]);
		assert_int_equal(sp_wheel_take(w, start + times[i], &id, 1), 1);
		assert_int_equal(id, 0);
		assert_true(sp_wheel_next(w) == SP_NEVER);
		sp_wheel_free(w);
	}
}

/* The trap: an id put again into the slot that is being emptied comes next, not after one turn of
 * the wheel; so does one whose time has passed. */
static void test_same_slot_again(void **state)
{
	struct sp_wheel *w = wheel(3, 0);
	uint32_t id;

	(void)state;
	sp_wheel_put(w, 0, 2048);
	sp_wheel_put(w, 1, 2500);
	sp_wheel_put(w, 2, 5000);
	for (unsigned k = 0; k < 4; k++) {
		assert_int_equal(sp_wheel_take(w, 2600, &id, 1), 1);
		assert_int_equal(id, 0);
		sp_wheel_put(w, 0, 2048 + (k + 1) * 100);
	}
	assert_int_equal(sp_wheel_take(w, 2600, &id, 1), 1);
	assert_int_equal(id, 0); /* 2448 */
	sp_wheel_put(w, 0, 10);	 /* long past */
	assert_int_equal(sp_wheel_take(w, 2600, &id, 1), 1);
	assert_int_equal(id, 0);
	sp_wheel_put(w, 0, 2900);
	assert_int_equal(sp_wheel_take(w, 2600, &id, 1), 1);
	assert_int_equal(id, 1);
	assert_int_equal(sp_wheel_take(w, 2899, &id, 1), 0);
	assert_true(sp_wheel_next(w) == 2900);
	assert_int_equal(sp_wheel_take(w, 9999, &id, 1), 1);
	assert_int_equal(id, 0);
	assert_int_equal(sp_wheel_take(w, 9999, &id, 1), 1);
	assert_int_equal(id, 2);
	sp_wheel_free(w);
}

static void test_order_in_slot(void **state)
{
	enum { N = 1000 };
	struct sp_wheel *w = wheel(N, 0);
	uint64_t at[N], last = 0;
	uint32_t ids[N], last_id = 0;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "wheel");
	for (uint32_t i = 0; i < N; i++) {
		at[i] = 10 * 1024 + sp_rng_below(&rng, 100);
		sp_wheel_put(w, i, at[i]);
	}
	assert_int_equal(sp_wheel_take(w, 11 * 1024, ids, N), N);
	for (uint32_t i = 0; i < N; i++) {
		assert_true(at[ids[i]] > last || (at[ids[i]] == last && ids[i] > last_id));
		last = at[ids[i]];
		last_id = ids[i];
	}
	sp_wheel_free(w);
}

static void test_span(void **state)
{
	struct sp_wheel *w = wheel(4, 0);
	uint32_t ids[4];

	(void)state;
	sp_wheel_put(w, 0, 5000);
	sp_wheel_put(w, 1, 5100);
	sp_wheel_put(w, 2, 8000);
	sp_wheel_put(w, 3, 9500);
	assert_int_equal(sp_wheel_take_span(w, 20000, 0, ids, 4), 2);
	assert_int_equal(sp_wheel_take_span(w, 20000, 300, ids, 4), 1);
	assert_int_equal(ids[0], 2);
	assert_int_equal(sp_wheel_take_span(w, 9499, SP_NEVER, ids, 4), 0);
	assert_int_equal(sp_wheel_take_span(w, 9500, SP_NEVER, ids, 4), 1);
	assert_int_equal(ids[0], 3);
	sp_wheel_free(w);
}

static void test_clear(void **state)
{
	struct sp_wheel *w = wheel(5, 1000000);
	uint32_t ids[5];

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		sp_wheel_put(w, i, 1000000 + (1ull << (i * 9)));
	assert_int_equal(sp_wheel_take(w, 1000001, ids, 5), 1);
	sp_wheel_put(w, 0, 1000002);
	sp_wheel_clear(w);
	assert_true(sp_wheel_next(w) == SP_NEVER);
	assert_int_equal(sp_wheel_take(w, 1ull << 50, ids, 5), 0);
	sp_wheel_put(w, 3, 2000000);
	assert_true(sp_wheel_next(w) == 2000000);
	assert_int_equal(sp_wheel_take(w, 1ull << 50, ids, 5), 1);
	assert_int_equal(ids[0], 3);
	sp_wheel_free(w);
}

/* Against a plain array: ids that come back after random gaps of nanoseconds to weeks, taken at
 * random times in random portions. */
static void against_model(uint64_t seed, unsigned gap_bits)
{
	enum { N = 300 };
	struct sp_rng rng;
	uint64_t at[N],
		now = sp_rng_below((sp_rng_init(&rng, seed, "model"), &rng), 1ull << 40);
	struct sp_wheel *w = wheel(N, now);
	bool in[N];

	for (uint32_t i = 0; i < N; i++) {
		at[i] = now + (sp_rng_u64(&rng) >> (64 - gap_bits));
		in[i] = true;
		sp_wheel_put(w, i, at[i]);
	}
	for (int round = 0; round < 3000; round++) {
		uint32_t ids[64], max = 1 + (uint32_t)sp_rng_below(&rng, 64), n;
		uint64_t last_slot = 0, least = SP_NEVER;

		now += (sp_rng_u64(&rng) >> (64 - gap_bits)) >> sp_rng_below(&rng, 12);
		n = sp_wheel_take(w, now, ids, max);
		for (uint32_t i = 0; i < n; i++) {
			assert_true(in[ids[i]]);
			assert_true(at[ids[i]] <= now);
			assert_true(at[ids[i]] >> 10 >= last_slot);
			last_slot = at[ids[i]] >> 10;
			in[ids[i]] = false;
		}
		for (uint32_t i = 0; i < N; i++)
			if (in[i] && at[i] < least)
				least = at[i];
		assert_true(n == max || least > now);
		assert_true(n == 0 || least >> 10 >= last_slot);
		if (sp_rng_below(&rng, 2))
			assert_true(sp_wheel_next(w) == least);
		for (uint32_t i = 0; i < N; i++) {
			if (in[i] || sp_rng_below(&rng, 8) == 0)
				continue;
			/* also a bit back in time */
			at[i] = now + (sp_rng_u64(&rng) >> (64 - gap_bits));
			at[i] -= sp_rng_below(&rng, 4) == 0 ? sp_rng_below(&rng, now / 1000)
							    : 0;
			in[i] = true;
			sp_wheel_put(w, i, at[i]);
		}
	}
	sp_wheel_free(w);
}

static void test_model(void **state)
{
	const unsigned bits[] = { 8, 12, 20, 26, 28, 33, 40, 47, 50, 56 };

	(void)state;
	for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++)
		for (uint64_t seed = 0; seed < 3; seed++)
			against_model(seed, bits[i]);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 10; n++) {
		struct sp_mem_test t;
		struct sp_wheel *w;
		int rc;

		sp_mem_test_init(&t, n);
		rc = sp_wheel_new(&w, &t.mem, 100, 0);
		assert_true(rc == 0 || (rc == -12 && !w));
		sp_wheel_free(w);
		assert_int_equal(t.live, 0);
		if (rc == 0)
			return;
	}
	fail_msg("more than 10 allocations");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_never_early),
		cmocka_unit_test(test_same_slot_again),
		cmocka_unit_test(test_order_in_slot),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
