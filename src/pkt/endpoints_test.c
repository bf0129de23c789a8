#include "pkt/endpoints.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
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

/* A source after the other, some of them held for a while: who is held keeps the index, whoever is
 * there is found, and nobody else makes room. */
static void those_not_held_make_room(void **state)
{
	enum { MAX = 20, ROUNDS = 20000 };
	uint32_t held[MAX] = { 0 }, owner[MAX] = { 0 }, i, refused = 0;
	struct sp_endpoints t;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "endpoints");
	assert_int_equal(sp_endpoints_init(&t, sp_mem_system(), MAX, key), 0);
	sp_endpoints_reuse(&t, held);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t id = 1 + (uint32_t)(sp_rng_u64(&rng) % 500), seen = 0;
		struct sp_endpoint e = nth(id);

		sp_endpoints_begin(&t);
		for (unsigned k = 0; k < MAX; k++)
			seen = owner[k] == id ? k + 1 : seen;
		i = sp_endpoints_get(&t, &e, 0);
		if (i == SP_NO_FLOW) {
			refused++;
			assert_int_equal(seen, 0);
			for (unsigned k = 0; k < MAX; k++)
				assert_true(held[k] || k == t.last);
		} else {
			assert_true(!seen || i == seen - 1);
			assert_true(owner[i] == id || !held[i]);
			owner[i] = id;
			assert_true(sp_endpoint_eq(&sp_endpoints_at(&t, i)->remote, &e));
		}
		/* One in two comes to be held; at times all are. */
		if (i != SP_NO_FLOW && sp_rng_u64(&rng) % 2)
			held[i] = 1;
		if (round % 1000 > 500)
			held[sp_rng_u64(&rng) % MAX] = 0;
	}
	assert_in_range(refused, 1, ROUNDS / 2);
	assert_int_equal(t.n, MAX);
	sp_endpoints_fini(&t, sp_mem_system());
}

/* Within a round no index is given to two, held or not; nor is that of the one before it. */
static void a_round_gives_each_its_own(void **state)
{
	enum { MAX = 8 };
	uint32_t held[MAX] = { 0 };
	struct sp_endpoints t;
	bool given[MAX];
	uint32_t i, last = SP_NO_FLOW;

	(void)state;
	assert_int_equal(sp_endpoints_init(&t, sp_mem_system(), MAX, key), 0);
	sp_endpoints_reuse(&t, held);
	for (unsigned round = 0; round < 100; round++) {
		sp_endpoints_begin(&t);
		memset(given, 0, sizeof given);
		if (last != SP_NO_FLOW)
			given[last] = true;
		for (unsigned k = 0; k < MAX - (round > 0); k++) {
			struct sp_endpoint e = nth(round * MAX + k);

			i = sp_endpoints_get(&t, &e, 0);
			assert_in_range(i, 0, MAX - 1);
			assert_false(given[i]);
			given[i] = true;
			last = i;
		}
		assert_int_equal(sp_endpoints_get(&t, &(struct sp_endpoint){ .port = 9 }, 0),
				 SP_NO_FLOW);
	}
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
		cmocka_unit_test(those_not_held_make_room),
		cmocka_unit_test(a_round_gives_each_its_own),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
