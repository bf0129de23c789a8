/* The one place where capability bits decide which lane, source and road a stream takes. */
#ifndef SP_ENGINE_LANE_SELECT_H
#define SP_ENGINE_LANE_SELECT_H

#include "engine/lane_packet.h"
#include "engine/plan.h"
#include "plugin/catalog.h"

struct sp_lane_choice {
	enum sp_lane_kind lane;
	const struct sp_source_ops *source; /* packet lane; dialogue lane: recorded messages */
	const struct sp_stamp_ops *stamp;   /* NULL: none */
	uint32_t headers;		    /* bytes of the unit before the payload */
	const char *why;		    /* for the log */
};
/* The stamp that a stream will carry, NULL: none; headers: the bytes before its payload. What
 * select says, before there is a port. */
const struct sp_stamp_ops *sp_lane_stamp(const struct sp_plan_stream *, bool frames, int family,
					 const struct sp_catalog *, uint32_t *headers);
/* family is the target's (4 or 6). -ENOTSUP when no lane can do it. */
int sp_lane_select(const struct sp_plan_stream *, const struct sp_tcaps *, int family,
		   const struct sp_catalog *, struct sp_lane_choice *, struct sp_err *);

/* Of the frame transports the fastest one that is slower than below; NULL: of all. NULL: there is
 * none. What --transport auto stands for. */
const struct sp_transport_ops *sp_lane_fastest(const struct sp_catalog *,
					       const struct sp_transport_ops *below);
/* Can the units of a lane's stream be made where they leave (SP_T_REPEAT)? NULL, or why not. */
const char *sp_lane_why_no_repeat(const struct sp_plan_stream *, const struct sp_lane *,
				  uint32_t stream);

#endif
