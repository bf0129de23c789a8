/* When a connection that failed is tried again: a little later, and after twice as long each time, so
 * that a peer that is down or refuses is not hammered. For closed loops and sessions; an open loop has
 * its schedule, and each departure that finds no connection is counted at its time. */
#ifndef SP_ENGINE_AGAIN_H
#define SP_ENGINE_AGAIN_H

#include "core/clock.h"
#include "plugin/proto.h"

/* Closed loops: an answer that came whole makes the next failure a first one. */
#define SP_AGAIN_NS	      (10 * SP_NS_PER_MS)
#define SP_AGAIN_MOST_NS      SP_NS_PER_S
/* Sessions: one that stood for the longest wait does. Where only a count ends the stream, it ends instead
 * of waiting for so long. */
#define SP_AGAIN_SESSION_NS   (100 * SP_NS_PER_MS)
#define SP_AGAIN_SESSION_MOST (5 * SP_NS_PER_S)

struct sp_again {
	uint64_t next_ns; /* the next wait; 0: the first */
};

/* How long to wait now: first_ns, doubled with each call, at most most_ns. */
static inline uint64_t sp_again_wait(struct sp_again *a, uint64_t first_ns, uint64_t most_ns)
{
	uint64_t wait_ns = a->next_ns > first_ns ? a->next_ns : first_ns;

	wait_ns = wait_ns < most_ns ? wait_ns : most_ns;
	a->next_ns = 2 * wait_ns;
	return wait_ns;
}

static inline uint64_t sp_again_most(const struct sp_proto_ops *ops)
{
	return ops->again_most_ns ? ops->again_most_ns
	       : ops->session	  ? SP_AGAIN_SESSION_MOST
				  : SP_AGAIN_MOST_NS;
}

#endif
