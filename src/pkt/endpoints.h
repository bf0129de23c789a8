/* Who is behind an endpoint index: a table of fixed room. Same endpoint in the same lane, same
 * index; an entry is never moved. One writer; other threads may look up indices that are held. */
#ifndef SP_PKT_ENDPOINTS_H
#define SP_PKT_ENDPOINTS_H

#include <stdint.h>

#include "base/address.h"
#include "base/mem.h"

struct sp_endpoint_entry {
	struct sp_endpoint remote;
	uint32_t lane;	/* the transport's own: which socket of ours it talks to */
	uint32_t round; /* in which it was asked for last, of those where that matters */
};

struct sp_endpoints {
	struct sp_endpoint_entry *at; /* n of them, by index */
	uint32_t n, max;
	uint32_t *slot, mask; /* hash table: index + 1, 0 = empty */
	uint32_t last;	      /* index of the one that was found last */
	const uint32_t *held; /* by index; NULL: all stay for ever */
	uint32_t hand, round;
	uint64_t key[4]; /* of the hash */
};

/* Room for max endpoints (at least 1). key: drawn at random where strangers fill the table, so
 * that nobody outside can choose who shares a slot; NULL elsewhere. 0 or -ENOMEM. */
int sp_endpoints_init(struct sp_endpoints *, const struct sp_mem *, uint32_t max,
		      const uint64_t key[4]);
void sp_endpoints_fini(struct sp_endpoints *, const struct sp_mem *);
/* HOT. The index of (remote, lane), which is entered if there is room; else SP_NO_FLOW. */
uint32_t sp_endpoints_get(struct sp_endpoints *, const struct sp_endpoint *remote,
			  uint32_t lane);
/* From now on, where the table is full, an entry whose count in held is 0 makes room for another.
 * The counts are atomic and outlive the table's use: one falls to 0 by a release, when nobody looks
 * the index up any more; it rises in the thread that calls get. */
void sp_endpoints_reuse(struct sp_endpoints *, const uint32_t *held);
/* HOT. Indices given out before this have been held by whoever wants to keep them; those that are
 * given out from now on stay until the next call. */
static inline void sp_endpoints_begin(struct sp_endpoints *t)
{
	t->round++;
	if (t->n)
		t->at[t->last].round = t->round;
}
/* Any thread. NULL: there is none with this index. */
const struct sp_endpoint_entry *sp_endpoints_at(const struct sp_endpoints *, uint32_t index);

#endif
