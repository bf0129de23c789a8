/* Remembers the cumulative counts of one event, so that the next can say what came in between.
 * Used by the formats that print intervals. */
#ifndef SP_REPORT_SERIES_H
#define SP_REPORT_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "core/result.h"

/* What interval formats have a row for: the streams of a sender, the flows of a receiver (which
 * keep their places; more may come). */
size_t sp_rows(const struct sp_result *);
const struct sp_measure *sp_row_measure(const struct sp_result *, size_t i);
/* A stream's name; a flow's source. */
const char *sp_row_name(const struct sp_result *, size_t i);

struct sp_series {
	const struct sp_mem *mem;
	struct sp_counts *last; /* [0] the total, [1 + i] row i */
	size_t n, cap;		/* entries that are valid, and allocated */
	uint64_t t_ns;		/* of the remembered event */
};

void sp_series_init(struct sp_series *, const struct sp_mem *mem);
void sp_series_fini(struct sp_series *);
/* Remembers ev. Before the first call everything was 0 at T0. Without memory nothing is
 * remembered: deltas are then unknown until a later call succeeds. */
void sp_series_keep(struct sp_series *, const struct sp_event *ev);
/* How much counter c grew since the remembered event; i: 0 the total, 1 + k row k, and now
 * its counts. false: unknown then or now. */
bool sp_series_delta(const struct sp_series *, size_t i, const struct sp_counts *now,
		     enum sp_counter c, int64_t *delta);
/* The same, a second; NAN: unknown, or no time passed until now_ns. */
double sp_series_rate(const struct sp_series *, size_t i, const struct sp_counts *now,
		      enum sp_counter c, uint64_t now_ns);

#endif
