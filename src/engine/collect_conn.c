/* What streams over connections add to the result: their units, answers, errors, and what the
 * kernel knows of their way. */
#include <math.h>
#include <string.h>

#include "core/shared.h"
#include "engine/run_impl.h"

static const struct sp_lane_stream *lane_stream(const struct sp_run *r, unsigned i)
{
	const struct run_stream *s = &r->streams[i];

	return &r->workers[s->worker].lane.streams[s->local];
}

static void forget_units(struct sp_counts *c)
{
	static const enum sp_counter which[] = {
		SP_C_asked_packets, SP_C_tx_packets,	   SP_C_pending,      SP_C_not_sent_late,
		SP_C_tx_refused,    SP_C_catch_up,	   SP_C_rx_packets,   SP_C_rx_unique,
		SP_C_lost,	    SP_C_duplicates,	   SP_C_reordered,    SP_C_in_flight,
		SP_C_corrupted,	    SP_C_dropped_receiver, SP_C_lost_network, SP_C_lost_unknown,
		SP_C_loss_bursts,   SP_C_too_old,	   SP_C_untracked,
	};

	for (size_t i = 0; i < sizeof which / sizeof *which; i++)
		sp_counts_forget(c, which[i]);
}

double sp_run_byte_bps(uint64_t bytes, uint64_t first_ns, uint64_t last_ns)
{
	return last_ns > first_ns ? 8e9 * (double)bytes / (double)(last_ns - first_ns) : NAN;
}

/* All units of a flow are bytes: what is counted is their number. */
void sp_run_bytes_only(struct sp_measure *m)
{
	forget_units(&m->c);
	m->asked_pps = NAN;
	m->tx_pps = NAN;
	m->rx_pps = NAN;
	m->jitter_ns = NAN;
	m->tx_bps = NAN;
	m->rx_bps = NAN;
	if (sp_counts_has(&m->c, SP_C_tx_bytes))
		m->tx_bps = sp_run_byte_bps(m->c.v[SP_C_tx_bytes], m->first_tx_ns,
					    m->last_tx_ns);
	if (sp_counts_has(&m->c, SP_C_rx_bytes))
		m->rx_bps = sp_run_byte_bps(m->c.v[SP_C_rx_bytes], m->first_rx_ns,
					    m->last_rx_ns);
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

static void note_info(struct sp_way_result *w, const struct sp_conn_info *info)
{
	if (!SP_LOAD(info->known))
		return;
	w->known = true;
	w->rtt_ns = SP_LOAD(info->rtt_ns);
	w->min_rtt_ns = SP_LOAD(info->min_rtt_ns);
	w->cwnd_bytes = SP_LOAD(info->cwnd_bytes);
	w->mss = SP_LOAD(info->mss);
}

static void collect_bulk(const struct sp_bulk_stream *b, struct sp_stream_result *sr)
{
	struct sp_errors e = { 0 };
	int error = SP_LOAD(b->error);

	if (error)
		e.by_why[sp_why_of(error)] = 1;
	add_errors(&sr->m.c, &e);
	sr->unit = "byte";
	note_info(&sr->way, &b->info);
	sr->way.retransmits = SP_LOAD(b->info.retransmits);
	sr->way.connections = sr->way.known ? 1 : 0;
	sp_run_bytes_only(&sr->m);
}

/* The sender sees its answers: nobody else need be asked. */
static void collect_answers(const struct sp_dialogue_stream *d, struct sp_measure *m)
{
	uint64_t failed = SP_LOAD(d->failed), unique = SP_LOAD(d->unique);
	uint64_t tx = m->c.v[SP_C_tx_packets];

	/* They were read a moment after what was sent. */
	failed = failed < tx ? failed : tx;
	unique = unique < tx - failed ? unique : tx - failed;
	sp_counts_set(&m->c, SP_C_rx_packets, unique);
	sp_counts_set(&m->c, SP_C_rx_unique, unique);
	sp_counts_set(&m->c, SP_C_rx_bytes, SP_LOAD(d->rx_bytes));
	sp_counts_set(&m->c, SP_C_duplicates, 0);
	sp_counts_set(&m->c, SP_C_corrupted, 0);
	sp_counts_set(&m->c, SP_C_lost, failed);
	sp_counts_set(&m->c, SP_C_in_flight, tx - failed - unique);
	sp_counts_set(&m->c, SP_C_dropped_receiver, 0);
	sp_counts_set(&m->c, SP_C_lost_network, 0);
	sp_counts_set(&m->c, SP_C_lost_unknown, failed);
	m->first_rx_ns = SP_LOAD(d->first_rx);
	m->last_rx_ns = SP_LOAD(d->last_rx);
	if (unique > 1 && m->last_rx_ns > m->first_rx_ns) {
		double span = (double)(m->last_rx_ns - m->first_rx_ns) / 1e9;

		m->rx_pps = (double)(unique - 1) / span;
		m->rx_bps = 8.0 * (double)m->c.v[SP_C_rx_bytes] * (double)(unique - 1) /
			    (double)unique / span;
	}
}

static void collect_dialogue(struct sp_dialogue_stream *d, struct sp_stream_result *sr,
			     bool own_tally)
{
	add_errors(&sr->m.c, &d->errors);
	sr->unit = d->answers ? "request" : d->messages->each ? "connection" : "message";
	note_info(&sr->way, &d->info);
	sr->way.retransmits = SP_LOAD(d->retransmits);
	sr->way.connections = SP_LOAD(d->opened);
	if (!d->answers)
		return;
	collect_answers(d, &sr->m);
	if (!own_tally)
		return;
	sp_hist_summary(&d->rtt->rtt, &sr->m.rtt);
	sp_hist_summary(&d->rtt->rtt_actual, &sr->m.rtt_actual);
	sr->m.rtt.clock_error = -1;
	sr->m.rtt_actual.clock_error = -1;
}

void sp_run_collect_conns(struct sp_run *r)
{
	bool own_tally = r->n_tallies >= r->plan->n_streams;

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct sp_lane_stream *ls = lane_stream(r, i);
		struct sp_worker *w = &r->workers[r->streams[i].worker];

		if (ls->lane == SP_LANE_BULK)
			collect_bulk(&w->bulk.stream[ls->index], &r->stream_results[i]);
		else if (ls->lane == SP_LANE_DIALOGUE)
			collect_dialogue(&w->dialogue.stream[ls->index],
					 &r->stream_results[i], own_tally);
	}
}

void sp_run_collect_rtt(const struct sp_run *r, struct sp_hist *rtt, struct sp_hist *actual)
{
	for (unsigned w = 0; w < r->n_workers; w++) {
		for (uint32_t i = 0; r->workers[w].rtt && i < r->n_tallies; i++) {
			sp_hist_merge(rtt, &r->workers[w].rtt[i].rtt);
			sp_hist_merge(actual, &r->workers[w].rtt[i].rtt_actual);
		}
	}
}

void sp_run_collect_servers(const struct sp_run *r, struct sp_counts *c)
{
	for (unsigned w = 0; w < r->n_workers; w++) {
		const struct sp_worker *wk = &r->workers[w];

		for (unsigned i = 0; i < wk->dialogue.n_servers; i++)
			add_errors(c, &wk->dialogue.server[i].errors);
		c->v[SP_C_error_reset] += SP_LOAD(wk->sink.resets);
	}
}

const char *sp_run_unit_name(uint8_t unit, bool frame)
{
	switch (unit) {
	case SP_UNIT_MESSAGE:
		return "message";
	case SP_UNIT_CONNECTION:
		return "connection";
	case SP_UNIT_REQUEST:
		return "request";
	case SP_UNIT_BYTE:
		return "byte";
	default:
		return frame ? "frame" : "datagram";
	}
}
