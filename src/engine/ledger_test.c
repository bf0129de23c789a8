/* What is known of streams and flows, and that it adds up: the receiver's side with sessions made
 * by hand, and the sender's with a receiver's word made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/run_impl.h"
#include "engine/testing.h"

/* ---- sums ---- */

static struct sp_measure part(uint64_t n, uint64_t size, uint64_t first_ns, uint64_t last_ns)
{
	struct sp_measure m;

	sp_measure_clear(&m);
	sp_counts_set(&m.c, SP_C_tx_packets, n);
	sp_counts_set(&m.c, SP_C_tx_bytes, n * size);
	m.first_tx_ns = first_ns;
	m.last_tx_ns = last_ns;
	return m;
}

/* Of all units but the first, whose size is that of the stream which began. */
static void test_rates_are_exact(void **state)
{
	struct sp_measure a = part(11, 100, 1000, 1001000), b = part(10, 1400, 2000, 1000900);
	struct sp_measure one = part(1, 64, 5000, 5000), none = part(0, 0, 0, 0), t;
	struct sp_measure_sum sum;

	(void)state;
	sp_measure_rates(&a);
	assert_true(fabs(a.tx_pps - 10e3) < 1e-6);
	assert_true(fabs(a.tx_bps - 8e6) < 1e-3);
	sp_measure_sum_begin(&sum, &t);
	sp_measure_sum_add(&sum, &b);
	sp_measure_sum_add(&sum, &a);
	sp_measure_sum_end(&sum);
	assert_true(fabs(t.tx_pps - 20e3) < 1e-6);
	assert_true(fabs(t.tx_bps - 8e3 * (1000 + 14000)) < 1e-3);
	sp_measure_rates(&one);
	sp_measure_rates(&none);
	assert_true(isnan(one.tx_pps) && isnan(one.tx_bps));
	assert_true(isnan(none.tx_pps) && isnan(none.rx_pps));
	/* Two units at one instant have no rate either. */
	one = part(2, 64, 5000, 5000);
	sp_measure_rates(&one);
	assert_true(isnan(one.tx_pps));
}

static void test_under_way_is_not_lost(void **state)
{
	struct sp_measure m = part(10, 64, 1, 2);
	uint32_t unknown;

	(void)state;
	sp_counts_set(&m.c, SP_C_rx_unique, 6);
	sp_counts_set(&m.c, SP_C_corrupted, 1);
	sp_measure_set_lost_so_far(&m, 8);
	assert_int_equal(COUNT(&m, lost), 1);
	assert_int_equal(COUNT(&m, in_flight), 2);
	assert_false(sp_counts_has(&m.c, SP_C_lost_network));
	/* Received before the sender has counted it: then nobody knows what is under way. */
	sp_measure_set_lost_so_far(&m, 11);
	assert_false(sp_counts_has(&m.c, SP_C_in_flight));
	assert_int_equal(sp_counts_check(&m.c, &unknown) & 2, 0);
}

/* ---- the receiver ---- */

static const char *const recv_words[] = { VIRTUAL, LOOP, BOTH, NULL };

static void begin(struct sim *s)
{
	uint64_t t0_ns;

	sim_start(s, UINT64_MAX);
	assert_int_equal(sim_build(s, recv_words, 0), 0);
	assert_int_equal(sim_arm(s, &t0_ns), 0);
}

/* A flow of a session: n of its units came, up to sequence next. */
static void arrive(struct sim *s, uint32_t i, uint64_t n, uint64_t next)
{
	struct sp_flow_rx *f = &s->run->granted.rx[i];
	struct sp_flow_meta *meta = &s->run->granted.meta[i];

	f->rx = n;
	f->rx_bytes = n * 64;
	f->next = next;
	meta->first_rx = SP_NS_PER_S;
	f->last_rx = SP_NS_PER_S + n * SP_NS_PER_MS;
	meta->ep = 0;
	meta->owner = 1;
	meta->stamped = true;
	meta->has_time = true;
}

/* One unit without a stamp, from somewhere else. */
static void stray(struct sim *s)
{
	struct sp_flow_table *own = &s->run->workers[0].verifier.own;

	own->meta[own->used] = (struct sp_flow_meta){ .id = SP_NO_FLOW, .owner = 1 };
	own->rx[own->used].tag = SP_FLOW_LIVE;
	own->rx[own->used].rx = 1;
	own->rx[own->used++].rx_bytes = 99;
}

static void collect(struct sim *s, bool final)
{
	sp_run_collect(s->run, s->clock.virtual_ns, final);
}

static const struct sp_measure *flow(struct sim *s, size_t i)
{
	static struct sp_flow_result f;
	uint32_t unknown;

	sp_result_flow(sp_run_result(s->run), i, &f);
	assert_int_equal(sp_counts_check(&f.m.c, &unknown), 0);
	return &f.m;
}

#define KNOWN(m, name)		sp_counts_has(&(m)->c, SP_C_##name)
#define ASSERT_UNKNOWN(m, name) assert_false(KNOWN(m, name))
#define ASSERT_COUNT(m, name, want)                                                            \
	do {                                                                                   \
		assert_true(KNOWN(m, name));                                                   \
		assert_int_equal(COUNT(m, name), want);                                        \
	} while (0)

static void test_nothing_received_is_nothing_known(void **state)
{
	const struct sp_measure *t;
	struct sim s;

	(void)state;
	begin(&s);
	for (int final = 0; final < 2; final++) {
		collect(&s, final);
		t = &sp_run_result(s.run)->total;
		ASSERT_COUNT(t, rx_packets, 0);
		ASSERT_UNKNOWN(t, tx_packets);
		ASSERT_UNKNOWN(t, lost);
		ASSERT_UNKNOWN(t, reordered);
		ASSERT_UNKNOWN(t, lost_network);
		ASSERT_UNKNOWN(t, asked_packets);
		assert_true(isnan(t->asked_pps));
	}
	sim_end(&s);
}

/* A stray packet does not make forgotten what others are known to have lost, and is itself only
 * counted. */
static void test_a_stray_packet_changes_no_loss(void **state)
{
	struct sp_endpoint peer = { 0 };
	const struct sp_measure *t, *f;
	struct sp_flow_grant g;
	struct sim s;

	(void)state;
	begin(&s);
	assert_int_equal(sp_run_grant_flows(s.run, &peer, "x", 2, &g), 0);
	arrive(&s, 0, 90, 100);
	arrive(&s, 1, 50, 50);
	stray(&s);
	collect(&s, true);
	t = &sp_run_result(s.run)->total;
	ASSERT_COUNT(t, lost, 10);
	ASSERT_COUNT(t, untracked, 1);
	ASSERT_COUNT(t, rx_packets, 141);
	ASSERT_COUNT(t, rx_bytes, 140 * 64 + 99);
	ASSERT_UNKNOWN(t, tx_packets);
	assert_int_equal(sp_run_result(s.run)->violated, 0);
	f = flow(&s, 2);
	ASSERT_COUNT(f, rx_packets, 1);
	ASSERT_UNKNOWN(f, lost);
	ASSERT_UNKNOWN(f, duplicates);
	ASSERT_UNKNOWN(f, rx_unique);
	ASSERT_UNKNOWN(f, error_unreachable);
	sim_end(&s);
}

/* What a sender tells is known from then on; before the end nobody says where losses were. */
static void test_told_counts_complete_the_ledger(void **state)
{
	static const uint64_t tx[] = { 100, 60 }, later[] = { 999, 999 };
	struct sp_endpoint peer = { 0 };
	struct sp_stream_result stream;
	const struct sp_measure *t, *f;
	struct sp_flow_grant g;
	struct sim s;

	(void)state;
	begin(&s);
	assert_int_equal(sp_run_grant_flows(s.run, &peer, "x", 2, &g), 0);
	arrive(&s, 0, 90, 95);
	arrive(&s, 1, 60, 60);
	collect(&s, false);
	f = flow(&s, 0);
	ASSERT_COUNT(f, lost, 5);
	ASSERT_UNKNOWN(f, tx_packets);
	ASSERT_UNKNOWN(f, lost_network);
	sp_run_session_final(s.run, g.session, tx, 2);
	collect(&s, false);
	f = flow(&s, 0);
	ASSERT_COUNT(f, lost, 10);
	ASSERT_COUNT(f, tx_packets, 100);
	ASSERT_UNKNOWN(f, asked_packets);
	ASSERT_UNKNOWN(f, lost_network);
	collect(&s, true);
	t = &sp_run_result(s.run)->total;
	ASSERT_COUNT(t, tx_packets, 160);
	ASSERT_COUNT(t, lost, 10);
	ASSERT_COUNT(t, lost_network, 10);
	ASSERT_UNKNOWN(t, tx_bytes);
	f = flow(&s, 0);
	ASSERT_COUNT(f, lost_network, 10);
	sp_result_stream(sp_run_result(s.run), 0, &stream);
	ASSERT_COUNT(&stream.m, lost_network, 10);
	ASSERT_COUNT(&stream.m, tx_packets, 160);
	assert_int_equal(stream.flows, 2);
	/* The report is out: who speaks now comes too late for it. */
	sp_run_session_final(s.run, g.session, later, 2);
	sp_run_session_end(s.run, g.session, true);
	ASSERT_COUNT(flow(&s, 0), tx_packets, 100);
	sim_end(&s);
}

/* The total's is that of its one flow; of several the mean, in which those without have no part. */
static void test_jitter_of_a_receiver(void **state)
{
	struct sp_endpoint peer = { 0 };
	struct sp_flow_grant g;
	struct sim s;

	(void)state;
	begin(&s);
	assert_int_equal(sp_run_grant_flows(s.run, &peer, "x", 3, &g), 0);
	arrive(&s, 0, 90, 100);
	s.run->granted.rx[0].jitter16 = 16 * 1000;
	for (int final = 0; final < 2; final++) {
		collect(&s, final);
		assert_true(fabs(flow(&s, 0)->jitter_ns - 1000) < 1e-9);
		assert_true(fabs(sp_run_result(s.run)->total.jitter_ns - 1000) < 1e-9);
	}
	arrive(&s, 1, 9, 9);
	s.run->granted.rx[1].jitter16 = 16 * 2000;
	collect(&s, true);
	assert_true(fabs(sp_run_result(s.run)->total.jitter_ns - 1500) < 1e-9);
	sim_end(&s);
}

/* A sketch's quantiles are coarse, and yet not beyond what was measured exactly. */
static void test_quantiles_stay_within_the_extremes(void **state)
{
	struct sp_endpoint peer = { 0 };
	struct sp_flow_grant g;
	const struct sp_measure *f;
	struct sim s;

	(void)state;
	begin(&s);
	assert_int_equal(sp_run_grant_flows(s.run, &peer, "x", 1, &g), 0);
	sp_run_session_clock(s.run, g.session, true, 0, 0);
	arrive(&s, 0, 1, 1);
	sp_sketch_add(&s.run->granted.sketch[0], 420287);
	s.run->granted.rx[0].delay_min = 420287;
	s.run->granted.rx[0].delay_max = 420287;
	collect(&s, true);
	f = flow(&s, 0);
	assert_true(f->delay.known);
	assert_int_equal(f->delay.p50, 420287);
	assert_int_equal(f->delay.p99, 420287);
	sim_end(&s);
}

static const char *const two_ports[] = { VIRTUAL,     LOOP,	BOTH,
					 "+port",     "name=q", "transport=loop",
					 "port=5002", "+recv",	"name=second",
					 "from=q",    NULL };

/* Nothing came of it, but its session says where it was to come. */
static void test_a_silent_flow_is_its_port_s(void **state)
{
	struct sp_endpoint peer = { 0 }, local = { .port = 5002 };
	struct sp_stream_result one;
	struct sp_flow_grant g;
	uint64_t t0_ns;
	struct sim s;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, two_ports, 0), 0);
	assert_int_equal(sim_arm(&s, &t0_ns), 0);
	assert_int_equal(sp_run_grant_flows(s.run, &peer, "x", 1, &g), 0);
	assert_int_equal(sp_addr_parse("127.0.0.1", &local.addr), 0);
	sp_run_session_local(s.run, g.session, &local);
	sp_run_session_final(s.run, g.session, &(uint64_t){ 7 }, 1);
	collect(&s, true);
	sp_result_stream(sp_run_result(s.run), 0, &one);
	assert_int_equal(one.flows, 0);
	sp_result_stream(sp_run_result(s.run), 1, &one);
	assert_string_equal(one.name, "second");
	assert_int_equal(one.flows, 1);
	ASSERT_COUNT(&one.m, lost, 7);
	sim_end(&s);
}

/* ---- the sender ---- */

#define MAX_STREAM(name)                                                                       \
	"+stream", "name=" name, "from=p", "host=127.0.0.1", "port=5001", "rate=max",          \
		"size=64", "count=100"

static const char *const send_words[] = {
	VIRTUAL, "+port", "name=p", "transport=null", MAX_STREAM("a"), MAX_STREAM("b"), NULL
};

struct told {
	struct sp_peer_flow flow[2];
	uint32_t streams[2];
};

/* A run whose two streams sent 100 units each to one receiver. */
static void begin_send(struct sim *s, struct told *told)
{
	struct run_ask *a;
	uint64_t t0_ns;

	*told = (struct told){ .streams = { 0, 1 } };
	sim_start(s, UINT64_MAX);
	assert_int_equal(sim_build(s, send_words, 0), 0);
	assert_int_equal(sim_arm(s, &t0_ns), 0);
	a = &s->run->asks[s->run->n_asks++];
	a->ask.n_flows = 2;
	a->ask.streams = told->streams;
	a->grant.peer = true;
	a->counts = (struct sp_peer_counts){
		.n_flows = 2, .flows = told->flow, .dropped_known = true, .exclusive = true
	};
	for (uint32_t i = 0; i < 2; i++) {
		struct run_stream *st = &s->run->streams[i];
		struct sp_flow_tx *f = &s->run->workers[st->worker].lane.flow[st->local];

		st->ask = 0;
		st->ask_at = i;
		f->tx = 100;
		f->tx_bytes = 6400;
		f->first_tx = t0_ns;
		f->last_tx = t0_ns + 99 * SP_NS_PER_MS;
		told->flow[i] = (struct sp_peer_flow){
			.rx = 90,
			.unique = 90,
			.rx_bytes = 90 * 64,
			.first_rx_ns = 77,
			.last_rx_ns = 77 + 89 * SP_NS_PER_MS,
			.delay = { .known = true, .coarse = true, .n = 90, .min = 5, .max = 9 },
		};
	}
}

static const struct sp_measure *stream(struct sim *s, size_t i)
{
	static struct sp_stream_result r;
	uint32_t unknown;

	sp_result_stream(sp_run_result(s->run), i, &r);
	assert_int_equal(sp_counts_check(&r.m.c, &unknown), 0);
	return &r.m;
}

/* Two causes: no stream knows its share of each, their sum does. */
static void test_the_sum_knows_more_than_its_parts(void **state)
{
	const struct sp_measure *t;
	struct told told;
	struct sim s;

	(void)state;
	begin_send(&s, &told);
	s.run->asks[0].counts_known = true;
	s.run->asks[0].counts.dropped_units = 5;
	collect(&s, true);
	for (size_t i = 0; i < 2; i++) {
		ASSERT_COUNT(stream(&s, i), lost, 10);
		ASSERT_COUNT(stream(&s, i), lost_unknown, 10);
		ASSERT_UNKNOWN(stream(&s, i), error_unreachable);
	}
	t = &sp_run_result(s.run)->total;
	ASSERT_COUNT(t, lost, 20);
	ASSERT_COUNT(t, dropped_receiver, 5);
	ASSERT_COUNT(t, lost_network, 15);
	ASSERT_COUNT(t, lost_unknown, 0);
	ASSERT_COUNT(t, error_unreachable, 0);
	assert_int_equal(sp_run_result(s.run)->violated, 0);
	sim_end(&s);
}

/* A damaged stamp that was counted with the neighbour is given back, in the sum and in both. */
static void test_corrupted_ones_are_settled(void **state)
{
	struct told told;
	struct sim s;

	(void)state;
	begin_send(&s, &told);
	s.run->asks[0].counts_known = true;
	told.flow[0].unique = 98;
	told.flow[0].corrupted = 4;
	told.flow[0].rx = 102;
	collect(&s, true);
	ASSERT_COUNT(stream(&s, 0), corrupted, 2);
	ASSERT_COUNT(stream(&s, 0), lost, 0);
	ASSERT_COUNT(stream(&s, 1), corrupted, 2);
	ASSERT_COUNT(stream(&s, 1), lost, 8);
	ASSERT_COUNT(&sp_run_result(s.run)->total, corrupted, 4);
	ASSERT_COUNT(&sp_run_result(s.run)->total, untracked, 0);
	assert_int_equal(sp_run_result(s.run)->violated, 0);
	sim_end(&s);
}

/* More came than was sent, and nothing is missing: it is said, and is in no stream's counts. */
static void test_what_has_no_place_is_untracked(void **state)
{
	const struct sp_measure *t;
	struct told told;
	struct sim s;

	(void)state;
	begin_send(&s, &told);
	s.run->asks[0].counts_known = true;
	for (unsigned i = 0; i < 2; i++) {
		told.flow[i].unique = 98;
		told.flow[i].corrupted = 4;
		told.flow[i].rx = 102;
	}
	collect(&s, true);
	t = &sp_run_result(s.run)->total;
	ASSERT_COUNT(t, rx_packets, 200);
	ASSERT_COUNT(t, corrupted, 4);
	ASSERT_COUNT(t, untracked, 4);
	ASSERT_COUNT(t, lost, 0);
	assert_int_equal(sp_run_result(s.run)->violated, 0);
	sim_end(&s);
}

/* Without its offset a receiver's clock gives rates and no instants, and no delay. */
static void test_a_foreign_clock_gives_no_times(void **state)
{
	const struct sp_measure *t;
	struct told told;
	struct sim s;

	(void)state;
	begin_send(&s, &told);
	s.run->asks[0].counts_known = true;
	collect(&s, true);
	t = &sp_run_result(s.run)->total;
	assert_true(fabs(stream(&s, 0)->rx_pps - 1000) < 1e-6);
	assert_true(fabs(t->rx_pps - 179 / 0.089) < 1e-6);
	assert_int_equal(stream(&s, 0)->first_rx_ns, 0);
	assert_int_equal(t->first_rx_ns, 0);
	assert_false(stream(&s, 0)->delay.known);
	s.run->asks[0].grant.clock_known = true;
	collect(&s, true);
	assert_int_equal(stream(&s, 0)->first_rx_ns, 77);
	assert_true(stream(&s, 0)->delay.known);
	sim_end(&s);
}

/* Nobody told: nothing of the other side is 0. */
static void test_a_silent_receiver_leaves_it_unknown(void **state)
{
	const struct sp_measure *t;
	struct told told;
	struct sim s;

	(void)state;
	begin_send(&s, &told);
	collect(&s, true);
	t = &sp_run_result(s.run)->total;
	ASSERT_COUNT(t, tx_packets, 200);
	ASSERT_UNKNOWN(t, rx_packets);
	ASSERT_UNKNOWN(t, lost);
	ASSERT_UNKNOWN(t, in_flight);
	ASSERT_UNKNOWN(t, lost_unknown);
	ASSERT_UNKNOWN(t, duplicates);
	assert_true(isnan(t->rx_pps) && isnan(t->jitter_ns));
	/* asked is evaluated, the other three are not. */
	assert_int_equal(sp_run_result(s.run)->unknown_identities, 0xe);
	ASSERT_UNKNOWN(stream(&s, 1), rx_packets);
	sim_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_are_exact),
		cmocka_unit_test(test_under_way_is_not_lost),
		cmocka_unit_test(test_nothing_received_is_nothing_known),
		cmocka_unit_test(test_a_stray_packet_changes_no_loss),
		cmocka_unit_test(test_told_counts_complete_the_ledger),
		cmocka_unit_test(test_jitter_of_a_receiver),
		cmocka_unit_test(test_quantiles_stay_within_the_extremes),
		cmocka_unit_test(test_a_silent_flow_is_its_port_s),
		cmocka_unit_test(test_the_sum_knows_more_than_its_parts),
		cmocka_unit_test(test_corrupted_ones_are_settled),
		cmocka_unit_test(test_what_has_no_place_is_untracked),
		cmocka_unit_test(test_a_foreign_clock_gives_no_times),
		cmocka_unit_test(test_a_silent_receiver_leaves_it_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
