/* One end of a forwarded link: a packet socket on an interface, used in both directions. */
#ifndef SP_FORWARD_SIDE_H
#define SP_FORWARD_SIDE_H

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/clock.h"
#include "forward/pool.h"

#define SP_SIDE_BURST 32u

struct sp_side_unit {
	struct iovec iov[3]; /* vnet, slot, what does not fit into the slot */
	uint32_t id;
	_Alignas(struct cmsghdr) char control[128];
};

struct sp_side {
	int fd;
	char name[IF_NAMESIZE];
	uint64_t last_ns; /* arrival of the newest */
	uint64_t
		empty_ns; /* when nothing waited in the socket: what comes later arrived later */
	uint64_t known_ns; /* whatever arrived until then was received */
	uint64_t drops;	   /* frames that the socket's buffer had no room for */
	uint64_t refused;  /* frames that the interface did not take */
	uint64_t supers;   /* frames that are several segments in one, or came without a slot */
	uint32_t n_rx, n_tx;
	struct sp_side_unit rx[SP_SIDE_BURST];
	struct mmsghdr rx_msgs[SP_SIDE_BURST], tx_msgs[SP_SIDE_BURST];
	struct iovec tx_iov[SP_SIDE_BURST][2];
	uint32_t tx_ids[SP_SIDE_BURST];
	uint8_t *spill; /* SP_SIDE_BURST * SP_POOL_FRAME */
};

/* A frame that arrived; the slot is the caller's now. */
struct sp_arrival {
	uint32_t id;
	uint64_t t_ns; /* CLOCK_MONOTONIC; never goes back on one side */
};

/* Opens the socket in the caller's network namespace. Errors: -EPERM, -ENODEV, ... with
 * SP_EXIT_PERM; -ENOMEM. */
int sp_side_open(struct sp_side *, const char *interface, const struct sp_mem *,
		 struct sp_err *);
void sp_side_close(struct sp_side *, const struct sp_mem *);
/* Frames that are there, at most SP_SIDE_BURST; never waits. real_offset = real - monotonic time. */
uint32_t sp_side_receive(struct sp_side *, struct sp_pool *, const struct sp_clock *,
			 int64_t real_offset, struct sp_arrival *);
/* Sends the slot's frame with the next flush, or at once when enough of them wait; then the slot
 * is free. */
void sp_side_send(struct sp_side *, struct sp_pool *, uint32_t id);
void sp_side_flush(struct sp_side *, struct sp_pool *);
/* Adds what the kernel counted since the last call to drops. */
void sp_side_count_drops(struct sp_side *);

#endif
