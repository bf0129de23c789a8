/* Units of the packet lane that are answered (DNS queries): keys, answers, those that never came. One
 * for each queue with such streams, its worker's. */
#ifndef SP_ENGINE_ASKS_H
#define SP_ENGINE_ASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/env.h"
#include "core/hist.h"
#include "core/pacer.h"
#include "core/result.h"
#include "engine/errors.h"
#include "engine/pending.h"
#include "plugin/source.h"

/* Round trips from intended and from actual departure. */
struct sp_tally_rtt {
	struct sp_hist rtt, rtt_actual;
};

/* A stream that is answered. One writer, others read relaxed. */
struct sp_asked {
	uint64_t unique, rx_bytes; /* answers in time */
	uint64_t failed;	   /* units without one */
	uint64_t first_rx, last_rx;
	struct sp_errors errors;
	struct sp_status_counts statuses;
	struct sp_tally_rtt *rtt;
	struct sp_pacer *wants_replies; /* whose schedule hears of answers; NULL: none does */
	uint64_t timeout_ns;
	uint32_t window; /* units that may wait at a time when there is no schedule; 0: no such
			  * limit */
	uint32_t waiting;
};

struct sp_asks {
	const struct sp_env *env;
	const struct sp_ask_ops *ops;
	struct sp_source *source; /* that reads answers: any of those that ask here */
	struct sp_pending pending;
	struct sp_asked *stream; /* by the lane's index; those of this queue are used */
	uint32_t *key;		 /* of each message of the lane's batch */
	uint64_t look_ns;	 /* when expiry is looked for next */
	uint64_t step_ns;
	uint64_t strange; /* answers that nobody waits for (any more) */
};

/* n: the lane's streams; batch: messages of the lane's batch at most. 0 or -ENOMEM. */
int sp_asks_init(struct sp_asks *, const struct sp_env *, const struct sp_ask_ops *,
		 struct sp_source *, uint32_t n, uint32_t batch);
void sp_asks_fini(struct sp_asks *);
/* Cold. Stream i asks here. */
void sp_asks_stream(struct sp_asks *, uint32_t i, struct sp_tally_rtt *, uint32_t window);

/* HOT. So many units more can have a key. */
static inline uint32_t sp_asks_room(const struct sp_asks *a)
{
	return a->pending.keys - a->pending.n;
}
/* HOT. Messages [0 .. b->n) get keys; there is room for them. */
void sp_asks_put(struct sp_asks *, struct sp_source *, struct sp_batch *);
/* HOT. Messages [from .. from + n) left at now_ns; message i did not, and will not. */
void sp_asks_sent(struct sp_asks *, const struct sp_batch *, uint32_t from, uint32_t n,
		  uint64_t now_ns);
void sp_asks_unsent(struct sp_asks *, uint32_t i);
/* HOT. Messages that came. */
void sp_asks_answers(struct sp_asks *, const struct sp_batch *);
/* HOT, each turn. Gives up what has waited for too long. */
void sp_asks_turn(struct sp_asks *, uint64_t now_ns);
/* Nothing more is waited for: what is open has failed. */
void sp_asks_end(struct sp_asks *);
/* When sp_asks_turn() has something to do; SP_NEVER: nothing waits. */
static inline uint64_t sp_asks_next(const struct sp_asks *a)
{
	return a->pending.n ? a->look_ns : SP_NEVER;
}

#endif
