#include "plugin/dist.h"

#include <errno.h>
#include <math.h>

/* Bursts: on-times and off-times alternate, each of a law of its own, and departures have gaps of a
 * third on a clock that runs in the on-times only. With heavy tails (pareto, shape between 1 and 2)
 * many such streams together are self-similar (Willinger et al. 1997). D-ITG's -B.
 *
 * Mean E gap (E on + E off) / E on: the share of on-times in all time, by renewal. The gaps depend on
 * each other and their distribution has no formula: cdf is unknown. */
struct onoff {
	const struct sp_dist_part *part;
	double left; /* of the on-time */
	bool begun;
};

enum { ON, OFF, GAP };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	struct onoff *o = st;
	double mean, var;

	o->part = args->parts;
	for (unsigned i = 0; i < 3; i++) {
		const struct sp_dist *d = &args->parts[i].dist;

		if (!d->ops && i < GAP)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "no law of %s is given",
				       i ? "off" : "on");
		if (!d->ops)
			continue;
		if (!d->ops->moments(d->state, &mean, &var) || !(mean > 0) || isinf(mean))
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "the law of %s has no mean above zero",
				       i == ON	  ? "on"
				       : i == OFF ? "off"
						  : "gap");
	}
	return 0;
}

/* Never below zero, whatever the law. */
static double one(const struct onoff *o, unsigned i, struct sp_rng *rng)
{
	const struct sp_dist *d = &o->part[i].dist;
	double v = 1;

	if (d->ops)
		d->ops->draw(d->state, rng, &v, 1);
	return v > 0 ? v : 0;
}

static void draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	struct onoff *o = st;

	if (!o->begun) {
		o->left = one(o, ON, rng);
		o->begun = true;
	}
	for (uint32_t i = 0; i < n; i++) {
		double gap = one(o, GAP, rng);
		unsigned tries = 0;

		v[i] = gap;
		/* A law whose on-times are all but zero must not hold up the worker. */
		while (gap > o->left && tries++ < 1000) {
			gap -= o->left;
			v[i] += one(o, OFF, rng);
			o->left = one(o, ON, rng);
		}
		o->left -= gap;
	}
}

static double cdf(const void *st, double x)
{
	(void)st, (void)x;
	return (double)NAN;
}

static bool moments(const void *st, double *mean, double *var)
{
	const struct onoff *o = st;
	double m[3] = { 1, 1, 1 };

	for (unsigned i = 0; i < 3; i++)
		if (o->part[i].dist.ops)
			o->part[i].dist.ops->moments(o->part[i].dist.state, &m[i], var);
	*mean = m[GAP] * (m[ON] + m[OFF]) / m[ON];
	*var = (double)NAN;
	return true;
}

static const struct sp_opt no_opts[] = { { .name = NULL } };
static const char *const parts[] = { "on", "off", "gap", NULL };

const struct sp_dist_ops sp_dist_onoff = {
	.name = "onoff",
	.summary = "bursts: on-times and off-times of any two laws, gaps of a third within",
	.abi = SP_PLUGIN_ABI,
	.opts = no_opts,
	.state_size = sizeof(struct onoff),
	.parts = parts,
	.init = init,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
