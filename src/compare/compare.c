#include "compare/compare.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The fewest repeats a side from which a rank test can say anything at 5 %. */
#define ENOUGH_RUNS 4u
#define ALPHA	    0.05

struct sample {
	double v[SP_STATS_MAX];
	size_t n;
};

static void from_runs(struct sample *s, const struct sp_compared_run *runs, size_t n,
		      unsigned metric)
{
	s->n = 0;
	for (size_t i = 0; i < n && s->n < SP_STATS_MAX; i++)
		if (!isnan(runs[i].value[metric]))
			s->v[s->n++] = runs[i].value[metric];
}

/* -ENOMEM, 0 */
static int from_seconds(struct sample *s, const struct sp_compared_run *run, unsigned metric,
			const struct sp_mem *mem)
{
	const struct sp_series *in = &run->series[metric];
	double *copy;

	s->n = 0;
	if (in->n == 0)
		return 0;
	copy = sp_alloc_array(mem, in->n, sizeof *copy);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, in->v, in->n * sizeof *copy);
	s->n = sp_stats_batch(copy, in->n, SP_COMPARE_BATCHES);
	memcpy(s->v, copy, s->n * sizeof *copy);
	sp_free(mem, copy);
	return 0;
}

static int test(const struct sp_mem *mem, struct sp_compared_metric *m, struct sample *a,
		struct sample *b)
{
	if (a->n < ENOUGH_RUNS || b->n < ENOUGH_RUNS)
		return 0;
	m->na = a->n;
	m->nb = b->n;
	if (sp_stats_compare(mem, a->v, a->n, b->v, b->n, &m->test))
		return -ENOMEM;
	/* They are sorted now. */
	m->apart = a->v[a->n - 1] < b->v[0] || b->v[b->n - 1] < a->v[0];
	m->a_interval = sp_stats_median_interval(a->v, a->n);
	m->b_interval = sp_stats_median_interval(b->v, b->n);
	m->p = m->test.p;
	return 0;
}

static int one_metric(struct sp_comparison *c, const struct sp_mem *mem, unsigned i)
{
	struct sp_compared_metric *m = &c->m[i];
	struct sample a, b;

	from_runs(&a, c->a, c->na, i);
	from_runs(&b, c->b, c->nb, i);
	m->a = sp_stats_median(a.v, a.n);
	m->b = sp_stats_median(b.v, b.n);
	if (isnan(m->a) || isnan(m->b))
		return 0;
	if (c->by_seconds && (from_seconds(&a, c->a, i, mem) || from_seconds(&b, c->b, i, mem)))
		return -ENOMEM;
	return test(mem, m, &a, &b);
}

static size_t enough_for(size_t tested)
{
	double ways = 6; /* C(2n, n), n = 2 */
	size_t n = 2;

	while (2 / ways * (double)tested >= ALPHA && n < SP_STATS_MAX) {
		n++;
		ways *= (double)(2 * n - 1) * 2 / (double)n;
	}
	return n;
}

int sp_compare(struct sp_comparison *c, const struct sp_mem *mem,
	       const struct sp_compared_run *a, size_t na, const struct sp_compared_run *b,
	       size_t nb)
{
	double p[SP_COMPARE_METRICS];

	*c = (struct sp_comparison){
		.a = a, .b = b, .na = na, .nb = nb, .by_seconds = na == 1 && nb == 1
	};
	for (unsigned i = 0; i < SP_COMPARE_METRICS; i++) {
		c->m[i] = (struct sp_compared_metric){
			.a = NAN,
			.b = NAN,
			.a_interval = { NAN, NAN },
			.b_interval = { NAN, NAN },
			.test = { .p = NAN, .shift = NAN, .shift_interval = { NAN, NAN } },
			.p = NAN
		};
		if (sp_metrics[i].name && one_metric(c, mem, i))
			return -ENOMEM;
		p[i] = c->m[i].p;
	}
	sp_stats_holm(p, SP_COMPARE_METRICS);
	for (unsigned i = 0; i < SP_COMPARE_METRICS; i++) {
		c->m[i].p = p[i];
		c->m[i].differs = p[i] < ALPHA;
		c->tested += isnan(p[i]) ? 0 : 1;
		c->different += c->m[i].differs;
	}
	c->enough = enough_for(c->tested);
	return 0;
}
