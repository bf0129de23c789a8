/* The packet of a stream over frames: its expression, or plain UDP to its target, as a template. */
#ifndef SP_ENGINE_PACKET_H
#define SP_ENGINE_PACKET_H

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"
#include "engine/plan.h"
#include "pkt/template.h"
#include "plugin/catalog.h"

#define SP_ETH_LEN 14u

/* What leaves on `link` towards `to`: what the expression leaves open is the link's, and `to`
 * itself. link NULL: not known yet; then addresses of the link are those that nobody has. The
 * template is the caller's to free, also on failure. Errors: -EINVAL, a sentence. */
int sp_packet_template(struct sp_template *, const struct sp_plan_stream *,
		       const struct sp_plan_port *, const struct sp_endpoint *to,
		       const struct sp_link *link, const struct sp_catalog *,
		       const struct sp_mem *, struct sp_err *);

#endif
