#include "pkt/packet.h"

#include "pkt/crc32c.h"
#include "pkt/csum.h"

void sp_sum_fill(const struct sp_sum *s, uint8_t *p, uint32_t len)
{
	uint32_t to = s->to ? s->to : len, n = to - s->from, crc;
	uint64_t sum = 0;
	uint16_t check;

	memset(p + s->off, 0, s->kind == SP_SUM_CRC32C ? 4 : 2);
	if (s->kind == SP_SUM_CRC32C) {
		crc = sp_crc32c(p + s->from, n);
		memcpy(p + s->off, &crc, sizeof crc);
		return;
	}
	if (s->addr_len == 4)
		sum = sp_csum_pseudo4(p + s->src, p + s->dst, s->proto, (uint16_t)n);
	else if (s->addr_len)
		sum = sp_csum_pseudo6(p + s->src, p + s->dst, s->proto, n);
	sum = sp_csum_add(sum, p + s->from, n);
	check = s->kind == SP_SUM_UDP ? sp_csum_finish_udp(sum) : sp_csum_finish(sum);
	memcpy(p + s->off, &check, sizeof check);
}
