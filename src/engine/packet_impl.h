/* Between packet_look.c, packet_range.c and packet_inside.c: whom a template may be for. */
#ifndef SP_ENGINE_PACKET_IMPL_H
#define SP_ENGINE_PACKET_IMPL_H

#include "engine/packet.h"
#include "pkt/packet.h"

/* Ranges of addresses, each once, in the arena. */
struct sp_packet_ranges {
	struct sp_arena *arena;
	struct sp_guard_range *range;
	unsigned n, cap;
};

struct sp_packet_seen {
	struct sp_packet_ranges src, to;
	bool syn;
};

/* Does anything vary in these octets? */
bool sp_packet_varies(const struct sp_template *, uint32_t off, uint32_t bytes);
/* Can the big-endian number of 1 or 2 octets at off be v under the mask, in some unit? Where that is
 * not easily told: yes. Beyond the template's end: no. */
bool sp_packet_may_be(const struct sp_template *, uint32_t off, uint8_t bytes, uint16_t mask,
		      uint16_t v);
/* Adds all that the address of 4 or 16 octets at off can be; it is in the template whole. 0,
 * -E2BIG, -ENOMEM. */
int sp_packet_ranges(const struct sp_template *, uint32_t off, uint8_t bytes,
		     struct sp_packet_ranges *, struct sp_err *);

/* Adds what stands behind the first IP header (outer; NULL: the expression names none): addresses
 * of source routes, IP headers in tunnels, SYNs. By the octets, and by the headers' names. */
int sp_packet_inside(const struct sp_packet *, const struct sp_template *,
		     const struct sp_node *outer, struct sp_packet_seen *, struct sp_err *);

#endif
