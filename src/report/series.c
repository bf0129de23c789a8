#include "report/series.h"

#include <math.h>
#include <string.h>

#define UNKNOWN UINT64_MAX /* in a row's place of a counter */

size_t sp_rows(const struct sp_result *r)
{
	return r->role == SP_ROLE_RECV ? r->n_flows : r->n_streams;
}

void sp_row_read(const struct sp_result *r, size_t i, struct sp_row *row)
{
	if (r->role == SP_ROLE_RECV) {
		sp_result_flow(r, i, &row->flow);
		row->m = &row->flow.m;
		row->name = *row->flow.src ? row->flow.src : NULL;
	} else {
		sp_result_stream(r, i, &row->stream);
		row->m = &row->stream.m;
		row->name = row->stream.name;
	}
}

void sp_row_counts(const struct sp_result *r, size_t i, struct sp_counts *out)
{
	if (r->role == SP_ROLE_RECV)
		r->parts->flow_counts(r->parts_arg, i, out);
	else
		r->parts->stream_counts(r->parts_arg, i, out);
}

void sp_series_init(struct sp_series *s, const struct sp_mem *mem, uint64_t which)
{
	*s = (struct sp_series){ .mem = mem, .which = which };
	for (unsigned c = 0; c < SP_C__N; c++)
		if (which >> c & 1)
			s->at[c] = (uint8_t)s->width++;
}

void sp_series_fini(struct sp_series *s)
{
	sp_free(s->mem, s->last);
	sp_series_init(s, s->mem, s->which);
}

/* The number of flows grows during a run of recv. */
static bool reserve(struct sp_series *s, size_t n)
{
	size_t cap = n > s->cap * 2 ? n : s->cap * 2;
	uint64_t *last;

	if (n <= s->cap)
		return true;
	last = sp_alloc_array(s->mem, cap, s->width * sizeof *last);
	if (!last)
		return false;
	if (s->n)
		memcpy(last, s->last, s->n * s->width * sizeof *last);
	sp_free(s->mem, s->last);
	s->last = last;
	s->cap = cap;
	return true;
}

void sp_series_open(struct sp_series *s, const struct sp_event *ev)
{
	if (s->which && !reserve(s, sp_rows(ev->result)))
		s->n = 0;
	/* Rows have moved up: which was whose is not known for this once. */
	if (s->relisted != ev->result->relisted)
		s->n = 0;
	s->relisted = ev->result->relisted;
}

void sp_series_keep(struct sp_series *s, size_t row, const struct sp_counts *c)
{
	uint64_t *last;

	if (row >= s->cap)
		return;
	last = &s->last[row * s->width];
	for (unsigned k = 0; k < SP_C__N; k++)
		if (s->which >> k & 1)
			last[s->at[k]] = sp_counts_has(c, (enum sp_counter)k) ? c->v[k]
									      : UNKNOWN;
}

void sp_series_close(struct sp_series *s, const struct sp_event *ev)
{
	size_t n = s->which ? sp_rows(ev->result) : 0;

	s->n = n <= s->cap ? n : 0;
	s->total = ev->result->total.c;
	s->total_kept = true;
	s->t_ns = ev->t_ns;
}

void sp_series_remember(struct sp_series *s, const struct sp_event *ev)
{
	struct sp_counts c;

	sp_series_open(s, ev);
	for (size_t i = 0; s->which && i < s->cap && i < sp_rows(ev->result); i++) {
		sp_row_counts(ev->result, i, &c);
		sp_series_keep(s, i, &c);
	}
	sp_series_close(s, ev);
}

/* What was then; false: unknown. At T0, and for a row that has come since, there was nothing. */
static bool then(const struct sp_series *s, size_t i, enum sp_counter c, uint64_t *v)
{
	*v = 0;
	if (!s->total_kept)
		return true;
	if (i == 0) {
		*v = s->total.v[c];
		return sp_counts_has(&s->total, c);
	}
	if (!(s->which >> c & 1))
		return false;
	if (i > s->n)
		return s->t_ns == 0 || s->n > 0;
	*v = s->last[(i - 1) * s->width + s->at[c]];
	return *v != UNKNOWN;
}

bool sp_series_delta(const struct sp_series *s, size_t i, const struct sp_counts *now,
		     enum sp_counter c, int64_t *delta)
{
	uint64_t before;

	if (!sp_counts_has(now, c) || !then(s, i, c, &before))
		return false;
	*delta = (int64_t)(now->v[c] - before);
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
