/* From one rate to another, steadily, and on at that. */
#include <errno.h>
#include <stdio.h>

#include "core/clock.h"
#include "engine/modes/curve_mode.h"

static int ramp_check(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		      struct sp_err *err)
{
	struct sp_profile *p = s->profile;
	int rc = sp_curve_need_size(s, &p->ramp_from, place, err);

	(void)arena;
	if (!rc)
		rc = sp_curve_need_size(s, &p->ramp_to, place, err);
	if (rc)
		return rc;
	if (p->ramp_from.kind == SP_RATE_MAX || p->ramp_to.kind == SP_RATE_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a ramp goes from one rate to another; max is none", place);
	if (!p->ramp_from.micro && !p->ramp_to.micro)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"%s: a ramp from 0 to 0 sends nothing; give ramp_from or ramp_to",
			place);
	/* One way to say nothing. */
	if (!p->ramp_from.micro)
		p->ramp_from.kind = SP_RATE_NONE;
	if (!p->ramp_to.micro)
		p->ramp_to.kind = SP_RATE_NONE;
	if (s->duration_ns == SP_PLAN_UNSET)
		s->duration_ns = s->count || s->bytes ? 0 : p->ramp_time_ns;
	p->peak = sp_mode_larger(s, p->ramp_from, p->ramp_to);
	return 0;
}

static int ramp_open(void **st, const struct sp_plan_stream *s, uint64_t start_ns,
		     const struct sp_mem *mem, struct sp_err *err)
{
	const struct sp_profile *p = s->profile;
	struct sp_curve *c = sp_curve_new(mem, 2, (uint64_t)(s->mean_size + 0.5));
	int rc;

	if (!c)
		return sp_curve_no_memory(err);
	rc = sp_curve_add(c, p->ramp_time_ns, &p->ramp_from, &p->ramp_to);
	if (!rc)
		rc = sp_curve_add(c, SP_NEVER, &p->ramp_to, &p->ramp_to);
	return sp_curve_finish(st, c, rc, start_ns, s->name, err);
}

static const char *rate_text(char *buf, size_t cap, const struct sp_rate *r)
{
	return r->micro ? sp_format_rate(buf, cap, r) : "0";
}

static void ramp_text(char *buf, size_t cap, const struct sp_plan_stream *s)
{
	const struct sp_profile *p = s->profile;
	char from[48], to[48], time[48];

	snprintf(buf, cap, "%s to %s in %s", rate_text(from, sizeof from, &p->ramp_from),
		 rate_text(to, sizeof to, &p->ramp_to),
		 sp_format_time(time, sizeof time, p->ramp_time_ns));
}

static const char *const ramp_keys[] = { "ramp_from", "ramp_to", "ramp_time", NULL };

const struct sp_mode_ops sp_mode_ramp = {
	.name = "ramp",
	.keys = ramp_keys,
	.no_rate = "a ramp has ramp_from and ramp_to instead of a rate",
	.check = ramp_check,
	.open = ramp_open,
	.next = sp_curve_mode_next,
	.restart = sp_curve_mode_restart,
	.close = sp_curve_mode_close,
	.text = ramp_text,
};
