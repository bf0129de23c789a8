/* The loop transport's settings, and the truth about what it did, for tests. */
#ifndef SP_TRANSPORT_LOOP_LOOP_H
#define SP_TRANSPORT_LOOP_LOOP_H

#include <stdint.h>

#include "plugin/transport.h"

enum sp_loop_corrupt_at { SP_LOOP_STAMP, SP_LOOP_ANY };

/* A stage strikes by chance (ratio), at exactly each n-th message that reaches it (every), or
 * both. The stages come in this order, and a message that one of them struck passes the later
 * ones unharmed and uncounted, so that each figure can be told from the settings:
 *   loss, corrupt, duplicate, reorder; delay and jitter for all; the limit of queue. */
struct sp_loop_conf {
	double loss, corrupt, duplicate, reorder;
	uint64_t loss_every, corrupt_every, duplicate_every, reorder_every;
	int corrupt_at;		  /* enum sp_loop_corrupt_at */
	uint64_t reorder_by;	  /* a held message is passed by so many of its flow */
	uint64_t reorder_hold_ns; /* and is held no longer than this after its own arrival */
	uint64_t delay_ns, jitter_ns;
	uint64_t queue, buffer; /* in flight at most; 0 = default */
};

/* What a queue did to its messages. Owned by its worker, like everything of a queue. */
struct sp_loop_truth {
	uint64_t lost, corrupted;
	uint64_t duplicated; /* copies */
	uint64_t reordered;  /* delivered behind a later, intact message of the same flow */
};
void sp_loop_truth(const struct sp_queue *, struct sp_loop_truth *);

#endif
