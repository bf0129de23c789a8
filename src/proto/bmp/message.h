/* BMP messages (RFC 7854, 8671, 9069), and what one side has said so far. */
#ifndef SP_PROTO_BMP_MESSAGE_H
#define SP_PROTO_BMP_MESSAGE_H

#include "base/json.h"
#include "base/mem.h"
#include "plugin/codec.h"
#include "proto/bgp_message.h"

enum {
	SP_BMP_ROUTES = 0,
	SP_BMP_STATS = 1,
	SP_BMP_PEER_DOWN = 2,
	SP_BMP_PEER_UP = 3,
	SP_BMP_INITIATION = 4,
	SP_BMP_TERMINATION = 5,
	SP_BMP_MIRROR = 6,
	SP_BMP_POLICY = 100, /* route policy and attribute trace: Huawei's, a draft once */

	SP_BMP_HEAD = 6,
	SP_BMP_PER_PEER = 42,
	SP_BMP_MOST = 262144, /* no RFC has a bound; two OPENs or a mirrored message fit well */

	SP_BMP_SYS_DESCR = 1,
	SP_BMP_SYS_NAME = 2,
	SP_BMP_LOC_RIB = 3, /* type of peer: the router itself, RFC 9069 */

	SP_BMP_PEERS = 1024, /* that are told apart in a summary */
};

/* Offsets in the header of each peer, from the message's beginning. */
enum {
	SP_BMP_AT_PEER_TYPE = 6,
	SP_BMP_AT_PEER_FLAGS = 7,
	SP_BMP_AT_PEER_AS = 32,
	SP_BMP_AT_PEER_ID = 36,
	SP_BMP_AT_SECONDS = 40,
	SP_BMP_AT_MICROS = 44,
	SP_BMP_BODY = SP_BMP_HEAD + SP_BMP_PER_PEER,
	SP_BMP_AT_OPENS = SP_BMP_BODY + 20, /* of Peer Up */
};

struct sp_bmp_peer {
	uint32_t id, as;
	uint8_t bgp_version; /* of its OPEN; 0: not seen */
	bool up, paths;	     /* a Peer Up was seen; with path identifiers in an OPEN */
	uint64_t routes, stats;
};

struct sp_bmp {
	const struct sp_mem *mem;
	uint8_t version;
	bool has_descr, has_name;
	char descr[1024], name[256];
	uint64_t downs;	 /* Peer Downs that no Peer Up has followed yet */
	int64_t skew_ns; /* rewrite: how far the router's clock is ahead of the capture's */
	uint32_t n_peers;
	uint64_t more;	   /* messages of peers that did not find room */
	uint32_t peer_cap; /* grows to SP_BMP_PEERS */
	struct sp_bmp_peer *peer;
};

struct sp_bmp_tlv {
	uint16_t type;
	size_t len;
	const uint8_t *p;
};

ptrdiff_t sp_bmp_boundary(const uint8_t *, size_t len);
/* Messages 0 to 3 and 6 are of a peer. */
bool sp_bmp_of_peer(uint8_t type);
/* The next one: false at the end, or when it is longer than its place (r->bad). */
bool sp_bmp_tlv(struct sp_rd *r, struct sp_bmp_tlv *);
/* What is wrong with a whole message, a static part of a sentence; NULL. paths: prefixes may have
 * path identifiers. */
const char *sp_bmp_check(const uint8_t *, size_t len, bool paths);

void sp_bmp_describe(const void *st, struct sp_json *);
int sp_bmp_rewrite(void *st, uint8_t *, size_t len, const struct sp_codec_live *);

#endif
