#include "pkt/endpoints.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pkt/batch.h"

static const uint64_t key[4] = { 1, 2, 3, 4 }, zeros[4];

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

	(void)state;
	assert_int_equal(sp_endpoints_init(&t, sp_mem_system(), 1000, key), 0);
	assert_null(sp_endpoints_at(&t, 0));
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			struct sp_endpoint e = nth(i);

			assert_int_equal(sp_endpoints_get(&t, &e, 0), i);
			assert_int_equal(sp_endpoints_get(&t, &e, 0), i); /* the last one */
			assert_true(sp_endpoint_eq(&sp_endpoints_at(&t, i)->remote, &e));
		}
	}
	assert_int_equal(t.n, 1000);
	assert_null(sp_endpoints_at(&t, 1000));
	assert_null(sp_endpoints_at(&t, SP_NO_FLOW));
	sp_endpoints_fini(&t, sp_mem_system());
}

/* Family, address, scope, port and lane all count. */
static void what_differs_has_its_own(void **state)
{
	struct sp_endpoint e[6] = { nth(1), nth(1), nth(1), nth(1), nth(1), nth(1) };
	struct sp_endpoints t;

	(void)state;
	e[1].addr.family = 6;
	e[2].addr.ip[3] = 77;
	e[3].port = 5002;
	e[4].addr.family = e[5].addr.family = 6;
	e[4].addr.ip[15] = 1;
	e[5].addr.ip[15] = 1;
	e[5].addr.scope = 3;
	assert_int_equal(sp_endpoints_init(&t, sp_mem_system(), 100, key), 0);
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t lane = 0; lane < 3; lane++)
			for (uint32_t i = 0; i < 6; i++)
				assert_int_equal(sp_endpoints_get(&t, &e[i], lane),
						 lane * 6 + i);
	assert_int_equal(sp_endpoints_at(&t, 13)->lane, 2);
	sp_endpoints_fini(&t, sp_mem_system());
}

/* The longest row of taken slots, which is what a look-up may have to walk. */
static uint32_t longest_run(const struct sp_endpoints *t)
{
	uint32_t run = 0, longest = 0;

	for (uint32_t i = 0; i <= t->mask; i++) {
		run = t->slot[i] ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

/* Whatever the key is, none at all included, and other keys make other rows. */
static void spreads_with_any_key(void **state)
{
	static const uint64_t *const keys[] = { NULL, zeros, key };

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct sp_endpoints t;

		assert_int_equal(sp_endpoints_init(&t, sp_mem_system(), 4096, keys[k]), 0);
		for (unsigned i = 0; i < 4096; i++) {
			struct sp_endpoint e = nth(i);

			assert_int_equal(sp_endpoints_get(&t, &e, 1), i);
		}
		assert_true(longest_run(&t) < 64);
		sp_endpoints_fini(&t, sp_mem_system());
	}
}

static void the_key_moves_entries(void **state)
{
	struct sp_endpoints a, b;

	(void)state;
	assert_int_equal(sp_endpoints_init(&a, sp_mem_system(), 100, key), 0);
	assert_int_equal(sp_endpoints_init(&b, sp_mem_system(), 100, NULL), 0);
	for (unsigned i = 0; i < 100; i++) {
		struct sp_endpoint e = nth(i);

		sp_endpoints_get(&a, &e, 0);
		sp_endpoints_get(&b, &e, 0);
	}
	assert_memory_not_equal(a.slot, b.slot, (a.mask + 1) * sizeof *a.slot);
	sp_endpoints_fini(&a, sp_mem_system());
	sp_endpoints_fini(&b, sp_mem_system());
}

static void is_full_at_its_size(void **state)
{
	struct sp_endpoint a = nth(1), b = nth(2);
	struct sp_endpoints t;

	(void)state;
	assert_int_equal(sp_endpoints_init(&t, sp_mem_system(), 0, NULL), 0);
	assert_int_equal(sp_endpoints_get(&t, &a, 0), 0);
	assert_int_equal(sp_endpoints_get(&t, &b, 0), SP_NO_FLOW);
	assert_int_equal(sp_endpoints_get(&t, &a, 0), 0);
	sp_endpoints_fini(&t, sp_mem_system());
}

static void survives_lack_of_memory(void **state)
{
	(void)state;
	for (uint64_t fail = 0; fail < 2; fail++) {
		struct sp_mem_test m;
		struct sp_endpoints t;

		sp_mem_test_init(&m, fail);
		assert_int_equal(sp_endpoints_init(&t, &m.mem, 4, key), -ENOMEM);
		assert_int_equal(m.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_endpoint_same_index),
		cmocka_unit_test(what_differs_has_its_own),
		cmocka_unit_test(spreads_with_any_key),
		cmocka_unit_test(the_key_moves_entries),
		cmocka_unit_test(is_full_at_its_size),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
