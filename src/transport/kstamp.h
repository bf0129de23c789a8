/* The kernel's receive stamps are of CLOCK_REALTIME; arrivals are told on CLOCK_MONOTONIC. The
 * offset between them moves only when somebody sets the clock. */
#ifndef SP_TRANSPORT_KSTAMP_H
#define SP_TRANSPORT_KSTAMP_H

#include <stdint.h>
#include <time.h>

#include "base/log.h"
#include "core/clock.h"

/* Stamps younger than this are believed at sight. */
#define SP_KSTAMP_FRESH_NS (100 * SP_NS_PER_MS)

struct sp_kstamp {
	const struct sp_clock *clock;
	const struct sp_log *log;
	int64_t offset;		 /* real - monotonic */
	int64_t before;		 /* the same before the last step */
	uint64_t before_ends_ns; /* when that is forgotten; 0: there was no step */
	uint64_t sampled_ns, next_ns;
};

void sp_kstamp_init(struct sp_kstamp *, const struct sp_clock *, const struct sp_log *);
/* Samples the offset; a jump of more than 1 ms is a clock step and gets one line in the log. */
void sp_kstamp_sample(struct sp_kstamp *, uint64_t now_ns);
/* The arrival time for a stamp that is not fresh: it waited in the socket, or the clock was set
 * before or after the kernel made it. */
uint64_t sp_kstamp_stale(struct sp_kstamp *, int64_t real_ns, uint64_t now_ns);

/* HOT. Once a burst: samples about ten times a second. */
static inline void sp_kstamp_tick(struct sp_kstamp *k, uint64_t now_ns)
{
	if (now_ns >= k->next_ns)
		sp_kstamp_sample(k, now_ns);
}

/* HOT. A stamp as arrival time, never later than now_ns. */
static inline uint64_t sp_kstamp_mono(struct sp_kstamp *k, const struct timespec *real,
				      uint64_t now_ns)
{
	int64_t r = (int64_t)real->tv_sec * (int64_t)SP_NS_PER_S + real->tv_nsec;
	int64_t t = r - k->offset;

	if (__builtin_expect((uint64_t)((int64_t)now_ns - t) > SP_KSTAMP_FRESH_NS, 0))
		return sp_kstamp_stale(k, r, now_ns);
	return (uint64_t)t;
}

#endif
