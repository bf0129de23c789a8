#include "core/margin.h"

#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

/* Sleeps that end `typical` late, one in `rare_in` of them `rare` late. */
static void sleeps(struct sp_margin *m, struct sp_rng *rng, unsigned n, uint64_t typical,
		   uint64_t rare, uint64_t rare_in)
{
	for (unsigned i = 0; i < n; i++)
		sp_margin_note(m, sp_rng_below(rng, rare_in) == 0 ? rare : typical);
}

static void test_prompt_host(void **state)
{
	struct sp_margin m;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "margin");
	sp_margin_init(&m);
	assert_int_equal(m.ns, SP_MARGIN_MAX_NS);
	sleeps(&m, &rng, 20000, 4000, 4000, 1);
	assert_in_range(m.ns, SP_MARGIN_MIN_NS, SP_MARGIN_MIN_NS + 2 * SP_MARGIN_DOWN_NS);
}

/* Settles above what all but the rarest sleeps need, and not above what those would. */
static void test_follows_the_tail(void **state)
{
	struct sp_margin m;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 2, "margin");
	sp_margin_init(&m);
	sleeps(&m, &rng, 40000, 20000, 35000, 100);
	assert_in_range(m.ns, 35000, 35000 + SP_MARGIN_GUARD_NS + 2 * SP_MARGIN_UP_NS);
	sleeps(&m, &rng, 40000, 20000, 35000, 20000);
	assert_in_range(m.ns, 20000 + SP_MARGIN_GUARD_NS - 2 * SP_MARGIN_DOWN_NS,
			20000 + SP_MARGIN_GUARD_NS + 3 * SP_MARGIN_UP_NS);
}

static void test_stalls_do_not_run_away(void **state)
{
	struct sp_margin m;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 3, "margin");
	sp_margin_init(&m);
	sleeps(&m, &rng, 5000, 1000 * 1000 * 1000, 10000, 2);
	assert_int_equal(m.ns, SP_MARGIN_MAX_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prompt_host),
		cmocka_unit_test(test_follows_the_tail),
		cmocka_unit_test(test_stalls_do_not_run_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
