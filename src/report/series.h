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
/* A row, with the union's other part unset. name is a stream's name or a flow's source, NULL
 * unknown, and lives as long as the row. */
struct sp_row {
	const char *name;
	const struct sp_measure *m;
	union {
		struct sp_stream_result stream;
		struct sp_flow_result flow;
	};
};
void sp_row_read(const struct sp_result *, size_t i, struct sp_row *);
void sp_row_counts(const struct sp_result *, size_t i, struct sp_counts *);

#define SP_SERIES_ALL UINT64_MAX

struct sp_series {
	const struct sp_mem *mem;
	uint64_t which;		/* bits of the counters that are remembered of rows */
	struct sp_counts total; /* of the total: all */
	bool total_kept;
	uint64_t *last;	     /* row i: from i * width on, its counters in their order */
	uint32_t width;	     /* counters remembered */
	size_t n, cap;	     /* rows that are valid, and allocated */
	uint64_t relisted;   /* the remembered event's */
	uint64_t t_ns;	     /* of the remembered event */
	uint8_t at[SP_C__N]; /* a counter's place in its row */
};

/* which: bits (1 << SP_C_...) of what is to be remembered of rows; 0: rows are not looked at. */
void sp_series_init(struct sp_series *, const struct sp_mem *mem, uint64_t which);
void sp_series_fini(struct sp_series *);
/* Begins to remember ev: room for its rows. Then each row is given once, in any order, and close
 * makes ev the remembered event. Without memory nothing is remembered of rows: their deltas are
 * then unknown until a later event. */
void sp_series_open(struct sp_series *, const struct sp_event *ev);
void sp_series_keep(struct sp_series *, size_t row, const struct sp_counts *);
void sp_series_close(struct sp_series *, const struct sp_event *ev);
/* All three, for a caller that has not read the rows itself. */
void sp_series_remember(struct sp_series *, const struct sp_event *ev);
/* How much counter c grew since the remembered event; i: 0 the total, 1 + k row k, and now
 * its counts. Before the first event everything was 0. false: unknown then or now. */
bool sp_series_delta(const struct sp_series *, size_t i, const struct sp_counts *now,
		     enum sp_counter c, int64_t *delta);
/* The same, a second; NAN: unknown, or no time passed until now_ns. */
double sp_series_rate(const struct sp_series *, size_t i, const struct sp_counts *now,
		      enum sp_counter c, uint64_t now_ns);

#endif
