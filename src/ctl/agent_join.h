/* What a sender could not ask: streams of frames have no control session, but where the receiver is
 * an agent of the same run, its flows are at hand. A stamp carries the sender's flow id, and by that
 * they are found. */
#ifndef SP_CTL_AGENT_JOIN_H
#define SP_CTL_AGENT_JOIN_H

#include "core/result.h"

/* Gives each of the n streams (with its flow, by the stream's name) what the one received flow with
 * its id has counted, and what is lost by that; where two senders or two receivers have the id, it
 * stays unknown; ids that a session granted are that session's to
 * tell about. Delays stay unknown: nobody has compared the clocks for them. Returns how many
 * streams got something, and sets *open to how many still do not know what was received. */
unsigned sp_agent_join(struct sp_stream_result *streams, size_t n, struct sp_flow_result *flows,
		       size_t n_flows, const struct sp_flow_result *received, size_t n_received,
		       unsigned *open);

#endif
