#include "engine/packet.h"

#include <errno.h>

#include "pkt/udpframe.h"

static int plain_udp(struct sp_template *t, const struct sp_plan_port *port,
		     const struct sp_endpoint *to, const struct sp_link *link,
		     const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_endpoint from = { .addr.family = to->addr.family };
	char text[72];
	int rc;

	if (link)
		from.addr = link->src;
	from.port = port->port ? (uint16_t)port->port : to->port;
	rc = sp_udp_template(t, &from, to, mem);
	if (rc == -EINVAL)
		return sp_fail(err, rc, SP_EXIT_USAGE,
			       "target %s needs a source address of its own family",
			       sp_endpoint_format(text, sizeof text, to));
	return rc ? sp_fail(err, rc, SP_EXIT_FAILED, "out of memory") : 0;
}

int sp_packet_template(struct sp_template *t, const struct sp_plan_stream *s,
		       const struct sp_plan_port *port, const struct sp_endpoint *to,
		       const struct sp_link *link, const struct sp_catalog *catalog,
		       const struct sp_mem *mem, struct sp_err *err)
{
	*t = (struct sp_template){ 0 };
	(void)catalog, (void)s;
	return plain_udp(t, port, to, link, mem, err);
}
