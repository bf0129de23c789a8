#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/figure.h"
#include "report/fmt.h"

#define PLAN_LINES 8u

/* ---- the sentences ---- */

static void magnitude(char *buf, enum sp_metric_unit unit, bool in_unit, double v)
{
	if (in_unit)
		sp_figure(buf, unit, v);
	else
		sp_figure_percent(buf, v);
}

static void one_change(struct sp_str *out, const struct sp_metric *m,
		       const struct sp_compared_metric *r)
{
	const struct sp_interval *i = &r->test.shift_interval;
	bool share = m->unit == SP_METRIC_SHARE || r->a == 0;
	double scale = share ? 1 : 100 / fabs(r->a), shift = r->test.shift;
	double low = fmin(fabs(i->low), fabs(i->high)),
	       high = fmax(fabs(i->low), fabs(i->high));
	char by[SP_FIGURE_CAP], from[SP_FIGURE_CAP], to[SP_FIGURE_CAP], p[SP_FIGURE_CAP];

	magnitude(by, m->unit, share, scale * fabs(shift));
	magnitude(from, m->unit, share, scale * low);
	magnitude(to, m->unit, share, scale * high);
	sp_str_printf(out, "%s is %s %s in B than in A", m->title, by,
		      shift > 0 ? "higher" : "lower");
	if (!isnan(low) && i->low * i->high >= 0)
		sp_str_printf(out, " (95 %% interval %s to %s, p %s%s)", from, to,
			      r->p < 0.0001 ? "" : "= ", sp_figure_p(p, r->p));
	else
		sp_str_printf(out, " (p %s%s)", r->p < 0.0001 ? "" : "= ",
			      sp_figure_p(p, r->p));
	if (m->better)
		sp_str_printf(out, ", which is %s",
			      (shift > 0) == (m->better > 0) ? "better" : "worse");
	sp_str_puts(out, ".\n");
}

static void untested(struct sp_str *out, const struct sp_comparison *c)
{
	if (c->by_seconds)
		sp_str_puts(out,
			    "With one run a side, its seconds stand for repeats, and they are "
			    "not independent: only rates can be tested so. For a sure answer, "
			    "and for delays and losses, give five runs a side or more: spate "
			    "compare A1 A2 A3 A4 A5 --with B1 B2 B3 B4 B5.\n");
	else if (c->tested == 0)
		sp_str_puts(out,
			    "Nothing could be tested: four runs a side are the fewest that "
			    "can show a difference.\n");
}

/* Apart, and yet too few to be sure. */
static void too_few(struct sp_str *out, const struct sp_comparison *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SP_COMPARE_METRICS; i++) {
		const struct sp_compared_metric *m = &c->m[i];

		if (!m->apart || m->differs)
			continue;
		sp_str_printf(out, "%s%s (%s)", n++ ? ", " : "", sp_metrics[i].title,
			      m->test.shift > 0 ? "higher in B" : "lower in B");
	}
	if (n)
		sp_str_printf(out,
			      ": %s lies apart from A's, but so few cannot show a difference "
			      "in %zu figure%s at once; give %zu %s a side.\n",
			      c->by_seconds ? "every second of B" : "every run of B", c->tested,
			      c->tested == 1 ? "" : "s", c->enough,
			      c->by_seconds ? "seconds and more" : "runs");
}

void sp_compare_sentences(struct sp_str *out, const struct sp_comparison *c)
{
	for (unsigned i = 0; i < SP_COMPARE_METRICS; i++)
		if (c->m[i].differs)
			one_change(out, &sp_metrics[i], &c->m[i]);
	too_few(out, c);
	if (c->tested && c->different == 0)
		sp_str_printf(out, "No difference between A and B was shown in %zu figure%s.\n",
			      c->tested, c->tested == 1 ? "" : "s");
	else if (c->different && c->different < c->tested)
		sp_str_puts(out, "In the other tested figures no difference was shown.\n");
	untested(out, c);
}

/* ---- who ---- */

static void side(struct sp_str *out, char letter, const struct sp_compared_run *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sp_str_printf(out, "  %c  ", i ? ' ' : letter);
		sp_fmt_safe(out, r[i].path);
		sp_str_puts(out, "\n     ");
		sp_fmt_safe(out, r[i].started);
		sp_str_printf(out, ", plan %.12s, ", r[i].plan[0] ? r[i].plan : "unknown");
		sp_fmt_safe(out, r[i].result);
		sp_str_puts(out, "\n");
	}
}

static bool any(const struct sp_compared_run *r, size_t n,
		bool (*is)(const struct sp_compared_run *))
{
	for (size_t i = 0; i < n; i++)
		if (is(&r[i]))
			return true;
	return false;
}

static bool is_untrusted(const struct sp_compared_run *r)
{
	return strcmp(r->result, "not trusted") == 0;
}

static bool is_cut(const struct sp_compared_run *r)
{
	return !r->ended;
}

static bool other_member(const struct sp_comparison *c, size_t offset)
{
	const char *first = (const char *)&c->a[0] + offset;

	for (size_t i = 0; i < c->na; i++)
		if (strcmp(first, (const char *)&c->a[i] + offset) != 0)
			return true;
	for (size_t i = 0; i < c->nb; i++)
		if (strcmp(first, (const char *)&c->b[i] + offset) != 0)
			return true;
	return false;
}

static void cautions(struct sp_str *out, const struct sp_comparison *c)
{
	struct sp_str lines;

	if (any(c->a, c->na, is_untrusted) || any(c->b, c->nb, is_untrusted))
		sp_str_puts(out,
			    "  caution: a run is not trusted: its own counters disagree\n");
	if (any(c->a, c->na, is_cut) || any(c->b, c->nb, is_cut))
		sp_str_puts(out,
			    "  caution: a run has no end; its last whole second stands for "
			    "it\n");
	if (other_member(c, offsetof(struct sp_compared_run, host)))
		sp_str_puts(out, "  caution: the hosts are not alike (kernel or CPU)\n");
	if (other_member(c, offsetof(struct sp_compared_run, version)))
		sp_str_puts(out, "  caution: made by different versions of spate\n");
	if (!other_member(c, offsetof(struct sp_compared_run, plan)))
		return;
	sp_str_init(&lines, out->mem);
	sp_compare_plans(&lines, &c->a[0], &c->b[0], PLAN_LINES);
	sp_str_puts(out, lines.len ? "  the plans differ (A | B):\n"
				   : "  the plans differ; run folders would show in what\n");
	for (char *at = lines.text, *end; lines.len && *at; at = end + 1) {
		end = strchr(at, '\n');
		sp_str_puts(out, "    ");
		sp_str_put(out, at, (size_t)(end - at) + 1);
	}
	sp_str_fini(&lines);
}

/* ---- the table ---- */

static void cell_interval(struct sp_str *out, const char *low, const char *high)
{
	char text[2 * SP_FIGURE_CAP + 8];

	snprintf(text, sizeof text, "%s .. %s", low, high);
	sp_fmt_right(out, text, 22);
}

static void row(struct sp_str *out, const struct sp_metric *m,
		const struct sp_compared_metric *r)
{
	char x[SP_FIGURE_CAP], y[SP_FIGURE_CAP];
	double base = m->unit == SP_METRIC_SHARE ? 0 : r->a;
	double shift = r->na ? r->test.shift : r->b - r->a;

	sp_str_puts(out, "  ");
	sp_fmt_left(out, m->title, 15);
	sp_fmt_right(out, sp_figure(x, m->unit, r->a), 14);
	sp_fmt_right(out, sp_figure(x, m->unit, r->b), 14);
	sp_fmt_right(out, sp_figure_change(x, m->unit, shift, base), 13);
	if (isnan(r->test.shift_interval.low))
		sp_fmt_right(out, "-", 22);
	else
		cell_interval(out,
			      sp_figure_change(x, m->unit, r->test.shift_interval.low, base),
			      sp_figure_change(y, m->unit, r->test.shift_interval.high, base));
	sp_fmt_right(out, sp_figure_p(x, r->p), 10);
	sp_str_puts(out, r->differs ? " *\n" : "\n");
}

static void wrapped_sentences(struct sp_str *out, const struct sp_comparison *c)
{
	struct sp_str lines;

	sp_str_init(&lines, out->mem);
	sp_compare_sentences(&lines, c);
	for (char *at = lines.text, *end; !lines.failed && *at; at = end + 1) {
		end = strchr(at, '\n');
		*end = '\0';
		sp_fmt_wrap(out, at, 0, 0);
	}
	out->failed |= lines.failed;
	sp_str_fini(&lines);
}

void sp_compare_text(struct sp_str *out, const struct sp_comparison *c)
{
	sp_str_puts(out, "spate compare\n");
	side(out, 'A', c->a, c->na);
	side(out, 'B', c->b, c->nb);
	cautions(out, c);
	sp_str_puts(out, "\n");
	sp_str_printf(out, "  %-15s%14s%14s%13s%22s%10s\n",
		      c->na > 1 || c->nb > 1 ? "median" : "", "A", "B", "change",
		      "95 % interval", "p");
	for (unsigned i = 0; i < SP_COMPARE_METRICS && sp_metrics[i].name; i++)
		if (!isnan(c->m[i].a) && !isnan(c->m[i].b))
			row(out, &sp_metrics[i], &c->m[i]);
	sp_str_puts(out, "\n");
	wrapped_sentences(out, c);
}
