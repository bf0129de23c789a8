#include "report/hgrm.h"

#include <math.h>

#include "report/fmt.h"

#define TICKS_PER_HALF 5

/* The next percentile to print, as HdrHistogram's PercentileIterator steps: five lines for each
 * halving of the distance to 100 %. */
static double next_level(double level)
{
	double half = exp2(floor(log2(100.0 / (100.0 - level))) + 1);

	return level + 100.0 / (half * TICKS_PER_HALF);
}

static void put_line(struct sp_str *out, double value_ns, double level, uint64_t count)
{
	char v[SP_FMT_FIGURE], p[SP_FMT_FIGURE], odds[SP_FMT_FIGURE];

	sp_fmt_right(out, sp_fmt_fixed(v, sizeof v, value_ns / 1e3, 3), 12);
	sp_fmt_right(out, sp_fmt_fixed(p, sizeof p, level / 100.0, 12), 15);
	sp_str_printf(out, " %10llu", (unsigned long long)count);
	if (level < 100.0) {
		sp_fmt_fixed(odds, sizeof odds, 1 / (1 - level / 100.0), 2);
		sp_fmt_right(out, odds, 15);
	}
	sp_str_puts(out, "\n");
}

/* The highest value that bucket i may hold. */
static double bucket_top(const struct sp_hist *h, unsigned i)
{
	double top = i + 1 < SP_HIST_BUCKETS ? (double)(sp_hist_low(i + 1) - 1)
					     : (double)h->max;

	return top < (double)h->max ? top : (double)h->max;
}

/* Lines up to count values, all of them at most value_ns. */
static void put_until(struct sp_str *out, const struct sp_hist *h, double value_ns,
		      uint64_t count, double *level)
{
	while (count < h->n && 100.0 * (double)count / (double)h->n >= *level) {
		put_line(out, value_ns, *level, count);
		*level = next_level(*level);
	}
}

static double mean_of(const struct sp_hist *h)
{
	return h->n ? (double)h->sum / (double)h->n : 0;
}

/* By the middles of the buckets. */
static double deviation(const struct sp_hist *h)
{
	double mean = mean_of(h), sum = (double)h->negative * pow((double)h->min - mean, 2);

	for (unsigned i = 0; i < SP_HIST_BUCKETS; i++)
		if (h->b[i])
			sum += (double)h->b[i] *
			       pow(((double)sp_hist_low(i) + bucket_top(h, i)) / 2 - mean, 2);
	return h->n ? sqrt(sum / (double)h->n) : 0;
}

static void put_foot(struct sp_str *out, const struct sp_hist *h)
{
	char a[SP_FMT_FIGURE], b[SP_FMT_FIGURE];

	sp_str_puts(out, "#[Mean    = ");
	sp_fmt_right(out, sp_fmt_fixed(a, sizeof a, mean_of(h) / 1e3, 3), 12);
	sp_str_puts(out, ", StdDeviation   = ");
	sp_fmt_right(out, sp_fmt_fixed(b, sizeof b, deviation(h) / 1e3, 3), 12);
	sp_str_puts(out, "]\n#[Max     = ");
	sp_fmt_fixed(a, sizeof a, h->n ? (double)h->max / 1e3 : 0, 3);
	sp_fmt_right(out, a, 12);
	sp_str_printf(out, ", Total count    = %12llu]\n", (unsigned long long)h->n);
	sp_str_printf(out, "#[Buckets = %12u, SubBuckets     = %12u]\n", SP_HIST_OCTAVES + 1,
		      SP_HIST_SUB);
}

void sp_report_hgrm(struct sp_str *out, const struct sp_hist *h)
{
	uint64_t count = h->negative;
	double level = 0;

	sp_str_printf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		      "1/(1-Percentile)");
	if (count)
		put_until(out, h, (double)h->min, count, &level);
	for (unsigned i = 0; i < SP_HIST_BUCKETS && count < h->n; i++) {
		count += h->b[i];
		if (h->b[i])
			put_until(out, h, bucket_top(h, i), count, &level);
	}
	if (h->n)
		put_line(out, (double)h->max, 100.0, h->n);
	put_foot(out, h);
}
