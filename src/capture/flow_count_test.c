#include "capture/flow_count.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int note(struct sp_flow_count *f, uint32_t i)
{
	struct sp_endpoint a = { .addr = { .family = 4,
					   .ip = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
						   (uint8_t)i } },
				 .port = 1000 };
	struct sp_endpoint b = { .addr = { .family = 4, .ip = { 10, 0, 0, 1 } }, .port = 53 };

	return sp_flow_count_note(f, 17, &a, &b);
}

static void exact_up_to_the_limit(void **state)
{
	struct sp_flow_count f;
	bool exact;

	(void)state;
	sp_flow_count_init(&f, 50000, sp_mem_system());
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 50000; i++)
			assert_int_equal(note(&f, i), 0);
	assert_int_equal(sp_flow_count(&f, &exact), 50000);
	assert_true(exact);
	sp_flow_count_fini(&f);
}

static void directions_and_protocols_differ(void **state)
{
	struct sp_endpoint a = { .addr = { .family = 4, .ip = { 1 } }, .port = 1 };
	struct sp_endpoint b = { .addr = { .family = 6, .ip = { 1 } }, .port = 1 };
	struct sp_flow_count f;
	bool exact;

	(void)state;
	sp_flow_count_init(&f, 0, sp_mem_system());
	assert_int_equal(sp_flow_count_note(&f, 6, &a, &a), 0);
	assert_int_equal(sp_flow_count_note(&f, 17, &a, &a), 0);
	assert_int_equal(sp_flow_count_note(&f, 6, &b, &b), 0);
	b.addr.ip[15] = 1;
	assert_int_equal(sp_flow_count_note(&f, 6, &b, &b), 0);
	a.port = 2;
	assert_int_equal(sp_flow_count_note(&f, 6, &a, &b), 0);
	assert_int_equal(sp_flow_count_note(&f, 6, &b, &a), 0);
	assert_int_equal(sp_flow_count(&f, &exact), 6);
	sp_flow_count_fini(&f);
}

static void near_beyond_it(void **state)
{
	struct sp_flow_count f;
	bool exact;
	uint64_t n;

	(void)state;
	sp_flow_count_init(&f, 1000, sp_mem_system());
	for (uint32_t i = 0; i < 1000000; i++)
		assert_int_equal(note(&f, i), 0);
	n = sp_flow_count(&f, &exact);
	assert_false(exact);
	assert_in_range(n, 970000, 1030000);
	assert_null(f.slot);
	sp_flow_count_fini(&f);
}

static void allocations_may_fail(void **state)
{
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t i = 0; rc; i++) {
		struct sp_mem_test mem;
		struct sp_flow_count f;

		sp_mem_test_init(&mem, i);
		sp_flow_count_init(&f, 2000, &mem.mem);
		rc = 0;
		for (uint32_t k = 0; k < 3000 && !rc; k++)
			rc = note(&f, k);
		assert_true(!rc || rc == -ENOMEM);
		sp_flow_count_fini(&f);
		assert_int_equal(mem.live, 0);
		assert_true(rc || i > 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_up_to_the_limit),
		cmocka_unit_test(directions_and_protocols_differ),
		cmocka_unit_test(near_beyond_it),
		cmocka_unit_test(allocations_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
