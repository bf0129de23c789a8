/* Echo requests that carry no stamp: their answers are told by identifier, sequence number and
 * address. Where these do not vary, all outstanding ones are alike: counted, and timed only when
 * there is one. A sender's worker notes what it builds; one worker, the run's first, hears. */
#ifndef SP_ENGINE_ECHO_PLAIN_H
#define SP_ENGINE_ECHO_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "engine/verify.h"
#include "pkt/view.h"

#define SP_ECHO_KEYS 65536u /* sequence numbers that there are */
#define SP_ECHO_MOST 16u    /* streams of a run that are told so: each takes 2 MiB */

/* Requests of one sequence number. Members are atomic. */
struct sp_echo_key {
	uint32_t open; /* built and not answered */
	uint32_t who;  /* of the last: its identifier and target, folded */
	uint64_t due_ns, sent_ns;
};

struct sp_echo_plain {
	struct sp_echo_key *key; /* SP_ECHO_KEYS */
	uint32_t stream;
	/* Where its answers are counted. */
	struct sp_flow_rx *rx;
	struct sp_flow_meta *meta;
	struct sp_tally_rx *tally;
};

/* HOT. A request was built; it left. m is the frame. */
void sp_echo_plain_put(struct sp_echo_plain *, const struct sp_msg *m);
void sp_echo_plain_sent(struct sp_echo_plain *, const struct sp_msg *m, uint64_t now_ns);
/* HOT. Counts a reply of one of these streams, whose frame v describes; false: it is of none. */
bool sp_echo_plain_take(struct sp_echo_plain *, uint32_t n, const struct sp_view *v,
			const struct sp_msg *m);

#endif
