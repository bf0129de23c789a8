#include "transport/packet/packet.h"

#include "base/endian.h"
#include "pkt/csum.h"
#include "pkt/view.h"

#include <string.h>

/* Headers of segment i: lengths, and IPv4's identification and checksum. UDP's sum stays as it is:
 * of a super-frame it is none. */
static void patch(uint8_t *frame, const struct sp_view *v, uint32_t i, uint32_t payload)
{
	uint8_t *ip = frame + v->l3_off, *udp = frame + v->payload_off - 8;
	uint32_t ihl = (ip[0] & 15u) * 4;
	uint16_t sum;

	sp_put_be16(udp + 4, (uint16_t)(8 + payload));
	if (ip[0] >> 4 == 6) {
		sp_put_be16(ip + 4, (uint16_t)(v->payload_off - v->l3_off - 40 + payload));
		return;
	}
	sp_put_be16(ip + 2, (uint16_t)(v->payload_off - v->l3_off + payload));
	sp_put_be16(ip + 4, (uint16_t)(sp_get_be16(ip + 4) + i));
	sp_put_be16(ip + 10, 0);
	sum = sp_csum_finish(sp_csum_add(0, ip, ihl));
	memcpy(ip + 10, &sum, sizeof sum);
}

uint32_t sp_packet_split(struct sp_msg *m, uint32_t max, uint32_t seg, uint8_t *to,
			 uint32_t room)
{
	const uint8_t *super = m->data, *payload;
	struct sp_msg first = *m;
	struct sp_view v;
	uint32_t n, left;

	if (!seg || sp_view(super, m->len, false, SP_CSUM_UNKNOWN, &v) ||
	    v.proto != SP_PROTO_UDP || v.fragment)
		return 0;
	n = (v.payload_len + seg - 1) / seg;
	if (n == 0 || n > max || (uint64_t)n * v.payload_off + v.payload_len > room)
		return 0;
	payload = super + v.payload_off;
	left = v.payload_len;
	first.flags |= SP_M_SUPER | SP_M_CSUM_PARTIAL;
	first.flags &= (uint16_t)~SP_M_CSUM_OK;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = left < seg ? left : seg;

		memcpy(to, super, v.payload_off);
		memcpy(to + v.payload_off, payload, len);
		patch(to, &v, i, len);
		m[i] = first;
		m[i].data = to;
		m[i].len = v.payload_off + len;
		first.flags &= (uint16_t)~SP_M_UNIT;
		to += m[i].len;
		payload += len;
		left -= len;
	}
	return n;
}
