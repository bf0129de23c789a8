/* Messages on their way: a ring of bytes where each message is written once, read in place and
 * given back, and the order in which they arrive. One thread. */
#ifndef SP_TRANSPORT_LOOP_FLIGHT_H
#define SP_TRANSPORT_LOOP_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define SP_FLIGHT_ALIGN 32u

/* In the ring, before its data. */
struct sp_flight_rec {
	uint64_t t_ns; /* arrival */
	uint32_t len, ep, flow;
	uint32_t span; /* of the record and its data in the ring */
	uint32_t busy; /* not given back yet */
	uint32_t unused;
};
_Static_assert(sizeof(struct sp_flight_rec) == SP_FLIGHT_ALIGN, "data follow aligned");

struct sp_flight {
	uint8_t *ring;
	size_t cap, head, tail; /* oldest record, end of the newest */
	uint32_t *order, mask;	/* arrivals, as offset / SP_FLIGHT_ALIGN */
	uint32_t first, last;	/* free-running: last - first wait in order */
	uint32_t limit, out;	/* most records not yet delivered; how many are not */
	uint32_t busy;		/* not yet given back: those, and what is lent */
};

/* limit >= 1 messages and about bytes bytes; 0 or -ENOMEM. */
int sp_flight_init(struct sp_flight *, const struct sp_mem *, uint32_t limit, size_t bytes);
void sp_flight_fini(struct sp_flight *, const struct sp_mem *);
/* Makes room for span bytes at the start of the ring. false: there is none. */
bool sp_flight_wrap(struct sp_flight *, uint32_t span);

static inline struct sp_flight_rec *sp_flight_at(const struct sp_flight *f, size_t off)
{
	return (struct sp_flight_rec *)(void *)(f->ring + off);
}

static inline uint8_t *sp_flight_data(struct sp_flight_rec *r)
{
	return (uint8_t *)(r + 1);
}

/* What a message takes of the ring. */
static inline uint32_t sp_flight_span(uint32_t len)
{
	return (uint32_t)sizeof(struct sp_flight_rec) +
	       ((len + SP_FLIGHT_ALIGN - 1) & ~(SP_FLIGHT_ALIGN - 1));
}

/* HOT. There is room for n messages of span bytes in all, without a wrap. */
static inline bool sp_flight_has_room(const struct sp_flight *f, uint32_t n, uint64_t span)
{
	size_t end = f->tail >= f->head ? f->cap + 1 : f->head;

	return n <= f->limit - f->out && f->tail + span < end;
}

/* Copies len bytes. src is readable up to the next multiple of 32, and dst writable: the inner
 * loop has no tail, which is half of the cost of a small message. */
static inline void sp_flight_copy(uint8_t *dst, const uint8_t *src, uint32_t len)
{
	if (len > 512) {
		memcpy(dst, src, len);
		return;
	}
	for (uint32_t i = 0; i < len; i += SP_FLIGHT_ALIGN)
		memcpy(dst + i, src + i, SP_FLIGHT_ALIGN);
}

/* HOT. A copy of a message, not yet queued; the caller sets t_ns, ep, flow. src as in
 * sp_flight_copy. NULL: full. */
static inline struct sp_flight_rec *sp_flight_put(struct sp_flight *f, const uint8_t *src,
						  uint32_t len)
{
	uint32_t span = sp_flight_span(len);
	size_t end = f->tail >= f->head ? f->cap + 1 : f->head;
	struct sp_flight_rec *r;

	if (f->out == f->limit)
		return NULL;
	if (f->tail + span >= end && !sp_flight_wrap(f, span))
		return NULL;
	r = sp_flight_at(f, f->tail);
	f->tail += span;
	f->out++;
	f->busy++;
	r->len = len;
	r->span = span;
	r->busy = 1;
	sp_flight_copy(sp_flight_data(r), src, len);
	return r;
}

/* HOT. r arrives after everything that was queued before it. */
static inline void sp_flight_queue(struct sp_flight *f, const struct sp_flight_rec *r)
{
	size_t off = (size_t)((const uint8_t *)r - f->ring);

	f->order[f->last++ & f->mask] = (uint32_t)(off / SP_FLIGHT_ALIGN);
}

/* HOT. The next to arrive, or NULL. */
static inline struct sp_flight_rec *sp_flight_first(const struct sp_flight *f)
{
	if (f->first == f->last)
		return NULL;
	return sp_flight_at(f, (size_t)f->order[f->first & f->mask] * SP_FLIGHT_ALIGN);
}

/* HOT. It was delivered, and is still lent. */
static inline void sp_flight_next(struct sp_flight *f)
{
	f->first++;
	f->out--;
}

/* HOT. Gives back one record; sp_flight_reclaim when a batch is done. */
static inline void sp_flight_done(struct sp_flight *f, uint8_t *data)
{
	((struct sp_flight_rec *)(void *)data)[-1].busy = 0;
	f->busy--;
}

/* HOT. Gives back all records that there are, without a look at them: the ring starts again at
 * its start, where the cache is warm. */
static inline void sp_flight_restart(struct sp_flight *f)
{
	f->busy = 0;
	f->head = f->tail = 0;
}

/* HOT. Makes the room of records that were given back usable. */
static inline void sp_flight_reclaim(struct sp_flight *f)
{
	while (f->head != f->tail) {
		const struct sp_flight_rec *r = sp_flight_at(f, f->head);

		if (r->busy)
			return;
		f->head += r->span;
		if (f->head == f->cap && f->tail != f->cap)
			f->head = 0;
	}
	sp_flight_restart(f);
}

#endif
