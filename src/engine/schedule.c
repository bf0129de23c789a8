#include "engine/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/law.h"
#include "engine/schedule_impl.h"

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
	if (rate->kind == SP_RATE_BPS && s->packet_size) /* its size is the largest */
		total = (u128)((s->mean_size + layer_extra) * 8e15 + 0.5);
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

/* ---- sizes ---- */

static int make_sizes(const struct sp_plan_stream *stream, const struct sp_catalog *catalog,
		      const struct sp_env *env, struct sp_schedule *s, struct sp_err *err)
{
	const struct sp_law_conf conf = { .catalog = catalog,
					  .use = SP_LAW_SIZES,
					  .place = stream->name };
	struct sp_arena words;
	struct sp_law law;
	char series[96];
	int rc;

	s->sizes = sp_alloc(env->mem, sizeof *s->sizes);
	if (!s->sizes)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	snprintf(series, sizeof series, "sizes of %s", stream->name);
	sp_arena_init(&words, env->mem);
	rc = sp_law_parse(stream->packet_size, &conf, &words, &law, err);
	if (!rc)
		rc = sp_sizes_init(
			s->sizes, &law, law.ops->frames ? (double)stream->size_less : 0,
			(uint32_t)stream->size_least, (uint32_t)stream->size, env, series, err);
	sp_arena_fini(&words);
	return rc;
}

/* ---- laws, and gaps that the pacer does not make by itself ---- */

/* Its seats and its size; what makes its gaps is to come. NULL: out of memory, and err says so. */
static struct sp_schedule *schedule_of(const struct sp_plan_stream *stream,
				       const struct sp_env *env, const struct sp_pace *pace,
				       struct sp_err *err)
{
	struct sp_schedule *s = sp_alloc(env->mem, sizeof *s);

	if (!s) {
		sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		return NULL;
	}
	s->mem = env->mem;
	s->deal = deal_of(stream);
	s->next_i = sp_deal_next(&s->deal, 0);
	s->size = pace->size;
	return s;
}

/* Anything but equal gaps and sizes. *out NULL: it turned out to be that. */
static int make_ops(const struct sp_plan_stream *stream, const struct sp_catalog *catalog,
		    const struct sp_env *env, uint32_t layer_extra, struct sp_pace *pace,
		    struct sp_schedule **out, struct sp_err *err)
{
	struct sp_schedule *s = schedule_of(stream, env, pace, err);
	int rc = 0;

	if (!s)
		return -ENOMEM;
	s->start_ns = pace->start_ns;
	s->gap_ns = pace->gap_ns;
	s->gap_num = pace->gap_num;
	s->gap_den = pace->gap_den;
	s->extra = layer_extra;
	if (stream->packet_size)
		rc = make_sizes(stream, catalog, env, s, err);
	if (!rc && strcmp(stream->departure, "constant") != 0)
		rc = sp_schedule_make_law(stream, catalog, env, pace, s, err);
	if (!rc && !pace->ops)
		sp_schedule_make_even(stream, pace, s);
	if (rc || !pace->ops) {
		sp_schedule_free(s);
		return rc;
	}
	if (pace->kind != SP_PACE_MAX)
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
		*size = schedule_size(s);
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
	schedule_rewind(s);
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

static int make_mode(const struct sp_plan_stream *stream, const struct sp_catalog *catalog,
		     const struct sp_env *env, struct sp_pace *pace, struct sp_schedule **out,
		     struct sp_err *err)
{
	struct sp_schedule *s = schedule_of(stream, env, pace, err);
	int rc;

	if (!s)
		return -ENOMEM;
	rc = stream->packet_size ? make_sizes(stream, catalog, env, s, err) : 0;
	if (!rc)
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
	if (rate->kind == SP_RATE_NONE) /* a law's own mean: as it is */
		return 0;
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

	if (s->recorded)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: what was recorded has times of its own, and no rate can be "
			       "set; a stage can stop it",
			       place);
	if (sp_mode_has_own(s))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s; a stage can start and "
			       "stop it",
			       place, sp_mode_of(s)->no_rate);
	if (s->rate.kind == SP_RATE_NONE)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the law '%s' has a mean of its own, and no rate can be set",
			       place, s->departure);
	if (strcmp(s->departure, "constant") != 0 && (max || was_max))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: rate max leaves no gaps for the law '%s'; give a rate",
			       place, s->departure);
	if (s->packet_size && (max != was_max || (!max && s->rate.kind != rate->kind)))
		why = "sizes that vary keep the kind of their rate: packets or bits a second, or "
		      "max";
	else if (s->deal_of > 1 && max)
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
		return make_mode(stream, catalog, env, pace, sched, err);
	rc = sp_schedule_gap(stream, &stream->rate, layer_extra, pace, err);
	if (rc || (!stream->packet_size &&
		   (pace->kind == SP_PACE_MAX ||
		    (deal.of == 1 && strcmp(stream->departure, "constant") == 0))))
		return rc;
	return make_ops(stream, catalog, env, layer_extra, pace, sched, err);
}

void sp_schedule_recorded(const struct sp_plan_stream *stream, const struct sp_source_ops *ops,
			  struct sp_source *source, uint64_t t0_ns, struct sp_pace *pace)
{
	bool at_once = ops->at_once && ops->at_once(source);

	*pace = (struct sp_pace){
		.kind = at_once ? SP_PACE_MAX : SP_PACE_OPS,
		.start_ns = add_time(t0_ns, stream->start_ns),
		.count = sp_schedule_count(stream),
		.bytes = stream->bytes ? stream->bytes : UINT64_MAX,
		.gap_ns = 1, /* it has none: a start leaves its times as they are */
		.gap_den = 1,
		.ops = ops->schedule,
		.st = source,
	};
	pace->end_ns = stream->duration_ns ? add_time(pace->start_ns, stream->duration_ns)
					   : SP_NEVER;
	ops->begin(source, pace->start_ns);
}

void sp_schedule_free(struct sp_schedule *s)
{
	if (!s)
		return;
	sp_mode_close(&s->mode, s->mem);
	if (s->law)
		sp_law_free(&s->law->dist, s->mem);
	if (s->sizes)
		sp_sizes_fini(s->sizes);
	sp_free(s->mem, s->law);
	sp_free(s->mem, s->sizes);
	sp_free(s->mem, s);
}

/* ---- asked against left ---- */

void sp_schedule_left(struct sp_schedule *s, uint64_t actual_ns, uint32_t size)
{
	struct law_gaps *l = s->law;

	if (s->sizes)
		sp_ks_add(&s->sizes->left, (float)size);
	if (!l)
		return;
	if (l->left_ns)
		sp_ks_add(&l->left, (float)((double)(actual_ns - l->left_ns) * l->per_gap));
	l->left_ns = actual_ns;
}

double sp_schedule_ks(const struct sp_schedule *s)
{
	/* Of a part the gaps follow another law. */
	if (!s || !s->law || s->deal.of > 1)
		return (double)NAN;
	return s->law->known ? sp_ks_distance(&s->law->left)
			     : sp_ks_distance_of(&s->law->left, &s->law->asked);
}

double sp_schedule_ks_size(const struct sp_schedule *s)
{
	return s && s->sizes ? sp_ks_distance(&s->sizes->left) : (double)NAN;
}

uint32_t sp_schedule_size(struct sp_schedule *s)
{
	return sp_sizes_next(s->sizes);
}

bool sp_schedule_sized(const struct sp_schedule *s)
{
	return s && s->sizes;
}
