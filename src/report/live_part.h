/* The live table's state and picture. Internal to report. */
#ifndef SP_REPORT_LIVE_PART_H
#define SP_REPORT_LIVE_PART_H

#include "report/live.h"
#include "report/series.h"

/* What the table looks at of each row. */
#define SP_LIVE_COUNTERS                                                                       \
	(1ull << SP_C_tx_packets | 1ull << SP_C_tx_bytes | 1ull << SP_C_rx_packets |           \
	 1ull << SP_C_rx_unique | 1ull << SP_C_rx_bytes)

struct sp_live {
	struct sp_live_conf conf;
	const struct sp_mem *mem;
	struct sp_series series; /* as last drawn */
	struct sp_str picture;	 /* the last one */
	unsigned drawn;		 /* lines of it above the cursor that may be drawn over */
	uint64_t drawn_ns;	 /* time of its event */
};

/* Rates since the last drawing, NAN unknown; those of the whole run at the end. i: 0 the total,
 * 1 + k row k; m its measure now. */
struct sp_live_rates {
	double tx_pps, tx_bps, rx_pps, rx_bps;
};
void sp_live_rates(const struct sp_live *, const struct sp_event *, size_t i,
		   const struct sp_measure *m, struct sp_live_rates *);
/* Lines of less than conf.cols columns, fewer than conf.rows. */
void sp_live_picture(const struct sp_live *, const struct sp_event *, struct sp_str *out);

#endif
