/* How many packets there are of each protocol. A packet counts once: for what IP carries, else for
 * what the link carries. One thread. */
#ifndef SP_CAPTURE_PROTOCOLS_H
#define SP_CAPTURE_PROTOCOLS_H

#include <stdint.h>

#include "capio/packet_view.h"

#define SP_PROTOCOLS_LINK 128u /* link types and Ethernet types; the rest are "other" */

struct sp_protocols {
	uint64_t ip[256];     /* by protocol number */
	uint64_t ip4, ip6;    /* damaged headers */
	uint64_t llc, labels; /* behind an 802.3 length; behind MPLS, not IP */
	uint64_t none, other; /* no type could be read */
	uint32_t n;
	struct {
		uint32_t type; /* Ethernet's; from 65536 on a link type */
		uint64_t packets;
	} link[SP_PROTOCOLS_LINK];
};

/* HOT. */
void sp_protocols_note(struct sp_protocols *, const struct sp_cap_view *, uint16_t link);
/* Each name that has packets, most packets first. */
void sp_protocols_each(const struct sp_protocols *,
		       void (*name)(void *arg, const char *name, uint64_t packets), void *arg);

#endif
