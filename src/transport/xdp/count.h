/* What the counting program has counted, as messages: one stands for a run of units that follow
 * each other (SP_M_RUN). Of the worker that receives. Inside the folder only. */
#ifndef SP_TRANSPORT_XDP_COUNT_H
#define SP_TRANSPORT_XDP_COUNT_H

#include "pkt/batch.h"
#include "plugin/transport.h"
#include "transport/xdp/count_prog.h"

/* Runs that are still going on are looked at so often. */
#define XDP_COUNT_LOOK_NS (5 * SP_NS_PER_MS)
/* Frames that went up and never came were dropped: waited for so long. */
#define XDP_COUNT_WAIT_NS (50 * SP_NS_PER_MS)
#define XDP_COUNT_FRAME	  2048u

struct xdp_counter;

/* flows: the map; queues as the program has it. NULL: no memory. */
struct xdp_counter *xdp_counter_new(int flows, uint32_t queues, const struct sp_mem *);
void xdp_counter_free(struct xdp_counter *);
/* HOT. A batch begins: what was written for the last one is nobody's any more. */
void xdp_counter_begin(struct xdp_counter *);
/* HOT. A frame with this in front of it came up, as message m: writes the runs before it, at most 2,
 * to out and returns how many. */
uint32_t xdp_counter_before(struct xdp_counter *, const struct xdp_count_meta *,
			    const struct sp_msg *m, struct sp_msg *out);
/* HOT. Nothing waits in the sockets: runs that go on, up to max. */
uint32_t xdp_counter_rest(struct xdp_counter *, uint64_t now_ns, struct sp_msg *out,
			  uint32_t max);

#endif
