/* The reading of conversations: its parts to each other; nobody else includes this. */
#ifndef SP_CAPTURE_CONVERSATIONS_IMPL_H
#define SP_CAPTURE_CONVERSATIONS_IMPL_H

#include "capio/packet_view.h"
#include "capture/conversations.h"
#include "capture/endpoint_set.h"

#define TALK_NONE UINT32_MAX

/* What was said, in the order in which it was complete. */
struct said {
	uint64_t at, len;     /* in octets */
	uint64_t before;      /* of the server: octets, datagrams */
	int64_t t_ns, end_ns; /* its first and its last octets */
	uint64_t packet;
	uint32_t next; /* of the same conversation; TALK_NONE: it is the last */
	bool by_server;
};

struct talk {
	struct sp_endpoint client, server;
	uint32_t first, last; /* said */
	uint32_t steps;
	uint64_t want, answers, packet; /* octets and datagrams of the server */
	int64_t start_ns, end_ns;
	bool begun, hole, spoke; /* spoke: the client did */
	bool udp;
};

struct conversations {
	const struct sp_mem *mem;
	struct sp_conversations *out;
	struct talk *talk;
	uint32_t talks, talk_cap;
	struct said *said;
	uint32_t n_said, said_cap;
	uint8_t *octets;
	uint64_t n_octets, octets_cap;
	uint32_t *of; /* talk + 1 of each stream */
	uint32_t streams, of_cap;
	struct sp_endpoint_set ends, pairs; /* of UDP; pairs: the numbers of two ends */
	uint32_t *pair;			    /* its talk */
	uint32_t pair_cap;
	const char *path;
	struct sp_err *err;
};

/* Room for one more of size octets. 0 or -ENOMEM. */
int sp_conversations_room(const struct conversations *, void *array, uint32_t n, uint32_t *cap,
			  size_t size);
/* A new one. NULL: no memory. */
struct talk *sp_conversations_talk(struct conversations *);
/* What one side said, behind all that it has: at is filled in. 0, -ENOMEM, -E2BIG. */
int sp_conversations_say(struct conversations *, struct talk *, struct said,
			 const uint8_t *data);
/* More octets behind the last ones. */
int sp_conversations_keep(struct conversations *, const uint8_t *data, size_t len);
int sp_conversations_too_much(const struct conversations *);

/* conversations_udp.c: a callback of capio/reassembly.h */
int sp_conversations_datagram(struct conversations *, const struct sp_cap_view *,
			      const uint8_t *payload, size_t len, int64_t t_ns,
			      uint64_t packet);

/* conversations_book.c: all that was read, as books */
int sp_conversations_write(struct conversations *, const struct sp_conversations_conf *);

#endif
