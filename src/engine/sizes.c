#include "engine/sizes.h"

#include <errno.h>

int sp_sizes_init(struct sp_sizes *s, const struct sp_law *law, double less, uint32_t lo,
		  uint32_t hi, const struct sp_env *env, const char *series, struct sp_err *err)
{
	int rc;

	*s = (struct sp_sizes){ .mem = env->mem, .less = less, .lo = lo, .hi = hi };
	rc = sp_law_make(law, env->mem, &s->dist, err);
	if (rc)
		return rc;
	sp_rng_init(&s->rng, env->seed, series);
	s->rng0 = s->rng;
	s->at = SP_DIST_BLOCK;
	sp_ks_init_whole(&s->left, &s->dist, less, lo, hi);
	return 0;
}

void sp_sizes_fini(struct sp_sizes *s)
{
	if (s->dist.ops)
		sp_law_free(&s->dist, s->mem);
}

void sp_sizes_rewind(struct sp_sizes *s)
{
	s->rng = s->rng0;
	s->at = SP_DIST_BLOCK;
}

void sp_sizes_refill(struct sp_sizes *s)
{
	double v[SP_DIST_BLOCK];

	s->dist.ops->draw(s->dist.state, &s->rng, v, SP_DIST_BLOCK);
	for (uint32_t i = 0; i < SP_DIST_BLOCK; i++) {
		double whole = v[i] - s->less + 0.5;

		/* NAN and whatever is below: the least. */
		s->drawn[i] = !(whole >= s->lo) ? s->lo
			      : whole >= s->hi	? s->hi
						: (uint32_t)whole;
	}
	s->at = 0;
}

/* E = lo + the sum of P(size > v) over v = lo .. hi - 1; beyond a few thousand in equal strides, each
 * by its middle. */
double sp_sizes_mean(const struct sp_sizes *s)
{
	uint64_t span = s->hi - s->lo, stride = span / 16384 + 1;
	double sum = s->lo;

	for (uint64_t v = 0; v < span; v += stride) {
		uint64_t n = span - v < stride ? span - v : stride;
		uint32_t at = s->lo + (uint32_t)(v + n / 2);

		sum += (double)n * (1 - sp_ks_whole_cdf(&s->dist, s->less, s->lo, s->hi, at));
	}
	return sum;
}
