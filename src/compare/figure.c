#include "compare/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/fmt.h"

struct step {
	double from;
	const char *unit;
};

static const struct step times[] = {
	{ 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" }, { 0, NULL }
};
static const struct step bits[] = {
	{ 1e9, "Gbit/s" }, { 1e6, "Mbit/s" }, { 1e3, "kbit/s" }, { 1, "bit/s" }, { 0, NULL }
};

static const char *stepped(char *buf, const struct step *s, double v)
{
	while (s[1].unit && fabs(v) < s->from)
		s++;
	snprintf(buf, SP_FIGURE_CAP, "%.4g %s", v / s->from, s->unit);
	return buf;
}

const char *sp_figure(char *buf, enum sp_metric_unit unit, double v)
{
	if (isnan(v)) {
		snprintf(buf, SP_FIGURE_CAP, "unknown");
		return buf;
	}
	switch (unit) {
	case SP_METRIC_BPS:
		return stepped(buf, bits, v);
	case SP_METRIC_NS:
		return stepped(buf, times, v);
	case SP_METRIC_SHARE:
		snprintf(buf, SP_FIGURE_CAP, "%.3g %%", 100 * v);
		return buf;
	case SP_METRIC_PPS:
	case SP_METRIC_N:
		break;
	}
	return sp_fmt_fixed_grouped(buf, SP_FIGURE_CAP, v, fabs(v) < 1000 && v != floor(v));
}

const char *sp_figure_percent(char *buf, double v)
{
	unsigned decimals = v >= 100 ? 0 : v >= 10 ? 1 : v >= 1 ? 2 : 3;

	sp_fmt_fixed(buf, SP_FIGURE_CAP - 2, v, decimals);
	return strcat(buf, " %");
}

const char *sp_figure_change(char *buf, enum sp_metric_unit unit, double shift, double base)
{
	char plain[SP_FIGURE_CAP];

	if (isnan(shift))
		snprintf(buf, SP_FIGURE_CAP, "-");
	else if (shift == 0)
		snprintf(buf, SP_FIGURE_CAP, "0");
	else if (base != 0 && unit != SP_METRIC_SHARE)
		snprintf(buf, SP_FIGURE_CAP, "%s%s",
			 shift > 0   ? "+"
			 : shift < 0 ? "-"
				     : "",
			 sp_figure_percent(plain, fabs(100 * shift / base)));
	else
		snprintf(buf, SP_FIGURE_CAP, "%s%.40s", shift > 0 ? "+" : "",
			 sp_figure(plain, unit, shift));
	return buf;
}

const char *sp_figure_p(char *buf, double p)
{
	if (isnan(p))
		snprintf(buf, SP_FIGURE_CAP, "-");
	else if (p < 0.0001)
		snprintf(buf, SP_FIGURE_CAP, "< 0.0001");
	else
		snprintf(buf, SP_FIGURE_CAP, "%.2g", p);
	return buf;
}
