/* Machines that answer what arrives (plugin/proto.h, responders), beside counting: one set of them a
 * port and worker. Answers leave by the same queue, in bursts; what it does not take is dropped and
 * counted, so that nobody waits for an answer to leave.
 *
 * No reflector: at most one answer a message; never more bytes than came, except where the machine
 * says so (enum sp_reply_growth) and the sender is of an own network or proven; none to a sender
 * whose port number is the one that it asks, or 0, so that two that answer do not talk for ever. */
#ifndef SP_ENGINE_REPLY_H
#define SP_ENGINE_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "plugin/proto.h"
#include "plugin/transport.h"

#define SP_REPLY_BURST 64u   /* answers that are handed over at a time */
#define SP_REPLY_ROOM  2048u /* bytes of an answer over sockets, at most */

struct sp_responder {
	const struct sp_proto_ops *ops;
	void *st;			/* ops->state_size bytes */
	const struct sp_reply_own *own; /* SP_REPLY_PAYLOAD over frames: whom it speaks for */
	uint16_t first, last;		/* the same: port numbers */
	/* Any thread, relaxed. */
	uint64_t replies, bytes, refused;
};

struct sp_replies {
	const struct sp_transport_ops *transport;
	struct sp_queue *q;
	bool frames;
	uint32_t max_len; /* of a frame */
	struct sp_responder *r;
	uint32_t n;
	struct sp_batch tx;
	uint8_t *room; /* sockets: [SP_REPLY_BURST][SP_REPLY_ROOM] */
	uint8_t who[SP_REPLY_BURST];
};

/* Room for n machines, which the caller fills in (r[i].st is allocated by size of ops). 0, or
 * -ENOMEM; then fini is due all the same. */
int sp_replies_init(struct sp_replies *, const struct sp_mem *, uint32_t n);
void sp_replies_fini(struct sp_replies *, const struct sp_mem *);
/* HOT. Shows each machine what came, as rx_burst gave it, and sends what they say. */
void sp_replies_burst(struct sp_replies *, const struct sp_batch *rx, uint64_t now_ns);

#endif
