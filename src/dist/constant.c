#include "dist/bound.h"

#include <errno.h>
#include <math.h>

/* Always the same. F is 0 below the value and 1 from it on. Variance 0. */
struct constant {
	double value;
};

struct constant_conf {
	struct sp_quantity value;
};

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct constant_conf *conf = args->conf;
	struct constant *c = st;

	c->value = sp_dist_value(&conf->value, 1);
	if (c->value >= 0 && isfinite(c->value))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "value is %g; it must be a number from 0 up", c->value);
}

static void draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	const struct constant *c = st;

	(void)rng;
	for (uint32_t i = 0; i < n; i++)
		v[i] = c->value;
}

static double cdf(const void *st, double x)
{
	const struct constant *c = st;

	return x < c->value ? 0 : 1;
}

static bool moments(const void *st, double *mean, double *var)
{
	const struct constant *c = st;

	*mean = c->value;
	*var = 0;
	return true;
}

static const struct sp_opt opts[] = {
	{ "value", SP_OPT_QUANTITY, offsetof(struct constant_conf, value), NULL, NULL, 0, 0,
	  "the value" },
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_constant = {
	.name = "constant",
	.summary = "always the same",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct constant_conf),
	.state_size = sizeof(struct constant),
	.init = init,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
