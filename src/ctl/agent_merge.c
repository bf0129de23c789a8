#include "ctl/agent_merge.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "core/clock.h"
#include "ctl/agent_join.h"
#include "ctl/agent_result.h"
#include "engine/measure.h"

struct merge {
	struct sp_result *out;
	const struct sp_merge_part *parts;
	unsigned n;
	bool receivers; /* nobody sends: receivers' results are the run's */
	struct sp_arena *arena;
	struct sp_agent_lists *lists;
	struct sp_transport_result *transports;
	struct sp_reply_result *replies;
	bool joined; /* senders know by receivers' flows what was received */
	struct sp_remark *remarks;
	struct sp_named_hist *hists;
};

static bool counts(const struct merge *m, unsigned i)
{
	const struct sp_result *r = m->parts[i].r;

	return r && (m->receivers || r->role != SP_ROLE_RECV);
}

/* ---- lists ---- */

static const char *named(const struct merge *m, unsigned i, const char *name)
{
	return m->n > 1 ? sp_arena_printf(m->arena, "%s/%s", m->parts[i].host, name) : name;
}

static int allocate(struct merge *m)
{
	size_t streams = 0, flows = 0, transports = 0, replies = 0, remarks = 0;

	for (unsigned i = 0; i < m->n; i++) {
		const struct sp_result *r = m->parts[i].r;

		if (!r)
			continue;
		streams += counts(m, i) ? r->n_streams : 0;
		flows += counts(m, i) ? r->n_flows : 0;
		transports += r->n_transports;
		replies += r->n_replies;
		remarks += r->n_remarks;
	}
	m->lists = sp_arena_alloc(m->arena, sizeof *m->lists);
	if (!m->lists)
		return -ENOMEM;
	m->lists->streams = sp_arena_alloc(m->arena, (streams + 1) * sizeof *m->lists->streams);
	m->lists->flows = sp_arena_alloc(m->arena, (flows + 1) * sizeof *m->lists->flows);
	m->transports = sp_arena_alloc(m->arena, (transports + 1) * sizeof *m->transports);
	m->replies = sp_arena_alloc(m->arena, (replies + 1) * sizeof *m->replies);
	m->remarks = sp_arena_alloc(m->arena, (remarks + 1) * sizeof *m->remarks);
	m->hists = sp_arena_alloc(m->arena, 16 * sizeof *m->hists);
	return m->lists->streams && m->lists->flows && m->transports && m->replies &&
			       m->remarks && m->hists
		       ? 0
		       : -ENOMEM;
}

static int add_lists(struct merge *m, unsigned i)
{
	const struct sp_result *r = m->parts[i].r;
	struct sp_result *out = m->out;

	for (size_t k = 0; counts(m, i) && k < r->n_streams; k++)
		sp_result_stream(r, k, &m->lists->streams[out->n_streams++]);
	for (size_t k = 0; counts(m, i) && k < r->n_flows; k++)
		sp_result_flow(r, k, &m->lists->flows[out->n_flows++]);
	for (size_t k = 0; k < r->n_transports; k++) {
		struct sp_transport_result *t = &m->transports[out->n_transports++];

		*t = r->transports[k];
		t->name = named(m, i, t->name);
		if (!t->name)
			return -ENOMEM;
	}
	for (size_t k = 0; k < r->n_replies; k++) {
		struct sp_reply_result *to = &m->replies[out->n_replies++];

		*to = r->replies[k];
		to->port = named(m, i, to->port);
		if (!to->port)
			return -ENOMEM;
	}
	for (size_t k = 0; k < r->n_remarks; k++) {
		struct sp_remark *to = &m->remarks[out->n_remarks++];

		*to = r->remarks[k];
		if (m->n > 1)
			to->text = sp_arena_printf(m->arena, "%s: %s", m->parts[i].host,
						   to->text);
		if (!to->text)
			return -ENOMEM;
	}
	return 0;
}

/* ---- the total ---- */

static void span(uint64_t *first, uint64_t *last, uint64_t a, uint64_t b)
{
	if (a && (*first == 0 || a < *first))
		*first = a;
	if (b > *last)
		*last = b;
}

/* (n - 1) / (last - first); bits without the first unit's. */
static void rates(const struct sp_counts *c, enum sp_counter packets, enum sp_counter bytes,
		  uint64_t first, uint64_t last, double *pps, double *bps)
{
	double n = (double)c->v[packets], over = (double)(last - first) / 1e9;

	*pps = NAN;
	*bps = NAN;
	if (!sp_counts_has(c, packets) || n < 2 || last <= first)
		return;
	*pps = (n - 1) / over;
	if (sp_counts_has(c, bytes))
		*bps = 8.0 * (double)c->v[bytes] * (n - 1) / n / over;
}

static const struct {
	const char *name;
	size_t off;
} summaries[] = {
	{ "delay", offsetof(struct sp_measure, delay) },
	{ "delay_actual", offsetof(struct sp_measure, delay_actual) },
	{ "rtt", offsetof(struct sp_measure, rtt) },
	{ "late", offsetof(struct sp_measure, late) },
	{ "gap_error", offsetof(struct sp_measure, gap_error) },
	{ "rx_gap_error", offsetof(struct sp_measure, rx_gap_error) },
};
#define N_SUMMARIES (sizeof summaries / sizeof *summaries)

static struct sp_summary *summary_of(const struct sp_measure *m, unsigned k)
{
	return (struct sp_summary *)((uintptr_t)m + summaries[k].off);
}

static void add_total(struct merge *m, const struct sp_measure *from, unsigned *n)
{
	struct sp_measure *t = &m->out->total;

	if (*n == 0) {
		*t = *from;
	} else {
		sp_counts_add(&t->c, &from->c);
		t->asked_pps += from->asked_pps;
		t->jitter_ns = (t->jitter_ns * *n + from->jitter_ns) / (*n + 1);
		t->outage_ns = fmax(t->outage_ns, from->outage_ns);
		t->ks_departure = NAN;
		t->ks_size = NAN;
		/* Of several senders only histograms make one summary. */
		for (unsigned k = 0; k < N_SUMMARIES; k++)
			*summary_of(t, k) = (struct sp_summary){ .clock_error = -1 };
	}
	span(&t->first_tx_ns, &t->last_tx_ns, from->first_tx_ns, from->last_tx_ns);
	span(&t->first_rx_ns, &t->last_rx_ns, from->first_rx_ns, from->last_rx_ns);
	++*n;
}

static int add_hist(struct merge *m, const struct sp_named_hist *from)
{
	struct sp_hist *into;
	size_t k = 0;

	while (k < m->out->n_hists && strcmp(m->hists[k].name, from->name) != 0)
		k++;
	if (k == 16)
		return 0;
	if (k == m->out->n_hists) {
		into = sp_arena_alloc(m->arena, sizeof *into);
		if (!into)
			return -ENOMEM;
		m->hists[m->out->n_hists++] = (struct sp_named_hist){ from->name, into };
	}
	/* Made above. */
	into = (struct sp_hist *)(uintptr_t)m->hists[k].hist;
	sp_hist_merge(into, from->hist);
	return 0;
}

/* Summaries of the total from the histograms; the worst clock error of all that went in. */
static void summarise(struct merge *m)
{
	for (size_t h = 0; h < m->out->n_hists; h++) {
		for (unsigned k = 0; k < N_SUMMARIES; k++) {
			struct sp_summary *s = summary_of(&m->out->total, k);
			int64_t error = -1;

			if (strcmp(summaries[k].name, m->hists[h].name) != 0)
				continue;
			for (unsigned i = 0; i < m->n; i++) {
				if (!counts(m, i))
					continue;
				const struct sp_summary *of = summary_of(&m->parts[i].r->total,
									 k);

				if (of->known && of->clock_error > error)
					error = of->clock_error;
			}
			sp_hist_summary(m->hists[h].hist, s);
			s->clock_error = error;
		}
	}
}

/* ---- the verdict ---- */

static void add_verdict(struct merge *m, unsigned i)
{
	const struct sp_result *r = m->parts[i].r;
	struct sp_result *out = m->out;

	if (r->result > out->result)
		out->result = r->result;
	out->exit_code = (int)sp_exit_worse((enum sp_exit)out->exit_code,
					    (enum sp_exit)r->exit_code);
	out->interrupted |= r->interrupted;
	out->violated |= r->violated;
	if (out->bound == SP_BOUND_NONE && r->bound != SP_BOUND_NONE) {
		out->bound = r->bound;
		out->evidence = m->n > 1 && r->evidence
					? sp_arena_printf(m->arena, "%s: %s", m->parts[i].host,
							  r->evidence)
					: r->evidence;
	}
	if (counts(m, i) && !out->unit)
		out->unit = r->unit;
	if (counts(m, i) && r->clock && !out->clock)
		out->clock = r->clock;
	if (r->duration_ns > out->duration_ns)
		out->duration_ns = r->duration_ns;
	if (counts(m, i) && r->planned_ns > out->planned_ns)
		out->planned_ns = r->planned_ns;
}

static void clear(struct sp_result *out)
{
	struct sp_measure *t = &out->total;

	out->n_streams = out->n_flows = out->n_transports = out->n_remarks = out->n_hists = 0;
	out->n_replies = 0;
	out->result = SP_VALID;
	out->bound = SP_BOUND_NONE;
	out->evidence = NULL;
	out->clock = NULL;
	out->unit = NULL;
	out->violated = 0;
	out->exit_code = 0;
	out->duration_ns = 0;
	out->planned_ns = 0;
	out->interrupted = false;
	*t = (struct sp_measure){ .asked_pps = NAN,
				  .tx_pps = NAN,
				  .rx_pps = NAN,
				  .tx_bps = NAN,
				  .rx_bps = NAN,
				  .jitter_ns = NAN,
				  .outage_ns = NAN,
				  .ks_departure = NAN,
				  .ks_size = NAN };
	for (unsigned k = 0; k < N_SUMMARIES; k++)
		*summary_of(t, k) = (struct sp_summary){ .clock_error = -1 };
}

/* Flows of the agents that receive. */
static struct sp_flow_result *received(struct merge *m, size_t *n)
{
	struct sp_flow_result *all;
	size_t most = 1;

	*n = 0;
	for (unsigned i = 0; i < m->n; i++)
		most += m->parts[i].r && !counts(m, i) ? m->parts[i].r->n_flows : 0;
	all = sp_arena_alloc(m->arena, most * sizeof *all);
	for (unsigned i = 0; all && i < m->n; i++) {
		const struct sp_result *r = m->parts[i].r;

		for (size_t k = 0; r && !counts(m, i) && k < r->n_flows; k++)
			sp_result_flow(r, k, &all[(*n)++]);
	}
	return all;
}

/* The total has what all streams know. */
static void total_of_streams(struct merge *m)
{
	static const enum sp_counter rx[] = {
		SP_C_rx_packets, SP_C_rx_unique, SP_C_rx_bytes, SP_C_duplicates,
		SP_C_reordered,	 SP_C_corrupted, SP_C_too_old,	SP_C_loss_bursts,
		SP_C_lost,	 SP_C_in_flight,
	};
	struct sp_measure *t = &m->out->total, sum;
	struct sp_measure_sum all;

	sp_measure_sum_begin(&all, &sum);
	for (size_t i = 0; i < m->out->n_streams; i++)
		sp_measure_sum_add(&all, &m->lists->streams[i].m);
	sp_measure_sum_end(&all);
	for (size_t i = 0; i < sizeof rx / sizeof *rx; i++)
		if (sp_counts_has(&sum.c, rx[i]))
			sp_counts_set(&t->c, rx[i], sum.c.v[rx[i]]);
	t->jitter_ns = sum.jitter_ns;
	t->outage_ns = sum.outage_ns;
}

/* A sender's remark that nobody told it what was received holds no longer. */
static void drop_remarks(struct merge *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->out->n_remarks; i++)
		if (strcmp(m->remarks[i].code, "one-sided") != 0)
			m->remarks[kept++] = m->remarks[i];
	m->out->n_remarks = kept;
}

static int join(struct merge *m)
{
	unsigned joined, open;
	size_t n;
	struct sp_flow_result *flows = received(m, &n);

	if (!flows)
		return -ENOMEM;
	joined = sp_agent_join(m->lists->streams, m->out->n_streams, m->lists->flows,
			       m->out->n_flows, flows, n, &open);
	m->joined = joined && !open;
	if (m->joined) {
		total_of_streams(m);
		drop_remarks(m);
	}
	return 0;
}

int sp_agent_merge(struct sp_result *out, const struct sp_merge_part *parts, unsigned n,
		   struct sp_arena *arena)
{
	struct merge m = { .out = out, .parts = parts, .n = n, .arena = arena };
	struct sp_measure *t = &out->total;
	unsigned totals = 0, senders = 0;
	int rc;

	clear(out);
	for (unsigned i = 0; i < n; i++)
		senders += parts[i].r && parts[i].r->role != SP_ROLE_RECV;
	m.receivers = senders == 0;
	out->role = m.receivers ? SP_ROLE_RECV : SP_ROLE_SEND;
	rc = allocate(&m);
	for (unsigned i = 0; i < n && !rc; i++) {
		if (!parts[i].r)
			continue;
		rc = add_lists(&m, i);
		if (counts(&m, i))
			add_total(&m, &parts[i].r->total, &totals);
		for (size_t k = 0; counts(&m, i) && k < parts[i].r->n_hists && !rc; k++)
			rc = add_hist(&m, &parts[i].r->hists[k]);
		add_verdict(&m, i);
	}
	if (!rc && !m.receivers)
		rc = join(&m);
	if (rc)
		return rc;
	rates(&t->c, SP_C_tx_packets, SP_C_tx_bytes, t->first_tx_ns, t->last_tx_ns, &t->tx_pps,
	      &t->tx_bps);
	rates(&t->c, SP_C_rx_packets, SP_C_rx_bytes, t->first_rx_ns, t->last_rx_ns, &t->rx_pps,
	      &t->rx_bps);
	/* Of several the clocks that they came by are not one. */
	if (m.joined && out->n_streams == 1) {
		t->rx_pps = m.lists->streams[0].m.rx_pps;
		t->rx_bps = m.lists->streams[0].m.rx_bps;
	}
	summarise(&m);
	out->violated |= sp_counts_check(&t->c, &out->unknown_identities);
	out->parts = &sp_agent_parts;
	out->parts_arg = m.lists;
	out->transports = m.transports;
	out->replies = m.replies;
	out->remarks = m.remarks;
	out->hists = m.hists;
	return 0;
}
