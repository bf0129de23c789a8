#include "dist/bound.h"
#include "dist/math.h"

#include <errno.h>
#include <math.h>

/* Student's t with location and scale: F from the incomplete beta function. Mean location above shape
 * 1, variance scale^2 shape / (shape - 2) above 2. A normal variate over the root of a gamma
 * one. */
struct student {
	struct sp_dist_bound bound;
	double location, scale, shape;
};

struct student_conf {
	struct sp_quantity location, scale;
	double shape;
	struct sp_quantity min, max;
};

static double one(const void *st, struct sp_rng *rng)
{
	const struct student *s = st;

	double z = sp_dist_draw_normal(rng), g = sp_dist_draw_gamma(rng, s->shape / 2);

	return s->location + s->scale * z / __builtin_sqrt(2 * g / s->shape);
}

static double cdf(const void *st, double x)
{
	const struct student *s = st;

	double t = (x - s->location) / s->scale;
	double tail = sp_dist_beta_i(s->shape / 2, 0.5, s->shape / (s->shape + t * t)) / 2;

	return t < 0 ? tail : 1 - tail;
}

static const struct sp_dist_law law = { one, cdf };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct student_conf *c = args->conf;
	struct student *s = st;
	double mean = (double)NAN, var = (double)INFINITY;
	int rc;

	if (!c->location.unit || !c->scale.unit)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "no %s is given",
			       c->location.unit ? "scale" : "location");
	s->location = c->location.v;
	s->scale = c->scale.v;
	s->shape = c->shape;
	rc = sp_dist_positive("scale", s->scale, err);
	if (!rc)
		rc = sp_dist_positive("shape", s->shape, err);
	if (rc)
		return rc;
	if (s->shape > 1)
		mean = s->location;
	if (s->shape > 2)
		var = s->scale * s->scale * s->shape / (s->shape - 2);
	return sp_dist_bound_init(st, &law, &c->min, &c->max, mean, var, err);
}

#define AT(member) offsetof(struct student_conf, member)
static const struct sp_opt opts[] = {
	{ "location", SP_OPT_QUANTITY, AT(location), NULL, NULL, 0, 0, "centre" },
	{ "scale", SP_OPT_QUANTITY, AT(scale), NULL, NULL, 0, 0, "scale" },
	{ "shape", SP_OPT_REAL, AT(shape), "3", NULL, 0, 0,
	  "degrees of freedom: up to 1 no mean, up to 2 no variance" },
	SP_DIST_BOUND_ROWS(struct student_conf),
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_student = {
	.name = "student",
	.summary = "Student's t, moved and scaled: tails by its shape",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct student_conf),
	.state_size = sizeof(struct student),
	.init = init,
	.draw = sp_dist_bound_draw,
	.cdf = sp_dist_bound_cdf,
	.moments = sp_dist_bound_moments,
};
