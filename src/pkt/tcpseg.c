#include "pkt/tcpseg.h"

#include <errno.h>

#include "base/endian.h"

#define END 0u
#define NOP 1u
#define MSS 2u

static void read_options(const uint8_t *p, uint32_t len, struct sp_tcp_seg *s)
{
	while (len && *p != END) {
		uint32_t n = *p == NOP ? 1 : len > 1 ? p[1] : 0;

		if (!n || n > len || (*p != NOP && n < 2))
			return;
		if (*p == MSS && n == SP_TCP_MSS)
			s->mss = sp_get_be16(p + 2);
		p += n;
		len -= n;
	}
}

int sp_tcp_seg_read(const uint8_t *l4, uint32_t len, struct sp_tcp_seg *s)
{
	uint32_t head;

	if (len < SP_TCP_HEAD)
		return -EBADMSG;
	head = (l4[12] >> 4) * 4u;
	if (head < SP_TCP_HEAD || head > len)
		return -EBADMSG;
	*s = (struct sp_tcp_seg){
		.sport = sp_get_be16(l4),
		.dport = sp_get_be16(l4 + 2),
		.seq = sp_get_be32(l4 + 4),
		.ack = sp_get_be32(l4 + 8),
		.flags = l4[13],
		.window = sp_get_be16(l4 + 14),
		.data = l4 + head,
		.len = len - head,
	};
	if (s->flags & SP_TCP_SYN)
		read_options(l4 + SP_TCP_HEAD, head - SP_TCP_HEAD, s);
	return 0;
}

uint32_t sp_tcp_seg_put(const struct sp_tcp_seg *s, uint8_t *at)
{
	uint32_t head = SP_TCP_HEAD + (s->mss ? SP_TCP_MSS : 0);

	sp_put_be16(at, s->sport);
	sp_put_be16(at + 2, s->dport);
	sp_put_be32(at + 4, s->seq);
	sp_put_be32(at + 8, s->ack);
	at[12] = (uint8_t)(head / 4 << 4);
	at[13] = s->flags;
	sp_put_be16(at + 14, (uint16_t)(s->window < 65535 ? s->window : 65535));
	sp_put_be32(at + 16, 0); /* checksum, urgent */
	if (s->mss) {
		at[20] = MSS;
		at[21] = SP_TCP_MSS;
		sp_put_be16(at + 22, s->mss);
	}
	return head;
}
