/* Statistics of two small samples, without any law assumed: medians, rank tests, intervals. Cold
 * code; arrays are the caller's. */
#ifndef SP_CORE_STATS_H
#define SP_CORE_STATS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/* Samples are at most this long: see sp_stats_batch. */
#define SP_STATS_MAX 256u

/* An interval with the probability that it really has ("at least 95 %" is rarely exact for
 * ranks). NAN where the sample is too small for any. */
struct sp_interval {
	double low, high;
};

/* Sorts v in place. NAN when n is 0. */
double sp_stats_median(double *v, size_t n);
/* At least 95 % confidence for the median, by order statistics: the k-th and the (n+1-k)-th value,
 * k from the binomial law (David and Nagaraja, Order Statistics, 7.1). v is sorted. Needs n >= 6. */
struct sp_interval sp_stats_median_interval(const double *v, size_t n);

/* Means of consecutive batches: shortens a series to at most max values, and makes neighbours less
 * alike (Law and Kelton, batch means). What does not fill a batch at the end is left out.
 * Returns the new length. */
size_t sp_stats_batch(double *v, size_t n, size_t max);

struct sp_two_samples {
	double p;     /* two-sided Mann-Whitney; NAN when a side is empty */
	bool exact;   /* the permutation law with midranks; else the normal approximation */
	double shift; /* Hodges-Lehmann: the median of all differences b - a */
	struct sp_interval
		shift_interval; /* at least 95 %, by ordered differences (Moses); NAN where
					      both sides are too small */
};

/* Compares two independent samples of at most SP_STATS_MAX values. Sorts both. 0 or -ENOMEM. */
int sp_stats_compare(const struct sp_mem *, double *a, size_t na, double *b, size_t nb,
		     struct sp_two_samples *);

/* Holm's step-down correction (1979) for n tests made at once; p values in place, NAN are left
 * alone and not counted. */
void sp_stats_holm(double *p, size_t n);

#endif
