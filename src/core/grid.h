/* An exact grid of times: point k is at start + floor(k * (gap_ns + num/den)). Integers only, so
 * that point 10^12 is as right as the first. */
#ifndef SP_CORE_GRID_H
#define SP_CORE_GRID_H

#include <stdint.h>

/* Largest denominator: products stay below 2^127. */
#define SP_GRID_DEN_MAX (1ull << 63)

struct sp_grid {
	uint64_t gap_ns, num, den; /* num < den */
	uint64_t acc;		   /* of the current point: its fraction of a ns, times den */
};

/* HOT. Moves *at_ns from one point to the next. */
static inline void sp_grid_step(struct sp_grid *g, uint64_t *at_ns)
{
	uint64_t acc = g->acc + g->num, carry = acc >= g->den;

	g->acc = carry ? acc - g->den : acc;
	*at_ns += g->gap_ns + carry;
}

/* How many points, from the current one at at_ns on, are before until_ns. Stops at UINT64_MAX. */
uint64_t sp_grid_before(const struct sp_grid *g, uint64_t at_ns, uint64_t until_ns);
/* The gap becomes that of `to` at at_ns, the phase is kept: of the old gap a part was left until the
 * current point at *at_ns, and as large a part of the new gap is left now. change_ns is not behind
 * the point. */
void sp_grid_change(struct sp_grid *g, uint64_t *at_ns, uint64_t change_ns,
		    const struct sp_grid *to);
/* Moves by n points at once. */
void sp_grid_skip(struct sp_grid *g, uint64_t *at_ns, uint64_t n);

#endif
