/* The only thing that travels between source, engine and transport. */
#ifndef SP_PKT_BATCH_H
#define SP_PKT_BATCH_H

#include <stdint.h>

#define SP_NO_STAMP UINT16_MAX
#define SP_NO_FLOW  UINT32_MAX

enum sp_msg_flag {
	SP_M_HELD = 1u << 0,	/* tx slot: still holds the template that was asked for */
	SP_M_CSUM_OK = 1u << 1, /* rx: checksums verified and good */
	SP_M_CSUM_BAD = 1u << 2,
	SP_M_CSUM_PARTIAL =
		1u << 3, /* rx: the sender's kernel left it to hardware that is not there */
	SP_M_SUPER = 1u << 4, /* rx: came inside a super-packet, t_ns is shared */
	SP_M_TRUNC = 1u << 5, /* rx: longer than the buffer */
	SP_M_UNIT = 1u << 6,  /* rx: first message of a unit that the kernel counts */
	SP_M_RUN = 1u << 7,   /* rx: stands for so many as flow says, which were verified below:
			       * like this one, from its sequence number on, in order */
	SP_M_UNTIMED =
		1u << 8, /* rx: others of its flow come in runs: times would be of a few */
};

struct sp_msg {
	uint8_t *data;	    /* tx: the transport's memory; rx: borrowed until rx_release */
	uint64_t t_ns;	    /* tx: intended departure; rx: arrival */
	uint32_t len;	    /* payload (datagram) or frame without FCS (frame transport) */
	uint32_t flow;	    /* tx: lane-local dense index; rx: filled in by match */
	uint32_t ep;	    /* endpoint index in the queue: tx destination, rx source */
	uint16_t stamp_off; /* from data; SP_NO_STAMP if none */
	uint16_t flags;
};
_Static_assert(sizeof(struct sp_msg) == 32, "two messages a cache line");

#define SP_BATCH_MAX 1024u

struct sp_batch {
	uint32_t n, cap; /* cap = the transport's burst, 32 .. SP_BATCH_MAX */
	struct sp_msg *m;
};

#endif
