/* Laying out a packet: octets of unit 0, and where everything came to stand. For compile, encode and
 * decode. */
#ifndef SP_PKT_BUILD_H
#define SP_PKT_BUILD_H

#include "pkt/field.h"

#define SP_PLACES_MAX 64u /* varied fields of one packet */

struct sp_varied {
	const struct sp_field *field;
	const struct sp_node *node;
	const struct sp_value *value;
	uint32_t bit;	/* from the packet's start */
	unsigned layer; /* index of its header */
};

struct sp_build {
	const struct sp_packet *packet;
	struct sp_err *err;
	uint32_t bit;	  /* where the next field goes */
	uint32_t content; /* octets without trailers */
	uint32_t len;	  /* octets, when finished */
	unsigned layer;	  /* index of the header that is being laid */
	uint32_t start[SP_PACKET_HEADERS], end[SP_PACKET_HEADERS]; /* octets, without pad */
	uint32_t route[SP_PACKET_HEADERS]; /* octet of the final destination; 0: none */
	uint32_t pos[SP_PACKET_HEADERS][SP_FIELDS_MAX]; /* bits, of fields that exist */
	unsigned n_varied, n_sums, n_lengths;
	struct sp_varied varied[SP_PLACES_MAX];
	struct sp_sum sum[SP_PACKET_HEADERS];
	struct sp_length length[SP_PACKET_HEADERS];
	uint8_t octets[SP_PACKET_MAX + 1];
};

/* b is the caller's (it is large: from an allocator) and needs no preparation. */
int sp_build_packet(struct sp_build *b, const struct sp_packet *, struct sp_err *);
/* One header or item alone, from octet 0: what its own values and local rules give. */
int sp_build_node(struct sp_build *b, const struct sp_packet *, const struct sp_node *,
		  struct sp_err *);

/* ---- between build.c and build_rules.c ---- */

/* Writes the low bits of v at a bit of the octets. */
void sp_build_bits(uint8_t *octets, uint32_t bit, unsigned width, sp_u128 v);
/* Writes what a rule of length gives for so many octets into field i of a node, at a bit. */
int sp_build_rule(struct sp_build *, const struct sp_node *, unsigned i, uint32_t bit,
		  int64_t octets);
/* All that depends on other headers, when everything is laid. */
int sp_build_rules(struct sp_build *);

#endif
