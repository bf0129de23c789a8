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

/* floor(a * b / c) for a <= c < 2^126: the product may need 254 bits. */
static unsigned __int128 mul_div(unsigned __int128 a, unsigned __int128 b, unsigned __int128 c)
{
	unsigned __int128 quotient = 0, rest = 0;

	for (int i = 127; i >= 0; i--) {
		quotient <<= 1;
		rest <<= 1;
		if (rest >= c) {
			rest -= c;
			quotient++;
		}
		if (!(b >> i & 1))
			continue;
		rest += a;
		if (rest >= c) {
			rest -= c;
			quotient++;
		}
	}
	return quotient;
}

void sp_grid_change(struct sp_grid *g, uint64_t *at_ns, uint64_t change_ns,
		    const struct sp_grid *to)
{
	unsigned __int128 left = (unsigned __int128)(*at_ns - change_ns) * g->den + g->acc;
	unsigned __int128 gap = (unsigned __int128)g->gap_ns * g->den + g->num;
	unsigned __int128 new_gap = (unsigned __int128)to->gap_ns * to->den + to->num;

	/* More than a gap cannot be left. */
	left = mul_div(left < gap ? left : gap, new_gap, gap);
	*g = *to;
	*at_ns = change_ns + (uint64_t)(left / to->den);
	g->acc = (uint64_t)(left % to->den);
}
