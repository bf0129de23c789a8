/* Which address, port or hardware address becomes which. */
#include <string.h>

#include "base/endian.h"
#include "base/rng.h"
#include "pkt/rewrite_impl.h"

#define MULTICAST_MAC 1u

/* ---- blocks: an address never leaves the one that it is in ---- */

struct block {
	uint8_t ip[4];
	uint8_t len;
};

static const struct block blocks[] = {
	{ { 10 }, 8 },
	{ { 172, 16 }, 12 },
	{ { 192, 168 }, 16 },
	{ { 100, 64 }, 10 },
	{ { 198, 18 }, 15 },
	{ { 192, 0, 2 }, 24 },
	{ { 198, 51, 100 }, 24 },
	{ { 203, 0, 113 }, 24 },
};

static uint32_t mask_of(unsigned len)
{
	return len ? ~(uint32_t)0 << (32 - len) : 0;
}

/* Bits of the block that an IPv4 address is in; other: of one that is in none of the table. */
static unsigned block4(uint32_t ip, unsigned other)
{
	for (unsigned i = 0; i < sizeof blocks / sizeof *blocks; i++)
		if (!((ip ^ sp_get_be32(blocks[i].ip)) & mask_of(blocks[i].len)))
			return blocks[i].len;
	return other;
}

/* IPv4 in IPv6's clothes: its class is that of the inside (base/address.h). */
static bool is_wrapped(const struct sp_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };

	return a->family == 6 && (!memcmp(a->ip, mapped, 12) || !memcmp(a->ip, nat64, 12));
}

static bool stays(const struct sp_addr *a)
{
	if (is_wrapped(a))
		return true;
	switch (sp_addr_class(a)) {
	case SP_ADDR_PRIVATE:
	case SP_ADDR_DOCUMENTATION:
	case SP_ADDR_PUBLIC:
		return false;
	default:
		return true;
	}
}

/* ---- other addresses for each loop ---- */

/* Of the 254 last octets that hosts have, and all others before them. */
static void move4(struct sp_addr *a, uint64_t n)
{
	uint32_t ip = sp_get_be32(a->ip), last = ip & 255, host, room;
	unsigned bits = block4(ip, 0);

	if (last == 0 || last == 255 || (!bits && stays(a)))
		return;
	bits = 32 - (bits ? bits : 24);
	room = (uint32_t)(1u << (bits - 8)) * 254;
	host = ((ip & ~mask_of(32 - bits)) >> 8) * 254 + last - 1;
	host = (uint32_t)((host + n % room) % room);
	ip = (ip & mask_of(32 - bits)) | host / 254 << 8 | (host % 254 + 1);
	sp_put_be32(a->ip, ip);
}

bool sp_rewrite_may_become(const struct sp_addr *from, const struct sp_addr *to)
{
	uint32_t a, b;
	unsigned bits;

	if (from->family != 4 || to->family != 4)
		return false;
	a = sp_get_be32(from->ip);
	b = sp_get_be32(to->ip);
	bits = block4(a, 0);
	if (!(a & 255) || !(b & 255) || (a & 255) == 255 || (b & 255) == 255 ||
	    (!bits && stays(from)))
		return false;
	return ((a ^ b) & mask_of(bits ? bits : 24)) == 0;
}

void sp_rw_address_move(struct sp_addr *a, uint64_t n)
{
	if (n && a->family == 4)
		move4(a, n);
	else if (n && !stays(a))
		sp_put_be64(a->ip + 8, sp_get_be64(a->ip + 8) + n);
}

/* ---- drawn addresses ---- */

/* Changes the bits behind the first keep, each octet by what stood before it: whoever shares the
 * first octets with another shares them afterwards, and no two become one. */
static void draw_once(uint8_t *ip, unsigned octets, unsigned keep, uint64_t seed)
{
	uint64_t before = sp_mix64(seed + octets);

	for (unsigned i = 0; i < octets; i++) {
		unsigned bits = keep > i * 8 ? keep - i * 8 : 0;
		uint8_t was = ip[i], free = (uint8_t)(bits >= 8 ? 0 : 0xff >> bits);

		ip[i] = (uint8_t)(was ^ (before & free));
		before = sp_mix64(before + was + 1);
	}
}

/* Of an address that is in no block: the bits that stay at least. */
static unsigned keep_bits(const struct sp_addr *a, enum sp_addr_class class)
{
	if (a->family == 4)
		return block4(sp_get_be32(a->ip), 0);
	if (class == SP_ADDR_PRIVATE)
		return 8;
	return class == SP_ADDR_DOCUMENTATION ? 32 : 3;
}

void sp_rw_address_draw(struct sp_addr *a, uint64_t seed)
{
	enum sp_addr_class class = sp_addr_class(a);
	unsigned octets = a->family == 4 ? 4 : 16, keep;

	if (stays(a))
		return;
	keep = keep_bits(a, class);
	/* A permutation that is repeated until it comes back to the class is one of the class. */
	do
		draw_once(a->ip, octets, keep, seed);
	while (sp_addr_class(a) != class || is_wrapped(a));
}

/* ---- maps ---- */

static void take_prefix(struct sp_addr *a, const struct sp_prefix *to)
{
	unsigned octets = to->len / 8, rest = to->len % 8;

	memcpy(a->ip, to->addr.ip, octets);
	if (rest) {
		uint8_t mask = (uint8_t)(0xff00 >> rest);

		a->ip[octets] = (uint8_t)((to->addr.ip[octets] & mask) |
					  (a->ip[octets] & ~mask));
	}
}

static bool map_address(const struct sp_rewrite *r, struct sp_addr *a, enum sp_rw_side side,
			bool server)
{
	const struct sp_addr *e = &r->endpoint[server];

	if (e->family == a->family) {
		memcpy(a->ip, e->ip, sizeof a->ip);
		return true;
	}
	for (uint32_t i = 0; i < r->maps; i++) {
		const struct sp_rw_map *m = &r->map[i];

		if (!(m->sides & side) || !sp_prefix_has(&m->from, a))
			continue;
		take_prefix(a, &m->to);
		return true;
	}
	return false;
}

static bool is_broadcast(const struct sp_addr *a)
{
	switch (sp_addr_class(a)) {
	case SP_ADDR_MULTICAST_OWN:
	case SP_ADDR_MULTICAST:
	case SP_ADDR_BROADCAST:
		return true;
	default:
		return false;
	}
}

bool sp_rw_address(const struct sp_rewrite *r, struct sp_addr *a, enum sp_rw_side side,
		   bool server, uint64_t loop)
{
	struct sp_addr was = *a;

	if (r->skip_broadcast && is_broadcast(a))
		return false;
	if (!map_address(r, a, side, server) && r->seeded)
		sp_rw_address_draw(a, r->seed);
	if (r->unique_ip)
		sp_rw_address_move(a, loop);
	return memcmp(was.ip, a->ip, sizeof was.ip) != 0;
}

bool sp_rw_mac(const struct sp_rewrite *r, uint8_t mac[6])
{
	if (r->skip_broadcast && (mac[0] & MULTICAST_MAC))
		return false;
	for (uint32_t i = 0; i < r->mac_maps; i++)
		if (!memcmp(mac, r->mac_map[i][0], 6)) {
			memcpy(mac, r->mac_map[i][1], 6);
			return true;
		}
	return false;
}

#define FIRST_OTHER_PORT 1024u

uint16_t sp_rw_port(const struct sp_rewrite *r, uint16_t port, enum sp_rw_side side,
		    uint64_t loop)
{
	const uint16_t *table = r->port[side == SP_RW_DST];
	uint32_t room = 65536 - FIRST_OTHER_PORT;

	if (table)
		port = table[port];
	if (r->unique_port && loop && port >= FIRST_OTHER_PORT)
		port = (uint16_t)(FIRST_OTHER_PORT +
				  (port - FIRST_OTHER_PORT + loop % room) % room);
	return port;
}
