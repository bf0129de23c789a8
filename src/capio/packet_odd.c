/* What contradicts itself in IP packets, or is never sent by anybody who means well. */
#include <string.h>

#include "base/endian.h"
#include "capio/packet_view.h"
#include "pkt/csum.h"
#include "pkt/ip6.h"

#define NO_NEXT	     59
#define IP4_RESERVED 0x8000
#define IP4_DONT     0x4000
#define IP4_MORE     0x2000

#define FIN	     0x01
#define SYN	     0x02
#define RST	     0x04
#define ACK	     0x10

/* The octets from L3 on, as far as they were captured. */
struct octets {
	const uint8_t *p;
	uint32_t len;
	bool cut;
};

/* A sentence about octets that are not there: where the capture cut them off it is no wonder. */
static const char *lacks(const struct octets *o, const char *what)
{
	return o->cut ? NULL : what;
}

/* ---- a packet that could not be followed to its payload ---- */

static const char *bad_l4(const struct octets *o, const struct sp_view *v, uint32_t at)
{
	uint32_t left = o->len > at ? o->len - at : 0, n;

	switch (v->proto) {
	case SP_PROTO_UDP:
		if (left < 8)
			return lacks(o, "a UDP header is cut short");
		n = sp_get_be16(o->p + at + 4);
		return n < 8 ? "a UDP length below its header's"
			     : "a UDP length above the packet's";
	case SP_PROTO_TCP:
		if (left < 20)
			return lacks(o, "a TCP header is cut short");
		return o->p[at + 12] >> 4 < 5
			       ? "a TCP data offset below its header's"
			       : lacks(o, "a TCP data offset above the packet's");
	case SP_PROTO_ICMP:
	case SP_PROTO_ICMP6:
		return lacks(o, "an ICMP header is cut short");
	case SP_PROTO_IGMP:
		return lacks(o, "an IGMP header is cut short");
	case SP_PROTO_SCTP:
		return lacks(o, "an SCTP header is cut short");
	case SP_PROTO_DCCP:
		return left < 12 ? lacks(o, "a DCCP header is cut short")
				 : "a DCCP data offset that cannot be";
	default:
		return NULL;
	}
}

static const char *bad_ip4(const struct octets *o, const struct sp_view *v)
{
	uint32_t hdr, total;

	if (o->len < 1 || (o->len < 20 && o->p[0] >> 4 == 4))
		return lacks(o, "an IPv4 header is cut short");
	if (o->p[0] >> 4 != 4)
		return "IPv4 by its type, of another version";
	hdr = (o->p[0] & 15u) * 4;
	total = sp_get_be16(o->p + 2);
	if (hdr < 20)
		return "an IPv4 header length below 20 octets";
	if (!total)
		return "an IPv4 total length of 0 (left to the interface?)";
	if (total < hdr)
		return "an IPv4 total length below its header's";
	if (total > o->len && !o->cut)
		return "an IPv4 total length above the packet's";
	if (hdr > o->len)
		return lacks(o, "an IPv4 header is cut short");
	return bad_l4(&(struct octets){ o->p, total < o->len ? total : o->len, o->cut }, v,
		      hdr);
}

/* Walks the extension headers from the one that next names; *at is left behind the last one that is
 * there, *next is what follows. */
static const char *extensions(const struct octets *o, uint32_t *at, uint8_t *next)
{
	const char *odd = NULL;

	for (unsigned i = 0;; i++) {
		const uint8_t *h = o->p + *at;
		uint32_t left = o->len > *at ? o->len - *at : 0, n;

		if (!sp_ip6_is_extension(*next))
			return odd;
		if (i == SP_IP6_EXTENSIONS)
			return "more IPv6 extension headers than anybody sends";
		if (left < 8)
			return lacks(o, "an IPv6 extension header is cut short");
		n = sp_ip6_extension_len(*next, h);
		if (n > left)
			return lacks(o, "an IPv6 extension header above the packet's length");
		if (*next == SP_IP6_HOP_BY_HOP && i && !odd)
			odd = "an IPv6 hop-by-hop header that is not the first";
		if (*next == SP_IP6_ROUTING && !h[2] && !odd)
			odd = "an IPv6 routing header of type 0 (RFC 5095 forbids it)";
		if (*next == SP_IP6_ROUTING && h[3] > n && !odd)
			odd = "an IPv6 routing header with more segments left than it has";
		if (*next == SP_IP6_FRAGMENT && sp_get_be16(h + 2) & 0xfff8)
			return odd;
		*next = h[0];
		*at += n;
	}
}

static const char *bad_ip6(const struct octets *o, const struct sp_view *v)
{
	struct octets inside = *o;
	uint32_t at = 40;
	const char *what;
	uint8_t next;

	if (o->len < 1 || (o->len < 40 && o->p[0] >> 4 == 6))
		return lacks(o, "an IPv6 header is cut short");
	if (o->p[0] >> 4 != 6)
		return "IPv6 by its type, of another version";
	if (sp_get_be16(o->p + 4) > o->len - 40 && !o->cut)
		return "an IPv6 payload length above the packet's";
	if (sp_get_be16(o->p + 4) + 40u < o->len)
		inside.len = sp_get_be16(o->p + 4) + 40u;
	next = o->p[6];
	what = extensions(&inside, &at, &next);
	return what ? what : bad_l4(&inside, v, at);
}

/* ---- one that could ---- */

static bool all(const uint8_t *p, uint32_t n, uint8_t value)
{
	for (uint32_t i = 0; i < n; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* Options of kind, length and data; ends is the kind that ends them, pad the one without length. */
static bool options_lie(const uint8_t *p, uint32_t n, int ends, int pad)
{
	while (n && *p != ends) {
		uint32_t len;

		if (*p == pad) {
			p++;
			n--;
			continue;
		}
		if (n < 2)
			return true;
		len = p[1];
		if (len < 2 || len > n)
			return true;
		p += len;
		n -= len;
	}
	return false;
}

static const char *odd_ip4_options(const uint8_t *h)
{
	uint32_t n = (h[0] & 15u) * 4 - 20;

	if (!n)
		return NULL;
	if (options_lie(h + 20, n, 0, 1))
		return "an IPv4 option of a length that cannot be";
	for (uint32_t i = 20; i < 20 + n && h[i];) {
		if (h[i] == 131 || h[i] == 137)
			return "an IPv4 source route";
		i += h[i] == 1 ? 1 : h[i + 1];
	}
	return NULL;
}

static const char *odd_source4(const uint8_t *a)
{
	if (all(a, 4, 255))
		return "an IPv4 source that is the broadcast address";
	if (a[0] >> 4 == 14)
		return "an IPv4 source that is a group's address";
	return a[0] >> 4 == 15 ? "an IPv4 source in 240.0.0.0/4, which is reserved" : NULL;
}

static const char *odd_ip4(const struct sp_view *v, const uint8_t *h)
{
	uint16_t flags = sp_get_be16(h + 6);
	const char *what = odd_source4(h + 12);

	if (what)
		return what;
	if (all(h + 16, 4, 0))
		return "an IPv4 destination of 0.0.0.0";
	/* 0: left to the interface. */
	if ((h[10] || h[11]) && sp_csum_finish(sp_csum_add(0, h, (h[0] & 15u) * 4)))
		return "a wrong IPv4 checksum";
	if (!h[8])
		return "an IPv4 time to live of 0";
	if (flags & IP4_RESERVED)
		return "the reserved flag of IPv4 is set";
	if (flags & IP4_DONT && flags & IP4_MORE)
		return "an IPv4 fragment that must not be one (DF)";
	if (v->more && (v->l3_len - (v->frag_at - v->l3_off)) % 8)
		return "an IPv4 fragment whose length is no multiple of 8";
	if (v->fragment && v->frag_off + (v->l3_len - (v->frag_at - v->l3_off)) > 65535)
		return "an IPv4 fragment that ends above 65535 octets";
	return odd_ip4_options(h);
}

/* Hop-by-hop and destination options (Pad1 has no length; others count what follows it). */
static const char *odd_ip6_options(const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 2; i < n;) {
		if (!p[i]) {
			i++;
			continue;
		}
		if (i + 2 > n || i + 2u + p[i + 1] > n)
			return "an IPv6 option above its header's length";
		i += 2u + p[i + 1];
	}
	return NULL;
}

static const char *odd_ip6(const struct octets *o, const struct sp_view *v, const uint8_t *h)
{
	static const uint8_t loopback[16] = { [15] = 1 };
	uint32_t at = 40;
	uint8_t next = h[6];
	const char *what;

	if (h[8] == 255)
		return "an IPv6 source that is a group's address";
	if (all(h + 24, 16, 0))
		return "an IPv6 destination of ::";
	if (!h[7])
		return "an IPv6 hop limit of 0";
	if (!memcmp(h + 24, loopback, 16) != !memcmp(h + 8, loopback, 16))
		return "IPv6's loopback address at one end only";
	if (!sp_get_be16(h + 4) && next != NO_NEXT)
		return "an IPv6 payload length of 0";
	if ((next == SP_IP6_HOP_BY_HOP || next == SP_IP6_DST_OPTS) && o->len >= 42 &&
	    o->len >= 40 + (h[41] + 1u) * 8) {
		what = odd_ip6_options(h + 40, (h[41] + 1u) * 8);
		if (what)
			return what;
	}
	what = extensions(o, &at, &next);
	if (what)
		return what;
	if (v->more && (v->l3_len - (v->frag_at - v->l3_off)) % 8)
		return "an IPv6 fragment whose length is no multiple of 8";
	return NULL;
}

static const char *odd_tcp(const uint8_t *h, uint32_t len)
{
	uint8_t flags = h[13];

	if ((flags & (SYN | FIN)) == (SYN | FIN))
		return "TCP with SYN and FIN";
	if ((flags & (SYN | RST)) == (SYN | RST))
		return "TCP with SYN and RST";
	if ((flags & (FIN | RST)) == (FIN | RST))
		return "TCP with FIN and RST";
	if (!(flags & (SYN | RST | ACK)))
		return flags & FIN ? "TCP with FIN and no ACK" : "TCP without SYN, ACK or RST";
	if (h[12] & 0x0e)
		return "a reserved bit of TCP is set";
	if (!h[0] && !h[1])
		return "TCP from port 0";
	if (!h[2] && !h[3])
		return "TCP to port 0";
	if (len > 20 && options_lie(h + 20, len - 20, 0, 1))
		return "a TCP option of a length that cannot be";
	return NULL;
}

static const char *odd_l4(const struct sp_view *v, const uint8_t *h)
{
	uint32_t ip = v->l3_len - (v->l4_off - v->l3_off);

	if (sp_endpoint_eq(&v->src, &v->dst) && v->src.port && v->src.addr.ip[0] != 127 &&
	    v->src.addr.family == 4)
		return "source and destination are one endpoint";
	if (v->proto == SP_PROTO_TCP)
		return odd_tcp(h, v->payload_off - v->l4_off);
	if (v->proto != SP_PROTO_UDP)
		return NULL;
	if (!v->fragment && sp_get_be16(h + 4) < ip)
		return "a UDP length below that of the packet around it";
	if (!v->fragment && sp_get_be16(h + 4) > ip)
		return "a UDP length above the packet's";
	if (!h[2] && !h[3])
		return "UDP to port 0";
	return NULL;
}

const char *sp_cap_odd_ip(const uint8_t *octets, uint32_t len, int rc, bool cut,
			  const struct sp_view *v)
{
	const struct octets o = { octets + v->l3_off, len - v->l3_off, cut };
	bool four = v->ether_type == SP_ETHER_IP4;
	const char *what;

	if (rc)
		return four ? bad_ip4(&o, v) : bad_ip6(&o, v);
	what = four ? odd_ip4(v, o.p) : odd_ip6(&o, v, o.p);
	if (!what && v->l4_off)
		what = odd_l4(v, octets + v->l4_off);
	return what;
}
