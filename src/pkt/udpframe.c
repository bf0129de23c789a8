#include "pkt/udpframe.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "pkt/csum.h"

#define TTL	64
#define UDP	17
#define UDP_LEN 8u
#define IP4_LEN 20u
#define IP6_LEN 40u

static void put_ip4(struct sp_wr *w, const struct sp_addr *src, const struct sp_addr *dst)
{
	sp_wr_u8(w, 0x45);
	sp_wr_u8(w, 0);	       /* DSCP, ECN */
	sp_wr_be16(w, 0);      /* total length */
	sp_wr_be16(w, 0);      /* id */
	sp_wr_be16(w, 0x4000); /* DF */
	sp_wr_u8(w, TTL);
	sp_wr_u8(w, UDP);
	sp_wr_be16(w, 0); /* checksum */
	sp_wr_bytes(w, src->ip, 4);
	sp_wr_bytes(w, dst->ip, 4);
}

static void put_ip6(struct sp_wr *w, const struct sp_addr *src, const struct sp_addr *dst)
{
	sp_wr_be32(w, 6u << 28);
	sp_wr_be16(w, 0); /* payload length */
	sp_wr_u8(w, UDP);
	sp_wr_u8(w, TTL);
	sp_wr_bytes(w, src->ip, 16);
	sp_wr_bytes(w, dst->ip, 16);
}

int sp_udp_frame_init(struct sp_udp_frame *f, const uint8_t src_mac[6],
		      const uint8_t dst_mac[6], const struct sp_endpoint *from,
		      const struct sp_endpoint *to)
{
	bool v6 = to->addr.family == 6;
	const uint8_t *src = from->addr.ip, *dst = to->addr.ip;
	struct sp_wr w = sp_wr_of(f->bytes, sizeof f->bytes);

	if (from->addr.family != to->addr.family || (!v6 && to->addr.family != 4))
		return -EINVAL;
	memset(f, 0, sizeof *f);
	f->udp_off = (uint8_t)(SP_ETH_LEN + (v6 ? IP6_LEN : IP4_LEN));
	f->hdr_len = (uint8_t)(f->udp_off + UDP_LEN);
	sp_wr_bytes(&w, dst_mac, 6);
	sp_wr_bytes(&w, src_mac, 6);
	sp_wr_be16(&w, v6 ? 0x86dd : 0x0800);
	if (v6)
		put_ip6(&w, &from->addr, &to->addr);
	else
		put_ip4(&w, &from->addr, &to->addr);
	sp_wr_be16(&w, from->port);
	sp_wr_be16(&w, to->port);
	sp_wr_be32(&w, 0); /* length, checksum */
	f->ip_sum = v6 ? 0 : sp_csum_add(0, f->bytes + SP_ETH_LEN, IP4_LEN);
	f->udp_sum = v6 ? sp_csum_pseudo6(src, dst, UDP, 0) : sp_csum_pseudo4(src, dst, UDP, 0);
	f->udp_sum = sp_csum_add(f->udp_sum, f->bytes + f->udp_off, UDP_LEN);
	return 0;
}

static bool is_v6(const struct sp_udp_frame *f)
{
	return f->udp_off != SP_ETH_LEN + IP4_LEN;
}

/* A 16-bit field as it adds to a sum of words as they lie in memory. */
static uint16_t word(uint32_t v)
{
	return __builtin_bswap16((uint16_t)v);
}

void sp_udp_frame_put(const struct sp_udp_frame *f, uint8_t *at, uint32_t len)
{
	uint8_t *ip = at + SP_ETH_LEN;
	uint16_t sum;

	memcpy(at, f->bytes, f->hdr_len);
	sp_put_be16(at + f->udp_off + 4, (uint16_t)(len - f->udp_off));
	if (is_v6(f)) {
		sp_put_be16(ip + 4, (uint16_t)(len - f->udp_off));
		return;
	}
	sp_put_be16(ip + 2, (uint16_t)(len - SP_ETH_LEN));
	sum = sp_csum_finish(f->ip_sum + word(len - SP_ETH_LEN));
	memcpy(ip + 10, &sum, sizeof sum);
}

uint64_t sp_udp_frame_sum(const struct sp_udp_frame *f, uint32_t len)
{
	/* Once in the pseudo header and once in the header. */
	return f->udp_sum + 2ull * word(len - f->udp_off);
}
