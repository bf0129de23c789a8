/* Stages: which stream, what about it, in which order. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/modes/modes.h"
#include "engine/names.h"
#include "engine/plan_impl.h"
#include "engine/schedule.h"

struct check {
	struct sp_plan_build *b;
	struct sp_names names;
	struct sp_err *err;
};

static const struct sp_plan_stream *streams(const struct check *c)
{
	return c->b->list[SP_PLAN_STREAM].items;
}

static int no_such_stream(const struct check *c, const char *name, const char *place)
{
	const char *best = NULL;
	char shown[80];

	for (unsigned i = 0; i < c->b->list[SP_PLAN_STREAM].n; i++) {
		const char *pair[] = { best ? best : streams(c)[i].name, streams(c)[i].name };

		best = sp_str_nearest(name, pair, 2);
	}
	sp_str_printable(shown, sizeof shown, name);
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: no such stream '%s'%s%s%s", place,
		       shown, best ? "; did you mean '" : "", best ? best : "",
		       best ? "'?" : "");
}

static int check_rate(const struct check *c, const struct sp_plan_stage *g, const char *place)
{
	const struct sp_plan_stream *s = &streams(c)[g->stream_at];

	if (g->action == SP_DO_START && s->recorded)
		return sp_fail(
			c->err, -EINVAL, SP_EXIT_USAGE,
			"%s: what was recorded begins once: its start says when; a stage can "
			"stop it",
			place);
	if (g->action != SP_DO_SET) {
		if (g->rate.kind == SP_RATE_NONE)
			return 0;
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a rate goes with set, not with %s", place,
			       g->action == SP_DO_START ? "start" : "stop");
	}
	if (g->rate.kind == SP_RATE_NONE)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: what is to be set? give a rate", place);
	return sp_schedule_may_set(s, &g->rate, place, c->err);
}

static int check_stage(struct check *c, unsigned i)
{
	struct sp_plan_stage *g = (struct sp_plan_stage *)c->b->list[SP_PLAN_STAGE].items + i;
	const char *place = c->b->list[SP_PLAN_STAGE].places[i];

	place = place ? place : "stage";
	g->order = i;
	if (!*g->stream)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: the stage names no stream",
			       place);
	if (!sp_names_find(&c->names, g->stream, &g->stream_at))
		return no_such_stream(c, g->stream, place);
	if (g->at_ns > INT64_MAX)
		return sp_fail(c->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: more than 292 years is too long", place);
	return check_rate(c, g, place);
}

static int by_time(const void *a, const void *b)
{
	const struct sp_plan_stage *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* ---- what streams are with their stages ---- */

static uint64_t end_of(const struct sp_plan_stream *s, uint64_t start_ns)
{
	return s->duration_ns ? start_ns + s->duration_ns : UINT64_MAX;
}

static double pps_of(const struct sp_plan_stream *s, const struct sp_rate *rate)
{
	if (rate->kind == SP_RATE_MAX)
		return INFINITY;
	if (rate->kind == SP_RATE_BPS && !s->bulk)
		return s->size ? (double)rate->micro / (8.0 * s->mean_size) : INFINITY;
	return (double)rate->micro;
}

static void apply(struct sp_plan_stream *s, const struct sp_plan_stage *g, bool first)
{
	if (g->action == SP_DO_START) {
		s->waits |= first;
		s->end_ns = end_of(s, g->at_ns);
	} else if (g->action == SP_DO_STOP) {
		s->end_ns = g->at_ns < s->end_ns ? g->at_ns : s->end_ns;
	} else if (pps_of(s, &g->rate) > pps_of(s, &s->top)) {
		s->top = g->rate;
	}
}

static int apply_all(struct sp_plan_build *b, struct sp_err *err)
{
	struct sp_plan_stream *s = b->list[SP_PLAN_STREAM].items;
	const struct sp_plan_stage *g = b->list[SP_PLAN_STAGE].items;
	unsigned n = b->list[SP_PLAN_STREAM].n;
	bool *seen;

	for (unsigned i = 0; i < n; i++) {
		s[i].top = s[i].profile && s[i].profile->peak.kind ? s[i].profile->peak
								   : s[i].rate;
		if (s[i].own_gap_ns > 0)
			s[i].top = sp_plan_own_rate(&s[i]);
		s[i].end_ns = end_of(&s[i], s[i].start_ns);
	}
	if (!b->list[SP_PLAN_STAGE].n)
		return 0;
	seen = sp_alloc_array(b->mem, n, sizeof *seen);
	if (!seen)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "the plan: out of memory");
	for (unsigned i = 0; i < b->list[SP_PLAN_STAGE].n; i++) {
		apply(&s[g[i].stream_at], &g[i], !seen[g[i].stream_at]);
		seen[g[i].stream_at] |= g[i].action != SP_DO_SET;
	}
	sp_free(b->mem, seen);
	return 0;
}

int sp_plan_check_stages(struct sp_plan_build *b, struct sp_err *err)
{
	struct check c = { .b = b, .err = err };
	struct sp_plan_list *l = &b->list[SP_PLAN_STAGE];
	unsigned before;
	int rc = 0;

	if (!l->n)
		return apply_all(b, err);
	if (sp_names_init(&c.names, b->mem, b->list[SP_PLAN_STREAM].n))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "the plan: out of memory");
	for (unsigned i = 0; i < b->list[SP_PLAN_STREAM].n; i++)
		sp_names_add(&c.names, streams(&c)[i].name, i, &before);
	for (unsigned i = 0; i < l->n && !rc; i++)
		rc = check_stage(&c, i);
	if (!rc)
		qsort(l->items, l->n, l->size, by_time);
	sp_names_fini(&c.names);
	return rc ? rc : apply_all(b, err);
}
