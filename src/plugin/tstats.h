/* Counting in a transport: one writer, its worker; any thread reads. Relaxed stores keep a
 * reader from seeing half a value and cost nothing on the machines that we run on. */
#ifndef SP_PLUGIN_TSTATS_H
#define SP_PLUGIN_TSTATS_H

#include <stdint.h>

#include "core/result.h"

/* HOT. c is a counter of a struct sp_tstats. */
static inline void sp_tstat_add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

/* Any thread. */
static inline void sp_tstats_read(const struct sp_tstats *from, struct sp_tstats *to)
{
#define SP_TSTAT_READ(m) to->m = __atomic_load_n(&from->m, __ATOMIC_RELAXED)
	SP_TSTAT_READ(tx_calls);
	SP_TSTAT_READ(tx_units);
	SP_TSTAT_READ(tx_msgs);
	SP_TSTAT_READ(tx_bytes);
	SP_TSTAT_READ(tx_blocked);
	SP_TSTAT_READ(tx_unreachable);
	SP_TSTAT_READ(rx_calls);
	SP_TSTAT_READ(rx_units);
	SP_TSTAT_READ(rx_msgs);
	SP_TSTAT_READ(rx_bytes);
	SP_TSTAT_READ(rx_truncated);
	SP_TSTAT_READ(rx_dropped);
	SP_TSTAT_READ(rx_csum_errors);
	SP_TSTAT_READ(rx_other);
	SP_TSTAT_READ(max_seg);
	SP_TSTAT_READ(rx_dropped_known);
#undef SP_TSTAT_READ
}

#endif
