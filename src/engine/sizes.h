/* Sizes by a law: whole bytes, rounded and clamped to what the unit can be. */
#ifndef SP_ENGINE_SIZES_H
#define SP_ENGINE_SIZES_H

#include <math.h>

#include "base/rng.h"
#include "core/env.h"
#include "engine/ks.h"
#include "engine/law.h"

struct sp_sizes {
	const struct sp_mem *mem;
	struct sp_dist dist;
	struct sp_rng rng, rng0;
	double less; /* bytes that a law of frames counts and we do not */
	uint32_t lo, hi;
	uint32_t at; /* next unused of the block */
	uint32_t drawn[SP_DIST_BLOCK];
	struct sp_ks left;
};

/* seed's series of that name. 0, or what the law says (usage), or -ENOMEM. */
int sp_sizes_init(struct sp_sizes *, const struct sp_law *, double less, uint32_t lo,
		  uint32_t hi, const struct sp_env *, const char *series, struct sp_err *);
void sp_sizes_fini(struct sp_sizes *);
/* Cold. The series from its beginning. */
void sp_sizes_rewind(struct sp_sizes *);
/* Cold. Of the law as clamped. */
double sp_sizes_mean(const struct sp_sizes *);
void sp_sizes_refill(struct sp_sizes *);
/* HOT. The next unit's. */
static inline uint32_t sp_sizes_next(struct sp_sizes *s)
{
	if (__builtin_expect(s->at == SP_DIST_BLOCK, 0))
		sp_sizes_refill(s);
	return s->drawn[s->at++];
}
#endif
