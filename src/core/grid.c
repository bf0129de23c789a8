#include "core/grid.h"

/* at + floor((acc + i * G) / den) < until, with G = gap * den + num, holds for
 * i < ((until - at) * den - acc) / G. */
uint64_t sp_grid_before(const struct sp_grid *g, uint64_t at_ns, uint64_t until_ns)
{
	unsigned __int128 span, gap, n;

	if (until_ns <= at_ns)
		return 0;
	span = (unsigned __int128)(until_ns - at_ns) * g->den - g->acc;
	gap = (unsigned __int128)g->gap_ns * g->den + g->num;
	n = (span - 1) / gap + 1;
	return n < UINT64_MAX ? (uint64_t)n : UINT64_MAX;
}

void sp_grid_skip(struct sp_grid *g, uint64_t *at_ns, uint64_t n)
{
	unsigned __int128 acc = (unsigned __int128)n * g->num + g->acc;

	*at_ns += n * g->gap_ns + (uint64_t)(acc / g->den);
	g->acc = (uint64_t)(acc % g->den);
}
