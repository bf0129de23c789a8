/* What a sender's streams come to: their own counters, and at the end those of the receivers. */
#include <math.h>

#include "core/shared.h"
#include "engine/modes/modes.h"
#include "engine/run_impl.h"

double sp_run_asked_pps(const struct sp_plan_stream *s, const struct sp_rate *rate)
{
	double part = s->deal_of > 1 ? (double)s->deal_of / (double)s->deal_n : 1;

	if (rate->kind == SP_RATE_PPS)
		return (double)rate->micro / 1e6 / part;
	if (rate->kind == SP_RATE_BPS && s->size)
		return (double)rate->micro / 1e6 / (8.0 * s->mean_size) / part;
	return NAN;
}

/* ---- one stream ---- */

/* Until when departures count as asked. Read after the counters, so that none of what they hold
 * is missing. */
static uint64_t asked_until(const struct sp_run *r, const struct sp_worker *w)
{
	uint64_t at_ns = r->final_ns ? r->final_ns : sp_clock_now(r->env.clock);
	uint64_t stopped = __atomic_load_n(&w->stopped_at, __ATOMIC_ACQUIRE);

	return stopped <= at_ns ? stopped - 1 : at_ns;
}

/* What the schedule held until then, by the plan alone where that is possible. */
static uint64_t asked_packets(const struct run_stream *s, const struct sp_paced *paced,
			      uint64_t sent, uint64_t at_ns)
{
	uint64_t asked;

	if (s->only_max)
		return sent;
	asked = sp_run_stream_asked(s, at_ns);
	return asked == UINT64_MAX ? paced->taken + paced->skipped : asked;
}

/* Met in a recording, and could not leave. */
static uint64_t unfit_packets(const struct sp_run *r, uint32_t i)
{
	const struct sp_lane_source *src = sp_run_recorded(r, i);

	return src && src->ops->unfit ? src->ops->unfit(src->source) : 0;
}

/* The worker goes on meanwhile: what is read first is never more than what is read later. */
static void set_tx(const struct sp_run *r, uint32_t i, struct sp_measure *m)
{
	const struct run_stream *s = &r->streams[i];
	const struct sp_worker *w = &r->workers[s->worker];
	const struct sp_flow_tx *f = &w->lane.flow[s->local];
	bool done = __atomic_load_n(&w->tx_done, __ATOMIC_ACQUIRE);
	uint64_t tx = SP_LOAD(f->tx), refused = SP_LOAD(f->refused), asked;
	uint64_t late = s->only_max ? 0 : SP_LOAD(w->given_up[s->local]);
	uint64_t unfit = unfit_packets(r, i);
	struct sp_paced paced;

	sp_counts_set(&m->c, SP_C_tx_bytes, SP_LOAD(f->tx_bytes));
	m->first_tx_ns = SP_LOAD(f->first_tx);
	m->last_tx_ns = SP_LOAD(f->last_tx);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	sp_pacer_counts(w->lane.pacer, s->local, &paced);
	late += paced.skipped;
	asked = asked_packets(s, &paced, tx + refused, asked_until(r, w));
	sp_counts_set(&m->c, SP_C_asked_packets, asked + unfit);
	sp_counts_set(&m->c, SP_C_not_sent_unfit, unfit);
	sp_counts_set(&m->c, SP_C_tx_packets, tx);
	sp_counts_set(&m->c, SP_C_tx_refused, refused);
	sp_counts_set(&m->c, SP_C_not_sent_late, late);
	sp_counts_set(&m->c, SP_C_catch_up, paced.chased);
	if (!done && asked > tx + late + refused)
		sp_counts_set(&m->c, SP_C_pending, asked - tx - late - refused);
	m->asked_pps = s->changes || sp_mode_has_own(s->plan)
			       ? NAN
			       : sp_run_asked_pps(s->plan, s->plan->own_gap_ns > 0
								   ? &s->plan->top
								   : &s->plan->rate);
}

static void summarise(const struct sp_hist *h, struct sp_summary *s, int64_t clock_error)
{
	sp_hist_summary(h, s);
	s->clock_error = clock_error;
}

static bool tally_each(const struct sp_run *r)
{
	return r->n_tallies >= r->plan->n_streams;
}

static void set_tx_times(const struct sp_run *r, uint32_t i, struct sp_measure *m)
{
	const struct run_stream *s = &r->streams[i];
	const struct sp_tally_tx *t = &r->workers[s->worker].lane.tally[i];

	if (tally_each(r)) {
		summarise(&t->late, &m->late, -1);
		summarise(&t->gap_error, &m->gap_error, -1);
	}
	if (r->final_ns) {
		m->ks_departure = sp_schedule_ks(s->schedule);
		m->ks_size = sp_schedule_ks_size(s->schedule);
	}
}

/* A run that sends to itself has each flow's histograms in the one worker that received it. */
static void set_self_times(const struct sp_run *r, uint32_t i, struct sp_measure *m)
{
	const struct run_session *s = &r->sessions[1];

	for (unsigned w = 0; s->tally_each && w < r->n_workers; w++) {
		const struct sp_verifier *v = &r->workers[w].verifier;
		const struct sp_tally_rx *t;

		if (!v->tally)
			continue; /* this worker receives nothing */
		t = &v->tally[s->first_tally + i];
		if (t->delay.n)
			summarise(&t->delay, &m->delay, 0);
		if (t->delay_actual.n)
			summarise(&t->delay_actual, &m->delay_actual, 0);
		if (t->gap_error.n)
			summarise(&t->gap_error, &m->rx_gap_error, -1);
	}
}

/* Received by the run itself: read before what was sent, or more might have arrived. */
static uint64_t set_self(const struct sp_run *r, uint32_t i, struct sp_measure *m)
{
	uint64_t next = SP_LOAD(r->granted.rx[i].next);
	struct sp_peer_flow f;

	sp_run_read_flow(r, &r->granted, i, &f);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	sp_measure_set_rx(m, r->final_ns && r->self_flows ? &r->self_flows[i] : &f);
	set_self_times(r, i, m);
	return next;
}

/* Counted by a receiver, whose clock is not ours. */
static void set_peer(const struct run_ask *a, uint32_t k, struct sp_measure *m)
{
	const struct sp_peer_counts *pc = &a->counts;
	int64_t error = a->grant.clock_known ? (int64_t)a->grant.clock_error_ns : -1;

	sp_measure_set_rx(m, &pc->flows[k]);
	if (m->first_rx_ns && a->grant.clock_known) {
		m->first_rx_ns -= (uint64_t)a->grant.offset_ns;
		m->last_rx_ns -= (uint64_t)a->grant.offset_ns;
	}
	m->delay.known &= a->grant.clock_known;
	if (pc->n_hists == pc->n_flows) {
		if (a->grant.clock_known) {
			summarise(&pc->delay[k], &m->delay, error);
			summarise(&pc->delay_actual[k], &m->delay_actual, error);
		}
		summarise(&pc->gap_error[k], &m->rx_gap_error, -1);
	}
	m->delay.clock_error = error;
}

/* All that a receiver tells while the run goes on is a session's sum. */
static void set_sample(const struct sp_run *r, const struct run_stream *s, struct sp_measure *m)
{
	const struct run_ask *a = s->ask == SP_NO_FLOW ? NULL : &r->asks[s->ask];

	sp_measure_forget_rx(&m->c);
	if (!a || !a->sampled || a->ask.n_flows != 1 || !s->stamped)
		return;
	sp_counts_set(&m->c, SP_C_rx_unique, a->sample_unique);
	sp_counts_set(&m->c, SP_C_rx_bytes, a->sample_bytes);
}

/* Does its stamp say when a unit left? */
static bool has_time(const struct sp_run *r, const struct run_stream *s)
{
	const struct sp_lane *l = &r->workers[s->worker].lane;
	const struct sp_stamp_ops *stamp;

	if (l->streams[s->local].lane != SP_LANE_PACKET)
		return s->stamped && !s->plan->bulk;
	stamp = l->sources[l->streams[s->local].source].stamp;
	return stamp && stamp->has_time;
}

/* Arrivals stay on the receiver's clock where its offset is not known. */
static void measure(const struct sp_run *r, uint32_t i, struct sp_measure *m)
{
	const struct run_stream *s = &r->streams[i];
	const struct run_ask *a = s->ask == SP_NO_FLOW ? NULL : &r->asks[s->ask];
	bool self = s->echo || (s->stamped && r->self && (!r->final_ns || r->self_flows));
	/* What carries no stamp was asked for its lease, not for its counts. */
	bool told = r->final_ns && a && a->counts_known && s->ask_at < a->counts.n_flows &&
		    s->stamped;
	uint64_t next = 0;

	sp_measure_clear(m);
	sp_measure_forget_shared(&m->c);
	if (self)
		next = set_self(r, i, m);
	else if (told)
		set_peer(a, s->ask_at, m);
	else
		set_sample(r, s, m);
	if (!has_time(r, s))
		m->jitter_ns = NAN;
	set_tx(r, i, m);
	set_tx_times(r, i, m);
	if (self && !r->final_ns)
		sp_measure_set_lost_so_far(m, next);
	else if (self || told)
		sp_measure_set_lost(m);
	if (r->final_ns && ((self && !s->echo) || told))
		sp_run_set_losses(told ? &a->losses : &r->losses, &m->c);
	sp_run_conn_measure(r, i, m);
	sp_run_asks_measure(r, i, m);
	if (self)
		sp_run_echo_measure(r, i, m);
	sp_measure_rates(m);
}

static bool foreign_clock(const struct sp_run *r, uint32_t i)
{
	uint32_t ask = r->streams[i].ask;

	return ask != SP_NO_FLOW && !r->asks[ask].grant.clock_known;
}

static void forget_arrivals(struct sp_measure *m)
{
	m->first_rx_ns = 0;
	m->last_rx_ns = 0;
}

void sp_run_stream_measure(const struct sp_run *r, uint32_t i, struct sp_measure *m)
{
	measure(r, i, m);
	if (foreign_clock(r, i))
		forget_arrivals(m);
}

/* ---- the end ---- */

/* lost = tx - unique - corrupted. A damaged stamp may have been counted with a neighbour of the
 * same sender: then this would be below zero and the neighbour's too high by as much; only the
 * sum is sure, so the surplus goes back to where something is missing. Returns what nothing is
 * missing for: more came from there than was sent, and that belongs into no stream's counts. */
static uint64_t settle_corrupted(const struct sp_run *r, const uint32_t *which,
				 struct sp_peer_flow *flows, uint32_t n)
{
	uint64_t surplus = 0, tx, seen, take;

	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t k = 0; k < n; k++) {
			uint32_t i = which ? which[k] : k;
			struct sp_peer_flow *f = &flows[k];

			if (!r->streams[i].stamped || r->plan->streams[i].bulk)
				continue;
			tx = SP_LOAD(run_flow_tx(r, i)->tx);
			seen = f->unique + f->corrupted;
			if (pass == 0 && seen > tx) {
				take = seen - tx;
				take = take < f->corrupted ? take : f->corrupted;
				f->corrupted -= take;
				f->rx -= take;
				surplus += take;
			} else if (pass == 1 && seen < tx && surplus) {
				take = tx - seen < surplus ? tx - seen : surplus;
				f->corrupted += take;
				f->rx += take;
				surplus -= take;
			}
		}
	}
	return surplus;
}

static uint64_t lost_of(const struct sp_run *r, const uint32_t *which,
			const struct sp_peer_flow *flows, uint32_t n)
{
	uint64_t lost = 0, tx, seen;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = which ? which[k] : k;

		tx = SP_LOAD(run_flow_tx(r, i)->tx);
		seen = flows[k].unique + flows[k].corrupted;
		if (r->streams[i].stamped && tx > seen)
			lost += tx - seen;
	}
	return lost;
}

static void settle_ask(struct sp_run *r, struct run_ask *a)
{
	struct sp_peer_counts *pc = &a->counts;
	uint32_t n = pc->n_flows < a->ask.n_flows ? pc->n_flows : a->ask.n_flows;

	if (!a->counts_known)
		return;
	r->surplus += settle_corrupted(r, a->ask.streams, pc->flows, n);
	sp_run_attribute_ask(r, a, lost_of(r, a->ask.streams, pc->flows, n));
}

static void settle_self(struct sp_run *r)
{
	uint32_t n = r->plan->n_streams;

	r->self_flows = sp_alloc_array(r->env.mem, n, sizeof *r->self_flows);
	if (!r->self_flows)
		return;
	for (uint32_t i = 0; i < n; i++)
		sp_run_read_flow(r, &r->granted, i, &r->self_flows[i]);
	r->surplus += settle_corrupted(r, NULL, r->self_flows, n);
	sp_run_attribute_self(r, lost_of(r, NULL, r->self_flows, n));
}

/* ---- all of them ---- */

static void merge_peer_hists(struct sp_run *r)
{
	for (uint32_t i = 0; i < r->n_asks; i++) {
		const struct run_ask *a = &r->asks[i];

		for (uint32_t k = 0; a->counts_known && k < a->counts.n_hists; k++) {
			if (a->grant.clock_known) {
				sp_hist_merge(&r->hists[RUN_DELAY], &a->counts.delay[k]);
				sp_hist_merge(&r->hists[RUN_DELAY_ACTUAL],
					      &a->counts.delay_actual[k]);
			}
			sp_hist_merge(&r->hists[RUN_RX_GAP_ERROR], &a->counts.gap_error[k]);
		}
	}
}

static void merge_tx_hists(struct sp_run *r)
{
	uint32_t used = r->plan->n_streams < r->n_tallies ? r->plan->n_streams : r->n_tallies;

	for (unsigned w = 0; w < r->n_workers; w++) {
		const struct sp_tally_tx *t = r->workers[w].lane.tally;

		for (uint32_t i = 0; i < (tally_each(r) ? used : 1); i++) {
			if (t[i].late.n)
				sp_hist_merge(&r->hists[RUN_LATE], &t[i].late);
			if (t[i].gap_error.n)
				sp_hist_merge(&r->hists[RUN_GAP_ERROR], &t[i].gap_error);
		}
	}
}

/* The bound of the worst clock among those that count. */
static int64_t worst_clock(const struct sp_run *r)
{
	int64_t worst = r->self ? 0 : -1;

	for (uint32_t i = 0; i < r->n_asks; i++) {
		const struct sp_grant *g = &r->asks[i].grant;

		if (g->clock_known && (int64_t)g->clock_error_ns > worst)
			worst = (int64_t)g->clock_error_ns;
	}
	return worst;
}

/* Live counts from receivers: only what was received, nothing about losses. */
static void take_samples(struct sp_run *r)
{
	r->mute = 0;
	for (uint32_t i = 0; i < r->n_asks; i++) {
		struct run_ask *a = &r->asks[i];
		int rc = -1;

		if (a->grant.peer && r->hooks.peer_sample)
			rc = r->hooks.peer_sample(r->hooks.arg, i, &a->sample_unique,
						  &a->sample_bytes);
		a->sampled = rc >= 0;
		if (rc > 0 && !r->mute)
			r->mute = i + 1;
	}
}

/* Known when every receiver has told. */
static void total_samples(struct sp_run *r)
{
	struct sp_counts *c = &r->result.total.c;
	uint64_t unique = 0, bytes = 0;
	bool units = false;

	for (uint32_t i = 0; i < r->n_asks; i++) {
		if (!r->asks[i].sampled)
			return;
		unique += r->asks[i].sample_unique;
		bytes += r->asks[i].sample_bytes;
	}
	for (uint32_t i = 0; i < r->plan->n_streams; i++) {
		if (r->streams[i].ask == SP_NO_FLOW)
			return;
		units |= !r->plan->streams[i].bulk;
	}
	if (units)
		sp_counts_set(c, SP_C_rx_unique, unique);
	sp_counts_set(c, SP_C_rx_bytes, bytes);
}

/* The sum knows more than the streams where several causes share an ask's losses. */
static void total_losses(struct sp_run *r)
{
	struct sp_counts *c = &r->result.total.c;
	struct run_parts sum = r->losses.parts;

	if (!sp_counts_has(c, SP_C_lost) || !sp_counts_has(c, SP_C_lost_unknown))
		return;
	for (uint32_t i = 0; i < r->n_asks; i++) {
		sum.receiver += r->asks[i].losses.parts.receiver;
		sum.network += r->asks[i].losses.parts.network;
		sum.unknown += r->asks[i].losses.parts.unknown;
	}
	/* Requests without an answer: nobody was asked for them. */
	for (uint32_t i = 0; i < r->plan->n_streams; i++) {
		struct sp_measure m;

		if (!r->streams[i].answers)
			continue;
		measure(r, i, &m);
		sum.unknown += m.c.v[SP_C_lost];
	}
	sp_counts_set(c, SP_C_dropped_receiver, sum.receiver);
	sp_counts_set(c, SP_C_lost_network, sum.network);
	sp_counts_set(c, SP_C_lost_unknown, sum.unknown);
}

static void sum_streams(struct sp_run *r)
{
	struct sp_measure *t = &r->result.total, m;
	bool foreign = false;
	struct sp_measure_sum sum;
	uint32_t unknown;

	sp_measure_sum_begin(&sum, t);
	for (uint32_t i = 0; i < r->plan->n_streams; i++) {
		measure(r, i, &m);
		sp_measure_sum_add(&sum, &m);
		r->result.violated |= sp_counts_check(&m.c, &unknown);
		foreign |= foreign_clock(r, i);
		if (r->plan->n_streams == 1) {
			t->ks_departure = m.ks_departure;
			t->ks_size = m.ks_size;
		}
	}
	/* Arrivals by several clocks say nothing together; by one they still make a rate. */
	if (foreign && r->n_asks > 1)
		forget_arrivals(t);
	sp_measure_sum_end(&sum);
	if (foreign)
		forget_arrivals(t);
}

void sp_run_collect_send(struct sp_run *r)
{
	struct sp_measure *t = &r->result.total;
	int64_t clock_error = worst_clock(r);

	r->surplus = 0;
	if (r->final_ns && r->self)
		settle_self(r);
	for (uint32_t i = 0; r->final_ns && i < r->n_asks; i++)
		settle_ask(r, &r->asks[i]);
	if (!r->final_ns)
		take_samples(r);
	sum_streams(r);
	if (!r->final_ns && r->n_asks)
		total_samples(r);
	if (r->final_ns) {
		total_losses(r);
		t->c.v[SP_C_untracked] += r->surplus;
	}
	merge_tx_hists(r);
	if (r->self)
		sp_run_collect_rx_tallies(r);
	else if (r->final_ns)
		merge_peer_hists(r);
	summarise(&r->hists[RUN_DELAY], &t->delay, clock_error);
	summarise(&r->hists[RUN_DELAY_ACTUAL], &t->delay_actual, clock_error);
	summarise(&r->hists[RUN_RX_GAP_ERROR], &t->rx_gap_error, -1);
	summarise(&r->hists[RUN_LATE], &t->late, -1);
	summarise(&r->hists[RUN_GAP_ERROR], &t->gap_error, -1);
}
