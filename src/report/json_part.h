/* Pieces of the document that the event lines and the schema use too. Internal to report. */
#ifndef SP_REPORT_JSON_PART_H
#define SP_REPORT_JSON_PART_H

#include "report/json.h"

/* A transport's counters that are always known: member (and key), sentence. */
#define SP_TSTATS                                                                              \
	SP_TSTAT(tx_calls, "system calls that sent something")                                 \
	SP_TSTAT(tx_units, "what the kernel was handed: super-packets or single ones")         \
	SP_TSTAT(tx_msgs, "the messages inside them: segments")                                \
	SP_TSTAT(tx_bytes, "bytes of these messages")                                          \
	SP_TSTAT(tx_blocked, "refused for now (EAGAIN, ENOBUFS) and tried again")              \
	SP_TSTAT(tx_unreachable, "ICMP errors that a connected socket reported")               \
	SP_TSTAT(tx_dropped, "handed over, and thrown away by the interface")                  \
	SP_TSTAT(rx_calls, "system calls that received something")                             \
	SP_TSTAT(rx_units, "what the kernel handed over: super-packets or single ones")        \
	SP_TSTAT(rx_msgs, "the messages inside them: segments")                                \
	SP_TSTAT(rx_bytes, "bytes of these messages")                                          \
	SP_TSTAT(rx_truncated, "larger than the buffer")                                       \
	SP_TSTAT(rx_csum_errors, "checksum errors that the kernel counted, host-wide")         \
	SP_TSTAT(rx_frozen, "times that a receive ring was full")                              \
	SP_TSTAT(rx_other, "not for this run, in no other count")

/* Each writes keys into the open object. */
void sp_json_counter(struct sp_json *, const struct sp_counts *, enum sp_counter);
void sp_json_measure(struct sp_json *, const struct sp_measure *);
void sp_json_remark(struct sp_json *, const char *key, const struct sp_remark *);
void sp_json_host(struct sp_json *, const struct sp_result *);
/* replies.c */
void sp_json_replies(struct sp_json *, const struct sp_result *);
/* "hosts" and "expectations": parts.c. */
void sp_json_parts(struct sp_json *, const struct sp_result *);
/* What the kernel knows of its connections. */
void sp_json_way(struct sp_json *, const struct sp_way_result *);
/* What a stream is: name, target, asked. */
void sp_json_request_of(struct sp_json *, const struct sp_stream_result *);
/* What is known before the run starts: name, seed, digest, command, ... */
void sp_json_request(struct sp_json *, const struct sp_result *, const struct sp_report_env *);
/* All keys of the document, with at most limit streams and flows. */
void sp_json_document(struct sp_json *, const struct sp_event *, const struct sp_report_env *,
		      size_t limit, const struct sp_report_drain *);

#endif
