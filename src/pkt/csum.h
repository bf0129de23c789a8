/* The Internet checksum (RFC 1071, 1624). Sums are of 16-bit words as they lie in memory: the
 * sum does not depend on byte order, so that results are stored with memcpy, never swapped.
 * Partial sums are uint64_t and may be added freely: 2^48 words fit. */
#ifndef SP_PKT_CSUM_H
#define SP_PKT_CSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/endian.h"

/* HOT. sum + the words of p[0 .. len). An odd last byte is padded with zero; so only the last
 * chunk of a message may have an odd length. */
static inline uint64_t sp_csum_add(uint64_t sum, const void *p, size_t len)
{
	const uint8_t *b = p;
	uint64_t wide = 0;
	uint32_t w;
	uint16_t h = 0;

	for (; len >= 4; len -= 4, b += 4) {
		memcpy(&w, b, sizeof w);
		wide += w;
	}
	if (len >= 2) {
		memcpy(&h, b, sizeof h);
		wide += h;
		len -= 2;
		b += 2;
	}
	if (len)
		wide += *b;
	return sum + (wide & 0xffffffff) + (wide >> 32);
}

/* HOT. Ones' complement sum in 16 bits. */
static inline uint16_t sp_csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* HOT. The checksum field for a sum over everything else (the field itself as 0). Over a packet
 * whose field is right, the result is 0. */
static inline uint16_t sp_csum_finish(uint64_t sum)
{
	return (uint16_t)~sp_csum_fold(sum);
}

/* HOT. The same for UDP, where 0 means "no checksum" and 0xffff stands for it (RFC 768). */
static inline uint16_t sp_csum_finish_udp(uint64_t sum)
{
	uint16_t c = sp_csum_finish(sum);

	return c ? c : 0xffff;
}

/* Pseudo headers. len is that of the L4 header and payload; addresses in network order. */
static inline uint64_t sp_csum_pseudo4(const void *src, const void *dst, uint8_t proto,
				       uint16_t len)
{
	uint8_t tail[4] = { 0, proto };

	sp_put_be16(tail + 2, len);
	return sp_csum_add(sp_csum_add(sp_csum_add(0, src, 4), dst, 4), tail, sizeof tail);
}

static inline uint64_t sp_csum_pseudo6(const void *src, const void *dst, uint8_t proto,
				       uint32_t len)
{
	uint8_t tail[8] = { [7] = proto };

	sp_put_be32(tail, len);
	return sp_csum_add(sp_csum_add(sp_csum_add(0, src, 16), dst, 16), tail, sizeof tail);
}

/* HOT. The checksum field after words that it covers changed (RFC 1624, equation 3): removed and
 * added are sums (sp_csum_add) over the old and the new bytes, which began at an even offset of
 * the packet. check is the field as it lies in memory. */
static inline uint16_t sp_csum_delta(uint16_t check, uint64_t removed, uint64_t added)
{
	return sp_csum_finish((uint64_t)(uint16_t)~check + (uint16_t)~sp_csum_fold(removed) +
			      sp_csum_fold(added));
}

#endif
