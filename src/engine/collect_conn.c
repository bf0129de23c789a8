/* What streams over connections add to the result: their units, answers, errors, and what the
 * kernel knows of their way. */
#include <math.h>
#include <string.h>

#include "core/shared.h"
#include "engine/opener.h"
#include "engine/protocol.h"
#include "engine/run_impl.h"

static const struct sp_lane_stream *lane_stream(const struct sp_run *r, unsigned i)
{
	const struct run_stream *s = &r->streams[i];

	return &r->workers[s->worker].lane.streams[s->local];
}

/* All units of a stream or flow are bytes: their number is what is known. */
void sp_run_bytes_only(struct sp_measure *m)
{
	static const enum sp_counter which[] = {
		SP_C_asked_packets, SP_C_tx_packets,	 SP_C_pending,
		SP_C_not_sent_late, SP_C_not_sent_unfit, SP_C_tx_refused,
		SP_C_catch_up,	    SP_C_rx_packets,	 SP_C_rx_unique,
		SP_C_lost,	    SP_C_duplicates,	 SP_C_reordered,
		SP_C_in_flight,	    SP_C_corrupted,	 SP_C_dropped_receiver,
		SP_C_lost_network,  SP_C_lost_unknown,	 SP_C_loss_bursts,
		SP_C_too_old,	    SP_C_untracked,	 SP_C_negative_delay,
	};

	for (size_t i = 0; i < sizeof which / sizeof *which; i++)
		sp_counts_forget(&m->c, which[i]);
	m->asked_pps = NAN;
	m->tx_pps = NAN;
	m->rx_pps = NAN;
	m->jitter_ns = NAN;
}

static void add_errors(struct sp_counts *c, const struct sp_errors *e)
{
	static const enum sp_counter of_why[SP_WHY_STOPPED] = {
		[SP_WHY_UNREACHABLE] = SP_C_error_unreachable,
		[SP_WHY_REFUSED] = SP_C_error_refused,
		[SP_WHY_RESET] = SP_C_error_reset,
		[SP_WHY_TIMEOUT] = SP_C_error_timeout,
		[SP_WHY_STATUS] = SP_C_error_status,
		[SP_WHY_TLS] = SP_C_error_tls,
		[SP_WHY_RESOLVE] = SP_C_error_resolve,
		[SP_WHY_TOO_BIG] = SP_C_error_too_big,
		[SP_WHY_OTHER] = SP_C_error_other,
	};

	for (unsigned i = SP_WHY_NONE + 1; i < SP_WHY_STOPPED; i++)
		c->v[of_why[i]] += SP_LOAD(e->by_why[i]);
}

/* Counted by the run where packets are concerned. */
static bool is_shared(enum sp_counter c)
{
	return c == SP_C_error_unreachable || c == SP_C_error_too_big || c == SP_C_error_other;
}

static void note_info(struct sp_way_result *w, const struct sp_conn_info *info)
{
	if (!__atomic_load_n(&info->known, __ATOMIC_ACQUIRE))
		return;
	w->known = true;
	w->rtt_ns = SP_LOAD(info->rtt_ns);
	w->min_rtt_ns = SP_LOAD(info->min_rtt_ns);
	w->cwnd_bytes = SP_LOAD(info->cwnd_bytes);
	w->mss = SP_LOAD(info->mss);
	memcpy(w->congestion, info->congestion, sizeof w->congestion);
}

/* The sender sees its answers: nobody else need be asked. */
void sp_run_set_answers(const struct run_answers *a, struct sp_measure *m)
{
	uint64_t failed = a->failed, unique = a->unique;
	uint64_t tx = m->c.v[SP_C_tx_packets];

	/* They were read a moment after what was sent. */
	failed = failed < tx ? failed : tx;
	unique = unique < tx - failed ? unique : tx - failed;
	sp_counts_set(&m->c, SP_C_rx_packets, unique);
	sp_counts_set(&m->c, SP_C_rx_unique, unique);
	sp_counts_set(&m->c, SP_C_rx_bytes, a->rx_bytes);
	sp_counts_set(&m->c, SP_C_duplicates, 0);
	sp_counts_set(&m->c, SP_C_corrupted, 0);
	sp_counts_set(&m->c, SP_C_lost, failed);
	sp_counts_set(&m->c, SP_C_in_flight, tx - failed - unique);
	sp_counts_set(&m->c, SP_C_dropped_receiver, 0);
	sp_counts_set(&m->c, SP_C_lost_network, 0);
	sp_counts_set(&m->c, SP_C_lost_unknown, failed);
	m->first_rx_ns = a->first_rx_ns;
	m->last_rx_ns = a->last_rx_ns;
}

void sp_run_set_rtt(const struct sp_tally_rtt *t, struct sp_measure *m)
{
	sp_hist_summary(&t->rtt, &m->rtt);
	sp_hist_summary(&t->rtt_actual, &m->rtt_actual);
	m->rtt.clock_error = -1;
	m->rtt_actual.clock_error = -1;
}

void sp_run_set_errors(struct sp_counts *c, const struct sp_errors *e)
{
	sp_counts_set(c, SP_C_error_refused, SP_LOAD(e->by_why[SP_WHY_REFUSED]));
	sp_counts_set(c, SP_C_error_reset, SP_LOAD(e->by_why[SP_WHY_RESET]));
	sp_counts_set(c, SP_C_error_timeout, SP_LOAD(e->by_why[SP_WHY_TIMEOUT]));
	sp_counts_set(c, SP_C_error_status, SP_LOAD(e->by_why[SP_WHY_STATUS]));
	sp_counts_set(c, SP_C_error_tls, SP_LOAD(e->by_why[SP_WHY_TLS]));
}

/* Whether a far receiver looks at each byte it does not say: what it found says so. */
static void measure_bulk(const struct sp_run *r, const struct sp_bulk_stream *b,
			 struct sp_measure *m)
{
	bool looked = sp_counts_has(&m->c, SP_C_corrupted) &&
		      (m->c.v[SP_C_corrupted] ||
		       (r->self && r->plan->run.verify == SP_VERIFY_FULL));
	uint64_t corrupted = m->c.v[SP_C_corrupted];
	struct sp_errors e = { 0 };
	int error = SP_LOAD(b->error);

	if (error)
		e.by_why[sp_why_of(error)] = 1;
	sp_run_set_errors(&m->c, &e);
	sp_run_bytes_only(m);
	if (looked)
		sp_counts_set(&m->c, SP_C_corrupted, corrupted);
}

/* What it was asked to send is what its source has given. What left was read before. */
static void measure_play(const struct sp_dialogue_stream *d, struct sp_measure *m)
{
	uint64_t late = SP_LOAD(*d->given_up), gone, asked;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	asked = SP_LOAD(d->play->issued);
	gone = m->c.v[SP_C_tx_packets] + m->c.v[SP_C_tx_refused] + late;
	sp_counts_set(&m->c, SP_C_asked_packets, asked);
	sp_counts_set(&m->c, SP_C_not_sent_late, late);
	sp_counts_set(&m->c, SP_C_pending, asked > gone ? asked - gone : 0);
	m->asked_pps = NAN;
}

static void measure_dialogue(const struct sp_run *r, const struct sp_dialogue_stream *d,
			     struct sp_measure *m)
{
	sp_run_set_errors(&m->c, &d->errors);
	if (d->play)
		measure_play(d, m);
	if (!d->answers)
		return;
	sp_run_set_answers(&(struct run_answers){ .failed = SP_LOAD(d->failed),
						  .unique = SP_LOAD(d->unique),
						  .rx_bytes = SP_LOAD(d->rx_bytes),
						  .first_rx_ns = SP_LOAD(d->first_rx),
						  .last_rx_ns = SP_LOAD(d->last_rx) },
			   m);
	if (r->n_tallies >= r->plan->n_streams)
		sp_run_set_rtt(d->rtt, m);
}

void sp_run_conn_measure(const struct sp_run *r, unsigned i, struct sp_measure *m)
{
	const struct sp_lane_stream *ls = lane_stream(r, i);
	const struct sp_worker *w = &r->workers[r->streams[i].worker];

	if (ls->lane == SP_LANE_BULK)
		measure_bulk(r, &w->bulk.stream[ls->index], m);
	else if (ls->lane == SP_LANE_DIALOGUE)
		measure_dialogue(r, &w->dialogue.stream[ls->index], m);
}

uint64_t sp_run_stream_trouble(const struct sp_run *r, unsigned i, int *error)
{
	const struct sp_lane_stream *ls = lane_stream(r, i);
	const struct sp_worker *w = &r->workers[r->streams[i].worker];
	const struct sp_errors *e;

	if (ls->lane == SP_LANE_BULK) {
		*error = SP_LOAD(w->bulk.stream[ls->index].error);
		return sp_why_of(*error) == SP_WHY_OTHER;
	}
	if (ls->lane != SP_LANE_DIALOGUE)
		return 0;
	e = &w->dialogue.stream[ls->index].errors;
	*error = SP_LOAD(e->last);
	return sp_why_of(*error) == SP_WHY_OTHER ? SP_LOAD(e->by_why[SP_WHY_OTHER]) : 0;
}

/* Sequence numbers count the opening (SYN) and spate's own first bytes, too. */
uint64_t sp_run_unconfirmed(const struct sp_run *r, unsigned i)
{
	const struct sp_lane_stream *ls = lane_stream(r, i);
	const struct sp_bulk_stream *b;
	uint64_t own, acked, tx;

	if (ls->lane != SP_LANE_BULK)
		return 0;
	b = &r->workers[r->streams[i].worker].bulk.stream[ls->index];
	own = SP_LOAD(b->opened) * (1 + (b->granted ? SP_OPENER_LEN : 0));
	acked = SP_LOAD(b->info.acked_bytes);
	tx = SP_LOAD(b->flow->tx_bytes);
	return SP_LOAD(b->info.known) && acked < tx + own ? tx + own - acked : 0;
}

void sp_run_stream_way(const struct sp_run *r, unsigned i, struct sp_way_result *way)
{
	const struct sp_lane_stream *ls = lane_stream(r, i);
	const struct sp_worker *w = &r->workers[r->streams[i].worker];
	const struct sp_bulk_stream *b;
	const struct sp_dialogue_stream *d;

	*way = (struct sp_way_result){ 0 };
	if (ls->lane == SP_LANE_BULK) {
		b = &w->bulk.stream[ls->index];
		note_info(way, &b->info);
		way->retransmits = SP_LOAD(b->info.retransmits);
		way->connections = way->known ? SP_LOAD(b->opened) : 0;
	} else if (ls->lane == SP_LANE_DIALOGUE) {
		d = &w->dialogue.stream[ls->index];
		note_info(way, &d->info);
		way->retransmits = SP_LOAD(d->retransmits) + SP_LOAD(d->open_retransmits);
		way->connections = SP_LOAD(d->opened);
	}
}

void sp_run_statuses(const struct sp_run *r, unsigned i, struct sp_status_counts *c)
{
	const struct sp_lane_stream *ls;

	*c = (struct sp_status_counts){ 0 };
	if (r->role != SP_ROLE_RECV) {
		ls = lane_stream(r, i);
		if (sp_run_asked(r, i))
			sp_statuses_merge(c, &sp_run_asked(r, i)->statuses);
		if (ls->lane == SP_LANE_DIALOGUE)
			sp_statuses_merge(c, &r->workers[r->streams[i].worker]
						      .dialogue.stream[ls->index]
						      .statuses);
		return;
	}
	for (unsigned w = 0; w < r->n_workers; w++) {
		const struct sp_dialogue *d = &r->workers[w].dialogue;

		if (r->plan->recvs[i].from_port < d->n_servers)
			sp_statuses_merge(c, &d->server[r->plan->recvs[i].from_port].statuses);
	}
}

/* ---- the run's ---- */

void sp_run_collect_rtt(struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++) {
		for (uint32_t i = 0; r->workers[w].rtt && i < r->n_tallies; i++) {
			sp_hist_merge(&r->hists[RUN_RTT], &r->workers[w].rtt[i].rtt);
			sp_hist_merge(&r->hists[RUN_RTT_ACTUAL],
				      &r->workers[w].rtt[i].rtt_actual);
		}
	}
	sp_run_echo_collect(r);
	sp_hist_summary(&r->hists[RUN_RTT], &r->result.total.rtt);
	sp_hist_summary(&r->hists[RUN_RTT_ACTUAL], &r->result.total.rtt_actual);
	r->result.total.rtt.clock_error = -1;
	r->result.total.rtt_actual.clock_error = -1;
}

void sp_run_collect_conn_errors(struct sp_run *r)
{
	struct sp_counts all = { 0 }, *c = &r->result.total.c;
	uint64_t resets = 0;

	for (unsigned w = 0; w < r->n_workers; w++) {
		const struct sp_worker *wk = &r->workers[w];

		add_errors(&all, &wk->bulk_errors);
		for (uint32_t i = 0; i < wk->dialogue.n; i++)
			add_errors(&all, &wk->dialogue.stream[i].errors);
		for (unsigned i = 0; i < wk->dialogue.n_servers; i++)
			add_errors(&all, &wk->dialogue.server[i].errors);
		resets += SP_LOAD(wk->sink.resets);
	}
	for (unsigned i = 0; r->role != SP_ROLE_RECV && i < r->plan->n_streams; i++)
		if (sp_run_asked(r, i))
			add_errors(&all, &sp_run_asked(r, i)->errors);
	for (unsigned i = 0; i < SP_C__N; i++)
		if (all.v[i])
			sp_counts_set(c, (enum sp_counter)i,
				      is_shared((enum sp_counter)i) ? c->v[i] + all.v[i]
								    : all.v[i]);
	c->v[SP_C_error_reset] += resets;
}

const char *sp_run_stream_unit(const struct sp_run *r, unsigned i)
{
	const struct sp_lane_stream *ls = lane_stream(r, i);
	const struct sp_dialogue_stream *d;

	if (ls->lane == SP_LANE_BULK)
		return "byte";
	if (ls->lane == SP_LANE_PACKET && r->sources[ls->source].ops->port)
		return sp_protocol_unit(r->sources[ls->source].ops);
	if (ls->lane == SP_LANE_PACKET)
		return sp_run_unit(r, r->streams[i].plan->from_port);
	d = &r->workers[r->streams[i].worker].dialogue.stream[ls->index];
	return d->answers			 ? "request"
	       : r->streams[i].plan->per_message ? "connection"
						 : "message";
}

const char *sp_run_flow_unit(const struct sp_run *r, const struct sp_flow_meta *meta,
			     unsigned port)
{
	switch (meta->unit) {
	case SP_UNIT_MESSAGE:
		return "message";
	case SP_UNIT_CONNECTION:
		return "connection";
	case SP_UNIT_REQUEST:
		return "request";
	case SP_UNIT_BYTE:
		return "byte";
	default:
		return sp_run_unit(r, port);
	}
}
