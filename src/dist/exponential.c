#include "plugin/dist.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Inverse transform: -mean * ln(u), u uniform in (0, 1).
 *
 * The logarithm is our own, because libm's may differ in the last bit from version to version,
 * and the same seed must give the same packets everywhere. This one uses nothing but + - * / on
 * doubles, each of which IEEE 754 rounds in one way only, in an order that is written down; the
 * build forbids the compiler to fuse them (-ffp-contract=off). */
struct exponential {
	double mean;
};

/* ln x for normal x > 0: x = 2^k * m with m from sqrt(1/2) to sqrt(2), and
 * ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172, as its series up to s^19.
 * Near x = 1, k is 0 and s small but exact to the last bit, so the relative error stays small. */
static double natural_log(double x)
{
	const double ln2_high = 0x1.62e42feep-1; /* few bits: k times it is exact */
	const double ln2_low = 0x1.a39ef35793c76p-33;
	const uint64_t half_bits = 0x3fe6a09e667f3bcd; /* sqrt(1/2) */
	uint64_t bits, shifted;
	double m, s, z, sum;
	int64_t k;

	memcpy(&bits, &x, sizeof bits);
	shifted = bits - half_bits;
	k = (int64_t)shifted >> 52;
	bits -= (uint64_t)k << 52;
	memcpy(&m, &bits, sizeof m);
	s = (m - 1) / (m + 1);
	z = s * s;
	sum = 1.0 / 19;
	sum = sum * z + 1.0 / 17;
	sum = sum * z + 1.0 / 15;
	sum = sum * z + 1.0 / 13;
	sum = sum * z + 1.0 / 11;
	sum = sum * z + 1.0 / 9;
	sum = sum * z + 1.0 / 7;
	sum = sum * z + 1.0 / 5;
	sum = sum * z + 1.0 / 3;
	sum = 2 * s + 2 * s * z * sum;
	return (double)k * ln2_high + ((double)k * ln2_low + sum);
}

static int init(void *st, const void *conf, double mean, struct sp_err *err)
{
	struct exponential *e = st;

	(void)conf;
	if (!(mean > 0) || isinf(mean))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "exponential: the mean is %g; it must be a number above 0",
			       mean);
	e->mean = mean;
	return 0;
}

static void draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	const struct exponential *e = st;

	for (uint32_t i = 0; i < n; i++)
		v[i] = -e->mean * natural_log(sp_rng_unit(rng));
}

static double cdf(const void *st, double x)
{
	const struct exponential *e = st;

	return x > 0 ? -expm1(-x / e->mean) : 0;
}

static bool moments(const void *st, double *mean, double *var)
{
	const struct exponential *e = st;

	*mean = e->mean;
	*var = e->mean * e->mean;
	return true;
}

static const struct sp_opt no_opts[] = { { .name = NULL } };

const struct sp_dist_ops sp_dist_exponential = {
	.name = "exponential",
	.summary = "gaps of a Poisson process",
	.abi = SP_PLUGIN_ABI,
	.opts = no_opts,
	.state_size = sizeof(struct exponential),
	.init = init,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
