/* A rate; on request it comes up from nothing and goes down to nothing. */
#include <errno.h>
#include <stdio.h>

#include "core/clock.h"
#include "engine/modes/curve_mode.h"

static int rate_check(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		      struct sp_err *err)
{
	const struct sp_profile *p = s->profile;

	(void)arena;
	if (!p->ramp_up_ns && !p->ramp_down_ns)
		return 0;
	if (s->rate.kind == SP_RATE_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: there is no ramp to a rate of max", place);
	if (p->ramp_down_ns && !s->duration_ns)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: ramp_down is the end of a duration; give one", place);
	if (p->ramp_down_ns && s->duration_ns == SP_PLAN_UNSET) {
		if (s->count || s->bytes)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "%s: ramp_down is the end of a duration; give one",
				       place);
		s->duration_ns = 10 * SP_NS_PER_S;
	}
	if (p->ramp_down_ns && p->ramp_up_ns + p->ramp_down_ns > s->duration_ns)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: ramp_up and ramp_down are longer than the duration", place);
	return sp_curve_need_size(s, &s->rate, place, err);
}

static int rate_open(void **st, const struct sp_plan_stream *s, uint64_t start_ns,
		     const struct sp_mem *mem, struct sp_err *err)
{
	const struct sp_profile *p = s->profile;
	struct sp_curve *c = sp_curve_new(mem, 3, (uint64_t)(s->mean_size + 0.5));
	uint64_t flat = p->ramp_down_ns ? s->duration_ns - p->ramp_up_ns - p->ramp_down_ns
					: SP_NEVER;
	int rc;

	if (!c)
		return sp_curve_no_memory(err);
	rc = sp_curve_add(c, p->ramp_up_ns, &sp_curve_nothing, &s->rate);
	if (!rc)
		rc = sp_curve_add(c, flat, &s->rate, &s->rate);
	if (!rc && p->ramp_down_ns)
		rc = sp_curve_add(c, p->ramp_down_ns, &s->rate, &sp_curve_nothing);
	return sp_curve_finish(st, c, rc, start_ns, s->name, err);
}

static void rate_text_of(char *buf, size_t cap, const struct sp_plan_stream *s)
{
	char rate[48], up[48], down[48];

	snprintf(buf, cap, "%s, up in %s, down in %s",
		 sp_format_rate(rate, sizeof rate, &s->rate),
		 sp_format_time(up, sizeof up, s->profile->ramp_up_ns),
		 sp_format_time(down, sizeof down, s->profile->ramp_down_ns));
}

static const char *const rate_keys[] = { "ramp_up", "ramp_down", NULL };

const struct sp_mode_ops sp_mode_rate_ops = {
	.name = "rate",
	.alias = "rate-limited",
	.keys = rate_keys,
	.rated = true,
	.rate_dflt = "1kpps", /* S3's */
	.no_rate = "a rate that goes up or down by itself cannot be set",
	.check = rate_check,
	.open = rate_open,
	.next = sp_curve_mode_next,
	.restart = sp_curve_mode_restart,
	.close = sp_curve_mode_close,
	.text = rate_text_of,
};
