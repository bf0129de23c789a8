/* The replaying end: what the peer says, and what keeps it content (RFC 4271 8). */
#include <string.h>

#include "proto/bgp/session.h"

#define SECOND_NS UINT64_C(1000000000)

#define MARKER	  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

struct peer {
	bool open_sent, open_got, keepalive_got;
	uint16_t ours_s, theirs_s;
};

static void settle(const struct peer *p, struct sp_codec_talk *talk)
{
	uint16_t hold_s = p->ours_s < p->theirs_s ? p->ours_s : p->theirs_s;

	if (!p->open_sent || !p->open_got)
		return;
	talk->hold_ns = hold_s * SECOND_NS;
	talk->filler_ns = talk->hold_ns / 3;
	talk->established = p->keepalive_got;
}

static void sent(void *st, const uint8_t *m, size_t len, struct sp_codec_talk *talk)
{
	struct peer *p = st;

	if (len < SP_BGP_HEAD)
		return;
	if (m[18] == SP_BGP_KEEPALIVE)
		talk->answer = false;
	if (m[18] != SP_BGP_OPEN || len < SP_BGP_HEAD + 10)
		return;
	p->open_sent = true;
	p->ours_s = sp_get_be16(m + SP_BGP_HEAD + 3);
	talk->answer = p->open_got;
	settle(p, talk);
}

static void got_message(struct peer *p, const uint8_t *m, size_t len,
			struct sp_codec_talk *talk)
{
	switch (m[18]) {
	case SP_BGP_OPEN:
		if (len < SP_BGP_HEAD + 10 || p->open_got)
			return;
		p->open_got = true;
		p->theirs_s = sp_get_be16(m + SP_BGP_HEAD + 3);
		talk->answer = p->open_sent;
		break;
	case SP_BGP_KEEPALIVE:
		p->keepalive_got = p->open_got;
		break;
	case SP_BGP_NOTIFICATION:
		talk->over = true;
		if (len >= SP_BGP_HEAD + 2)
			talk->code = sp_get_be16(m + SP_BGP_HEAD);
		talk->reason = sp_bgp_notification((uint8_t)(talk->code >> 8),
						   (uint8_t)talk->code);
		break;
	default:
		break;
	}
	settle(p, talk);
}

static size_t got(void *st, const uint8_t *bytes, size_t len, struct sp_codec_talk *talk)
{
	size_t used = 0;

	while (!talk->over) {
		ptrdiff_t n = sp_bgp_boundary(bytes + used, len - used);

		if (n == 0)
			break;
		if (n < 0) {
			talk->over = true;
			talk->reason = "bytes that are not BGP";
			return len;
		}
		got_message(st, bytes + used, (size_t)n, talk);
		used += (size_t)n;
	}
	return talk->over ? len : used;
}

static const uint8_t *filler(size_t *len)
{
	static const uint8_t keepalive[SP_BGP_HEAD + 1] = MARKER "\0\x13\x04";

	*len = SP_BGP_HEAD;
	return keepalive;
}

/* Cease, administrative shutdown (RFC 4486): what a router says that is taken out of service. The
 * peer then removes the routes at once and logs no error of the protocol; a connection that only
 * closes is a failure to it, and with graceful restart its routes would stay. */
static const uint8_t *farewell(size_t *len)
{
	static const uint8_t cease[SP_BGP_HEAD + 3] = MARKER "\0\x15\x03\x06\x02";

	*len = SP_BGP_HEAD + 2;
	return cease;
}

const struct sp_codec_peer_ops sp_bgp_peer = {
	.state_size = sizeof(struct peer),
	.sent = sent,
	.got = got,
	.filler = filler,
	.farewell = farewell,
};
