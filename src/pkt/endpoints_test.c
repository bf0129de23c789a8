#include "pkt/endpoints.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sp_endpoint nth(unsigned i)
{
	return (struct sp_endpoint){
		.addr = { .family = 4, .ip = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } },
		.port = 5001,
	};
}

static void same_endpoint_same_index(void **state)
{
	struct sp_endpoints t;
	uint32_t index;

	(void)state;
	assert_int_equal(sp_endpoints_init(&t, sp_mem_system(), 1000), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			struct sp_endpoint e = nth(i);

			assert_int_equal(sp_endpoints_add(&t, &e, &index), 0);
			assert_int_equal(index, i);
			assert_true(sp_endpoint_eq(&t.at[i], &e));
		}
	}
	assert_int_equal(t.n, 1000);
	sp_endpoints_fini(&t, sp_mem_system());
}

static void is_full_at_its_size(void **state)
{
	struct sp_endpoint a = nth(1), b = nth(2);
	struct sp_endpoints t;
	uint32_t index;

	(void)state;
	assert_int_equal(sp_endpoints_init(&t, sp_mem_system(), 0), 0);
	assert_int_equal(sp_endpoints_add(&t, &a, &index), 0);
	assert_int_equal(sp_endpoints_add(&t, &b, &index), -ENOSPC);
	assert_int_equal(sp_endpoints_add(&t, &a, &index), 0);
	sp_endpoints_fini(&t, sp_mem_system());
}

static void survives_lack_of_memory(void **state)
{
	(void)state;
	for (uint64_t fail = 0; fail < 2; fail++) {
		struct sp_mem_test m;
		struct sp_endpoints t;

		sp_mem_test_init(&m, fail);
		assert_int_equal(sp_endpoints_init(&t, &m.mem, 4), -ENOMEM);
		assert_int_equal(m.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_endpoint_same_index),
		cmocka_unit_test(is_full_at_its_size),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
