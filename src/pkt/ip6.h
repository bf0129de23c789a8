/* IPv6 extension headers (RFC 8200 4; their numbers are IANA's). */
#ifndef SP_PKT_IP6_H
#define SP_PKT_IP6_H

#include <stdbool.h>
#include <stdint.h>

enum sp_ip6_next {
	SP_IP6_HOP_BY_HOP = 0,
	SP_IP6_ROUTING = 43,
	SP_IP6_FRAGMENT = 44,
	SP_IP6_AUTH = 51, /* RFC 4302 */
	SP_IP6_DST_OPTS = 60,
	SP_IP6_MOBILITY = 135, /* RFC 6275 */
	SP_IP6_HIP = 139,      /* RFC 7401 */
	SP_IP6_SHIM6 = 140,    /* RFC 5533 */
};

/* So many are followed: more than anybody sends. */
#define SP_IP6_EXTENSIONS 8u

static inline bool sp_ip6_is_extension(uint8_t next)
{
	switch (next) {
	case SP_IP6_HOP_BY_HOP:
	case SP_IP6_ROUTING:
	case SP_IP6_FRAGMENT:
	case SP_IP6_AUTH:
	case SP_IP6_DST_OPTS:
	case SP_IP6_MOBILITY:
	case SP_IP6_HIP:
	case SP_IP6_SHIM6:
		return true;
	default:
		return false;
	}
}

/* Octets of a header of this kind, by its first two octets: at least 8. */
static inline uint32_t sp_ip6_extension_len(uint8_t kind, const uint8_t *header)
{
	if (kind == SP_IP6_FRAGMENT)
		return 8;
	return kind == SP_IP6_AUTH ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
}

/* How many addresses a routing header has, 8 octets behind its beginning: RFC 8200 4.4 (type 0), RFC
 * 6275 (2), RFC 8754 (4, which has more behind them); of others none that anybody could read. */
static inline uint32_t sp_ip6_route(const uint8_t header[8])
{
	uint32_t room = header[1] / 2u, n = header[2] == 4 ? header[4] + 1u : room;

	if (header[2] != 0 && header[2] != 2 && header[2] != 4)
		return 0;
	return n < room ? n : room;
}

#endif
