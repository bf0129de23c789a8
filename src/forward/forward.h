/* The lab's forwarder: one process a link, which moves the frames between two interfaces and does
 * to them what struct sp_impair says, each way apart. It changes its settings and tells its counts
 * when it is asked over a socket, and ends when that socket's other end closes. */
#ifndef SP_FORWARD_FORWARD_H
#define SP_FORWARD_FORWARD_H

#include "base/err.h"
#include "forward/impair.h"

struct sp_forward_conf {
	const char *interface[2];     /* in the caller's network namespace, up */
	struct sp_impair_conf way[2]; /* [0] from interface 0 to 1, [1] back */
	const char *name; /* of the link: with seed it chooses the series of chance */
	uint64_t seed;
	int control; /* SOCK_SEQPACKET */
};

/* One message each way: an order, and then its answer. Both ends are the same program. */
struct sp_forward_order {
	uint32_t serial; /* comes back in the answer */
	bool set;	 /* else only the counts are asked for */
	struct sp_impair_conf way[2];
};
struct sp_forward_counts {
	struct sp_impair_counts impair;
	uint64_t socket_drops; /* frames that came faster than the forwarder could take them */
	uint64_t refused;      /* that the far interface did not take, or was not there for */
	uint64_t supers;       /* several segments in one: counted as one frame */
};
struct sp_forward_answer {
	uint32_t serial;
	uint64_t at_ns; /* CLOCK_MONOTONIC, when the order took effect */
	struct sp_forward_counts way[2];
	struct sp_err err; /* code != 0: it could not begin, and is gone */
};

/* Runs until the control socket closes; sends one answer unasked as soon as it forwards (or
 * cannot). Once its sockets are open it is in the sandbox: no capability, no path, few calls.
 * Returns 0 or a negative code. */
int sp_forward_run(const struct sp_forward_conf *);

#endif
