#include "dist/bound.h"
#include "dist/math.h"

#include <math.h>

/* Exponential: F(x) = 1 - exp(-x / mean). Variance mean^2. Inverse transform: -mean ln u, u uniform
 * in (0, 1). */
struct exponential {
	struct sp_dist_bound bound;
	double mean;
};

struct exponential_conf {
	struct sp_quantity mean, min, max;
};

static double one(const void *st, struct sp_rng *rng)
{
	const struct exponential *e = st;

	return -e->mean * sp_dist_ln(sp_rng_unit(rng));
}

static double cdf(const void *st, double x)
{
	const struct exponential *e = st;

	return x > 0 ? -expm1(-x / e->mean) : 0;
}

static const struct sp_dist_law law = { one, cdf };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct exponential_conf *c = args->conf;
	struct exponential *e = st;
	int rc;

	e->mean = sp_dist_value(&c->mean, 1);
	rc = sp_dist_positive("mean", e->mean, err);
	if (rc)
		return rc;
	return sp_dist_bound_init(st, &law, &c->min, &c->max, e->mean, e->mean * e->mean, err);
}

#define AT(member) offsetof(struct exponential_conf, member)
static const struct sp_opt opts[] = {
	{ "mean", SP_OPT_QUANTITY, AT(mean), NULL, NULL, 0, 0, "mean" },
	SP_DIST_BOUND_ROWS(struct exponential_conf),
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_exponential = {
	.name = "exponential",
	.summary = "gaps of a Poisson process",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct exponential_conf),
	.state_size = sizeof(struct exponential),
	.init = init,
	.draw = sp_dist_bound_draw,
	.cdf = sp_dist_bound_cdf,
	.moments = sp_dist_bound_moments,
};
