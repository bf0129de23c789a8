/* Stages of streams over connections and of streams that share a schedule, in virtual time over
 * streams in memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/plan_build.h"
#include "engine/testing.h"

#define S	    SP_NS_PER_S

#define TCP_PORT    "+port", "name=p", "transport=loop-tcp", "port=5001"
#define SINK	    "+recv", "name=r", "from=p", "protocol=tcp"
#define WEB	    "+recv", "name=r", "from=p", "protocol=http"
#define TCP	    "+stream", "name=s", "from=p", "protocol=tcp", "host=127.0.0.1"
#define HTTP	    "+stream", "name=s", "from=p", "protocol=http", "host=127.0.0.1"
#define AT(t, what) "+stage", "at=" t, "stream=s", what

static struct sp_stream_result stream(const struct sim *s, unsigned i)
{
	struct sp_stream_result out;

	sp_result_stream(sp_run_result(s->run), i, &out);
	return out;
}

static void near(double got, double want, double part)
{
	if (!(got >= want * (1 - part) && got <= want * (1 + part)))
		fail_msg("%f is not within %g of %f", got, part, want);
}

/* ---- bulk ---- */

/* The integral of the rate, to a millisecond's worth. */
static void bulk_changes_its_rate(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     "verify=full",
					     TCP_PORT,
					     "delay=1ms",
					     SINK,
					     TCP,
					     "rate=8Mbit/s",
					     "duration=4s",
					     AT("1s", "rate=80Mbit/s"),
					     AT("2s", "rate=16Mbit/s"),
					     AT("3s", "rate=160Mbit/s"),
					     NULL };
	struct sp_stream_result one;
	struct sim s;

	(void)state;
	sim_run(&s, words, 0);
	one = stream(&s, 0);
	near((double)COUNT(&one.m, tx_bytes), 1e6 + 10e6 + 2e6 + 20e6, 0.01);
	assert_int_equal(COUNT(&one.m, rx_bytes), COUNT(&one.m, tx_bytes));
	assert_int_equal(one.way.connections, 1);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* As fast as can be, then at a rate, then as fast as can be: the path carries 100 Mbit/s. */
static void bulk_comes_and_goes_from_max(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     TCP_PORT,
					     "rate=100Mbit/s",
					     "buffer=64Ki",
					     SINK,
					     TCP,
					     "rate=max",
					     "duration=3s",
					     AT("1s", "rate=8Mbit/s"),
					     AT("2s", "rate=max"),
					     NULL };
	struct sp_stream_result one;
	struct sim s;

	(void)state;
	sim_run(&s, words, 0);
	one = stream(&s, 0);
	near((double)COUNT(&one.m, tx_bytes), 12.5e6 + 1e6 + 12.5e6, 0.02);
	assert_int_equal(COUNT(&one.m, rx_bytes), COUNT(&one.m, tx_bytes));
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* From 1 to 2 s, from 3 to 3.5 s: a connection each. */
static void bulk_starts_and_stops(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     "verify=full",
					     TCP_PORT,
					     "rate=100Mbit/s",
					     "buffer=64Ki",
					     SINK,
					     TCP,
					     "rate=max",
					     "duration=10s",
					     AT("1s", "do=start"),
					     AT("2s", "do=stop"),
					     AT("3s", "do=start"),
					     AT("3500ms", "do=stop"),
					     NULL };
	struct sp_stream_result one;
	struct sim s;

	(void)state;
	sim_run(&s, words, 0);
	one = stream(&s, 0);
	near((double)COUNT(&one.m, tx_bytes), 12.5e6 * 1.5, 0.03);
	assert_int_equal(COUNT(&one.m, rx_bytes), COUNT(&one.m, tx_bytes));
	assert_int_equal(COUNT(&one.m, corrupted), 0);
	assert_int_equal(one.way.connections, 2);
	assert_true(one.m.last_tx_ns - one.m.first_tx_ns <= 2500 * SP_NS_PER_MS);
	assert_true(one.m.last_tx_ns - one.m.first_tx_ns >= 2490 * SP_NS_PER_MS);
	assert_true(sp_run_result(s.run)->planned_ns == 3500 * SP_NS_PER_MS);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* Each start has the whole limit; one that comes while the last bytes are read, too. */
static void each_start_has_its_limit(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     TCP_PORT,
					     "delay=30ms",
					     "buffer=4Mi",
					     SINK,
					     TCP,
					     "rate=80Mbit/s",
					     "bytes=1000000",
					     AT("135ms", "do=stop"),
					     AT("140ms", "do=start"),
					     AT("2s", "rate=8Mbit/s"),
					     AT("2s", "do=start"),
					     NULL };
	struct sp_stream_result one;
	struct sim s;

	(void)state;
	sim_run(&s, words, 0);
	one = stream(&s, 0);
	assert_int_equal(COUNT(&one.m, tx_bytes), 3000000);
	assert_int_equal(COUNT(&one.m, rx_bytes), 3000000);
	assert_int_equal(one.way.connections, 3);
	near((double)(one.m.last_tx_ns - one.m.first_tx_ns), 2.94e9, 0.02);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* What the rates ask for, not what the first did. */
static void too_little_is_said(void **state)
{
	static const char *const words[] = {
		VIRTUAL,	TCP_PORT,      "rate=100Mbit/s",	   SINK, TCP,
		"rate=8Mbit/s", "duration=2s", AT("1s", "rate=500Mbit/s"), NULL
	};
	struct sim s;

	(void)state;
	sim_run(&s, words, 0);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

static void commands_reach_bulk_data(void **state)
{
	static const char *const words[] = {
		VIRTUAL,  TCP_PORT,	   "rate=100Mbit/s", "buffer=64Ki",  SINK,
		TCP,	  "rate=80Mbit/s", "duration=1s",    "+stream",	     "name=t",
		"from=p", "protocol=tcp",  "host=127.0.0.1", "rate=8Mbit/s", "duration=9s",
		NULL
	};
	struct sp_cmd c = { .stream = "s" };
	struct sp_stream_result one;
	struct sim s;
	uint64_t t0;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, 0), 0);
	assert_int_equal(sim_arm(&s, &t0), 0);
	while (s.clock.virtual_ns < t0 + 3 * S)
		assert_int_equal(sp_run_step(s.run, 0), 0);
	/* It has ended, and begins again. */
	c.action = SP_DO_SET;
	c.rate = (struct sp_rate){ .kind = SP_RATE_PPS, .micro = 1000000 };
	assert_int_equal(sp_run_command(s.run, &c, &s.err), -EINVAL);
	assert_non_null(strstr(s.err.text, "bulk data has no packets"));
	assert_int_equal(sp_parse_rate("16Mbit/s", &c.rate), 0);
	c.at_ns = t0 + 4 * S;
	assert_int_equal(sp_run_command(s.run, &c, &s.err), 0);
	c = (struct sp_cmd){ .stream = "s", .action = SP_DO_START, .at_ns = t0 + 5 * S };
	assert_int_equal(sp_run_command(s.run, &c, &s.err), 0);
	while (sp_run_step(s.run, 0) == 0)
		;
	assert_int_equal(s.violations, 0);
	one = stream(&s, 0);
	near((double)COUNT(&one.m, tx_bytes), 10e6 + 2e6, 0.01);
	assert_int_equal(COUNT(&one.m, rx_bytes), COUNT(&one.m, tx_bytes));
	assert_int_equal(one.way.connections, 2);
	sim_end(&s);
}

/* ---- dialogues ---- */

/* Each of four connections has an answer a millisecond. */
static void a_closed_loop_starts_and_stops(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     TCP_PORT,
					     WEB,
					     "delay=1ms",
					     HTTP,
					     "rate=max",
					     "connections=4",
					     "duration=1s",
					     AT("1s", "do=start"),
					     AT("1500ms", "do=stop"),
					     AT("3s", "do=start"),
					     NULL };
	struct sp_stream_result one;
	struct sim s;

	(void)state;
	sim_run(&s, words, 0);
	one = stream(&s, 0);
	near((double)COUNT(&one.m, tx_packets), 4 * 1500, 0.01);
	assert_int_equal(COUNT(&one.m, rx_unique), COUNT(&one.m, tx_packets));
	/* They stayed open meanwhile. */
	assert_int_equal(one.way.connections, 4);
	near((double)(one.m.last_tx_ns - one.m.first_tx_ns), 3e9, 0.01);
	assert_true(sp_run_result(s.run)->planned_ns == 4 * S);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* The same with a connection for each request, and a limit that each start has. */
static void closed_loops_count_anew(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     TCP_PORT,
					     WEB,
					     "delay=1ms",
					     HTTP,
					     "close=yes",
					     "rate=max",
					     "connections=3",
					     "count=100",
					     AT("500ms", "do=stop"),
					     AT("1s", "do=start"),
					     NULL };
	struct sp_stream_result one;
	struct sim s;

	(void)state;
	sim_run(&s, words, 0);
	one = stream(&s, 0);
	assert_int_equal(COUNT(&one.m, tx_packets), 200);
	assert_int_equal(COUNT(&one.m, rx_unique), 200);
	assert_int_equal(one.way.connections, 200);
	sim_end(&s);
}

static void an_open_loop_is_exact(void **state)
{
	static const char *const web[] = { VIRTUAL,
					   TCP_PORT,
					   WEB,
					   "delay=3ms",
					   HTTP,
					   "rate=100pps",
					   "duration=4s",
					   AT("1s", "rate=400pps"),
					   AT("2s", "do=stop"),
					   AT("3s", "do=start"),
					   AT("3500ms", "rate=1kpps"),
					   AT("4s", "do=stop"),
					   NULL };
	static const char *const messages[] = { VIRTUAL,
						TCP_PORT,
						SINK,
						TCP,
						"rate=1Mbit/s",
						"size=125",
						"duration=3s",
						AT("1s", "rate=2Mbit/s"),
						AT("2s", "rate=500pps"),
						NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = sim_run(&s, web, 0);
	assert_int_equal(COUNT(m, asked_packets), 100 + 400 + 200 + 500);
	assert_int_equal(COUNT(m, tx_packets), 1200);
	assert_int_equal(COUNT(m, rx_unique), 1200);
	sim_end(&s);
	m = sim_run(&s, messages, 0);
	assert_int_equal(COUNT(m, asked_packets), 1000 + 2000 + 500);
	assert_int_equal(COUNT(m, rx_unique), 3500);
	sim_end(&s);
}

/* ---- parts of one schedule ---- */

/* How far two parts are from three to one. */
static uint64_t unfairness(const char *departure, uint64_t *total)
{
	const char *const words[] = { VIRTUAL,
				      LOOP,
				      BOTH,
				      STREAM("100pps"),
				      "entry=g",
				      "duration=2s",
				      departure,
				      "deal_of=4",
				      "deal_at=0",
				      "deal_n=3",
				      "+stream",
				      "name=t",
				      "entry=g",
				      "from=p",
				      "host=127.0.0.1",
				      "port=5001",
				      "rate=100pps",
				      "duration=2s",
				      departure,
				      "size=64",
				      "deal_of=4",
				      "deal_at=3",
				      "deal_n=1",
				      AT("1s", "rate=700pps"),
				      "+stage",
				      "at=1s",
				      "stream=t",
				      "rate=700pps",
				      AT("2s", "do=stop"),
				      "+stage",
				      "at=2s",
				      "stream=t",
				      "do=stop",
				      AT("3s", "do=start"),
				      "+stage",
				      "at=3s",
				      "stream=t",
				      "do=start",
				      AT("4s", "do=stop"),
				      "+stage",
				      "at=4s",
				      "stream=t",
				      "do=stop",
				      NULL };
	struct sp_stream_result one;
	struct sim s;
	uint64_t a, b;

	sim_run(&s, words, 0);
	one = stream(&s, 0);
	a = COUNT(&one.m, tx_packets);
	one = stream(&s, 1);
	b = COUNT(&one.m, tx_packets);
	*total = a + b;
	sim_end(&s);
	return a > 3 * b ? a - 3 * b : 3 * b - a;
}

/* Whatever happens to them all, each departure is one's, three to one. */
static void parts_stay_parts(void **state)
{
	uint64_t total;

	(void)state;
	assert_int_equal(unfairness("departure=constant", &total), 0);
	assert_int_equal(total, 100 + 700 + 700);
	assert_true(unfairness("departure=exponential", &total) <= 6);
	near((double)total, 1500, 0.15);
}

/* ---- what cannot be ---- */

static void refuse(const char *const *words, const char *fragment)
{
	struct sim s;

	sim_start(&s, UINT64_MAX);
	assert_int_not_equal(sim_build(&s, words, 0), 0);
	if (!strstr(s.err.text, fragment))
		fail_msg("%s is not: %s", fragment, s.err.text);
	sim_end(&s);
}

static void what_a_stream_is_it_stays(void **state)
{
	(void)state;
	refuse((const char *[]){ VIRTUAL, TCP_PORT, WEB, HTTP, "rate=max",
				 AT("1s", "rate=5pps"), NULL },
	       "a closed loop (rate max)");
	refuse((const char *[]){ VIRTUAL, TCP_PORT, WEB, HTTP, "rate=5pps",
				 AT("1s", "rate=max"), NULL },
	       "cannot become a closed loop");
	refuse((const char *[]){ VIRTUAL, TCP_PORT, SINK, TCP, "rate=max",
				 AT("1s", "rate=5pps"), NULL },
	       "bulk data has no packets");
	refuse((const char *[]){ VIRTUAL, LOOP, BOTH, STREAM("5pps"), "deal_of=2",
				 AT("1s", "rate=max"), NULL },
	       "no schedule that streams could share");
}

static void no_memory(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     TCP_PORT,
					     "rate=100Mbit/s",
					     "buffer=64Ki",
					     SINK,
					     TCP,
					     "rate=8Mbit/s",
					     "duration=200ms",
					     AT("100ms", "rate=16Mbit/s"),
					     AT("100ms", "do=start"),
					     "+stream",
					     "name=c",
					     "from=p",
					     "protocol=tcp",
					     "host=127.0.0.1",
					     "rate=max",
					     "per_message=yes",
					     "size=500",
					     "count=5",
					     "+stage",
					     "at=50ms",
					     "stream=c",
					     "do=start",
					     NULL };
	struct sim s;
	int r;

	(void)state;
	for (uint64_t n = 0;; n++) {
		sim_start(&s, n);
		r = sim_execute(&s, words, 0);
		if (s.mem.count <= n) {
			struct sp_stream_result one = stream(&s, 0);

			assert_int_equal(r, 0);
			near((double)COUNT(&one.m, tx_bytes), 400e3, 0.05);
			one = stream(&s, 1);
			assert_int_equal(COUNT(&one.m, tx_packets), 5);
			sim_end(&s);
			break;
		}
		sim_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_changes_its_rate),
		cmocka_unit_test(bulk_comes_and_goes_from_max),
		cmocka_unit_test(bulk_starts_and_stops),
		cmocka_unit_test(each_start_has_its_limit),
		cmocka_unit_test(too_little_is_said),
		cmocka_unit_test(commands_reach_bulk_data),
		cmocka_unit_test(a_closed_loop_starts_and_stops),
		cmocka_unit_test(closed_loops_count_anew),
		cmocka_unit_test(an_open_loop_is_exact),
		cmocka_unit_test(parts_stay_parts),
		cmocka_unit_test(what_a_stream_is_it_stays),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
