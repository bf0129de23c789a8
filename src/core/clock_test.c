#include "core/clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_virtual(void **state)
{
	struct sp_clock c;

	(void)state;
	sp_clock_init_virtual(&c, 5);
	assert_int_equal(sp_clock_now(&c), 5);
	assert_int_equal(sp_clock_real(&c), 1767225600ll * 1000000000ll + 5);
	sp_clock_advance(&c, 3 * SP_NS_PER_S);
	assert_int_equal(sp_clock_now(&c), 3 * SP_NS_PER_S);
	sp_clock_advance(&c, 7);
	assert_int_equal(sp_clock_now(&c), 3 * SP_NS_PER_S);
	assert_int_equal(sp_clock_real(&c), 1767225603ll * 1000000000ll);
	assert_int_equal(sp_clock_real_offset(&c), 1767225600ll * 1000000000ll);
	sp_clock_sleep_until(&c, SP_NEVER); /* does not */
}

static void test_real(void **state)
{
	struct sp_clock c;
	uint64_t before, at;
	int64_t real;

	(void)state;
	sp_clock_init_real(&c);
	before = sp_clock_now(&c);
	sp_clock_advance(&c, before + 1000 * SP_NS_PER_S);
	assert_true(sp_clock_now(&c) >= before);
	assert_true(sp_clock_now(&c) < before + 1000 * SP_NS_PER_S);
	at = sp_clock_now(&c) + 2 * SP_NS_PER_MS;
	sp_clock_sleep_until(&c, at);
	assert_true(sp_clock_now(&c) >= at);
	sp_clock_sleep_until(&c, before); /* past: at once */
	/* Within a second, however busy the machine: the right clocks, the right way round. */
	real = (int64_t)sp_clock_now(&c) + sp_clock_real_offset(&c) - sp_clock_real(&c);
	assert_true(real < (int64_t)SP_NS_PER_S && -real < (int64_t)SP_NS_PER_S);
	assert_true(sp_clock_real(&c) / (int64_t)SP_NS_PER_S - time(NULL) < 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtual),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
