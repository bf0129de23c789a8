/* What the pacer's files share: pacer.c (departures), pacer_change.c (what changes meanwhile and the
 * end). Nobody else includes this. */
#ifndef SP_CORE_PACER_IMPL_H
#define SP_CORE_PACER_IMPL_H

#include "core/grid.h"
#include "core/pacer.h"
#include "core/wheel.h"

/* A law's or a MAX stream's own part. */
struct law {
	const struct sp_schedule_ops *ops;
	void *st;
	uint64_t end_ns, bytes; /* bytes: still free, the drawn departure's taken off */
};

/* What each departure touches: one cache line. A stream with left > 0 is in the wheel, or, as a
 * MAX stream that has started, in the ring. */
struct stream {
	uint64_t due_ns; /* of the next departure */
	union {
		struct sp_grid grid; /* CONST */
		struct law law;	     /* OPS, MAX */
	};
	uint64_t left; /* departures that its limits still hold; 0: ended */
	uint64_t taken;
	uint32_t size;
	uint8_t kind;
	uint8_t chasing;
	uint8_t added;
	uint8_t endless; /* no end, count or bytes limit was asked for */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct stream) == 64, "one cache line a stream");

/* What only lateness and changes touch. While it chases, departure d becomes eligible at
 * anchor_ns + (d - anchor_due_ns) / chase_x: a schedule as absolute as the intended one. A smooth
 * stream's anchor is its last departure. */
struct cold {
	uint64_t skipped, chased;
	uint64_t anchor_ns, anchor_due_ns;
	struct sp_change *next; /* ends the current pace; NULL: its own limits do */
	uint64_t begin_ns;	/* of the current pace: until then a new rate shifts nothing */
	uint64_t end_ns;	/* of the current pace, whatever comes next */
	uint64_t allow; /* what its count still holds when stream.left is 0; UINT64_MAX: all */
	double gap_ns;	/* a law's mean gap */
	uint32_t no_room; /* UINT32_MAX - what a MAX stream may be given: 0 is no limit */
};

struct sp_pacer {
	const struct sp_mem *mem;
	struct sp_wheel *wheel;
	struct stream *stream;
	struct cold *cold;
	uint32_t n;
	enum sp_catch_up catch_up;
	uint64_t inverse_q32; /* 2^32 / chase_x */
	uint64_t keep_ns;     /* what is later is skipped */
	uint64_t noise_ns;    /* up to this lateness there is nothing to decide */
	uint64_t now_ns;      /* of the last take */
	uint64_t span_ns;     /* no stream comes back sooner than this after a departure */
	uint32_t *ring, n_ring, turn; /* started MAX streams */
	uint32_t live;		      /* streams with left > 0 that are not in the ring */
	uint32_t solo;		      /* the only live one stays out of the wheel */
	uint64_t solo_ns;	      /* when it is eligible; SP_NEVER: there is none */
	uint64_t stop_ns;	      /* no departure from then on */
};

static inline uint64_t sp_pacer_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* pacer.c */
/* Draws a law's next departure; false: there is none before its end or within its limits. */
bool sp_pacer_draw(struct stream *);
void sp_pacer_narrow(struct sp_pacer *, const struct sp_pace *);
/* When a departure that may be chased is given out. */
uint64_t sp_pacer_eligible(const struct sp_pacer *, uint32_t id);
/* A stream comes to those that wait for their time. */
void sp_pacer_wake(struct sp_pacer *, uint32_t id);
void sp_pacer_skip_before(struct sp_pacer *, uint32_t id, uint64_t floor_ns);
/* pacer_change.c */
/* Loads a pace into a stream that has ended. */
void sp_pacer_load(struct sp_pacer *, uint32_t id, const struct sp_pace *);
/* The stream's pace is over: goes on with what was set for then. False: nothing. */
bool sp_pacer_go_on(struct sp_pacer *, uint32_t id);

#endif
