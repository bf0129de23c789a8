/* The streams that a reassembly follows: found by their endpoints, in the order in which they were
 * last heard of. Pure. */
#ifndef SP_CAPIO_STREAMS_H
#define SP_CAPIO_STREAMS_H

#include "capio/reassembly.h"
#include "capio/waiting.h"

#define SP_SLOT_NONE UINT32_MAX

struct sp_slot {
	struct sp_stream s;
	uint64_t hash;
	uint64_t next;	   /* where in the stream we are, gaps counted */
	uint64_t fin_off;  /* where it ends, if fin */
	uint32_t next_seq; /* the number that next has in segments */
	uint32_t isn;
	uint32_t jump_seq; /* where a segment outside of the window ended, if jump */
	uint32_t syn_len;  /* octets in the SYN, until the next segment with octets came */
	bool used, ended, fin, jump;
	struct sp_waiting waiting;
	uint32_t chain;		/* of the same bucket */
	uint32_t newer, older;	/* by when they were last heard of */
	uint32_t after, before; /* of those that have octets waiting */
};

struct sp_streams {
	const struct sp_mem *mem;
	struct sp_slot *slot;
	uint32_t *bucket;
	uint32_t max, mask, n;
	uint32_t newest, oldest, free;
	uint32_t first_waiting, last_waiting;
};

/* -ENOMEM: to be closed all the same. */
int sp_streams_open(struct sp_streams *, uint32_t max, const struct sp_mem *);
void sp_streams_close(struct sp_streams *);
/* HOT. NULL: there is none. */
struct sp_slot *sp_streams_find(const struct sp_streams *, const struct sp_endpoint *src,
				const struct sp_endpoint *dst);
bool sp_streams_full(const struct sp_streams *);
/* The one that was silent for longest; there is one. */
struct sp_slot *sp_streams_oldest(const struct sp_streams *);
/* A new one, all zero but for its endpoints; there is room. */
struct sp_slot *sp_streams_add(struct sp_streams *, const struct sp_endpoint *src,
			       const struct sp_endpoint *dst);
/* Nothing waits in it. */
void sp_streams_remove(struct sp_streams *, struct sp_slot *);
/* HOT. It was heard of now. */
void sp_streams_touch(struct sp_streams *, struct sp_slot *);
/* It is the first to go. */
void sp_streams_bury(struct sp_streams *, struct sp_slot *);
/* Whether octets wait in it has changed, perhaps. */
void sp_streams_note_waiting(struct sp_streams *, struct sp_slot *, bool waited);
/* The one in which octets have waited for longest; NULL: in none. */
struct sp_slot *sp_streams_waiting(const struct sp_streams *);

#endif
