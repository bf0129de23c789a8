#include "pkt/ask.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/csum.h"
#include "pkt/view.h"

#define ETH 14u
#define IP4 20u
#define IP6 40u

int sp_ask_read(const uint8_t *frame, uint32_t len, struct sp_ask *a)
{
	struct sp_view v;
	int rc = sp_view(frame, len, false, SP_CSUM_UNKNOWN, &v);

	if (rc)
		return rc;
	*a = (struct sp_ask){
		.frame = frame,
		.len = len,
		.l3_off = v.l3_off,
		.type = v.ether_type,
		.proto = v.proto,
		.src = v.src.addr,
		.dst = v.dst.addr,
	};
	if (v.fragment)
		return -ENOMSG;
	if (!v.l4_off || !v.src.addr.family)
		return 0;
	a->l4 = frame + v.l4_off;
	a->l4_len = v.l3_off + v.l3_len - v.l4_off;
	a->ttl = frame[v.l3_off + (v.src.addr.family == 4 ? 8 : 7)];
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

bool sp_ask_intact(const struct sp_ask *a, uint16_t flags)
{
	enum sp_csum_state l4 = flags & SP_M_CSUM_PARTIAL ? SP_CSUM_PARTIAL
				: flags & SP_M_CSUM_OK	  ? SP_CSUM_OK
							  : SP_CSUM_UNKNOWN;
	struct sp_view v;

	return !(flags & SP_M_CSUM_BAD) && sp_view(a->frame, a->len, true, l4, &v) == 0 &&
	       !sp_view_corrupt(&v);
}

uint32_t sp_answer_head_len(const struct sp_ask *a)
{
	return a->l3_off + (a->src.family == 4 ? IP4 : IP6);
}

static uint64_t pseudo(const struct sp_addr *src, const struct sp_addr *dst, uint8_t proto,
		       uint32_t len)
{
	return src->family == 4 ? sp_csum_pseudo4(src->ip, dst->ip, proto, (uint16_t)len)
				: sp_csum_pseudo6(src->ip, dst->ip, proto, len);
}

/* ICMP alone covers no pseudo header. */
static uint64_t begin_sum(const struct sp_addr *src, const struct sp_addr *dst, uint8_t proto,
			  uint32_t len)
{
	return proto == SP_ASK_ICMP ? 0 : pseudo(src, dst, proto, len);
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
