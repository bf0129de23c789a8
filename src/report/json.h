/* The --json document (DESIGN of runs and reports), the lines of events.jsonl, and the JSON
 * Schema of both. Every key is always there; null = not known. */
#ifndef SP_REPORT_JSON_H
#define SP_REPORT_JSON_H

#include "base/json.h"
#include "base/str.h"
#include "core/result.h"

/* Raised when a key goes or changes its meaning; new keys alone do not raise it. */
#define SP_REPORT_SCHEMA 1

/* What a report says and a run does not know. */
struct sp_report_env {
	const char *version; /* "0.1.0" */
	const char *folder;  /* path of the run folder; NULL: none */
};

/* Called between streams and flows when much text has gathered: writes out->text somewhere and
 * clears it, so that a document of 10,000 flows does not stay in memory whole. */
struct sp_report_drain {
	void *arg;
	void (*take)(void *arg, struct sp_str *out);
};

/* The whole document with a final newline. drain may be NULL: all of it is left in out. */
void sp_report_json(struct sp_str *out, const struct sp_event *, const struct sp_report_env *,
		    const struct sp_report_drain *drain);
/* One event as one line. Intervals carry cumulative counts: the total in full, of at most
 * SP_EVENT_STREAMS streams the main ones, and how many streams were left out. The end event has
 * the document's keys, with at most SP_EVENT_PARTS streams and flows. */
#define SP_EVENT_STREAMS 64u
#define SP_EVENT_PARTS	 64u
/* Text of so many octets is given away as it comes (sp_report_drain). */
#define SP_JSON_DRAIN	 65536u
void sp_report_event(struct sp_str *out, const struct sp_event *, const struct sp_report_env *);
/* JSON Schema (2020-12) of the document, made from the counters' table. */
void sp_report_schema(struct sp_str *out);

/* The names of a summary's members, in the order of the document. */
#define SP_SUMMARY_MEMBERS                                                                     \
	SP_SUMMARY(min)                                                                        \
	SP_SUMMARY(mean)                                                                       \
	SP_SUMMARY(p50)                                                                        \
	SP_SUMMARY(p90) SP_SUMMARY(p99) SP_SUMMARY(p999) SP_SUMMARY(max) SP_SUMMARY(clock_error)

/* The summaries of a measure: member, key, sentence. */
#define SP_MEASURE_TIMES                                                                       \
	SP_TIMES(delay, "one-way delay, from the intended departure")                          \
	SP_TIMES(delay_actual, "one-way delay, from the actual departure")                     \
	SP_TIMES(rtt, "until the answer was complete, from the intended start")                \
	SP_TIMES(rtt_actual, "until the answer was complete, from the actual start")           \
	SP_TIMES(late, "actual minus intended departure")                                      \
	SP_TIMES(gap_error, "|actual gap - intended gap|, by the sender's clock")              \
	SP_TIMES(rx_gap_error, "|actual gap - intended gap|, by the receiver's time stamps")

/* The real numbers of a measure: member (and key), sentence. */
#define SP_MEASURE_REALS                                                                       \
	SP_REAL(asked_pps, "units a second that were asked for; null with rate max")           \
	SP_REAL(tx_pps, "(n - 1)/(last - first) of actual departures")                         \
	SP_REAL(rx_pps, "(n - 1)/(last - first) of arrivals")                                  \
	SP_REAL(tx_bps, "8 x (bytes but the first unit's)/(last - first) of departures")       \
	SP_REAL(rx_bps, "8 x (bytes but the first unit's)/(last - first) of arrivals")

#endif
