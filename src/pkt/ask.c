#include "pkt/ask.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/csum.h"

#define ETH    14u
#define VLAN   4u
#define VLANS  2u
#define IP4    20u
#define IP6    40u
#define TPID   0x8100u
#define TPID_Q 0x88a8u

static int read_ip4(struct sp_ask *a, const uint8_t *ip, uint32_t left)
{
	uint32_t ihl, total;

	if (left < IP4 || ip[0] >> 4 != 4)
		return -EBADMSG;
	ihl = (ip[0] & 15u) * 4;
	total = sp_get_be16(ip + 2);
	if (ihl < IP4 || total < ihl || total > left)
		return -EBADMSG;
	if (sp_get_be16(ip + 6) & 0x3fff) /* more fragments, or not the first */
		return -ENOMSG;
	a->proto = ip[9];
	a->ttl = ip[8];
	a->l4 = ip + ihl;
	a->l4_len = total - ihl;
	a->src.family = a->dst.family = 4;
	memcpy(a->src.ip, ip + 12, 4);
	memcpy(a->dst.ip, ip + 16, 4);
	return 0;
}

static int read_ip6(struct sp_ask *a, const uint8_t *ip, uint32_t left)
{
	uint32_t len;

	if (left < IP6 || ip[0] >> 4 != 6)
		return -EBADMSG;
	len = sp_get_be16(ip + 4);
	if (len > left - IP6)
		return -EBADMSG;
	a->proto = ip[6];
	a->ttl = ip[7];
	a->l4 = ip + IP6;
	a->l4_len = len;
	a->src.family = a->dst.family = 6;
	memcpy(a->src.ip, ip + 8, 16);
	memcpy(a->dst.ip, ip + 24, 16);
	return 0;
}

int sp_ask_read(const uint8_t *frame, uint32_t len, struct sp_ask *a)
{
	uint32_t off = ETH;

	*a = (struct sp_ask){ .frame = frame };
	if (len < ETH)
		return -EBADMSG;
	a->type = sp_get_be16(frame + 12);
	for (unsigned i = 0; i < VLANS && (a->type == TPID || a->type == TPID_Q); i++) {
		if (len < off + VLAN)
			return -EBADMSG;
		a->type = sp_get_be16(frame + off + 2);
		off += VLAN;
	}
	a->l3_off = off;
	if (a->type == SP_ASK_IP4)
		return read_ip4(a, frame + off, len - off);
	if (a->type == SP_ASK_IP6)
		return read_ip6(a, frame + off, len - off);
	return 0;
}

static bool is_one(const struct sp_addr *a)
{
	switch (sp_addr_class(a)) {
	case SP_ADDR_LOOPBACK:
	case SP_ADDR_MULTICAST_OWN:
	case SP_ADDR_MULTICAST:
	case SP_ADDR_BROADCAST:
	case SP_ADDR_UNSPECIFIED:
	case SP_ADDR_NEVER:
		return false;
	default:
		return true;
	}
}

bool sp_ask_from_one(const struct sp_ask *a)
{
	return !(a->frame[6] & 1) && is_one(&a->src);
}

bool sp_ask_to_one(const struct sp_ask *a)
{
	return !(a->frame[0] & 1) && is_one(&a->dst);
}

static uint64_t pseudo(const struct sp_addr *src, const struct sp_addr *dst, uint8_t proto,
		       uint32_t len)
{
	return src->family == 4
		       ? sp_csum_pseudo4(src->ip, dst->ip, proto, (uint16_t)len)
		       : sp_csum_pseudo6(src->ip, dst->ip, proto, len);
}

/* ICMP alone covers no pseudo header. */
static uint64_t begin_sum(const struct sp_addr *src, const struct sp_addr *dst, uint8_t proto,
			  uint32_t len)
{
	return proto == SP_ASK_ICMP ? 0 : pseudo(src, dst, proto, len);
}

bool sp_ask_intact(const struct sp_ask *a, uint16_t flags)
{
	const uint8_t *ip = a->frame + a->l3_off;

	if (flags & SP_M_CSUM_BAD)
		return false;
	if (a->src.family == 4 &&
	    sp_csum_finish(sp_csum_add(0, ip, (size_t)(a->l4 - ip))) != 0)
		return false;
	if (flags & (SP_M_CSUM_OK | SP_M_CSUM_PARTIAL))
		return true;
	if (a->proto == SP_ASK_UDP && a->src.family == 4 && a->l4_len >= 8 && !a->l4[6] &&
	    !a->l4[7])
		return true; /* it has none (RFC 768) */
	return sp_csum_finish(sp_csum_add(begin_sum(&a->src, &a->dst, a->proto, a->l4_len),
					  a->l4, a->l4_len)) == 0;
}

uint32_t sp_answer_head_len(const struct sp_ask *a)
{
	return a->l3_off + (a->src.family == 4 ? IP4 : IP6);
}

/* IP and the L4 checksum behind it; ip is where IP begins. */
static void seal_ip(const struct sp_addr *src, const struct sp_addr *dst, uint8_t proto,
		    uint8_t ttl, uint8_t *ip, uint32_t l4_len, uint32_t csum_off)
{
	uint32_t head = src->family == 4 ? IP4 : IP6;
	uint64_t sum = sp_csum_add(begin_sum(src, dst, proto, l4_len), ip + head, l4_len);
	uint16_t check = proto == SP_ASK_UDP ? sp_csum_finish_udp(sum) : sp_csum_finish(sum);

	memcpy(ip + head + csum_off, &check, sizeof check);
	memset(ip, 0, head);
	if (src->family == 4) {
		ip[0] = 0x45;
		sp_put_be16(ip + 2, (uint16_t)(IP4 + l4_len));
		ip[6] = 0x40; /* do not fragment: then the id means nothing (RFC 6864) */
		ip[8] = ttl;
		ip[9] = proto;
		memcpy(ip + 12, src->ip, 4);
		memcpy(ip + 16, dst->ip, 4);
		check = sp_csum_finish(sp_csum_add(0, ip, IP4));
		memcpy(ip + 10, &check, sizeof check);
		return;
	}
	ip[0] = 0x60;
	sp_put_be16(ip + 4, (uint16_t)l4_len);
	ip[6] = proto;
	ip[7] = ttl;
	memcpy(ip + 8, src->ip, 16);
	memcpy(ip + 24, dst->ip, 16);
}

uint32_t sp_answer_seal(const struct sp_ask *a, const uint8_t mac[6], const struct sp_addr *src,
			uint8_t ttl, uint8_t *out, uint32_t l4_len, uint32_t csum_off)
{
	memcpy(out, a->frame + 6, 6);
	memcpy(out + 6, mac, 6);
	memcpy(out + 12, a->frame + 12, a->l3_off - 12);
	seal_ip(src, &a->src, a->proto, ttl, out + a->l3_off, l4_len, csum_off);
	return sp_answer_head_len(a) + l4_len;
}

uint32_t sp_answer_seal_to(const struct sp_answer_to *to, uint8_t proto, uint8_t ttl,
			   uint8_t *out, uint32_t l4_len, uint32_t csum_off)
{
	bool v4 = to->src.family == 4;

	memcpy(out, to->dst_mac, 6);
	memcpy(out + 6, to->src_mac, 6);
	sp_put_be16(out + 12, v4 ? SP_ASK_IP4 : SP_ASK_IP6);
	seal_ip(&to->src, &to->dst, proto, ttl, out + ETH, l4_len, csum_off);
	return ETH + (v4 ? IP4 : IP6) + l4_len;
}
