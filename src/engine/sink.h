/* The receiving end of byte streams that answers nothing: drains them in the kernel, or reads them
 * where what came is to be verified. One a worker. A stream that begins with an opener
 * (engine/opener.h) is a granted flow: bulk, whose unit is the byte, or messages with stamps.
 * Any other counts as one unit, the connection, in a flow of its source address. */
#ifndef SP_ENGINE_SINK_H
#define SP_ENGINE_SINK_H

#include "engine/conns.h"
#include "engine/hello.h"
#include "engine/marks.h"
#include "engine/verify.h"
#include "pkt/endpoints.h"

struct sp_sink {
	struct sp_conns *conns;
	const struct sp_env *env;
	struct sp_verifier *verifier;
	bool full;		  /* verify the bulk pattern */
	bool shared;		  /* other workers may write to the same granted flows */
	struct sp_endpoints from; /* source addresses, without their port numbers */
	uint8_t *period, *buf;
	struct sp_batch batch;
	struct sp_marker *marker;		/* NULL: nobody wants marks */
	const struct sp_control_list *controls; /* where those who look for control are sent */
	uint64_t units;	   /* received: messages, and connections that brought something */
	uint64_t accepted; /* connections */
	uint64_t resets;   /* of those that ended, by the peer's RST */
};

/* What the sink keeps of a connection: room for sp_conns_init. */
size_t sp_sink_room(void);
int sp_sink_init(struct sp_sink *, struct sp_conns *, struct sp_verifier *, bool full,
		 bool shared, uint32_t max_sources);
void sp_sink_fini(struct sp_sink *);
/* For sp_conns_port.accepted; arg is the sink. */
void sp_sink_accepted(void *arg, unsigned port, uint32_t slot, uint64_t now_ns);

#endif
