/* What a captured packet is below its payload, whatever link it was taken from: Ethernet with any
 * number of tags (802.1Q, 802.1ad) and MPLS labels, raw IP, Linux cooked (v1, v2), BSD loopback,
 * radiotap with 802.11. Pure; trusts no length field. */
#ifndef SP_CAPIO_PACKET_VIEW_H
#define SP_CAPIO_PACKET_VIEW_H

#include "capio/read.h"
#include "pkt/view.h"

struct sp_cap_view {
	struct sp_view v;  /* offsets are the packet's; l3_off also behind labels */
	uint32_t seq, ack; /* TCP */
	uint8_t labels;	   /* MPLS */
	bool dissected;	   /* this link type is understood; else v is zero */
	const char
		*odd; /* what contradicts itself, a static part of a sentence; NULL: nothing */
};

/* HOT. Never fails: what is wrong is odd. */
void sp_cap_view(const struct sp_cap_packet *, struct sp_cap_view *);

#endif
