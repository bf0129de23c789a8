#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

/* The first values of the reference implementation with the state 1, 2, 3, 4. */
static void test_reference(void **state)
{
	static const uint64_t want[] = {
		41943041u,
		58720359u,
		3588806011781223u,
		3591011842654386u,
		9228616714210784205u,
		9973669472204895162u,
		14011001112246962877u,
		12406186145184390807u,
		15849039046786891736u,
		10450023813501588000u,
	};
	struct sp_rng r = { { 1, 2, 3, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_int_equal(sp_rng_u64(&r), want[i]);
}

/* Without a name the state is splitmix64's reference series. */
static void test_seeding(void **state)
{
	static const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u,
					 9817491932198370423u, 4593380528125082431u };
	struct sp_rng r;

	(void)state;
	sp_rng_init(&r, 1234567, NULL);
	assert_memory_equal(r.s, want, sizeof want);
}

static void test_names_and_seeds_are_apart(void **state)
{
	static const char *const names[] = { "", "a", "b", "ab", "stream 1", "stream 2" };
	uint64_t first[6 * 50];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		for (uint64_t seed = 0; seed < 50; seed++) {
			struct sp_rng a, b;

			sp_rng_init(&a, seed, names[i]);
			sp_rng_init(&b, seed, names[i]);
			first[n] = sp_rng_u64(&a);
			assert_int_equal(first[n], sp_rng_u64(&b));
			n++;
		}
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			assert_int_not_equal(first[i], first[k]);
}

static void test_unit_is_open(void **state)
{
	struct sp_rng zero = { { 0, 1, 2, 0 } }; /* its first output is 0 */
	struct sp_rng copy = zero, r;
	double sum = 0, squares = 0, v;
	const int n = 200000;

	(void)state;
	assert_int_equal(sp_rng_u64(&copy), 0);
	v = sp_rng_unit(&zero);
	assert_true(v > 0 && v < 1);

	sp_rng_init(&r, 7, "unit");
	for (int i = 0; i < n; i++) {
		v = sp_rng_unit(&r);
		assert_true(v > 0 && v < 1);
		sum += v;
		squares += v * v;
	}
	/* five standard errors: sqrt(1/12/n), sqrt(4/45/n) */
	assert_true(sum / n > 0.5 - 0.0033 && sum / n < 0.5 + 0.0033);
	assert_true(squares / n > 1.0 / 3 - 0.0034 && squares / n < 1.0 / 3 + 0.0034);
}

static void test_below(void **state)
{
	struct sp_rng r;
	unsigned seen[7] = { 0 };
	uint64_t high = 0, threes = 0, big = 3ull << 62;
	double chi = 0;

	(void)state;
	sp_rng_init(&r, 1, "below");
	for (int i = 0; i < 70000; i++) {
		uint64_t v = sp_rng_below(&r, 7);

		assert_true(v < 7);
		seen[v]++;
	}
	for (int i = 0; i < 7; i++)
		chi += (seen[i] - 10000.0) * (seen[i] - 10000.0) / 10000.0;
	assert_true(chi < 33); /* 6 degrees of freedom, p = 1e-5 */

	/* A modulo favours the lowest third here, a product without rejection multiples of 3. */
	for (int i = 0; i < 30000; i++) {
		uint64_t v = sp_rng_below(&r, big);

		assert_true(v < big);
		high += v >= 1ull << 62;
		threes += v % 3 == 0;
	}
	assert_true(high > 19500 && high < 20500);
	assert_true(threes > 9500 && threes < 10500);
	for (int i = 0; i < 100; i++)
		assert_int_equal(sp_rng_below(&r, 1), 0);
}

static void test_hash(void **state)
{
	(void)state;
	assert_int_equal(sp_hash_text(""), 0xcbf29ce484222325u);
	assert_int_equal(sp_hash_text("a"), 0xaf63dc4c8601ec8cu);
	assert_int_equal(sp_hash_text("foobar"), 0x85944171f73967e8u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_seeding),
		cmocka_unit_test(test_names_and_seeds_are_apart),
		cmocka_unit_test(test_unit_is_open),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
