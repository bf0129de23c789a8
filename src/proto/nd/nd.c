#include "pkt/neighbour.h"
#include "proto/speaker.h"

static int on_msg(void *st, const struct sp_msg *m, struct sp_msg *reply, uint64_t now_ns)
{
	const struct sp_speaker *s = st;

	(void)now_ns;
	reply->len = sp_nd_answer(m->data, m->len, &s->own->at, s->own->mac, reply->data,
				  reply->len);
	return reply->len != 0;
}

const struct sp_proto_ops sp_proto_nd = {
	.name = "nd",
	.summary = "who has this IPv6 address? (neighbour discovery)",
	.abi = SP_PLUGIN_ABI,
	.roles = 1u << SP_ROLE_RESPONDER,
	.state_size = sizeof(struct sp_speaker),
	.takes = SP_REPLY_FRAME,
	.open = sp_speaker_open,
	.close = sp_speaker_close,
	.init = sp_speaker_init,
	.on_msg = on_msg,
};
