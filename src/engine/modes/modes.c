#include "engine/modes/modes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/clock.h"

#define DEFAULT_RATE "100pps"

static const struct sp_mode_ops mode_auto = { .name = "auto",
					      .rated = true,
					      .rate_dflt = DEFAULT_RATE };

/* S1's count. */
static int check_standard(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
			  struct sp_err *err)
{
	(void)place, (void)arena, (void)err;
	if (!s->count && !s->bytes && s->duration_ns == SP_PLAN_UNSET)
		s->count = 10;
	return 0;
}

static int check_continuous(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
			    struct sp_err *err)
{
	(void)place, (void)arena, (void)err;
	if (s->duration_ns == SP_PLAN_UNSET)
		s->duration_ns = 0;
	return 0;
}

static const struct sp_mode_ops mode_standard = {
	.name = "standard", .rated = true, .rate_dflt = DEFAULT_RATE, .check = check_standard
};
static const struct sp_mode_ops mode_continuous = {
	.name = "continuous", .rated = true, .rate_dflt = "1pps", .check = check_continuous
};

static const struct sp_mode_ops *const modes[SP_MODES] = {
	[SP_MODE_AUTO] = &mode_auto,	    [SP_MODE_STANDARD] = &mode_standard,
	[SP_MODE_BURST] = &sp_mode_burst,   [SP_MODE_CONTINUOUS] = &mode_continuous,
	[SP_MODE_RATE] = &sp_mode_rate_ops, [SP_MODE_BACKOFF] = &sp_mode_backoff,
	[SP_MODE_RAMP] = &sp_mode_ramp,	    [SP_MODE_STEPS] = &sp_mode_steps,
	[SP_MODE_ONOFF] = &sp_mode_onoff,   [SP_MODE_TRACE] = &sp_mode_trace,
};

const struct sp_mode_ops *sp_mode_of(const struct sp_plan_stream *s)
{
	return modes[s->profile ? s->profile->mode : SP_MODE_AUTO];
}

const char *sp_mode_word(const char *word)
{
	for (unsigned i = 0; i < SP_MODES; i++)
		if (modes[i]->alias && sp_str_ieq(modes[i]->alias, word))
			return modes[i]->name;
	return word;
}

/* ---- rows ---- */

static uint64_t bit_of(const char *key)
{
	const struct sp_opt *row = sp_opt_find(sp_profile_rows, key);

	return row ? 1ull << (row - sp_profile_rows) : 0;
}

bool sp_profile_given(const struct sp_profile *p, const char *key)
{
	return p->given & bit_of(key);
}

int sp_mode_rate(const char *text, struct sp_rate *out)
{
	static const char *const nothing[] = { "0", "0pps", "0bit/s", "0bps" };

	for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
		if (!sp_str_ieq(text, nothing[i]))
			continue;
		*out = (struct sp_rate){ .kind = SP_RATE_PPS };
		return 0;
	}
	if (sp_parse_rate(text, out) || out->kind == SP_RATE_MAX)
		return -EINVAL;
	return 0;
}

/* A rate of nothing is none to the row. */
static bool set_nothing(struct sp_profile *p, const struct sp_opt *row, const char *value)
{
	struct sp_rate r;

	if (row->type != SP_OPT_RATE || sp_mode_rate(value, &r) || r.micro)
		return false;
	memcpy((char *)p + row->off, &r, sizeof r);
	return true;
}

int sp_profile_set(struct sp_plan_stream *s, const char *key, const char *value,
		   const char *place, struct sp_arena *arena, struct sp_err *err)
{
	const struct sp_opt *row = sp_opt_find(sp_profile_rows, key);
	int rc = 0;

	if (!s->profile) {
		s->profile = sp_arena_alloc(arena, sizeof *s->profile);
		if (!s->profile)
			return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		rc = sp_opts_default(sp_profile_rows, s->profile, arena, err);
	}
	if (!rc && row == sp_profile_rows && value)
		value = sp_mode_word(value);
	if (!rc && row && value && set_nothing(s->profile, row, value)) {
		s->profile->given |= bit_of(key);
		return 0;
	}
	if (!rc)
		rc = sp_opts_set(sp_profile_rows, s->profile, key, value, place, arena, err);
	if (!rc)
		s->profile->given |= bit_of(key);
	return rc;
}

static bool owns(const struct sp_mode_ops *m, const char *key)
{
	for (const char *const *k = m->keys; k && *k; k++)
		if (strcmp(*k, key) == 0)
			return true;
	return false;
}

static int owner_of(const char *key)
{
	for (int i = 0; i < SP_MODES; i++)
		if (owns(modes[i], key))
			return i;
	return SP_MODE_AUTO;
}

void sp_profile_print(const struct sp_plan_stream *s, struct sp_json *j)
{
	const struct sp_mode_ops *m = sp_mode_of(s);

	if (!s->profile)
		return;
	for (const struct sp_opt *row = sp_profile_rows; row->name; row++) {
		struct sp_opt one[2] = { *row };

		if (row == sp_profile_rows || owns(m, row->name))
			sp_opts_print(one, s->profile, j);
	}
}

/* ---- seal ---- */

/* Who says burst_count means bursts; who says both means one of them. */
static int settle_mode(struct sp_profile *p, const char *place, struct sp_err *err)
{
	for (const struct sp_opt *row = sp_profile_rows + 1; row->name; row++) {
		int owner = owner_of(row->name);

		if (!sp_profile_given(p, row->name) || owner == p->mode)
			continue;
		if (p->mode != SP_MODE_AUTO)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "%s: %s is a setting of the mode %s, but the mode is %s",
				       place, row->name, modes[owner]->name,
				       modes[p->mode]->name);
		p->mode = owner;
	}
	return 0;
}

int sp_mode_settle(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		   struct sp_err *err)
{
	const struct sp_mode_ops *m;
	int rc = s->profile ? settle_mode(s->profile, place, err) : 0;

	if (rc)
		return rc;
	m = sp_mode_of(s);
	if (s->profile && s->profile->mode == SP_MODE_AUTO)
		s->profile = NULL; /* it says nothing */
	if (!m->rated && s->rate.kind != SP_RATE_NONE)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: %s; leave the rate out", place,
			       m->no_rate);
	if (m->rated && s->rate.kind == SP_RATE_NONE && !(s->own_gap_ns > 0))
		sp_parse_rate(m->rate_dflt, &s->rate);
	if (sp_mode_has_own(s) && strcmp(s->departure, "constant") != 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the mode %s has departures of its own; the law '%s' goes "
			       "with a steady rate",
			       place, m->name, s->departure);
	return m->settle ? m->settle(s, place, arena, err) : 0;
}

int sp_mode_check(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		  struct sp_err *err)
{
	const struct sp_mode_ops *m = sp_mode_of(s);

	if (s->bulk && sp_mode_has_own(s))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: bulk data has no departures that the mode %s could set; "
			       "give a rate in packets a second, or a size",
			       place, m->name);
	return m->check ? m->check(s, place, arena, err) : 0;
}

bool sp_mode_has_own(const struct sp_plan_stream *s)
{
	const struct sp_profile *p = s->profile;

	if (p && p->mode == SP_MODE_RATE)
		return p->ramp_up_ns || p->ramp_down_ns;
	return sp_mode_of(s)->open != NULL;
}

uint64_t sp_mode_least_size(const struct sp_plan_stream *s)
{
	if (s->packet_size)
		return s->size_least;
	return s->profile && s->profile->sized ? s->profile->least_size : s->size;
}

/* ---- rates ---- */

double sp_mode_pps(const struct sp_plan_stream *s, const struct sp_rate *r)
{
	if (r->kind == SP_RATE_NONE)
		return 0;
	if (r->kind == SP_RATE_MAX)
		return INFINITY;
	if (r->kind == SP_RATE_PPS)
		return (double)r->micro / 1e6;
	return s->size ? (double)r->micro / (8e6 * s->mean_size) : INFINITY;
}

struct sp_rate sp_mode_larger(const struct sp_plan_stream *s, struct sp_rate a,
			      struct sp_rate b)
{
	return sp_mode_pps(s, &b) > sp_mode_pps(s, &a) ? b : a;
}

struct sp_rate sp_mode_peak(double pps)
{
	double micro = ceil(pps * 1e6);

	if (!(micro < 1e18))
		return (struct sp_rate){ .kind = SP_RATE_MAX };
	return (struct sp_rate){ .kind = SP_RATE_PPS,
				 .micro = micro < 1 ? 1 : (uint64_t)micro };
}

bool sp_mode_hears_replies(const struct sp_plan_stream *s)
{
	return s->profile && s->profile->mode == SP_MODE_BACKOFF &&
	       s->profile->backoff_reset == SP_BACKOFF_REPLY;
}

/* ---- departures ---- */

int sp_mode_open(struct sp_mode_run *run, const struct sp_plan_stream *s, uint64_t start_ns,
		 const struct sp_mem *mem, struct sp_err *err)
{
	run->ops = sp_mode_of(s);
	return run->ops->open(&run->st, s, start_ns, mem, err);
}

void sp_mode_close(struct sp_mode_run *run, const struct sp_mem *mem)
{
	if (run->st)
		run->ops->close(run->st, mem);
	*run = (struct sp_mode_run){ 0 };
}
