#include "dist/bound.h"
#include "dist/math.h"

#include <errno.h>
#include <math.h>

/* Cauchy: F(x) = 1/2 + arctan((x - location) / scale) / pi. It has neither mean nor variance, and is
 * taken between explicit bounds only. The quotient of the coordinates of a random point of the unit
 * disc is such a number. */
struct cauchy {
	struct sp_dist_bound bound;
	double location, scale;
};

struct cauchy_conf {
	struct sp_quantity location, scale;
	struct sp_quantity min, max;
};

static double one(const void *st, struct sp_rng *rng)
{
	const struct cauchy *s = st;

	double x, y;

	do {
		x = 2 * sp_rng_unit(rng) - 1;
		y = 2 * sp_rng_unit(rng) - 1;
	} while (x * x + y * y > 1 || (y >= 0 && y <= 0));
	return s->location + s->scale * (x / y);
}

static double cdf(const void *st, double x)
{
	const struct cauchy *s = st;

	return 0.5 + atan((x - s->location) / s->scale) / 3.14159265358979323846;
}

static const struct sp_dist_law law = { one, cdf };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct cauchy_conf *c = args->conf;
	struct cauchy *s = st;
	int rc;

	if (!c->min.unit || !c->max.unit)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "it has no mean; give min and max, between which it is taken");
	if (!c->location.unit || !c->scale.unit)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "no %s is given",
			       c->location.unit ? "scale" : "location");
	s->location = c->location.v;
	s->scale = c->scale.v;
	rc = sp_dist_positive("scale", s->scale, err);
	if (rc)
		return rc;
	return sp_dist_bound_init(st, &law, &c->min, &c->max, (double)NAN, (double)NAN, err);
}

#define AT(member) offsetof(struct cauchy_conf, member)
static const struct sp_opt opts[] = {
	{ "location", SP_OPT_QUANTITY, AT(location), NULL, NULL, 0, 0, "median" },
	{ "scale", SP_OPT_QUANTITY, AT(scale), NULL, NULL, 0, 0,
	  "half the distance between the quartiles" },
	SP_DIST_BOUND_ROWS(struct cauchy_conf),
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_cauchy = {
	.name = "cauchy",
	.summary = "no mean: only between min and max",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct cauchy_conf),
	.state_size = sizeof(struct cauchy),
	.init = init,
	.draw = sp_dist_bound_draw,
	.cdf = sp_dist_bound_cdf,
	.moments = sp_dist_bound_moments,
};
