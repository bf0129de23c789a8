/* The pacer owns time: it says which stream may do its next thing, and since when that is due.
 * Pure: now is an argument, it never sleeps. One a worker, used by it only.
 *
 * The schedule is absolute. A constant gap is the exact rational gap_ns + gap_num/gap_den:
 * departure k is at start + floor(k * gap), so nothing drifts in hours. Nothing is ever given
 * out before its time. */
#ifndef SP_CORE_PACER_H
#define SP_CORE_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "core/clock.h"
#include "core/pace.h"

/* One departure. due_ns is the intended time. */
struct sp_due {
	uint64_t due_ns;
	uint32_t stream;
	uint32_t size : 31; /* bytes of the unit */
	uint32_t last : 1;  /* the stream's limits allow no other after it */
};

/* Departures of one stream that follow each other as fast as may be, each due when it leaves: for
 * units that are made where they leave (SP_T_REPEAT). */
struct sp_repeat {
	uint32_t stream, n, size;
	uint64_t end_ns; /* none leaves from then on; SP_NEVER */
};

/* What to do with departures that are late (DESIGN 5, catch-up). chase: not faster than
 * chase_x times the asked rate, counted from when the stall was found; burst: at once. Either way
 * at most credit_ns of lateness is made up; what is older is skipped and counted. skip: whatever
 * is later than SP_CATCH_UP_NOISE_NS is skipped. No policy skips what is less late than that.
 *
 * smooth keeps gaps rather than places: a departure that leaves L late lets the next one be
 * late by L (1 - gap / SP_CATCH_SMOOTH_NS), so that a disturbance spoils one gap and is then made
 * up a little at each of the gaps that follow; at most half a gap, since what is later than
 * SP_CATCH_UP_NOISE_NS leaves at once. */
enum sp_catch_up { SP_CATCH_CHASE, SP_CATCH_BURST, SP_CATCH_SKIP, SP_CATCH_SMOOTH };
struct sp_catch_up_conf {
	enum sp_catch_up kind;
	double chase_x;	    /* >= 1; default 2 */
	uint64_t credit_ns; /* default 1 s */
};
/* Lateness up to this is scheduling noise, not a stall: sent as soon as possible. */
#define SP_CATCH_UP_NOISE_NS	(2 * SP_NS_PER_MS)
/* Within about this a smooth schedule makes up what it is late. */
#define SP_CATCH_SMOOTH_NS	(2 * SP_CATCH_UP_NOISE_NS)
/* Less is not worth making up slowly. */
#define SP_CATCH_SMOOTH_FROM_NS 1000u

struct sp_pacer;

/* conf NULL: the defaults, chase. 0, -ENOMEM, or -EINVAL (chase_x below 1). */
int sp_pacer_new(struct sp_pacer **, const struct sp_mem *, uint32_t streams, uint64_t start_ns,
		 const struct sp_catch_up_conf *);
void sp_pacer_free(struct sp_pacer *);
/* Cold. state[stream * size] will be touched with each departure of the stream: it is fetched
 * from memory shortly before. For two such arrays. */
void sp_pacer_prefetch(struct sp_pacer *, const void *state, size_t size);
/* stream < streams, once each, before the first take. 0 or -EINVAL. An OPS schedule is asked for
 * its first departure at once. */
int sp_pacer_add(struct sp_pacer *, uint32_t stream, const struct sp_pace *);
/* HOT. Up to max departures with due_ns <= now_ns, in order within a slot of 1.024 us; then, if
 * there is room, those of SP_PACE_MAX streams in turn with due_ns = now_ns, an equal share of
 * neighbours for each. */
uint32_t sp_pacer_take(struct sp_pacer *, uint64_t now_ns, struct sp_due *, uint32_t max);
/* HOT. The next departures, up to max, of the only stream that has any, when that is one of
 * SP_PACE_MAX; never the last one that its limits allow. False: there are none such, take() may
 * have others. */
bool sp_pacer_take_run(struct sp_pacer *, uint64_t now_ns, uint32_t max, struct sp_repeat *);
/* HOT. The last n of those that take_run gave just now did not leave: they are due as before. */
void sp_pacer_untake(struct sp_pacer *, const struct sp_repeat *, uint32_t n);
/* HOT. Of a MAX stream take() gives at most room departures, until this is called again. */
void sp_pacer_room(struct sp_pacer *, uint32_t stream, uint32_t room);
/* Earliest time at which take() will give something; now for MAX streams; SP_NEVER: all ended. */
uint64_t sp_pacer_next(struct sp_pacer *);
/* Cold. Notes what will change; c is borrowed until the pacer is freed and must not be before what
 * was noted for the stream earlier. Departures that were taken already stay taken. 0, -ENOMEM (only
 * the first time for a stream), -EINVAL (no such stream, a bad gap) or -ENOTSUP (a schedule that
 * cannot change). */
int sp_pacer_change(struct sp_pacer *, uint32_t stream, struct sp_change *c);
/* Cold. A reply to one of the stream's departures came at now_ns: its schedule may have the next one
 * sooner (a back-off that begins anew). The worker's own hand. */
void sp_pacer_reply(struct sp_pacer *, uint32_t stream, uint64_t now_ns);
/* Cold. No departure at or after at_ns any more (the stop). */
void sp_pacer_stop(struct sp_pacer *, uint64_t at_ns);
/* Cold. After the last take: gives up every departure that is still due before its end, counting
 * it as skipped; not those of a stream without any limit, whose end only a stop can set. */
void sp_pacer_drain(struct sp_pacer *);
/* Departures given out, skipped as too late, and given out late under catch-up, per stream. */
struct sp_paced {
	uint64_t taken, skipped, chased;
};
void sp_pacer_counts(const struct sp_pacer *, uint32_t stream, struct sp_paced *);
#endif
