/* Whom a packet names beside its destination: stations of source routes, to which routers send it on.
 * IPv4's LSRR and SSRR (RFC 791 3.1), IPv6's routing headers (RFC 8200 4.4, 6275, 8754). */
#ifndef SP_PKT_STATIONS_H
#define SP_PKT_STATIONS_H

#include "pkt/view.h"

/* Calls see for each until it returns other than 0, which is returned. v is the frame's (sp_view), at
 * least as far as IP. Trusts no length field; of what is cut short those that are there. */
int sp_stations(const uint8_t *frame, uint32_t len, const struct sp_view *v,
		int (*see)(void *arg, const struct sp_addr *), void *arg);

#endif
