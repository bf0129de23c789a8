/* Who a frame is from and to. */
#ifndef SP_TRANSPORT_ENDS_H
#define SP_TRANSPORT_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

#define SP_FRAME_ETH  14u
#define SP_FRAME_VLAN 4u

/* HOT. Addresses of IPv4 and IPv6, port numbers of UDP and TCP (else 0; the source of a fragment has
 * none, so that all of a packet is from one). false: not IP, or cut. */
bool sp_frame_ends(const uint8_t *frame, uint32_t len, struct sp_endpoint *from,
		   struct sp_endpoint *to);
/* HOT. Where the IP header and UDP's begin. false: it is not UDP, a fragment, or cut. */
bool sp_frame_udp(const uint8_t *frame, uint32_t len, uint32_t *l3, uint32_t *l4);
/* HOT. Is a frame to `to` (ip: sp_frame_ends said true) for a port bound to an address and to port
 * numbers bind.port .. port_last? Family 0 and number 0: any. */
bool sp_frame_is_for(const struct sp_endpoint *bind, uint16_t port_last,
		     const struct sp_endpoint *to, bool ip);

#endif
