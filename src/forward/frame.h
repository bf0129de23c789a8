/* What the forwarder has to know of a frame, and the damage it does to one. Pure; trusts no length
 * field and never touches a byte past the frame's end. */
#ifndef SP_FORWARD_FRAME_H
#define SP_FORWARD_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

struct sp_frame {
	uint32_t len;	      /* without FCS */
	uint32_t l3_off;      /* behind the Ethernet header and VLAN tags */
	uint32_t l4_off;      /* 0: not IP, or a later fragment, or cut short */
	uint32_t payload_off; /* of TCP, UDP and ICMP; else as l4_off, or l3_off without one */
	uint32_t end;	      /* of the IP packet; of the frame when it is not IP */
	uint32_t check_off;   /* of the L4 checksum; 0: none is there */
	uint32_t flow;	      /* frames of one 5-tuple have the same number; others seldom */
	uint16_t ether_type;
	uint8_t proto; /* of IP; 0: not IP */
};

/* HOT */
void sp_frame_look(const uint8_t *frame, uint32_t len, struct sp_frame *f);
/* HOT. The bytes that count at a layer: L1 with preamble, FCS and gap, frames padded to 60 bytes;
 * L2 (and DEFAULT) the frame without FCS; L3 the IP packet; L7 the payload. */
uint32_t sp_frame_bytes(const struct sp_frame *f, enum sp_layer layer);
/* HOT. Whether it is one of enum sp_impair_only. */
bool sp_frame_is(const struct sp_frame *f, int only);

/* Flips the bit of the payload that random chooses (without payload: one behind the Ethernet
 * header). repair: the L4 checksum is right again afterwards, where there is one and it was. */
void sp_frame_flip(uint8_t *frame, const struct sp_frame *f, uint64_t random, bool repair);
/* Completes a checksum that the kernel left to the interface: over [start, len), stored at start +
 * offset, where the sum of the pseudo header stands. Nothing happens when that is past the end. */
void sp_frame_fill(uint8_t *frame, uint32_t len, uint32_t start, uint32_t offset, bool udp);

#endif
