#include "core/clock.h"

/* 2026-01-01T00:00:00Z: the virtual epoch, so that virtual runs print the same dates for ever. */
#define VIRTUAL_EPOCH_NS (1767225600ll * 1000000000ll)
#define OFFSET_SAMPLES	 9

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * SP_NS_PER_S + (uint64_t)ts.tv_nsec;
}

void sp_clock_init_real(struct sp_clock *c)
{
	*c = (struct sp_clock){ .is_virtual = false };
}

void sp_clock_init_virtual(struct sp_clock *c, uint64_t start_ns)
{
	*c = (struct sp_clock){
		.is_virtual = true,
		.virtual_ns = start_ns,
		.virtual_real_ns = VIRTUAL_EPOCH_NS,
	};
}

void sp_clock_advance(struct sp_clock *c, uint64_t at_ns)
{
	if (c->is_virtual && at_ns > c->virtual_ns)
		c->virtual_ns = at_ns;
}

int64_t sp_clock_real(const struct sp_clock *c)
{
	if (c->is_virtual)
		return c->virtual_real_ns + (int64_t)c->virtual_ns;
	return (int64_t)read_ns(CLOCK_REALTIME);
}

int64_t sp_clock_real_offset(const struct sp_clock *c)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;

	if (c->is_virtual)
		return c->virtual_real_ns;
	/* A reader that is preempted between two readings sees a long bracket: several tries
	 * make it likely that one was not. */
	for (int i = 0; i < OFFSET_SAMPLES; i++) {
		uint64_t before = read_ns(CLOCK_MONOTONIC);
		uint64_t real = read_ns(CLOCK_REALTIME);
		uint64_t width = read_ns(CLOCK_MONOTONIC) - before;

		if (width >= best)
			continue;
		best = width;
		offset = (int64_t)(real - (before + width / 2));
	}
	return offset;
}

void sp_clock_sleep_until(const struct sp_clock *c, uint64_t at_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(at_ns / SP_NS_PER_S),
		.tv_nsec = (long)(at_ns % SP_NS_PER_S),
	};

	if (!c->is_virtual)
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}
