/* A run's pacers: what each stream's departures are due by. */
#include "engine/run_impl.h"

#include <errno.h>
#include <math.h>

#include "engine/modes/modes.h"

/* A slow stream's packets stay single ones, as somebody who captures them expects, unless a stall
 * has left many to be made up; from JOIN_PPS on a worker needs super-packets to keep up. */
#define JOIN_PPS   200000.0
#define JOIN_AFTER 16u

void sp_run_choose_joining(struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		r->workers[w].asked_pps = 0;
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct sp_plan_stream *s = &r->plan->streams[i];
		double pps = sp_run_asked_pps(s, &s->top);

		r->workers[r->streams[i].worker].asked_pps += isnan(pps) ? INFINITY : pps;
	}
	for (unsigned w = 0; w < r->n_workers; w++)
		r->workers[w].lane.join_from = r->workers[w].asked_pps > JOIN_PPS ? 2
										  : JOIN_AFTER;
}

/* Bulk data and closed loops have no departures. */
static bool self_paced(const struct sp_worker *w, const struct run_stream *s)
{
	const struct sp_lane_stream *ls = &w->lane.streams[s->local];

	return ls->lane == SP_LANE_BULK || s->played ||
	       (ls->lane == SP_LANE_DIALOGUE && s->plan->rate.kind == SP_RATE_MAX);
}

/* Whoever sees answers tells a schedule that wants to hear of them; a dialogue's starts are counted
 * where they happen. */
static void tell_of_schedule(struct sp_worker *w, const struct run_stream *s)
{
	const struct sp_lane_stream *ls = &w->lane.streams[s->local];
	struct sp_pacer *hears = sp_mode_hears_replies(s->plan) ? w->lane.pacer : NULL;
	struct sp_dialogue_stream *d;

	if (ls->asks)
		w->lane.ports[ls->port].asks->stream[s->local].wants_replies = hears;
	if (ls->lane != SP_LANE_DIALOGUE)
		return;
	d = &w->dialogue.stream[ls->index];
	d->schedule = s->schedule;
	d->wants_replies = hears;
	d->paced_as = s->local;
}

/* The stream as its port takes it: a law of sizes ends at the largest there. */
static int make_schedule(struct sp_run *r, unsigned stream, struct sp_err *err)
{
	struct run_stream *s = &r->streams[stream];
	struct sp_plan_stream as = *s->plan;
	struct sp_pace pace;

	if (sp_run_recorded(r, stream)) {
		const struct sp_lane_source *src = sp_run_recorded(r, stream);

		sp_schedule_recorded(s->plan, src->ops, src->source, r->t0_ns, &s->pace);
		return 0;
	}
	as.size = s->largest;
	return sp_schedule_make(&as, r->catalog, &r->env, r->t0_ns, 0,
				s->self_paced ? &pace : &s->pace, &s->schedule, err);
}

/* What has no departures still has sizes. */
static int pace_itself(struct sp_run *r, unsigned stream, uint64_t end_ns, struct sp_err *err)
{
	struct run_stream *s = &r->streams[stream];
	struct sp_worker *wk = &r->workers[s->worker];
	const struct sp_lane_stream *ls = &wk->lane.streams[s->local];
	int rc = 0;

	if (end_ns > wk->last_end_ns)
		wk->last_end_ns = end_ns;
	s->pace = (struct sp_pace){ .kind = SP_PACE_MAX, .gap_den = 1 };
	s->only_max = true;
	if (s->plan->packet_size && ls->lane == SP_LANE_DIALOGUE) {
		rc = make_schedule(r, stream, err);
		wk->dialogue.stream[ls->index].schedule = s->schedule;
	}
	return rc;
}

int sp_run_make_pacers(struct sp_run *r, struct sp_err *err)
{
	struct sp_catch_up_conf catch_up;
	int ret = sp_catch_up_parse(r->plan->run.catch_up, &catch_up, err);
	uint64_t end;

	for (unsigned w = 0; w < r->n_workers && ret == 0; w++) {
		struct sp_worker *wk = &r->workers[w];

		if (!wk->sends)
			continue;
		ret = sp_pacer_new(&wk->lane.pacer, r->env.mem, wk->lane.n_streams, r->t0_ns,
				   &catch_up);
		if (ret)
			return sp_fail(err, ret, SP_EXIT_FAILED, "out of memory");
		sp_pacer_prefetch(wk->lane.pacer, wk->lane.flow, sizeof *wk->lane.flow);
		sp_pacer_prefetch(wk->lane.pacer, wk->lane.streams, sizeof *wk->lane.streams);
	}
	for (unsigned i = 0; i < r->plan->n_streams && ret == 0; i++) {
		struct run_stream *s = &r->streams[i];
		struct sp_worker *wk = &r->workers[s->worker];

		s->rate = s->plan->rate;
		end = s->plan->end_ns < SP_NEVER - r->t0_ns ? r->t0_ns + s->plan->end_ns
							    : SP_NEVER;
		s->self_paced = self_paced(wk, s);
		if (s->self_paced) {
			ret = pace_itself(r, i, end, err);
			continue;
		}
		ret = make_schedule(r, i, err);
		if (ret)
			return ret;
		if (!s->pace.count) /* all of its shared schedule's are the others' */
			continue;
		wk->lane.streams[s->local].schedule = s->schedule;
		tell_of_schedule(wk, s);
		if (end > wk->last_end_ns)
			wk->last_end_ns = end;
		s->only_max = s->pace.kind == SP_PACE_MAX;
		if (s->plan->waits)
			s->pace.count = 0;
		ret = sp_pacer_add(wk->lane.pacer, s->local, &s->pace);
		if (ret)
			return sp_fail(err, ret, SP_EXIT_USAGE,
				       "stream %s: its schedule is empty", s->plan->name);
	}
	return ret ? ret : sp_run_make_stages(r, err);
}
