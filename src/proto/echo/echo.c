/* The echo protocol over UDP (RFC 862): each payload comes back. */
#include "proto/speaker.h"

#include <string.h>

static int on_msg(void *st, const struct sp_msg *m, struct sp_msg *reply, uint64_t now_ns)
{
	(void)st;
	(void)now_ns;
	if (m->len > reply->len || m->flags & SP_M_TRUNC)
		return 0;
	memcpy(reply->data, m->data, m->len);
	reply->len = m->len;
	return 1;
}

const struct sp_proto_ops sp_proto_echo = {
	.name = "echo",
	.summary = "UDP payloads come back (RFC 862)",
	.abi = SP_PLUGIN_ABI,
	.roles = 1u << SP_ROLE_RESPONDER,
	.state_size = sizeof(struct sp_speaker),
	.port = 7,
	.takes = SP_REPLY_PAYLOAD,
	.open = sp_speaker_open,
	.close = sp_speaker_close,
	.init = sp_speaker_init,
	.on_msg = on_msg,
};
