/* Reads a capture ahead of whoever sends it: into memory as a whole, where it fits or that was asked
 * for, or through a ring that is kept full (source/reader.h). */
#ifndef SP_SOURCE_CAPTURE_AHEAD_H
#define SP_SOURCE_CAPTURE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "pkt/rewrite.h"
#include "plugin/source.h"
#include "source/capture/walk.h"
#include "source/reader.h"

struct sp_ahead_conf {
	struct sp_walk_conf walk;
	uint64_t loops; /* 0: for ever */
	bool whole;	/* all of it into memory first */
	struct sp_clock *clock;
	/* Applied to each frame as it is read, which may grow by its room beyond walk.most; NULL:
	 * they stay as they are. */
	const struct sp_rewrite *rewrite;
	/* Asked of each frame then; what it refuses ends the reading. NULL: all are taken. */
	sp_source_judge *judge;
	const void *judge_arg;
};

/* A frame, when it leaves after the start, and in which loop, from 0. */
struct sp_ahead_unit {
	const uint8_t *data; /* until sp_ahead_drop has passed it */
	uint64_t due_ns, loop;
	uint64_t after; /* for sp_ahead_drop */
	uint32_t len;
};

struct sp_ahead;

/* Opens the files and reads what fits. Errors as sp_walk_new and, before anything left, sp_walk_next:
 * of a capture that is damaged from its first packet on. */
int sp_ahead_new(struct sp_ahead **, const struct sp_ahead_conf *, const struct sp_mem *,
		 struct sp_err *);
void sp_ahead_free(struct sp_ahead *);
/* Starts the thread, if there is something to read. 0 or -errno. */
int sp_ahead_run(struct sp_ahead *, struct sp_err *);

/* ---- the sender ---- */

/* HOT. The next unit. false: there is none. With a thread it waits where the ring is empty: what comes
 * is late then, and it is counted. */
bool sp_ahead_next(struct sp_ahead *, struct sp_ahead_unit *);
/* HOT. Units before that with this `after` are not wanted any more, and it neither. */
void sp_ahead_drop(struct sp_ahead *, uint64_t after);
/* How many units sp_ahead_next has passed that do not fit. Any thread. */
uint64_t sp_ahead_unfit(const struct sp_ahead *);

/* As sp_reader_waited. */
void sp_ahead_waited(const struct sp_ahead *, struct sp_reader_waits *);
/* Nothing is read any more. 0, or what had ended the reading before its time. */
int sp_ahead_stop(struct sp_ahead *, struct sp_err *);
/* Then: what was read. */
const struct sp_walk *sp_ahead_walk(const struct sp_ahead *);
bool sp_ahead_is_whole(const struct sp_ahead *);

#endif
