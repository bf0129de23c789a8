#include "compare/compare.h"

#define RATE(n, t, total, counter, scale, unit)                                                \
	{                                                                                      \
		n, t, NULL, total, NULL, counter, scale, unit, 1                               \
	}
#define TIME(n, t, object, key)                                                                \
	{                                                                                      \
		n, t, object, key, NULL, NULL, 1, SP_METRIC_NS, -1                             \
	}

const struct sp_metric sp_metrics[SP_COMPARE_METRICS] = {
	RATE("tx_pps", "sent pps", "tx_pps", "tx_packets", 1, SP_METRIC_PPS),
	RATE("tx_bps", "sent bit/s", "tx_bps", "tx_bytes", 8, SP_METRIC_BPS),
	RATE("rx_pps", "received pps", "rx_pps", "rx_unique", 1, SP_METRIC_PPS),
	RATE("rx_bps", "received bit/s", "rx_bps", "rx_bytes", 8, SP_METRIC_BPS),
	{ "loss", "loss", NULL, "lost", "tx_packets", NULL, 1, SP_METRIC_SHARE, -1 },
	{ "not_sent", "given up", NULL, "not_sent_late", "asked_packets", NULL, 1,
	  SP_METRIC_SHARE, -1 },
	{ "duplicates", "duplicates", NULL, "duplicates", NULL, NULL, 1, SP_METRIC_N, -1 },
	{ "reordered", "reordered", NULL, "reordered", NULL, NULL, 1, SP_METRIC_N, -1 },
	{ "corrupted", "corrupted", NULL, "corrupted", NULL, NULL, 1, SP_METRIC_N, -1 },
	TIME("delay_p50", "delay p50", "delay_ns", "p50"),
	TIME("delay_p99", "delay p99", "delay_ns", "p99"),
	TIME("delay_max", "delay max", "delay_ns", "max"),
	TIME("rtt_p50", "rtt p50", "rtt_ns", "p50"),
	TIME("rtt_p99", "rtt p99", "rtt_ns", "p99"),
	TIME("jitter", "jitter", NULL, "jitter_ns"),
	TIME("late_p50", "late p50", "late_ns", "p50"),
	TIME("late_p99", "late p99", "late_ns", "p99"),
	TIME("gap_error_p99", "gap error p99", "gap_error_ns", "p99"),
};
