#include "source/capture/times.h"

#include <errno.h>

typedef unsigned __int128 u128;

#define PER_MICRO UINT64_C(1000000000000000) /* ns in a second, times 10^6 */

/* The fix of the packet that was read last waits here until somebody knows its number. */
static void hold(struct sp_times *t, enum sp_times_rule rule, int64_t gap_ns, uint64_t left_ns)
{
	t->last = (struct sp_times_fix){ .rule = rule, .gap_ns = gap_ns, .left_ns = left_ns };
	t->odd.n[rule]++;
}

void sp_times_init(struct sp_times *t, const struct sp_times_conf *conf)
{
	u128 longest = conf->max_gap_ns;

	*t = (struct sp_times){ .conf = *conf };
	if (!t->conf.den)
		t->conf.num = t->conf.den = 1;
	longest = longest * t->conf.num / t->conf.den;
	t->longest = !conf->max_gap_ns || longest > UINT64_MAX ? UINT64_MAX : (uint64_t)longest;
}

/* Of two recorded times; saturated. */
static int64_t difference(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d))
		return a > b ? INT64_MAX : INT64_MIN;
	return d;
}

/* How far the next packet is from the latest one, by the rules. */
static uint64_t step(struct sp_times *t, int64_t t_ns, bool timed)
{
	int64_t gap = difference(t_ns, t->latest_ns);

	if (!timed) {
		hold(t, SP_TIMES_UNTIMED, 0, 0);
		return 0;
	}
	if (gap < 0 && gap >= -(int64_t)SP_TIMES_REORDERED_NS) {
		hold(t, SP_TIMES_REORDERED, gap, 0);
		return 0;
	}
	t->latest_ns = t_ns;
	if (gap < 0) {
		hold(t, SP_TIMES_SET_BACK, gap, 0);
		return 0;
	}
	if ((uint64_t)gap >= SP_TIMES_STEP_NS) {
		hold(t, SP_TIMES_SET_ON, gap, 0);
		t->odd.cut_ns += (uint64_t)gap;
		return 0;
	}
	if ((uint64_t)gap > t->longest) {
		hold(t, SP_TIMES_SHORTENED, gap, t->longest);
		t->odd.cut_ns += (uint64_t)gap - t->longest;
		return t->longest;
	}
	return (uint64_t)gap;
}

uint64_t sp_times_next(struct sp_times *t, int64_t t_ns, bool timed, uint32_t len)
{
	uint64_t place = t->place;

	t->last.rule = SP_TIMES_FINE;
	switch (t->conf.by) {
	case SP_TIMES_PACKETS:
		t->place++;
		return place;
	case SP_TIMES_BITS:
		t->place += (uint64_t)len * 8;
		return place;
	case SP_TIMES_AT_ONCE:
		return 0;
	default:
		break;
	}
	if (t->begun)
		t->place += step(t, t_ns, timed);
	else
		t->latest_ns = t_ns;
	/* A file that begins with packets without a time has none until the first that has one. */
	t->begun |= timed;
	return t->place;
}

enum sp_times_rule sp_times_note(struct sp_times *t, uint32_t file, uint64_t packet)
{
	enum sp_times_rule rule = t->last.rule;
	bool one = rule == SP_TIMES_UNTIMED || rule == SP_TIMES_REORDERED;

	if (rule == SP_TIMES_FINE || t->odd.n_fix == SP_TIMES_LISTED ||
	    (one && t->odd.n[rule] > 1))
		return rule;
	t->last.file = file;
	t->last.packet = packet;
	t->odd.fix[t->odd.n_fix++] = t->last;
	return rule;
}

void sp_times_file(struct sp_times *t)
{
	t->begun = false;
}

uint64_t sp_times_end(const struct sp_times *t)
{
	return t->place;
}

uint64_t sp_times_due(const struct sp_times_conf *c, uint64_t place, uint64_t loops)
{
	u128 due = place;

	if (__builtin_expect(c->together > 1, 0) && c->by == SP_TIMES_PACKETS)
		due -= place % c->together;
	if (c->by == SP_TIMES_PACKETS || c->by == SP_TIMES_BITS)
		due = due * PER_MICRO / c->micro;
	else if (c->num != c->den)
		due = due * c->den / c->num;
	if (__builtin_expect(loops != 0, 0))
		due += (u128)loops * c->pause_ns;
	return due > UINT64_MAX ? UINT64_MAX : (uint64_t)due;
}

int sp_times_multiplier(const char *text, uint64_t *num, uint64_t *den)
{
	uint64_t micro = 0, unit = SP_TIMES_MICRO;
	bool digits = false;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && micro <= SP_TIMES_MICRO; p++, digits = true)
		micro = micro * 10 + (uint64_t)(*p - '0');
	micro *= SP_TIMES_MICRO;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9' && unit > 1; p++, digits = true) {
			unit /= 10;
			micro += unit * (uint64_t)(*p - '0');
		}
	if (*p || !digits || !micro || micro > (uint64_t)SP_TIMES_MICRO * SP_TIMES_MICRO)
		return -EINVAL;
	*num = micro;
	*den = SP_TIMES_MICRO;
	return 0;
}
