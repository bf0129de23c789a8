/* Gaps by a law. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "engine/law.h"
#include "engine/schedule_impl.h"

/* A clock and a wake-up do not bring a gap nearer than this to the point where a law jumps. */
#define ATOM_NS 20e3

static void refill(struct law_gaps *l)
{
	double v[SP_DIST_BLOCK];

	l->dist.ops->draw(l->dist.state, &l->rng, v, SP_DIST_BLOCK);
	for (uint32_t i = 0; i < SP_DIST_BLOCK; i++)
		l->drawn[i] = (float)v[i];
	for (uint32_t i = 0; i < SP_DIST_BLOCK && !l->known; i++)
		sp_ks_add(&l->asked, l->drawn[i]);
	l->at = 0;
}

/* 1: time is at its end. */
static int add_gap(struct law_gaps *l)
{
	double gap;
	u128 q;

	if (l->at == SP_DIST_BLOCK)
		refill(l);
	/* Laws may give values below zero: no departure goes back in time. */
	gap = (double)l->drawn[l->at++] * l->scale_q32;
	if (!(gap > 0))
		gap = 0;
	if (gap > (double)GAP_MAX * Q32)
		gap = (double)GAP_MAX * Q32;
	q = (u128)gap + l->due_frac;
	l->due_frac = (uint32_t)q;
	return __builtin_add_overflow(l->due_ns, (uint64_t)(q >> 32), &l->due_ns);
}

static int next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_schedule *s = st;

	for (; s->drawn_n <= s->next_i; s->drawn_n++)
		if (add_gap(s->law))
			return 1;
	s->next_i = sp_deal_next(&s->deal, s->next_i + 1);
	*due_ns = s->law->due_ns;
	*size = schedule_size(s);
	return 0;
}

/* Both figures of the distance follow; the gap across the change counts for neither. */
static void move(void *st, uint64_t due_ns, double factor)
{
	struct law_gaps *l = ((struct sp_schedule *)st)->law;

	l->due_ns = due_ns;
	l->due_frac = 0;
	l->scale_q32 *= factor;
	l->per_gap /= factor;
	l->left_ns = 0;
}

static const struct sp_schedule_ops law_ops = { .next = next, .move = move };

/* The parts of one schedule draw the same series: all of them from its beginning. */
static void restart(void *st, uint64_t start_ns, double factor)
{
	struct sp_schedule *s = st;

	move(st, start_ns, factor);
	s->law->rng = s->law->rng0;
	s->law->at = SP_DIST_BLOCK;
	s->drawn_n = 0;
	s->next_i = sp_deal_next(&s->deal, 0);
	schedule_rewind(s);
}

static const struct sp_schedule_ops dealt_law_ops = { .next = next,
						      .move = move,
						      .restart = restart };

/* Scaled so that the mean is the rate's gap, or by its own units: ns. */
static int scale_law(struct sp_schedule *s, const struct sp_law *law, struct sp_pace *p,
		     const char *name, struct sp_err *err)
{
	struct law_gaps *l = s->law;
	double gap = (double)p->gap_ns + (double)p->gap_num / (double)p->gap_den;
	double mean = 0, var = 0;

	if (!l->dist.ops->moments(l->dist.state, &mean, &var) || !(mean > 0) || !isfinite(mean))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: departure: the law '%s' has no mean above zero, so it "
			       "cannot be scaled to a rate",
			       name, law->ops->name);
	if (law->unit == SP_QUANTITY_TIME) {
		gap = mean;
		p->gap_ns = (uint64_t)mean;
		p->gap_num = (uint64_t)((mean - (double)p->gap_ns) * Q32);
		p->gap_den = 1ull << 32;
	}
	l->scale_q32 = gap / mean * Q32;
	l->per_gap = mean / gap;
	l->known = sp_ks_init(&l->left, &l->dist, mean, fmin(mean / 64, ATOM_NS * l->per_gap));
	if (!l->known)
		l->asked = l->left;
	return 0;
}

int sp_schedule_make_law(const struct sp_plan_stream *stream, const struct sp_catalog *catalog,
			 const struct sp_env *env, struct sp_pace *pace, struct sp_schedule *s,
			 struct sp_err *err)
{
	const struct sp_law_conf conf = { .catalog = catalog, .place = stream->name };
	struct sp_arena words; /* a law's settings, until its state has them */
	struct law_gaps *l = NULL;
	char series[96];
	struct sp_law law;
	int rc;

	sp_arena_init(&words, env->mem);
	rc = sp_law_parse(stream->departure, &conf, &words, &law, err);
	if (!rc && law.ops) {
		l = s->law = sp_alloc(env->mem, sizeof *s->law);
		rc = l ? sp_law_make(&law, env->mem, &l->dist, err)
		       : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		if (!rc)
			rc = scale_law(s, &law, pace, stream->name, err);
	}
	sp_arena_fini(&words);
	if (rc || !l)
		return rc;
	/* Those that share a schedule draw the same. */
	snprintf(series, sizeof series, "departure of %s",
		 s->deal.of > 1 ? stream->entry : stream->name);
	sp_rng_init(&l->rng, env->seed, series);
	l->rng0 = l->rng;
	l->at = SP_DIST_BLOCK;
	l->due_ns = pace->start_ns;
	pace->ops = s->deal.of > 1 ? &dealt_law_ops : &law_ops;
	return 0;
}
