#include "dist/bound.h"
#include "dist/math.h"

#include <errno.h>
#include <math.h>

/* Lognormal: F(x) = Phi(ln(x / median) / sigma). Mean median e^(sigma^2 / 2), variance
 * mean^2 (e^(sigma^2) - 1). median is e^mu of the usual (mu, sigma). */
struct lognormal {
	struct sp_dist_bound bound;
	double median, sigma;
};

struct lognormal_conf {
	struct sp_quantity median;
	double sigma;
	struct sp_quantity min, max;
};

static double one(const void *st, struct sp_rng *rng)
{
	const struct lognormal *s = st;

	return s->median * sp_dist_exp(s->sigma * sp_dist_draw_normal(rng));
}

static double cdf(const void *st, double x)
{
	const struct lognormal *s = st;

	if (!(x > 0))
		return 0;
	return erfc(-log(x / s->median) / (s->sigma * 1.41421356237309504880)) / 2;
}

static const struct sp_dist_law law = { one, cdf };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct lognormal_conf *c = args->conf;
	struct lognormal *s = st;
	double mean;
	int rc;

	s->sigma = c->sigma;
	rc = sp_dist_positive("sigma", s->sigma, err);
	/* Not given: such that the mean is 1. */
	s->median = sp_dist_value(&c->median, exp(-s->sigma * s->sigma / 2));
	if (!rc)
		rc = sp_dist_positive("median", s->median, err);
	if (rc)
		return rc;
	mean = s->median * exp(s->sigma * s->sigma / 2);
	return sp_dist_bound_init(st, &law, &c->min, &c->max, mean,
				  mean * mean * expm1(s->sigma * s->sigma), err);
}

#define AT(member) offsetof(struct lognormal_conf, member)
static const struct sp_opt opts[] = {
	{ "median", SP_OPT_QUANTITY, AT(median), NULL, NULL, 0, 0,
	  "median: e to the mean of the logarithms" },
	{ "sigma", SP_OPT_REAL, AT(sigma), "1", NULL, 0, 0,
	  "standard deviation of the logarithms" },
	SP_DIST_BOUND_ROWS(struct lognormal_conf),
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_lognormal = {
	.name = "lognormal",
	.summary = "its logarithm is normal",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct lognormal_conf),
	.state_size = sizeof(struct lognormal),
	.init = init,
	.draw = sp_dist_bound_draw,
	.cdf = sp_dist_bound_cdf,
	.moments = sp_dist_bound_moments,
};
