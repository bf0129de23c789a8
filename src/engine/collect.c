/* From the workers' counters to the result, at a tick and at the end. */
#include "engine/run_impl.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "core/shared.h"

static const struct sp_summary unknown_summary = { .clock_error = -1 };

static void clear_measure(struct sp_measure *m)
{
	*m = (struct sp_measure){
		.asked_pps = NAN,
		.tx_pps = NAN,
		.rx_pps = NAN,
		.tx_bps = NAN,
		.rx_bps = NAN,
		.jitter_ns = NAN,
		.ks_departure = NAN,
		.ks_size = NAN,
		.delay = unknown_summary,
		.delay_actual = unknown_summary,
		.rtt = unknown_summary,
		.late = unknown_summary,
		.gap_error = unknown_summary,
		.rx_gap_error = unknown_summary,
	};
	sp_counts_zero(&m->c);
}

static void forget(struct sp_counts *c, const enum sp_counter *which, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sp_counts_forget(c, which[i]);
}

#define FORGET(counts, ...)                                                                    \
	forget(counts, (const enum sp_counter[]){ __VA_ARGS__ },                               \
	       sizeof((const enum sp_counter[]){ __VA_ARGS__ }) / sizeof(enum sp_counter))

static void forget_tx(struct sp_counts *c)
{
	FORGET(c, SP_C_asked_packets, SP_C_tx_packets, SP_C_tx_bytes, SP_C_pending,
	       SP_C_in_flight, SP_C_not_sent_late, SP_C_tx_refused, SP_C_catch_up);
}

static void forget_rx(struct sp_counts *c)
{
	FORGET(c, SP_C_rx_packets, SP_C_rx_unique, SP_C_rx_bytes, SP_C_lost, SP_C_duplicates,
	       SP_C_reordered, SP_C_corrupted, SP_C_in_flight, SP_C_dropped_receiver,
	       SP_C_lost_network, SP_C_lost_unknown, SP_C_loss_bursts, SP_C_too_old,
	       SP_C_negative_delay, SP_C_untracked);
}

static void forget_reasons(struct sp_counts *c)
{
	FORGET(c, SP_C_dropped_receiver, SP_C_lost_network, SP_C_lost_unknown);
}

/* (n - 1) / (last - first); bits without the first unit's. */
static void rates(uint64_t n, uint64_t bytes, uint64_t first, uint64_t last, double *pps,
		  double *bps)
{
	double span = (double)(last - first) / 1e9;

	if (n < 2 || last <= first)
		return;
	*pps = (double)(n - 1) / span;
	*bps = 8.0 * (double)bytes * (double)(n - 1) / (double)n / span;
}

static void span(uint64_t *first, uint64_t *last, uint64_t a, uint64_t b)
{
	if (a && (*first == 0 || a < *first))
		*first = a;
	if (b > *last)
		*last = b;
}

double sp_run_asked_pps(const struct sp_plan_stream *s)
{
	double part = s->deal_of > 1 ? (double)s->deal_of : 1;

	if (s->rate.kind == SP_RATE_PPS)
		return (double)s->rate.micro / 1e6 / part;
	if (s->rate.kind == SP_RATE_BPS && s->size)
		return (double)s->rate.micro / 1e6 / (8.0 * (double)s->size) / part;
	return NAN;
}

/* What the schedule held up to at_ns, by the plan alone where that is possible. */
static uint64_t asked_packets(const struct run_stream *s, const struct sp_paced *paced,
			      uint64_t sent, uint64_t at_ns)
{
	uint64_t asked = sp_pace_asked(&s->pace, at_ns);

	if (s->pace.kind == SP_PACE_MAX)
		return sent;
	return asked == UINT64_MAX ? paced->taken + paced->skipped : asked;
}

static void collect_tx(struct sp_run *r, unsigned i, uint64_t at_ns, struct sp_measure *m)
{
	struct run_stream *s = &r->streams[i];
	struct sp_worker *w = &r->workers[s->worker];
	struct sp_flow_tx *f = &w->lane.flow[s->local];
	struct sp_paced paced = { 0 };
	uint64_t tx = SP_LOAD(f->tx), refused = SP_LOAD(f->refused), late, asked;

	uint64_t stopped = __atomic_load_n(&w->stopped_at, __ATOMIC_ACQUIRE);

	if (stopped <= at_ns)
		at_ns = stopped - 1;
	sp_pacer_counts(w->lane.pacer, s->local, &paced);
	late = paced.skipped;
	if (s->pace.kind != SP_PACE_MAX)
		late += SP_LOAD(w->given_up[s->local]);
	asked = asked_packets(s, &paced, tx + refused, at_ns);
	sp_counts_set(&m->c, SP_C_asked_packets, asked);
	sp_counts_set(&m->c, SP_C_tx_packets, tx);
	sp_counts_set(&m->c, SP_C_tx_bytes, SP_LOAD(f->tx_bytes));
	sp_counts_set(&m->c, SP_C_tx_refused, refused);
	sp_counts_set(&m->c, SP_C_not_sent_late, late);
	sp_counts_set(&m->c, SP_C_catch_up, paced.chased);
	if (!w->tx_done && asked > tx + late + refused)
		sp_counts_set(&m->c, SP_C_pending, asked - tx - late - refused);
	m->first_tx_ns = SP_LOAD(f->first_tx);
	m->last_tx_ns = SP_LOAD(f->last_tx);
	m->asked_pps = sp_run_asked_pps(s->plan);
	rates(tx, SP_LOAD(f->tx_bytes), m->first_tx_ns, m->last_tx_ns, &m->tx_pps, &m->tx_bps);
}

static void set_rx(struct sp_measure *m, const struct sp_peer_flow *f)
{
	sp_counts_set(&m->c, SP_C_rx_packets, f->rx);
	sp_counts_set(&m->c, SP_C_rx_unique, f->unique);
	sp_counts_set(&m->c, SP_C_rx_bytes, f->rx_bytes);
	sp_counts_set(&m->c, SP_C_duplicates, f->duplicates);
	sp_counts_set(&m->c, SP_C_reordered, f->reordered);
	sp_counts_set(&m->c, SP_C_corrupted, f->corrupted);
	sp_counts_set(&m->c, SP_C_too_old, f->too_old);
	sp_counts_set(&m->c, SP_C_loss_bursts, f->gaps);
	sp_counts_set(&m->c, SP_C_negative_delay, f->negative);
	m->first_rx_ns = f->first_rx_ns;
	m->last_rx_ns = f->last_rx_ns;
	m->jitter_ns = f->rx > 1 ? (double)f->jitter_ns : NAN;
	m->delay = f->delay;
	rates(f->rx, f->rx_bytes, f->first_rx_ns, f->last_rx_ns, &m->rx_pps, &m->rx_bps);
}

/* lost = tx - unique - corrupted. A damaged stamp may have been counted with a neighbour of the
 * same sender: then this would be below zero and the neighbour's too high by as much; only the
 * sum is sure, so the surplus goes back to where something is missing. */
static void settle_corrupted(struct sp_stream_result *streams, const uint32_t *which,
			     uint32_t n)
{
	uint64_t surplus = 0, tx, seen, take;

	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t k = 0; k < n; k++) {
			uint64_t *v = streams[which[k]].m.c.v;

			tx = v[SP_C_tx_packets];
			seen = v[SP_C_rx_unique] + v[SP_C_corrupted];
			if (pass == 0 && seen > tx) {
				take = seen - tx;
				take = take < v[SP_C_corrupted] ? take : v[SP_C_corrupted];
				v[SP_C_corrupted] -= take;
				v[SP_C_rx_packets] -= take;
				surplus += take;
			} else if (pass == 1 && seen < tx && surplus) {
				take = tx - seen < surplus ? tx - seen : surplus;
				v[SP_C_corrupted] += take;
				v[SP_C_rx_packets] += take;
				surplus -= take;
			}
		}
	}
}

static void set_lost(struct sp_measure *m)
{
	uint64_t tx = m->c.v[SP_C_tx_packets];
	uint64_t seen = m->c.v[SP_C_rx_unique] + m->c.v[SP_C_corrupted];

	sp_counts_set(&m->c, SP_C_lost, tx > seen ? tx - seen : 0);
	sp_counts_set(&m->c, SP_C_in_flight, 0);
}

static void summarise(const struct sp_hist *h, struct sp_summary *s, int64_t clock_error)
{
	sp_hist_summary(h, s);
	s->clock_error = clock_error;
}

static void collect_ask(struct sp_run *r, struct run_ask *a, struct sp_hist *total)
{
	const struct sp_peer_counts *pc = &a->counts;
	int64_t error = a->grant.clock_known ? (int64_t)a->grant.clock_error_ns : -1;

	for (uint32_t k = 0; k < a->ask.n_flows; k++) {
		struct sp_measure *m = &r->stream_results[a->ask.streams[k]].m;

		if (!a->counts_known || k >= pc->n_flows) {
			forget_rx(&m->c);
			continue;
		}
		set_rx(m, &pc->flows[k]);
		if (m->first_rx_ns && a->grant.clock_known) {
			m->first_rx_ns -= (uint64_t)a->grant.offset_ns;
			m->last_rx_ns -= (uint64_t)a->grant.offset_ns;
		}
		if (pc->n_hists == pc->n_flows) {
			if (a->grant.clock_known) {
				summarise(&pc->delay[k], &m->delay, error);
				summarise(&pc->delay_actual[k], &m->delay_actual, error);
			}
			summarise(&pc->gap_error[k], &m->rx_gap_error, -1);
		}
	}
	if (!a->counts_known)
		return;
	settle_corrupted(r->stream_results, a->ask.streams, a->ask.n_flows);
	for (uint32_t k = 0; k < a->ask.n_flows; k++)
		set_lost(&r->stream_results[a->ask.streams[k]].m);
	for (uint32_t k = 0; k < pc->n_hists; k++) {
		if (a->grant.clock_known) {
			sp_hist_merge(&total[0], &pc->delay[k]);
			sp_hist_merge(&total[1], &pc->delay_actual[k]);
		}
		sp_hist_merge(&total[2], &pc->gap_error[k]);
	}
}

/* Lost so far is what later arrivals have passed over. */
static void set_lost_so_far(struct sp_measure *m, const struct sp_flow_rx *f)
{
	uint64_t highest = SP_LOAD(f->next);
	uint64_t seen = m->c.v[SP_C_rx_unique] + m->c.v[SP_C_corrupted];

	sp_counts_set(&m->c, SP_C_lost, highest > seen ? highest - seen : 0);
	sp_counts_set(&m->c, SP_C_in_flight,
		      m->c.v[SP_C_tx_packets] - m->c.v[SP_C_lost] - seen);
	forget_reasons(&m->c);
}

static void settle_self(struct sp_run *r)
{
	uint32_t *stamped = sp_alloc_array(r->env.mem, r->plan->n_streams, sizeof *stamped);
	uint32_t n = 0;

	for (uint32_t i = 0; stamped && i < r->plan->n_streams; i++)
		if (r->streams[i].stamped)
			stamped[n++] = i;
	settle_corrupted(r->stream_results, stamped, n);
	sp_free(r->env.mem, stamped);
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		if (r->streams[i].stamped)
			set_lost(&r->stream_results[i].m);
}

/* A run that sends to itself reads its own flow table, at every event. */
static void collect_self(struct sp_run *r, bool final, struct sp_hist *total)
{
	struct sp_peer_counts pc;

	if (sp_run_session_counts(r, 1, r->env.mem, &pc))
		return;
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		struct sp_measure *m = &r->stream_results[i].m;

		if (!r->streams[i].stamped) {
			forget_rx(&m->c);
			continue;
		}
		set_rx(m, &pc.flows[i]);
		if (pc.n_hists) {
			summarise(&pc.delay[i], &m->delay, 0);
			summarise(&pc.delay_actual[i], &m->delay_actual, 0);
			summarise(&pc.gap_error[i], &m->rx_gap_error, -1);
			sp_hist_merge(&total[0], &pc.delay[i]);
			sp_hist_merge(&total[1], &pc.delay_actual[i]);
			sp_hist_merge(&total[2], &pc.gap_error[i]);
		}
		if (!final)
			set_lost_so_far(m, &r->granted.rx[i]);
	}
	if (final)
		settle_self(r);
	sp_peer_counts_fini(&pc, r->env.mem);
}

static void collect_send_tallies(struct sp_run *r, struct sp_hist *late, struct sp_hist *gap)
{
	bool each = r->n_tallies >= r->plan->n_streams;

	for (unsigned w = 0; w < r->n_workers; w++) {
		const struct sp_worker *wk = &r->workers[w];

		if (!each && wk->lane.n_streams) {
			sp_hist_merge(late, &wk->lane.tally[0].late);
			sp_hist_merge(gap, &wk->lane.tally[0].gap_error);
		}
	}
	for (unsigned i = 0; each && i < r->plan->n_streams; i++) {
		const struct run_stream *s = &r->streams[i];
		const struct sp_tally_tx *t = &r->workers[s->worker].lane.tally[i];

		sp_hist_summary(&t->late, &r->stream_results[i].m.late);
		sp_hist_summary(&t->gap_error, &r->stream_results[i].m.gap_error);
		r->stream_results[i].m.late.clock_error = -1;
		r->stream_results[i].m.gap_error.clock_error = -1;
		sp_hist_merge(late, &t->late);
		sp_hist_merge(gap, &t->gap_error);
	}
}

static void add_measure(struct sp_measure *t, const struct sp_measure *m)
{
	sp_counts_add(&t->c, &m->c);
	span(&t->first_tx_ns, &t->last_tx_ns, m->first_tx_ns, m->last_tx_ns);
	span(&t->first_rx_ns, &t->last_rx_ns, m->first_rx_ns, m->last_rx_ns);
	t->asked_pps += m->asked_pps;
}

static void total_rates(struct sp_measure *t)
{
	if (sp_counts_has(&t->c, SP_C_tx_packets))
		rates(t->c.v[SP_C_tx_packets], t->c.v[SP_C_tx_bytes], t->first_tx_ns,
		      t->last_tx_ns, &t->tx_pps, &t->tx_bps);
	if (sp_counts_has(&t->c, SP_C_rx_packets))
		rates(t->c.v[SP_C_rx_packets], t->c.v[SP_C_rx_bytes], t->first_rx_ns,
		      t->last_rx_ns, &t->rx_pps, &t->rx_bps);
}

static void collect_send(struct sp_run *r, uint64_t now_ns, bool final, struct sp_hist *scratch)
{
	struct sp_measure *t = &r->result.total;
	double jitter = 0;
	unsigned jitters = 0;
	int64_t clock_error = r->self ? 0 : -1;

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		struct run_stream *s = &r->streams[i];
		struct sp_stream_result *sr = &r->stream_results[i];

		clear_measure(&sr->m);
		*sr = (struct sp_stream_result){ .name = s->plan->name,
						 .target = s->target,
						 .asked = s->asked,
						 .flows = 1,
						 .m = sr->m };
		collect_tx(r, i, now_ns, &sr->m);
		if (final)
			sr->m.ks_departure = sp_schedule_ks(s->schedule);
		if (!r->self && (s->ask == SP_NO_FLOW || !final))
			forget_rx(&sr->m.c);
	}
	if (r->self)
		collect_self(r, final, scratch);
	for (uint32_t i = 0; final && i < r->n_asks; i++) {
		collect_ask(r, &r->asks[i], scratch);
		if (r->asks[i].grant.clock_known &&
		    (int64_t)r->asks[i].grant.clock_error_ns > clock_error)
			clock_error = (int64_t)r->asks[i].grant.clock_error_ns;
	}
	if (final)
		sp_run_attribute(r);
	t->asked_pps = 0;
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		add_measure(t, &r->stream_results[i].m);
		if (!isnan(r->stream_results[i].m.jitter_ns)) {
			jitter += r->stream_results[i].m.jitter_ns;
			jitters++;
		}
		if (r->plan->n_streams == 1)
			t->ks_departure = r->stream_results[i].m.ks_departure;
	}
	if (jitters)
		t->jitter_ns = jitter / jitters;
	collect_send_tallies(r, &scratch[3], &scratch[4]);
	summarise(&scratch[0], &t->delay, clock_error);
	summarise(&scratch[1], &t->delay_actual, clock_error);
	summarise(&scratch[2], &t->rx_gap_error, -1);
	summarise(&scratch[3], &t->late, -1);
	summarise(&scratch[4], &t->gap_error, -1);
}

/* Live counts from receivers: only what was received, nothing about losses. */
static void collect_samples(struct sp_run *r)
{
	struct sp_measure *t = &r->result.total;
	uint64_t unique = 0, bytes = 0;

	int rc;

	r->mute = 0;
	if (!r->n_asks)
		return;
	for (uint32_t i = 0; i < r->n_asks; i++) {
		struct run_ask *a = &r->asks[i];

		if (!a->grant.peer || !r->hooks.peer_sample)
			return;
		rc = r->hooks.peer_sample(r->hooks.arg, i, &a->sample_unique, &a->sample_bytes);
		if (rc < 0)
			return;
		if (rc > 0 && !r->mute)
			r->mute = i + 1;
		unique += a->sample_unique;
		bytes += a->sample_bytes;
		if (a->ask.n_flows == 1)
			sp_counts_set(&r->stream_results[a->ask.streams[0]].m.c, SP_C_rx_unique,
				      a->sample_unique);
	}
	sp_counts_set(&t->c, SP_C_rx_unique, unique);
	sp_counts_set(&t->c, SP_C_rx_bytes, bytes);
}

/* ---- receiver ---- */

struct recv_walk {
	struct sp_run *r;
	uint32_t limit; /* flows that this event lists */
	uint64_t unstamped, tx_unknown;
};

static void flow_ends(const struct sp_run *r, unsigned worker, const struct sp_flow_meta *meta,
		      struct sp_flow_result *out)
{
	struct sp_endpoint remote, local;

	sp_strlcpy(out->src, "unknown", sizeof out->src);
	sp_strlcpy(out->dst, "", sizeof out->dst);
	if (meta->ep == SP_NO_FLOW)
		return;
	if (r->ports[meta->queue].ops->peer(r->ports[meta->queue].queues[worker], meta->ep,
					    &remote, &local))
		return;
	sp_endpoint_format(out->src, sizeof out->src, &remote);
	sp_endpoint_format(out->dst, sizeof out->dst, &local);
}

static void flow_measure(const struct sp_run *r, const struct sp_flow_table *t, uint32_t i,
			 const uint64_t *tx, struct sp_measure *m)
{
	const struct sp_flow_rx *f = &t->rx[i];
	const struct sp_flow_meta *meta = &t->meta[i];
	const struct sp_rx_session *s = &r->rx_session[f->session];
	struct sp_peer_flow pf = { .rx = SP_LOAD(f->rx),
				   .rx_bytes = SP_LOAD(f->rx_bytes),
				   .duplicates = SP_LOAD(f->duplicates),
				   .reordered = SP_LOAD(f->reordered),
				   .corrupted = SP_LOAD(f->corrupted),
				   .too_old = SP_LOAD(f->too_old),
				   .gaps = SP_LOAD(f->gaps),
				   .first_rx_ns = SP_LOAD(f->first_rx),
				   .last_rx_ns = SP_LOAD(f->last_rx),
				   .jitter_ns = SP_LOAD(f->jitter16) / 16,
				   .negative = SP_LOAD(meta->negative) };
	uint64_t next = SP_LOAD(f->next), seen;

	clear_measure(m);
	pf.unique = pf.rx - pf.duplicates - pf.corrupted;
	if (s->clock_known && pf.unique && meta->has_time)
		pf.delay = (struct sp_summary){
			.known = true,
			.coarse = true,
			.n = pf.unique,
			.min = f->delay_min,
			.max = f->delay_max,
			.mean = (double)f->delay_sum / (double)pf.unique,
			.p50 = sp_sketch_quantile(&t->sketch[i], 0.5),
			.p90 = sp_sketch_quantile(&t->sketch[i], 0.9),
			.p99 = sp_sketch_quantile(&t->sketch[i], 0.99),
			.p999 = sp_sketch_quantile(&t->sketch[i], 0.999),
			.clock_error = (int64_t)s->error_ns
		};
	set_rx(m, &pf);
	if (!meta->has_time)
		m->jitter_ns = NAN;
	forget_tx(&m->c);
	if (!meta->stamped && f->session == 0) {
		FORGET(&m->c, SP_C_lost, SP_C_reordered, SP_C_loss_bursts);
		forget_reasons(&m->c);
		return;
	}
	if (tx) {
		sp_counts_set(&m->c, SP_C_tx_packets, *tx);
		set_lost(m);
		return;
	}
	seen = pf.unique + pf.corrupted;
	next -= meta->base;
	sp_counts_set(&m->c, SP_C_lost, next > seen ? next - seen : 0);
}

/* The plan's receiver on a port. */
static struct sp_stream_result *receiver_of(struct sp_run *r, uint32_t port)
{
	for (unsigned i = 0; i < r->plan->n_recvs; i++)
		if (r->plan->recvs[i].from_port == port)
			return &r->stream_results[i];
	return &r->stream_results[0];
}

/* Unstamped traffic does not make the rest's losses unknown. */
static void add_flow(struct sp_measure *t, const struct sp_measure *m)
{
	uint64_t known = t->c.known;

	add_measure(t, m);
	if (!sp_counts_has(&m->c, SP_C_lost))
		t->c.known |= known & (1ull << SP_C_lost | 1ull << SP_C_reordered |
				       1ull << SP_C_loss_bursts);
}

/* Notes the flows that have come since; they keep their places. */
static void list_flows(struct sp_run *r)
{
	uint32_t used = __atomic_load_n(&r->granted.used, __ATOMIC_ACQUIRE);

	for (; r->granted_listed < used; r->granted_listed++)
		if (r->n_listed < r->flow_results_cap)
			r->listed[r->n_listed++] = (struct run_listed){ &r->granted,
									r->granted_listed, 0 };
	for (unsigned w = 0; w < r->n_workers; w++) {
		const struct sp_flow_table *own = &r->workers[w].verifier.own;

		used = __atomic_load_n(&own->used, __ATOMIC_ACQUIRE);
		for (; r->own_listed[w] < used; r->own_listed[w]++)
			if (r->n_listed < r->flow_results_cap)
				r->listed[r->n_listed++] = (struct run_listed){
					own, r->own_listed[w], w
				};
	}
}

static void walk_flow(struct recv_walk *k, const struct sp_flow_table *t, uint32_t i,
		      struct sp_measure *m)
{
	struct sp_run *r = k->r;
	const struct run_session *s = &r->sessions[t->rx[i].session];
	const uint64_t *tx = s->final ? &s->tx[i + 1 - s->base] : NULL;
	struct sp_stream_result *receiver = receiver_of(r, t->meta[i].queue);

	flow_measure(r, t, i, tx, m);
	if (!sp_counts_has(&m->c, SP_C_lost))
		k->unstamped += m->c.v[SP_C_rx_packets];
	else if (!tx)
		k->tx_unknown++;
	add_flow(&r->result.total, m);
	add_flow(&receiver->m, m);
	receiver->flows++;
}

static void walk_table(struct recv_walk *k, const struct sp_flow_table *t)
{
	uint32_t used = __atomic_load_n(&t->used, __ATOMIC_ACQUIRE);
	struct sp_measure m;

	for (uint32_t i = 0; i < used; i++)
		walk_flow(k, t, i, &m);
}

static void fill_flow(struct sp_run *r, const struct run_listed *l, struct sp_flow_result *fr)
{
	const struct sp_flow_table *t = l->table;
	const struct run_session *s = &r->sessions[t->rx[l->index].session];
	const uint64_t *tx = s->final ? &s->tx[l->index + 1 - s->base] : NULL;

	*fr = (struct sp_flow_result){ .id = t->meta[l->index].id,
				       .stream = s->used ? s->name : r->plan->recvs[0].name,
				       .proto = "udp",
				       .unit = "datagram",
				       .ended = s->ended };
	flow_measure(r, t, l->index, tx, &fr->m);
	flow_ends(r, l->worker, &t->meta[l->index], fr);
}

static void start_receivers(struct sp_run *r)
{
	for (unsigned i = 0; i < r->plan->n_recvs; i++) {
		const struct sp_plan_recv *p = &r->plan->recvs[i];
		struct sp_stream_result *s = &r->stream_results[i];

		clear_measure(&s->m);
		*s = (struct sp_stream_result){
			.name = p->name,
			.target = r->transport_results[p->from_port].where,
			.m = s->m
		};
		s->m.asked_pps = NAN;
	}
}

/* What nobody told a receiver. */
static void forget_untold(struct sp_measure *m, bool tx_too)
{
	if (tx_too)
		forget_tx(&m->c);
	FORGET(&m->c, SP_C_asked_packets, SP_C_pending, SP_C_not_sent_late, SP_C_tx_refused,
	       SP_C_tx_bytes, SP_C_catch_up);
	m->asked_pps = NAN;
}

static void collect_rx_tallies(struct sp_run *r, struct sp_hist *scratch)
{
	for (unsigned w = 0; w < r->n_workers; w++) {
		for (unsigned i = 0; i < SP_TALLIES; i++) {
			const struct sp_tally_rx *ta = &r->workers[w].verifier.tally[i];

			if (!ta->gap_error.n && !ta->delay.n)
				continue;
			sp_hist_merge(&scratch[0], &ta->delay);
			sp_hist_merge(&scratch[1], &ta->delay_actual);
			sp_hist_merge(&scratch[2], &ta->gap_error);
		}
	}
}

static void add_untracked(struct sp_run *r, const struct recv_walk *k)
{
	struct sp_counts *c = &r->result.total.c;
	uint64_t packets = 0, bytes = 0;

	for (unsigned w = 0; w < r->n_workers; w++) {
		packets += SP_LOAD(r->workers[w].verifier.untracked);
		bytes += SP_LOAD(r->workers[w].verifier.untracked_bytes);
	}
	c->v[SP_C_untracked] += packets + k->unstamped;
	c->v[SP_C_rx_packets] += packets;
	c->v[SP_C_rx_unique] += packets;
	c->v[SP_C_rx_bytes] += bytes;
}

static int64_t worst_clock(const struct sp_run *r)
{
	int64_t worst = -1;

	for (uint32_t i = 1; i < r->n_sessions; i++)
		if (r->rx_session[i].clock_known && (int64_t)r->rx_session[i].error_ns > worst)
			worst = (int64_t)r->rx_session[i].error_ns;
	return worst;
}

static void collect_recv(struct sp_run *r, bool final, struct sp_hist *scratch)
{
	struct sp_measure *t = &r->result.total;
	struct recv_walk k = { .r = r };
	int64_t clock_error = worst_clock(r);
	bool untold;

	start_receivers(r);
	list_flows(r);
	k.limit = final || r->n_listed < SP_RUN_LIVE_FLOWS ? r->n_listed : SP_RUN_LIVE_FLOWS;
	walk_table(&k, &r->granted);
	for (unsigned w = 0; w < r->n_workers; w++)
		walk_table(&k, &r->workers[w].verifier.own);
	for (uint32_t i = 0; i < k.limit; i++)
		fill_flow(r, &r->listed[i], &r->flow_results[i]);
	add_untracked(r, &k);
	collect_rx_tallies(r, scratch);
	untold = k.tx_unknown || t->c.v[SP_C_untracked] || !final;
	forget_untold(t, untold);
	summarise(&scratch[0], &t->delay, clock_error);
	summarise(&scratch[1], &t->delay_actual, clock_error);
	summarise(&scratch[2], &t->rx_gap_error, -1);
	r->result.flows = r->flow_results;
	r->result.n_flows = k.limit;
	for (unsigned i = 0; i < r->plan->n_recvs; i++) {
		forget_untold(&r->stream_results[i].m, untold);
		forget_reasons(&r->stream_results[i].m.c);
		total_rates(&r->stream_results[i].m);
	}
	if (final)
		sp_run_attribute(r);
	else
		forget_reasons(&t->c);
}

static void collect_transports(struct sp_run *r)
{
	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		struct run_port *port = &r->ports[p];
		struct sp_transport_result *t = &r->transport_results[p];
		uint64_t ignored = 0;

		*t = (struct sp_transport_result){ .name = port->plan->name,
						   .transport = port->ops->name,
						   .where = port->where,
						   .road = port->caps.road,
						   .rx_clock = port->rx ? port->caps.rx_clock
									: NULL };
		t->s.rx_dropped_known = port->rx;
		for (unsigned w = 0; w < r->n_workers; w++) {
			struct sp_tstats s = { 0 };

			port->ops->stats(port->queues[w], &s);
			t->s.tx_calls += s.tx_calls;
			t->s.tx_units += s.tx_units;
			t->s.tx_msgs += s.tx_msgs;
			t->s.tx_bytes += s.tx_bytes;
			t->s.tx_blocked += s.tx_blocked;
			t->s.tx_unreachable += s.tx_unreachable;
			t->s.rx_calls += s.rx_calls;
			t->s.rx_units += s.rx_units;
			t->s.rx_msgs += s.rx_msgs;
			t->s.rx_bytes += s.rx_bytes;
			t->s.rx_truncated += s.rx_truncated;
			t->s.rx_dropped += s.rx_dropped;
			t->s.rx_csum_errors += s.rx_csum_errors;
			t->s.rx_other += s.rx_other;
			t->s.max_seg = s.max_seg > t->s.max_seg ? s.max_seg : t->s.max_seg;
			t->s.rx_dropped_known &= s.rx_dropped_known;
			ignored += SP_LOAD(r->workers[w].lane.ports[p].ignored);
		}
		t->s.rx_other += ignored;
		t->offloaded = t->s.tx_msgs > t->s.tx_units || t->s.rx_msgs > t->s.rx_units;
	}
}

static void collect_errors(struct sp_run *r)
{
	struct sp_counts *c = &r->result.total.c;
	uint64_t unreachable = 0, too_big = 0, other = 0;

	for (unsigned p = 0; p < r->plan->n_ports; p++)
		unreachable += r->transport_results[p].s.tx_unreachable;
	for (unsigned w = 0; w < r->n_workers; w++) {
		too_big += SP_LOAD(r->workers[w].lane.too_big);
		other += SP_LOAD(r->workers[w].lane.other_errors);
	}
	sp_counts_set(c, SP_C_error_unreachable, unreachable);
	sp_counts_set(c, SP_C_error_too_big, too_big);
	sp_counts_set(c, SP_C_error_other, other);
	sp_counts_set(c, SP_C_own_control, r->own_control);
}

/* A sender's flows are its streams: one each. */
static void list_sent_flows(struct sp_run *r)
{
	uint32_t n = r->plan->n_streams < r->flow_results_cap ? r->plan->n_streams
							      : r->flow_results_cap;

	for (uint32_t i = 0; i < n; i++) {
		struct run_stream *s = &r->streams[i];
		struct run_port *p = &r->ports[s->plan->from_port];
		struct sp_flow_result *f = &r->flow_results[i];
		struct sp_endpoint remote, local = { 0 };

		*f = (struct sp_flow_result){ .id = s->flow_id & 0xffffff,
					      .stream = s->plan->name,
					      .proto = "udp",
					      .unit = p->caps.bits & SP_T_FRAME ? "frame"
										: "datagram",
					      .ended = true,
					      .m = r->stream_results[i].m };
		sp_endpoint_format(f->dst, sizeof f->dst, &s->to);
		p->ops->peer(p->queues[s->worker],
			     r->workers[s->worker].lane.streams[s->local].ep, &remote, &local);
		sp_endpoint_format(f->src, sizeof f->src, &local);
	}
	r->result.flows = r->flow_results;
	r->result.n_flows = n;
}

/* The end's histograms stay for the run folder. */
static void keep_hists(struct sp_run *r, struct sp_hist *scratch)
{
	static const char *const name[] = { "delay", "delay_actual", "rx_gap_error", "late",
					    "gap_error" };

	for (unsigned i = 0; i < 5; i++)
		if (scratch[i].n)
			r->named_hists[r->result.n_hists++] = (struct sp_named_hist){
				name[i], &scratch[i]
			};
	r->result.hists = r->named_hists;
	r->final_hists = scratch;
}

void sp_run_collect(struct sp_run *r, uint64_t now_ns, bool final)
{
	struct sp_result *res = &r->result;
	struct sp_hist *scratch = sp_alloc_array(r->env.mem, 5, sizeof *scratch);

	if (!scratch)
		return;
	clear_measure(&res->total);
	res->duration_ns = now_ns > r->t0_ns ? now_ns - r->t0_ns : 0;
	collect_transports(r);
	if (r->role == SP_ROLE_RECV)
		collect_recv(r, final, scratch);
	else
		collect_send(r, now_ns, final, scratch);
	if (!final && r->role == SP_ROLE_SEND)
		collect_samples(r);
	total_rates(&res->total);
	collect_errors(r);
	if (final && r->role != SP_ROLE_RECV)
		list_sent_flows(r);
	sp_host_usage(r, &res->host);
	res->violated = sp_counts_check(&res->total.c, &res->unknown_identities);
	for (size_t i = 0; i < res->n_streams && r->role != SP_ROLE_RECV; i++) {
		uint32_t unknown;

		res->violated |= sp_counts_check(&res->streams[i].m.c, &unknown);
	}
	if (final)
		keep_hists(r, scratch);
	else
		sp_free(r->env.mem, scratch);
}
