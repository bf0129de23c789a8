/* The 5-tuple of a frame: what makes a flow where no stamp says whose it is. What is not IP has its
 * EtherType alone. */
#ifndef SP_ENGINE_TUPLE_H
#define SP_ENGINE_TUPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/view.h"

struct sp_tuple {
	struct sp_endpoint src, dst;
	uint16_t ether_type;
	uint8_t proto;
};

void sp_tuple_of(const struct sp_view *, struct sp_tuple *);
bool sp_tuple_eq(const struct sp_tuple *, const struct sp_tuple *);
/* HOT. key: drawn at random, so that nobody outside can choose who collides. */
uint32_t sp_tuple_hash(const struct sp_tuple *, const uint64_t key[2]);
/* "udp", "icmp", "arp"; "ip" and "ethernet" of what has no name here. */
const char *sp_tuple_word(const struct sp_tuple *);

#endif
