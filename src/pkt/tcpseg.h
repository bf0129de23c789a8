/* TCP segments: read and written (RFC 9293, 3.1). Pure. The only options that are understood are the
 * largest segment of a SYN (MSS); others are passed over. */
#ifndef SP_PKT_TCPSEG_H
#define SP_PKT_TCPSEG_H

#include <stdbool.h>
#include <stdint.h>

#define SP_TCP_FIN  1u
#define SP_TCP_SYN  2u
#define SP_TCP_RST  4u
#define SP_TCP_PSH  8u
#define SP_TCP_ACK  16u
#define SP_TCP_HEAD 20u
#define SP_TCP_MSS  4u	/* bytes of the option */
#define SP_TCP_CSUM 16u /* offset of the checksum */

struct sp_tcp_seg {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint32_t window;
	uint16_t mss; /* of a SYN; 0: the option is not there */
	uint8_t flags;
	const uint8_t *data; /* payload */
	uint32_t len;
};

/* 0; -EBADMSG: cut short, or lengths that contradict each other. */
int sp_tcp_seg_read(const uint8_t *l4, uint32_t len, struct sp_tcp_seg *);
/* Writes the header, with the option where mss is not 0, and no payload; the checksum stays 0. Returns
 * its length. at has room for SP_TCP_HEAD + SP_TCP_MSS. */
uint32_t sp_tcp_seg_put(const struct sp_tcp_seg *, uint8_t *at);
/* How much of the sequence a segment takes. */
static inline uint32_t sp_tcp_seg_space(const struct sp_tcp_seg *s)
{
	return s->len + !!(s->flags & SP_TCP_SYN) + !!(s->flags & SP_TCP_FIN);
}

/* Order of sequence numbers (3.4). */
static inline bool sp_seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

#endif
