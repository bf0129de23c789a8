/* Counters of a queue: one writer, its worker; any thread reads. */
#ifndef SP_TRANSPORT_TSTATS_H
#define SP_TRANSPORT_TSTATS_H

#include <stdint.h>

#include "core/result.h"

/* HOT. By the queue's worker only. */
static inline void sp_tstats_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* HOT. A super-packet of seg messages was seen. */
static inline void sp_tstats_seg(struct sp_tstats *s, uint32_t seg)
{
	if (seg > s->max_seg)
		__atomic_store_n(&s->max_seg, seg, __ATOMIC_RELAXED);
}

/* A copy for any thread. */
void sp_tstats_load(struct sp_tstats *to, const struct sp_tstats *from);

#endif
