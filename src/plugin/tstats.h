/* Counting in a transport: one writer, its worker; any thread reads. Relaxed stores keep a
 * reader from seeing half a value and cost nothing on the machines that we run on. */
#ifndef SP_PLUGIN_TSTATS_H
#define SP_PLUGIN_TSTATS_H

#include <stdint.h>

#include "core/result.h"

/* HOT. By the queue's worker only. */
static inline void sp_tstats_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* HOT. A unit of seg messages was seen. */
static inline void sp_tstats_seg(struct sp_tstats *s, uint32_t seg)
{
	if (seg > s->max_seg)
		__atomic_store_n(&s->max_seg, seg, __ATOMIC_RELAXED);
}

/* HOT. One call sent units of msgs messages, the longest unit of seg. */
static inline void sp_tstats_sent(struct sp_tstats *s, uint32_t units, uint32_t msgs,
				  uint64_t bytes, uint32_t seg)
{
	sp_tstats_add(&s->tx_calls, 1);
	sp_tstats_add(&s->tx_units, units);
	sp_tstats_add(&s->tx_msgs, msgs);
	sp_tstats_add(&s->tx_bytes, bytes);
	sp_tstats_seg(s, seg);
}

/* A copy, for any thread. */
static inline void sp_tstats_load(struct sp_tstats *to, const struct sp_tstats *from)
{
#define SP_TSTATS_LOAD(m) to->m = __atomic_load_n(&from->m, __ATOMIC_RELAXED)
	SP_TSTATS_LOAD(tx_calls);
	SP_TSTATS_LOAD(tx_units);
	SP_TSTATS_LOAD(tx_msgs);
	SP_TSTATS_LOAD(tx_bytes);
	SP_TSTATS_LOAD(tx_blocked);
	SP_TSTATS_LOAD(tx_unreachable);
	SP_TSTATS_LOAD(tx_dropped);
	SP_TSTATS_LOAD(rx_calls);
	SP_TSTATS_LOAD(rx_units);
	SP_TSTATS_LOAD(rx_msgs);
	SP_TSTATS_LOAD(rx_bytes);
	SP_TSTATS_LOAD(rx_truncated);
	SP_TSTATS_LOAD(rx_dropped);
	SP_TSTATS_LOAD(rx_csum_errors);
	SP_TSTATS_LOAD(rx_frozen);
	SP_TSTATS_LOAD(rx_other);
	SP_TSTATS_LOAD(max_seg);
	SP_TSTATS_LOAD(rx_dropped_known);
#undef SP_TSTATS_LOAD
}

#endif
