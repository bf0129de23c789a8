/* Packets inside packets, and payloads. */
#include <string.h>

#include "base/endian.h"
#include "pkt/csum.h"
#include "pkt/rewrite_impl.h"
#include "pkt/view.h"

#define IPIP	      4
#define IP6IN	      41
#define GRE	      47

#define VXLAN	      4789
#define VXLAN_LINUX   8472 /* before it had a number of its own */
#define GENEVE	      6081
#define TRANSPARENT   0x6558 /* Ethernet inside */
#define ERSPAN2	      0x88be

#define GRE_CHECKSUM  0x8000u
#define GRE_ROUTING   0x4000u
#define GRE_KEY	      0x2000u
#define GRE_SEQUENCE  0x1000u
#define GRE_VERSION   0x0007u
#define VXLAN_HAS_VNI 0x08u
#define ICMP_HDR      8u

static bool by_type(struct sp_rw_frame *f, uint16_t type, uint32_t at, uint32_t end,
		    unsigned depth)
{
	if (at >= end)
		return false;
	if (type == SP_ETHER_IP4 || type == SP_ETHER_IP6)
		sp_rw_ip(f, at, end, depth);
	else if (type == TRANSPARENT)
		sp_rw_ether(f, at, end, depth);
	else
		return false;
	return true;
}

/* RFC 2784, 2890; version 0. */
static bool gre(struct sp_rw_frame *f, const struct sp_rw_l4 *l, unsigned depth)
{
	const uint8_t *h = f->b + l->at;
	struct sp_rw_cover c = { .kind = SP_RW_INET,
				 .from = l->at,
				 .to = l->end,
				 .field = l->at + 4,
				 .compute = f->r->fix_csum,
				 .whole = true };
	uint32_t at = l->at + 4, open = f->covers;
	uint16_t flags, type;
	bool done;

	if (l->at + 4 > l->end)
		return false;
	flags = sp_get_be16(h);
	type = sp_get_be16(h + 2);
	if (flags & GRE_VERSION)
		return false;
	at += flags & (GRE_CHECKSUM | GRE_ROUTING) ? 4 : 0;
	at += flags & GRE_KEY ? 4 : 0;
	at += flags & GRE_SEQUENCE ? 4 : 0;
	if (flags & GRE_ROUTING || at > l->end)
		return false;
	if (flags & GRE_CHECKSUM)
		sp_rw_cover_open(f, &c);
	if (type ==
	    ERSPAN2) { /* type II has a header; type I comes without a sequence number */
		at += flags & GRE_SEQUENCE ? 8 : 0;
		type = TRANSPARENT;
	}
	done = by_type(f, type, at, l->end, depth);
	sp_rw_cover_close_to(f, open);
	return done;
}

/* RFC 8926. */
static bool geneve(struct sp_rw_frame *f, const struct sp_rw_l4 *l, unsigned depth)
{
	const uint8_t *h = f->b + l->payload;

	if (l->payload + 8 > l->end || h[0] >> 6)
		return false;
	return by_type(f, sp_get_be16(h + 2), l->payload + 8 + (h[0] & 63u) * 4, l->end, depth);
}

static bool vxlan(struct sp_rw_frame *f, const struct sp_rw_l4 *l, unsigned depth)
{
	if (l->payload + 8 > l->end || !(f->b[l->payload] & VXLAN_HAS_VNI))
		return false;
	return by_type(f, TRANSPARENT, l->payload + 8, l->end, depth);
}

static bool quotes(const struct sp_rw_frame *f, const struct sp_rw_l4 *l)
{
	uint8_t type;

	if (l->at + ICMP_HDR >= l->end)
		return false;
	type = f->b[l->at];
	if (l->proto == SP_PROTO_ICMP)
		return !l->v6 &&
		       (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
	return l->v6 && type >= 1 && type <= 4;
}

bool sp_rw_inside(struct sp_rw_frame *f, const struct sp_rw_l4 *l, unsigned depth)
{
	switch (l->proto) {
	case IPIP:
		return by_type(f, SP_ETHER_IP4, l->at, l->end, depth);
	case IP6IN:
		return by_type(f, SP_ETHER_IP6, l->at, l->end, depth);
	case GRE:
		return gre(f, l, depth);
	case SP_PROTO_UDP:
		if (l->dport == VXLAN || l->dport == VXLAN_LINUX)
			return vxlan(f, l, depth);
		return l->dport == GENEVE && geneve(f, l, depth);
	case SP_PROTO_ICMP:
	case SP_PROTO_ICMP6:
		if (!quotes(f, l))
			return false;
		sp_rw_quoted(f, l->at + ICMP_HDR, l->end);
		return true;
	default:
		return false;
	}
}

/* ---- payloads ---- */

/* In pieces that the edit takes. */
static void put_long(struct sp_rw_frame *f, uint32_t at, const uint8_t *to, uint32_t len)
{
	for (uint32_t n; len; at += n, to += n, len -= n) {
		n = len < 64 ? len : 64;
		sp_rw_put(f, at, to, n);
	}
}

static void replace(struct sp_rw_frame *f, const struct sp_rw_payload *w, uint32_t from,
		    uint32_t to)
{
	while (from < to) {
		const uint8_t *hit = memmem(f->b + from, to - from, w->from, w->len);

		if (!hit)
			return;
		from = (uint32_t)(hit - f->b);
		put_long(f, from, w->to, w->len);
		from += w->len;
	}
}

void sp_rw_payload(struct sp_rw_frame *f, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < f->r->payloads; i++) {
		const struct sp_rw_payload *w = &f->r->payload[i];

		if (w->from)
			replace(f, w, from, to);
		else if (to - from >= w->len && w->at <= to - from - w->len)
			put_long(f, from + w->at, w->to, w->len);
	}
}
