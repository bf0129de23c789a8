#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/deal.h"

static void test_two_take_turns(void **state)
{
	struct sp_deal a, b;

	(void)state;
	sp_deal_init(&a, 2, 0, 1);
	sp_deal_init(&b, 2, 1, 1);
	assert_int_equal(sp_deal_next(&a, 0), 0);
	assert_int_equal(sp_deal_next(&a, 1), 2);
	assert_int_equal(sp_deal_next(&b, 0), 1);
	assert_int_equal(sp_deal_next(&b, 2), 3);
	assert_int_equal(sp_deal_count(&a, 301), 151);
	assert_int_equal(sp_deal_count(&b, 301), 150);
	sp_deal_init(&a, 1, 0, 1);
	assert_int_equal(sp_deal_next(&a, 77), 77);
}

/* Whatever the shares are: each departure is somebody's and nobody else's, the first one is the
 * first stream's, a period holds the shares exactly, and no stream waits long for its turn. */
static void test_every_departure_has_one_owner(void **state)
{
	static const uint32_t shares[][4] = {
		{ 5, 3, 0, 0 },	  { 50, 30, 20, 0 }, { 1, 1, 1, 1 },	 { 999, 1, 0, 0 },
		{ 1, 998, 1, 0 }, { 7, 11, 13, 17 }, { 333, 667, 0, 0 }, { 2, 1, 0, 0 },
	};

	(void)state;
	for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
		struct sp_deal d[4];
		uint64_t next[4] = { 0 };
		uint32_t of = 0, at = 0, n = 0;

		for (; n < 4 && shares[k][n]; n++)
			of += shares[k][n];
		for (uint32_t i = 0; i < n; at += shares[k][i++]) {
			sp_deal_init(&d[i], of, at, shares[k][i]);
			next[i] = sp_deal_next(&d[i], 0);
			assert_int_equal(sp_deal_count(&d[i], of), shares[k][i]);
			assert_int_equal(sp_deal_count(&d[i], 3ull * of), 3ull * shares[k][i]);
		}
		assert_int_equal(next[0], 0);
		for (uint64_t t = 0; t < 3ull * of; t++) {
			unsigned owners = 0;

			for (uint32_t i = 0; i < n; i++) {
				uint64_t gap;

				if (next[i] != t)
					continue;
				owners++;
				next[i] = sp_deal_next(&d[i], t + 1);
				gap = next[i] - t;
				assert_in_range(gap, 1, 3ull * of / shares[k][i] + 1);
			}
			assert_int_equal(owners, 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_take_turns),
		cmocka_unit_test(test_every_departure_has_one_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
