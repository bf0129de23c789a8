#include "ctl/client_counts.h"

#include <errno.h>

void sp_ctl_gather_init(struct sp_ctl_gather *g, const struct sp_mem *mem, uint32_t n_flows,
			bool tally_each)
{
	*g = (struct sp_ctl_gather){ .mem = mem, .n_flows = n_flows, .tally_each = tally_each };
}

void sp_ctl_gather_fini(struct sp_ctl_gather *g)
{
	sp_free(g->mem, g->pc.flows);
	sp_free(g->mem, g->pc.delay);
	sp_free(g->mem, g->pc.delay_actual);
	sp_free(g->mem, g->pc.gap_error);
	g->pc = (struct sp_peer_counts){ 0 };
}

static int take_counts(struct sp_ctl_gather *g, const struct sp_ctl_counts *m)
{
	struct sp_peer_counts *pc = &g->pc;

	if (g->opened || m->n_flows != g->n_flows ||
	    (m->n_hists && m->n_hists != (g->tally_each ? g->n_flows : 1)))
		return -EBADMSG;
	g->opened = true;
	g->skip_hists = m->n_hists > SP_CTL_HISTS_MAX;
	pc->n_flows = m->n_flows;
	pc->n_hists = g->skip_hists ? 0 : m->n_hists;
	pc->max_seg = m->max_seg;
	pc->dropped_units = m->dropped_units;
	pc->rx_units = m->rx_units;
	pc->dropped_known = m->dropped_known;
	pc->exclusive = m->exclusive;
	pc->rx_clock_kernel = m->rx_clock_kernel;
	pc->control_packets = m->control_packets;
	pc->flows = sp_alloc_array(g->mem, pc->n_flows, sizeof *pc->flows);
	if (!pc->flows)
		return -ENOMEM;
	if (!pc->n_hists)
		return 0;
	pc->delay = sp_alloc_array(g->mem, pc->n_hists, sizeof *pc->delay);
	pc->delay_actual = sp_alloc_array(g->mem, pc->n_hists, sizeof *pc->delay_actual);
	pc->gap_error = sp_alloc_array(g->mem, pc->n_hists, sizeof *pc->gap_error);
	return pc->delay && pc->delay_actual && pc->gap_error ? 0 : -ENOMEM;
}

static int take_flow(struct sp_ctl_gather *g, const struct sp_ctl_flow *m)
{
	if (!g->opened || m->index != g->next_flow || m->index >= g->n_flows)
		return -EBADMSG;
	g->pc.flows[g->next_flow++] = m->f;
	return 0;
}

static int take_hist(struct sp_ctl_gather *g, const struct sp_ctl_hist *m)
{
	uint64_t at = (uint64_t)m->index * SP_CTL_WHICH__N + m->which;
	struct sp_hist *sets[SP_CTL_WHICH__N] = {
		[SP_CTL_DELAY] = g->pc.delay,
		[SP_CTL_DELAY_ACTUAL] = g->pc.delay_actual,
		[SP_CTL_GAP_ERROR] = g->pc.gap_error,
	};

	if (g->skip_hists)
		return 0;
	if (g->next_flow != g->n_flows || g->left || at < g->next_hist ||
	    m->index >= g->pc.n_hists)
		return -EBADMSG;
	g->next_hist = at + 1;
	g->hist = &sets[m->which][m->index];
	g->hist->n = m->n;
	g->hist->negative = m->negative;
	g->hist->min = m->min;
	g->hist->max = m->max;
	g->hist->sum = m->sum;
	g->left = m->n - m->negative;
	return 0;
}

static int take_buckets(struct sp_ctl_gather *g, const struct sp_ctl_buckets *m)
{
	if (g->skip_hists)
		return 0;
	if (!g->hist || (uint64_t)m->index * SP_CTL_WHICH__N + m->which + 1 != g->next_hist)
		return -EBADMSG;
	for (unsigned i = 0; i < m->n; i++) {
		if (m->count[i] > g->left || g->hist->b[m->bucket[i]])
			return -EBADMSG;
		g->left -= m->count[i];
		g->hist->b[m->bucket[i]] = m->count[i];
	}
	return 0;
}

int sp_ctl_gather_take(struct sp_ctl_gather *g, const struct sp_ctl_msg *m)
{
	switch (m->type) {
	case SP_CTL_COUNTS:
		return take_counts(g, &m->counts);
	case SP_CTL_FLOW:
		return take_flow(g, &m->flow);
	case SP_CTL_HIST:
		return take_hist(g, &m->hist);
	case SP_CTL_BUCKETS:
		return take_buckets(g, &m->buckets);
	case SP_CTL_DONE:
		if (!g->opened)
			return -ENODATA;
		return g->next_flow == g->n_flows && !g->left ? 1 : -EBADMSG;
	default:
		return -EBADMSG;
	}
}
