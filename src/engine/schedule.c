#include "engine/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/deal.h"
#include "engine/law.h"
#include "engine/modes/modes.h"

typedef unsigned __int128 u128;

/* Gaps that left are counted in bins of their ratio to the mean gap: 14 octaves from 2^-10, 8
 * bins each, and one below and above. Half a KiB a stream and no logarithm a packet; the
 * distance is taken at the edges, between which an exponential law has 5 % of its mass at
 * most. */
#define KS_OCTAVES  14u
#define KS_LOWEST   10
#define KS_SUB_BITS 3u
#define KS_BINS	    ((KS_OCTAVES << KS_SUB_BITS) + 2u)
#define KS_MIN	    100u

#define Q32	    4294967296.0
#define GAP_MAX	    (1ull << 62) /* 146 years: added to any clock it does not wrap */

struct sp_schedule {
	const struct sp_mem *mem;
	const struct sp_dist_ops *dist;
	void *state;
	struct sp_rng rng;
	double scale_q32; /* a drawn value times this is a gap in ns * 2^32 */
	double per_gap;	  /* a gap in ns times this is its ratio to the mean gap */
	double law_mean;
	uint64_t due_ns; /* the sum so far, 64.32 fixed point */
	uint32_t due_frac;
	uint32_t at; /* next unused of the block */
	uint32_t size;
	struct sp_deal deal;	   /* which departures are ours */
	uint64_t drawn_n, next_i;  /* gaps that are in the sum; our next departure */
	struct sp_rng rng0;	   /* as at the start */
	uint64_t last_i, from_i;   /* our last departure; the one at start_ns */
	uint64_t start_ns, gap_ns; /* no law: departure i is at start + (i - from) * gap */
	uint64_t gap_num, gap_den;
	struct sp_mode_run mode; /* departures of a mode's own; no law then */
	float drawn[SP_DIST_BLOCK];
	uint64_t left_ns; /* last actual departure; 0: none yet */
	uint32_t left_n;
	uint32_t bins[KS_BINS];
};

static struct sp_deal deal_of(const struct sp_plan_stream *s)
{
	struct sp_deal d;

	sp_deal_init(&d, s->deal_of ? (uint32_t)s->deal_of : 1, (uint32_t)s->deal_at,
		     s->deal_n ? (uint32_t)s->deal_n : 1);
	return d;
}

/* ---- constant gaps ---- */

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The exact gap: 10^15 units of 10^-6 ns a packet (bit) over micro packets (bits) a second. */
static int exact_gap(const struct sp_plan_stream *s, const struct sp_rate *rate,
		     uint32_t layer_extra, struct sp_pace *p, struct sp_err *err)
{
	u128 total = 1000000000000000u, whole;
	uint64_t rest, common;

	if (rate->kind == SP_RATE_BPS)
		total *= (u128)(s->size + layer_extra) * 8;
	if (!rate->micro || !total)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the rate gives no gap between packets of size %llu",
			       s->name, (unsigned long long)s->size);
	whole = total / rate->micro;
	if (whole > GAP_MAX)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "%s: the rate is below one packet in 146 years", s->name);
	rest = (uint64_t)(total % rate->micro);
	common = gcd(rate->micro, rest);
	p->gap_ns = (uint64_t)whole;
	p->gap_num = rest / common;
	p->gap_den = rate->micro / common;
	return 0;
}

/* ---- a part of a schedule of constant gaps ---- */

static int next_dealt(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_schedule *s = st;
	uint64_t i = s->next_i - s->from_i;
	u128 at = (u128)i * s->gap_ns + (u128)i * s->gap_num / s->gap_den + s->start_ns;

	if (at > SP_NEVER)
		return 1;
	s->last_i = s->next_i;
	s->next_i = sp_deal_next(&s->deal, s->next_i + 1);
	*due_ns = (uint64_t)at;
	*size = s->size;
	return 0;
}

static void stretch(struct sp_schedule *s, double factor)
{
	double gap = ((double)s->gap_ns + (double)s->gap_num / (double)s->gap_den) * factor;

	s->gap_ns = (uint64_t)gap;
	s->gap_num = (uint64_t)((gap - (double)s->gap_ns) * Q32);
	s->gap_den = 1ull << 32;
}

/* The last one moves to due_ns, and those after it with it: so does each part of the schedule. */
static void move_dealt(void *st, uint64_t due_ns, double factor)
{
	struct sp_schedule *s = st;

	s->start_ns = due_ns;
	s->from_i = s->last_i;
	stretch(s, factor);
}

static void restart_dealt(void *st, uint64_t start_ns, double factor)
{
	struct sp_schedule *s = st;

	s->start_ns = start_ns;
	s->from_i = 0;
	s->next_i = sp_deal_next(&s->deal, 0);
	stretch(s, factor);
}

static const struct sp_schedule_ops dealt_ops = { .next = next_dealt,
						  .move = move_dealt,
						  .restart = restart_dealt };

/* ---- laws ---- */

static void refill(struct sp_schedule *s)
{
	double v[SP_DIST_BLOCK];

	s->dist->draw(s->state, &s->rng, v, SP_DIST_BLOCK);
	for (uint32_t i = 0; i < SP_DIST_BLOCK; i++)
		s->drawn[i] = (float)v[i];
	s->at = 0;
}

/* 1: time is at its end. */
static int add_gap(struct sp_schedule *s)
{
	double gap;
	u128 q;

	if (s->at == SP_DIST_BLOCK)
		refill(s);
	/* Laws may give values below zero: no departure goes back in time. */
	gap = (double)s->drawn[s->at++] * s->scale_q32;
	if (!(gap > 0))
		gap = 0;
	if (gap > (double)GAP_MAX * Q32)
		gap = (double)GAP_MAX * Q32;
	q = (u128)gap + s->due_frac;
	s->due_frac = (uint32_t)q;
	return __builtin_add_overflow(s->due_ns, (uint64_t)(q >> 32), &s->due_ns);
}

static int next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_schedule *s = st;

	for (; s->drawn_n <= s->next_i; s->drawn_n++)
		if (add_gap(s))
			return 1;
	s->next_i = sp_deal_next(&s->deal, s->next_i + 1);
	*due_ns = s->due_ns;
	*size = s->size;
	return 0;
}

/* Both figures of the distance follow; the gap across the change counts for neither. */
static void move(void *st, uint64_t due_ns, double factor)
{
	struct sp_schedule *s = st;

	s->due_ns = due_ns;
	s->due_frac = 0;
	s->scale_q32 *= factor;
	s->per_gap /= factor;
	s->left_ns = 0;
}

static const struct sp_schedule_ops law_ops = { .next = next, .move = move };

/* The parts of one schedule draw the same series: all of them from its beginning. */
static void restart(void *st, uint64_t start_ns, double factor)
{
	struct sp_schedule *s = st;

	move(st, start_ns, factor);
	s->rng = s->rng0;
	s->at = SP_DIST_BLOCK;
	s->drawn_n = 0;
	s->next_i = sp_deal_next(&s->deal, 0);
}

static const struct sp_schedule_ops dealt_law_ops = { .next = next,
						      .move = move,
						      .restart = restart };

static int start_law(struct sp_schedule *s, const struct sp_law *law, const struct sp_pace *p,
		     const char *name, struct sp_err *err)
{
	double gap = (double)p->gap_ns + (double)p->gap_num / (double)p->gap_den;
	double var = 0;
	int rc;

	s->dist = law->ops;
	s->state = sp_alloc(s->mem, law->ops->state_size ? law->ops->state_size : 1);
	if (!s->state)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	rc = law->ops->init(s->state, law->conf, 1.0, err);
	if (rc) {
		sp_err_prefix(err, "%s: departure", name);
		return rc;
	}
	if (!law->ops->moments(s->state, &s->law_mean, &var) || !(s->law_mean > 0) ||
	    !isfinite(s->law_mean))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: departure: the law '%s' has no mean above zero, so it "
			       "cannot be scaled to a rate",
			       name, law->ops->name);
	s->scale_q32 = gap / s->law_mean * Q32;
	s->per_gap = 1 / gap;
	return 0;
}

static int make_law(const struct sp_plan_stream *stream, const struct sp_catalog *catalog,
		    const struct sp_env *env, struct sp_pace *pace, struct sp_schedule *s,
		    struct sp_err *err)
{
	struct sp_arena words; /* a law's settings, until its state has them */
	char series[96];
	struct sp_law law;
	int rc;

	sp_arena_init(&words, env->mem);
	rc = sp_law_parse(stream->departure, catalog, stream->name, &words, &law, err);
	if (!rc && law.ops)
		rc = start_law(s, &law, pace, stream->name, err);
	sp_arena_fini(&words);
	if (rc || !law.ops)
		return rc;
	/* The size's series will be another one. Those that share a schedule draw the same. */
	snprintf(series, sizeof series, "departure of %s",
		 s->deal.of > 1 ? stream->entry : stream->name);
	sp_rng_init(&s->rng, env->seed, series);
	s->rng0 = s->rng;
	s->at = SP_DIST_BLOCK;
	s->due_ns = pace->start_ns;
	pace->ops = s->deal.of > 1 ? &dealt_law_ops : &law_ops;
	return 0;
}

/* Anything but equal gaps. *out NULL: it turned out to be that. */
static int make_ops(const struct sp_plan_stream *stream, const struct sp_catalog *catalog,
		    const struct sp_env *env, struct sp_pace *pace, struct sp_schedule **out,
		    struct sp_err *err)
{
	struct sp_schedule *s = sp_alloc(env->mem, sizeof *s);
	int rc = 0;

	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	s->mem = env->mem;
	s->deal = deal_of(stream);
	s->next_i = sp_deal_next(&s->deal, 0);
	s->size = pace->size;
	s->start_ns = pace->start_ns;
	s->gap_ns = pace->gap_ns;
	s->gap_num = pace->gap_num;
	s->gap_den = pace->gap_den;
	if (strcmp(stream->departure, "constant") != 0)
		rc = make_law(stream, catalog, env, pace, s, err);
	if (!rc && !pace->ops && s->deal.of > 1)
		pace->ops = &dealt_ops;
	if (rc || !pace->ops) {
		sp_schedule_free(s);
		return rc;
	}
	pace->kind = SP_PACE_OPS;
	pace->st = s;
	*out = s;
	return 0;
}

/* ---- modes ---- */

static int next_of_mode(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_schedule *s = st;

	for (; s->drawn_n <= s->next_i; s->drawn_n++) {
		*size = s->size;
		if (s->mode.ops->next(s->mode.st, due_ns, size))
			return 1;
	}
	s->next_i = sp_deal_next(&s->deal, s->next_i + 1);
	return 0;
}

static void restart_mode(void *st, uint64_t start_ns, double factor)
{
	struct sp_schedule *s = st;

	(void)factor;
	s->mode.ops->restart(s->mode.st, start_ns);
	s->drawn_n = 0;
	s->next_i = sp_deal_next(&s->deal, 0);
}

static bool reply_to_mode(void *st, uint64_t now_ns, uint64_t *due_ns)
{
	struct sp_schedule *s = st;

	return s->mode.ops->reply && s->mode.ops->reply(s->mode.st, now_ns, due_ns);
}

static const struct sp_schedule_ops mode_ops = { .next = next_of_mode,
						 .restart = restart_mode,
						 .reply = reply_to_mode };

static int make_mode(const struct sp_plan_stream *stream, const struct sp_env *env,
		     struct sp_pace *pace, struct sp_schedule **out, struct sp_err *err)
{
	struct sp_schedule *s = sp_alloc(env->mem, sizeof *s);
	int rc;

	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	s->mem = env->mem;
	s->deal = deal_of(stream);
	s->next_i = sp_deal_next(&s->deal, 0);
	s->size = pace->size;
	rc = sp_mode_open(&s->mode, stream, pace->start_ns, env->mem, err);
	if (rc) {
		sp_schedule_free(s);
		return rc;
	}
	pace->kind = SP_PACE_OPS;
	pace->gap_ns = 1; /* it has none: a start leaves its times as they are */
	pace->ops = &mode_ops;
	pace->st = s;
	*out = s;
	return 0;
}

static uint64_t add_time(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? SP_NEVER : sum;
}

int sp_schedule_gap(const struct sp_plan_stream *stream, const struct sp_rate *rate,
		    uint32_t layer_extra, struct sp_pace *pace, struct sp_err *err)
{
	pace->kind = rate->kind == SP_RATE_MAX ? SP_PACE_MAX : SP_PACE_CONST;
	return pace->kind == SP_PACE_MAX ? 0 : exact_gap(stream, rate, layer_extra, pace, err);
}

uint64_t sp_schedule_count(const struct sp_plan_stream *s)
{
	struct sp_deal deal = deal_of(s);

	return s->count ? sp_deal_count(&deal, s->count) : UINT64_MAX;
}

int sp_schedule_may_set(const struct sp_plan_stream *s, const struct sp_rate *rate,
			const char *place, struct sp_err *err)
{
	bool max = rate->kind == SP_RATE_MAX, was_max = s->rate.kind == SP_RATE_MAX;
	bool conns = !*s->packet && strcmp(s->protocol, "udp") != 0;
	const char *why = NULL;

	if (sp_mode_has_own(s))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s; a stage can start and "
			       "stop it",
			       place, sp_mode_of(s)->no_rate);
	if (strcmp(s->departure, "constant") != 0 && (max || was_max))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: rate max leaves no gaps for the law '%s'; give a rate",
			       place, s->departure);
	if (s->deal_of > 1 && max)
		why = "rate max has no schedule that streams could share; give a rate";
	else if (s->bulk && rate->kind == SP_RATE_PPS)
		why = "bulk data has no packets to count; give a rate in bit/s, or max";
	else if (!s->bulk && conns && was_max)
		why = "a closed loop (rate max) goes as fast as its answers come; a stage can "
		      "start and stop it, or give the stream a rate from the beginning";
	else if (!s->bulk && conns && max)
		why = "departures at a rate cannot become a closed loop (rate max); make that "
		      "a stream of its own";
	else if (rate->kind == SP_RATE_BPS && !s->size && !s->bulk)
		why = "a rate in bit/s has no meaning with size 0; give it in packets a second";
	return why ? sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: %s", place, why) : 0;
}

int sp_schedule_make(const struct sp_plan_stream *stream, const struct sp_catalog *catalog,
		     const struct sp_env *env, uint64_t t0_ns, uint32_t layer_extra,
		     struct sp_pace *pace, struct sp_schedule **sched, struct sp_err *err)
{
	struct sp_deal deal = deal_of(stream);
	int rc;

	*sched = NULL;
	*pace = (struct sp_pace){
		.kind = SP_PACE_CONST,
		.start_ns = add_time(t0_ns, stream->start_ns),
		.count = sp_schedule_count(stream),
		.bytes = stream->bytes ? stream->bytes : UINT64_MAX,
		.size = (uint32_t)stream->size,
		.gap_den = 1,
	};
	pace->end_ns = stream->duration_ns ? add_time(pace->start_ns, stream->duration_ns)
					   : SP_NEVER;
	if (sp_mode_has_own(stream))
		return make_mode(stream, env, pace, sched, err);
	rc = sp_schedule_gap(stream, &stream->rate, layer_extra, pace, err);
	if (rc || pace->kind == SP_PACE_MAX ||
	    (deal.of == 1 && strcmp(stream->departure, "constant") == 0))
		return rc;
	return make_ops(stream, catalog, env, pace, sched, err);
}

void sp_schedule_free(struct sp_schedule *s)
{
	if (!s)
		return;
	sp_mode_close(&s->mode, s->mem);
	sp_free(s->mem, s->state);
	sp_free(s->mem, s);
}

/* ---- asked against left ---- */

/* The exponent and the first bits of the mantissa are the bin. */
static uint32_t bin_of(double ratio)
{
	uint64_t bits, lowest = (uint64_t)(1023 - KS_LOWEST) << KS_SUB_BITS;

	memcpy(&bits, &ratio, sizeof bits);
	bits >>= 52 - KS_SUB_BITS;
	if (bits < lowest)
		return 0;
	return bits - lowest >= KS_BINS - 2 ? KS_BINS - 1 : (uint32_t)(bits - lowest) + 1;
}

/* The upper edge of a bin, as a ratio to the mean gap. */
static double edge_of(uint32_t bin)
{
	uint64_t bits = ((uint64_t)(1023 - KS_LOWEST) << KS_SUB_BITS) + bin;
	double ratio;

	bits <<= 52 - KS_SUB_BITS;
	memcpy(&ratio, &bits, sizeof ratio);
	return ratio;
}

void sp_schedule_left(struct sp_schedule *s, uint64_t actual_ns)
{
	uint64_t gap = actual_ns - s->left_ns;

	if (s->left_ns && s->left_n < UINT32_MAX) {
		s->bins[bin_of((double)gap * s->per_gap)]++;
		s->left_n++;
	}
	s->left_ns = actual_ns;
}

double sp_schedule_ks(const struct sp_schedule *s)
{
	double worst = 0, below = 0, d;

	/* Of a part the gaps follow another law. */
	if (!s || !s->dist || s->left_n < KS_MIN || s->deal.of > 1)
		return NAN;
	for (uint32_t i = 0; i < KS_BINS - 1; i++) {
		below += s->bins[i];
		d = fabs(below / s->left_n - s->dist->cdf(s->state, edge_of(i) * s->law_mean));
		worst = d > worst ? d : worst;
	}
	return worst;
}

/* ---- catch-up ---- */

int sp_catch_up_parse(const char *text, struct sp_catch_up_conf *out, struct sp_err *err)
{
	struct sp_catch_up_conf conf = { .kind = SP_CATCH_CHASE,
					 .chase_x = 2,
					 .credit_ns = SP_NS_PER_S };
	size_t len = strlen(text);
	char number[16], shown[64];

	if (strcmp(text, "burst") == 0) {
		conf.kind = SP_CATCH_BURST;
	} else if (strcmp(text, "skip") == 0) {
		conf.kind = SP_CATCH_SKIP;
	} else if (strncmp(text, "chase:", 6) == 0 && text[len - 1] == 'x' &&
		   len - 7 < sizeof number) {
		sp_strlcpy(number, text + 6, len - 6);
		if (sp_parse_real(number, &conf.chase_x) || !(conf.chase_x >= 1) ||
		    conf.chase_x > 1000)
			goto bad;
	} else if (strcmp(text, "chase") != 0) {
		goto bad;
	}
	*out = conf;
	return 0;
bad:
	sp_str_printable(shown, sizeof shown, text);
	return sp_fail(
		err, -EINVAL, SP_EXIT_USAGE,
		"'%s' is no way to catch up; there are chase:2x (1x to 1000x), burst and "
		"skip",
		shown);
}
