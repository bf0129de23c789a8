#include "core/stats.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Up to so many values in all, the exact law of the rank sum is computed. */
#define EXACT_MAX 60u
#define ALPHA	  0.05

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double middle(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2;
}

double sp_stats_median(double *v, size_t n)
{
	if (n == 0)
		return NAN;
	qsort(v, n, sizeof *v, by_value);
	return middle(v, n);
}

struct sp_interval sp_stats_median_interval(const double *v, size_t n)
{
	double term = pow(0.5, (double)n), sum = 0;
	size_t k = 0;

	/* The largest k with P(Binomial(n, 1/2) < k) <= alpha / 2. */
	while (k < n && sum + term <= ALPHA / 2) {
		sum += term;
		term *= (double)(n - k) / (double)(k + 1);
		k++;
	}
	if (k == 0)
		return (struct sp_interval){ NAN, NAN };
	return (struct sp_interval){ v[k - 1], v[n - k] };
}

size_t sp_stats_batch(double *v, size_t n, size_t max)
{
	size_t each = (n + max - 1) / max, batches;

	if (n <= max)
		return n;
	batches = n / each;
	for (size_t i = 0; i < batches; i++) {
		double sum = 0;

		for (size_t k = 0; k < each; k++)
			sum += v[i * each + k];
		v[i] = sum / (double)each;
	}
	return batches;
}

struct ranked {
	double value;
	uint32_t rank2; /* twice the midrank */
	bool of_b;
};

static int by_ranked(const void *a, const void *b)
{
	return by_value(&((const struct ranked *)a)->value, &((const struct ranked *)b)->value);
}

/* Fills r with both samples in order and twice their midranks; returns the sum of (t^3 - t) over
 * ties. */
static double rank_all(struct ranked *r, const double *a, size_t na, const double *b, size_t nb)
{
	size_t n = na + nb, next;
	double ties = 0;

	for (size_t i = 0; i < n; i++)
		r[i] = i < na ? (struct ranked){ .value = a[i] }
			      : (struct ranked){ .value = b[i - na], .of_b = true };
	qsort(r, n, sizeof *r, by_ranked);
	for (size_t i = 0; i < n; i = next) {
		double t;

		for (next = i + 1; next < n && r[next].value <= r[i].value;)
			next++;
		for (size_t k = i; k < next; k++)
			r[k].rank2 = (uint32_t)(i + 1 + next);
		t = (double)(next - i);
		ties += t * t * t - t;
	}
	return ties;
}

/* P(|sum of nb of the ranks - its mean| >= distance) over all choices; ways[k][s] of choosing k
 * ranks that add up to s. */
static double exact_p(const struct sp_mem *mem, const struct ranked *r, size_t n, size_t nb,
		      uint64_t sum2)
{
	size_t top = n * (n + 1), width = top + 1;
	double *ways = sp_alloc_array(mem, (nb + 1) * width, sizeof *ways);
	double all = 0, far = 0;
	int64_t twice_mean = (int64_t)(nb * (n + 1)), off = (int64_t)sum2 - twice_mean;

	if (!ways)
		return NAN;
	ways[0] = 1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1 < nb ? i + 1 : nb; k > 0; k--)
			for (size_t s = top; s >= r[i].rank2; s--)
				ways[k * width + s] += ways[(k - 1) * width + s - r[i].rank2];
	for (size_t s = 0; s <= top; s++) {
		all += ways[nb * width + s];
		if (llabs((int64_t)s - twice_mean) >= llabs(off))
			far += ways[nb * width + s];
	}
	sp_free(mem, ways);
	return far / all;
}

/* With the tie correction and the continuity correction (Hollander and Wolfe, 4.1). */
static double normal_p(size_t na, size_t nb, double ties, uint64_t sum2)
{
	double n = (double)(na + nb), a = (double)na, b = (double)nb;
	double var = a * b / 12 * (n + 1 - ties / (n * (n - 1)));
	double off = fabs((double)sum2 / 2 - b * (n + 1) / 2) - 0.5;

	if (var <= 0 || off <= 0)
		return 1;
	return erfc(off / sqrt(var) / sqrt(2));
}

/* The count of ordered differences to leave out at each end: P(U < c) <= alpha / 2. */
static size_t moses(const struct sp_mem *mem, size_t na, size_t nb, int *err)
{
	size_t pairs = na * nb, width = pairs + 1, c = 0;
	double *ways, all = 0, sum = 0;

	if (na + nb > EXACT_MAX) {
		double a = (double)na, b = (double)nb;
		double half = 1.959964 * sqrt(a * b * (a + b + 1) / 12);

		return half < a * b / 2 ? (size_t)(a * b / 2 - half) : 0;
	}
	/* The law of U without ties: nb of n ranks, their sum less the smallest possible. */
	ways = sp_alloc_array(mem, (nb + 1) * width, sizeof *ways);
	if (!ways) {
		*err = -ENOMEM;
		return 0;
	}
	ways[0] = 1;
	for (size_t i = 0; i < na + nb; i++)
		for (size_t k = i + 1 < nb ? i + 1 : nb; k > 0; k--)
			/* rank i as the k-th smallest adds i + 1 - k to U */
			for (size_t u = pairs + 1; u-- > i + 1 - k;)
				ways[k * width + u] += ways[(k - 1) * width + u - (i + 1 - k)];
	for (size_t u = 0; u <= pairs; u++)
		all += ways[nb * width + u];
	while (c <= pairs && sum + ways[nb * width + c] <= ALPHA / 2 * all)
		sum += ways[nb * width + c++];
	sp_free(mem, ways);
	return c;
}

static int shift_of(const struct sp_mem *mem, const double *a, size_t na, const double *b,
		    size_t nb, struct sp_two_samples *out)
{
	size_t n = na * nb, c;
	double *d = sp_alloc_array(mem, n, sizeof *d);
	int err = 0;

	if (!d)
		return -ENOMEM;
	for (size_t i = 0; i < na; i++)
		for (size_t k = 0; k < nb; k++)
			d[i * nb + k] = b[k] - a[i];
	out->shift = sp_stats_median(d, n);
	c = moses(mem, na, nb, &err);
	if (c > 0 && c <= n / 2)
		out->shift_interval = (struct sp_interval){ d[c - 1], d[n - c] };
	sp_free(mem, d);
	return err;
}

int sp_stats_compare(const struct sp_mem *mem, double *a, size_t na, double *b, size_t nb,
		     struct sp_two_samples *out)
{
	struct ranked *r;
	uint64_t sum2 = 0;
	double ties;

	*out = (struct sp_two_samples){ .p = NAN,
					.shift = NAN,
					.shift_interval = { NAN, NAN } };
	if (na == 0 || nb == 0)
		return 0;
	r = sp_alloc_array(mem, na + nb, sizeof *r);
	if (!r)
		return -ENOMEM;
	ties = rank_all(r, a, na, b, nb);
	for (size_t i = 0; i < na + nb; i++)
		sum2 += r[i].of_b ? r[i].rank2 : 0;
	out->exact = na + nb <= EXACT_MAX;
	out->p = out->exact ? exact_p(mem, r, na + nb, nb, sum2) : normal_p(na, nb, ties, sum2);
	sp_free(mem, r);
	if (isnan(out->p))
		return -ENOMEM;
	return shift_of(mem, a, na, b, nb, out);
}

void sp_stats_holm(double *p, size_t n)
{
	size_t tests = 0, done = 0;
	double floor = 0;

	for (size_t i = 0; i < n; i++)
		tests += isnan(p[i]) ? 0 : 1;
	/* Smallest first; a handled one is marked by its sign. */
	for (; done < tests; done++) {
		size_t least = n;

		for (size_t i = 0; i < n; i++)
			if (!isnan(p[i]) && !signbit(p[i]) && (least == n || p[i] < p[least]))
				least = i;
		floor = fmax(floor, fmin(1, p[least] * (double)(tests - done)));
		p[least] = -floor;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = fabs(p[i]);
}
