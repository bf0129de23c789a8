#include "dist/bound.h"
#include "dist/math.h"

#include <errno.h>
#include <math.h>

/* Poisson: the number k of events of which mean are expected, P(k) = e^-mean mean^k / k!; F(k) =
 * 1 - P(k + 1, mean). Mean and variance are mean. The value is k times unit.
 *
 * With per it is per / k, and per for k = 0: D-ITG's -O, whose gap is 1000 ms over a Poisson
 * number of packets a second.
 *
 * Drawn by products of uniform numbers below a mean of 30 (Knuth), else by Hoermann's PTRS (1993). */
struct poisson {
	double mean, unit, per;
	double product; /* e^-mean */
	double b, a, v_r, inv_alpha, ln_mean;
};

struct poisson_conf {
	double mean;
	struct sp_quantity unit, per;
};

#define MANY	 30.0
#define MEAN_MAX 1e9

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct poisson_conf *c = args->conf;
	struct poisson *p = st;
	int rc = sp_dist_positive("mean", c->mean, err);

	p->mean = c->mean;
	p->unit = sp_dist_value(&c->unit, 1);
	p->per = sp_dist_value(&c->per, 0);
	if (!rc)
		rc = sp_dist_positive("unit", p->unit, err);
	if (!rc && c->per.unit)
		rc = sp_dist_positive("per", p->per, err);
	if (!rc && c->mean > MEAN_MAX)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "mean is %g; it is at most %g",
			     c->mean, MEAN_MAX);
	if (!rc && c->per.unit && c->unit.unit)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "unit and per do not go together");
	if (rc)
		return rc;
	p->product = sp_dist_exp(-p->mean);
	p->b = 0.931 + 2.53 * __builtin_sqrt(p->mean);
	p->a = -0.059 + 0.02483 * p->b;
	p->inv_alpha = 1.1239 + 1.1328 / (p->b - 3.4);
	p->v_r = 0.9277 - 3.6224 / (p->b - 2);
	p->ln_mean = sp_dist_ln(p->mean);
	return 0;
}

static double few(const struct poisson *p, struct sp_rng *rng)
{
	double k = 0, left = sp_rng_unit(rng);

	for (; left > p->product; k++)
		left *= sp_rng_unit(rng);
	return k;
}

static double many(const struct poisson *p, struct sp_rng *rng)
{
	for (;;) {
		double u = sp_rng_unit(rng) - 0.5, v = sp_rng_unit(rng);
		double us = 0.5 - (u < 0 ? -u : u);
		double k = __builtin_floor((2 * p->a / us + p->b) * u + p->mean + 0.43);

		if (us >= 0.07 && v <= p->v_r)
			return k;
		if (k < 0 || (us < 0.013 && v > us))
			continue;
		if (sp_dist_ln(v) + sp_dist_ln(p->inv_alpha) -
			    sp_dist_ln(p->a / (us * us) + p->b) <=
		    k * p->ln_mean - p->mean - sp_dist_ln_factorial(k))
			return k;
	}
}

static void draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	const struct poisson *p = st;

	for (uint32_t i = 0; i < n; i++) {
		double k = p->mean < MANY ? few(p, rng) : many(p, rng);

		v[i] = p->per > 0 ? p->per / (k < 1 ? 1 : k) : k * p->unit;
	}
}

/* P(number <= k). */
static double up_to(const struct poisson *p, double k)
{
	return k < 0 ? 0 : 1 - sp_dist_gamma_p(floor(k) + 1, p->mean);
}

static double cdf(const void *st, double x)
{
	const struct poisson *p = st;

	if (!(p->per > 0))
		return up_to(p, x / p->unit * (1 + 1e-14));
	if (!(x > 0))
		return 0;
	/* per / k <= x for k from per / x up; 0 counts as 1. */
	return x >= p->per ? 1 : 1 - up_to(p, ceil(p->per / x * (1 - 1e-14)) - 1);
}

/* The terms of the sum over k, outwards from the mean until they vanish. */
static void moments_per(const struct poisson *p, double *mean, double *var)
{
	double from = p->mean - 40 * sqrt(p->mean) - 40, first = 0, second = 0;

	for (double k = from > 0 ? floor(from) : 0; k < p->mean + 40 * sqrt(p->mean) + 40;
	     k++) {
		double w = exp(k * p->ln_mean - p->mean - sp_dist_ln_factorial(k));
		double x = p->per / (k < 1 ? 1 : k);

		first += w * x;
		second += w * x * x;
	}
	*mean = first;
	*var = second - first * first;
}

static bool moments(const void *st, double *mean, double *var)
{
	const struct poisson *p = st;

	*mean = p->mean * p->unit;
	*var = p->mean * p->unit * p->unit;
	if (p->per > 0)
		moments_per(p, mean, var);
	return true;
}

#define AT(member) offsetof(struct poisson_conf, member)
static const struct sp_opt opts[] = {
	{ "mean", SP_OPT_REAL, AT(mean), "1", NULL, 0, 0, "mean number" },
	{ "unit", SP_OPT_QUANTITY, AT(unit), NULL, NULL, 0, 0,
	  "the number is so many of these" },
	{ "per", SP_OPT_QUANTITY, AT(per), NULL, NULL, 0, 0,
	  "the value is this over the number instead" },
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_poisson = {
	.name = "poisson",
	.summary = "a number of events, or the time for each of them",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct poisson_conf),
	.state_size = sizeof(struct poisson),
	.bare = true,
	.init = init,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
