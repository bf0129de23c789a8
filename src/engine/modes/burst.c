/* So many packets, one pause, again. */
#include <errno.h>
#include <stdio.h>

#include "core/clock.h"
#include "engine/modes/modes.h"

typedef unsigned __int128 u128;

#define DEFAULT_GAP_NS (10 * SP_NS_PER_MS) /* S3's */

static const char *const keys[] = { "burst_count", "burst_interval", "burst_gap", "bursts",
				    NULL };

/* Of any second, wherever it begins. */
static double peak_pps(const struct sp_profile *p)
{
	double second = (double)SP_NS_PER_S;
	double by_bursts = (double)p->burst_count * (1 + second / (double)p->burst_interval_ns);
	double by_gap = p->burst_gap_ns ? 1 + second / (double)p->burst_gap_ns : by_bursts;

	return by_gap < by_bursts ? by_gap : by_bursts;
}

static int check(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		 struct sp_err *err)
{
	struct sp_profile *p = s->profile;

	(void)arena;
	if (!sp_profile_given(p, "burst_gap"))
		p->burst_gap_ns = sp_profile_given(p, "burst_count") ||
						  sp_profile_given(p, "burst_interval")
					  ? 0
					  : DEFAULT_GAP_NS;
	if ((u128)p->burst_gap_ns * (p->burst_count - 1) + p->burst_interval_ns > INT64_MAX)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "%s: a burst and its pause take more than 292 years", place);
	if (p->bursts && s->duration_ns == SP_PLAN_UNSET)
		s->duration_ns = 0;
	p->peak = sp_mode_peak(peak_pps(p));
	return 0;
}

struct burst {
	uint64_t start_ns, period_ns, gap_ns, count, bursts;
	uint64_t i, k; /* the next is packet i of burst k */
};

static int burst_open(void **st, const struct sp_plan_stream *s, uint64_t start_ns,
		      const struct sp_mem *mem, struct sp_err *err)
{
	const struct sp_profile *p = s->profile;
	struct burst *b = sp_alloc(mem, sizeof *b);

	if (!b)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*b = (struct burst){ .start_ns = start_ns,
			     .period_ns = p->burst_gap_ns * (p->burst_count - 1) +
					  p->burst_interval_ns,
			     .gap_ns = p->burst_gap_ns,
			     .count = p->burst_count,
			     .bursts = p->bursts };
	*st = b;
	return 0;
}

static int burst_next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct burst *b = st;
	u128 at = (u128)b->k * b->period_ns + b->i * b->gap_ns + b->start_ns;

	(void)size;
	if ((b->bursts && b->k == b->bursts) || at >= SP_NEVER)
		return 1;
	*due_ns = (uint64_t)at;
	if (++b->i == b->count) {
		b->i = 0;
		b->k++;
	}
	return 0;
}

static void burst_restart(void *st, uint64_t start_ns)
{
	struct burst *b = st;

	b->start_ns = start_ns;
	b->i = b->k = 0;
}

static void burst_close(void *st, const struct sp_mem *mem)
{
	sp_free(mem, st);
}

static void burst_text(char *buf, size_t cap, const struct sp_plan_stream *s)
{
	const struct sp_profile *p = s->profile;
	char gap[48], pause[48], n[40] = "";

	if (p->bursts)
		snprintf(n, sizeof n, "%llu ", (unsigned long long)p->bursts);
	snprintf(buf, cap, "%sbursts of %llu%s%s, then %s", n,
		 (unsigned long long)p->burst_count, p->burst_gap_ns ? " by " : "",
		 p->burst_gap_ns ? sp_format_time(gap, sizeof gap, p->burst_gap_ns) : "",
		 sp_format_time(pause, sizeof pause, p->burst_interval_ns));
}

const struct sp_mode_ops sp_mode_burst = {
	.name = "burst",
	.keys = keys,
	.no_rate = "bursts have no rate, but burst_count, burst_gap and burst_interval",
	.check = check,
	.open = burst_open,
	.next = burst_next,
	.restart = burst_restart,
	.close = burst_close,
	.text = burst_text,
};
