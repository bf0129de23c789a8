/* The XDP program of a port that counts: units that follow each other are verified and counted there,
 * and dropped; whatever else comes goes up to the AF_XDP socket and says how many were counted before
 * it. So nothing is judged twice, and what is out of the ordinary is judged as always. Inside the
 * folder only.
 *
 * Counted is a frame of UDP over IPv4 without options and tags, for the port, whose native stamp
 * (stamp/native.c) is good, is not the last of its flow, covers no other octets, is the next in
 * sequence of its flow and source, and has the same length as the one before. */
#ifndef SP_TRANSPORT_XDP_COUNT_PROG_H
#define SP_TRANSPORT_XDP_COUNT_PROG_H

#include "transport/xdp/take_prog.h"

#define XDP_COUNT_FLOWS 256u /* a queue, a power of two; others are not counted but go up */

/* One flow; shared with us. Its place is its queue, and the lower bits of its id. */
struct xdp_count {
	uint64_t source;  /* address and port number; of a flow whose source varies 0 */
	uint32_t id;	  /* flow id + 1; 0: free */
	uint32_t len;	  /* of its frames, as UDP says */
	uint32_t next;	  /* sequence number */
	uint32_t from;	  /* of the first that was counted since the newest went up */
	uint64_t counted; /* all in all */
	uint64_t base;	  /* the same when the last went up */
	uint64_t up;	  /* frames that went up */
	uint64_t last_ns; /* when the last was counted, to 64 of them */
	uint64_t spare;
};
_Static_assert(sizeof(struct xdp_count) == 64, "one cache line a flow");

/* In front of a frame that goes up: its flow's place + 1 (0: none), and what its count was. */
struct xdp_count_meta {
	uint32_t place, from;
	uint64_t base, counted, t_ns;
};

struct xdp_count_maps {
	int xsks, tables, flows;
	uint32_t queues; /* the interface's */
};

void xdp_emit_count(struct xdp_asm *, const struct xdp_take *, const struct xdp_count_maps *);

#endif
