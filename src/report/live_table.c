#include "report/live_part.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "core/clock.h"
#include "report/fmt.h"
#include "report/text_part.h"
#include "report/ways.h"

#define CLEAR_REST "\033[K\n" /* a shorter line leaves nothing of the older one */
#define NAME_MIN   8u
#define NAME_MAX   32u
#define STREAMS	   128u /* no terminal is higher */

/* ---- columns ---- */

enum column_id {
	COL_ASKED,
	COL_TX,
	COL_MBIT,
	COL_RX,
	COL_LOST,
	COL_REORDERED,
	COL_LATE,
	COL_DELAY
};

/* In the order of the table; the highest drop value goes first when it is too narrow. */
struct column {
	enum column_id id;
	const char *head;
	unsigned cols, drop;
};

static const struct column send_columns[] = {
	{ COL_ASKED, "asked pps", 12, 4 }, { COL_TX, "sent pps", 12, 0 },
	{ COL_MBIT, "Mbit/s", 10, 3 },	   { COL_RX, "recv pps", 12, 2 },
	{ COL_LOST, "lost", 10, 1 },	   { COL_LATE, "late p99", 9, 5 },
};
static const struct column recv_columns[] = {
	{ COL_RX, "recv pps", 12, 0 },	   { COL_MBIT, "Mbit/s", 10, 2 },
	{ COL_LOST, "lost", 10, 1 },	   { COL_REORDERED, "reordered", 10, 3 },
	{ COL_DELAY, "delay p99", 10, 4 },
};
#define COLUMNS_MAX 6u

struct layout {
	const struct sp_event *ev;
	const struct sp_live *l;
	const struct column *col[COLUMNS_MAX];
	unsigned n, name; /* columns shown, width of the names */
	unsigned width;	  /* of a line */
};

static unsigned sum_cols(const struct layout *t)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < t->n; i++)
		sum += t->col[i]->cols;
	return sum;
}

static void drop_one(struct layout *t)
{
	unsigned worst = 0;

	for (unsigned i = 1; i < t->n; i++)
		if (t->col[i]->drop > t->col[worst]->drop)
			worst = i;
	t->n--;
	memmove(&t->col[worst], &t->col[worst + 1], (t->n - worst) * sizeof *t->col);
}

static void choose_columns(struct layout *t, enum sp_role_kind role)
{
	bool recv = role == SP_ROLE_RECV;
	const struct column *from = recv ? recv_columns : send_columns;

	t->n = (unsigned)(recv ? sizeof recv_columns / sizeof *recv_columns
			       : sizeof send_columns / sizeof *send_columns);
	for (unsigned i = 0; i < t->n; i++)
		t->col[i] = &from[i];
	while (t->n > 1 && sum_cols(t) + NAME_MIN > t->width)
		drop_one(t);
}

/* ---- figures ---- */

void sp_live_rates(const struct sp_live *l, const struct sp_event *ev, size_t i,
		   const struct sp_measure *m, struct sp_live_rates *v)
{
	const struct sp_series *s = &l->series;
	uint64_t t = ev->t_ns;

	if (ev->kind == SP_EVENT_END) {
		*v = (struct sp_live_rates){ m->tx_pps, m->tx_bps, m->rx_pps, m->rx_bps };
		return;
	}
	v->tx_pps = sp_series_rate(s, i, &m->c, SP_C_tx_packets, t);
	v->tx_bps = 8 * sp_series_rate(s, i, &m->c, SP_C_tx_bytes, t);
	v->rx_pps = sp_series_rate(s, i, &m->c, SP_C_rx_packets, t);
	/* What a far receiver tells while the run goes on. */
	if (isnan(v->rx_pps))
		v->rx_pps = sp_series_rate(s, i, &m->c, SP_C_rx_unique, t);
	v->rx_bps = 8 * sp_series_rate(s, i, &m->c, SP_C_rx_bytes, t);
}

static const char *time_text(char *buf, size_t cap, const struct sp_summary *s)
{
	if (s->known)
		return sp_human_ns(buf, cap, (double)s->p99);
	sp_strlcpy(buf, "unknown", cap);
	return buf;
}

static void put_cell(struct sp_str *out, const struct layout *t, const struct column *col,
		     const struct sp_measure *m, const struct sp_live_rates *v)
{
	bool recv = t->ev->result->role == SP_ROLE_RECV, red = false;
	char text[SP_FMT_FIGURE];

	switch (col->id) {
	case COL_ASKED:
		sp_strlcpy(text, sp_text_no_rate(t->ev->result), sizeof text);
		if (isfinite(m->asked_pps))
			sp_fmt_short(text, sizeof text, m->asked_pps);
		break;
	case COL_TX:
		sp_fmt_short(text, sizeof text, v->tx_pps);
		break;
	case COL_RX:
		sp_fmt_short(text, sizeof text, v->rx_pps);
		break;
	case COL_MBIT:
		sp_fmt_short(text, sizeof text, (recv ? v->rx_bps : v->tx_bps) / 1e6);
		break;
	case COL_LOST:
		sp_fmt_count(text, sizeof text, &m->c, SP_C_lost);
		red = sp_counts_has(&m->c, SP_C_lost) && m->c.v[SP_C_lost];
		break;
	case COL_REORDERED:
		sp_fmt_count(text, sizeof text, &m->c, SP_C_reordered);
		break;
	case COL_LATE:
		time_text(text, sizeof text, &m->late);
		break;
	case COL_DELAY:
		time_text(text, sizeof text, &m->delay);
		break;
	}
	/* Known at the end at the earliest: no word for it in every line until then. */
	if (t->ev->kind != SP_EVENT_END && !strcmp(text, "unknown"))
		sp_strlcpy(text, "-", sizeof text);
	red = red && t->l->conf.color;
	sp_str_puts(out, red ? "\033[31m" : "");
	sp_fmt_right(out, text, col->cols);
	sp_str_puts(out, red ? "\033[0m" : "");
}

/* i: 0 the total, 1 + k row k. */
static void put_measure(struct sp_str *out, const struct layout *t, size_t i, const char *name,
			const struct sp_measure *m)
{
	struct sp_live_rates v;

	sp_live_rates(t->l, t->ev, i, m, &v);
	sp_fmt_left(out, name ? name : "unknown", t->name);
	for (unsigned k = 0; k < t->n; k++)
		put_cell(out, t, t->col[k], m, &v);
	sp_str_puts(out, CLEAR_REST);
}

/* ---- the lines around ---- */

static void put_head(struct sp_str *out, const struct layout *t)
{
	bool bold = t->l->conf.color;

	sp_str_puts(out, bold ? "\033[1m" : "");
	sp_fmt_left(out, t->ev->result->role == SP_ROLE_RECV ? "flow from" : "stream", t->name);
	for (unsigned k = 0; k < t->n; k++)
		sp_fmt_right(out, t->col[k]->head, t->col[k]->cols);
	sp_str_puts(out, bold ? "\033[0m" : "");
	sp_str_puts(out, CLEAR_REST);
}

/* "[=====>    ]", for what is left of the line. */
static void put_bar(struct sp_str *out, double share, unsigned cols)
{
	unsigned inner = cols - 2, full = (unsigned)(share * inner);

	sp_str_puts(out, "[");
	sp_fmt_fill(out, '=', full);
	if (full < inner)
		sp_str_puts(out, ">");
	sp_fmt_fill(out, ' ', inner > full ? inner - full - 1 : 0);
	sp_str_puts(out, "]");
}

static void put_progress(struct sp_str *out, const struct layout *t)
{
	const struct sp_result *r = t->ev->result;
	bool open = r->planned_ns == SP_NEVER || !r->planned_ns;
	double share = open ? 0 : fmin(1, (double)t->ev->t_ns / (double)r->planned_ns);
	uint64_t left = open || r->planned_ns < t->ev->t_ns ? 0 : r->planned_ns - t->ev->t_ns;
	char at[SP_FMT_FIGURE], of[SP_FMT_FIGURE], line[2 * SP_FMT_FIGURE + 64];
	unsigned len;

	sp_fmt_seconds(at, sizeof at, t->ev->t_ns);
	if (t->ev->kind == SP_EVENT_END)
		snprintf(line, sizeof line, "%s after %s s",
			 r->interrupted ? "interrupted" : "finished", at);
	else if (open)
		snprintf(line, sizeof line, "%s s, until stopped", at);
	else
		snprintf(line, sizeof line, "%s of %s s, %.0f %%, %llu s left", at,
			 sp_fmt_seconds(of, sizeof of, r->planned_ns), floor(100 * share),
			 (unsigned long long)((left + SP_NS_PER_S / 2) / SP_NS_PER_S));
	len = (unsigned)strlen(line);
	sp_fmt_left(out, line, len < t->width ? len : t->width);
	if (!open && t->ev->kind != SP_EVENT_END && t->width >= len + 12) {
		unsigned room = t->width - len - 2;

		sp_str_puts(out, "  ");
		put_bar(out, share, room < 42 ? room : 42);
	}
	sp_str_puts(out, CLEAR_REST);
}

/* Terminals of a few rows or columns: the total in one line. */
static void put_tiny(struct sp_str *out, const struct layout *t)
{
	const struct sp_result *r = t->ev->result;
	char at[SP_FMT_FIGURE], pps[SP_FMT_FIGURE], line[2 * SP_FMT_FIGURE + 32];
	struct sp_live_rates v;
	bool recv = r->role == SP_ROLE_RECV;

	sp_live_rates(t->l, t->ev, 0, &r->total, &v);
	snprintf(line, sizeof line, "%s s %s %s", sp_fmt_seconds(at, sizeof at, t->ev->t_ns),
		 recv ? "received" : "sent",
		 sp_human_pps(pps, sizeof pps, recv ? v.rx_pps : v.tx_pps));
	/* In the only row, a newline would scroll the figure away. */
	sp_str_puts(out, t->l->conf.rows == 1 ? "\r" : "");
	sp_fmt_left(out, line, t->width);
	sp_str_puts(out, t->l->conf.rows == 1 && t->ev->kind != SP_EVENT_END ? "\033[K"
									     : CLEAR_REST);
}

/* ---- which streams ---- */

/* By packets; by bytes where there are none of ours. */
static int64_t activity(const struct layout *t, size_t i)
{
	enum sp_counter sent = SP_C_tx_packets, got = SP_C_rx_packets;
	struct sp_counts c;
	int64_t tx = 0, rx = 0;

	sp_row_counts(t->ev->result, i, &c);
	if (!sp_counts_has(&c, sent) && !sp_counts_has(&c, got)) {
		sent = SP_C_tx_bytes;
		got = SP_C_rx_bytes;
	}
	if (t->ev->kind == SP_EVENT_END)
		return (int64_t)(c.v[sent] + c.v[got]);
	sp_series_delta(&t->l->series, i + 1, &c, sent, &tx);
	sp_series_delta(&t->l->series, i + 1, &c, got, &rx);
	return tx + rx;
}

/* The busiest ones in the order of the plan, so that rows do not jump about. Returns how many. */
static size_t busiest(const struct layout *t, size_t want, size_t *at)
{
	int64_t key[STREAMS];
	size_t n = 0, rows = sp_rows(t->ev->result);

	/* All fit: none has to be looked at. */
	for (; rows <= want && n < rows; n++)
		at[n] = n;
	for (size_t i = n; i < rows; i++) {
		int64_t a = activity(t, i);
		size_t k = n;

		while (k > 0 && a > key[k - 1])
			k--;
		if (k >= want)
			continue;
		n = n < want ? n + 1 : want;
		memmove(&key[k + 1], &key[k], (n - k - 1) * sizeof *key);
		memmove(&at[k + 1], &at[k], (n - k - 1) * sizeof *at);
		key[k] = a;
		at[k] = i;
	}
	for (size_t i = 1; i < n; i++) {
		size_t v = at[i], k = i;

		for (; k > 0 && at[k - 1] > v; k--)
			at[k] = at[k - 1];
		at[k] = v;
	}
	return n;
}

static void put_streams(struct sp_str *out, struct layout *t, size_t rows)
{
	const struct sp_result *r = t->ev->result;
	size_t at[STREAMS], n, want = rows < STREAMS ? rows : STREAMS;
	char more[SP_FMT_FIGURE], line[SP_FMT_FIGURE + 32];
	unsigned room = t->width - sum_cols(t);
	struct sp_row row;

	if (sp_rows(r) > want)
		want--; /* for the line that says so */
	n = busiest(t, want, at);
	t->name = NAME_MIN;
	for (size_t k = 0; k < n; k++) {
		unsigned need;

		sp_row_read(r, at[k], &row);
		need = row.name ? sp_fmt_cols(row.name) : 0;
		t->name = need > t->name ? need : t->name;
	}
	t->name = t->name > NAME_MAX ? NAME_MAX : t->name;
	t->name = t->name > room ? room : t->name;
	put_head(out, t);
	for (size_t k = 0; k < n; k++) {
		sp_row_read(r, at[k], &row);
		put_measure(out, t, at[k] + 1, row.name, row.m);
	}
	if (n == sp_rows(r))
		return;
	snprintf(line, sizeof line, "%s more, the %s shown",
		 sp_str_grouped(more, sizeof more, sp_rows(r) - n),
		 n ? "busiest are" : "total is");
	sp_fmt_left(out, line, t->width < strlen(line) ? t->width : (unsigned)strlen(line));
	sp_str_puts(out, CLEAR_REST);
}

void sp_live_picture(const struct sp_live *l, const struct sp_event *ev, struct sp_str *out)
{
	struct layout t = { .ev = ev, .l = l, .width = l->conf.cols - 1 };
	unsigned rows = l->conf.rows - 1; /* the cursor stands below */
	struct sp_str ways;

	choose_columns(&t, ev->result->role);
	if (rows < 4 || sum_cols(&t) + NAME_MIN > t.width) {
		put_tiny(out, &t);
		return;
	}
	put_progress(out, &t);
	if (ev->kind == SP_EVENT_START)
		return;
	sp_str_init(&ways, l->mem);
	if (rows > 6 && sp_ways_put(&ways, "", ev->result) && !ways.failed)
		rows--;
	put_streams(out, &t, rows - 3);
	if (sp_rows(ev->result) != 1)
		put_measure(out, &t, 0, "total", &ev->result->total);
	if (ways.len && !ways.failed) {
		sp_fmt_left(out, ways.text, t.width < ways.len ? t.width : (unsigned)ways.len);
		sp_str_puts(out, CLEAR_REST);
	}
	sp_str_fini(&ways);
}
