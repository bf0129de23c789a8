#include "report/series.h"

#include <math.h>

size_t sp_rows(const struct sp_result *r)
{
	return r->role == SP_ROLE_RECV ? r->n_flows : r->n_streams;
}

const struct sp_measure *sp_row_measure(const struct sp_result *r, size_t i)
{
	return r->role == SP_ROLE_RECV ? &r->flows[i].m : &r->streams[i].m;
}

const char *sp_row_name(const struct sp_result *r, size_t i)
{
	return r->role == SP_ROLE_RECV ? r->flows[i].src : r->streams[i].name;
}

void sp_series_init(struct sp_series *s, const struct sp_mem *mem)
{
	*s = (struct sp_series){ .mem = mem };
}

void sp_series_fini(struct sp_series *s)
{
	sp_free(s->mem, s->last);
	sp_series_init(s, s->mem);
}

/* The number of flows grows during a run of recv. */
static bool reserve(struct sp_series *s, size_t n)
{
	size_t cap = n > s->cap * 2 ? n : s->cap * 2;
	struct sp_counts *last;

	if (n <= s->cap)
		return true;
	last = sp_alloc_array(s->mem, cap, sizeof *last);
	if (!last)
		return false;
	sp_free(s->mem, s->last);
	s->last = last;
	s->cap = cap;
	return true;
}

void sp_series_keep(struct sp_series *s, const struct sp_event *ev)
{
	const struct sp_result *r = ev->result;
	size_t n = 1 + sp_rows(r);

	s->t_ns = ev->t_ns;
	s->n = 0;
	if (!reserve(s, n))
		return;
	s->last[0] = r->total.c;
	for (size_t i = 1; i < n; i++)
		s->last[i] = sp_row_measure(r, i - 1)->c;
	s->n = n;
}

bool sp_series_delta(const struct sp_series *s, size_t i, const struct sp_counts *now,
		     enum sp_counter c, int64_t *delta)
{
	/* At T0, and for a stream that has come since, there was nothing. */
	bool fresh = i >= s->n && (s->t_ns == 0 || s->n > 0);

	if (!sp_counts_has(now, c))
		return false;
	if (fresh) {
		*delta = (int64_t)now->v[c];
		return true;
	}
	if (i >= s->n || !sp_counts_has(&s->last[i], c))
		return false;
	*delta = (int64_t)(now->v[c] - s->last[i].v[c]);
	return true;
}

double sp_series_rate(const struct sp_series *s, size_t i, const struct sp_counts *now,
		      enum sp_counter c, uint64_t now_ns)
{
	int64_t delta;

	if (now_ns <= s->t_ns || !sp_series_delta(s, i, now, c, &delta))
		return NAN;
	return (double)delta * 1e9 / (double)(now_ns - s->t_ns);
}
