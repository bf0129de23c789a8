/* A message as if it were made now by another router. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/bmp/message.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_US INT64_C(1000)

/* When routes were received is the router's affair and may be long ago, so times keep their
 * distance to the capture's. But none may lie after its message: then the clocks differ (the times
 * of an extracted capture are made up), and the newest time is taken for now. */
static void retime(struct sp_bmp *s, uint8_t *p, const struct sp_codec_live *live)
{
	uint32_t seconds = sp_get_be32(p + SP_BMP_AT_SECONDS);
	uint32_t micros = sp_get_be32(p + SP_BMP_AT_MICROS);
	int64_t at_ns = seconds * NS_PER_S + micros * NS_PER_US;
	int64_t ahead_ns = at_ns - ((int64_t)live->now_ns - live->shift_ns);

	if (!seconds && !micros)
		return; /* not known, RFC 7854 4.2 */
	if (ahead_ns > s->skew_ns)
		s->skew_ns = ahead_ns;
	at_ns += live->shift_ns - s->skew_ns;
	if (at_ns < 0)
		return;
	sp_put_be32(p + SP_BMP_AT_SECONDS, (uint32_t)(at_ns / NS_PER_S));
	sp_put_be32(p + SP_BMP_AT_MICROS, (uint32_t)(at_ns % NS_PER_S / NS_PER_US));
}

/* "router" of exporter 17 becomes "rou-17": what does not fit is the front of the name. */
static void rename_system(uint8_t *name, size_t len, uint32_t k)
{
	char tail[16];
	size_t n = (size_t)snprintf(tail, sizeof tail, "-%u", k), skip = n < len ? 0 : 1;

	if (!k || len < n - skip)
		return;
	memcpy(name + len - (n - skip), tail + skip, n - skip);
}

static void renumber_initiation(uint8_t *p, size_t len, uint32_t k)
{
	size_t at = SP_BMP_HEAD;

	while (at + 4 <= len) {
		size_t n = sp_get_be16(p + at + 2);

		if (at + 4 + n > len)
			return;
		if (sp_get_be16(p + at) == SP_BMP_SYS_NAME)
			rename_system(p + at + 4, n, k);
		at += 4 + n;
	}
}

/* The OPEN that the router sent is the first one; of its own table both are. */
static void renumber_up(uint8_t *p, size_t len, const struct sp_codec_live *live)
{
	bool own = p[SP_BMP_AT_PEER_TYPE] == SP_BMP_LOC_RIB;
	size_t at = SP_BMP_AT_OPENS;

	for (unsigned i = 0; i < (own ? 2 : 1) && at <= len; i++) {
		ptrdiff_t n = sp_bgp_boundary(p + at, len - at);

		if (n < SP_BGP_HEAD + 10)
			return;
		sp_bgp_router_id(p + at + SP_BGP_HEAD + 5, live->exporter, &live->address);
		at += (size_t)n;
	}
}

int sp_bmp_rewrite(void *st, uint8_t *p, size_t len, const struct sp_codec_live *live)
{
	if (len < SP_BMP_HEAD || sp_bmp_boundary(p, len) != (ptrdiff_t)len)
		return -EBADMSG;
	if (sp_bmp_of_peer(p[5]) && len < SP_BMP_BODY)
		return -EBADMSG;
	if (live->retime && sp_bmp_of_peer(p[5]))
		retime(st, p, live);
	if (!live->renumber)
		return 0;
	if (p[5] == SP_BMP_INITIATION)
		renumber_initiation(p, len, live->exporter);
	if (sp_bmp_of_peer(p[5]) && p[SP_BMP_AT_PEER_TYPE] == SP_BMP_LOC_RIB)
		sp_bgp_router_id(p + SP_BMP_AT_PEER_ID, live->exporter, &live->address);
	if (p[5] == SP_BMP_PEER_UP)
		renumber_up(p, len, live);
	return 0;
}
