/* Time, passed in by pointer: the kernel's CLOCK_MONOTONIC, or a virtual clock that only moves
 * when the run moves it. Everything in spate that is called t_ns, due_ns or now_ns is on this
 * clock unless its name says real. */
#ifndef SP_CORE_CLOCK_H
#define SP_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SP_NS_PER_S  1000000000ull
#define SP_NS_PER_MS 1000000ull
#define SP_NS_PER_US 1000ull
#define SP_NEVER     UINT64_MAX

struct sp_clock {
	bool is_virtual;
	uint64_t virtual_ns;	 /* current time when is_virtual */
	int64_t virtual_real_ns; /* real time at virtual_ns 0 */
};

void sp_clock_init_real(struct sp_clock *);
/* Starts at start_ns; its real time starts at 2026-01-01T00:00:00Z + start_ns. */
void sp_clock_init_virtual(struct sp_clock *, uint64_t start_ns);
/* Virtual only: moves forward to at_ns (never back). */
void sp_clock_advance(struct sp_clock *, uint64_t at_ns);
/* Wall-clock time in ns since 1970. */
int64_t sp_clock_real(const struct sp_clock *);
/* The offset real - monotonic, sampled so that its error is below about 1 us: the pair with
 * the shortest bracket of several. */
int64_t sp_clock_real_offset(const struct sp_clock *);
/* Sleeps until at_ns (absolute); returns early on a signal. Real clock only. */
void sp_clock_sleep_until(const struct sp_clock *, uint64_t at_ns);

/* HOT */
static inline uint64_t sp_clock_now(const struct sp_clock *c)
{
	struct timespec ts;

	if (c->is_virtual)
		return c->virtual_ns;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SP_NS_PER_S + (uint64_t)ts.tv_nsec;
}

#endif
