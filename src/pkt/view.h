/* Finds out what an Ethernet frame is, down to its payload. Pure; trusts no length field; never
 * reads past the frame's end; allocates nothing. Understands up to two VLAN tags (802.1Q,
 * 802.1ad), IPv4 with options, IPv6 with extension headers, fragments, and behind them UDP, TCP,
 * ICMP, ICMPv6, IGMP, SCTP and DCCP; of anything else the payload is what is behind IP, or behind
 * the link header. */
#ifndef SP_PKT_VIEW_H
#define SP_PKT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

#define SP_ETHER_IP4   0x0800
#define SP_ETHER_IP6   0x86dd
#define SP_PROTO_ICMP  1
#define SP_PROTO_IGMP  2
#define SP_PROTO_TCP   6
#define SP_PROTO_UDP   17
#define SP_PROTO_DCCP  33
#define SP_PROTO_ICMP6 58
#define SP_PROTO_SCTP  132
#define SP_VIEW_VLANS  2

enum sp_csum_state {
	SP_CSUM_UNKNOWN, /* was not asked for */
	SP_CSUM_NONE, /* there is none that could be verified: IPv6's own, a fragment's, ... */
	SP_CSUM_ABSENT,	 /* UDP over IPv4 without one */
	SP_CSUM_PARTIAL, /* left to an interface that never had to fill it */
	SP_CSUM_OK,
	SP_CSUM_BAD, /* UDP over IPv6 without one, too (RFC 8200) */
};

struct sp_view {
	uint32_t l3_off, l3_len; /* behind the link header; of IP by its own length: padding is
				  * not in it */
	uint32_t l4_off;	 /* of the L4 header; 0: none is there */
	uint32_t payload_off, payload_len;
	struct sp_endpoint src, dst;  /* family 0: not IP; port 0: it has none */
	uint16_t vlan[SP_VIEW_VLANS]; /* the tags' TCI, outer first */
	uint16_t ether_type;	      /* behind the tags; below 1536: 802.3's length */
	uint16_t frag_off;	      /* of a fragment's bytes in the packet */
	uint32_t frag_id;	      /* of a fragment: its packet's number */
	uint32_t frag_at; /* and where its bytes begin, behind IP or the fragment header */
	uint16_t icmp_id, icmp_seq;   /* of an echo request or reply */
	uint8_t icmp_type, icmp_code; /* ICMP and ICMPv6 */
	uint8_t tcp_flags;	      /* FIN 1 .. CWR 128 */
	uint8_t proto;		      /* behind all of IPv6's extension headers; 0: not IP */
	uint8_t vlan_tags;
	bool fragment, more; /* of a packet; others follow it */
	enum sp_csum_state l3_csum, l4_csum;
};

/* HOT. 0; -EBADMSG: cut short, or lengths that contradict each other: then what was read before
 * that is in *v, and the payload is all behind it. verify: compute the checksums; l4 is what is
 * known of L4's already (OK, PARTIAL: it is believed), else SP_CSUM_UNKNOWN. */
int sp_view(const uint8_t *frame, uint32_t len, bool verify, enum sp_csum_state l4,
	    struct sp_view *v);

/* HOT. The same of an IP packet at l3_off of octets whose link somebody else has read: *v is zero but
 * for vlan and vlan_tags; ether_type says which IP. cut: octets at the end were not captured, and
 * lengths may say more than there is. */
int sp_view_ip(const uint8_t *octets, uint32_t len, uint32_t l3_off, uint16_t ether_type,
	       bool cut, bool verify, struct sp_view *v);

static inline bool sp_view_corrupt(const struct sp_view *v)
{
	return v->l3_csum == SP_CSUM_BAD || v->l4_csum == SP_CSUM_BAD;
}

/* An echo request or reply of either family. */
static inline bool sp_view_echo_request(const struct sp_view *v)
{
	return (v->proto == SP_PROTO_ICMP && v->icmp_type == 8) ||
	       (v->proto == SP_PROTO_ICMP6 && v->icmp_type == 128);
}

static inline bool sp_view_echo_reply(const struct sp_view *v)
{
	return (v->proto == SP_PROTO_ICMP && v->icmp_type == 0) ||
	       (v->proto == SP_PROTO_ICMP6 && v->icmp_type == 129);
}

/* An ICMP error: unreachable, time exceeded, parameter problem, packet too big. Its payload begins
 * with the IP packet that it is about. */
static inline bool sp_view_icmp_error(const struct sp_view *v)
{
	if (v->proto == SP_PROTO_ICMP)
		return v->icmp_type == 3 || v->icmp_type == 11 || v->icmp_type == 12;
	return v->proto == SP_PROTO_ICMP6 && v->icmp_type >= 1 && v->icmp_type <= 4;
}

/* The packet that an ICMP error quotes, cut short as it may be: addresses, and ports or the
 * echo's id and seq where they are there. Offsets are the packet's. -EBADMSG: it quotes none. */
int sp_view_quoted(const uint8_t *packet, uint32_t len, struct sp_view *v);

#endif
