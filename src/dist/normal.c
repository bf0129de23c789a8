#include "dist/bound.h"
#include "dist/math.h"

#include <errno.h>
#include <math.h>

/* Normal (Gauss): F(x) = (1 + erf((x - mean) / (sd sqrt 2))) / 2. By inversion, so that a draw takes
 * one random number. Mean mean, variance sd^2. */
struct normal {
	struct sp_dist_bound bound;
	double mean, sd;
};

struct normal_conf {
	struct sp_quantity mean, sd;
	struct sp_quantity min, max;
};

static double one(const void *st, struct sp_rng *rng)
{
	const struct normal *s = st;

	return s->mean + s->sd * sp_dist_draw_normal(rng);
}

static double cdf(const void *st, double x)
{
	const struct normal *s = st;

	return erfc((s->mean - x) / (s->sd * 1.41421356237309504880)) / 2;
}

static const struct sp_dist_law law = { one, cdf };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct normal_conf *c = args->conf;
	struct normal *s = st;
	double mean, sd;
	int rc;

	if (!c->mean.unit || !c->sd.unit)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "no %s is given",
			       c->mean.unit ? "sd (standard deviation)" : "mean");
	mean = c->mean.v;
	sd = c->sd.v;
	rc = sp_dist_positive("sd", sd, err);
	if (rc)
		return rc;
	s->mean = mean;
	s->sd = sd;
	return sp_dist_bound_init(st, &law, &c->min, &c->max, mean, sd * sd, err);
}

#define AT(member) offsetof(struct normal_conf, member)
static const struct sp_opt opts[] = {
	{ "mean", SP_OPT_QUANTITY, AT(mean), NULL, NULL, 0, 0, "mean" },
	{ "sd", SP_OPT_QUANTITY, AT(sd), NULL, NULL, 0, 0, "standard deviation" },
	SP_DIST_BOUND_ROWS(struct normal_conf),
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_normal = {
	.name = "normal",
	.summary = "the bell curve",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct normal_conf),
	.state_size = sizeof(struct normal),
	.init = init,
	.draw = sp_dist_bound_draw,
	.cdf = sp_dist_bound_cdf,
	.moments = sp_dist_bound_moments,
};
