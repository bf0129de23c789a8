#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "core/shared.h"
#include "proto/bgp/gen.h"

#define OFF(member)    offsetof(struct sp_bgp_gen_conf, member)
#define BGP_PORT       179u
#define PREPARED       (SP_BGP_MOST + 256u) /* an UPDATE, and what is short */
#define DEAD_OPEN_NS   (240 * SP_NS_PER_S)  /* RFC 4271 8.2.2: while none was agreed */
#define CEASE	       6u
#define CEASE_SHUTDOWN 2u /* RFC 4486 */
#define HOLD_EXPIRED   4u
#define OPEN_ERROR     2u
#define HEADER_ERROR   1u
#define BAD_LENGTH     2u
#define CAP_AS4	       65u

static const struct sp_opt opts[] = {
	SP_ROUTES_ROWS(OFF(routes)),
	{ "as", SP_OPT_U64, OFF(as), "64496", NULL, 1, UINT32_MAX, "own AS number" },
	{ "router_id", SP_OPT_TEXT, OFF(router_id), "192.0.2.1", NULL, 0, 0, "own identifier" },
	{ "hold", SP_OPT_TIME, OFF(hold_ns), "90s", NULL, 3000000000, UINT64_C(65535000000000),
	  "hold time that is offered" },
	{ "update_rate", SP_OPT_U64, OFF(rate), "0", NULL, 0, 10000000,
	  "UPDATEs a second; 0: as fast as the peer takes them" },
	{ .name = NULL },
};

enum phase { OPENING, CONFIRMING, ESTABLISHED, OVER };

struct session {
	const struct sp_proto *p;
	struct sp_txn txn;	/* of the unit that is under way */
	uint64_t unit, next_ns; /* the next one, and when it may leave */
	uint64_t heard_ns, said_ns, hold_ns;
	uint32_t at, len, unit_end; /* in out: written, filled; unit_end 0: none is in it */
	uint8_t phase;
	bool busy, waiting; /* a unit is under way; it is not in out yet */
	bool internal;
	const char *reason;
	uint8_t out[PREPARED];
};

/* ---- settings ---- */

static int check(const void *conf, struct sp_err *err)
{
	const struct sp_bgp_gen_conf *c = conf;
	struct sp_routes r;
	struct sp_addr id;

	if (!c)
		return 0;
	if (sp_addr_parse(c->router_id, &id) || id.family != 4)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "router_id is written as an IPv4 address");
	return sp_routes_init(&r, &c->routes, 0, err);
}

static int bgp_open(struct sp_proto **out, const struct sp_proto_args *args,
		    const struct sp_mem *mem, struct sp_err *err)
{
	const struct sp_bgp_gen_conf *c = args->conf;
	struct sp_proto *p = sp_alloc(mem, sizeof *p);
	struct sp_addr id;
	int rc;

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*p = (struct sp_proto){ .mem = mem,
				.as = (uint32_t)c->as,
				.hold_ns = c->hold_ns,
				.gap_ns = c->rate ? SP_NS_PER_S / c->rate : 0 };
	p->said = sp_alloc(mem, sizeof *p->said);
	rc = p->said ? sp_routes_init(&p->routes, &c->routes, args->seed, err)
		     : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (rc) {
		sp_free(mem, p->said);
		sp_free(mem, p);
		return rc;
	}
	sp_addr_parse(c->router_id, &id);
	p->id = sp_get_be32(id.ip);
	*out = p;
	return 0;
}

static void bgp_close(struct sp_proto *p)
{
	sp_free(p->mem, p->said);
	sp_free(p->mem, p);
}

static int bgp_truth(const struct sp_proto *p, const struct sp_truth *t)
{
	const struct sp_routes_speaker by = { p->as, SP_LOAD(p->said->internal) };

	return sp_routes_truth(&p->routes, SP_LOAD(p->said->updates), &by, NULL, t);
}

/* ---- output ---- */

static struct sp_wr room(struct session *s)
{
	return sp_wr_of(s->out + s->len, sizeof s->out - s->len);
}

static void filled(struct session *s, const struct sp_wr *w, uint64_t now_ns)
{
	if (w->bad)
		return;
	s->len = (uint32_t)(w->p - s->out);
	s->said_ns = now_ns;
}

static void say_keepalive(struct session *s, uint64_t now_ns)
{
	struct sp_wr w = room(s);
	uint8_t *begin = w.p;

	sp_bgp_begin(&w, SP_BGP_KEEPALIVE);
	sp_bgp_end(&w, begin);
	filled(s, &w, now_ns);
}

/* The last thing that is said. */
static void end_session(struct session *s, uint8_t code, uint8_t sub, const char *reason,
			uint64_t now_ns)
{
	struct sp_wr w = room(s);
	uint8_t *begin = w.p;

	if (s->phase == OVER)
		return;
	sp_bgp_begin(&w, SP_BGP_NOTIFICATION);
	sp_wr_u8(&w, code);
	sp_wr_u8(&w, sub);
	sp_bgp_end(&w, begin);
	filled(s, &w, now_ns);
	s->phase = OVER;
	s->reason = reason;
}

/* The unit that waits is put where it is written from. */
static void say_unit(struct session *s, uint64_t now_ns)
{
	const struct sp_routes_speaker by = { s->p->as, s->internal };
	struct sp_wr w = room(s);
	const uint8_t *begin = w.p;

	sp_routes_put(&s->p->routes, s->unit, &by, &w);
	s->txn.tx_bytes = (uint64_t)(w.p - begin);
	filled(s, &w, now_ns);
	s->unit_end = s->len;
	s->waiting = false;
	s->unit++;
}

static bool has_more(const struct session *s)
{
	return s->unit < s->p->routes.table || s->p->routes.churn;
}

static uint64_t timer_of(const struct session *s)
{
	uint64_t at = s->heard_ns +
		      (s->phase == ESTABLISHED && s->hold_ns ? s->hold_ns : DEAD_OPEN_NS);

	if (s->phase == ESTABLISHED && !s->hold_ns)
		at = SP_NEVER;
	if (s->phase == ESTABLISHED && s->hold_ns && s->said_ns + s->hold_ns / 3 < at)
		at = s->said_ns + s->hold_ns / 3;
	if (s->phase == ESTABLISHED && !s->busy && has_more(s) && s->next_ns < at)
		at = s->next_ns;
	return at;
}

static void wish(struct session *s, uint64_t now_ns, struct sp_wish *w)
{
	sp_wish_clear(w);
	if (s->at < s->len)
		sp_wish_out(w, s->out + s->at, s->len - s->at);
	if (s->phase == OVER) {
		w->flags = SP_WISH_CLOSE;
		w->timer_ns = SP_NEVER;
		if (s->busy && !s->unit_end) { /* it will not leave */
			s->busy = false;
			s->txn.why = s->reason ? SP_WHY_OTHER : SP_WHY_STOPPED;
			s->txn.reason = s->reason;
			s->txn.end_ns = now_ns;
			w->done = 1;
		}
		return;
	}
	w->timer_ns = timer_of(s);
	/* The first token makes the connection. */
	if (!s->busy && ((s->phase == ESTABLISHED && has_more(s) && now_ns >= s->next_ns) ||
			 (s->phase == OPENING && !s->unit)))
		w->flags = SP_WISH_READY;
}

/* ---- input ---- */

/* Capability 65 among the parameters of an OPEN: the peer's AS number; 0: it has none. */
static uint32_t find_as4(const uint8_t *p, size_t len)
{
	struct sp_rd r = sp_rd_of(p, len);

	while (sp_rd_left(&r) >= 2) {
		uint8_t type = sp_rd_u8(&r), n = sp_rd_u8(&r);
		const uint8_t *value = sp_rd_take(&r, n);
		struct sp_rd c;

		if (!value)
			break;
		c = sp_rd_of(value, n);
		while (type == 2 && sp_rd_left(&c) >= 2) {
			uint8_t code = sp_rd_u8(&c), size = sp_rd_u8(&c);
			const uint8_t *cap = sp_rd_take(&c, size);

			if (!cap)
				return 0;
			if (code == CAP_AS4 && size == 4)
				return sp_get_be32(cap);
		}
	}
	return 0;
}

static void on_open(struct session *s, const uint8_t *m, size_t len, uint64_t now_ns)
{
	uint64_t hold_ns;
	uint32_t as;

	if (s->phase != OPENING || len < 29 || m[19] != 4 || (size_t)29 + m[28] > len) {
		end_session(s, OPEN_ERROR, 0, "the peer's OPEN makes no sense", now_ns);
		return;
	}
	as = find_as4(m + 29, m[28]);
	if (!as) {
		end_session(s, OPEN_ERROR, 7,
			    "the peer has no AS numbers of 4 octets (RFC 6793)", now_ns);
		return;
	}
	hold_ns = sp_get_be16(m + 22) * SP_NS_PER_S;
	s->hold_ns = hold_ns < s->p->hold_ns ? hold_ns : s->p->hold_ns;
	s->internal = as == s->p->as;
	SP_STORE(s->p->said->internal, (uint32_t)s->internal);
	s->phase = CONFIRMING;
	say_keepalive(s, now_ns);
}

static void on_message(struct session *s, const uint8_t *m, size_t len, uint64_t now_ns)
{
	s->heard_ns = now_ns;
	switch (m[18]) {
	case SP_BGP_OPEN:
		on_open(s, m, len, now_ns);
		break;
	case SP_BGP_KEEPALIVE:
		if (s->phase != CONFIRMING)
			break;
		s->phase = ESTABLISHED;
		s->next_ns = now_ns;
		if (s->waiting)
			say_unit(s, now_ns);
		break;
	case SP_BGP_NOTIFICATION:
		s->phase = OVER;
		s->at = s->len = s->unit_end = 0;
		s->reason = "the peer has ended the session by a NOTIFICATION";
		break;
	default:
		break;
	}
}

/* ---- the machine ---- */

static void bgp_init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;
	struct sp_wr out;

	memset(s, 0, offsetof(struct session, out));
	s->p = p;
	s->heard_ns = now_ns;
	out = room(s);
	sp_bgp_put_open(&out, p->as, (uint16_t)(p->hold_ns / SP_NS_PER_S), p->id);
	filled(s, &out, now_ns);
	SP_STORE(p->said->updates, 0);
	wish(s, now_ns, w);
}

static int bgp_start(void *st, const struct sp_token *t, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	if (s->busy || s->phase == OVER || (s->phase == ESTABLISHED && !has_more(s)))
		return -EAGAIN;
	s->txn = (struct sp_txn){ .intended_ns = t->intended_ns, .start_ns = now_ns };
	s->busy = s->waiting = true;
	if (s->phase == ESTABLISHED)
		say_unit(s, now_ns);
	wish(s, now_ns, w);
	return 0;
}

static size_t bgp_bytes(void *st, const uint8_t *data, size_t len, uint64_t now_ns,
			struct sp_wish *w)
{
	struct session *s = st;
	size_t used = 0;

	while (s->phase != OVER && used < len) {
		ptrdiff_t n = sp_bgp_boundary(data + used, len - used);

		if (n == 0)
			break;
		if (n < 0) {
			end_session(
				s, HEADER_ERROR, BAD_LENGTH,
				"the peer's message is none, or has a length that cannot be",
				now_ns);
			break;
		}
		on_message(s, data + used, (size_t)n, now_ns);
		used += (size_t)n;
	}
	wish(s, now_ns, w);
	return s->phase == OVER ? len : used;
}

static void bgp_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
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
		SP_STORE(s->p->said->updates, s->unit);
	}
	wish(s, now_ns, w);
	w->sent = sent;
	w->done = (uint16_t)(w->done + sent);
}

static void bgp_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	if (s->phase != OVER && s->phase != ESTABLISHED && now_ns >= s->heard_ns + DEAD_OPEN_NS)
		end_session(s, HOLD_EXPIRED, 0, "the peer has not come to an agreement",
			    now_ns);
	if (s->phase == ESTABLISHED && s->hold_ns) {
		if (now_ns >= s->heard_ns + s->hold_ns)
			end_session(s, HOLD_EXPIRED, 0, "the peer was silent for the hold time",
				    now_ns);
		else if (now_ns >= s->said_ns + s->hold_ns / 3)
			say_keepalive(s, now_ns);
	}
	wish(s, now_ns, w);
}

static void bgp_eof(void *st, size_t left, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	(void)left;
	if (s->phase != OVER) {
		s->phase = OVER;
		s->reason = "the peer has closed the connection";
	}
	s->at = s->len = s->unit_end = 0;
	wish(s, now_ns, w);
}

/* The stream is over. */
static void bgp_end(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	end_session(s, CEASE, CEASE_SHUTDOWN, NULL, now_ns);
	wish(s, now_ns, w);
}

static void bgp_closed(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
		       struct sp_wish *w)
{
	struct session *s = st;

	sp_wish_clear(w);
	if (!s->busy)
		return;
	s->busy = false;
	s->txn.why = (uint8_t)why;
	s->txn.reason = reason ? reason : s->reason;
	s->txn.end_ns = now_ns;
	w->done = 1;
}

static void bgp_outcome(void *st, struct sp_txn *t)
{
	*t = ((const struct session *)st)->txn;
}

const struct sp_proto_ops sp_proto_bgp = {
	.name = "bgp",
	.summary = "a routing table that is announced, and held (RFC 4271)",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_bgp_gen_conf),
	.check = check,
	.roles = 1u << SP_ROLE_CLIENT,
	.state_size = sizeof(struct session),
	.port = BGP_PORT,
	.keep_max = SP_BGP_MOST,
	.session = true,
	.open = bgp_open,
	.close = bgp_close,
	.truth = bgp_truth,
	.init = bgp_init,
	.start = bgp_start,
	.on_bytes = bgp_bytes,
	.on_wrote = bgp_wrote,
	.on_timer = bgp_timer,
	.on_eof = bgp_eof,
	.on_end = bgp_end,
	.on_close = bgp_closed,
	.outcome = bgp_outcome,
};
