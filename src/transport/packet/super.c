#include "transport/packet/packet.h"

#include "base/endian.h"
#include "pkt/csum.h"

#include <string.h>

#define UDP_HEAD 8u

/* Headers of segment i: lengths, and IPv4's identification and checksum. UDP's sum stays as it is:
 * of a super-frame it is none. */
static void patch(uint8_t *frame, uint32_t l3, uint32_t l4, uint32_t i, uint32_t payload)
{
	uint8_t *ip = frame + l3;
	uint16_t sum;

	sp_put_be16(frame + l4 + 4, (uint16_t)(UDP_HEAD + payload));
	if (ip[0] >> 4 == 6) {
		sp_put_be16(ip + 4, (uint16_t)(UDP_HEAD + payload));
		return;
	}
	sp_put_be16(ip + 2, (uint16_t)(l4 - l3 + UDP_HEAD + payload));
	sp_put_be16(ip + 4, (uint16_t)(sp_get_be16(ip + 4) + i));
	sp_put_be16(ip + 10, 0);
	sum = sp_csum_finish(sp_csum_add(0, ip, l4 - l3));
	memcpy(ip + 10, &sum, sizeof sum);
}

uint32_t sp_packet_split(struct sp_msg *m, uint32_t max, uint32_t seg, uint8_t *to,
			 uint32_t room)
{
	const uint8_t *super = m->data, *payload;
	struct sp_msg first = *m;
	uint32_t l3, l4, head, n, left;

	if (!seg || !sp_frame_udp(super, m->len, &l3, &l4))
		return 0;
	head = l4 + UDP_HEAD;
	left = m->len - head;
	payload = super + head;
	n = (left + seg - 1) / seg;
	if (n == 0 || n > max || (uint64_t)n * head + left > room)
		return 0;
	first.flags |= SP_M_SUPER | SP_M_CSUM_PARTIAL;
	first.flags &= (uint16_t)~SP_M_CSUM_OK;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = left < seg ? left : seg;

		memcpy(to, super, head);
		memcpy(to + head, payload, len);
		patch(to, l3, l4, i, len);
		m[i] = first;
		m[i].data = to;
		m[i].len = head + len;
		first.flags &= (uint16_t)~SP_M_UNIT;
		to += m[i].len;
		payload += len;
		left -= len;
	}
	return n;
}
