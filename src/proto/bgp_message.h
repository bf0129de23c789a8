/* What BGP messages are made of (RFC 4271, 4760, 5492, 6793, 7911, 8654, 9072), for whoever meets
 * them: BGP itself, and BMP, which carries them. Bytes in, facts out. A check answers NULL, or what
 * is wrong as a static part of a sentence ("... : an attribute is longer than its place"). */
#ifndef SP_PROTO_BGP_MESSAGE_H
#define SP_PROTO_BGP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/cursor.h"

enum {
	SP_BGP_OPEN = 1,
	SP_BGP_UPDATE = 2,
	SP_BGP_NOTIFICATION = 3,
	SP_BGP_KEEPALIVE = 4,
	SP_BGP_REFRESH = 5,
	SP_BGP_REFRESH_OLD = 128, /* before RFC 2918; some send it still */
	SP_BGP_HEAD = 19,	  /* length of the header */
	SP_BGP_MOST = 4096,	  /* of a message, unless RFC 8654 was agreed */
	SP_BGP_CAPS = 64,	  /* capabilities that are kept of one OPEN */
};

struct sp_bgp_cap {
	uint8_t code, safi;
	uint16_t afi; /* of multiprotocol (1), else 0 */
};

/* What a speaker said of itself in its OPEN. */
struct sp_bgp_open {
	bool seen;
	uint8_t version;
	uint16_t as,
		hold_s; /* as: the field of two octets, 23456 where the number needs four */
	uint8_t id[4];
	uint16_t n_caps, caps_more; /* more: were there, but did not find room */
	bool extended;		    /* RFC 8654: messages up to 65,535 octets */
	bool paths; /* RFC 7911: path identifiers before prefixes, of some family */
	struct sp_bgp_cap cap[SP_BGP_CAPS];
};

/* Length of the first message; 0: more is needed; -EBADMSG: no BGP, or a length that cannot be. */
ptrdiff_t sp_bgp_boundary(const uint8_t *, size_t len);
/* A whole message; open is what its sender said before, and is filled by an OPEN; NULL: not known,
 * an OPEN is then only checked. */
const char *sp_bgp_check(const uint8_t *, size_t len, struct sp_bgp_open *open);
const char *sp_bgp_open_read(const uint8_t *, size_t len, struct sp_bgp_open *);
/* The body, without the header. paths: path identifiers may stand before prefixes. That is agreed by
 * two, a family each, and we know one of them at most: so with it either way of reading will do. */
const char *sp_bgp_update_check(const uint8_t *, size_t len, bool paths);
/* Reachable or withdrawn prefixes of a family; families that are not known are believed. */
bool sp_bgp_nlri_ok(uint16_t afi, uint8_t safi, struct sp_rd, bool paths);

/* "NOTIFICATION Open Message Error / Bad Peer AS": as much as is known of the codes. */
const char *sp_bgp_notification(uint8_t code, uint8_t sub);

/* The identifier of exporter k, in place: its IPv4 address; for want of one, k above the recorded
 * one. Never 0. */
void sp_bgp_router_id(uint8_t id[4], uint32_t k, const struct sp_addr *);

#endif
