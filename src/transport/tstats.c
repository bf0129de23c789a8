#include "transport/tstats.h"

#include <stddef.h>

void sp_tstats_load(struct sp_tstats *to, const struct sp_tstats *from)
{
	static const size_t off[] = {
		offsetof(struct sp_tstats, tx_calls),
		offsetof(struct sp_tstats, tx_units),
		offsetof(struct sp_tstats, tx_msgs),
		offsetof(struct sp_tstats, tx_bytes),
		offsetof(struct sp_tstats, tx_blocked),
		offsetof(struct sp_tstats, tx_unreachable),
		offsetof(struct sp_tstats, rx_calls),
		offsetof(struct sp_tstats, rx_units),
		offsetof(struct sp_tstats, rx_msgs),
		offsetof(struct sp_tstats, rx_bytes),
		offsetof(struct sp_tstats, rx_truncated),
		offsetof(struct sp_tstats, rx_dropped),
		offsetof(struct sp_tstats, rx_csum_errors),
		offsetof(struct sp_tstats, rx_other),
	};

	for (size_t i = 0; i < sizeof off / sizeof off[0]; i++) {
		const uint64_t *f = (const uint64_t *)(const void *)((const char *)from +
								     off[i]);

		*(uint64_t *)(void *)((char *)to + off[i]) = __atomic_load_n(f,
									     __ATOMIC_RELAXED);
	}
	to->max_seg = __atomic_load_n(&from->max_seg, __ATOMIC_RELAXED);
	to->rx_dropped_known = __atomic_load_n(&from->rx_dropped_known, __ATOMIC_RELAXED);
}
