#include "plugin/dist.h"

/* The simple Internet mix: frames of 64, 594 and 1518 bytes with FCS, 7 to 4 to 1. */
static const double sizes[] = { 64, 594, 1518 };
static const unsigned up_to[] = { 7, 11, 12 };

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	(void)st, (void)args, (void)err;
	return 0;
}

static void draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	(void)st;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t u = sp_rng_below(rng, 12);

		v[i] = sizes[(u >= up_to[0]) + (u >= up_to[1])];
	}
}

static double cdf(const void *st, double x)
{
	unsigned k = 0;

	(void)st;
	while (k < 3 && x >= sizes[k])
		k++;
	return k ? up_to[k - 1] / 12.0 : 0;
}

static bool moments(const void *st, double *mean, double *var)
{
	(void)st;
	*mean = (7 * 64 + 4 * 594 + 1518) / 12.0;
	*var = (7 * 64.0 * 64 + 4 * 594.0 * 594 + 1518.0 * 1518) / 12 - *mean * *mean;
	return true;
}

static const struct sp_opt no_opts[] = { { .name = NULL } };

const struct sp_dist_ops sp_dist_imix = {
	.name = "imix",
	.summary = "frames of 64, 594 and 1518 bytes, 7 to 4 to 1",
	.abi = SP_PLUGIN_ABI,
	.opts = no_opts,
	.state_size = 1,
	.frames = true,
	.bare = true,
	.init = init,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
