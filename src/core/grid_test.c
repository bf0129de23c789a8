#include "core/grid.h"

#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static struct sp_grid random_grid(struct sp_rng *rng)
{
	struct sp_grid g = { .gap_ns = sp_rng_u64(rng) >> (16 + sp_rng_below(rng, 48)) };

	g.den = 1 + (sp_rng_u64(rng) >> (1 + sp_rng_below(rng, 63)));
	g.num = sp_rng_below(rng, g.den);
	g.acc = sp_rng_below(rng, g.den);
	g.gap_ns += g.num == 0;
	return g;
}

/* One by one, at once, and counted: all the same. */
static void test_agree(void **state)
{
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "grid");
	for (int round = 0; round < 3000; round++) {
		struct sp_grid g = random_grid(&rng), walk = g;
		uint64_t start = sp_rng_below(&rng, 1ull << 50), at = start;
		uint64_t n = sp_rng_below(&rng, 300);

		for (uint64_t k = 0; k < n; k++) {
			uint64_t last = at;

			sp_grid_step(&walk, &at);
			/* points up to the last are before at, unless they share it */
			if (at > last)
				assert_int_equal(sp_grid_before(&g, start, at), k + 1);
			assert_true(sp_grid_before(&g, start, at + 1) >= k + 2);
		}
		sp_grid_skip(&g, &start, n);
		assert_true(start == at && g.acc == walk.acc);
	}
}

static void test_far(void **state)
{
	struct sp_grid third = { 0, 1, 3, 0 }, slow = { UINT64_MAX / 2, 0, 1, 0 };
	struct sp_grid finest = { 0, 1, SP_GRID_DEN_MAX, 0 };
	struct sp_grid g = { 333333333, 1, 3, 0 };
	uint64_t at = 5;

	(void)state;
	sp_grid_skip(&g, &at,
		     3000000000000ull); /* 31,688 years at 3 pps overflow; 10^12 s do not */
	assert_true(at == 5 + 1000000000000ull * 1000000000ull);
	assert_int_equal(sp_grid_before(&third, 7, 7), 0);
	assert_int_equal(sp_grid_before(&third, 7, 8), 3);
	assert_int_equal(sp_grid_before(&third, 7, 3), 0);
	assert_int_equal(sp_grid_before(&slow, 0, UINT64_MAX), 3);
	assert_true(sp_grid_before(&finest, 0, UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
