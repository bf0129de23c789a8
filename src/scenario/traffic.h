/* What stands for rate and laws in other words: application models (voip:G.711.1), and D-ITG's letters
 * with their numbers (ditg(-W 10 100)). The models' figures are D-ITG 2.8.1's. */
#ifndef SP_SCENARIO_TRAFFIC_H
#define SP_SCENARIO_TRAFFIC_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "engine/plan_build.h"

/* Values of a stream's rows; NULL: nothing is said of it. Texts are in the arena. */
struct sp_traffic {
	const char *rate, *departure, *packet_size;
};

/* "voip:CODEC[,rtp|crtp][,vad]", "telnet", "dns", "quake3", "cs-active", "cs-idle". place opens the
 * sentence on error; -EINVAL, usage. */
int sp_traffic_model(const char *text, const char *place, struct sp_arena *,
		     struct sp_traffic *, struct sp_err *);
/* "-W 10 100": one letter of D-ITG and its numbers, with or without '-': of departures (C U E and O in
 * packets a second, N V Y G W in ms; then "-B on off", two more of these, makes bursts of it) or of
 * sizes (c u e n o v y g w, in bytes; either case). */
int sp_traffic_ditg(const char *text, bool sizes, const char *place, struct sp_arena *,
		    struct sp_traffic *, struct sp_err *);
/* Sets a row of the builder's stream, or the rows that `model`, or a law ditg(...), stands for. */
int sp_traffic_set(struct sp_plan_build *, const char *key, const char *value,
		   const char *place, struct sp_arena *, struct sp_err *);
/* spate help laws: all laws with their settings, and the models. */
struct sp_str;
void sp_laws_text(struct sp_str *out);
/* spate help replies, spate help transports: those, with their settings. */
void sp_replies_text(struct sp_str *out);
void sp_transports_text(struct sp_str *out);
/* The rows that a model sets; NULL ends. Whoever names one of them beside it contradicts himself. */
extern const char *const sp_traffic_rows[];

#endif
