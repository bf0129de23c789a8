/* Echo requests of ICMP (RFC 792) and ICMPv6 (RFC 4443) come back as replies. */
#include "pkt/ask.h"
#include "proto/speaker.h"

#include <string.h>

#define HEAD 8u
#define TTL  64u

struct kind {
	uint8_t family, proto, request, reply;
};
static const struct kind echo4 = { 4, SP_ASK_ICMP, 8, 0 };
static const struct kind echo6 = { 6, SP_ASK_ICMP6, 128, 129 };

static uint32_t answer(const struct kind *k, const struct sp_reply_own *own,
		       const struct sp_msg *m, const struct sp_msg *reply)
{
	struct sp_ask a;
	uint8_t *l4;

	if (sp_ask_read(m->data, m->len, &a) || !a.l4 || a.src.family != k->family ||
	    a.proto != k->proto || a.l4_len < HEAD || a.l4[0] != k->request || a.l4[1] != 0 ||
	    !sp_ask_from_one(&a) || !sp_ask_to_one(&a) || !sp_prefixes_have(&own->at, &a.dst) ||
	    !sp_ask_intact(&a, m->flags) || sp_answer_head_len(&a) + a.l4_len > reply->len)
		return 0;
	l4 = reply->data + sp_answer_head_len(&a);
	memcpy(l4, a.l4, a.l4_len);
	l4[0] = k->reply;
	l4[2] = l4[3] = 0;
	return sp_answer_seal(&a, own->mac, &a.dst, TTL, reply->data, a.l4_len, 2);
}

static int on_icmp(void *st, const struct sp_msg *m, struct sp_msg *reply, uint64_t now_ns)
{
	const struct sp_speaker *s = st;

	(void)now_ns;
	reply->len = answer(&echo4, s->own, m, reply);
	return reply->len != 0;
}

static int on_icmp6(void *st, const struct sp_msg *m, struct sp_msg *reply, uint64_t now_ns)
{
	const struct sp_speaker *s = st;

	(void)now_ns;
	reply->len = answer(&echo6, s->own, m, reply);
	return reply->len != 0;
}

#define ECHO(word, text)                                                                       \
	const struct sp_proto_ops sp_proto_##word = {                                          \
		.name = #word,                                                                 \
		.summary = text,                                                               \
		.abi = SP_PLUGIN_ABI,                                                          \
		.roles = 1u << SP_ROLE_RESPONDER,                                              \
		.state_size = sizeof(struct sp_speaker),                                       \
		.takes = SP_REPLY_FRAME,                                                       \
		.open = sp_speaker_open,                                                       \
		.close = sp_speaker_close,                                                     \
		.init = sp_speaker_init,                                                       \
		.on_msg = on_##word,                                                           \
	}

ECHO(icmp, "echo requests of ICMP (ping)");
ECHO(icmp6, "echo requests of ICMPv6 (ping -6)");
