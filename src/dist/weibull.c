#include "dist/bound.h"
#include "dist/math.h"

#include <errno.h>
#include <math.h>

/* Weibull: F(x) = 1 - exp(-(x / scale)^shape). Mean scale Gamma(1 + 1/shape), variance
 * scale^2 (Gamma(1 + 2/shape) - Gamma(1 + 1/shape)^2). */
struct weibull {
	struct sp_dist_bound bound;
	double shape, scale;
};

struct weibull_conf {
	double shape;
	struct sp_quantity scale;
	struct sp_quantity min, max;
};

static double one(const void *st, struct sp_rng *rng)
{
	const struct weibull *s = st;

	return s->scale * sp_dist_pow(-sp_dist_ln(sp_rng_unit(rng)), 1 / s->shape);
}

static double cdf(const void *st, double x)
{
	const struct weibull *s = st;

	return x > 0 ? -expm1(-pow(x / s->scale, s->shape)) : 0;
}

static const struct sp_dist_law law = { one, cdf };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct weibull_conf *c = args->conf;
	struct weibull *s = st;
	double g1, g2;
	int rc = sp_dist_positive("shape", c->shape, err);

	s->shape = c->shape;
	s->scale = sp_dist_value(&c->scale, 1);
	if (!rc)
		rc = sp_dist_positive("scale", s->scale, err);
	if (!rc && s->shape < 0.01)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "shape is %g; below 0.01 no number holds its mean", s->shape);
	if (rc)
		return rc;
	g1 = tgamma(1 + 1 / s->shape);
	g2 = tgamma(1 + 2 / s->shape);
	return sp_dist_bound_init(st, &law, &c->min, &c->max, s->scale * g1,
				  s->scale * s->scale * (g2 - g1 * g1), err);
}

#define AT(member) offsetof(struct weibull_conf, member)
static const struct sp_opt opts[] = {
	{ "shape", SP_OPT_REAL, AT(shape), "1", NULL, 0, 0, "shape: 1 is exponential" },
	{ "scale", SP_OPT_QUANTITY, AT(scale), NULL, NULL, 0, 0, "scale" },
	SP_DIST_BOUND_ROWS(struct weibull_conf),
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_weibull = {
	.name = "weibull",
	.summary = "life times: shape below 1 bursty, above 1 regular",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct weibull_conf),
	.state_size = sizeof(struct weibull),
	.init = init,
	.draw = sp_dist_bound_draw,
	.cdf = sp_dist_bound_cdf,
	.moments = sp_dist_bound_moments,
};
