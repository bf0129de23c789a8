/* One schedule, dealt to several streams (mixed traffic): of every `of` departures a stream takes n,
 * spread as evenly as whole numbers allow. All streams of the schedule together take each departure
 * once: their ranges at .. at + n - 1 are those of a ring of `of` seats, and departure i goes to seat
 * i * step mod of. The first departure is the stream's with seat 0. */
#ifndef SP_ENGINE_DEAL_H
#define SP_ENGINE_DEAL_H

#include <stdbool.h>
#include <stdint.h>

#define SP_DEAL_MAX 1000u

struct sp_deal {
	uint32_t of, at, n, step;
};

/* 1 <= of <= SP_DEAL_MAX, at + n <= of, n >= 1. */
void sp_deal_init(struct sp_deal *, uint32_t of, uint32_t at, uint32_t n);
/* HOT. The stream's first departure from i on. */
uint64_t sp_deal_next(const struct sp_deal *, uint64_t i);
/* How many of departures 0 .. n - 1 are the stream's. */
uint64_t sp_deal_count(const struct sp_deal *, uint64_t n);

#endif
