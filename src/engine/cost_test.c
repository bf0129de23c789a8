/* What a packet costs: no allocation, and so many instructions. Started with a way and a number of
 * packets it runs just that, for tests/test_cost.py, which counts instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/testing.h"

#define NULL_PORT "+port", "name=p", "transport=null"

/* Without an end: count is added. */
static const struct way {
	const char *name;
	const char *words[24];
} ways[] = {
	{ "null", { VIRTUAL, NULL_PORT, STREAM("max") } },
	{ "null-paced", { VIRTUAL, NULL_PORT, STREAM("1Mpps") } },
	{ "null-exponential",
	  { VIRTUAL, NULL_PORT, STREAM("1Mpps"), "departure=exponential" } },
	{ "loop", { VIRTUAL, LOOP, BOTH, STREAM("max") } },
	{ "loop-paced", { VIRTUAL, LOOP, BOTH, STREAM("1Mpps") } },
};

/* Allocations from T0 to the end. */
static uint64_t allocations(const char *const *words)
{
	struct sim s;
	uint64_t t0_ns, before;

	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, 0), 0);
	assert_int_equal(sim_arm(&s, &t0_ns), 0);
	before = s.mem.count;
	while (sp_run_step(s.run, 0) == 0)
		;
	before = s.mem.count - before;
	sim_end(&s);
	return before;
}

/* In the same time a hundred times as many packets: control's work is the same, and the hot path
 * allocates nothing. */
static void test_packets_allocate_nothing(void **state)
{
	static const char *const few[] = { VIRTUAL,	     LOOP,	     BOTH,
					   STREAM("100pps"), "duration=10s", NULL };
	static const char *const many[] = { VIRTUAL,	      LOOP,	      BOTH,
					    STREAM("10kpps"), "duration=10s", NULL };
	static const char *const hurt_few[] = { VIRTUAL,
						LOOP,
						"loss_every=10",
						"duplicate_every=7",
						"reorder_every=33",
						"corrupt_every=9",
						BOTH,
						STREAM("100pps"),
						"departure=exponential",
						"duration=10s",
						NULL };
	static const char *const hurt_many[] = { VIRTUAL,
						 LOOP,
						 "loss_every=10",
						 "duplicate_every=7",
						 "reorder_every=33",
						 "corrupt_every=9",
						 BOTH,
						 STREAM("10kpps"),
						 "departure=exponential",
						 "duration=10s",
						 NULL };

	(void)state;
	assert_int_equal(allocations(few), allocations(many));
	assert_int_equal(allocations(hurt_few), allocations(hurt_many));
}

static void run_way(const struct way *way, const char *packets)
{
	const char *words[32] = { 0 };
	char count[40];
	unsigned n = 0;
	struct sim s;

	snprintf(count, sizeof count, "count=%s", packets);
	for (; way->words[n]; n++)
		words[n] = way->words[n];
	words[n] = count;
	sim_run(&s, words, 0);
	sim_end(&s);
}

static void test_each_way_runs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		run_way(&ways[i], "100");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets_allocate_nothing),
		cmocka_unit_test(test_each_way_runs),
	};

	for (size_t i = 0; argc == 3 && i < sizeof ways / sizeof *ways; i++) {
		if (strcmp(argv[1], ways[i].name) == 0) {
			run_way(&ways[i], argv[2]);
			return 0;
		}
	}
	return argc == 1 ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}
