/* A file of departures: TIME or TIME,SIZE a line, '#' begins a comment. */
#ifndef SP_ENGINE_MODES_TRACE_FILE_H
#define SP_ENGINE_MODES_TRACE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

struct sp_trace {
	uint64_t *at_ns; /* since the start, ascending */
	uint32_t *size;	 /* NULL: the file has none */
	size_t n, cap;
	uint32_t least, most; /* sizes */
	double peak_pps;      /* the most within any second */
};

/* Reads to the end. place names the file; damage is said as "place:line: ...", exit 65. Memory is
 * what the departures need, twice at most. trace is freed by sp_trace_free, also after an error. */
int sp_trace_read(struct sp_trace *, FILE *, const char *place, bool relative,
		  const struct sp_mem *, struct sp_err *);
/* The same of a file: missing is exit 66. */
int sp_trace_load(struct sp_trace *, const char *path, bool relative, const struct sp_mem *,
		  struct sp_err *);
void sp_trace_free(struct sp_trace *, const struct sp_mem *);

#endif
