/* "auto" is a word, not a road: frames by the fastest road that the port's interface has. The
 * engine opens others in its place, the one with the highest rank first. */
#include "transport/one_way.h"

#include <errno.h>

static int no_link(struct sp_port *p, const struct sp_endpoint *to, struct sp_link *link,
		   struct sp_err *err)
{
	(void)p;
	(void)to;
	(void)link;
	return sp_fail(err, -ENOTSUP, SP_EXIT_FAILED, "auto is no transport of its own");
}

static const struct sp_opt no_opts[] = { { 0 } };

extern const struct sp_transport_ops sp_transport_auto;
const struct sp_transport_ops sp_transport_auto = {
	.name = "auto",
	.summary = "Ethernet frames by the fastest road that the interface has",
	.abi = SP_PLUGIN_ABI,
	.opts = no_opts,
	.any_frame = true,
	.link = no_link,
	.fd = sp_one_way_fd,
};
