/* What the parts of one end have in common: tcb.c (time, reader, writer), tcb_in.c (what comes),
 * tcb_out.c (what goes). Nobody else includes this. */
#ifndef SP_TRANSPORT_UTCP_TCB_IMPL_H
#define SP_TRANSPORT_UTCP_TCB_IMPL_H

#include <string.h>

#include "transport/utcp/tcb.h"

#define SP_TCB_MS	    UINT64_C(1000000)
#define SP_TCB_MSS_DFLT	    536u /* RFC 9293, 3.7.1 */
#define SP_TCB_TIME_WAIT_NS (1000 * SP_TCB_MS)

static inline uint32_t sp_tcb_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t sp_tcb_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Bytes in and out of a ring, from place at on. */
static inline void sp_tcb_ring_put(const struct sp_tcb_ring *r, uint32_t at, const void *data,
				   uint32_t len)
{
	uint32_t i = at & (r->cap - 1), first = sp_tcb_min(len, r->cap - i);

	memcpy(r->at + i, data, first);
	memcpy(r->at, (const uint8_t *)data + first, len - first);
}

static inline void sp_tcb_ring_get(const struct sp_tcb_ring *r, uint32_t at, void *data,
				   uint32_t len)
{
	uint32_t i = at & (r->cap - 1), first = sp_tcb_min(len, r->cap - i);

	memcpy(data, r->at + i, first);
	memcpy((uint8_t *)data + first, r->at, len - first);
}

static inline void sp_tcb_end(struct sp_tcb *t, int error)
{
	t->state = SP_TCB_CLOSED;
	t->error = error;
	t->timer_ns = UINT64_MAX;
	t->acks = 0;
	t->events |= SP_TCB_IN | SP_TCB_OUT | SP_TCB_END;
}

static inline void sp_tcb_arm(struct sp_tcb *t, uint64_t now_ns)
{
	t->timer_ns = now_ns + t->rto_ns;
}

static inline uint32_t sp_tcb_window(const struct sp_tcb *t)
{
	return sp_tcb_min(t->rcv.cap - t->n_rcv, 65535);
}

/* A round trip that was measured (RFC 6298, 2). */
void sp_tcb_sample(struct sp_tcb *, uint64_t rtt_ns);

#endif
