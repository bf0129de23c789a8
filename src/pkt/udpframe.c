#include "pkt/udpframe.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"

#define TTL	  64
#define UDP	  17
#define IP4_LEN	  20u
#define IP6_LEN	  40u
#define TYPE_IP4  0x0800
#define TYPE_IP6  0x86dd
#define IP4_SRC	  12
#define IP4_DST	  16
#define IP6_SRC	  8
#define IP6_DST	  24
#define IP4_SUM	  10
#define UDP_SUM	  6
#define MOST_SUMS 2

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

static void note_sums(struct sp_template *t, struct sp_sum *sum, struct sp_length *length,
		      bool v6, uint16_t udp)
{
	sum[0] = (struct sp_sum){ .off = (uint16_t)(udp + UDP_SUM),
				  .from = udp,
				  .kind = SP_SUM_UDP,
				  .addr_len = v6 ? 16 : 4,
				  .proto = UDP,
				  .src = v6 ? IP6_SRC : IP4_SRC,
				  .dst = v6 ? IP6_DST : IP4_DST };
	sum[1] = (struct sp_sum){ .off = IP4_SUM, .to = IP4_LEN, .kind = SP_SUM_INET };
	length[0] = (struct sp_length){ (uint16_t)(udp + 4), udp, 2, 1 };
	length[1] = v6 ? (struct sp_length){ 4, udp, 2, 1 } : (struct sp_length){ 2, 0, 2, 1 };
	t->sum = sum;
	t->n_sums = v6 ? 1 : MOST_SUMS;
	t->length = length;
	t->n_lengths = 2;
}

int sp_udp_template(struct sp_template *t, const struct sp_endpoint *from,
		    const struct sp_endpoint *to, const struct sp_mem *mem)
{
	bool v6 = to->addr.family == 6;
	uint16_t udp = v6 ? IP6_LEN : IP4_LEN;
	struct sp_length *length;
	struct sp_sum *sum;
	struct sp_wr w;

	*t = (struct sp_template){ .len = udp + 8u,
				   .payload_off = udp + 8u,
				   .ether_type = v6 ? TYPE_IP6 : TYPE_IP4,
				   .units = 1 };
	sp_arena_init(&t->arena, mem);
	if (from->addr.family != to->addr.family || (!v6 && to->addr.family != 4))
		return -EINVAL;
	t->octets = sp_arena_alloc(&t->arena, t->len);
	sum = sp_arena_alloc(&t->arena, MOST_SUMS * sizeof *sum);
	length = sp_arena_alloc(&t->arena, 2 * sizeof *length);
	if (!t->octets || !sum || !length)
		return -ENOMEM;
	w = sp_wr_of(t->octets, t->len);
	if (v6)
		put_ip6(&w, &from->addr, &to->addr);
	else
		put_ip4(&w, &from->addr, &to->addr);
	sp_wr_be16(&w, from->port);
	sp_wr_be16(&w, to->port);
	note_sums(t, sum, length, v6, udp);
	return 0;
}
