/* Exact counts at every so many units of a run, for whoever prints a line for each: `--plain`.
 *
 * A worker notes its cumulative counts into a ring of its own: alone, at each multiple; with others,
 * at each unit, so that the control thread can put the units of all workers into one order of time.
 * What finds the ring full is not noted: then a multiple may be passed over, never given wrong. */
#ifndef SP_ENGINE_MARKS_H
#define SP_ENGINE_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "core/result.h"
#include "pkt/batch.h"

#define SP_MARKS_RING	   1024u
/* While a worker sends or receives, the control thread looks so often. */
#define SP_MARKS_POLL_NS   20000000u
/* Multiples that are passed faster than MOST a window are given once a window. */
#define SP_MARKS_WINDOW_NS 100000000u
#define SP_MARKS_MOST	   100u

/* What one worker has sent, or received, when it counted up to unit n. */
struct sp_marker_note {
	uint64_t t_ns, n, bytes;
};

/* One writer, its worker; one reader, the control thread. */
struct sp_marker {
	uint64_t n, bytes;
	uint32_t every, left; /* notes each so many units; units until the next */
	struct sp_marker_note *ring;
	uint32_t head __attribute__((aligned(64))); /* notes written; atomic */
	uint32_t tail __attribute__((aligned(64))); /* notes read; atomic */
};

struct sp_marks;

/* A mark each so many units of all workers together. 0 or -ENOMEM. */
int sp_marks_new(struct sp_marks **, const struct sp_mem *, unsigned workers, uint32_t every);
void sp_marks_free(struct sp_marks *, const struct sp_mem *);
/* What worker w counts with; lives as long as the marks. */
struct sp_marker *sp_marks_marker(struct sp_marks *, unsigned w);
/* The next mark that is to be given, in the order of n; false: none yet. from_ns is where the
 * windows begin: the run's T0. */
bool sp_marks_next(struct sp_marks *, uint64_t from_ns, struct sp_mark *out);

/* HOT, but only in a run that wants marks. m[from .. from+n) left at t_ns. */
void sp_marker_sent(struct sp_marker *, const struct sp_batch *, uint32_t from, uint32_t n,
		    uint64_t t_ns);
/* HOT, likewise, for what travels over connections: one unit, and bytes that belong to a unit
 * counted before. */
void sp_marker_unit(struct sp_marker *, uint64_t bytes, uint64_t t_ns);
static inline void sp_marker_bytes(struct sp_marker *m, uint64_t bytes)
{
	m->bytes += bytes;
}
/* HOT, likewise. The whole batch arrived, each message at its own time; before verify, so that
 * stamp_off is how many bytes around the payload count with it. */
void sp_marker_received(struct sp_marker *, const struct sp_batch *);

#endif
