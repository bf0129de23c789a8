/* A run's result as JSON between an agent and its controller: everything that reports need, exact:
 * counts, histograms and times. */
#ifndef SP_CTL_AGENT_RESULT_H
#define SP_CTL_AGENT_RESULT_H

#include <jansson.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/result.h"

/* In a sample: so many streams at most, no flows, no histograms. At the end: so many streams and
 * flows, so that a message stays below the limit of a line; the total holds all of them. */
#define SP_AGENT_SAMPLE_STREAMS 64u
#define SP_AGENT_PARTS		4000u

/* Streams and flows that are there, for a result's parts. */
struct sp_agent_lists {
	struct sp_stream_result *streams;
	struct sp_flow_result *flows;
};
extern const struct sp_result_parts sp_agent_parts; /* its arg is such lists */

/* Writes the members of the open object. final: of the end; else a sample. */
void sp_agent_result_put(struct sp_json *, const struct sp_result *, bool final);
/* Fills r; all it points at is in the arena. shift_ns: our clock - the agent's, for points in time.
 * -EINVAL with SP_EXIT_DATA and the member's name, or -ENOMEM. */
int sp_agent_result_get(const json_t *object, int64_t shift_ns, struct sp_arena *,
			struct sp_result *r, struct sp_err *);

/* One remark, for messages of its own. */
void sp_agent_remark_put(struct sp_json *, const struct sp_remark *);
int sp_agent_remark_get(const json_t *object, struct sp_arena *, struct sp_remark *,
			struct sp_err *);

#endif
