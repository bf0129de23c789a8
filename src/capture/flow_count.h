/* How many different flows there are: exactly up to a limit (two of a million flows have the same
 * hash of 64 bits in one capture of thirty million), beyond it as an estimate with a standard error
 * of 0.8 % (HyperLogLog; Flajolet et al. 2007). Memory: 11 to 22 octets a flow, at most 24 MiB. One
 * thread. */
#ifndef SP_CAPTURE_FLOW_COUNT_H
#define SP_CAPTURE_FLOW_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/mem.h"

#define SP_FLOWS_EXACT	 (1u << 20)
#define SP_FLOW_REGISTER (1u << 14)

struct sp_flow_count {
	const struct sp_mem *mem;
	uint64_t *slot; /* hashes; 0: free */
	uint64_t cap, n, last;
	uint64_t most; /* beyond which it is an estimate */
	uint8_t *reg;  /* of the estimate; NULL: still exact */
};

/* most 0: SP_FLOWS_EXACT. */
void sp_flow_count_init(struct sp_flow_count *, uint64_t most, const struct sp_mem *);
void sp_flow_count_fini(struct sp_flow_count *);
/* HOT. A packet of that flow; each direction is its own. -ENOMEM. */
int sp_flow_count_note(struct sp_flow_count *, uint8_t proto, const struct sp_endpoint *src,
		       const struct sp_endpoint *dst);
uint64_t sp_flow_count(const struct sp_flow_count *, bool *exact);

#endif
