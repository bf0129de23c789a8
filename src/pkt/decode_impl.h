/* Between decode.c (headers) and decode_items.c (the lists in them). Nobody else. */
#ifndef SP_PKT_DECODE_IMPL_H
#define SP_PKT_DECODE_IMPL_H

#include "pkt/build.h"

struct sp_decoder {
	struct sp_packet *p;
	struct sp_build *b;
	const uint8_t *octets;
	unsigned depth;
};

static inline uint32_t sp_smaller(uint64_t a, uint32_t b)
{
	return a < b ? (uint32_t)a : b;
}

sp_u128 sp_decode_bits(const uint8_t *, uint32_t bit, unsigned width);
bool sp_decode_zero(const uint8_t *, uint32_t n);
/* Whether a node laid out alone gives octets from .. to. */
bool sp_decode_same(struct sp_decoder *, const struct sp_node *, uint32_t from, uint32_t to);
/* All fields, between octets from and to. False: there are too few octets, or no memory. */
bool sp_decode_node(struct sp_decoder *, struct sp_node *, uint32_t from, uint32_t to,
		    uint32_t *end);
/* The items of field i between from and to, count of them if count >= 0; *end behind them. */
bool sp_decode_items(struct sp_decoder *, struct sp_node *owner, unsigned i, uint32_t from,
		     uint32_t to, int64_t count, uint32_t *end);

#endif
