/* Finds the UDP payload in an Ethernet frame. Pure; trusts no length field; never reads past
 * the frame's end. Understands up to two VLAN tags (802.1Q, 802.1ad), IPv4 with options, IPv6
 * with hop-by-hop and destination options. */
#ifndef SP_PKT_DISSECT_H
#define SP_PKT_DISSECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum sp_csum_state {
	SP_CSUM_UNKNOWN, /* was not asked for */
	SP_CSUM_ABSENT,	 /* UDP over IPv4 without checksum; the IPv4 header's is right */
	SP_CSUM_OK,
	SP_CSUM_BAD, /* the IPv4 header's or UDP's; UDP over IPv6 without one (RFC 8200) */
};

struct sp_udp_view {
	uint32_t payload_off,
		payload_len;	 /* payload_len by UDP's length: padding is not in it */
	uint32_t l3_off, l3_len; /* the IP packet, by its own length */
	struct sp_endpoint src, dst;
	uint8_t vlan_tags;
	enum sp_csum_state csum;
};

/* HOT. 0; -ENOMSG: not UDP in a form that is understood (other protocol, fragment, other
 * extension header); -EBADMSG: cut short, or lengths that contradict each other. verify:
 * compute the checksums. On error *v is undefined. */
int sp_dissect_udp(const uint8_t *frame, uint32_t len, bool verify, struct sp_udp_view *v);

#endif
