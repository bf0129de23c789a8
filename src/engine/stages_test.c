/* Stages and commands: exact counts in virtual time, and a ledger that adds up throughout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/plan_build.h"
#include "engine/run_impl.h"
#include "engine/testing.h"

#define S SP_NS_PER_S

static uint64_t sent(const struct sim *s, unsigned stream)
{
	struct sp_stream_result one;

	sp_result_stream(sp_run_result(s->run), stream, &one);
	return one.m.c.v[SP_C_tx_packets];
}

static void test_rate_change_is_exact(void **state)
{
	static const char *const words[] = { VIRTUAL,	     LOOP,     BOTH,	STREAM("1kpps"),
					     "duration=10s", "+stage", "at=2s", "stream=s",
					     "rate=3kpps",   "+stage", "at=7s", "stream=s",
					     "rate=500pps",  NULL };
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s, words, 0);
	assert_int_equal(COUNT(m, asked_packets), 2000 + 15000 + 1500);
	assert_int_equal(COUNT(m, tx_packets), 2000 + 15000 + 1500);
	assert_int_equal(COUNT(m, rx_unique), 2000 + 15000 + 1500);
	assert_true(isnan(m->asked_pps));
	assert_true(m->late.max == 0 && m->gap_error.max == 0);
	assert_true(sp_run_result(s.run)->planned_ns == 10 * S);
	sim_end(&s);
}

static void test_start_and_stop(void **state)
{
	static const char *const words[] = {
		VIRTUAL, "cores=2", LOOP, BOTH, STREAM("100pps"), "duration=0", "+stream",
		"name=t", "from=p", "host=127.0.0.1", "port=5001", "rate=10pps", "size=100",
		"duration=2s",
		/* s runs from 0 to 3 s and from 5 to 6 s; t waits, and is started twice. */
		"+stage", "at=3s", "stream=s", "do=stop", "+stage", "at=5s", "stream=s",
		"do=start", "+stage", "at=6s", "stream=s", "do=stop", "+stage", "at=1s",
		"stream=t", "do=start", "+stage", "at=2s", "stream=t", "rate=50", "+stage",
		"at=4s", "stream=t", "do=start", NULL
	};
	struct sim s;

	(void)state;
	sim_run(&s, words, 0);
	assert_int_equal(sent(&s, 0), 300 + 100);
	assert_int_equal(sent(&s, 1), 10 + 50 + 100);
	assert_true(s.plan->streams[1].waits && !s.plan->streams[0].waits);
	assert_true(sp_run_result(s.run)->planned_ns == 6 * S);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* Poisson departures follow a new rate, and are still Poisson by the measured distance. */
static void test_law(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     LOOP,
					     BOTH,
					     STREAM("2kpps"),
					     "duration=20s",
					     "departure=exponential",
					     "+stage",
					     "at=10s",
					     "stream=s",
					     "rate=20kpps",
					     NULL };
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s, words, 0);
	assert_in_range(COUNT(m, tx_packets), 218000, 222000);
	assert_int_equal(COUNT(m, asked_packets), COUNT(m, tx_packets));
	assert_true(m->ks_departure < 0.02);
	sim_end(&s);
}

static void test_max_for_a_while(void **state)
{
	static const char *const words[] = { VIRTUAL,	       "+port",		 "name=p",
					     "transport=null", STREAM("100pps"), "duration=4s",
					     "count=5000",     "+stage",	 "at=1s",
					     "stream=s",       "rate=max",	 NULL };
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s, words, 0);
	assert_int_equal(COUNT(m, tx_packets), 5000);
	assert_int_equal(COUNT(m, asked_packets), 5000);
	sim_end(&s);
}

static void command(struct sim *s, int action, uint64_t at_ns, const char *rate, int want)
{
	struct sp_cmd c = { .action = action, .stream = "s", .at_ns = at_ns };
	struct sp_err err = { 0 };

	if (rate)
		assert_int_equal(sp_parse_rate(rate, &c.rate), 0);
	if (sp_run_command(s->run, &c, &err) != want)
		fail_msg("not %d: %s", want, err.text);
}

static void test_commands(void **state)
{
	static const char *const words[] = { VIRTUAL,	      LOOP,	      BOTH,
					     STREAM("1kpps"), "duration=10s", NULL };
	struct sp_cmd wrong = { .action = SP_DO_STOP, .stream = "r" };
	struct sp_err err = { 0 };
	uint64_t t0;
	struct sim s;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, 0), 0);
	assert_int_equal(sim_arm(&s, &t0), 0);
	assert_int_equal(sp_run_step(s.run, 0), 0);
	assert_int_equal(sp_run_command(s.run, &wrong, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no such stream 'r'"));
	command(&s, SP_DO_SET, 0, NULL, -EINVAL);
	command(&s, SP_DO_SET, t0 + 3 * S, "4kpps", 0);
	command(&s, SP_DO_SET, t0 + 2 * S, "1pps", -ERANGE);
	command(&s, SP_DO_STOP, t0 + 5 * S, NULL, 0);
	command(&s, SP_DO_START, t0 + 6 * S, NULL, 0);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(sp_run_step(s.run, 0), 0);
	command(&s, SP_DO_STOP, 0, NULL, 0); /* now: at 7 s */
	while (sp_run_step(s.run, 0) == 0)
		;
	assert_int_equal(s.violations, 0);
	assert_int_equal(sent(&s, 0), 3000 + 8000 + 4000 + 1);
	command(&s, SP_DO_START, 0, NULL, -EALREADY);
	sim_end(&s);
}

/* A full ring says so, and nothing of what it refused happens. */
static void test_many_commands(void **state)
{
	static const char *const words[] = { VIRTUAL,	      LOOP,	     BOTH,
					     STREAM("1kpps"), "duration=5s", NULL };
	uint64_t t0;
	struct sim s;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, 0), 0);
	assert_int_equal(sim_arm(&s, &t0), 0);
	for (unsigned i = 0; i < SP_WORKER_ORDERS; i++)
		command(&s, SP_DO_SET, t0 + S, i % 2 ? "2kpps" : "5kpps", 0);
	command(&s, SP_DO_STOP, t0 + S, NULL, -EAGAIN);
	while (sp_run_step(s.run, 0) == 0)
		;
	assert_int_equal(s.violations, 0);
	assert_int_equal(sent(&s, 0), 1000 + 8000);
	sim_end(&s);
}

/* With the real clock: whatever the noise, everything asked is accounted for. */
static void test_real_time(void **state)
{
	static const char *const words[] = { LOOP,	    BOTH,	   STREAM("1kpps"),
					     "duration=1s", "+stage",	   "at=300ms",
					     "stream=s",    "rate=20kpps", NULL };
	struct sp_cmd c = { .action = SP_DO_STOP, .stream = "s" };
	const struct sp_measure *m;
	uint64_t t0;
	struct sim s;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, 0), 0);
	assert_int_equal(sim_arm(&s, &t0), 0);
	c.at_ns = t0 + 600 * SP_NS_PER_MS;
	assert_int_equal(sp_run_command(s.run, &c, &s.err), 0);
	while (sp_run_step(s.run, 100) == 0)
		;
	m = &sp_run_result(s.run)->total;
	assert_int_equal(s.violations, 0);
	assert_int_equal(COUNT(m, asked_packets), 300 + 6000);
	assert_int_equal(COUNT(m, asked_packets),
			 COUNT(m, tx_packets) + COUNT(m, not_sent_late));
	sim_end(&s);
}

static void test_no_memory(void **state)
{
	static const char *const words[] = { VIRTUAL,	    LOOP,     BOTH,    STREAM("100pps"),
					     "duration=2s", "+stage", "at=1s", "stream=s",
					     "rate=200pps", NULL };
	struct sim s;
	int r;

	(void)state;
	for (uint64_t n = 0;; n++) {
		sim_start(&s, n);
		r = sim_execute(&s, words, 0);
		if (s.mem.count <= n) {
			assert_int_equal(r, 0);
			assert_int_equal(sent(&s, 0), 300);
			sim_end(&s);
			break;
		}
		sim_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_change_is_exact),
		cmocka_unit_test(test_start_and_stop),
		cmocka_unit_test(test_law),
		cmocka_unit_test(test_max_for_a_while),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_many_commands),
		cmocka_unit_test(test_real_time),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
