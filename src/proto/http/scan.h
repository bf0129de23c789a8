/* Eight bytes at a time: where is the first control character? Portable, and as fast as memchr
 * for lines as short as a head's. */
#ifndef SP_PROTO_HTTP_SCAN_H
#define SP_PROTO_HTTP_SCAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define SP_HTTP_EACH(c) (UINT64_C(0x0101010101010101) * (c))

/* Marks the top bit of bytes below 0x20 or equal to 0x7f. A mark above the lowest one may be
 * false (a borrow), the lowest one never is. */
static inline uint64_t sp_http_controls(uint64_t x)
{
	uint64_t del = x ^ SP_HTTP_EACH(0x7f);

	return (((x - SP_HTTP_EACH(0x20)) & ~x) | ((del - SP_HTTP_EACH(1)) & ~del)) &
	       SP_HTTP_EACH(0x80);
}

/* Marks the top bit of bytes that are neither letters nor '-'. */
static inline uint64_t sp_http_others(uint64_t x)
{
	const uint64_t top = SP_HTTP_EACH(0x80);
	uint64_t low = (x | SP_HTTP_EACH(0x20)) & ~top, dash = x ^ SP_HTTP_EACH('-');
	uint64_t letters = (low + SP_HTTP_EACH(0x80 - 'a')) & ~(low + SP_HTTP_EACH(0x7f - 'z'));

	dash = ~(((dash & ~top) + ~top) | dash);
	return ~((letters & ~x) | dash) & top;
}

/* The first control character other than a tab in [p, end); end if there is none. */
static inline const uint8_t *sp_http_scan(const uint8_t *p, const uint8_t *end)
{
	while (end - p >= 8) {
		uint64_t x;

		memcpy(&x, p, 8);
		x = sp_http_controls(le64toh(x));
		if (!x) {
			p += 8;
			continue;
		}
		p += __builtin_ctzll(x) / 8;
		if (*p != '\t')
			return p;
		p++;
	}
	while (p < end && ((*p >= 0x20 && *p != 0x7f) || *p == '\t'))
		p++;
	return p;
}

#endif
