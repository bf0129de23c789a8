#include "dist/bound.h"

#include <errno.h>
#include <math.h>

/* Uniform: F(x) = (x - min) / (max - min). Mean the middle, variance (max - min)^2 / 12. */
struct uniform {
	double min, span;
};

struct uniform_conf {
	struct sp_quantity min, max;
};

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct uniform_conf *c = args->conf;
	struct uniform *u = st;

	if (!c->min.unit != !c->max.unit && !c->max.unit)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "min is given, but no max");
	u->min = sp_dist_value(&c->min, 0);
	u->span = sp_dist_value(&c->max, 2) - u->min;
	if (u->span > 0 && isfinite(u->span))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "min is %g and max is %g", u->min,
		       u->min + u->span);
}

static void draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	const struct uniform *u = st;

	for (uint32_t i = 0; i < n; i++)
		v[i] = u->min + u->span * sp_rng_unit(rng);
}

static double cdf(const void *st, double x)
{
	const struct uniform *u = st;
	double at = (x - u->min) / u->span;

	return at <= 0 ? 0 : at >= 1 ? 1 : at;
}

static bool moments(const void *st, double *mean, double *var)
{
	const struct uniform *u = st;

	*mean = u->min + u->span / 2;
	*var = u->span * u->span / 12;
	return true;
}

#define AT(member) offsetof(struct uniform_conf, member)
static const struct sp_opt opts[] = {
	{ "min", SP_OPT_QUANTITY, AT(min), NULL, NULL, 0, 0, "least value (0)" },
	{ "max", SP_OPT_QUANTITY, AT(max), NULL, NULL, 0, 0, "largest value" },
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_uniform = {
	.name = "uniform",
	.summary = "every value between min and max alike",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct uniform_conf),
	.state_size = sizeof(struct uniform),
	.init = init,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
