/* The counts of a session as records, made from a cursor whenever there is room for one. */
#include "ctl/server_conn.h"

#include "base/log.h"

#include <string.h>

void sp_ctl_counts_begin(struct sp_ctl_shared *sh, struct sp_ctl_conn *c)
{
	struct sp_ctl_session *s = c->session;
	struct sp_ctl_msg m = { .type = SP_CTL_COUNTS, .cookie = c->cookie };
	const struct sp_peer_counts *pc = &s->counts;
	int rc = sh->ops->session_counts(sh->arg, s->grant.session, sh->env->mem, &s->counts);

	s->stage = SP_CTL_COUNTING;
	if (rc || pc->n_flows != s->grant.n) {
		/* The sender hears that there is nothing, and need not wait for it. */
		sp_log(sh->env->log, SP_LOG_WARN,
		       "no memory for the counts of control session %u: its sender does not "
		       "get them",
		       s->grant.session);
		if (!rc)
			sh->ops->counts_fini(&s->counts, sh->env->mem);
		s->cursor.at = SP_CTL_AT_END;
		return;
	}
	s->has_counts = true;
	m.counts = (struct sp_ctl_counts){
		.n_flows = pc->n_flows,
		.n_hists = pc->n_hists,
		.max_seg = pc->max_seg,
		.dropped_units = pc->dropped_units,
		.rx_units = pc->rx_units,
		.control_packets = c->ch.packets + 1u,
		.dropped_known = pc->dropped_known,
		.exclusive = pc->exclusive,
		.rx_clock_kernel = pc->rx_clock_kernel,
	};
	sp_ctl_chan_put(&c->ch, &m);
}

static const struct sp_hist *hist_at(const struct sp_peer_counts *pc,
				     const struct sp_ctl_cursor *at)
{
	const struct sp_hist *sets[SP_CTL_WHICH__N] = {
		[SP_CTL_DELAY] = pc->delay,
		[SP_CTL_DELAY_ACTUAL] = pc->delay_actual,
		[SP_CTL_GAP_ERROR] = pc->gap_error,
	};

	return sets[at->which] ? &sets[at->which][at->hist] : NULL;
}

static void next_hist(struct sp_ctl_cursor *at)
{
	at->at = SP_CTL_AT_HISTS;
	at->bucket = 0;
	if (++at->which == SP_CTL_WHICH__N) {
		at->which = 0;
		at->hist++;
	}
}

/* A histogram may have been copied while a late packet was being added: its head is made to
 * agree with its buckets, or the other side would have to refuse it. */
static bool put_hist(struct sp_ctl_conn *c, struct sp_ctl_msg *m, const struct sp_hist *h)
{
	struct sp_ctl_hist *o = &m->hist;
	const struct sp_ctl_cursor *at = &c->session->cursor;

	*o = (struct sp_ctl_hist){
		.index = at->hist,
		.which = (uint8_t)at->which,
		.n = h->negative,
		.negative = h->negative,
		.min = h->min,
		.max = h->max > h->min ? h->max : h->min,
		.sum = h->sum,
	};
	for (unsigned i = 0; i < SP_HIST_BUCKETS; i++)
		o->n += h->b[i];
	if (!o->n)
		return false;
	if (o->sum < (__int128)o->min * o->n)
		o->sum = (__int128)o->min * o->n;
	if (o->sum > (__int128)o->max * o->n)
		o->sum = (__int128)o->max * o->n;
	m->type = SP_CTL_HIST;
	sp_ctl_chan_put(&c->ch, m);
	return true;
}

static void put_buckets(struct sp_ctl_conn *c, struct sp_ctl_msg *m, const struct sp_hist *h)
{
	struct sp_ctl_cursor *at = &c->session->cursor;
	struct sp_ctl_buckets *o = &m->buckets;

	*o = (struct sp_ctl_buckets){ .index = at->hist, .which = (uint8_t)at->which };
	for (; at->bucket < SP_HIST_BUCKETS && o->n < SP_CTL_PAIRS; at->bucket++) {
		if (!h->b[at->bucket])
			continue;
		o->bucket[o->n] = (uint16_t)at->bucket;
		o->count[o->n] = h->b[at->bucket];
		o->n++;
	}
	if (o->n) {
		m->type = SP_CTL_BUCKETS;
		sp_ctl_chan_put(&c->ch, m);
	}
	if (at->bucket == SP_HIST_BUCKETS)
		next_hist(at);
}

static void put_hists(struct sp_ctl_conn *c, struct sp_ctl_msg *m)
{
	struct sp_ctl_session *s = c->session;
	struct sp_ctl_cursor *at = &s->cursor;
	const struct sp_hist *h;

	if (at->hist == s->counts.n_hists) {
		at->at = SP_CTL_AT_END;
		return;
	}
	h = hist_at(&s->counts, at);
	if (at->at == SP_CTL_AT_BUCKETS)
		put_buckets(c, m, h);
	else if (h && put_hist(c, m, h))
		at->at = SP_CTL_AT_BUCKETS;
	else
		next_hist(at);
}

static void put_flow(struct sp_ctl_conn *c, struct sp_ctl_msg *m)
{
	struct sp_ctl_session *s = c->session;
	struct sp_ctl_cursor *at = &s->cursor;

	if (at->flow == s->counts.n_flows) {
		at->at = SP_CTL_AT_HISTS;
		return;
	}
	m->type = SP_CTL_FLOW;
	m->flow = (struct sp_ctl_flow){ .index = at->flow, .f = s->counts.flows[at->flow] };
	at->flow++;
	sp_ctl_chan_put(&c->ch, m);
}

void sp_ctl_counts_put(struct sp_ctl_conn *c)
{
	struct sp_ctl_session *s = c->session;
	struct sp_ctl_msg m = { .cookie = c->cookie };

	while (s->stage == SP_CTL_COUNTING && sp_ctl_chan_room(&c->ch)) {
		switch (s->cursor.at) {
		case SP_CTL_AT_FLOWS:
			put_flow(c, &m);
			break;
		case SP_CTL_AT_HISTS:
		case SP_CTL_AT_BUCKETS:
			put_hists(c, &m);
			break;
		case SP_CTL_AT_END:
			m.type = SP_CTL_DONE;
			sp_ctl_chan_put(&c->ch, &m);
			s->stage = SP_CTL_TOLD;
			break;
		}
	}
}
