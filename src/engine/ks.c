#include "engine/ks.h"

#include <math.h>

/* Where the law passes p, by halving. */
static double quantile(const struct sp_dist *d, double p, double mean)
{
	double lo = 0, hi = mean > 0 && isfinite(mean) ? mean : 1;

	while (d->ops->cdf(d->state, hi) < p && hi < 1e30)
		hi *= 2;
	for (int i = 0; i < 100 && hi - lo > 1e-9 * hi; i++) {
		double mid = (lo + hi) / 2;

		if (d->ops->cdf(d->state, mid) < p)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

static double part_at(uint32_t i)
{
	if (i == 0)
		return 0.001;
	return i == SP_KS_EDGES - 1 ? 0.999 : (double)i / (SP_KS_EDGES - 1);
}

static void put(struct sp_ks *k, double x, double f)
{
	if (k->n_edges == SP_KS_EDGES || (k->n_edges && (float)x <= k->edge[k->n_edges - 1]))
		return;
	k->edge[k->n_edges] = (float)x;
	k->f[k->n_edges++] = (float)f;
}

static void clear(struct sp_ks *k)
{
	*k = (struct sp_ks){ 0 };
	for (uint32_t i = 0; i <= SP_KS_EDGES; i++)
		k->edge[i] = (float)INFINITY;
}

bool sp_ks_init(struct sp_ks *k, const struct sp_dist *d, double mean, double tol)
{
	clear(k);
	if (isnan(d->ops->cdf(d->state, mean))) {
		for (uint32_t i = 0; i < SP_KS_EDGES; i++)
			put(k, mean * exp2((double)i / 4 - 10), 0);
		return false;
	}
	for (uint32_t i = 0; i < SP_KS_EDGES; i++) {
		double x = quantile(d, part_at(i), mean);
		double before = d->ops->cdf(d->state, x - tol);
		double behind = d->ops->cdf(d->state, x + tol);

		if (behind - before < 2.0 / (SP_KS_EDGES - 1)) {
			put(k, x, d->ops->cdf(d->state, x));
			continue;
		}
		put(k, x - tol, before);
		put(k, x + tol, behind);
	}
	return true;
}

double sp_ks_whole_cdf(const struct sp_dist *d, double less, uint32_t lo, uint32_t hi,
		       uint32_t v)
{
	if (v < lo)
		return 0;
	/* A value is rounded down from the next half on. */
	return v >= hi ? 1 : d->ops->cdf(d->state, (double)v + less + 0.5 - 1e-9);
}

void sp_ks_init_whole(struct sp_ks *k, const struct sp_dist *d, double less, uint32_t lo,
		      uint32_t hi)
{
	clear(k);
	for (uint32_t i = 0; i < SP_KS_EDGES; i++) {
		double p = part_at(i), f;
		uint32_t a = lo, b = hi;

		while (a < b) {
			uint32_t mid = a + (b - a) / 2;

			if (sp_ks_whole_cdf(d, less, lo, hi, mid) < p)
				a = mid + 1;
			else
				b = mid;
		}
		f = sp_ks_whole_cdf(d, less, lo, hi, a);
		/* The one before, too: where a step is long, all of it counts. */
		if (a > lo)
			put(k, a - 1, sp_ks_whole_cdf(d, less, lo, hi, a - 1));
		put(k, a, f);
	}
}

double sp_ks_distance(const struct sp_ks *k)
{
	double below = 0, worst = 0;

	if (k->n < SP_KS_LEAST)
		return (double)NAN;
	for (uint32_t i = 0; i < k->n_edges; i++) {
		double d;

		below += k->bin[i];
		d = fabs(below / k->n - (double)k->f[i]);
		worst = d > worst ? d : worst;
	}
	return worst;
}

double sp_ks_distance_of(const struct sp_ks *k, const struct sp_ks *asked)
{
	double below = 0, wanted = 0, worst = 0;

	if (k->n < SP_KS_LEAST || asked->n < SP_KS_LEAST)
		return (double)NAN;
	for (uint32_t i = 0; i < k->n_edges; i++) {
		double d;

		below += k->bin[i];
		wanted += asked->bin[i];
		d = fabs(below / k->n - wanted / asked->n);
		worst = d > worst ? d : worst;
	}
	return worst;
}
