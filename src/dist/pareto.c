#include "dist/bound.h"
#include "dist/math.h"

#include <errno.h>
#include <math.h>

/* Pareto: F(x) = 1 - (scale / x)^shape for x >= scale. Mean shape scale / (shape - 1) above shape 1,
 * variance scale^2 shape / ((shape - 1)^2 (shape - 2)) above 2. With max it is the truncated
 * ("bounded") law. */
struct pareto {
	struct sp_dist_bound bound;
	double shape, scale;
	struct sp_quantity from; /* where it begins */
};

struct pareto_conf {
	double shape;
	struct sp_quantity scale;
	struct sp_quantity min, max;
};

static double one(const void *st, struct sp_rng *rng)
{
	const struct pareto *s = st;

	return s->scale * sp_dist_pow(sp_rng_unit(rng), -1 / s->shape);
}

static double cdf(const void *st, double x)
{
	const struct pareto *s = st;

	return x > s->scale ? 1 - pow(s->scale / x, s->shape) : 0;
}

static const struct sp_dist_law law = { one, cdf };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct pareto_conf *c = args->conf;
	struct pareto *s = st;
	double a = c->shape, mean = (double)NAN, var = (double)INFINITY;
	int rc = sp_dist_positive("shape", a, err);

	s->shape = a;
	s->scale = sp_dist_value(&c->scale, 1);
	if (!rc)
		rc = sp_dist_positive("scale", s->scale, err);
	if (rc)
		return rc;
	if (a > 1)
		mean = a * s->scale / (a - 1);
	if (a > 2)
		var = s->scale * s->scale * a / ((a - 1) * (a - 1) * (a - 2));
	s->from = c->min;
	if (!c->min.unit || c->min.v < s->scale)
		s->from = (struct sp_quantity){ s->scale, SP_QUANTITY_NUMBER };
	if (!c->max.unit && c->min.unit)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "min is the scale; give max only");
	return sp_dist_bound_init(st, &law, c->max.unit ? &s->from : &c->min, &c->max, mean,
				  var, err);
}

#define AT(member) offsetof(struct pareto_conf, member)
static const struct sp_opt opts[] = {
	{ "shape", SP_OPT_REAL, AT(shape), "1.5", NULL, 0, 0,
	  "exponent of the tail: below 2 no variance, up to 1 no mean" },
	{ "scale", SP_OPT_QUANTITY, AT(scale), NULL, NULL, 0, 0, "least value" },
	SP_DIST_BOUND_ROWS(struct pareto_conf),
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_pareto = {
	.name = "pareto",
	.summary = "heavy tail: a power law above its scale",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct pareto_conf),
	.state_size = sizeof(struct pareto),
	.init = init,
	.draw = sp_dist_bound_draw,
	.cdf = sp_dist_bound_cdf,
	.moments = sp_dist_bound_moments,
};
