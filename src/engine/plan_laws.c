/* What a stream's laws come to: a mean gap of their own, and sizes from the least to the largest. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/opener.h"
#include "engine/plan_impl.h"
#include "engine/sizes.h"

/* A law without a largest size ends where all but one in 10^9 have come. */
#define TAIL 1e-9

int sp_plan_settle_gaps(struct sp_plan_build *b, struct sp_plan_stream *s, const char *place,
			struct sp_err *err)
{
	const struct sp_law_conf conf = { .catalog = b->catalog, .place = place };
	struct sp_dist d;
	struct sp_law law;
	double mean, var;
	int rc;

	if (strcmp(s->departure, "constant") == 0)
		return 0;
	rc = sp_law_parse(s->departure, &conf, &b->scratch, &law, err);
	if (rc || !law.ops)
		return rc;
	rc = sp_law_make(&law, b->mem, &d, err);
	if (rc)
		return rc;
	d.ops->moments(d.state, &mean, &var);
	sp_law_free(&d, b->mem);
	s->gap_cv = sqrt(var) / mean;
	if (law.unit != SP_QUANTITY_TIME)
		return 0;
	s->own_gap_ns = mean;
	if (s->rate.kind != SP_RATE_NONE)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"%s: the law '%s' has a mean of its own; leave the rate out, or give "
			"it plain numbers, which are shares of the rate's gap",
			place, law.ops->name);
	if (s->deal_of > 1)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"%s: streams that share a schedule need a rate, and the law '%s' "
			"has a mean of its own",
			place, law.ops->name);
	return 0;
}

struct sp_rate sp_plan_own_rate(const struct sp_plan_stream *s)
{
	double micro = 1e15 / s->own_gap_ns;

	return (struct sp_rate){ .kind = SP_RATE_PPS,
				 .micro = micro < 1	 ? 1
					  : micro < 1e18 ? (uint64_t)micro
							 : (uint64_t)1e18 };
}

/* The size up to which all but 1 - p of the law are. */
static uint32_t up_to(const struct sp_dist *d, double less, uint32_t max, double p)
{
	uint32_t lo = 0, hi = max;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (sp_ks_whole_cdf(d, less, 0, UINT32_MAX, mid) < p)
			lo = mid + 1;
		else
			hi = mid;
	}
	return hi;
}

uint32_t sp_plan_stamp_need(const struct sp_plan_stream *s, uint32_t native, uint32_t brief)
{
	return s->stamp == SP_STAMP_NATIVE ? native : s->stamp == SP_STAMP_SHORT ? brief : 0;
}

uint32_t sp_plan_settle_stamp(struct sp_plan_stream *s, uint64_t room, uint32_t native,
			      uint32_t brief)
{
	if (s->stamp == SP_STAMP_AUTO)
		s->stamp = room >= native	    ? SP_STAMP_NATIVE
			   : brief && room >= brief ? SP_STAMP_SHORT
						    : SP_STAMP_OFF;
	return sp_plan_stamp_need(s, native, brief);
}

int sp_plan_settle_sizes(struct sp_plan_build *b, struct sp_plan_stream *s,
			 const struct sp_plan_sizes *r, const char *place, struct sp_err *err)
{
	const struct sp_law_conf conf = { .catalog = b->catalog,
					  .use = SP_LAW_SIZES,
					  .place = place };
	const struct sp_env env = { .mem = b->mem };
	struct sp_sizes z;
	struct sp_law law;
	uint32_t lo, hi, least;
	double mean, var;
	int rc;

	if (s->size != SP_PLAN_UNSET)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"%s: size and packet_size both say how long a unit is; leave one "
			"out",
			place);
	rc = sp_law_parse(s->packet_size, &conf, &b->scratch, &law, err);
	if (rc)
		return rc;
	s->size_less = law.ops->frames ? r->less : 0;
	rc = sp_sizes_init(&z, &law, s->size_less, 0, r->max, &env, "", err);
	if (rc)
		return rc;
	s->size_sd = (double)NAN;
	if (z.dist.ops->moments(z.dist.state, &mean, &var))
		s->size_sd = sqrt(var);
	hi = up_to(&z.dist, s->size_less, r->max, 1 - TAIL);
	lo = r->headers;
	if (r->stamps)
		lo += sp_plan_settle_stamp(s, hi > lo ? hi - lo : 0, r->native, r->brief);
	lo = lo < r->least ? r->least : lo;
	if (hi < lo)
		rc = sp_fail(
			err, -ERANGE, SP_EXIT_USAGE,
			"%s: packet_size: the law gives at most %u bytes, but a unit has %u "
			"at least here (headers and stamp)",
			place, hi, lo);
	s->size_clamped = 1 - sp_ks_whole_cdf(&z.dist, s->size_less, 0, UINT32_MAX, hi);
	if (lo)
		s->size_clamped += sp_ks_whole_cdf(&z.dist, s->size_less, 0, UINT32_MAX,
						   lo - 1);
	least = up_to(&z.dist, s->size_less, hi, TAIL);
	lo = least > lo ? least : lo;
	z.lo = lo;
	z.hi = hi;
	s->size = hi;
	s->size_least = lo;
	s->mean_size = sp_sizes_mean(&z);
	sp_sizes_fini(&z);
	return rc;
}

/* ---- for people ---- */

static void put_sd(double sd, const char *text, struct sp_str *out)
{
	if (isnan(sd))
		sp_str_puts(out, ", standard deviation unknown");
	else
		sp_str_printf(out, ", standard deviation %s", isinf(sd) ? "infinite" : text);
}

static void put_gaps(const struct sp_plan_stream *s, struct sp_str *out)
{
	double gap = s->own_gap_ns;
	char text[48];

	if (s->rate.kind == SP_RATE_PPS)
		gap = 1e15 / (double)s->rate.micro;
	if (s->rate.kind == SP_RATE_BPS)
		gap = s->mean_size * 8e15 / (double)s->rate.micro;
	sp_str_printf(out, "gaps of %s: %s, mean %s", s->name, s->departure,
		      sp_human_ns(text, sizeof text, gap));
	put_sd(s->gap_cv, sp_human_ns(text, sizeof text, s->gap_cv * gap), out);
	sp_str_puts(out, "\n");
}

static void put_sizes(const struct sp_plan_stream *s, struct sp_str *out)
{
	char text[48];

	sp_str_printf(out, "sizes of %s: %s, mean %.6g B between %llu and %llu B", s->name,
		      s->packet_size, s->mean_size, (unsigned long long)s->size_least,
		      (unsigned long long)s->size);
	snprintf(text, sizeof text, "%.6g B", s->size_sd);
	put_sd(s->size_sd, text, out);
	if (s->size_clamped > 0.0005)
		sp_str_printf(out, ", %.3g %% clamped", 100 * s->size_clamped);
	sp_str_puts(out, "\n");
}

void sp_plan_laws(const struct sp_plan *p, struct sp_str *out)
{
	for (unsigned i = 0; i < p->n_streams; i++) {
		const struct sp_plan_stream *s = &p->streams[i];

		if (strcmp(s->departure, "constant") != 0)
			put_gaps(s, out);
		if (s->packet_size)
			put_sizes(s, out);
	}
}
