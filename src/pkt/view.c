#include "pkt/view.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "pkt/crc32c.h"
#include "pkt/csum.h"
#include "pkt/ip6.h"

#define ETH_VLAN 0x8100
#define ETH_QINQ 0x88a8

#define ICMP_HDR 8u
#define SCTP_HDR 12u
#define TCP_HDR	 20u
#define UDP_HDR	 8u

/* What is only needed on the way. */
struct walk {
	const uint8_t *frame;
	struct sp_rd r;
	bool detour; /* IPv6: the checksum is for an address that is not dst yet */
	bool quoted; /* cut short by whoever quotes it: lengths say what was */
};

static uint32_t offset(const struct walk *w)
{
	return (uint32_t)(w->r.p - w->frame);
}

static uint16_t ether_type(struct sp_rd *r, struct sp_view *v)
{
	uint16_t type;

	sp_rd_take(r, 12);
	type = sp_rd_be16(r);
	while ((type == ETH_VLAN || type == ETH_QINQ) && v->vlan_tags < SP_VIEW_VLANS) {
		v->vlan[v->vlan_tags++] = sp_rd_be16(r);
		type = sp_rd_be16(r);
	}
	return type;
}

/* Narrows what is left to the len bytes that a length field names. */
static int narrow(struct walk *w, uint32_t len)
{
	if (w->r.bad || (len > sp_rd_left(&w->r) && !w->quoted))
		return -EBADMSG;
	if (len < sp_rd_left(&w->r))
		w->r.end = w->r.p + len;
	return 0;
}

static int ip4(struct walk *w, bool verify, struct sp_view *v)
{
	const uint8_t *h = sp_rd_take(&w->r, 20);
	uint32_t hdr, total;
	uint16_t frag;

	if (!h || h[0] >> 4 != 4)
		return -EBADMSG;
	hdr = (h[0] & 15u) * 4;
	total = sp_get_be16(h + 2);
	v->src.addr.family = v->dst.addr.family = 4;
	memcpy(v->src.addr.ip, h + 12, 4);
	memcpy(v->dst.addr.ip, h + 16, 4);
	v->proto = h[9];
	if (hdr < 20 || total < hdr || narrow(w, total - 20) || !sp_rd_take(&w->r, hdr - 20))
		return -EBADMSG;
	frag = sp_get_be16(h + 6);
	v->more = frag & 0x2000;
	v->frag_off = (uint16_t)((frag & 0x1fff) << 3);
	v->fragment = (frag & 0x3fff) != 0;
	v->frag_id = sp_get_be16(h + 4);
	v->frag_at = offset(w);
	v->l3_len = total;
	if (verify)
		v->l3_csum = sp_csum_finish(sp_csum_add(0, h, hdr)) ? SP_CSUM_BAD : SP_CSUM_OK;
	return 0;
}

/* Past the extension headers to what is behind them; behind a later fragment's there is only
 * data. */
static int ip6_extensions(struct walk *w, uint8_t next, struct sp_view *v)
{
	for (unsigned i = 0; sp_ip6_is_extension(next) && !v->frag_off; i++) {
		const uint8_t *h = sp_rd_take(&w->r, 8);
		uint32_t more;
		uint16_t frag;

		if (!h || i == SP_IP6_EXTENSIONS)
			return -EBADMSG;
		more = sp_ip6_extension_len(next, h) - 8;
		if (next == SP_IP6_AUTH && h[1] == 0)
			return -EBADMSG;
		if (next == SP_IP6_ROUTING && h[3])
			w->detour = true;
		if (next == SP_IP6_FRAGMENT) {
			frag = sp_get_be16(h + 2);
			v->frag_id = sp_get_be32(h + 4);
			v->frag_at = offset(w);
			v->more = frag & 1;
			v->frag_off = frag & 0xfff8;
			v->fragment = v->more || v->frag_off;
		}
		next = h[0];
		v->proto = next;
		if (!sp_rd_take(&w->r, more))
			return -EBADMSG;
	}
	return 0;
}

static int ip6(struct walk *w, bool verify, struct sp_view *v)
{
	const uint8_t *h = sp_rd_take(&w->r, 40);
	uint32_t payload;

	if (!h || h[0] >> 4 != 6)
		return -EBADMSG;
	payload = sp_get_be16(h + 4);
	v->src.addr.family = v->dst.addr.family = 6;
	memcpy(v->src.addr.ip, h + 8, 16);
	memcpy(v->dst.addr.ip, h + 24, 16);
	v->proto = h[6];
	if (narrow(w, payload))
		return -EBADMSG;
	v->l3_len = 40 + payload;
	if (verify)
		v->l3_csum = SP_CSUM_NONE;
	return ip6_extensions(w, h[6], v);
}

/* ---- L4 ---- */

static void ports(const uint8_t *h, struct sp_view *v)
{
	v->src.port = sp_get_be16(h);
	v->dst.port = sp_get_be16(h + 2);
}

static int udp(struct walk *w, const uint8_t *h, struct sp_view *v)
{
	uint32_t len = sp_get_be16(h + 4);

	ports(h, v);
	if (v->fragment)
		return 0; /* its length is the whole packet's */
	return len < UDP_HDR ? -EBADMSG : narrow(w, len - UDP_HDR);
}

static int tcp(struct walk *w, const uint8_t *h, struct sp_view *v)
{
	uint32_t len = (h[12] >> 4) * 4u;

	ports(h, v);
	v->tcp_flags = h[13];
	return len < TCP_HDR || !sp_rd_take(&w->r, len - TCP_HDR) ? -EBADMSG : 0;
}

static void icmp(const uint8_t *h, struct sp_view *v)
{
	v->icmp_type = h[0];
	v->icmp_code = h[1];
	if (!sp_view_echo_request(v) && !sp_view_echo_reply(v))
		return;
	v->icmp_id = sp_get_be16(h + 4);
	v->icmp_seq = sp_get_be16(h + 6);
}

static int dccp(struct walk *w, const uint8_t *h, struct sp_view *v)
{
	uint32_t len = h[4] * 4u;

	ports(h, v);
	return len < 12 || !sp_rd_take(&w->r, len - 12) ? -EBADMSG : 0;
}

static uint32_t header_len(uint8_t proto)
{
	switch (proto) {
	case SP_PROTO_UDP:
		return UDP_HDR;
	case SP_PROTO_TCP:
		return TCP_HDR;
	case SP_PROTO_ICMP:
	case SP_PROTO_ICMP6:
	case SP_PROTO_IGMP:
		return ICMP_HDR;
	case SP_PROTO_SCTP:
	case SP_PROTO_DCCP:
		return SCTP_HDR;
	default:
		return 0;
	}
}

static int transport(struct walk *w, struct sp_view *v)
{
	uint32_t len = header_len(v->proto);
	const uint8_t *h = sp_rd_take(&w->r, len);

	if (!len)
		return 0;
	if (!h)
		return -EBADMSG;
	switch (v->proto) {
	case SP_PROTO_UDP:
		return udp(w, h, v);
	case SP_PROTO_TCP:
		return tcp(w, h, v);
	case SP_PROTO_DCCP:
		return dccp(w, h, v);
	case SP_PROTO_SCTP:
		ports(h, v);
		return 0;
	case SP_PROTO_IGMP:
		return 0;
	default:
		icmp(h, v);
		return 0;
	}
}

/* ---- checksums of L4 ---- */

/* RFC 9260 6.8: of the whole packet, with 0 in the field's place, little-endian. */
static enum sp_csum_state sctp_csum(const uint8_t *h, uint32_t len)
{
	static const uint8_t zero[4];
	uint32_t crc = sp_crc32c_raw(UINT32_MAX, h, 8), want;

	crc = sp_crc32c_raw(crc, zero, sizeof zero);
	crc = ~sp_crc32c_raw(crc, h + SCTP_HDR, len - SCTP_HDR);
	want = (uint32_t)h[8] | (uint32_t)h[9] << 8 | (uint32_t)h[10] << 16 |
	       (uint32_t)h[11] << 24;
	return crc == want ? SP_CSUM_OK : SP_CSUM_BAD;
}

static enum sp_csum_state inet_csum(const uint8_t *h, uint32_t len, bool pseudo,
				    const struct sp_view *v)
{
	const uint8_t *src = v->src.addr.ip, *dst = v->dst.addr.ip;
	uint64_t sum = 0;

	if (pseudo)
		sum = v->dst.addr.family == 6
			      ? sp_csum_pseudo6(src, dst, v->proto, len)
			      : sp_csum_pseudo4(src, dst, v->proto, (uint16_t)len);
	return sp_csum_finish(sp_csum_add(sum, h, len)) ? SP_CSUM_BAD : SP_CSUM_OK;
}

/* len: of the L4 header and what is behind it. */
static enum sp_csum_state l4_csum(const uint8_t *h, uint32_t len, const struct sp_view *v)
{
	switch (v->proto) {
	case SP_PROTO_UDP:
		if (!h[6] && !h[7])
			return v->dst.addr.family == 6 ? SP_CSUM_BAD : SP_CSUM_ABSENT;
		return inet_csum(h, len, true, v);
	case SP_PROTO_TCP:
	case SP_PROTO_ICMP6:
		return inet_csum(h, len, true, v);
	case SP_PROTO_ICMP:
	case SP_PROTO_IGMP:
		return inet_csum(h, len, false, v);
	case SP_PROTO_SCTP:
		return sctp_csum(h, len);
	default:
		return SP_CSUM_NONE; /* DCCP's covers what it says itself (RFC 4340 9.2) */
	}
}

/* ---- all of it ---- */

/* What is left is the payload. */
static int end(const struct walk *w, int rc, struct sp_view *v)
{
	v->payload_off = offset(w);
	v->payload_len = (uint32_t)sp_rd_left(&w->r);
	return rc;
}

static int ip(struct walk *w, bool verify, enum sp_csum_state l4, struct sp_view *v)
{
	int rc = v->ether_type == SP_ETHER_IP4 ? ip4(w, verify, v) : ip6(w, verify, v);

	if (rc)
		return rc;
	if (verify)
		v->l4_csum = SP_CSUM_NONE;
	if (v->frag_off)
		return 0; /* a later fragment has no L4 header */
	v->l4_off = header_len(v->proto) ? offset(w) : 0;
	rc = transport(w, v);
	if (rc)
		v->l4_off = 0;
	if (rc || !verify || !v->l4_off || v->fragment || w->detour)
		return rc;
	v->l4_csum = l4 != SP_CSUM_UNKNOWN
			     ? l4
			     : l4_csum(w->frame + v->l4_off,
				       (uint32_t)(w->r.end - w->frame) - v->l4_off, v);
	return 0;
}

int sp_view(const uint8_t *frame, uint32_t len, bool verify, enum sp_csum_state l4,
	    struct sp_view *v)
{
	struct walk w = { .frame = frame, .r = sp_rd_of(frame, len) };
	int rc = 0;

	memset(v, 0, sizeof *v);
	v->ether_type = ether_type(&w.r, v);
	if (w.r.bad)
		return end(&w, -EBADMSG, v);
	v->l3_off = offset(&w);
	v->l3_len = len - v->l3_off;
	if (v->ether_type == SP_ETHER_IP4 || v->ether_type == SP_ETHER_IP6)
		rc = ip(&w, verify, l4, v);
	else if (verify)
		v->l3_csum = v->l4_csum = SP_CSUM_NONE;
	return end(&w, rc, v);
}

int sp_view_ip(const uint8_t *octets, uint32_t len, uint32_t l3_off, uint16_t ether_type,
	       bool cut, bool verify, struct sp_view *v)
{
	struct walk w = { .frame = octets, .r = sp_rd_of(octets, len), .quoted = cut };

	v->ether_type = ether_type;
	v->l3_off = l3_off;
	v->l3_len = len - l3_off;
	sp_rd_take(&w.r, l3_off);
	return end(&w, ip(&w, verify, SP_CSUM_UNKNOWN, v), v);
}

int sp_view_quoted(const uint8_t *packet, uint32_t len, struct sp_view *v)
{
	struct walk w = { .frame = packet, .r = sp_rd_of(packet, len), .quoted = true };
	const uint8_t *h;
	int rc;

	memset(v, 0, sizeof *v);
	if (!len)
		return -EBADMSG;
	v->ether_type = packet[0] >> 4 == 6 ? SP_ETHER_IP6 : SP_ETHER_IP4;
	rc = v->ether_type == SP_ETHER_IP4 ? ip4(&w, false, v) : ip6(&w, false, v);
	if (rc || v->frag_off)
		return end(&w, rc, v);
	/* RFC 792: 8 bytes behind IP are enough for what is wanted of any. */
	h = sp_rd_take(&w.r, 8);
	if (!h)
		return end(&w, -EBADMSG, v);
	v->l4_off = offset(&w) - 8;
	if (v->proto == SP_PROTO_ICMP || v->proto == SP_PROTO_ICMP6)
		icmp(h, v);
	else if (header_len(v->proto) && v->proto != SP_PROTO_IGMP)
		ports(h, v);
	return end(&w, 0, v);
}
