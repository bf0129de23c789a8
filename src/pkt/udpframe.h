/* The template of plain UDP: what a stream is over frames when nobody wrote a packet for it. IPv4:
 * no options, id 0, DF set (RFC 6864: atomic datagrams), TTL or hop limit 64. */
#ifndef SP_PKT_UDPFRAME_H
#define SP_PKT_UDPFRAME_H

#include "base/address.h"
#include "pkt/template.h"

#define SP_UDP4_HEADERS 28u
#define SP_UDP6_HEADERS 48u

/* Without a link header; the payload grows. 0, -EINVAL when from and to are not of one family,
 * -ENOMEM. To be ended by sp_template_free() also on failure. */
int sp_udp_template(struct sp_template *, const struct sp_endpoint *from,
		    const struct sp_endpoint *to, const struct sp_mem *);

#endif
