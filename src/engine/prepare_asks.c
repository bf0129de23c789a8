/* Streams whose units are answered: what waits for their answers, and what came of it. */
#include <errno.h>

#include "core/shared.h"
#include "engine/protocol.h"
#include "engine/run_impl.h"

/* Units that wait at a time where there is no schedule, unless somebody says how many. */
#define WINDOW_DFLT 128u

bool sp_run_hears(const struct sp_run *r, const struct sp_plan_stream *s)
{
	struct sp_protocol p;

	return !sp_protocol_find(r->catalog, s->protocol, SP_ROLE_CLIENT, &p) && p.source &&
	       p.source->asks;
}

static int open_asks(struct sp_run *r, struct sp_worker *w, unsigned port,
		     struct sp_lane_source *src, struct sp_err *err)
{
	struct sp_lane_port *lp = &w->lane.ports[port];
	uint32_t n = 0;

	if (lp->asks)
		return 0;
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		n += r->streams[i].worker == w->index;
	if (!w->rtt)
		w->rtt = sp_alloc_array(r->env.mem, r->n_tallies, sizeof *w->rtt);
	lp->asks = sp_arena_alloc(&r->arena, sizeof *lp->asks);
	if (!w->rtt || !lp->asks ||
	    sp_asks_init(lp->asks, &r->env, src->ops->asks, src->source, n, SP_BATCH_MAX))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	w->hears = w->lane.asks = true;
	return 0;
}

int sp_run_prepare_ask(struct sp_run *r, unsigned i, struct sp_err *err)
{
	struct run_stream *s = &r->streams[i];
	struct sp_worker *w = &r->workers[s->worker];
	struct sp_lane_stream *ls = &w->lane.streams[s->local];
	struct sp_lane_port *port = &w->lane.ports[s->plan->from_port];
	struct sp_lane_source *src = &r->sources[ls->source];
	uint64_t window = s->plan->connections ? s->plan->connections : WINDOW_DFLT;
	int rc = open_asks(r, w, s->plan->from_port, src, err);

	if (rc)
		return rc;
	if (port->asks->ops != src->ops->asks)
		return sp_fail(err, -ENOTSUP, SP_EXIT_USAGE,
			       "stream %s: answers of two protocols on one port cannot be told "
			       "apart; give it a port of its own",
			       s->plan->name);
	ls->asks = s->answers = true;
	sp_asks_stream(port->asks, s->local, &w->rtt[sp_run_tally_of(r, i)],
		       s->plan->top.kind == SP_RATE_MAX ? (uint32_t)window : 0);
	return 0;
}

const struct sp_asked *sp_run_asked(const struct sp_run *r, unsigned i)
{
	const struct run_stream *s = &r->streams[i];
	const struct sp_lane *l = &r->workers[s->worker].lane;
	const struct sp_lane_stream *ls = &l->streams[s->local];

	return ls->asks ? &l->ports[ls->port].asks->stream[s->local] : NULL;
}

const char *(*sp_run_status_name(const struct sp_run *r, unsigned i))(uint32_t)
{
	const struct run_stream *s = &r->streams[i];
	const struct sp_lane_stream *ls = &r->workers[s->worker].lane.streams[s->local];

	return ls->asks ? r->sources[ls->source].ops->asks->status_name : NULL;
}

void sp_run_asks_measure(const struct sp_run *r, unsigned i, struct sp_measure *m)
{
	const struct sp_asked *a = sp_run_asked(r, i);
	struct run_answers answers;

	if (!a)
		return;
	answers = (struct run_answers){ .failed = SP_LOAD(a->failed),
					.unique = SP_LOAD(a->unique),
					.rx_bytes = SP_LOAD(a->rx_bytes),
					.first_rx_ns = SP_LOAD(a->first_rx),
					.last_rx_ns = SP_LOAD(a->last_rx) };
	sp_run_set_answers(&answers, m);
	sp_run_set_errors(&m->c, &a->errors);
	if (r->n_tallies >= r->plan->n_streams)
		sp_run_set_rtt(a->rtt, m);
}

void sp_run_close_asks(struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers_ready; w++)
		for (unsigned i = 0; r->workers[w].lane.ports && i < r->workers[w].lane.n_ports;
		     i++)
			if (r->workers[w].lane.ports[i].asks)
				sp_asks_fini(r->workers[w].lane.ports[i].asks);
}
