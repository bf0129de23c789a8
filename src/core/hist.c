#include "core/hist.h"

uint64_t sp_hist_low(unsigned i)
{
	unsigned shift;

	if (i < 2 * SP_HIST_SUB)
		return i;
	shift = i / SP_HIST_SUB - 1;
	return (uint64_t)(i % SP_HIST_SUB + SP_HIST_SUB) << shift;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	if (v < low)
		return low;
	return v > high ? high : v;
}

/* The 1-based rank that stands at quantile q of n. */
static uint64_t rank_of(double q, uint64_t n)
{
	double r = q * (double)n;
	uint64_t k;

	if (!(r > 1))
		return 1;
	if (r >= (double)n)
		return n;
	k = (uint64_t)r;
	return (double)k < r ? k + 1 : k;
}

int64_t sp_hist_quantile(const struct sp_hist *h, double q)
{
	uint64_t rank = rank_of(q, SP_LOAD(h->n)), seen = SP_LOAD(h->negative), low, width;
	unsigned i = 0;

	if (rank <= seen)
		return SP_LOAD(h->min);
	for (; i < SP_HIST_BUCKETS - 1; i++) {
		seen += SP_LOAD(h->b[i]);
		if (seen >= rank)
			break;
	}
	low = sp_hist_low(i);
	width = sp_hist_low(i + 1) - low;
	return clamp((int64_t)(low + (width - 1) / 2), SP_LOAD(h->min), SP_LOAD(h->max));
}

void sp_hist_merge(struct sp_hist *into, const struct sp_hist *from)
{
	uint64_t n = SP_LOAD(from->n);
	int64_t min = SP_LOAD(from->min), max = SP_LOAD(from->max);

	if (n == 0)
		return;
	if (into->n == 0 || min < into->min)
		into->min = min;
	if (into->n == 0 || max > into->max)
		into->max = max;
	into->n += n;
	into->negative += SP_LOAD(from->negative);
	into->sum += sp_hist_sum(from);
	for (unsigned i = 0; i < SP_HIST_BUCKETS; i++)
		into->b[i] += SP_LOAD(from->b[i]);
}

void sp_hist_summary(const struct sp_hist *h, struct sp_summary *s)
{
	*s = (struct sp_summary){ .clock_error = -1 };
	s->n = SP_LOAD(h->n);
	if (s->n == 0)
		return;
	s->known = true;
	s->negative = SP_LOAD(h->negative);
	s->min = SP_LOAD(h->min);
	s->max = SP_LOAD(h->max);
	s->p50 = sp_hist_quantile(h, 0.5);
	s->p90 = sp_hist_quantile(h, 0.9);
	s->p99 = sp_hist_quantile(h, 0.99);
	s->p999 = sp_hist_quantile(h, 0.999);
	s->mean = (double)sp_hist_sum(h) / (double)s->n;
}

void sp_sketch_halve(struct sp_sketch *s)
{
	for (unsigned i = 0; i < SP_SKETCH_BUCKETS; i++)
		SP_STORE(s->b[i], s->b[i] / 2);
}

int64_t sp_sketch_quantile(const struct sp_sketch *s, double q)
{
	uint64_t n = 0, seen = 0, rank, half;
	unsigned i = 0;

	for (unsigned k = 0; k < SP_SKETCH_BUCKETS; k++)
		n += SP_LOAD(s->b[k]);
	if (n == 0)
		return 0;
	rank = rank_of(q, n);
	for (; i < SP_SKETCH_BUCKETS - 1; i++) {
		seen += SP_LOAD(s->b[i]);
		if (seen >= rank)
			break;
	}
	half = 32ull << i / 2; /* width of the bucket: half an octave */
	return (int64_t)((2 + (i & 1)) * half + half / 2);
}

void sp_sketch_merge(struct sp_sketch *into, const struct sp_sketch *from)
{
	for (unsigned i = 0; i < SP_SKETCH_BUCKETS; i++) {
		uint64_t sum = (uint64_t)into->b[i] + from->b[i];

		into->b[i] = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX - 1;
	}
}
