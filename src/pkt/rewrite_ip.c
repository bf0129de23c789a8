/* IP packets: their header, extension headers, and the header behind them. First a packet is read,
 * then what covers it is opened, then it is written, then its inside, and last the checksums. */
#include <string.h>

#include "base/endian.h"
#include "pkt/rewrite_impl.h"
#include "pkt/view.h"

#define OSPF	 89
#define PIM	 103
#define VRRP	 112
#define UDPLITE	 136
#define VRRP_HDR 8u

/* ---- checksums ---- */

struct checksum {
	uint8_t proto, families; /* 4, 6, or 10 for both */
	uint8_t field;
	bool pseudo4, pseudo6;
};

static const struct checksum checksums[] = {
	{ SP_PROTO_TCP, 10, 16, true, true },
	{ SP_PROTO_UDP, 10, 6, true, true },
	{ SP_PROTO_ICMP, 4, 2, false, false },
	{ SP_PROTO_ICMP6, 6, 2, false, true },
	{ SP_PROTO_SCTP, 10, 8, false, false },
	{ SP_PROTO_DCCP, 10, 6, true, true },
	{ SP_PROTO_IGMP, 4, 2, false, false },
	{ UDPLITE, 10, 6, true, true },
	{ OSPF, 6, 12, false, true },
	{ PIM, 6, 2, false, true },
	{ VRRP, 10, 6, true, true },
};

static const struct checksum *checksum_of(const struct sp_rw_frame *f,
					  const struct sp_rw_packet *p)
{
	for (unsigned i = 0; i < sizeof checksums / sizeof *checksums; i++) {
		const struct checksum *c = &checksums[i];

		if (c->proto != p->proto ||
		    (c->families != 10 && c->families != (p->v6 ? 6 : 4)))
			continue;
		/* Version 2 of VRRP has no pseudo header. */
		if (p->proto == VRRP && p->l4 + VRRP_HDR <= p->end && f->b[p->l4] >> 4 != 3)
			return NULL;
		return c;
	}
	return NULL;
}

/* What the header itself says about how much its checksum covers. */
static void narrow(const struct sp_rw_frame *f, const struct sp_rw_packet *p,
		   struct sp_rw_cover *c)
{
	const uint8_t *h = f->b + p->l4;
	uint32_t room = p->end - p->l4, covered = room;

	if (room < 8)
		return;
	if (p->proto == SP_PROTO_UDP && p->whole && sp_get_be16(h + 4) >= 8) {
		covered = c->len = sp_get_be16(h + 4);
		c->whole = covered <= room;
	} else if (p->proto == UDPLITE && sp_get_be16(h + 4) >= 8) {
		covered = sp_get_be16(h + 4);
	} else if (p->proto == SP_PROTO_DCCP && (h[5] & 15)) {
		covered = h[4] * 4u + ((h[5] & 15u) - 1) * 4;
	} else if (p->proto == PIM && (h[0] & 15) == 1) {
		covered = 8; /* a Register without what it carries (RFC 7761 4.9) */
	}
	if (covered < room)
		c->to = p->l4 + covered;
	else if (covered > room && p->proto != SP_PROTO_UDP)
		c->whole = false;
}

/* RFC 6935: the tunnels whose UDP over IPv6 may have no checksum. */
static bool is_tunnel(uint16_t port)
{
	return port == 4789 || port == 8472 || port == 6081 || port == 4790 || port == 2152 ||
	       port == 6635 || port == 4754;
}

static void open_l4(struct sp_rw_frame *f, const struct sp_rw_packet *p)
{
	const struct checksum *k = p->l4 ? checksum_of(f, p) : NULL;
	struct sp_rw_cover c = { .from = p->l4, .to = p->end, .whole = p->whole };

	if (!k)
		return;
	c.kind = p->proto == SP_PROTO_SCTP  ? SP_RW_CRC
		 : p->proto == SP_PROTO_UDP ? SP_RW_UDP
					    : SP_RW_INET;
	c.field = p->l4 + k->field;
	if (c.field + 2 > p->end)
		return;
	c.pseudo = p->v6 ? k->pseudo6 : k->pseudo4;
	c.src = p->src;
	c.dst = p->dst;
	c.addr_len = p->octets;
	c.proto = p->proto;
	c.len = p->end - p->l4 + p->cut;
	c.compute = f->r->fix_csum;
	narrow(f, p, &c);
	if (p->v6 && c.kind == SP_RW_UDP && is_tunnel(sp_get_be16(f->b + p->l4 + 2)) &&
	    !sp_get_be16(f->b + c.field))
		c.compute = false;
	sp_rw_cover_open(f, &c);
}

static void open_l3(struct sp_rw_frame *f, const struct sp_rw_packet *p)
{
	const struct sp_rw_cover c = { .kind = SP_RW_INET,
				       .from = p->at,
				       .to = p->hdr,
				       .field = p->at + 10,
				       .whole = true,
				       .compute = f->r->fix_csum };

	if (!p->v6)
		sp_rw_cover_open(f, &c);
}

/* ---- writing ---- */

static void address(struct sp_rw_frame *f, const struct sp_rw_packet *p, uint32_t at,
		    enum sp_rw_side side, bool server)
{
	struct sp_addr a = { .family = p->v6 ? 6 : 4 };

	if (at + p->octets > p->end)
		return;
	memcpy(a.ip, f->b + at, p->octets);
	if (sp_rw_address(f->r, &a, side, server, f->loop))
		sp_rw_put(f, at, a.ip, p->octets);
}

/* Neighbour discovery: the addresses that are asked for and told (RFC 4861). */
static void neighbours(struct sp_rw_frame *f, const struct sp_rw_packet *p, bool server)
{
	uint8_t type;

	if (p->proto != SP_PROTO_ICMP6 || !p->l4 || p->l4 + 24 > p->end)
		return;
	type = f->b[p->l4];
	if (type < 135 || type > 137)
		return;
	address(f, p, p->l4 + 8, type == 136 ? SP_RW_SRC : SP_RW_DST,
		type == 136 ? server : !server);
	if (type == 137)
		address(f, p, p->l4 + 24, SP_RW_DST, !server);
}

static void addresses(struct sp_rw_frame *f, const struct sp_rw_packet *p, bool server)
{
	uint32_t n = p->routing ? sp_rw_route(f, p->routing, p->end) : 0;

	if (!f->r->addresses)
		return;
	address(f, p, p->src, SP_RW_SRC, server);
	address(f, p, p->at + (p->v6 ? 24u : 16u), SP_RW_DST, !server);
	for (uint32_t i = 0; i < n; i++)
		address(f, p, p->routing + 8 + i * 16, SP_RW_DST, !server);
	if (p->v6)
		neighbours(f, p, server);
}

static uint8_t new_ttl(const struct sp_rewrite *r, uint8_t ttl)
{
	int32_t v = r->ttl;

	if (r->ttl_how == SP_RW_TTL_ADD)
		v = ttl + r->ttl;
	else if (r->ttl_how == SP_RW_TTL_SUB)
		v = ttl - r->ttl;
	return v < 1 ? 1 : v > 255 ? 255 : (uint8_t)v;
}

static void header4(struct sp_rw_frame *f, uint32_t at)
{
	const struct sp_rewrite *r = f->r;

	if (r->ttl >= 0)
		sp_rw_put8(f, at + 8, new_ttl(r, f->b[at + 8]));
	if (r->tos >= 0)
		sp_rw_put8(f, at + 1, (uint8_t)r->tos);
	if (r->dscp >= 0)
		sp_rw_put8(f, at + 1, (uint8_t)(r->dscp << 2 | (f->b[at + 1] & 3)));
}

static void header6(struct sp_rw_frame *f, uint32_t at)
{
	const struct sp_rewrite *r = f->r;
	uint32_t word = sp_get_be32(f->b + at);
	uint8_t be[4];

	if (r->ttl >= 0)
		sp_rw_put8(f, at + 7, new_ttl(r, f->b[at + 7]));
	if (r->tclass >= 0)
		word = (word & 0xf00fffff) | (uint32_t)r->tclass << 20;
	if (r->dscp >= 0)
		word = (word & 0xf03fffff) | (uint32_t)r->dscp << 22;
	if (r->flow_label >= 0)
		word = (word & 0xfff00000) | (uint32_t)r->flow_label;
	sp_put_be32(be, word);
	sp_rw_put(f, at, be, sizeof be);
}

static bool has_ports(const struct sp_rw_packet *p)
{
	return p->l4 && p->l4 + 4 <= p->end &&
	       (p->proto == SP_PROTO_TCP || p->proto == SP_PROTO_UDP ||
		p->proto == SP_PROTO_SCTP || p->proto == SP_PROTO_DCCP || p->proto == UDPLITE);
}

static void ports(struct sp_rw_frame *f, const struct sp_rw_packet *p)
{
	const uint8_t *h = f->b + p->l4;

	if (!has_ports(p) || (!f->r->port[0] && !f->r->port[1] && !f->r->unique_port))
		return;
	sp_rw_put16(f, p->l4, sp_rw_port(f->r, sp_get_be16(h), SP_RW_SRC, f->loop));
	sp_rw_put16(f, p->l4 + 2, sp_rw_port(f->r, sp_get_be16(h + 2), SP_RW_DST, f->loop));
}

/* Does this packet come from the server? */
static bool from_server(const struct sp_rw_frame *f, const struct sp_rw_packet *p)
{
	const uint8_t *h = f->b + p->l4;
	uint16_t sport = has_ports(p) ? sp_get_be16(h) : 0;
	uint16_t dport = has_ports(p) ? sp_get_be16(h + 2) : 0;

	if (sport != dport)
		return sport < dport;
	return memcmp(f->b + p->src, f->b + p->at + (p->v6 ? 24 : 16), p->octets) > 0;
}

/* ---- what is behind it ---- */

static uint32_t payload_of(const struct sp_rw_frame *f, const struct sp_rw_packet *p)
{
	const uint8_t *h = f->b + p->l4;
	uint32_t room = p->end - p->l4, len = 0;

	switch (p->proto) {
	case SP_PROTO_TCP:
		len = room >= 20 ? (h[12] >> 4) * 4u : room;
		len = len < 20 ? room : len;
		break;
	case SP_PROTO_DCCP:
		len = room >= 12 ? h[4] * 4u : room;
		break;
	case SP_PROTO_SCTP:
		len = 12;
		break;
	case SP_PROTO_UDP:
	case UDPLITE:
	case SP_PROTO_ICMP:
	case SP_PROTO_ICMP6:
	case SP_PROTO_IGMP:
		len = 8;
		break;
	default:
		break;
	}
	return p->l4 + (len < room ? len : room);
}

static void inside(struct sp_rw_frame *f, const struct sp_rw_packet *p, uint16_t dport,
		   bool own, unsigned depth)
{
	struct sp_rw_l4 l = { .at = p->l4,
			      .end = p->end,
			      .payload = payload_of(f, p),
			      .dport = dport,
			      .proto = p->proto,
			      .v6 = p->v6 };

	if (p->proto == SP_PROTO_UDP && p->end - p->l4 >= 8 &&
	    sp_get_be16(f->b + p->l4 + 4) >= 8 &&
	    sp_get_be16(f->b + p->l4 + 4) < p->end - p->l4)
		l.end = p->l4 + sp_get_be16(f->b + p->l4 + 4);
	if (f->r->inner != SP_RW_INNER_NO && depth + 1 < SP_RW_DEPTH &&
	    sp_rw_inside(f, &l, depth + 1))
		return;
	if (own)
		sp_rw_payload(f, l.payload, l.end);
}

void sp_rw_ip(struct sp_rw_frame *f, uint32_t at, uint32_t end, unsigned depth)
{
	bool own = depth || f->r->inner != SP_RW_INNER_ONLY, server;
	uint32_t open = f->covers;
	uint16_t dport;
	struct sp_rw_packet p;

	if (!sp_rw_read(f, at, end, &p)) {
		f->other = f->other || !depth;
		return;
	}
	server = from_server(f, &p);
	if (!depth)
		f->server = server;
	dport = has_ports(&p) ? sp_get_be16(f->b + p.l4 + 2) : 0;
	open_l3(f, &p);
	open_l4(f, &p);
	if (own) {
		addresses(f, &p, server);
		ports(f, &p);
		if (p.v6)
			header6(f, at);
		else
			header4(f, at);
	}
	if (p.l4)
		inside(f, &p, dport, own, depth);
	sp_rw_cover_close_to(f, open);
}

void sp_rw_quoted(struct sp_rw_frame *f, uint32_t at, uint32_t end)
{
	uint32_t open = f->covers;
	struct sp_rw_packet p;

	if (!sp_rw_read(f, at, end, &p))
		return;
	p.whole =
		false; /* it is cut as the router liked: what is behind IP is never summed up */
	open_l3(f, &p);
	open_l4(f, &p);
	addresses(f, &p, from_server(f, &p));
	ports(f, &p);
	sp_rw_cover_close_to(f, open);
}
