#include "report/csv.h"

#include <math.h>
#include <string.h>

#include "report/fmt.h"
#include "report/json.h"

void sp_csv_init(struct sp_csv *c, const struct sp_mem *mem)
{
	*c = (struct sp_csv){ .headed = false };
	sp_series_init(&c->series, mem, SP_SERIES_ALL);
}

void sp_csv_fini(struct sp_csv *c)
{
	sp_series_fini(&c->series);
}

static void put_header(struct sp_str *out)
{
	sp_str_puts(out, "kind,scope,stream,time,t_s,period_s");
	for (unsigned i = 0; i < SP_C__N; i++)
		sp_str_printf(out, ",%s%s", sp_counter_table[i].is_error ? "error_" : "",
			      sp_counter_table[i].name);
#define SP_REAL(member, sentence) sp_str_puts(out, "," #member);
	SP_MEASURE_REALS
#undef SP_REAL
	sp_str_puts(out, ",jitter_ns,ks_departure,ks_size");
#define SP_TIMES(member, sentence) SP_EACH(#member)
#define SP_EACH(name)                                                                          \
	sp_str_puts(out,                                                                       \
		    "," name "_min_ns," name "_mean_ns," name "_p50_ns," name "_p90_ns," name  \
		    "_p99_ns," name "_p999_ns," name "_max_ns," name "_clock_error_ns");
	SP_MEASURE_TIMES
#undef SP_EACH
#undef SP_TIMES
	sp_str_puts(out, "\n");
}

/* Quoted where RFC 4180 asks for it; control bytes are gone before. */
static void put_text(struct sp_str *out, const char *text)
{
	struct sp_str safe;

	sp_str_init(&safe, out->mem);
	if (*text && strchr("=+-@", *text))
		sp_str_puts(&safe, "'");
	sp_fmt_safe(&safe, text);
	if (safe.failed)
		out->failed = true;
	if (!strpbrk(safe.text, ",\"")) {
		sp_str_puts(out, safe.text);
	} else {
		sp_str_puts(out, "\"");
		for (const char *p = safe.text; *p; p++)
			sp_str_put(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
		sp_str_puts(out, "\"");
	}
	sp_str_fini(&safe);
}

static void put_real(struct sp_str *out, double v, unsigned decimals)
{
	char text[SP_FMT_FIGURE];

	sp_str_puts(out, ",");
	if (isfinite(v))
		sp_str_puts(out, sp_fmt_fixed(text, sizeof text, v, decimals));
}

static void put_ns(struct sp_str *out, bool known, int64_t v)
{
	if (known)
		sp_str_printf(out, ",%lld", (long long)v);
	else
		sp_str_puts(out, ",");
}

static void put_summary(struct sp_str *out, const struct sp_summary *s)
{
	bool fine = s->known && !s->coarse;

	put_ns(out, s->known, s->min);
	put_real(out, s->known ? s->mean : NAN, 0);
	put_ns(out, s->known, s->p50);
	put_ns(out, fine, s->p90);
	put_ns(out, s->known, s->p99);
	put_ns(out, fine, s->p999);
	put_ns(out, s->known, s->max);
	put_ns(out, s->known && s->clock_error >= 0, s->clock_error);
}

/* A row of its period: series is NULL for the whole run. */
struct period {
	const struct sp_event *ev;
	struct sp_series *series;
	uint64_t period_ns;
};

static void put_lead(struct sp_str *out, const struct period *row, const char *stream)
{
	char time[SP_FMT_FIGURE];

	const char *scope = row->ev->result->role == SP_ROLE_RECV ? "flow" : "stream";

	sp_str_printf(out, "%s,%s,", row->series ? "interval" : "final",
		      stream ? scope : "total");
	if (stream)
		put_text(out, stream);
	sp_str_printf(out, ",%s", sp_fmt_utc(time, sizeof time, row->ev->real_ns, 6));
	put_real(out, (double)row->ev->t_ns / 1e9, 6);
	put_real(out, (double)row->period_ns / 1e9, 6);
}

static void put_interval_counts(struct sp_str *out, const struct period *row, size_t i,
				const struct sp_counts *c)
{
	for (unsigned k = 0; k < SP_C__N; k++) {
		bool gauge = k == SP_C_pending || k == SP_C_in_flight, known;
		int64_t v = (int64_t)c->v[k];

		known = gauge ? sp_counts_has(c, (enum sp_counter)k)
			      : sp_series_delta(row->series, i, c, (enum sp_counter)k, &v);
		put_ns(out, known, v);
	}
}

static void put_interval_rest(struct sp_str *out, const struct period *row, size_t i,
			      const struct sp_measure *m)
{
	const struct sp_series *s = row->series;
	uint64_t t = row->ev->t_ns;

	put_real(out, m->asked_pps, 3);
	put_real(out, sp_series_rate(s, i, &m->c, SP_C_tx_packets, t), 3);
	put_real(out, sp_series_rate(s, i, &m->c, SP_C_rx_packets, t), 3);
	put_real(out, 8 * sp_series_rate(s, i, &m->c, SP_C_tx_bytes, t), 3);
	put_real(out, 8 * sp_series_rate(s, i, &m->c, SP_C_rx_bytes, t), 3);
	put_real(out, m->jitter_ns, 0);
	sp_str_puts(out, ",,"); /* ks_* */
#define SP_TIMES(member, sentence) sp_str_puts(out, ",,,,,,,,");
	SP_MEASURE_TIMES
#undef SP_TIMES
}

static void put_final(struct sp_str *out, const struct sp_measure *m)
{
	for (unsigned k = 0; k < SP_C__N; k++)
		put_ns(out, sp_counts_has(&m->c, (enum sp_counter)k), (int64_t)m->c.v[k]);
#define SP_REAL(member, sentence) put_real(out, m->member, 3);
	SP_MEASURE_REALS
#undef SP_REAL
	put_real(out, m->jitter_ns, 0);
	put_real(out, m->ks_departure, 6);
	put_real(out, m->ks_size, 6);
#define SP_TIMES(member, sentence) put_summary(out, &m->member);
	SP_MEASURE_TIMES
#undef SP_TIMES
}

/* i: 0 the total, 1 + k row k. */
static void put_measure(struct sp_str *out, const struct period *row, size_t i,
			const char *name, const struct sp_measure *m)
{
	put_lead(out, row, i ? name ? name : "" : NULL);
	if (row->series) {
		put_interval_counts(out, row, i, &m->c);
		put_interval_rest(out, row, i, m);
	} else {
		put_final(out, m);
	}
	sp_str_puts(out, "\n");
}

/* Each row is read once: what the next period adds to is what this one said. */
static void put_rows(struct sp_str *out, const struct period *p)
{
	const struct sp_result *r = p->ev->result;
	struct sp_row row;

	if (p->series)
		sp_series_open(p->series, p->ev);
	for (size_t i = 0; i < sp_rows(r); i++) {
		sp_row_read(r, i, &row);
		put_measure(out, p, i + 1, row.name, row.m);
		if (p->series)
			sp_series_keep(p->series, i, &row.m->c);
	}
	put_measure(out, p, 0, NULL, &r->total);
	if (p->series)
		sp_series_close(p->series, p->ev);
}

void sp_csv_event(struct sp_csv *c, const struct sp_event *ev, struct sp_str *out)
{
	bool closes = ev->kind == SP_EVENT_INTERVAL || ev->kind == SP_EVENT_END;

	if (!c->headed)
		put_header(out);
	c->headed = true;
	/* What is left between the last interval and the end is an interval too. */
	if (closes && ev->t_ns > c->series.t_ns)
		put_rows(out, &(struct period){ ev, &c->series, ev->t_ns - c->series.t_ns });
	if (ev->kind == SP_EVENT_END)
		put_rows(out, &(struct period){ ev, NULL, ev->result->duration_ns });
}
