#include "transport/kstamp.h"

#define STEP_NS	  ((int64_t)SP_NS_PER_MS)
/* What was received before a step is read within this time, or it is taken for old. */
#define BEFORE_NS (10 * SP_NS_PER_S)

void sp_kstamp_init(struct sp_kstamp *k, const struct sp_clock *clock, const struct sp_log *log)
{
	*k = (struct sp_kstamp){ .clock = clock, .log = log };
	k->offset = sp_clock_real_offset(clock);
	k->next_ns = sp_clock_now(clock) + 100 * SP_NS_PER_MS;
}

void sp_kstamp_sample(struct sp_kstamp *k, uint64_t now_ns)
{
	int64_t offset = sp_clock_real_offset(k->clock);
	int64_t jump = offset - k->offset;

	if (jump > STEP_NS || jump < -STEP_NS) {
		sp_log(k->log, SP_LOG_WARN,
		       "clock step: the system's time of day was set by %+.3f s",
		       (double)jump / (double)SP_NS_PER_S);
		k->before = k->offset;
		k->before_ends_ns = now_ns + BEFORE_NS;
	}
	k->offset = offset;
	k->sampled_ns = now_ns;
	k->next_ns = now_ns + 100 * SP_NS_PER_MS;
}

static bool is_fresh(int64_t t, uint64_t now_ns)
{
	return (uint64_t)((int64_t)now_ns - t) <= SP_KSTAMP_FRESH_NS;
}

uint64_t sp_kstamp_stale(struct sp_kstamp *k, int64_t real_ns, uint64_t now_ns)
{
	int64_t t, before, now = (int64_t)now_ns;

	if (k->sampled_ns != now_ns)
		sp_kstamp_sample(k, now_ns);
	t = real_ns - k->offset;
	before = real_ns - k->before;
	/* Made before the step, if that is the later of two times that are not to come. */
	if (!is_fresh(t, now_ns) && now_ns < k->before_ends_ns && before <= now &&
	    (t > now || before > t))
		t = before;
	return t < 0 ? 0 : t > now ? now_ns : (uint64_t)t;
}
