#include "plugin/dist.h"

#include <errno.h>
#include <math.h>

/* Always the mean. */
struct constant {
	double mean;
};

static int init(void *st, const void *conf, double mean, struct sp_err *err)
{
	struct constant *c = st;

	(void)conf;
	if (!(mean >= 0) || isinf(mean))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "constant: the mean is %g; it must be a number from 0 up", mean);
	c->mean = mean;
	return 0;
}

static void draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	const struct constant *c = st;

	(void)rng;
	for (uint32_t i = 0; i < n; i++)
		v[i] = c->mean;
}

static double cdf(const void *st, double x)
{
	const struct constant *c = st;

	return x < c->mean ? 0 : 1;
}

static bool moments(const void *st, double *mean, double *var)
{
	const struct constant *c = st;

	*mean = c->mean;
	*var = 0;
	return true;
}

static const struct sp_opt no_opts[] = { { .name = NULL } };

const struct sp_dist_ops sp_dist_constant = {
	.name = "constant",
	.summary = "always the mean",
	.abi = SP_PLUGIN_ABI,
	.opts = no_opts,
	.state_size = sizeof(struct constant),
	.init = init,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
