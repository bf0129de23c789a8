#include "engine/statuses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t count(const struct sp_status_counts *c, uint32_t status)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->row[i].status == status)
			return c->row[i].count;
	return 0;
}

static void counts_and_merges(void **state)
{
	struct sp_status_counts a = { 0 }, b = { 0 };

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		sp_statuses_add(&a, i % 10 ? 200 : 404, 1);
	sp_statuses_add(&b, 503, 7);
	sp_statuses_add(&b, 404, 1);
	sp_statuses_merge(&b, &a);
	assert_int_equal(b.n, 3);
	assert_int_equal(count(&b, 200), 900);
	assert_int_equal(count(&b, 404), 101);
	assert_int_equal(count(&b, 503), 7);
	assert_int_equal(b.more, 0);
}

static void too_many_kinds_are_counted_together(void **state)
{
	struct sp_status_counts a = { 0 }, b = { 0 };

	(void)state;
	for (uint32_t i = 0; i < SP_STATUSES + 5; i++)
		sp_statuses_add(&a, 200 + i, 2);
	sp_statuses_add(&a, 200, 1);
	assert_int_equal(a.n, SP_STATUSES);
	assert_int_equal(count(&a, 200), 3);
	assert_int_equal(a.more, 10);
	sp_statuses_add(&b, 599, 1);
	sp_statuses_merge(&b, &a);
	assert_int_equal(b.n, SP_STATUSES);
	assert_int_equal(b.more, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_merges),
		cmocka_unit_test(too_many_kinds_are_counted_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
