#include "dist/bound.h"
#include "dist/math.h"

#include <errno.h>
#include <math.h>

/* Gamma: F(x) = P(shape, x / scale). Mean shape scale, variance shape scale^2. Drawn by
 * Marsaglia and Tsang's method (2000). */
struct gamma {
	struct sp_dist_bound bound;
	double shape, scale;
};

struct gamma_conf {
	double shape;
	struct sp_quantity scale;
	struct sp_quantity min, max;
};

static double one(const void *st, struct sp_rng *rng)
{
	const struct gamma *s = st;

	return s->scale * sp_dist_draw_gamma(rng, s->shape);
}

static double cdf(const void *st, double x)
{
	const struct gamma *s = st;

	return sp_dist_gamma_p(s->shape, x / s->scale);
}

static const struct sp_dist_law law = { one, cdf };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct gamma_conf *c = args->conf;
	struct gamma *s = st;
	int rc = sp_dist_positive("shape", c->shape, err);

	s->shape = c->shape;
	s->scale = sp_dist_value(&c->scale, 1 / s->shape);
	if (!rc)
		rc = sp_dist_positive("scale", s->scale, err);
	if (rc)
		return rc;
	return sp_dist_bound_init(st, &law, &c->min, &c->max, s->shape * s->scale,
				  s->shape * s->scale * s->scale, err);
}

#define AT(member) offsetof(struct gamma_conf, member)
static const struct sp_opt opts[] = {
	{ "shape", SP_OPT_REAL, AT(shape), "1", NULL, 0, 0,
	  "shape: 1 is exponential, n the sum of n of them" },
	{ "scale", SP_OPT_QUANTITY, AT(scale), NULL, NULL, 0, 0, "scale" },
	SP_DIST_BOUND_ROWS(struct gamma_conf),
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_gamma = {
	.name = "gamma",
	.summary = "sums of exponential times",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct gamma_conf),
	.state_size = sizeof(struct gamma),
	.init = init,
	.draw = sp_dist_bound_draw,
	.cdf = sp_dist_bound_cdf,
	.moments = sp_dist_bound_moments,
};
