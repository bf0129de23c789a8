/* One side of a BGP session, as far as it was read. */
#ifndef SP_PROTO_BGP_SESSION_H
#define SP_PROTO_BGP_SESSION_H

#include "base/json.h"
#include "base/mem.h"
#include "plugin/codec.h"
#include "proto/bgp_message.h"

struct sp_bgp {
	const struct sp_mem *mem;
	struct sp_bgp_open open; /* the newest one */
	uint64_t updates, keepalives;
};

void sp_bgp_describe(const void *st, struct sp_json *);
int sp_bgp_rewrite(void *st, uint8_t *, size_t len, const struct sp_codec_live *);

extern const struct sp_codec_peer_ops sp_bgp_peer;

#endif
