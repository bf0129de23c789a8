#include "transport/kstamp.h"

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

	if (jump > (int64_t)SP_NS_PER_MS || jump < -(int64_t)SP_NS_PER_MS)
		sp_log(k->log, SP_LOG_WARN,
		       "clock step: the system's time of day was set by %+.3f s; receive "
		       "stamps "
		       "of the last 100 ms may be off by that",
		       (double)jump / (double)SP_NS_PER_S);
	k->offset = offset;
	k->next_ns = now_ns + 100 * SP_NS_PER_MS;
}
