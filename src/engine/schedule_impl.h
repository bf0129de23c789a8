/* What the files of schedule share; nobody else includes this. */
#ifndef SP_ENGINE_SCHEDULE_IMPL_H
#define SP_ENGINE_SCHEDULE_IMPL_H

#include "base/rng.h"
#include "engine/deal.h"
#include "engine/ks.h"
#include "engine/modes/modes.h"
#include "engine/schedule.h"
#include "engine/sizes.h"

typedef unsigned __int128 u128;

#define Q32	4294967296.0
#define GAP_MAX (1ull << 62) /* 146 years: added to any clock it does not wrap */

/* What only a law has. */
struct law_gaps {
	struct sp_dist dist;
	struct sp_rng rng, rng0; /* now, and as at the start */
	double scale_q32;	 /* a drawn value times this is a gap in ns * 2^32 */
	double per_gap;		 /* a gap in ns times this is a value of the law */
	uint64_t due_ns;	 /* the sum so far, 64.32 fixed point */
	uint32_t due_frac;
	uint32_t at; /* next unused of the block */
	bool known;  /* the law's distribution function is */
	float drawn[SP_DIST_BLOCK];
	uint64_t left_ns; /* last actual departure; 0: none yet */
	struct sp_ks left, asked;
};

struct sp_schedule {
	const struct sp_mem *mem;
	struct law_gaps *law;	/* NULL: none */
	struct sp_sizes *sizes; /* NULL: all have one */
	uint32_t size;
	struct sp_deal deal;	   /* which departures are ours */
	uint64_t drawn_n, next_i;  /* gaps that are in the sum; our next departure */
	uint64_t last_i, from_i;   /* our last departure; the one at start_ns */
	uint64_t start_ns, gap_ns; /* no law: departure i is at start + (i - from) * gap */
	uint64_t gap_num, gap_den;
	u128 bits;		 /* a bit rate and sizes that vary: sent since start_ns */
	uint64_t micro;		 /* so many millionths of a bit a second */
	uint32_t last_size;	 /* of the last one drawn */
	uint32_t extra;		 /* bytes of a unit that its size does not count */
	struct sp_mode_run mode; /* departures of a mode's own; no law then */
};

/* HOT. Of the next unit. */
static inline uint32_t schedule_size(struct sp_schedule *s)
{
	return s->sizes ? sp_sizes_next(s->sizes) : s->size;
}

static inline void schedule_rewind(struct sp_schedule *s)
{
	if (s->sizes)
		sp_sizes_rewind(s->sizes);
}

/* schedule_even.c: gaps without a law that the pacer does not make by itself. */
void sp_schedule_make_even(const struct sp_plan_stream *, struct sp_pace *,
			   struct sp_schedule *);
/* schedule_law.c: the stream's law of gaps; none where it turns out to be constant. */
int sp_schedule_make_law(const struct sp_plan_stream *, const struct sp_catalog *,
			 const struct sp_env *, struct sp_pace *, struct sp_schedule *,
			 struct sp_err *);

#endif
