/* What a captured packet is below its payload, whatever link it was taken from: Ethernet with any
 * number of tags (802.1Q, 802.1ad) and MPLS labels, 802.3 with LLC and SNAP, raw IP, Linux cooked
 * (v1, v2), BSD loopback, radiotap with 802.11 data frames. Pure; trusts no length field. */
#ifndef SP_CAPIO_PACKET_VIEW_H
#define SP_CAPIO_PACKET_VIEW_H

#include "capio/read.h"
#include "pkt/view.h"

struct sp_cap_view {
	struct sp_view
		v; /* offsets are the packet's; l3_off also behind labels. Payloads end where
			   * IP's length says, or where the captured octets do */
	uint32_t payload_orig; /* the payload's octets on the link, captured or not */
	uint32_t seq, ack;     /* TCP */
	uint16_t tags;	       /* of VLANs; v.vlan has the outermost */
	uint16_t labels;       /* MPLS */
	bool dissected;	       /* this link type is understood; else v is zero */
	bool cut;	       /* fewer octets were captured than there were */
	const char
		*odd; /* what contradicts itself, a static part of a sentence; NULL: nothing */
};

/* HOT. Never fails: what is wrong is odd. */
void sp_cap_view(const struct sp_cap_packet *, struct sp_cap_view *);
/* What is odd in a packet of IP that has been viewed with this result. */
const char *sp_cap_odd_ip(const uint8_t *octets, uint32_t len, int rc, bool cut,
			  const struct sp_view *);

#endif
