/* Payloads: rows of equal length, one of which a unit gets. Made once (plugin/payload.h), read by
 * sources. */
#ifndef SP_PKT_ROWS_H
#define SP_PKT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

struct sp_rows {
	uint8_t *bytes;	 /* n rows of len octets */
	uint32_t n, len; /* n 1 or more */
	bool drawn;	 /* a row by the seed; else one after the other */
	uint64_t seed;
};

/* 64 even bits, as a function of a counter (splitmix64, Steele et al. 2014): what is drawn number
 * `draw` of series number `index`. */
static inline uint64_t sp_draw(uint64_t seed, uint32_t index, uint64_t draw)
{
	return sp_mix64(seed + ((uint64_t)index << 32) * 0xd1342543de82ef95u +
			(draw + 1) * SP_MIX64_STEP);
}

/* The same in 0 .. n - 1. */
static inline uint64_t sp_draw_below(uint64_t drawn, uint64_t n)
{
	return (uint64_t)((unsigned __int128)drawn * n >> 64);
}

/* HOT. The row of unit number `unit`. */
static inline uint32_t sp_rows_pick(const struct sp_rows *r, uint64_t unit)
{
	if (r->n == 1)
		return 0;
	if (r->drawn)
		return (uint32_t)sp_draw_below(sp_draw(r->seed, UINT32_MAX, unit), r->n);
	return (uint32_t)(unit % r->n);
}

#endif
