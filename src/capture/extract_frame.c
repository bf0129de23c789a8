#include "capture/extract_frame.h"

#include <string.h>

#include "base/endian.h"
#include "pkt/csum.h"
#include "pkt/tcpseg.h"
#include "pkt/view.h"

#define TTL    64
#define WINDOW 65535u

uint8_t *sp_extract_ip_frame(uint8_t *ip, uint16_t ether_type)
{
	/* Locally administered: nobody's. */
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	uint8_t *eth = ip - 14;

	memcpy(eth, macs, sizeof macs);
	sp_put_be16(eth + 12, ether_type);
	return eth;
}

static void put_ip4(uint8_t *ip, const struct sp_addr *src, const struct sp_addr *dst,
		    uint8_t proto, uint32_t len)
{
	uint16_t sum;

	memset(ip, 0, 20);
	ip[0] = 0x45;
	sp_put_be16(ip + 2, (uint16_t)(20 + len));
	ip[6] = 0x40; /* DF: an atomic datagram (RFC 6864), whose id says nothing */
	ip[8] = TTL;
	ip[9] = proto;
	memcpy(ip + 12, src->ip, 4);
	memcpy(ip + 16, dst->ip, 4);
	sum = sp_csum_finish(sp_csum_add(0, ip, 20));
	memcpy(ip + 10, &sum, sizeof sum);
}

static void put_ip6(uint8_t *ip, const struct sp_addr *src, const struct sp_addr *dst,
		    uint8_t proto, uint32_t len)
{
	memset(ip, 0, 8);
	ip[0] = 0x60;
	sp_put_be16(ip + 4, (uint16_t)len);
	ip[6] = proto;
	ip[7] = TTL;
	memcpy(ip + 8, src->ip, 16);
	memcpy(ip + 24, dst->ip, 16);
}

/* What is below an L4 header of head octets at l4, which has len octets behind it: IP and Ethernet
 * are written, the sum of the pseudo header is given. */
static uint8_t *put_below(uint8_t *l4, const struct sp_endpoint *src,
			  const struct sp_endpoint *dst, uint8_t proto, uint32_t len,
			  uint64_t *sum)
{
	const struct sp_addr *a = &src->addr, *b = &dst->addr;

	if (a->family == 4) {
		put_ip4(l4 - 20, a, b, proto, len);
		*sum = sp_csum_pseudo4(a->ip, b->ip, proto, (uint16_t)len);
		return sp_extract_ip_frame(l4 - 20, SP_ETHER_IP4);
	}
	put_ip6(l4 - 40, a, b, proto, len);
	*sum = sp_csum_pseudo6(a->ip, b->ip, proto, len);
	return sp_extract_ip_frame(l4 - 40, SP_ETHER_IP6);
}

uint8_t *sp_extract_udp_frame(uint8_t *at, const struct sp_endpoint *src,
			      const struct sp_endpoint *dst, uint32_t len)
{
	uint8_t *udp = at + SP_EXTRACT_HEADERS - 8, *frame;
	uint16_t check;
	uint64_t sum;

	memset(udp, 0, 8);
	sp_put_be16(udp, src->port);
	sp_put_be16(udp + 2, dst->port);
	sp_put_be16(udp + 4, (uint16_t)(8 + len));
	frame = put_below(udp, src, dst, SP_PROTO_UDP, 8 + len, &sum);
	check = sp_csum_finish_udp(sp_csum_add(sum, udp, 8 + len));
	memcpy(udp + 6, &check, sizeof check);
	return frame;
}

uint8_t *sp_extract_tcp_frame(uint8_t *at, const struct sp_endpoint *src,
			      const struct sp_endpoint *dst, struct sp_extract_tcp *tcp,
			      uint32_t len)
{
	struct sp_tcp_seg seg = { .sport = src->port,
				  .dport = dst->port,
				  .seq = tcp->seq,
				  .ack = tcp->begun ? 1 : 0,
				  .window = WINDOW,
				  .flags = tcp->begun ? SP_TCP_PSH | SP_TCP_ACK : SP_TCP_SYN,
				  .len = len };
	uint8_t *l4 = at + SP_EXTRACT_HEADERS - SP_TCP_HEAD, *frame;
	uint16_t check;
	uint64_t sum;

	sp_tcp_seg_put(&seg, l4);
	tcp->seq += sp_tcp_seg_space(&seg);
	tcp->begun = true;
	frame = put_below(l4, src, dst, SP_PROTO_TCP, SP_TCP_HEAD + len, &sum);
	check = sp_csum_finish(sp_csum_add(sum, l4, SP_TCP_HEAD + len));
	memcpy(l4 + SP_TCP_CSUM, &check, sizeof check);
	return frame;
}
