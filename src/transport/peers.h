/* Who is behind an endpoint index: a table of fixed room, found by open addressing. An entry
 * is never moved nor removed. One writer, the queue's worker; peer() may read from elsewhere. */
#ifndef SP_TRANSPORT_PEERS_H
#define SP_TRANSPORT_PEERS_H

#include <stdint.h>

#include "base/address.h"
#include "base/mem.h"

struct sp_peer {
	struct sp_endpoint remote;
	uint32_t lane; /* the transport's own: which socket of ours it talks to */
};

struct sp_peers {
	struct sp_peer *peer;
	uint32_t *slot; /* index + 1, 0 = free */
	uint32_t n, cap, mask;
	uint32_t last;	 /* index of the one that was found last */
	uint64_t key[4]; /* drawn: nobody outside can choose who shares a slot */
};

/* Room for cap entries. 0 or -ENOMEM. */
int sp_peers_init(struct sp_peers *, const struct sp_mem *, uint32_t cap);
void sp_peers_fini(struct sp_peers *, const struct sp_mem *);
/* HOT. The index of (remote, lane), which is entered if there is room; else SP_NO_FLOW. */
uint32_t sp_peers_get(struct sp_peers *, const struct sp_endpoint *remote, uint32_t lane);
/* NULL when there is none. */
const struct sp_peer *sp_peers_at(const struct sp_peers *, uint32_t ep);

#endif
