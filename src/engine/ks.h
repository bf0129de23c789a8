/* Kolmogorov-Smirnov distance between what was counted and a law: counts between edges that cut the
 * law's probability into equal parts, so that the distance is found to within one part (1.6 %)
 * whatever the law's shape. */
#ifndef SP_ENGINE_KS_H
#define SP_ENGINE_KS_H

#include <stdint.h>

#include "plugin/dist.h"

#define SP_KS_EDGES 63u
#define SP_KS_LEAST 100u /* with fewer values no distance is told */

struct sp_ks {
	float edge[SP_KS_EDGES + 1]; /* rising; the rest is infinite */
	float f[SP_KS_EDGES];	     /* the law at the edges */
	uint32_t bin[SP_KS_EDGES + 1];
	uint32_t n_edges, n;
};

/* Cold. Where the law jumps by more than a part, the edges stand tol before and behind: no clock
 * brings a gap to the point. False: nobody knows the law's distribution function; then the edges
 * are spaced by octaves of mean, and sp_ks_asked says what the law gave. */
bool sp_ks_init(struct sp_ks *, const struct sp_dist *, double mean, double tol);
/* The same for whole numbers from lo to hi that the law was rounded and clamped to, minus less. */
void sp_ks_init_whole(struct sp_ks *, const struct sp_dist *, double less, uint32_t lo,
		      uint32_t hi);
/* HOT. */
static inline void sp_ks_add(struct sp_ks *k, float v)
{
	uint32_t at = 0;

	for (uint32_t step = (SP_KS_EDGES + 1) / 2; step; step /= 2)
		at += k->edge[at + step - 1] < v ? step : 0;
	k->bin[at]++;
	k->n += k->n != UINT32_MAX;
}
/* NAN: too few. */
double sp_ks_distance(const struct sp_ks *);
/* The distance to what was counted by another, which has the same edges. */
double sp_ks_distance_of(const struct sp_ks *, const struct sp_ks *asked);
/* Probability that a law of sizes gives up to v, when it is rounded and clamped. */
double sp_ks_whole_cdf(const struct sp_dist *, double less, uint32_t lo, uint32_t hi,
		       uint32_t v);

#endif
