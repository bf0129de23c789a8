/* Log-linear histogram of nanoseconds: 64 buckets an octave (1.6 % wide: two significant
 * decimal digits), 0 to 2^42 ns (73 min); above counts in the last bucket. One writer; a reader
 * on another thread sees relaxed values. About 20 KiB, of which only touched pages cost memory.
 * Layout after HdrHistogram (Tene). */
#ifndef SP_CORE_HIST_H
#define SP_CORE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/shared.h"

#define SP_HIST_SUB	64u
#define SP_HIST_OCTAVES 36u
#define SP_HIST_BUCKETS ((SP_HIST_OCTAVES + 1) * SP_HIST_SUB)

struct sp_hist {
	uint64_t n;	   /* all that were added, negative ones too */
	uint64_t negative; /* below 0: counted, never clipped into a bucket */
	int64_t min, max;  /* exact; valid when n > 0 */
	__int128 sum;	   /* exact */
	uint64_t b[SP_HIST_BUCKETS];
};

/* Zero memory is an empty histogram. */
static inline unsigned sp_hist_index(uint64_t v)
{
	unsigned shift, i;

	if (v < SP_HIST_SUB)
		return (unsigned)v;
	shift = 57u - (unsigned)__builtin_clzll(v);
	i = (shift + 1) * SP_HIST_SUB + (unsigned)(v >> shift) - SP_HIST_SUB;
	return i < SP_HIST_BUCKETS ? i : SP_HIST_BUCKETS - 1;
}

/* The sum in two halves: a reader may see the lower one ahead of the upper one. */
typedef uint64_t __attribute__((may_alias)) sp_hist_half;

static inline void sp_hist_add_sum(struct sp_hist *h, int64_t v)
{
	sp_hist_half *half = (sp_hist_half *)&h->sum, low = half[0] + (uint64_t)v;

	if (SP_UNLIKELY((v < 0) != (low < half[0])))
		SP_ADD(half[1], v < 0 ? UINT64_MAX : 1);
	SP_STORE(half[0], low);
}

static inline __int128 sp_hist_sum(const struct sp_hist *h)
{
	const sp_hist_half *half = (const sp_hist_half *)&h->sum;

	return (__int128)((unsigned __int128)SP_LOAD(half[1]) << 64 | SP_LOAD(half[0]));
}

/* HOT */
static inline void sp_hist_add(struct sp_hist *h, int64_t v)
{
	if (h->n == 0) {
		SP_STORE(h->min, v);
		SP_STORE(h->max, v);
	} else if (v < h->min) {
		SP_STORE(h->min, v);
	} else if (v > h->max) {
		SP_STORE(h->max, v);
	}
	SP_ADD(h->n, 1);
	sp_hist_add_sum(h, v);
	if (SP_UNLIKELY(v < 0))
		SP_ADD(h->negative, 1);
	else
		SP_ADD(h->b[sp_hist_index((uint64_t)v)], 1);
}

/* HOT. The same n times 0. */
static inline void sp_hist_add_zeros(struct sp_hist *h, uint64_t n)
{
	if (!n)
		return;
	if (h->n == 0 || h->min > 0)
		SP_STORE(h->min, 0);
	if (h->n == 0 || h->max < 0)
		SP_STORE(h->max, 0);
	SP_ADD(h->n, n);
	SP_ADD(h->b[0], n);
}

/* Lowest value of bucket i, and of the one after it. */
uint64_t sp_hist_low(unsigned i);
/* The value at quantile q (0..1), the middle of its bucket, clamped to min and max; negative
 * ones stand before all buckets and read as min. Undefined when n is 0. */
int64_t sp_hist_quantile(const struct sp_hist *, double q);
/* Adds from's counts to into: exact, in any order. from may be another thread's: then its parts may
 * be a little apart. */
void sp_hist_merge(struct sp_hist *into, const struct sp_hist *from);

/* What a report says of a histogram or of any other set of times. */
struct sp_summary {
	bool known;  /* false: not measured, everything else is to be ignored */
	bool coarse; /* percentiles come from a sketch (25 % wide buckets) */
	uint64_t n, negative;
	int64_t min, p50, p90, p99, p999, max;
	double mean;
	int64_t clock_error; /* bound of the clocks' disagreement in ns; -1 = does not apply */
};
/* known is false when n is 0. */
void sp_hist_summary(const struct sp_hist *, struct sp_summary *);

/* A flow's own sketch: two buckets an octave from 64 ns, 256 bytes, for p50 and p99. */
#define SP_SKETCH_BUCKETS 64u
struct sp_sketch {
	uint32_t b[SP_SKETCH_BUCKETS];
};

/* Halves every count, which keeps the quantiles: for add(), before a count overflows. */
void sp_sketch_halve(struct sp_sketch *);

/* HOT */
static inline void sp_sketch_add(struct sp_sketch *s, uint64_t v)
{
	unsigned e, i;

	v |= 64;
	e = 63u - (unsigned)__builtin_clzll(v);
	i = (e - 6) * 2 + (unsigned)((v >> (e - 1)) & 1);
	i = i < SP_SKETCH_BUCKETS ? i : SP_SKETCH_BUCKETS - 1;
	SP_ADD(s->b[i], 1);
	if (SP_UNLIKELY(s->b[i] == UINT32_MAX))
		sp_sketch_halve(s);
}

/* The middle of the bucket at quantile q (0..1); 0 when empty. What is below 64 ns reads as up to
 * 128 ns. */
int64_t sp_sketch_quantile(const struct sp_sketch *, double q);
/* Sums, which stop at the top of 32 bits. */
void sp_sketch_merge(struct sp_sketch *into, const struct sp_sketch *from);

#endif
