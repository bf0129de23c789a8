#include "pkt/dissect.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "pkt/csum.h"

#define ETH_IP4	   0x0800
#define ETH_IP6	   0x86dd
#define ETH_VLAN   0x8100
#define ETH_QINQ   0x88a8
#define VLAN_MAX   2
#define UDP	   17
#define HOP_BY_HOP 0
#define DST_OPTS   60
#define EXT_MAX	   8 /* more extension headers than anybody sends */
#define UDP_LEN	   8u

static uint16_t ether_type(struct sp_rd *r, struct sp_udp_view *v)
{
	uint16_t type;

	sp_rd_take(r, 12);
	type = sp_rd_be16(r);
	while ((type == ETH_VLAN || type == ETH_QINQ) && v->vlan_tags < VLAN_MAX) {
		v->vlan_tags++;
		sp_rd_take(r, 2);
		type = sp_rd_be16(r);
	}
	return type;
}

/* Narrows r to the len bytes that a length field names. */
static int narrow(struct sp_rd *r, uint32_t len)
{
	if (r->bad || len > sp_rd_left(r))
		return -EBADMSG;
	r->end = r->p + len;
	return 0;
}

static int ip4(struct sp_rd *r, bool verify, struct sp_udp_view *v)
{
	const uint8_t *h = sp_rd_take(r, 20);
	uint32_t hdr, total;

	if (!h || h[0] >> 4 != 4)
		return -EBADMSG;
	hdr = (h[0] & 15u) * 4;
	total = sp_get_be16(h + 2);
	if (hdr < 20 || total < hdr || narrow(r, total - 20) || !sp_rd_take(r, hdr - 20))
		return -EBADMSG;
	if (sp_get_be16(h + 6) & 0x3fff || h[9] != UDP)
		return -ENOMSG; /* MF or an offset: a fragment */
	v->l3_len = total;
	v->src.addr.family = v->dst.addr.family = 4;
	memcpy(v->src.addr.ip, h + 12, 4);
	memcpy(v->dst.addr.ip, h + 16, 4);
	if (verify)
		v->csum = sp_csum_finish(sp_csum_add(0, h, hdr)) ? SP_CSUM_BAD : SP_CSUM_OK;
	return 0;
}

/* Past the options to the UDP header. */
static int ip6_options(struct sp_rd *r, uint8_t next)
{
	for (unsigned i = 0; next == HOP_BY_HOP || next == DST_OPTS; i++) {
		if (i == EXT_MAX)
			return -ENOMSG;
		next = sp_rd_u8(r);
		sp_rd_take(r, sp_rd_u8(r) * 8u + 6);
		if (r->bad)
			return -EBADMSG;
	}
	return next == UDP ? 0 : -ENOMSG;
}

static int ip6(struct sp_rd *r, bool verify, struct sp_udp_view *v)
{
	const uint8_t *h = sp_rd_take(r, 40);
	uint32_t payload;

	if (!h || h[0] >> 4 != 6)
		return -EBADMSG;
	payload = sp_get_be16(h + 4);
	if (narrow(r, payload))
		return -EBADMSG;
	v->l3_len = 40 + payload;
	v->src.addr.family = v->dst.addr.family = 6;
	memcpy(v->src.addr.ip, h + 8, 16);
	memcpy(v->dst.addr.ip, h + 24, 16);
	if (verify)
		v->csum = SP_CSUM_OK;
	return ip6_options(r, h[6]);
}

static enum sp_csum_state udp_csum(const uint8_t *udp, uint16_t len,
				   const struct sp_udp_view *v)
{
	const uint8_t *src = v->src.addr.ip, *dst = v->dst.addr.ip;
	bool v6 = v->dst.addr.family == 6;
	uint64_t sum;

	if (!udp[6] && !udp[7])
		return v6 ? SP_CSUM_BAD : SP_CSUM_ABSENT;
	sum = v6 ? sp_csum_pseudo6(src, dst, UDP, len) : sp_csum_pseudo4(src, dst, UDP, len);
	return sp_csum_finish(sp_csum_add(sum, udp, len)) ? SP_CSUM_BAD : SP_CSUM_OK;
}

int sp_dissect_udp(const uint8_t *frame, uint32_t len, bool verify, struct sp_udp_view *v)
{
	struct sp_rd r = sp_rd_of(frame, len);
	const uint8_t *udp;
	uint16_t type, udp_len;
	int err;

	memset(v, 0, sizeof *v);
	type = ether_type(&r, v);
	if (r.bad)
		return -EBADMSG;
	if (type != ETH_IP4 && type != ETH_IP6)
		return -ENOMSG;
	v->l3_off = (uint32_t)(r.p - frame);
	err = type == ETH_IP4 ? ip4(&r, verify, v) : ip6(&r, verify, v);
	if (err)
		return err;
	udp = sp_rd_take(&r, UDP_LEN);
	if (!udp)
		return -EBADMSG;
	udp_len = sp_get_be16(udp + 4);
	if (udp_len < UDP_LEN || narrow(&r, udp_len - UDP_LEN))
		return -EBADMSG;
	v->src.port = sp_get_be16(udp);
	v->dst.port = sp_get_be16(udp + 2);
	v->payload_off = (uint32_t)(r.p - frame);
	v->payload_len = udp_len - UDP_LEN;
	if (verify && v->csum == SP_CSUM_OK)
		v->csum = udp_csum(udp, udp_len, v);
	return 0;
}
