/* The bulk and dialogue lanes and the sink, in virtual time over streams in memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/testing.h"

#define TCP_PORT  "+port", "name=p", "transport=loop-tcp", "port=5001"
#define TCP_SINK  "+recv", "name=r", "from=p", "protocol=tcp"
#define TCP(name) "+stream", "name=" name, "from=p", "protocol=tcp", "host=127.0.0.1"

static struct sp_stream_result stream(const struct sim *s, unsigned i)
{
	struct sp_stream_result out;

	sp_result_stream(sp_run_result(s->run), i, &out);
	return out;
}

static bool known(const struct sp_measure *m, enum sp_counter c)
{
	return sp_counts_has(&m->c, c);
}

static void near(double got, double want, double part)
{
	if (!(got > want * (1 - part) && got < want * (1 + part)))
		fail_msg("%f is not within %g of %f", got, part, want);
}

/* ---- bulk ---- */

static void bulk_fills_the_path(void **state)
{
	struct sim s;
	const struct sp_measure *m;
	struct sp_stream_result one;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, "verify=full", TCP_PORT, "rate=100Mbit/s",
				      "delay=5ms", "buffer=1Mi", TCP_SINK, TCP("a"), "rate=max",
				      "duration=2s", TCP("b"), "rate=max", "duration=2s",
				      "start=500ms", NULL },
		    0);
	for (unsigned i = 0; i < 2; i++) {
		one = stream(&s, i);
		assert_string_equal(one.unit, "byte");
		assert_false(known(&one.m, SP_C_asked_packets));
		assert_false(known(&one.m, SP_C_tx_packets));
		assert_false(known(&one.m, SP_C_rx_packets));
		assert_int_equal(COUNT(&one.m, tx_bytes), COUNT(&one.m, rx_bytes));
		/* Each has the rate to itself, and a buffer that may fill at the end. */
		near((double)COUNT(&one.m, tx_bytes), 100e6 / 8 * 2, 0.06);
		assert_true(one.way.known);
		assert_int_equal(one.way.rtt_ns, 10 * SP_NS_PER_MS);
	}
	assert_int_equal(COUNT(m, rx_bytes), COUNT(m, tx_bytes));
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

static void bulk_keeps_a_rate_and_a_limit(void **state)
{
	struct sim s;
	struct sp_stream_result one;

	(void)state;
	sim_run(&s,
		(const char *[]){ VIRTUAL, TCP_PORT, "delay=1ms", TCP_SINK, TCP("rate"),
				  "rate=80Mbit/s", "duration=1s", TCP("limit"), "rate=max",
				  "bytes=12345678", "duration=60s", NULL },
		0);
	one = stream(&s, 0);
	/* 10 MB, to a piece. */
	assert_true(COUNT(&one.m, tx_bytes) <= 10000000);
	assert_true(COUNT(&one.m, tx_bytes) > 10000000 - (64 << 10) - 1);
	near(one.m.tx_bps, 80e6, 0.01);
	one = stream(&s, 1);
	assert_int_equal(COUNT(&one.m, tx_bytes), 12345678);
	assert_int_equal(COUNT(&one.m, rx_bytes), 12345678);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* A path that opens late: what is older than a second's worth is given up, and what is made up comes
 * at twice the rate at most. */
static void bulk_catches_up_within_its_credit(void **state)
{
	static const char *const ways[] = { "catch_up=chase:2x", "catch_up=skip" };
	struct sp_stream_result one;
	struct sim s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		/* The connection takes 2 s of the 5. */
		sim_run(&s,
			(const char *[]){ "+run", "virtual=true", ways[i], TCP_PORT, "delay=1s",
					  "buffer=16Mi", TCP_SINK, TCP("a"), "rate=8Mbit/s",
					  "duration=5s", NULL },
			0);
		one = stream(&s, 0);
		/* 3 s of a megabyte each, and one second's worth of the two that were missed. */
		near((double)COUNT(&one.m, tx_bytes), i ? 3e6 : 4e6, 0.04);
		assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
		sim_end(&s);
	}
}

static void bulk_that_is_too_slow_is_said(void **state)
{
	struct sim s;

	(void)state;
	sim_run(&s,
		(const char *[]){ VIRTUAL, TCP_PORT, "rate=10Mbit/s", TCP_SINK, TCP("a"),
				  "rate=80Mbit/s", "duration=1s", NULL },
		0);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

/* Every byte is checked where that is asked for, and each that is not what was sent is counted. */
static void damage_to_bulk_data_is_counted(void **state)
{
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ "+run", "virtual=true", "verify=full", TCP_PORT,
				      "corrupt=1000", TCP_SINK, TCP("a"), "rate=max",
				      "bytes=9876543", "duration=10s", NULL },
		    0);
	/* The opener takes the first bytes of the stream, and none of it is hit. */
	assert_int_equal(COUNT(m, rx_bytes), 9876543);
	assert_int_equal(COUNT(m, corrupted), (9876543 + 24) / 1000);
	sim_end(&s);
	m = sim_run(&s,
		    (const char *[]){ "+run", "virtual=true", TCP_PORT, "corrupt=1000",
				      TCP_SINK, TCP("a"), "rate=max", "bytes=50000",
				      "duration=10s", NULL },
		    0);
	assert_false(sp_counts_has(&m->c, SP_C_corrupted)); /* nobody looked */
	sim_end(&s);
}

/* A damaged stamp is a corrupted unit; where a length is damaged the rest cannot be told apart. */
static void damage_to_messages_is_counted(void **state)
{
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	/* Every 1,010th byte, in messages of 1,010 behind the opener: byte 985 of each, its payload. */
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "corrupt=1010", TCP_SINK, TCP("a"),
				      "rate=1000pps", "size=1010", "count=100", NULL },
		    0);
	assert_int_equal(COUNT(m, rx_unique), 100);
	sim_end(&s);
	/* Every 44th byte, in messages of 44: byte 19, in the stamp of each. */
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "corrupt=44", TCP_SINK, TCP("a"),
				      "rate=1000pps", "size=44", "count=100", NULL },
		    0);
	assert_int_equal(COUNT(m, corrupted), 100);
	assert_int_equal(COUNT(m, rx_unique) + COUNT(m, lost), 0);
	sim_end(&s);
	/* Byte 1 of the second one is in its length. */
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "corrupt=126", TCP_SINK, TCP("a"),
				      "rate=1000pps", "size=100", "count=100", NULL },
		    0);
	assert_int_equal(COUNT(m, rx_unique), 1);
	assert_int_equal(COUNT(m, corrupted), 1);
	assert_int_equal(COUNT(m, lost), 98);
	sim_end(&s);
}

/* ---- messages ---- */

static void messages_arrive_with_their_stamps(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=3ms", TCP_SINK, TCP("a"),
				      "rate=1000pps", "size=500", "duration=2s", TCP("b"),
				      "rate=7pps", "size=60000", "duration=2s", TCP("c"),
				      "rate=100pps", "size=22", "duration=2s", NULL },
		    0);
	assert_int_equal(COUNT(m, asked_packets), 2000 + 14 + 200);
	assert_int_equal(COUNT(m, tx_packets), 2000 + 14 + 200);
	assert_int_equal(COUNT(m, rx_unique), 2000 + 14 + 200);
	assert_int_equal(COUNT(m, tx_bytes), 2000 * 500 + 14 * 60000 + 200 * 22);
	assert_int_equal(COUNT(m, rx_bytes), COUNT(m, tx_bytes));
	assert_int_equal(COUNT(m, lost) + COUNT(m, corrupted) + COUNT(m, reordered), 0);
	assert_string_equal(stream(&s, 0).unit, "message");
	assert_int_equal(stream(&s, 0).way.connections, 1);
	/* The first waits for its connection, which takes a round trip. */
	assert_int_equal(m->delay.min, 3 * SP_NS_PER_MS);
	assert_in_range(m->delay.max, 9 * SP_NS_PER_MS, 10 * SP_NS_PER_MS);
	sim_end(&s);
}

/* What a slow path holds back is late, and given up when it is a second late; nothing is lost. */
static void slowness_is_lateness_and_not_loss(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "rate=1Mbit/s", "buffer=4Ki", TCP_SINK,
				      TCP("a"), "rate=2Mbit/s", "size=1000", "duration=5s",
				      NULL },
		    0);
	assert_int_equal(COUNT(m, asked_packets), 1250);
	near((double)COUNT(m, tx_packets), 645, 0.05);
	assert_int_equal(COUNT(m, tx_packets) + COUNT(m, not_sent_late), 1250);
	assert_int_equal(COUNT(m, lost), 0);
	assert_true(m->late.max > (int64_t)(900 * SP_NS_PER_MS));
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

/* ---- a connection for each message ---- */

static void each_message_has_a_connection(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=2ms", TCP_SINK, TCP("a"),
				      "rate=500pps", "size=300", "duration=2s",
				      "per_message=yes", NULL },
		    0);
	assert_int_equal(COUNT(m, tx_packets), 1000);
	assert_int_equal(COUNT(m, rx_unique), 1000);
	assert_int_equal(COUNT(m, rx_bytes), 300000);
	assert_int_equal(stream(&s, 0).way.connections, 1000);
	assert_string_equal(stream(&s, 0).unit, "connection");
	sim_end(&s);
}

/* A refused connection is an error in the ledger, never sent. */
static void refused_is_not_sent(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=1ms", "refuse=10", TCP_SINK,
				      TCP("a"), "rate=500pps", "size=300", "duration=2s",
				      "per_message=yes", NULL },
		    0);
	assert_int_equal(COUNT(m, asked_packets), 1000);
	assert_int_equal(COUNT(m, tx_packets), 900);
	assert_int_equal(COUNT(m, tx_refused), 100);
	assert_int_equal(COUNT(m, error_refused), 100);
	assert_int_equal(COUNT(m, rx_unique), 900);
	assert_int_equal(COUNT(m, lost), 0);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

static void nobody_at_all_is_69(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "refuse=1", TCP_SINK, TCP("a"),
				      "rate=10pps", "duration=1s", NULL },
		    0);
	assert_int_equal(COUNT(m, tx_packets), 0);
	assert_int_equal(COUNT(m, tx_refused), 10);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNAVAIL);
	sim_end(&s);
}

/* Connections that break are made again; what was on them is lost. */
static void resets_cost_what_was_under_way(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=1ms", "reset=2", TCP_SINK,
				      TCP("a"), "rate=100pps", "size=300", "duration=2s",
				      "per_message=yes", NULL },
		    0);
	assert_int_equal(COUNT(m, asked_packets), 200);
	assert_int_equal(COUNT(m, tx_packets), 200);
	assert_int_equal(COUNT(m, rx_unique), 100);
	assert_int_equal(COUNT(m, lost), 100);
	sim_end(&s);
}

/* A thousand tokens wait for four connections: at most four are open, and all are served. */
static void connections_have_a_limit(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=2ms", TCP_SINK, TCP("a"),
				      "rate=900pps", "size=300", "duration=1s",
				      "per_message=yes", "connections=4", NULL },
		    0);
	/* Each is taken for a round trip of 4 ms: 1,000 a second at most. */
	assert_int_equal(COUNT(m, tx_packets), 900);
	assert_int_equal(COUNT(m, rx_unique), 900);
	sim_end(&s);
}

static void a_closed_loop_never_stops(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=2ms", TCP_SINK, TCP("a"),
				      "rate=max", "size=300", "duration=1s", "per_message=yes",
				      "connections=8", NULL },
		    0);
	/* Eight connections, a round trip each: 2,000 a second. */
	near((double)COUNT(m, tx_packets), 2000, 0.01);
	assert_int_equal(COUNT(m, asked_packets), COUNT(m, tx_packets));
	assert_int_equal(COUNT(m, rx_unique), COUNT(m, tx_packets));
	sim_end(&s);
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, TCP_PORT, "delay=2ms", TCP_SINK, TCP("a"),
				      "rate=max", "size=300", "count=77", "per_message=yes",
				      "connections=8", NULL },
		    0);
	assert_int_equal(COUNT(m, tx_packets), 77);
	sim_end(&s);
}

/* ---- mixed ---- */

static void one_schedule_is_dealt_by_turns(void **state)
{
	static const char *const laws[] = { "departure=constant", "departure=exponential" };
	struct sim s;
	struct sp_stream_result udp, tcp;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		sim_run(&s,
			(const char *[]){ VIRTUAL,
					  "seed=5",
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
					  "+stream",
					  "name=u",
					  "from=p",
					  "host=127.0.0.1",
					  "rate=1000pps",
					  "size=100",
					  laws[i],
					  "count=999",
					  "entry=m",
					  "deal_of=2",
					  "deal_at=0",
					  "+stream",
					  "name=t",
					  "from=q",
					  "protocol=tcp",
					  "host=127.0.0.1",
					  "rate=1000pps",
					  "size=100",
					  laws[i],
					  "count=999",
					  "entry=m",
					  "deal_of=2",
					  "deal_at=1",
					  NULL },
			0);
		udp = stream(&s, 0);
		tcp = stream(&s, 1);
		assert_int_equal(COUNT(&udp.m, tx_packets), 500);
		assert_int_equal(COUNT(&tcp.m, tx_packets), 499);
		assert_int_equal(COUNT(&udp.m, rx_unique), 500);
		assert_int_equal(COUNT(&tcp.m, rx_unique), 499);
		assert_true(udp.m.first_tx_ns < tcp.m.first_tx_ns);
		assert_true(udp.m.last_tx_ns > tcp.m.last_tx_ns);
		if (i == 0) {
			assert_int_equal(tcp.m.first_tx_ns - udp.m.first_tx_ns, SP_NS_PER_MS);
			assert_int_equal(udp.m.last_tx_ns - udp.m.first_tx_ns,
					 998 * SP_NS_PER_MS);
		}
		sim_end(&s);
	}
}

/* ---- all of it ---- */

static const char *const several[] = { VIRTUAL,		  "seed=3",	    TCP_PORT,
				       "delay=1ms",	  "refuse=7",	    "rate=50Mbit/s",
				       TCP_SINK,	  TCP("a"),	    "rate=max",
				       "duration=50ms",	  TCP("b"),	    "rate=1000pps",
				       "size=200",	  "duration=50ms",  TCP("c"),
				       "rate=2000pps",	  "size=80",	    "duration=50ms",
				       "per_message=yes", "connections=20", NULL };

static void the_same_run_twice(void **state)
{
	struct sp_stream_result one[2][3];
	struct sim s;

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		sim_run(&s, several, 0);
		for (unsigned i = 0; i < 3; i++)
			one[k][i] = stream(&s, i);
		sim_end(&s);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_memory_equal(&one[0][i].m.c, &one[1][i].m.c, sizeof one[0][i].m.c);
		assert_int_equal(one[0][i].m.last_tx_ns, one[1][i].m.last_tx_ns);
		assert_int_equal(one[0][i].m.late.max, one[1][i].m.late.max);
	}
}

static void allocations_that_fail(void **state)
{
	struct sim s;
	uint64_t n = 0;
	int r = -1;

	(void)state;
	for (; r != 0 && n < 2000; n++) {
		sim_start(&s, n);
		r = sim_execute(&s, several, 0);
		if (r)
			assert_int_equal(r, -ENOMEM);
		sim_end(&s);
		if (s.mem.count < n)
			break;
	}
	assert_true(n > 20);
}

static void a_stop_ends_all_lanes(void **state)
{
	struct sim s;

	(void)state;
	sim_start(&s, UINT64_MAX);
	s.stop_after_ns = 2 * SP_NS_PER_S;
	assert_int_equal(
		sim_execute(&s,
			    (const char *[]){ VIRTUAL, TCP_PORT, "rate=10Mbit/s", "delay=1ms",
					      TCP_SINK, TCP("a"), "rate=max", "duration=0",
					      TCP("b"), "rate=100pps", "size=100", "duration=0",
					      TCP("c"), "rate=max", "size=100", "duration=0",
					      "per_message=yes", "connections=3", NULL },
			    0),
		0);
	assert_int_equal(s.violations, 0);
	assert_in_range(sp_run_result(s.run)->duration_ns, 2 * SP_NS_PER_S, 5 * SP_NS_PER_S);
	sim_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_fills_the_path),
		cmocka_unit_test(bulk_keeps_a_rate_and_a_limit),
		cmocka_unit_test(bulk_catches_up_within_its_credit),
		cmocka_unit_test(bulk_that_is_too_slow_is_said),
		cmocka_unit_test(messages_arrive_with_their_stamps),
		cmocka_unit_test(slowness_is_lateness_and_not_loss),
		cmocka_unit_test(each_message_has_a_connection),
		cmocka_unit_test(refused_is_not_sent),
		cmocka_unit_test(nobody_at_all_is_69),
		cmocka_unit_test(resets_cost_what_was_under_way),
		cmocka_unit_test(connections_have_a_limit),
		cmocka_unit_test(a_closed_loop_never_stops),
		cmocka_unit_test(damage_to_bulk_data_is_counted),
		cmocka_unit_test(damage_to_messages_is_counted),
		cmocka_unit_test(one_schedule_is_dealt_by_turns),
		cmocka_unit_test(the_same_run_twice),
		cmocka_unit_test(allocations_that_fail),
		cmocka_unit_test(a_stop_ends_all_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
