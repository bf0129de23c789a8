#include "report/live.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "core/clock.h"
#include "report/fmt.h"
#include "report/live_part.h"
#include "report/ways.h"

#define EARLY_NS (50 * SP_NS_PER_MS) /* a tick may come a little early */

bool sp_live_color(bool terminal, const char *no_color, const char *term)
{
	return terminal && !(no_color && *no_color) && term && *term && strcmp(term, "dumb");
}

int sp_live_new(struct sp_live **out, const struct sp_live_conf *conf, const struct sp_mem *mem)
{
	struct sp_live *l = sp_alloc(mem, sizeof *l);

	if (!l)
		return -ENOMEM;
	l->conf = *conf;
	l->mem = mem;
	sp_series_init(&l->series, mem, conf->terminal ? SP_LIVE_COUNTERS : 0);
	sp_str_init(&l->picture, mem);
	sp_live_resize(l, conf->rows, conf->cols);
	*out = l;
	return 0;
}

void sp_live_free(struct sp_live *l)
{
	if (!l)
		return;
	sp_series_fini(&l->series);
	sp_str_fini(&l->picture);
	sp_free(l->mem, l);
}

void sp_live_resize(struct sp_live *l, unsigned rows, unsigned cols)
{
	if (!rows || !cols) {
		rows = 24;
		cols = 80;
	}
	/* What a narrower or lower terminal has made of the old picture is not known: it is left
	 * where it is, and the next one is drawn below. */
	if (cols < l->conf.cols || l->drawn >= rows)
		l->drawn = 0;
	l->conf.rows = rows;
	l->conf.cols = cols;
}

static uint64_t every_ns(const struct sp_live *l)
{
	return (l->conf.every_s ? l->conf.every_s : 1) * SP_NS_PER_S - EARLY_NS;
}

/* ---- lines, where there is no terminal ---- */

static void put_rate(struct sp_str *out, const char *label, double pps, double bps)
{
	char text[SP_FMT_FIGURE];

	sp_str_printf(out, "  %s ", label);
	if (isfinite(pps))
		sp_str_printf(out, "%s pps", sp_fmt_short(text, sizeof text, pps));
	else if (!isfinite(bps)) /* bulk data has no packets of ours */
		sp_str_puts(out, "unknown");
	if (isfinite(bps))
		sp_str_printf(out, "%s%s", isfinite(pps) ? "  " : "",
			      sp_human_bps(text, sizeof text, bps));
}

/* What a sender hears at the end only is left out until then. */
static void put_count(struct sp_str *out, const struct sp_counts *c, enum sp_counter i)
{
	char text[SP_FMT_FIGURE];

	if (!sp_counts_has(c, i))
		return;
	sp_str_printf(out, "  %s %s", sp_counter_table[i].name,
		      sp_fmt_count(text, sizeof text, c, i));
}

static void put_plain(struct sp_live *l, const struct sp_event *ev, struct sp_str *out)
{
	const struct sp_result *r = ev->result;
	const struct sp_counts *c = &r->total.c;
	char text[SP_FMT_FIGURE];
	struct sp_live_rates v;

	sp_live_rates(l, ev, 0, &r->total, &v);
	sp_fmt_right(out, sp_fmt_seconds(text, sizeof text, ev->t_ns), 6);
	sp_str_puts(out, " s");
	if (r->role == SP_ROLE_RECV) {
		put_rate(out, "received", v.rx_pps, v.rx_bps);
		put_count(out, c, SP_C_lost);
		put_count(out, c, SP_C_reordered);
	} else {
		put_rate(out, "sent", v.tx_pps, v.tx_bps);
		put_rate(out, "received", v.rx_pps, isfinite(v.tx_pps) ? NAN : v.rx_bps);
		put_count(out, c, SP_C_lost);
		put_count(out, c, SP_C_pending);
	}
	sp_ways_put(out, "  ", r);
	sp_str_puts(out, "\n");
	sp_series_remember(&l->series, ev);
}

/* ---- drawing in place ---- */

/* Up to the first line of the old picture, which is overwritten line by line. */
static void go_up(struct sp_live *l, struct sp_str *out)
{
	if (l->drawn)
		sp_str_printf(out, "\033[%uF", l->drawn);
	l->drawn = 0;
}

static void put_picture(struct sp_live *l, struct sp_str *out)
{
	if (l->picture.failed) {
		sp_str_fini(&l->picture);
		return;
	}
	sp_str_put(out, l->picture.text, l->picture.len);
	for (size_t i = 0; i < l->picture.len; i++)
		l->drawn += l->picture.text[i] == '\n';
}

static void put_remark(struct sp_live *l, const struct sp_event *ev, struct sp_str *out)
{
	const struct sp_remark *m = ev->remark;
	char at[SP_FMT_FIGURE];

	if (!m)
		return;
	if (l->conf.terminal) {
		go_up(l, out);
		sp_str_puts(out, "\r\033[J");
	}
	sp_fmt_right(out, sp_fmt_seconds(at, sizeof at, ev->t_ns), 6);
	sp_str_printf(out, " s  %s", m->neutral ? "note: " : "remark: ");
	sp_fmt_wrap(out, m->text ? m->text : "", m->neutral ? 16 : 18, 10);
	if (l->conf.terminal)
		put_picture(l, out);
}

static void draw(struct sp_live *l, const struct sp_event *ev, struct sp_str *out)
{
	sp_str_clear(&l->picture);
	sp_series_open(&l->series, ev);
	sp_live_picture(l, ev, &l->picture);
	go_up(l, out);
	put_picture(l, out);
	sp_str_puts(out, "\033[J");
}

static void terminal_event(struct sp_live *l, const struct sp_event *ev, struct sp_str *out)
{
	if (ev->kind == SP_EVENT_REMARK) {
		put_remark(l, ev, out);
		return;
	}
	if (ev->kind == SP_EVENT_INTERVAL) {
		if (l->drawn_ns && ev->t_ns < l->drawn_ns + every_ns(l))
			return;
		l->drawn_ns = ev->t_ns;
	}
	draw(l, ev, out);
	/* At T0 nothing was counted yet: all is 0, not unknown. */
	if (ev->kind != SP_EVENT_START)
		sp_series_remember(&l->series, ev);
}

void sp_live_event(struct sp_live *l, const struct sp_event *ev, struct sp_str *out)
{
	if (l->conf.terminal)
		terminal_event(l, ev, out);
	else if (ev->kind == SP_EVENT_REMARK)
		put_remark(l, ev, out);
	else if (ev->kind == SP_EVENT_INTERVAL ||
		 (ev->kind == SP_EVENT_END && ev->t_ns > l->series.t_ns))
		put_plain(l, ev, out);
}
