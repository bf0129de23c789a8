/* What continuous laws share: bounds. A law between min and max is the law under the condition that
 * the value lies there (values outside are drawn again), so that its distribution function is
 * (F(x) - F(min)) / (F(max) - F(min)), and its moments come by integration of that. */
#ifndef SP_DIST_BOUND_H
#define SP_DIST_BOUND_H

#include "plugin/dist.h"

/* A law by itself. */
struct sp_dist_law {
	double (*one)(const void *st, struct sp_rng *); /* HOT */
	double (*cdf)(const void *st, double x);
};

/* The head of the state of each law that uses this. */
struct sp_dist_bound {
	const struct sp_dist_law *law;
	double min, max; /* infinite: none */
	double f_min, f_span;
	double mean, var; /* of the law within the bounds; mean NAN: it has none */
};

/* The two rows that such a law's settings end with. */
#define SP_DIST_BOUND_ROWS(conf)                                                               \
	{ "min",                                                                               \
	  SP_OPT_QUANTITY,                                                                     \
	  offsetof(conf, min),                                                                 \
	  NULL,                                                                                \
	  NULL,                                                                                \
	  0,                                                                                   \
	  0,                                                                                   \
	  "no value below; such are drawn again" },                                            \
	{                                                                                      \
		"max", SP_OPT_QUANTITY, offsetof(conf, max), NULL, NULL, 0, 0,                 \
			"no value above; such are drawn again"                                 \
	}

/* Cold, after everything else of the state is filled. mean (NAN: none) and var are those without
 * bounds; a heavy tail needs a bound on its side for there to be a mean. Errors: usage. */
int sp_dist_bound_init(void *st, const struct sp_dist_law *, const struct sp_quantity *min,
		       const struct sp_quantity *max, double mean, double var, struct sp_err *);
/* The operations of these names, for states with that head. */
void sp_dist_bound_draw(void *st, struct sp_rng *, double *v, uint32_t n); /* HOT */
double sp_dist_bound_cdf(const void *st, double x);
bool sp_dist_bound_moments(const void *st, double *mean, double *var);
/* A parameter's value, or that which it has when it is not given. */
double sp_dist_value(const struct sp_quantity *, double dflt);
/* -EINVAL with a sentence unless v is a finite number above 0. */
int sp_dist_positive(const char *name, double v, struct sp_err *);

#endif
