#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/endian.h"
#include "base/str.h"

/* ---- text ---- */

/* The number, or the index of the interface of that name; 0: neither. */
static uint32_t scope_of(const char *zone)
{
	uint64_t v = 0;
	size_t n = strspn(zone, "0123456789");

	if (!n || zone[n] != '\0')
		return if_nametoindex(zone);
	for (; *zone; zone++) {
		v = v * 10 + (uint64_t)(*zone - '0');
		if (v > UINT32_MAX)
			return 0;
	}
	return (uint32_t)v;
}

/* fe80::/10, and multicast of interface or link scope. */
static bool takes_scope(const uint8_t ip[16])
{
	return (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) ||
	       (ip[0] == 0xff && ((ip[1] & 0x0f) == 1 || (ip[1] & 0x0f) == 2));
}

int sp_addr_parse(const char *text, struct sp_addr *out)
{
	struct sp_addr a = { 0 };
	char buf[80];
	size_t len = sp_strlcpy(buf, text, sizeof buf);
	bool brackets = buf[0] == '[';
	char *p = buf, *zone;

	if (len >= sizeof buf)
		return -EINVAL;
	if (brackets) {
		if (buf[len - 1] != ']')
			return -EINVAL;
		buf[len - 1] = '\0';
		p++;
	} else if (inet_pton(AF_INET, p, a.ip) == 1) {
		a.family = 4;
		*out = a;
		return 0;
	}
	zone = strchr(p, '%');
	if (zone)
		*zone++ = '\0';
	if (inet_pton(AF_INET6, p, a.ip) != 1)
		return -EINVAL;
	a.family = 6;
	if (zone) {
		a.scope = takes_scope(a.ip) ? scope_of(zone) : 0;
		if (!a.scope)
			return -EINVAL;
	}
	*out = a;
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

int sp_mac_parse(const char *text, size_t len, uint8_t mac[6])
{
	if (len != 17)
		return -EINVAL;
	for (unsigned i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0 || (i < 5 && text[2] != ':' && text[2] != '-'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

const char *sp_addr_format(char *buf, size_t cap, const struct sp_addr *a)
{
	char ip[INET6_ADDRSTRLEN];

	if (a->family != 4 && a->family != 6) {
		snprintf(buf, cap, "none");
		return buf;
	}
	inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, ip, sizeof ip);
	if (a->family == 6 && a->scope)
		snprintf(buf, cap, "%s%%%u", ip, (unsigned)a->scope);
	else
		snprintf(buf, cap, "%s", ip);
	return buf;
}

const char *sp_endpoint_format(char *buf, size_t cap, const struct sp_endpoint *e)
{
	char ip[64];

	sp_addr_format(ip, sizeof ip, &e->addr);
	snprintf(buf, cap, e->addr.family == 6 ? "[%s]:%u" : "%s:%u", ip, (unsigned)e->port);
	return buf;
}

/* ---- values ---- */

static size_t ip_len(const struct sp_addr *a)
{
	return a->family == 4 ? 4 : a->family == 6 ? 16 : 0;
}

bool sp_addr_eq(const struct sp_addr *a, const struct sp_addr *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       memcmp(a->ip, b->ip, ip_len(a)) == 0;
}

bool sp_endpoint_eq(const struct sp_endpoint *a, const struct sp_endpoint *b)
{
	return a->port == b->port && sp_addr_eq(&a->addr, &b->addr);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ (h >> 29);
}

uint64_t sp_endpoint_hash(const struct sp_endpoint *e)
{
	uint8_t ip[16] = { 0 };
	uint64_t h;

	memcpy(ip, e->addr.ip, ip_len(&e->addr));
	h = mix(e->addr.family, (uint64_t)e->addr.scope << 16 | e->port);
	h = mix(h, sp_get_be64(ip));
	return mix(h, sp_get_be64(ip + 8));
}

unsigned sp_endpoint_to_sockaddr(const struct sp_endpoint *e, struct sockaddr *sa)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(e->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(e->port) };

	if (e->addr.family == 4) {
		memcpy(&in.sin_addr, e->addr.ip, 4);
		memcpy(sa, &in, sizeof in);
		return sizeof in;
	}
	if (e->addr.family == 6) {
		memcpy(&in6.sin6_addr, e->addr.ip, 16);
		in6.sin6_scope_id = e->addr.scope;
		memcpy(sa, &in6, sizeof in6);
		return sizeof in6;
	}
	return 0;
}

int sp_endpoint_from_sockaddr(struct sp_endpoint *e, const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*e = (struct sp_endpoint){ 0 };
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&in, sa, sizeof in);
		e->addr.family = 4;
		memcpy(e->addr.ip, &in.sin_addr, 4);
		e->port = ntohs(in.sin_port);
		return 0;
	case AF_INET6:
		memcpy(&in6, sa, sizeof in6);
		e->addr.family = 6;
		e->addr.scope = in6.sin6_scope_id;
		memcpy(e->addr.ip, &in6.sin6_addr, 16);
		e->port = ntohs(in6.sin6_port);
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

/* ---- whose network ---- */

struct prefix {
	uint8_t net[16];
	uint8_t bits;
	uint8_t class;
};

/* The first that matches counts, so exceptions stand before the rule. */
static const struct prefix v4_table[] = {
	{ { 127 }, 8, SP_ADDR_LOOPBACK },
	{ { 169, 254 }, 16, SP_ADDR_LINK_LOCAL },
	{ { 10 }, 8, SP_ADDR_PRIVATE },
	{ { 172, 16 }, 12, SP_ADDR_PRIVATE },
	{ { 192, 168 }, 16, SP_ADDR_PRIVATE },
	{ { 100, 64 }, 10, SP_ADDR_PRIVATE },
	{ { 192, 0, 2 }, 24, SP_ADDR_DOCUMENTATION },
	{ { 198, 51, 100 }, 24, SP_ADDR_DOCUMENTATION },
	{ { 203, 0, 113 }, 24, SP_ADDR_DOCUMENTATION },
	{ { 198, 18 }, 15, SP_ADDR_DOCUMENTATION },
	{ { 224, 0, 0 }, 24, SP_ADDR_MULTICAST_OWN },
	{ { 239 }, 8, SP_ADDR_MULTICAST_OWN },
	{ { 224 }, 4, SP_ADDR_MULTICAST },
	{ { 255, 255, 255, 255 }, 32, SP_ADDR_BROADCAST },
	{ { 240 }, 4, SP_ADDR_NEVER },
	{ { 0 }, 32, SP_ADDR_UNSPECIFIED },
	{ { 0 }, 8, SP_ADDR_NEVER },
	{ { 0 }, 0, SP_ADDR_PUBLIC },
};

static const struct prefix v6_table[] = {
	{ { [15] = 1 }, 128, SP_ADDR_LOOPBACK },
	{ { 0 }, 128, SP_ADDR_UNSPECIFIED },
	{ { 0xfe, 0x80 }, 10, SP_ADDR_LINK_LOCAL },
	{ { 0xfc }, 7, SP_ADDR_PRIVATE },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, SP_ADDR_DOCUMENTATION },
	{ { 0xff, 0x01 }, 16, SP_ADDR_MULTICAST_OWN },
	{ { 0xff, 0x02 }, 16, SP_ADDR_MULTICAST_OWN },
	{ { 0xff, 0x03 }, 16, SP_ADDR_MULTICAST_OWN },
	{ { 0xff, 0x04 }, 16, SP_ADDR_MULTICAST_OWN },
	{ { 0xff, 0x05 }, 16, SP_ADDR_MULTICAST_OWN },
	{ { 0xff }, 8, SP_ADDR_MULTICAST },
	{ { 0 }, 0, SP_ADDR_PUBLIC },
};

static bool in_prefix(const uint8_t *ip, const struct prefix *p)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (memcmp(ip, p->net, whole) != 0)
		return false;
	return !rest || ((ip[whole] ^ p->net[whole]) >> (8 - rest)) == 0;
}

static enum sp_addr_class look_up(const uint8_t *ip, const struct prefix *table)
{
	while (!in_prefix(ip, table))
		table++;
	return (enum sp_addr_class)table->class;
}

/* In both, a v4 address stands behind. */
static const struct prefix mapped = { { [10] = 0xff, [11] = 0xff }, 96, 0 };
static const struct prefix nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96, 0 };

enum sp_addr_class sp_addr_class(const struct sp_addr *a)
{
	enum sp_addr_class class;

	if (a->family == 4)
		return look_up(a->ip, v4_table);
	if (a->family != 6)
		return SP_ADDR_NEVER;
	if (in_prefix(a->ip, &mapped))
		return look_up(a->ip + 12, v4_table);
	if (in_prefix(a->ip, &nat64)) {
		/* A translator somewhere would broadcast, not this host. */
		class = look_up(a->ip + 12, v4_table);
		return class == SP_ADDR_BROADCAST ? SP_ADDR_NEVER : class;
	}
	return look_up(a->ip, v6_table);
}

int sp_addr_compare(const struct sp_addr *a, const struct sp_addr *b)
{
	int d = memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16);

	return (d > 0) - (d < 0);
}

bool sp_addr_next(struct sp_addr *a)
{
	for (unsigned i = a->family == 4 ? 4 : 16; i-- > 0;)
		if (++a->ip[i])
			return true;
	return false;
}

static void last_of(const uint8_t *ip, unsigned bits, unsigned bytes, uint8_t *last)
{
	for (unsigned i = 0; i < bytes; i++) {
		unsigned left = bits > 8 * i ? bits - 8 * i : 0;

		last[i] = (uint8_t)(ip[i] | (left >= 8 ? 0 : 0xff >> left));
	}
}

/* last: not beyond what the prefix says of those from ip on. */
static void cut(const uint8_t *ip, const struct prefix *p, unsigned bytes, uint8_t *last)
{
	uint8_t end[16];

	if (in_prefix(ip, p)) {
		last_of(ip, p->bits, bytes, end);
	} else if (memcmp(p->net, ip, bytes) > 0) {
		memcpy(end, p->net, bytes);
		for (unsigned i = bytes; i-- > 0 && end[i]-- == 0;)
			;
	} else {
		return;
	}
	if (memcmp(end, last, bytes) < 0)
		memcpy(last, end, bytes);
}

static void cut_all(const uint8_t *ip, const struct prefix *table, unsigned bytes,
		    uint8_t *last)
{
	for (;; table++) {
		cut(ip, table, bytes, last);
		/* Wider prefixes that hold the matching one say nothing about its addresses. */
		if (!table->bits)
			return;
	}
}

enum sp_addr_class sp_addr_class_run(const struct sp_addr *a, struct sp_addr *last)
{
	unsigned bytes = a->family == 4 ? 4 : 16;

	*last = (struct sp_addr){ .family = a->family };
	memset(last->ip, 0xff, bytes);
	if (a->family == 4) {
		cut_all(a->ip, v4_table, 4, last->ip);
	} else if (in_prefix(a->ip, &mapped) || in_prefix(a->ip, &nat64)) {
		memcpy(last->ip, a->ip, 12);
		cut_all(a->ip + 12, v4_table, 4, last->ip + 12);
	} else {
		cut(a->ip, &mapped, 16, last->ip);
		cut(a->ip, &nat64, 16, last->ip);
		cut_all(a->ip, v6_table, 16, last->ip);
	}
	return sp_addr_class(a);
}

const char *sp_addr_class_name(enum sp_addr_class class)
{
	switch (class) {
	case SP_ADDR_LOOPBACK:
		return "loopback";
	case SP_ADDR_LINK_LOCAL:
		return "link-local";
	case SP_ADDR_PRIVATE:
		return "private";
	case SP_ADDR_DOCUMENTATION:
		return "documentation";
	case SP_ADDR_MULTICAST_OWN:
		return "local multicast";
	case SP_ADDR_MULTICAST:
		return "multicast";
	case SP_ADDR_BROADCAST:
		return "broadcast";
	case SP_ADDR_UNSPECIFIED:
		return "unspecified";
	case SP_ADDR_NEVER:
		return "reserved";
	case SP_ADDR_PUBLIC:
		return "public";
	}
	return "unknown";
}

bool sp_addr_is_own(const struct sp_addr *a)
{
	switch (sp_addr_class(a)) {
	case SP_ADDR_LOOPBACK:
	case SP_ADDR_LINK_LOCAL:
	case SP_ADDR_PRIVATE:
	case SP_ADDR_DOCUMENTATION:
	case SP_ADDR_MULTICAST_OWN:
		return true;
	default:
		return false;
	}
}
