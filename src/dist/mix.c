#include "plugin/dist.h"

#include <errno.h>
#include <math.h>

/* A discrete mixture: each value is of one of several laws, chosen by their weights. F is the
 * weighted sum of theirs. */
struct mix {
	const struct sp_dist_part *part;
	uint32_t n;
	double up_to[SP_DIST_PARTS]; /* the sum of the weights so far, of 1 */
};

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	struct mix *m = st;
	double sum = 0, so_far = 0;

	if (!args->n_parts)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "it needs laws with weights, such as "
			       "mix(0.6*exponential(mean=2ms)+0.4*constant(10ms))");
	for (uint32_t i = 0; i < args->n_parts; i++)
		sum += args->parts[i].weight;
	if (!(sum > 0) || !isfinite(sum))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "the weights add up to %g", sum);
	m->part = args->parts;
	m->n = args->n_parts;
	for (uint32_t i = 0; i < m->n; i++) {
		so_far += args->parts[i].weight;
		m->up_to[i] = so_far / sum;
	}
	m->up_to[m->n - 1] = 1;
	return 0;
}

static void draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	const struct mix *m = st;

	for (uint32_t i = 0; i < n; i++) {
		double u = sp_rng_unit(rng);
		uint32_t k = 0;

		while (u > m->up_to[k])
			k++;
		m->part[k].dist.ops->draw(m->part[k].dist.state, rng, &v[i], 1);
	}
}

static double weight(const struct mix *m, uint32_t i)
{
	return i ? m->up_to[i] - m->up_to[i - 1] : m->up_to[0];
}

static double cdf(const void *st, double x)
{
	const struct mix *m = st;
	double sum = 0;

	for (uint32_t i = 0; i < m->n; i++)
		sum += weight(m, i) * m->part[i].dist.ops->cdf(m->part[i].dist.state, x);
	return sum;
}

static bool moments(const void *st, double *mean, double *var)
{
	const struct mix *m = st;
	double first = 0, second = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct sp_dist *d = &m->part[i].dist;
		double part_mean, part_var;

		if (!d->ops->moments(d->state, &part_mean, &part_var))
			return false;
		first += weight(m, i) * part_mean;
		second += weight(m, i) * (part_var + part_mean * part_mean);
	}
	*mean = first;
	*var = second - first * first;
	return true;
}

static const struct sp_opt no_opts[] = { { .name = NULL } };

const struct sp_dist_ops sp_dist_mix = {
	.name = "mix",
	.summary = "one of several laws, by weights",
	.abi = SP_PLUGIN_ABI,
	.opts = no_opts,
	.state_size = sizeof(struct mix),
	.mixes = true,
	.init = init,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
