/* By turns a rate and nothing, each for a fixed time. The integral of the rate goes on from one time
 * to the next: a departure that comes at the end of one is at the beginning of the next. */
#include <errno.h>
#include <stdio.h>

#include "core/clock.h"
#include "engine/modes/curve_mode.h"

static int onoff_check(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		       struct sp_err *err)
{
	(void)arena;
	if (s->rate.kind == SP_RATE_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: onoff goes by turns with a rate; max is none", place);
	s->profile->peak = s->rate;
	return sp_curve_need_size(s, &s->rate, place, err);
}

static int onoff_open(void **st, const struct sp_plan_stream *s, uint64_t start_ns,
		      const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_curve *c = sp_curve_new(mem, 2, (uint64_t)(s->mean_size + 0.5));
	int rc;

	if (!c)
		return sp_curve_no_memory(err);
	rc = sp_curve_add(c, s->profile->on_ns, &s->rate, &s->rate);
	if (!rc)
		rc = sp_curve_add(c, s->profile->off_ns, &sp_curve_nothing, &sp_curve_nothing);
	sp_curve_loop(c);
	return sp_curve_finish(st, c, rc, start_ns, s->name, err);
}

static void onoff_text(char *buf, size_t cap, const struct sp_plan_stream *s)
{
	char rate[48], on[48], off[48];

	snprintf(buf, cap, "%s for %s, nothing for %s",
		 sp_format_rate(rate, sizeof rate, &s->rate),
		 sp_format_time(on, sizeof on, s->profile->on_ns),
		 sp_format_time(off, sizeof off, s->profile->off_ns));
}

static const char *const onoff_keys[] = { "on_time", "off_time", NULL };

const struct sp_mode_ops sp_mode_onoff = {
	.name = "onoff",
	.keys = onoff_keys,
	.rated = true,
	.rate_dflt = "100pps",
	.no_rate = "the rate of the mode onoff does not change",
	.check = onoff_check,
	.open = onoff_open,
	.next = sp_curve_mode_next,
	.restart = sp_curve_mode_restart,
	.close = sp_curve_mode_close,
	.text = onoff_text,
};
