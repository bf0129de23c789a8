/* Whole runs in virtual time: engine, loop transport, stamps, verify and ledger together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "engine/testing.h"

static void test_hundred_a_second(void **state)
{
	static const char *const words[] = {
		VIRTUAL, LOOP, "delay=5ms", BOTH, STREAM("100pps"), "duration=10s", NULL
	};
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, asked_packets), 1000);
	assert_int_equal(COUNT(m, tx_packets), 1000);
	assert_int_equal(COUNT(m, rx_unique), 1000);
	assert_int_equal(COUNT(m, lost), 0);
	assert_true(m->delay.known);
	assert_int_equal(m->delay.min, 5 * SP_NS_PER_MS);
	assert_int_equal(m->delay.max, 5 * SP_NS_PER_MS);
	assert_int_equal(m->late.max, 0);
	assert_true(fabs(m->tx_pps - 100.0) < 1e-9);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	assert_true(s.intervals >= 9);
	sim_end(&s);
}

/* A flipped bit anywhere in the payload is seen: of short ones always, of long ones when asked. */
static void test_corruption_of_the_payload(void **state)
{
	static const char *const small[] = { VIRTUAL,	       LOOP, "corrupt_every=50",
					     "corrupt_at=any", BOTH, STREAM("1kpps"),
					     "duration=10s",   NULL };
	static const char *const large[] = { VIRTUAL,
					     "verify=full",
					     "+port",
					     "name=p",
					     "transport=loop",
					     "port=5001",
					     "corrupt_every=50",
					     "corrupt_at=any",
					     BOTH,
					     STREAM("1kpps"),
					     "size=1400",
					     "duration=10s",
					     NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, small, 0);

	(void)state;
	assert_int_equal(COUNT(m, corrupted), 200);
	assert_int_equal(COUNT(m, rx_unique), 9800);
	sim_end(&s);
	m = sim_run(&s, large, 0);
	assert_int_equal(COUNT(m, corrupted), 200);
	assert_int_equal(COUNT(m, lost), 0);
	sim_end(&s);
}

static void test_many_streams_keep_their_rates(void **state)
{
	static const char *const words[] = { VIRTUAL, LOOP, BOTH, NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 10000);

	(void)state;
	assert_int_equal(s.worst_pending, 0);
	assert_int_equal(COUNT(m, asked_packets), COUNT(m, tx_packets));
	assert_int_equal(COUNT(m, tx_packets), COUNT(m, rx_unique));
	assert_int_equal(m->late.max, 0);
	for (unsigned i = 0; i < 10000; i++) {
		struct sp_stream_result f;
		double want = (double)sim_milli_pps(i) / 100;

		sp_result_stream(sp_run_result(s.run), i, &f);
		assert_true(fabs((double)COUNT(&f.m, tx_packets) - want) <= 1.0);
	}
	sim_end(&s);
}

static void test_stop_is_complete(void **state)
{
	static const char *const words[] = { VIRTUAL,	      LOOP,	     BOTH,
					     STREAM("1kpps"), "duration=1h", NULL };
	struct sim s;
	int r;

	(void)state;
	sim_start(&s, UINT64_MAX);
	s.stop_after_ns = 3 * SP_NS_PER_S;
	r = sim_execute(&s, words, 0);
	assert_int_equal(r, 0);
	assert_int_equal(s.violations, 0);
	assert_int_equal(COUNT(&sp_run_result(s.run)->total, asked_packets), 3001);
	assert_int_equal(COUNT(&sp_run_result(s.run)->total, tx_packets), 3001);
	assert_int_equal(sp_run_result(s.run)->exit_code, 130);
	sim_end(&s);
}

static void test_limits(void **state)
{
	static const char *const count[] = { VIRTUAL,	     LOOP,	 BOTH, STREAM("1kpps"),
					     "duration=10s", "count=77", NULL };
	static const char *const bytes[] = {
		VIRTUAL, LOOP, BOTH, STREAM("1kpps"), "duration=10s", "bytes=6400", NULL
	};
	struct sim s;
	const struct sp_measure *m = sim_run(&s, count, 0);

	(void)state;
	assert_int_equal(COUNT(m, asked_packets), 77);
	assert_int_equal(COUNT(m, rx_unique), 77);
	sim_end(&s);
	m = sim_run(&s, bytes, 0);
	assert_int_equal(COUNT(m, tx_bytes), 6400);
	sim_end(&s);
}

static void test_one_sided_transports(void **state)
{
	static const char *const words[] = {
		VIRTUAL,	  "+port",	 "name=p", "transport=null",
		STREAM("10kpps"), "duration=2s", NULL
	};
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 20000);
	assert_false(sp_counts_has(&m->c, SP_C_rx_unique));
	assert_false(sp_counts_has(&m->c, SP_C_lost));
	sim_end(&s);
}

/* Every allocation of a whole run fails once; nothing leaks and nothing crashes. */
static void test_each_allocation_fails(void **state)
{
	static const char *const words[] = {
		VIRTUAL,       LOOP, BOTH, STREAM("100pps"), "departure=exponential",
		"duration=2s", NULL
	};
	struct sim s;
	int r = -1;

	(void)state;
	for (uint64_t n = 0; r != 0; n++) {
		assert_true(n < 2000);
		sim_start(&s, n);
		r = sim_execute(&s, words, 0);
		/* An event's scratch memory may be missing: then that event has old figures. */
		if (r == 0 && s.mem.count > n)
			r = -1;
		else if (r && n > 1990)
			print_error("%llu: %s\n", (unsigned long long)n, s.err.text);
		sim_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hundred_a_second),
		cmocka_unit_test(test_corruption_of_the_payload),
		cmocka_unit_test(test_many_streams_keep_their_rates),
		cmocka_unit_test(test_stop_is_complete),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_one_sided_transports),
		cmocka_unit_test(test_each_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
