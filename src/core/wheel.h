/* A timer wheel of small integers: put an id at a time, take what is due. Three levels of 65,536
 * slots (1.024 us, 1.05 ms, 4.3 s wide: 67 ms, 69 s and 78 h ahead; further away waits in the
 * last), a bitmap over each to find the next slot. Each id is in the wheel at most once. Pure:
 * never sleeps, never asks the clock. 800 KiB, of which only touched pages cost memory, and 48
 * bytes an id. */
#ifndef SP_CORE_WHEEL_H
#define SP_CORE_WHEEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define SP_WHEEL_SLOT_SHIFT 10 /* width of the finest slot: 2^10 ns */

struct sp_wheel;

/* ids 0 .. n-1; start_ns is the earliest time that will ever be put. 0 or -ENOMEM. */
int sp_wheel_new(struct sp_wheel **, const struct sp_mem *mem, uint32_t n, uint64_t start_ns);
void sp_wheel_free(struct sp_wheel *);
/* state[id * size] will be touched when id is taken: the wheel fetches it shortly before. Up to
 * SP_WHEEL_STATES times; more are not fetched. */
#define SP_WHEEL_STATES 3u
void sp_wheel_prefetch(struct sp_wheel *, const void *state, size_t size);
/* HOT. id must not be in the wheel. A time that has passed is due at once. */
void sp_wheel_put(struct sp_wheel *, uint32_t id, uint64_t at_ns);
/* HOT. Takes up to max ids with at_ns <= now_ns, in order of their slots; within one slot in
 * order of time, then of id, so that runs repeat exactly. */
uint32_t sp_wheel_take(struct sp_wheel *, uint64_t now_ns, uint32_t *ids, uint32_t max);
/* HOT. The same, but only what is due at most span_ns after the first of them, or in the slot
 * where that ends: who puts each id back no nearer than span_ns keeps the order of slots. */
uint32_t sp_wheel_take_span(struct sp_wheel *, uint64_t now_ns, uint64_t span_ns, uint32_t *ids,
			    uint32_t max);
/* The earliest at_ns in the wheel, SP_NEVER when empty. */
uint64_t sp_wheel_next(struct sp_wheel *);
/* Cold. Forgets every id; times go on. */
void sp_wheel_clear(struct sp_wheel *);

#endif
