/* What routers and ends of tunnels find in a packet, as they would: by its octets. Where a number
 * that decides varies, everything that it can say is followed. */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "engine/packet_impl.h"
#include "pkt/view.h"

#define SYN	      0x02u
#define ACK	      0x10u

#define ETHER_TEB     0x6558u
#define ETHER_VLAN    0x8100u
#define ETHER_MPLS    0x8847u
#define ETHER_MPLS_UP 0x8848u
#define ETHER_PPPOE   0x8864u
#define ETHER_QINQ    0x88a8u
#define PPP_IP4	      0x0021u
#define PPP_IP6	      0x0057u

#define IPIP	      4u
#define IPV6	      41u
#define ROUTING	      43u
#define FRAGMENT      44u
#define GRE	      47u
#define AUTH	      51u
#define ETHERIP	      97u
#define MPLS	      137u
#define ETHERNET      143u

#define PORT_GRE      4754u
#define PORT_VXLAN    4789u
#define PORT_GENEVE   6081u
#define PORT_MPLS     6635u
#define PORT_VXLAN_0  8472u /* before it had one */

#define LSRR	      131u
#define SSRR	      137u

/* What octets at a place may be; each is looked at once. */
enum kind { K_IP4, K_IP6, K_EXTENSION, K_AUTH, K_FRAGMENT, K_ETHER, K_VLAN, K_MPLS, K_GRE };

struct found {
	uint32_t off;
	uint8_t kind;
};

struct walk {
	const struct sp_template *t;
	struct sp_packet_seen *seen;
	struct sp_err *err;
	const struct sp_mem *mem;
	uint16_t *been;	     /* a bit a kind, for each octet */
	struct found *found; /* to be looked at */
	size_t n, cap;
	uint32_t outer; /* whose addresses are known */
	bool has_outer;
};

static bool may8(const struct walk *w, uint32_t off, unsigned v)
{
	return sp_packet_may_be(w->t, off, 1, 0xff, (uint16_t)v);
}

static bool may16(const struct walk *w, uint32_t off, unsigned v)
{
	return sp_packet_may_be(w->t, off, 2, 0xffff, (uint16_t)v);
}

static int no_memory(const struct walk *w)
{
	return sp_fail(w->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int grow(struct walk *w)
{
	size_t cap = w->cap ? w->cap * 2 : 16;
	struct found *found = sp_alloc_array(w->mem, cap, sizeof *found);

	if (!found)
		return no_memory(w);
	if (w->n)
		memcpy(found, w->found, w->n * sizeof *found);
	sp_free(w->mem, w->found);
	w->found = found;
	w->cap = cap;
	return 0;
}

/* To be looked at, unless it was. */
static int find(struct walk *w, enum kind kind, uint32_t off)
{
	if (off >= w->t->len || w->been[off] >> kind & 1)
		return 0;
	if (w->n == w->cap && grow(w))
		return -ENOMEM;
	w->been[off] |= (uint16_t)(1u << kind);
	w->found[w->n++] = (struct found){ off, (uint8_t)kind };
	return 0;
}

/* Its version tells which. */
static int find_ip(struct walk *w, uint32_t off)
{
	int rc = 0;

	if (sp_packet_may_be(w->t, off, 1, 0xf0, 0x40))
		rc = find(w, K_IP4, off);
	if (!rc && sp_packet_may_be(w->t, off, 1, 0xf0, 0x60))
		rc = find(w, K_IP6, off);
	return rc;
}

static int address(struct walk *w, uint32_t off, uint8_t bytes, struct sp_packet_ranges *r)
{
	return off + bytes > w->t->len ? 0 : sp_packet_ranges(w->t, off, bytes, r, w->err);
}

static int addresses(struct walk *w, uint32_t off, uint32_t end, uint8_t bytes)
{
	int rc = 0;

	for (; !rc && off + bytes <= end; off += bytes)
		rc = address(w, off, bytes, &w->seen->to);
	return rc;
}

/* ---- tunnels ---- */

static int mpls(struct walk *w, uint32_t off)
{
	int rc = 0;

	if (sp_packet_may_be(w->t, off + 2, 1, 1, 0))
		rc = find(w, K_MPLS, off + 4);
	if (rc || !sp_packet_may_be(w->t, off + 2, 1, 1, 1))
		return rc;
	rc = find_ip(w, off + 4);
	if (!rc) /* a pseudowire: without a control word, and with one */
		rc = find(w, K_ETHER, off + 4);
	if (!rc && sp_packet_may_be(w->t, off + 4, 1, 0xf0, 0))
		rc = find(w, K_ETHER, off + 8);
	return rc;
}

/* What an Ethernet type at type says that begins at off. */
static int typed(struct walk *w, uint32_t type, uint32_t off)
{
	int rc = 0;

	if (may16(w, type, SP_ETHER_IP4) || may16(w, type, SP_ETHER_IP6))
		rc = find_ip(w, off);
	if (!rc && (may16(w, type, ETHER_VLAN) || may16(w, type, ETHER_QINQ)))
		rc = find(w, K_VLAN, off);
	if (!rc && (may16(w, type, ETHER_MPLS) || may16(w, type, ETHER_MPLS_UP)))
		rc = find(w, K_MPLS, off);
	if (!rc && may16(w, type, ETHER_PPPOE) &&
	    (may16(w, off + 6, PPP_IP4) || may16(w, off + 6, PPP_IP6)))
		rc = find_ip(w, off + 8);
	if (!rc && may16(w, type, ETHER_TEB))
		rc = find(w, K_ETHER, off);
	return rc;
}

static int gre(struct walk *w, uint32_t off)
{
	int rc = 0;

	/* Checksum or routing, key, number: four octets each. */
	for (unsigned flags = 0; !rc && flags <= 0xf0; flags += 0x10)
		if (sp_packet_may_be(w->t, off, 1, 0xf0, (uint16_t)flags))
			rc = typed(w, off + 2,
				   off + 4 + 4u * !!(flags & 0xc0) + 4u * !!(flags & 0x20) +
					   4u * !!(flags & 0x10));
	return rc;
}

static int geneve(struct walk *w, uint32_t off)
{
	int rc = 0;

	for (unsigned words = 0; !rc && words < 64; words++)
		if (sp_packet_may_be(w->t, off, 1, 0x3f, (uint16_t)words))
			rc = typed(w, off + 2, off + 8 + 4 * words);
	return rc;
}

static int udp(struct walk *w, uint32_t off)
{
	uint32_t port = off + 2, in = off + 8;
	int rc = 0;

	if ((may16(w, port, PORT_VXLAN) || may16(w, port, PORT_VXLAN_0)) &&
	    sp_packet_may_be(w->t, in, 1, 8, 8))
		rc = find(w, K_ETHER, in + 8);
	if (!rc && may16(w, port, PORT_GENEVE))
		rc = geneve(w, in);
	if (!rc && may16(w, port, PORT_MPLS))
		rc = find(w, K_MPLS, in);
	if (!rc && may16(w, port, PORT_GRE))
		rc = find(w, K_GRE, in);
	return rc;
}

/* ---- behind IP ---- */

/* What is cut here, a payload fills: it could be one. */
static bool may_be_syn(const struct walk *w, uint32_t off)
{
	return off + 14 > w->t->len || (sp_packet_may_be(w->t, off + 13, 1, SYN, SYN) &&
					sp_packet_may_be(w->t, off + 13, 1, ACK, 0));
}

/* Types 0 and 2 name addresses to visit, 4 segments; a TLV may follow those. */
static int routing(struct walk *w, uint32_t off)
{
	uint32_t end = off + 8, last;
	bool plain, segments;

	if (off + 8 > w->t->len)
		return 0;
	plain = may8(w, off + 2, 0) || may8(w, off + 2, 2);
	segments = may8(w, off + 2, 4);
	last = sp_packet_varies(w->t, off + 4, 1) ? UINT8_MAX : w->t->octets[off + 4];
	if (sp_packet_varies(w->t, off + 1, 1))
		end = w->t->len;
	else
		end += w->t->octets[off + 1] * 8u;
	if (!plain && segments && end > off + 8 + (last + 1) * 16)
		end = off + 8 + (last + 1) * 16;
	return plain || segments ? addresses(w, off + 8, end, 16) : 0;
}

static int extensions(struct walk *w, uint32_t proto, uint32_t off)
{
	static const uint8_t plain[] = { 0, ROUTING, 60, 135, 139, 140 };
	int rc = 0;

	if (may8(w, proto, ROUTING))
		rc = routing(w, off);
	for (size_t i = 0; !rc && i < sizeof plain; i++)
		if (may8(w, proto, plain[i]))
			rc = find(w, K_EXTENSION, off);
	return !rc && may8(w, proto, FRAGMENT) ? find(w, K_FRAGMENT, off) : rc;
}

/* What an IP protocol's number at proto says that begins at off. */
static int behind_ip(struct walk *w, uint32_t proto, uint32_t off)
{
	int rc = 0;

	if (may8(w, proto, SP_PROTO_TCP))
		w->seen->syn |= may_be_syn(w, off);
	if (may8(w, proto, IPIP) || may8(w, proto, IPV6))
		rc = find_ip(w, off);
	if (!rc && may8(w, proto, SP_PROTO_UDP))
		rc = udp(w, off);
	if (!rc && may8(w, proto, GRE))
		rc = find(w, K_GRE, off);
	if (!rc && may8(w, proto, MPLS))
		rc = find(w, K_MPLS, off);
	if (!rc && may8(w, proto, ETHERIP))
		rc = find(w, K_ETHER, off + 2);
	if (!rc && may8(w, proto, ETHERNET))
		rc = find(w, K_ETHER, off);
	return !rc && may8(w, proto, AUTH) ? find(w, K_AUTH, off) : rc;
}

static int behind_ip6(struct walk *w, uint32_t proto, uint32_t off)
{
	int rc = behind_ip(w, proto, off);

	return rc ? rc : extensions(w, proto, off);
}

/* An extension header with its length in units: what is behind it. */
static int extension(struct walk *w, uint32_t off, uint32_t unit)
{
	int rc = 0;

	for (unsigned len = 0; !rc && len <= UINT8_MAX; len++)
		if (may8(w, off + 1, len))
			rc = behind_ip6(w, off, off + 8 + len * unit);
	return rc;
}

/* A later fragment has only data. */
static int fragment(struct walk *w, uint32_t off)
{
	return sp_packet_may_be(w->t, off + 2, 2, 0xfff8, 0) ? behind_ip6(w, off, off + 8) : 0;
}

/* ---- IP ---- */

/* To the end of the list, or to where it cannot be told how it goes on. */
static int options(struct walk *w, uint32_t off, uint32_t end)
{
	int rc = 0;

	while (!rc && off + 1 < end && off + 1 < w->t->len) {
		bool route = may8(w, off, LSRR) || may8(w, off, SSRR);
		bool vague = sp_packet_varies(w->t, off, 2);
		uint32_t len = w->t->octets[off + 1];

		if (route)
			rc = addresses(w, off + 3, vague ? end : off + len, 4);
		if (vague)
			off++; /* whatever begins there */
		else if (w->t->octets[off] == 0)
			return rc;
		else if (w->t->octets[off] == 1)
			off++;
		else if (len < 2)
			return rc;
		else
			off += len;
	}
	return rc;
}

static int ip4(struct walk *w, uint32_t off)
{
	int rc = 0;

	if (off + 20 > w->t->len)
		return 0;
	if (!w->has_outer || off != w->outer) {
		rc = address(w, off + 16, 4, &w->seen->to);
		if (!rc)
			rc = address(w, off + 12, 4, &w->seen->src);
	}
	for (uint32_t ihl = 5; !rc && ihl <= 15; ihl++) {
		if (!sp_packet_may_be(w->t, off, 1, 0x0f, (uint16_t)ihl))
			continue;
		rc = options(w, off + 20, off + ihl * 4);
		/* A later fragment has only data. */
		if (!rc && sp_packet_may_be(w->t, off + 6, 2, 0x1fff, 0))
			rc = behind_ip(w, off + 9, off + ihl * 4);
	}
	return rc;
}

static int ip6(struct walk *w, uint32_t off)
{
	int rc = 0;

	if (off + 40 > w->t->len)
		return 0;
	if (!w->has_outer || off != w->outer) {
		rc = address(w, off + 24, 16, &w->seen->to);
		if (!rc)
			rc = address(w, off + 8, 16, &w->seen->src);
	}
	return rc ? rc : behind_ip6(w, off + 6, off + 40);
}

/* ---- the whole ---- */

static int look_at(struct walk *w, enum kind kind, uint32_t off)
{
	switch (kind) {
	case K_IP4:
		return ip4(w, off);
	case K_IP6:
		return ip6(w, off);
	case K_EXTENSION:
		return extension(w, off, 8);
	case K_AUTH:
		return extension(w, off, 4);
	case K_FRAGMENT:
		return fragment(w, off);
	case K_ETHER:
		return typed(w, off + 12, off + 14);
	case K_VLAN:
		return typed(w, off + 2, off + 4);
	case K_MPLS:
		return mpls(w, off);
	case K_GRE:
	default:
		return gre(w, off);
	}
}

static int by_octets(struct walk *w)
{
	const struct sp_template *t = w->t;

	if (t->link)
		return find(w, K_ETHER, 0);
	if (t->ether_type == SP_ETHER_IP4)
		return find(w, K_IP4, t->l3_off);
	if (t->ether_type == SP_ETHER_IP6)
		return find(w, K_IP6, t->l3_off);
	return t->ether_type == ETHER_MPLS ? find(w, K_MPLS, t->l3_off) : 0;
}

/* Headers that the user named are what he says, whatever number is before them; but ICMP only
 * quotes. */
static int by_names(struct walk *w, const struct sp_packet *p)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < p->n && i < w->t->n_starts; i++) {
		const char *name = p->node[i].hdr->name;
		uint32_t off = w->t->start[i];

		if (strcmp(name, "icmp") == 0 || strcmp(name, "icmp6") == 0)
			break;
		if (strcmp(name, "ip") == 0)
			rc = find(w, K_IP4, off);
		else if (strcmp(name, "ipv6") == 0)
			rc = find(w, K_IP6, off);
		else if (strcmp(name, "routing") == 0)
			rc = routing(w, off);
	}
	return rc;
}

static int look_at_all(struct walk *w)
{
	int rc = 0;

	while (!rc && w->n) {
		struct found f = w->found[--w->n];

		rc = look_at(w, f.kind, f.off);
	}
	return rc;
}

int sp_packet_inside(const struct sp_packet *p, const struct sp_template *t,
		     const struct sp_node *outer, struct sp_packet_seen *seen,
		     struct sp_err *err)
{
	const struct sp_mem *mem = seen->to.arena->mem;
	struct walk w = { .t = t,
			  .seen = seen,
			  .err = err,
			  .mem = mem,
			  .outer = t->l3_off,
			  .has_outer = outer != NULL,
			  .been = sp_alloc_array(mem, t->len + 1, sizeof *w.been) };
	int rc = w.been ? by_octets(&w) : no_memory(&w);

	if (!rc)
		rc = look_at_all(&w);
	if (!rc)
		rc = by_names(&w, p);
	if (!rc)
		rc = look_at_all(&w);
	sp_free(mem, w.found);
	sp_free(mem, w.been);
	return rc;
}
