/* From a stream's words (rate, departure law, size, limits) to a pace for the pacer. */
#ifndef SP_ENGINE_SCHEDULE_H
#define SP_ENGINE_SCHEDULE_H

#include "base/err.h"
#include "core/env.h"
#include "core/pacer.h"
#include "engine/plan.h"
#include "plugin/catalog.h"
#include "plugin/source.h"

struct sp_schedule; /* state of laws; NULL for constant gaps, and max, of one size */

/* payload_over_size: bytes to add to size when the rate's layer counts more (@l2 on sockets...).
 * t0_ns is the run's absolute start. The pace points into *sched, which the caller frees after
 * the pacer. Errors: -EINVAL (unknown law, law without a mean, ...), usage. */
int sp_schedule_make(const struct sp_plan_stream *, const struct sp_catalog *,
		     const struct sp_env *, uint64_t t0_ns, uint32_t layer_extra,
		     struct sp_pace *, struct sp_schedule **sched, struct sp_err *);
/* The pace of what was recorded, from t0_ns + its start on; the source begins there. */
void sp_schedule_recorded(const struct sp_plan_stream *, const struct sp_source_ops *,
			  struct sp_source *, uint64_t t0_ns, struct sp_pace *);
/* The gap that a rate means for the stream: kind CONST, or MAX. */
int sp_schedule_gap(const struct sp_plan_stream *, const struct sp_rate *, uint32_t layer_extra,
		    struct sp_pace *, struct sp_err *);
/* Of its limit of departures those that are its own; UINT64_MAX: it has no limit. */
uint64_t sp_schedule_count(const struct sp_plan_stream *);
/* May a stage or command set this rate? What a stream is, it stays: bulk data, a closed loop, one
 * with a law. */
int sp_schedule_may_set(const struct sp_plan_stream *, const struct sp_rate *,
			const char *place, struct sp_err *);
/* Kolmogorov-Smirnov distances between the law of gaps, and that of sizes, as clamped, and what
 * sp_schedule_left() has seen: actual departures. NAN when there is no law or there are fewer
 * than 100. */
void sp_schedule_left(struct sp_schedule *, uint64_t actual_ns, uint32_t size); /* HOT */
double sp_schedule_ks(const struct sp_schedule *);
double sp_schedule_ks_size(const struct sp_schedule *);
/* Has it a law of sizes? Then a closed loop asks for each unit's: HOT. NULL: no. */
bool sp_schedule_sized(const struct sp_schedule *);
uint32_t sp_schedule_size(struct sp_schedule *);
void sp_schedule_free(struct sp_schedule *);

/* "chase:2x", "burst", "all", "smooth", "skip". */
int sp_catch_up_parse(const char *text, struct sp_catch_up_conf *, struct sp_err *);
/* The one way to write what parse() gave: a plan's word. */
#define SP_CATCH_UP_TEXT 24
void sp_catch_up_print(const struct sp_catch_up_conf *, char text[SP_CATCH_UP_TEXT]);

#endif
