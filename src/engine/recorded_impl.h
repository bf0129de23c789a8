/* The machine's own files: its queue (recorded_queue.c), what leaves next (recorded_out.c), and what the
 * engine calls (recorded.c). */
#ifndef SP_ENGINE_RECORDED_IMPL_H
#define SP_ENGINE_RECORDED_IMPL_H

#include "engine/recorded.h"

/* Before the octets of each message in the queue. */
struct sp_recorded_head {
	uint64_t due_ns;
	uint32_t len;
	uint16_t flags; /* enum sp_codec_flag */
	uint16_t last;	/* of its unit */
};

/* Octets of the queue that a message of that length takes. */
static inline size_t sp_recorded_room(size_t len)
{
	return sizeof(struct sp_recorded_head) + (len + 7) / 8 * 8;
}

/* The first message of the queue; NULL: there is none. */
static inline struct sp_recorded_head *sp_recorded_first(const struct sp_recorded *s)
{
	return s->head == s->tail ? NULL
				  : (struct sp_recorded_head *)(void *)(s->bytes + s->head);
}

static inline const struct sp_codec_peer_ops *sp_recorded_peer(const struct sp_recorded *s)
{
	return s->codec ? s->codec->peer : NULL;
}

/* The first message has left: it goes. */
void sp_recorded_pop(struct sp_recorded *);
/* What left is part of the opening, if it begins the session or others need it. */
void sp_recorded_remember(struct sp_recorded *, const struct sp_recorded_head *);

/* What leaves next: the wish of the machine. */
void sp_recorded_wish(struct sp_recorded *, uint64_t now_ns, struct sp_wish *);
/* That begins to leave now. */
void sp_recorded_begin(struct sp_recorded *, enum sp_recorded_out, const uint8_t *at,
		       size_t len, uint64_t now_ns);
/* The connection is over, and why; reason is static. */
void sp_recorded_over(struct sp_recorded *, enum sp_why, const char *reason);

#endif
