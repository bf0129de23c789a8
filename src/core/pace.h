/* A pace: when a stream's departures are due, as a value; and how it changes at a set time. Pure
 * arithmetic, so that whoever holds the plan knows what was asked without asking the pacer. */
#ifndef SP_CORE_PACE_H
#define SP_CORE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/grid.h"

/* A schedule with a law of its own. Writes the next intended time (absolute, not below the last)
 * and size; returns 0, or 1 at its end. HOT: draws ahead by the block, never allocates. */
struct sp_schedule_ops {
	int (*next)(void *st, uint64_t *due_ns, uint32_t *size);
	/* Cold. The next gap counts from due_ns on, and gaps are factor times what they were. NULL:
	 * its rate cannot change. */
	void (*move)(void *st, uint64_t due_ns, double factor);
	/* Begins anew at start_ns, its gaps factor times as long; NULL: move, and go on. */
	void (*restart)(void *st, uint64_t start_ns, double factor);
	/* Cold. A reply to an earlier departure came at now_ns. True: the next departure, given out
	 * by next() as *due_ns, is at the new *due_ns (not later) instead. NULL: it does not
	 * matter. */
	bool (*reply)(void *st, uint64_t now_ns, uint64_t *due_ns);
	/* MAX: the next unit's size, or SP_PACE_OVER: there is none; such a schedule has nothing
	 * else. HOT. */
	uint32_t (*size)(void *st);
};

#define SP_PACE_OVER UINT32_MAX

enum sp_pace_kind { SP_PACE_CONST, SP_PACE_MAX, SP_PACE_OPS };

struct sp_pace {
	enum sp_pace_kind kind;
	uint64_t start_ns, end_ns; /* start <= due < end; end SP_NEVER: none */
	uint64_t count;		   /* at most so many departures; UINT64_MAX: no limit */
	uint64_t bytes;		   /* stops before the sum of sizes passes this; UINT64_MAX */
	uint32_t size;		   /* CONST and MAX */
	/* CONST: gap_num < gap_den, gap_den >= 1. OPS: the mean gap, for changes. */
	uint64_t gap_ns, gap_num, gap_den;
	uint64_t gap_acc; /* the first departure's fraction of a ns, times gap_den; mostly 0 */
	bool begun;	  /* start is in the middle of a schedule, as a change has left it */
	const struct sp_schedule_ops *
		ops; /* OPS: first due is what next() gives, >= start_ns; MAX: NULL, or sizes */
	void *st;
};

/* How many departures a CONST pace holds in [start, min(end, at_ns]] : the ledger's "asked",
 * computed from the pace alone. For MAX and OPS: UINT64_MAX (only the pacer knows). */
uint64_t sp_pace_asked(const struct sp_pace *, uint64_t at_ns);
/* The limit by count, and by bytes when all units have one size; UINT64_MAX: none. */
uint64_t sp_pace_limit(const struct sp_pace *);
/* Of a CONST pace: is its gap one that a grid can hold? */
bool sp_pace_gap_valid(const struct sp_pace *);

/* ---- changes ---- */

enum sp_change_kind {
	SP_CHANGE_START, /* pace begins anew, with its own limits */
	SP_CHANGE_STOP,
	SP_CHANGE_RATE, /* kind and gap become those of pace, the phase is kept: departure k is
		where the integral of the rate is k. A pace that has not begun or has ended keeps
		its start and its end. */
};
struct sp_change {
	enum sp_change_kind kind;
	uint64_t at_ns;		/* departures due before are the old pace's */
	struct sp_pace pace;	/* START: whole, from at_ns on; RATE: kind and gap */
	struct sp_change *next; /* the pacer's */
};

/* Turns a pace into what it is from c->at_ns on; returns its departures before then. CONST and MAX
 * only (UINT64_MAX for the rest, and for MAX, whose departures only the pacer knows). */
uint64_t sp_pace_change(struct sp_pace *, const struct sp_change *c);
#endif
