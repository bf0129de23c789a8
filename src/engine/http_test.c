/* HTTP's machines in the dialogue lane, in virtual time over streams in memory: what is reported is what
 * can be computed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/testing.h"

#define TCP_PORT "+port", "name=p", "transport=loop-tcp", "port=5001"
#define SERVER	 "+recv", "name=r", "from=p", "protocol=http"
#define CLIENT	 "+stream", "name=s", "from=p", "protocol=http", "host=127.0.0.1"

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

/* The server answers nothing in the first 200 ms of each second. So a fifth of the requests waits, any
 * time up to 200 ms alike, though only four of them can be told so while it lasts. */
static void a_stall_counts_from_the_intended_start(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, SERVER, "stall=200ms", CLIENT,
				      "rate=1000pps", "connections=4", "duration=20s", NULL },
		    0);
	assert_int_equal(COUNT(m, tx_packets), 20000);
	assert_int_equal(COUNT(m, rx_unique), 20000);
	assert_int_equal(m->rtt.n, 20000);
	near((double)m->rtt.p90, 100e6, 0.02);
	near((double)m->rtt.p99, 190e6, 0.02);
	near((double)m->rtt.p999, 199e6, 0.02);
	near((double)m->rtt.max, 200e6, 0.01);
	near(m->rtt.mean, 0.2 * 100e6, 0.02);
	assert_int_equal(m->rtt.p50, 0);
	/* From the actual start: four in each second. */
	assert_int_equal(m->rtt_actual.n, 20000);
	assert_int_equal(m->rtt_actual.p99, 0);
	near((double)m->rtt_actual.p999, 200e6, 0.05);
	near(m->rtt_actual.mean, 4 * 200e6 / 1000, 0.05);
	/* The rest of the wait is lateness. */
	near(m->late.mean, m->rtt.mean - m->rtt_actual.mean, 0.02);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

static void delays_add_up(void **state)
{
	struct sim s;
	const struct sp_measure *m;
	struct sp_stream_result one;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=3ms", SERVER, "delay=10ms",
				      "status=202", "body=5000", CLIENT, "rate=100pps",
				      "size=700", "duration=3s", NULL },
		    0);
	one = stream(&s, 0);
	assert_int_equal(COUNT(m, rx_unique), 300);
	assert_string_equal(one.unit, "request");
	assert_int_equal(one.statuses.n, 1);
	assert_int_equal(one.statuses.row[0].status, 202);
	assert_int_equal(one.statuses.row[0].count, 300);
	/* A kept connection: there and back, and the server's delay. */
	near((double)m->rtt.p50, 16e6, 0.02);
	/* The first one waits for its connection, too. */
	near((double)m->rtt.max, 22e6, 0.02);
	assert_true(COUNT(m, rx_bytes) > 300 * 5000 && COUNT(m, tx_bytes) > 300 * 700);
	assert_true(one.way.connections < 4);
	sim_end(&s);
}

static void a_closed_loop_is_as_fast_as_the_path(void **state)
{
	struct sim s;
	const struct sp_measure *m;
	struct sp_stream_result one;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=1ms", SERVER, CLIENT,
				      "rate=max", "connections=10", "duration=2s", NULL },
		    0);
	one = stream(&s, 0);
	/* Ten connections, 2 ms each. */
	near((double)COUNT(m, rx_unique), 10000, 0.01);
	assert_int_equal(COUNT(m, tx_packets), COUNT(m, rx_unique));
	assert_int_equal(one.way.connections, 10);
	sim_end(&s);
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=1ms", SERVER, CLIENT,
				      "rate=max", "connections=10", "duration=2s", "close=yes",
				      NULL },
		    0);
	one = stream(&s, 0);
	/* And 2 ms to connect. */
	near((double)COUNT(m, rx_unique), 5000, 0.01);
	assert_int_equal(one.way.connections, COUNT(m, tx_packets));
	sim_end(&s);
}

/* udp:50,tcp:30,http:20 of 999: the remainder goes by turns, too. */
static void shares_of_one_schedule(void **state)
{
	static const char *const words[] = {
		VIRTUAL,
		LOOP,
		BOTH,
		"+port",
		"name=q",
		"transport=loop-tcp",
		"port=5001",
		"+recv",
		"name=rq",
		"from=q",
		"protocol=tcp",
		"+port",
		"name=h",
		"transport=loop-tcp",
		"port=80",
		"+recv",
		"name=rh",
		"from=h",
		"protocol=http",
		"+stream",
		"name=u",
		"from=p",
		"host=127.0.0.1",
		"rate=1000pps",
		"size=100",
		"count=1000",
		"entry=m",
		"deal_of=10",
		"deal_at=0",
		"deal_n=5",
		"+stream",
		"name=t",
		"from=q",
		"protocol=tcp",
		"host=127.0.0.1",
		"rate=1000pps",
		"size=100",
		"count=1000",
		"entry=m",
		"deal_of=10",
		"deal_at=5",
		"deal_n=3",
		"+stream",
		"name=w",
		"from=h",
		"protocol=http",
		"host=127.0.0.1",
		"port=80",
		"rate=1000pps",
		"count=1000",
		"entry=m",
		"deal_of=10",
		"deal_at=8",
		"deal_n=2",
		NULL,
	};
	static const uint64_t want[] = { 500, 300, 200 };
	struct sim s;
	struct sp_stream_result one;

	(void)state;
	sim_run(&s, words, 0);
	for (unsigned i = 0; i < 3; i++) {
		one = stream(&s, i);
		assert_int_equal(COUNT(&one.m, tx_packets), want[i]);
		assert_int_equal(COUNT(&one.m, rx_unique), want[i]);
	}
	assert_int_equal(one.statuses.row[0].count, 200);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* Every fifth connection is refused, every seventh reset when the request comes. */
static void what_went_wrong_is_counted_once(void **state)
{
	struct sim s;
	const struct sp_measure *m;
	struct sp_stream_result one;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=1ms", "refuse=5", "reset=7",
				      SERVER, "status=503", CLIENT, "rate=100pps", "count=350",
				      "close=yes", NULL },
		    0);
	one = stream(&s, 0);
	assert_int_equal(COUNT(m, asked_packets), 350);
	assert_int_equal(COUNT(m, tx_refused), 70);
	assert_int_equal(COUNT(m, error_refused), 70);
	assert_int_equal(COUNT(m, tx_packets), 280);
	assert_int_equal(COUNT(m, error_reset) + COUNT(m, rx_unique), 280);
	assert_true(COUNT(m, error_reset) >= 35 && COUNT(m, error_reset) <= 50);
	assert_int_equal(COUNT(m, error_status), COUNT(m, rx_unique));
	assert_int_equal(one.statuses.row[0].count, COUNT(m, rx_unique));
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

static void allocations_that_fail(void **state)
{
	static const char *const words[] = {
		VIRTUAL,    "duration=100ms", TCP_PORT,	     SERVER, "body=9k",
		CLIENT,	    "size=2k",	      "rate=100pps", CLIENT, "name=t",
		"rate=max", "close=yes",      "count=20",    NULL
	};
	struct sim s;
	uint64_t n = 0;
	int r = -1;

	(void)state;
	for (; r != 0 && n < 2000; n++) {
		sim_start(&s, n);
		r = sim_execute(&s, words, 0);
		if (r)
			assert_int_equal(r, -ENOMEM);
		sim_end(&s);
		if (s.mem.count < n)
			break;
	}
	assert_true(n > 20);
}

/* Whoever has not answered two seconds after the end is not waited for. */
static void answers_are_waited_for_a_moment(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=1ms", SERVER, "delay=1m",
				      CLIENT, "rate=100pps", "connections=30", "duration=2s",
				      NULL },
		    0);
	assert_in_range(sp_run_result(s.run)->duration_ns, 4 * SP_NS_PER_S, 5 * SP_NS_PER_S);
	assert_int_equal(COUNT(m, asked_packets), 200);
	/* Thirty were asked and never answered; the others had no connection. */
	assert_int_equal(COUNT(m, tx_packets), 30);
	assert_int_equal(COUNT(m, lost), 30);
	assert_int_equal(COUNT(m, not_sent_late), 170);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stall_counts_from_the_intended_start),
		cmocka_unit_test(delays_add_up),
		cmocka_unit_test(a_closed_loop_is_as_fast_as_the_path),
		cmocka_unit_test(shares_of_one_schedule),
		cmocka_unit_test(what_went_wrong_is_counted_once),
		cmocka_unit_test(allocations_that_fail),
		cmocka_unit_test(answers_are_waited_for_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
