/* The messages of a monitored router (RFC 7854 4). */
#include <string.h>

#include "core/clock.h"
#include "proto/bmp/gen.h"

#define PEER_HOLD_S 90u

enum type { MONITORING, STATISTICS, PEER_DOWN, PEER_UP, INITIATION, TERMINATION };

static struct sp_wr begin(struct sp_held *h, enum type type)
{
	struct sp_wr w = sp_held_room(h);

	sp_wr_u8(&w, 3);
	sp_wr_be32(&w, 0);
	sp_wr_u8(&w, (uint8_t)type);
	return w;
}

static void end(struct sp_held *h, struct sp_wr *w)
{
	uint32_t from = h->len;

	if (sp_held_filled(h, w))
		sp_put_be32(h->out + from + 1, h->len - from);
}

static void put_peer(const struct sp_proto *p, uint32_t peer, uint64_t now_ns, struct sp_wr *w)
{
	uint64_t real_ns = (uint64_t)((int64_t)now_ns + p->real_offset_ns);

	sp_wr_be16(w, 0); /* a global instance, IPv4, before policy */
	sp_wr_be64(w, 0);
	sp_wr_be64(w, 0);
	sp_wr_be32(w, 0);
	sp_wr_be32(w, SP_BMP_GEN_PEER + peer);
	sp_wr_be32(w, sp_bmp_gen_speaker(peer).as);
	sp_wr_be32(w, SP_BMP_GEN_PEER + peer);
	sp_wr_be32(w, (uint32_t)(real_ns / SP_NS_PER_S));
	sp_wr_be32(w, (uint32_t)(real_ns % SP_NS_PER_S / 1000));
}

static void put_text(struct sp_wr *w, uint16_t type, const char *text)
{
	sp_wr_be16(w, type);
	sp_wr_be16(w, (uint16_t)strlen(text));
	sp_wr_bytes(w, text, strlen(text));
}

void sp_bmp_gen_initiation(struct sp_held *h, const struct sp_proto *p)
{
	struct sp_wr w = begin(h, INITIATION);

	put_text(&w, 1, "spate, generated peers");
	put_text(&w, 2, p->sys_name);
	end(h, &w);
}

void sp_bmp_gen_peer_up(struct sp_held *h, const struct sp_proto *p, uint32_t peer,
			uint64_t now_ns)
{
	struct sp_wr w = begin(h, PEER_UP);

	put_peer(p, peer, now_ns, &w);
	sp_wr_be64(&w, 0);
	sp_wr_be32(&w, 0);
	sp_wr_be32(&w, p->id);
	sp_wr_be16(&w, 179);
	sp_wr_be16(&w, (uint16_t)(49152 + peer % 16384));
	sp_bgp_put_open(&w, p->as, PEER_HOLD_S, p->id);
	sp_bgp_put_open(&w, sp_bmp_gen_speaker(peer).as, PEER_HOLD_S, SP_BMP_GEN_PEER + peer);
	end(h, &w);
}

void sp_bmp_gen_update(struct sp_held *h, const struct sp_proto *p, uint32_t peer,
		       uint64_t inner, uint64_t now_ns)
{
	struct sp_routes r = sp_bmp_gen_routes(p, peer);
	struct sp_routes_speaker by = sp_bmp_gen_speaker(peer);
	struct sp_wr w = begin(h, MONITORING);

	put_peer(p, peer, now_ns, &w);
	sp_routes_put(&r, inner, &by, &w);
	end(h, &w);
}

/* Rejected prefixes: none; routes in Adj-RIB-In. */
void sp_bmp_gen_statistics(struct sp_held *h, const struct sp_proto *p, uint32_t peer,
			   uint64_t now_ns)
{
	struct sp_wr w = begin(h, STATISTICS);

	put_peer(p, peer, now_ns, &w);
	sp_wr_be32(&w, 2);
	sp_wr_be16(&w, 0);
	sp_wr_be16(&w, 4);
	sp_wr_be32(&w, 0);
	sp_wr_be16(&w, 7);
	sp_wr_be16(&w, 8);
	sp_wr_be64(&w, p->routes.n[0] + p->routes.n[1]);
	end(h, &w);
}

void sp_bmp_gen_peer_down(struct sp_held *h, const struct sp_proto *p, uint32_t peer,
			  uint64_t now_ns)
{
	struct sp_wr w = begin(h, PEER_DOWN);

	put_peer(p, peer, now_ns, &w);
	sp_wr_u8(&w, 4); /* the peer closed, and said nothing */
	end(h, &w);
}

void sp_bmp_gen_termination(struct sp_held *h)
{
	struct sp_wr w = begin(h, TERMINATION);

	sp_wr_be16(&w, 1);
	sp_wr_be16(&w, 2);
	sp_wr_be16(&w, 0); /* by administration */
	end(h, &w);
}
