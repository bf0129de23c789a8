/* Modes: when a stream's departures are due. One row of a table each (modes.c), and a file for those
 * that have departures of their own; the others are their rate's. */
#ifndef SP_ENGINE_MODES_MODES_H
#define SP_ENGINE_MODES_MODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/pace.h"
#include "engine/modes/profile.h"
#include "engine/plan.h"

struct sp_mode_ops {
	const char *name, *alias; /* alias NULL: none */
	const char *const *keys;  /* which rows are its own; NULL ends; NULL: none */
	bool rated;		  /* it has the stream's rate; rate_dflt: when none is given */
	const char *rate_dflt;
	const char *no_rate; /* not rated, or its own departures: why no stage sets a rate */
	/* At seal, before sizes are settled: may set the stream's. NULL: nothing. */
	int (*settle)(struct sp_plan_stream *, const char *place, struct sp_arena *,
		      struct sp_err *);
	/* At seal, when sizes are settled: defaults that depend on others, what contradicts, and
	 * profile->peak. NULL: nothing. place opens sentences. */
	int (*check)(struct sp_plan_stream *, const char *place, struct sp_arena *,
		     struct sp_err *);
	/* Its departures from start_ns on; *st NULL: they are the rate's. NULL: always. */
	int (*open)(void **st, const struct sp_plan_stream *, uint64_t start_ns,
		    const struct sp_mem *, struct sp_err *);
	/* As sp_schedule_ops; *size is the stream's, and may be changed. */
	int (*next)(void *st, uint64_t *due_ns, uint32_t *size);
	void (*restart)(void *st, uint64_t start_ns);
	/* A reply came at now_ns. True: the next departure is at *due_ns instead. NULL: no matter. */
	bool (*reply)(void *st, uint64_t now_ns, uint64_t *due_ns);
	void (*close)(void *st, const struct sp_mem *);
	/* For people: "bursts of 10 every 5 s". NULL: by its rate. */
	void (*text)(char *buf, size_t cap, const struct sp_plan_stream *);
};

/* ---- the plan ---- */

/* The same as a row's word: rate-limited is rate, and so on. */
const char *sp_mode_word(const char *word);
/* Sets a row of the stream's profile, which it gets with the first. As sp_opts_set. */
int sp_profile_set(struct sp_plan_stream *, const char *key, const char *value,
		   const char *place, struct sp_arena *, struct sp_err *);
/* At seal, first: which mode it is, its rate where none was given, and what only the mode knows. */
int sp_mode_settle(struct sp_plan_stream *, const char *place, struct sp_arena *,
		   struct sp_err *);
/* Then, when sizes are settled, before the limits are looked at. */
int sp_mode_check(struct sp_plan_stream *, const char *place, struct sp_arena *,
		  struct sp_err *);
/* The smallest unit that it sends: its size, but of a trace with sizes. */
uint64_t sp_mode_least_size(const struct sp_plan_stream *);
/* Adds mode and its settings to the open JSON object. Nothing when the stream has no profile. */
void sp_profile_print(const struct sp_plan_stream *, struct sp_json *);
/* The stream's mode. Never NULL. */
const struct sp_mode_ops *sp_mode_of(const struct sp_plan_stream *);
/* Has it departures of its own, not its rate's? Then stages set no rate; start and stop work. */
bool sp_mode_has_own(const struct sp_plan_stream *);

/* Do replies change its departures? Then whoever sees one calls sp_pacer_reply(). */
bool sp_mode_hears_replies(const struct sp_plan_stream *);

/* ---- departures ---- */

struct sp_mode_run {
	const struct sp_mode_ops *ops;
	void *st;
};
/* A stream that has departures of its own, from start_ns on. */
int sp_mode_open(struct sp_mode_run *, const struct sp_plan_stream *, uint64_t start_ns,
		 const struct sp_mem *, struct sp_err *);
void sp_mode_close(struct sp_mode_run *, const struct sp_mem *);

/* ---- for modes ---- */

/* A rate that may be 0. -EINVAL: it is none, or max. */
int sp_mode_rate(const char *text, struct sp_rate *);
bool sp_profile_given(const struct sp_profile *, const char *key);
/* In packets a second, of units of the stream's size. */
double sp_mode_pps(const struct sp_plan_stream *, const struct sp_rate *);
/* The larger one. */
struct sp_rate sp_mode_larger(const struct sp_plan_stream *, struct sp_rate a,
			      struct sp_rate b);
/* pps packets a second as a rate, rounded up. */
struct sp_rate sp_mode_peak(double pps);

extern const struct sp_mode_ops sp_mode_rate_ops, sp_mode_burst, sp_mode_backoff, sp_mode_ramp,
	sp_mode_steps, sp_mode_onoff, sp_mode_trace;

#endif
