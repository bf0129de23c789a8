/* Figures of metrics for people. Internal to compare. */
#ifndef SP_COMPARE_FIGURE_H
#define SP_COMPARE_FIGURE_H

#include "compare/compare.h"

#define SP_FIGURE_CAP 48u

/* In the metric's unit: "1,234", "56.7 Mbit/s", "12.3 us", "0.12 %"; "unknown" for NAN. */
const char *sp_figure(char *buf, enum sp_metric_unit unit, double v);
/* "0.33 %", "681 %". */
const char *sp_figure_percent(char *buf, double v);
/* A change against a base: "+3.2 %"; where the base is 0, in the unit itself. */
const char *sp_figure_change(char *buf, enum sp_metric_unit unit, double shift, double base);
/* "0.0004", "below 0.0001". */
const char *sp_figure_p(char *buf, double p);

#endif
