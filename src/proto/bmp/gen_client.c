/* A monitored router that nobody has (RFC 7854): initiation, peers that come up with what they have
 * announced, reports while it is held, and a proper end. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/shared.h"
#include "plugin/proto.h"
#include "proto/routes_gen.h"

#define OFF(member)  offsetof(struct conf, member)
#define HEADER	     6u
#define PEER_HEADER  42u
#define OUT_ROOM     8192u	 /* a Peer Up and the longest Route Monitoring message */
#define PEER_ADDRESS 0xc6120001u /* 198.18.0.1 and on (RFC 2544) */
#define PEER_AS	     64512u
#define PEER_AS_N    1000u
#define PEER_HOLD_S  90u
#define SEED_STEP    0x9e3779b97f4a7c15ull

enum type { MONITORING, STATISTICS, PEER_DOWN, PEER_UP, INITIATION, TERMINATION };

struct conf {
	struct sp_routes_conf routes;
	uint64_t as, peers, rate, stats_ns;
	const char *router_id, *sys_name;
};

static const struct sp_opt opts[] = {
	SP_ROUTES_ROWS(OFF(routes)),
	{ "peers", SP_OPT_U64, OFF(peers), "1", NULL, 1, 65536,
	  "peers of the router, from 198.18.0.1 on; each has announced all prefixes" },
	{ "as", SP_OPT_U64, OFF(as), "64496", NULL, 1, UINT32_MAX, "the router's AS number" },
	{ "router_id", SP_OPT_TEXT, OFF(router_id), "192.0.2.1", NULL, 0, 0,
	  "the router's identifier and address" },
	{ "sys_name", SP_OPT_TEXT, OFF(sys_name), "spate", NULL, 0, 0, "sysName" },
	{ "stats_every", SP_OPT_TIME, OFF(stats_ns), "60s", NULL, 0, 0,
	  "a statistics report of each peer; 0: none" },
	{ "update_rate", SP_OPT_U64, OFF(rate), "0", NULL, 0, 10000000,
	  "Route Monitoring messages a second; 0: as fast as the collector takes them" },
	{ .name = NULL },
};

struct sp_proto {
	const struct sp_mem *mem;
	struct sp_routes routes;
	uint32_t as, id, peers;
	uint64_t gap_ns, stats_ns;
	int64_t real_offset_ns;
	char sys_name[128];
	uint64_t *said; /* messages of the latest session that were written */
};

struct session {
	const struct sp_proto *p;
	struct sp_txn txn;
	uint64_t unit, next_ns, stats_at_ns;
	uint32_t stats_peer, down_peer; /* the next one to be told of; peers: none is due */
	uint32_t at, len, unit_end;	/* in out: written, filled; unit_end 0: no unit */
	bool busy, ending, over;
	uint8_t out[OUT_ROOM];
};

/* ---- settings ---- */

static int check(const void *conf, struct sp_err *err)
{
	const struct conf *c = conf;
	struct sp_routes r;
	struct sp_addr id;

	if (!c)
		return 0;
	if (sp_addr_parse(c->router_id, &id) || id.family != 4)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "router_id is written as an IPv4 address");
	if (strlen(c->sys_name) >= sizeof((struct sp_proto *)0)->sys_name)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "sys_name has 127 bytes at most");
	return sp_routes_init(&r, &c->routes, 0, err);
}

static void bmp_close(struct sp_proto *p)
{
	sp_free(p->mem, p->said);
	sp_free(p->mem, p);
}

static int bmp_open(struct sp_proto **out, const struct sp_proto_args *args,
		    const struct sp_mem *mem, struct sp_err *err)
{
	const struct conf *c = args->conf;
	struct sp_proto *p = sp_alloc(mem, sizeof *p);
	struct sp_addr id;
	int rc;

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*p = (struct sp_proto){ .mem = mem,
				.as = (uint32_t)c->as,
				.peers = (uint32_t)c->peers,
				.gap_ns = c->rate ? SP_NS_PER_S / c->rate : 0,
				.stats_ns = c->stats_ns,
				.real_offset_ns = args->real_offset_ns };
	p->said = sp_alloc(mem, sizeof *p->said);
	rc = p->said ? sp_routes_init(&p->routes, &c->routes, args->seed, err)
		     : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (rc) {
		bmp_close(p);
		return rc;
	}
	sp_addr_parse(c->router_id, &id);
	p->id = sp_get_be32(id.ip);
	snprintf(p->sys_name, sizeof p->sys_name, "%s", c->sys_name);
	*out = p;
	return 0;
}

/* ---- what peers have announced ---- */

static struct sp_routes routes_of(const struct sp_proto *p, uint32_t peer)
{
	struct sp_routes r = p->routes;

	r.seed += peer * SEED_STEP;
	return r;
}

static struct sp_routes_speaker speaker_of(uint32_t peer)
{
	return (struct sp_routes_speaker){ .as = PEER_AS + peer % PEER_AS_N };
}

/* Whose message is it, and which of his? */
static uint64_t split(const struct sp_proto *p, uint64_t unit, uint32_t *peer)
{
	uint64_t table = p->routes.table, pair;

	if (unit < table * p->peers) {
		*peer = (uint32_t)(unit / table);
		return unit % table;
	}
	pair = (unit - table * p->peers) / 2;
	*peer = (uint32_t)(pair % p->peers);
	return table + pair / p->peers * 2 + (unit - table * p->peers) % 2;
}

/* Of so many messages: how many are this peer's? */
static uint64_t part_of(const struct sp_proto *p, uint64_t units, uint32_t peer)
{
	uint64_t table = p->routes.table, all = table * p->peers, pairs, n;

	if (units <= all)
		return units <= peer * table	      ? 0
		       : units - peer * table < table ? units - peer * table
						      : table;
	pairs = (units - all) / 2;
	n = table + 2 * (pairs / p->peers + (pairs % p->peers > peer));
	return n + ((units - all) % 2 && pairs % p->peers == peer);
}

static int bmp_truth(const struct sp_proto *p, const struct sp_truth *t)
{
	uint64_t units = SP_LOAD(*p->said);
	struct sp_addr a = { .family = 4 };
	char text[64];
	int rc = 0;

	for (uint32_t k = 0; k < p->peers && !rc; k++) {
		struct sp_routes r = routes_of(p, k);
		struct sp_routes_speaker by = speaker_of(k);

		sp_put_be32(a.ip, PEER_ADDRESS + k);
		rc = sp_routes_truth(&r, part_of(p, units, k), &by,
				     sp_addr_format(text, sizeof text, &a), t);
	}
	return rc;
}

/* ---- messages ---- */

static struct sp_wr begin(struct session *s, enum type type)
{
	struct sp_wr w = sp_wr_of(s->out + s->len, sizeof s->out - s->len);

	sp_wr_u8(&w, 3);
	sp_wr_be32(&w, 0);
	sp_wr_u8(&w, (uint8_t)type);
	return w;
}

static void end(struct session *s, struct sp_wr *w)
{
	if (w->bad)
		return;
	sp_put_be32(s->out + s->len + 1, (uint32_t)(w->p - s->out) - s->len);
	s->len = (uint32_t)(w->p - s->out);
}

static void put_peer(const struct session *s, uint32_t peer, uint64_t now_ns, struct sp_wr *w)
{
	uint64_t real_ns = (uint64_t)((int64_t)now_ns + s->p->real_offset_ns);

	sp_wr_be16(w, 0); /* a global instance, IPv4, before policy */
	sp_wr_be64(w, 0);
	sp_wr_be64(w, 0);
	sp_wr_be32(w, 0);
	sp_wr_be32(w, PEER_ADDRESS + peer);
	sp_wr_be32(w, speaker_of(peer).as);
	sp_wr_be32(w, PEER_ADDRESS + peer);
	sp_wr_be32(w, (uint32_t)(real_ns / SP_NS_PER_S));
	sp_wr_be32(w, (uint32_t)(real_ns % SP_NS_PER_S / 1000));
}

static void put_text(struct sp_wr *w, uint16_t type, const char *text)
{
	sp_wr_be16(w, type);
	sp_wr_be16(w, (uint16_t)strlen(text));
	sp_wr_bytes(w, text, strlen(text));
}

static void say_initiation(struct session *s)
{
	struct sp_wr w = begin(s, INITIATION);

	put_text(&w, 1, "spate, generated peers");
	put_text(&w, 2, s->p->sys_name);
	end(s, &w);
}

static void say_peer_up(struct session *s, uint32_t peer, uint64_t now_ns)
{
	struct sp_wr w = begin(s, PEER_UP);

	put_peer(s, peer, now_ns, &w);
	sp_wr_be64(&w, 0);
	sp_wr_be32(&w, 0);
	sp_wr_be32(&w, s->p->id);
	sp_wr_be16(&w, 179);
	sp_wr_be16(&w, (uint16_t)(49152 + peer % 16384));
	sp_bgp_put_open(&w, s->p->as, PEER_HOLD_S, s->p->id);
	sp_bgp_put_open(&w, speaker_of(peer).as, PEER_HOLD_S, PEER_ADDRESS + peer);
	end(s, &w);
}

static void say_unit(struct session *s, uint64_t now_ns)
{
	uint32_t peer, before = s->len;
	uint64_t inner = split(s->p, s->unit, &peer);
	struct sp_routes r = routes_of(s->p, peer);
	struct sp_routes_speaker by = speaker_of(peer);
	struct sp_wr w;

	if (inner == 0)
		say_peer_up(s, peer, now_ns);
	w = begin(s, MONITORING);
	put_peer(s, peer, now_ns, &w);
	sp_routes_put(&r, inner, &by, &w);
	end(s, &w);
	s->txn.tx_bytes = s->len - before;
	s->unit_end = s->len;
	s->unit++;
}

/* Rejected prefixes: none; routes in Adj-RIB-In. */
static void say_statistics(struct session *s, uint32_t peer, uint64_t now_ns)
{
	struct sp_wr w = begin(s, STATISTICS);

	put_peer(s, peer, now_ns, &w);
	sp_wr_be32(&w, 2);
	sp_wr_be16(&w, 0);
	sp_wr_be16(&w, 4);
	sp_wr_be32(&w, 0);
	sp_wr_be16(&w, 7);
	sp_wr_be16(&w, 8);
	sp_wr_be64(&w, s->p->routes.n[0] + s->p->routes.n[1]);
	end(s, &w);
}

static void say_peer_down(struct session *s, uint32_t peer, uint64_t now_ns)
{
	struct sp_wr w = begin(s, PEER_DOWN);

	put_peer(s, peer, now_ns, &w);
	sp_wr_u8(&w, 4); /* the peer closed, and said nothing */
	end(s, &w);
}

static void say_termination(struct session *s)
{
	struct sp_wr w = begin(s, TERMINATION);

	sp_wr_be16(&w, 1);
	sp_wr_be16(&w, 2);
	sp_wr_be16(&w, 0); /* by administration */
	end(s, &w);
	s->over = true;
}

/* ---- the machine ---- */

static uint32_t peers_up(const struct session *s)
{
	uint64_t n = (s->unit + s->p->routes.table - 1) / s->p->routes.table;

	return n < s->p->peers ? (uint32_t)n : s->p->peers;
}

static bool has_more(const struct session *s)
{
	return s->unit < s->p->routes.table * s->p->peers || s->p->routes.churn;
}

/* What is due beside the units: one message, when the last one is written. */
static void next_chore(struct session *s, uint64_t now_ns)
{
	if (s->len || s->over)
		return;
	if (s->ending && s->down_peer < peers_up(s))
		say_peer_down(s, s->down_peer++, now_ns);
	else if (s->ending)
		say_termination(s);
	else if (s->stats_peer < peers_up(s))
		say_statistics(s, s->stats_peer++, now_ns);
}

static void wish(struct session *s, uint64_t now_ns, struct sp_wish *w)
{
	sp_wish_clear(w);
	next_chore(s, now_ns);
	if (s->at < s->len)
		sp_wish_out(w, s->out + s->at, s->len - s->at);
	if (s->over)
		w->flags = SP_WISH_CLOSE;
	if (s->over || s->ending)
		return;
	if (s->p->stats_ns)
		w->timer_ns = s->stats_at_ns;
	if (s->busy || !has_more(s))
		return;
	if (now_ns >= s->next_ns)
		w->flags = SP_WISH_READY;
	else if (s->next_ns < w->timer_ns)
		w->timer_ns = s->next_ns;
}

static void bmp_init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	memset(s, 0, offsetof(struct session, out));
	s->p = p;
	s->next_ns = now_ns;
	s->stats_peer = p->peers;
	s->stats_at_ns = now_ns + p->stats_ns;
	say_initiation(s);
	SP_STORE(*p->said, 0);
	wish(s, now_ns, w);
}

static int bmp_start(void *st, const struct sp_token *t, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	if (s->busy || s->ending || s->over || !has_more(s))
		return -EAGAIN;
	s->txn = (struct sp_txn){ .intended_ns = t->intended_ns, .start_ns = now_ns };
	s->busy = true;
	say_unit(s, now_ns);
	wish(s, now_ns, w);
	return 0;
}

/* A collector says nothing; if it does, it is not listened to. */
static size_t bmp_bytes(void *st, const uint8_t *data, size_t len, uint64_t now_ns,
			struct sp_wish *w)
{
	(void)data;
	wish(st, now_ns, w);
	return len;
}

static void bmp_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;
	bool sent;

	s->at += (uint32_t)n;
	sent = s->unit_end && s->at >= s->unit_end;
	if (s->at == s->len)
		s->at = s->len = 0;
	if (sent) {
		s->unit_end = 0;
		s->busy = false;
		s->txn.sent_ns = s->txn.end_ns = now_ns;
		s->next_ns = s->p->gap_ns ? s->next_ns + s->p->gap_ns : now_ns;
		SP_STORE(*s->p->said, s->unit);
	}
	wish(s, now_ns, w);
	w->sent = sent;
	w->done = sent;
}

static void bmp_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	if (s->p->stats_ns && now_ns >= s->stats_at_ns) {
		s->stats_at_ns += s->p->stats_ns;
		s->stats_peer = 0;
	}
	wish(s, now_ns, w);
}

static void bmp_eof(void *st, size_t left, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	(void)left, (void)now_ns;
	s->over = true;
	s->at = s->len = 0;
	sp_wish_clear(w);
	w->flags = SP_WISH_CLOSE;
	if (!s->busy)
		return;
	s->busy = false;
	s->txn.why = SP_WHY_RESET;
	s->txn.reason = "the collector has closed the connection";
	s->txn.end_ns = now_ns;
	w->done = 1;
}

static void bmp_end(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	s->ending = true;
	wish(s, now_ns, w);
}

static void bmp_closed(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
		       struct sp_wish *w)
{
	struct session *s = st;

	sp_wish_clear(w);
	if (!s->busy)
		return;
	s->busy = false;
	s->txn.why = (uint8_t)why;
	s->txn.reason = reason;
	s->txn.end_ns = now_ns;
	w->done = 1;
}

static void bmp_outcome(void *st, struct sp_txn *t)
{
	*t = ((const struct session *)st)->txn;
}

const struct sp_proto_ops sp_proto_bmp = {
	.name = "bmp",
	.summary = "a monitored router whose peers have tables (RFC 7854)",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct conf),
	.check = check,
	.roles = 1u << SP_ROLE_CLIENT,
	.state_size = sizeof(struct session),
	.port = 1790,
	.session = true,
	.open = bmp_open,
	.close = bmp_close,
	.truth = bmp_truth,
	.init = bmp_init,
	.start = bmp_start,
	.on_bytes = bmp_bytes,
	.on_wrote = bmp_wrote,
	.on_timer = bmp_timer,
	.on_eof = bmp_eof,
	.on_end = bmp_end,
	.on_close = bmp_closed,
	.outcome = bmp_outcome,
};
