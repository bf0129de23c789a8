/* Cuts one capture into units: a packet goes in, and what it completes comes out. Memory is bounded
 * whatever comes: by the reassembly's own limits, and by MSG_CUT_LEFT for the beginnings of messages
 * whose rest is yet to come. */
#ifndef SP_SOURCE_MESSAGES_CUT_H
#define SP_SOURCE_MESSAGES_CUT_H

#include "source/messages/sections.h"
#include "source/messages/senders.h"
#include "source/messages/strangers.h"

/* Of one stream (more than any protocol's longest message), and of all of them. */
#define MSG_CUT_STREAM (16u << 20)
#define MSG_CUT_LEFT   (64u << 20)

/* A datagram, or the whole messages that one TCP segment completed. */
struct msg_unit {
	int64_t t_ns;	     /* never before the one in front of it */
	int64_t recorded_ns; /* as it stands in the capture, about: what times inside go by */
	const uint8_t *data;
	uint32_t len;
	uint32_t session;
	uint32_t item; /* which of the captures that are played, repetitions counted */
};

struct msg_counts {
	uint64_t packets;	/* in all captures */
	uint64_t filtered;	/* of this section and its sources */
	uint64_t unknown_proto; /* of no section */
	uint64_t unknown_peer;	/* of this section, its source is not in the map */
	uint64_t cut;		/* not captured whole, left out */
	uint64_t too_long;	/* datagrams that are longer than may leave, left out */
	uint64_t backwards;	/* older than the one before: sent with it */
	uint64_t set;		/* the clock was set before them: time goes on */
	uint64_t holes;		/* octets of streams that are missing */
	uint64_t broken; /* octets that are no messages of the protocol, or parts of some */
};

struct msg_cut_conf {
	const struct msg_sections *sections;
	uint32_t own;  /* which of them */
	uint32_t most; /* octets that a datagram may have */
	struct msg_senders *senders;
	uint32_t capture;		 /* its number */
	struct msg_strangers *strangers; /* whose messages are nobody's; NULL: they are known */
	struct msg_counts *counts;	 /* of the capture; of this one alone */
	/* Each unit; its octets are valid during the call. 0, or an error that ends it. */
	int (*unit)(void *arg, const struct msg_unit *, struct sp_err *);
	void *arg;
};

struct msg_cut;

/* conf's pointers are borrowed. -ENOMEM. */
int sp_msg_cut_new(struct msg_cut **, const struct msg_cut_conf *, const struct sp_mem *,
		   struct sp_err *);
/* The next packet, whose time is put right: never before the one in front of it. 0 or an error. */
int sp_msg_cut_packet(struct msg_cut *, struct sp_cap_packet *, struct sp_err *);
/* The capture is over. */
int sp_msg_cut_finish(struct msg_cut *, struct sp_err *);
void sp_msg_cut_free(struct msg_cut *);

#endif
