/* CSV (RFC 4180, but lines end in \n) that a spreadsheet and pandas load as it is: one header,
 * one row a stream and one for the total at each interval, at the end one for each again.
 *
 * kind is interval or final, scope stream or total; t_s is the end of the row's period since
 * T0, period_s its length. In interval rows the counts and rates are those of the period (the
 * gauges pending and in_flight: at its end) and the distributions are empty; in final rows
 * everything is of the whole run. An empty cell is unknown. Text cells that a spreadsheet would
 * take for a formula start with an apostrophe. */
#ifndef SP_REPORT_CSV_H
#define SP_REPORT_CSV_H

#include "base/str.h"
#include "core/result.h"
#include "report/series.h"

struct sp_csv {
	struct sp_series series;
	bool headed;
};

void sp_csv_init(struct sp_csv *, const struct sp_mem *mem);
void sp_csv_fini(struct sp_csv *);
/* Appends the rows that the event makes (the header before the first). */
void sp_csv_event(struct sp_csv *, const struct sp_event *, struct sp_str *out);

#endif
