/* A receiver that lives for long: senders come and go by the thousand, the ledger adds up at every
 * event, and nobody is refused for those that are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "engine/run_impl.h"
#include "engine/testing.h"
#include "plugin/catalog.h"

enum { MAX = 64, SIZE = 64 };

static const char *const words[] = { VIRTUAL, "max_flows=64", LOOP, BOTH, NULL };

static void begin(struct sim *s)
{
	uint64_t t0_ns;

	sim_start(s, UINT64_MAX);
	assert_int_equal(sim_build(s, words, 0), 0);
	assert_int_equal(sim_arm(s, &t0_ns), 0);
}

static void later(struct sim *s, uint64_t ns)
{
	sp_clock_advance(&s->clock, s->clock.virtual_ns + ns);
}

/* One unit arrives. The sender's clock is the receiver's. */
static void arrive(struct sim *s, uint32_t ep, uint32_t id, uint32_t seq)
{
	struct sp_verifier *v = &s->run->workers[0].verifier;
	struct sp_flow_tx tx = { .head = v->native->head(id, 0), .seq = seq };
	uint8_t bytes[SIZE] = { 0 };
	struct sp_msg m = { .data = bytes,
			    .t_ns = s->clock.virtual_ns,
			    .len = SIZE,
			    .ep = ep,
			    .stamp_off = SIZE - v->native->len };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	v->native->put(&b, 0, &tx, m.t_ns);
	m.t_ns += 1000;
	m.stamp_off = SP_NO_STAMP;
	sp_verify_burst(v, &b, 0, NULL);
}

static int ask(struct sim *s, uint32_t n, struct sp_flow_grant *g)
{
	struct sp_endpoint peer = { 0 };

	return sp_run_grant_flows(s->run, &peer, "x", n, g);
}

static const struct sp_measure *collect(struct sim *s, bool final)
{
	const struct sp_result *res = sp_run_result(s->run);
	struct sp_stream_result stream;
	struct sp_flow_result flow;
	uint32_t unknown;

	sp_run_collect(s->run, s->clock.virtual_ns, final);
	assert_int_equal(res->violated, 0);
	assert_in_range(res->n_flows, 0, MAX);
	for (size_t i = 0; i < res->n_flows; i++) {
		sp_result_flow(res, i, &flow);
		assert_int_equal(sp_counts_check(&flow.m.c, &unknown), 0);
	}
	sp_result_stream(res, 0, &stream);
	assert_int_equal(stream.flows, res->n_flows + res->flows_folded);
	assert_int_equal(COUNT(&stream.m, rx_packets) + COUNT(&res->total, untracked),
			 COUNT(&res->total, rx_packets));
	assert_int_equal(COUNT(&stream.m, lost), COUNT(&res->total, lost));
	return &res->total;
}

/* Flows that sources are kept for. */
static uint64_t held(const struct sim *s)
{
	const struct sp_verifier *v = &s->run->workers[0].verifier;
	uint64_t n = 0;

	for (uint32_t ep = 0; ep <= v->ep_cap; ep++)
		n += sp_verifier_held(v, 0)[ep];
	return n;
}

/* A sender of 3 flows, of each of which unit 2 of 5 is lost. It says how much it sent, or vanishes. */
static void sender_run(struct sim *s, uint32_t ep, bool vanish, uint32_t *base)
{
	static const uint64_t tx[] = { 5, 5, 5 };
	struct sp_flow_grant g;

	assert_int_equal(ask(s, 3, &g), 0);
	assert_true(g.tally_each);
	sp_run_session_clock(s->run, g.session, true, 0, 7);
	for (uint32_t i = 0; i < 15; i++)
		if (i / 3 != 2)
			arrive(s, ep, g.base + i % 3, i / 3);
	if (!vanish)
		sp_run_session_final(s->run, g.session, tx, 3);
	sp_run_session_end(s->run, g.session, vanish);
	*base = g.base;
}

static void test_senders_by_the_thousand(void **state)
{
	enum { RUNS = 6000 };
	const struct sp_result *res;
	const struct sp_measure *t;
	uint32_t base, last = 0;
	struct sim s;

	(void)state;
	begin(&s);
	for (uint32_t i = 0; i < RUNS; i++) {
		sender_run(&s, i, false, &base);
		assert_true(base > last); /* none is used again */
		last = base;
		later(&s, SP_NS_PER_S);
		if (i % 100)
			continue;
		t = collect(&s, false);
		assert_int_equal(COUNT(t, rx_unique), 12ull * (i + 1));
		assert_int_equal(COUNT(t, lost), 3ull * (i + 1));
		assert_int_equal(t->delay.n, 12ull * (i + 1));
		assert_int_equal(t->delay.clock_error, 7);
	}
	t = collect(&s, true);
	res = sp_run_result(s.run);
	assert_int_equal(held(&s), res->n_flows);
	assert_int_equal(res->n_flows + res->flows_folded, 3 * RUNS);
	assert_in_range(res->n_flows, 1, MAX);
	assert_true(sp_counts_has(&t->c, SP_C_tx_packets));
	assert_int_equal(COUNT(t, tx_packets), 15 * RUNS);
	assert_int_equal(COUNT(t, untracked), 0);
	assert_int_equal(s.run->workers[0].verifier.own.used, 0);
	sim_end(&s);
}

/* Of 21 senders that ended all but 3 have to go for another of 54 flows, the oldest first. */
static void test_the_oldest_go_first(void **state)
{
	struct sp_flow_result flow;
	struct sp_flow_grant g;
	uint32_t base[21];
	struct sim s;

	(void)state;
	begin(&s);
	for (uint32_t i = 0; i < 21; i++) {
		sender_run(&s, i, false, &base[i]);
		later(&s, SP_NS_PER_MS);
	}
	later(&s, 3 * SP_NS_PER_S);
	collect(&s, false);
	assert_int_equal(ask(&s, 54, &g), 0);
	collect(&s, false);
	assert_int_equal(sp_run_result(s.run)->flows_folded, 54);
	assert_int_equal(sp_run_result(s.run)->relisted, 1);
	sp_result_flow(sp_run_result(s.run), 0, &flow);
	assert_int_equal(flow.id, base[18]);
	assert_int_equal(COUNT(&flow.m, rx_packets), 4);
	assert_int_equal(ask(&s, 65, &g), -ENOSPC);
	sim_end(&s);
}

/* What comes late under an old id is nobody's but its source's; a damaged unit of that source is
 * not the new owner's either. */
static void test_late_units_are_not_the_new_owners(void **state)
{
	const struct sp_measure *t;
	struct sp_flow_grant g;
	uint32_t base, old;
	struct sim s;

	(void)state;
	begin(&s);
	sender_run(&s, 5, false, &old);
	for (uint32_t i = 0; i < 60; i++) {
		later(&s, SP_NS_PER_S);
		sender_run(&s, 100 + i, false, &base);
	}
	/* The place of the first one's ids, once more. */
	while ((base + 3 - 1) % MAX != (old - 1) % MAX) {
		later(&s, SP_NS_PER_S);
		sender_run(&s, 6, false, &base);
	}
	later(&s, SP_NS_PER_S);
	assert_int_equal(ask(&s, 3, &g), 0);
	assert_int_equal((g.base - old) % MAX, 0);
	arrive(&s, 5, old, 5);
	arrive(&s, 5, old, 6);
	assert_int_equal(s.run->granted.rx[sp_flow_place(&s.run->granted, g.base)].rx, 0);
	assert_int_equal(s.run->granted.meta[sp_flow_place(&s.run->granted, g.base)].owner, 0);
	assert_int_equal(s.run->workers[0].verifier.own.rx[0].rx, 2);
	arrive(&s, 5, g.base, 0); /* the same source may be the new owner */
	assert_int_equal(s.run->granted.rx[sp_flow_place(&s.run->granted, g.base)].rx, 1);
	assert_int_equal(s.run->granted.meta[sp_flow_place(&s.run->granted, g.base)].owner, 1);
	t = collect(&s, false);
	assert_int_equal(COUNT(t, untracked), 0);
	sim_end(&s);
}

/* Nobody goes who still sends, or has just ended; the others are let in again as soon as one may. */
static void test_who_still_sends_stays(void **state)
{
	struct sp_flow_grant g, more;
	struct sim s;

	(void)state;
	begin(&s);
	assert_int_equal(ask(&s, MAX, &g), 0);
	assert_int_equal(ask(&s, 1, &more), -ENOSPC);
	sp_run_session_end(s.run, g.session, true); /* control is lost, the sender goes on */
	for (uint32_t i = 0; i < 100; i++) {
		later(&s, SP_NS_PER_S);
		arrive(&s, 0, g.base + MAX - 1, i);
		assert_int_equal(ask(&s, 1, &more), -ENOSPC);
	}
	later(&s, 3 * SP_NS_PER_S);
	assert_int_equal(ask(&s, MAX, &more), 0);
	assert_int_equal(COUNT(collect(&s, false), rx_packets), 100);
	sp_run_judge(s.run);
	assert_string_equal(s.run->remarks[0].code, "flows-folded");
	sim_end(&s);
}

/* Senders without control: each from a port of its own, an id that is its own or was granted by
 * another receiver. */
static void test_silent_sources_make_room(void **state)
{
	enum { SOURCES = 3000 };
	const struct sp_measure *t;
	struct sim s;

	(void)state;
	begin(&s);
	for (uint32_t i = 0; i < SOURCES; i++) {
		for (uint32_t seq = 0; seq < 4; seq++)
			if (seq != 1)
				arrive(&s, i, i & 1 ? 77 : SP_FLOW_OWN_ID + i % 50, seq);
		arrive(&s, SOURCES, SP_FLOW_OWN_ID, i); /* one that stays */
		later(&s, SP_NS_PER_S);
		sp_run_fold_silent(s.run, s.clock.virtual_ns);
		if (i % 50 == 0)
			t = collect(&s, false);
	}
	t = collect(&s, true);
	assert_int_equal(held(&s), sp_run_result(s.run)->n_flows);
	assert_int_equal(COUNT(t, rx_unique), 4 * SOURCES);
	assert_int_equal(COUNT(t, lost), SOURCES);
	assert_int_equal(COUNT(t, untracked), 0);
	assert_int_equal(sp_run_result(s.run)->n_flows + sp_run_result(s.run)->flows_folded,
			 SOURCES + 1);
	sim_end(&s);
}

/* As many at once as there is room for, and more: these are counted; later there is room again. */
static void test_a_crowd_of_sources_passes(void **state)
{
	const struct sp_measure *t;
	struct sim s;

	(void)state;
	begin(&s);
	for (uint32_t i = 0; i < 2 * MAX; i++)
		arrive(&s, i, SP_FLOW_OWN_ID, 0);
	assert_int_equal(COUNT(collect(&s, false), untracked), MAX);
	for (uint32_t round = 0; round < 3; round++) {
		later(&s, 11 * SP_NS_PER_S);
		sp_run_fold_silent(s.run, s.clock.virtual_ns);
		for (uint32_t i = 0; i < 10; i++)
			arrive(&s, 1000 + i, SP_FLOW_OWN_ID + round, 0);
	}
	t = collect(&s, true);
	assert_int_equal(COUNT(t, untracked), MAX);
	assert_int_equal(COUNT(t, rx_packets), 2 * MAX + 30);
	sim_end(&s);
}

/* ---- whose drops the socket's are ---- */

/* What the port's queue counts, as a test says: in the memory of its queue pointer. */
static void told_stats(const struct sp_queue *q, struct sp_tstats *out)
{
	*out = *(const struct sp_tstats *)(const void *)q;
}

static void tell_stats(struct sim *s, struct sp_transport_ops *ops, struct sp_tstats *port)
{
	*ops = *s->run->ports[0].ops;
	ops->stats = told_stats;
	*port = (struct sp_tstats){ .rx_dropped_known = true };
	s->run->ports[0].ops = ops;
	s->run->ports[0].queues[0] = (struct sp_queue *)(void *)port;
}

/* Gives the run its own queue back, or the end would close ours. */
static void end_told(struct sim *s, const struct sp_transport_ops *ops, struct sp_queue *q)
{
	s->run->ports[0].ops = ops;
	s->run->ports[0].queues[0] = q;
	sim_end(s);
}

static void arrive_through(struct sim *s, struct sp_tstats *port, uint32_t id, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		arrive(s, 0, id, i);
	port->rx_msgs += n;
	port->rx_units += n;
}

/* Drops are a session's while nobody else's units came to the port since it began; what was before
 * is not its affair. */
static void test_alone_since_it_began(void **state)
{
	const struct sp_transport_ops *real_ops;
	struct sp_transport_ops ops;
	struct sp_queue *real_queue;
	struct sp_peer_counts pc;
	struct sp_flow_grant g[3];
	struct sp_tstats port;
	struct sim s;

	(void)state;
	begin(&s);
	real_ops = s.run->ports[0].ops;
	real_queue = s.run->ports[0].queues[0];
	tell_stats(&s, &ops, &port);
	for (unsigned k = 0; k < 2; k++) {
		assert_int_equal(ask(&s, 1, &g[k]), 0);
		arrive_through(&s, &port, g[k].base, 10);
		port.rx_dropped += 5 + k;
		assert_int_equal(sp_run_session_counts(s.run, g[k].session, &s.mem.mem, &pc),
				 0);
		assert_true(pc.exclusive);
		assert_int_equal(pc.dropped_units, 5 + k);
		assert_int_equal(pc.rx_units, 10);
		sp_peer_counts_fini(&pc, &s.mem.mem);
		sp_run_session_end(s.run, g[k].session, false);
		arrive_through(&s, &port, SP_FLOW_OWN_ID, 3); /* between the two */
	}
	assert_int_equal(ask(&s, 1, &g[2]), 0);
	arrive_through(&s, &port, g[2].base, 10);
	arrive_through(&s, &port, SP_FLOW_OWN_ID + 1, 1);
	assert_int_equal(sp_run_session_counts(s.run, g[2].session, &s.mem.mem, &pc), 0);
	assert_false(pc.exclusive);
	sp_peer_counts_fini(&pc, &s.mem.mem);
	end_told(&s, real_ops, real_queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_senders_by_the_thousand),
		cmocka_unit_test(test_the_oldest_go_first),
		cmocka_unit_test(test_late_units_are_not_the_new_owners),
		cmocka_unit_test(test_who_still_sends_stays),
		cmocka_unit_test(test_silent_sources_make_room),
		cmocka_unit_test(test_a_crowd_of_sources_passes),
		cmocka_unit_test(test_alone_since_it_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
