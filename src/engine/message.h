/* The engine's own machine: messages of --size over a byte stream, without answers. Where control
 * confirmed a spate receiver an opener goes first and each message has a head with its stamp
 * (engine/opener.h); else they are plain bytes. */
#ifndef SP_ENGINE_MESSAGE_H
#define SP_ENGINE_MESSAGE_H

#include "plugin/proto.h"
#include "plugin/stamp.h"

/* The settings of a stream: what others get from open(). The payload is the caller's. */
struct sp_proto {
	const uint8_t *payload;		  /* as long as the longest message */
	bool each;			  /* a connection for each message */
	const struct sp_stamp_ops *stamp; /* NULL: plain */
	struct sp_flow_tx *flows;	  /* the lane's, */
	uint32_t flow;			  /* its index there, */
	uint32_t flow_id;		  /* and on the wire */
};

extern const struct sp_proto_ops sp_message_ops;

#endif
