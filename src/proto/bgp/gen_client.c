/* The machine: a session (RFC 4271 8) and what is said in it. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "core/shared.h"
#include "proto/bgp/gen.h"
#include "proto/held.h"

#define BGP_PORT       179u
#define DEAD_OPEN_NS   (240 * SP_NS_PER_S) /* RFC 4271 8.2.2: while none was agreed */
#define CEASE	       6u
#define CEASE_SHUTDOWN 2u /* RFC 4486 */
#define HOLD_EXPIRED   4u
#define OPEN_ERROR     2u
#define HEADER_ERROR   1u
#define BAD_LENGTH     2u
#define CAP_AS4	       65u

enum phase { OPENING, CONFIRMING, ESTABLISHED, OVER };

struct session {
	struct sp_held held; /* first */
	const struct sp_proto *p;
	uint64_t heard_ns, said_ns, hold_ns;
	uint8_t phase;
	bool internal, gone; /* gone: nothing is written any more */
};

/* ---- output ---- */

static void filled(struct session *s, const struct sp_wr *w, uint64_t now_ns)
{
	if (sp_held_filled(&s->held, w))
		s->said_ns = now_ns;
}

static void say_keepalive(struct session *s, uint64_t now_ns)
{
	struct sp_wr w = sp_held_room(&s->held);
	uint8_t *begin = w.p;

	sp_bgp_begin(&w, SP_BGP_KEEPALIVE);
	sp_bgp_end(&w, begin);
	filled(s, &w, now_ns);
}

/* The last thing that is said. */
static void say_notification(struct session *s, uint8_t code, uint8_t sub, uint64_t now_ns)
{
	struct sp_wr w = sp_held_room(&s->held);
	uint8_t *begin = w.p;

	sp_bgp_begin(&w, SP_BGP_NOTIFICATION);
	sp_wr_u8(&w, code);
	sp_wr_u8(&w, sub);
	sp_bgp_end(&w, begin);
	filled(s, &w, now_ns);
	s->phase = OVER;
}

/* We end it: the peer is told why, and the user as well. */
static void refuse(struct session *s, uint8_t code, uint8_t sub, const char *reason,
		   uint64_t now_ns)
{
	sp_held_lose(&s->held, SP_WHY_OTHER, "%s", reason);
	say_notification(s, code, sub, now_ns);
}

static double lived_s(const struct session *s, uint64_t now_ns)
{
	return (double)(now_ns - s->held.begun_ns) / 1e9;
}

/* No agreement has come about so far. */
static void lose_opening(struct session *s, uint64_t now_ns)
{
	sp_held_lose(
		&s->held, SP_WHY_TIMEOUT,
		s->phase == OPENING
			? "the peer did not answer OPEN within %.3g s"
			: "the peer did not confirm the session by a KEEPALIVE within %.3g s",
		lived_s(s, now_ns));
}

static bool has_more(const struct session *s)
{
	return s->held.unit < s->p->routes.table || s->p->routes.churn;
}

static uint64_t timer_of(const struct session *s)
{
	uint64_t at = s->heard_ns +
		      (s->phase == ESTABLISHED && s->hold_ns ? s->hold_ns : DEAD_OPEN_NS);

	if (s->phase == ESTABLISHED && !s->hold_ns)
		at = SP_NEVER;
	if (s->phase == ESTABLISHED && s->hold_ns && s->said_ns + s->hold_ns / 3 < at)
		at = s->said_ns + s->hold_ns / 3;
	if (s->phase == ESTABLISHED && has_more(s) && s->held.next_ns < at)
		at = s->held.next_ns;
	return at;
}

static void wish(struct session *s, uint64_t now_ns, struct sp_wish *w)
{
	sp_wish_clear(w);
	sp_held_wish(&s->held, w);
	if (s->phase == OVER) {
		w->flags = SP_WISH_CLOSE;
		return;
	}
	w->timer_ns = timer_of(s);
	if (s->phase == ESTABLISHED && has_more(s) && sp_held_ready(&s->held, now_ns))
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
		refuse(s, OPEN_ERROR, 0, "the peer's OPEN makes no sense", now_ns);
		return;
	}
	as = find_as4(m + 29, m[28]);
	if (!as) {
		refuse(s, OPEN_ERROR, 7, "the peer has no AS numbers of 4 octets (RFC 6793)",
		       now_ns);
		return;
	}
	hold_ns = sp_get_be16(m + 22) * SP_NS_PER_S;
	s->hold_ns = hold_ns < s->p->hold_ns ? hold_ns : s->p->hold_ns;
	s->internal = as == s->p->as;
	SP_STORE(s->p->said->internal, (uint32_t)s->internal);
	s->phase = CONFIRMING;
	say_keepalive(s, now_ns);
}

/* Of a Cease: what its operator has to say (RFC 9003), else nothing. */
static void read_words(const uint8_t *m, size_t len, char *words, size_t cap)
{
	char raw[129] = "";
	size_t n = len > SP_BGP_HEAD + 3 ? m[SP_BGP_HEAD + 2] : 0;

	*words = '\0';
	if (m[SP_BGP_HEAD] != CEASE || !n || n >= sizeof raw || SP_BGP_HEAD + 3 + n > len)
		return;
	memcpy(raw, m + SP_BGP_HEAD + 3, n);
	words[0] = ':';
	words[1] = ' ';
	sp_str_printable(words + 2, cap - 2, raw);
}

static void on_notification(struct session *s, const uint8_t *m, size_t len)
{
	uint8_t code = len > SP_BGP_HEAD + 1 ? m[SP_BGP_HEAD] : 0;
	uint8_t sub = len > SP_BGP_HEAD + 1 ? m[SP_BGP_HEAD + 1] : 0;
	char words[140] = "";

	if (code)
		read_words(m, len, words, sizeof words);
	sp_held_lose(&s->held, SP_WHY_OTHER, "%s: %s (%u/%u)%s",
		     s->phase == ESTABLISHED ? "the peer ended the session"
					     : "the peer refused",
		     sp_bgp_notification(code, sub), code, sub, words);
	s->phase = OVER;
	s->gone = true;
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
		s->held.next_ns = now_ns;
		break;
	case SP_BGP_NOTIFICATION:
		on_notification(s, m, len);
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

	sp_held_init(&s->held, p->gap_ns, &p->said->updates, now_ns);
	s->p = p;
	s->heard_ns = now_ns;
	s->hold_ns = 0;
	s->phase = OPENING;
	s->internal = s->gone = false;
	out = sp_held_room(&s->held);
	sp_bgp_put_open(&out, p->as, (uint16_t)(p->hold_ns / SP_NS_PER_S), p->id);
	filled(s, &out, now_ns);
	wish(s, now_ns, w);
}

static int bgp_start(void *st, const struct sp_token *t, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;
	const struct sp_routes_speaker by = { s->p->as, s->internal };
	uint32_t from = s->held.len;
	struct sp_wr out;

	if (s->phase != ESTABLISHED || !has_more(s) || !sp_held_ready(&s->held, now_ns))
		return -EAGAIN;
	out = sp_held_room(&s->held);
	sp_routes_put(&s->p->routes, s->held.unit, &by, &out);
	filled(s, &out, now_ns);
	sp_held_unit(&s->held, from, t, now_ns);
	wish(s, now_ns, w);
	return 0;
}

/* Whoever is over says no more of what it was asked to, but for a last word that is there. */
static void settle(struct session *s, uint64_t now_ns, struct sp_wish *w)
{
	uint16_t failed = 0;

	if (s->gone)
		failed = sp_held_fail(&s->held, SP_WHY_OTHER, NULL, now_ns);
	wish(s, now_ns, w);
	w->done = failed;
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
			refuse(s, HEADER_ERROR, BAD_LENGTH,
			       "the peer's message is none, or has a length that cannot be",
			       now_ns);
			break;
		}
		on_message(s, data + used, (size_t)n, now_ns);
		used += (size_t)n;
	}
	settle(s, now_ns, w);
	return s->phase == OVER ? len : used;
}

static void bgp_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;
	uint16_t sent = sp_held_wrote(&s->held, n, now_ns);

	wish(s, now_ns, w);
	w->sent = w->done = sent;
}

static void bgp_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	if (s->phase < ESTABLISHED && now_ns >= s->heard_ns + DEAD_OPEN_NS) {
		lose_opening(s, now_ns);
		say_notification(s, HOLD_EXPIRED, 0, now_ns);
	}
	if (s->phase == ESTABLISHED && s->hold_ns) {
		if (now_ns >= s->heard_ns + s->hold_ns)
			refuse(s, HOLD_EXPIRED, 0, "the peer was silent for the hold time",
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
	if (s->phase != OVER)
		sp_held_lose(&s->held, SP_WHY_RESET,
			     s->phase == OPENING ? "the peer closed the connection instead of "
						   "answering OPEN"
			     : s->phase == CONFIRMING
				     ? "the peer closed the connection before the session stood"
				     : "the peer closed the connection");
	s->phase = OVER;
	s->gone = true;
	settle(s, now_ns, w);
}

/* The stream is over. */
static void bgp_end(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	if (s->phase < ESTABLISHED)
		lose_opening(s, now_ns);
	if (s->phase != OVER)
		say_notification(s, CEASE, CEASE_SHUTDOWN, now_ns);
	wish(s, now_ns, w);
}

static void bgp_closed(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
		       struct sp_wish *w)
{
	struct session *s = st;

	if (why == SP_WHY_RESET && s->phase == OPENING && !reason)
		reason = "the peer reset the connection instead of answering OPEN";
	sp_held_on_close(&s->held, why, reason, now_ns, w);
}

const struct sp_proto_ops sp_proto_bgp = {
	.name = "bgp",
	.summary = "a routing table that is announced, and held (RFC 4271)",
	.abi = SP_PLUGIN_ABI,
	.opts = sp_bgp_gen_opts,
	.conf_size = sizeof(struct sp_bgp_gen_conf),
	.check = sp_bgp_gen_check,
	.roles = 1u << SP_ROLE_CLIENT,
	.state_size = sizeof(struct session),
	.port = BGP_PORT,
	.keep_max = SP_BGP_MOST,
	.session = true,
	.open = sp_bgp_gen_open,
	.close = sp_bgp_gen_close,
	.truth = sp_bgp_gen_truth,
	.init = bgp_init,
	.start = bgp_start,
	.on_bytes = bgp_bytes,
	.on_wrote = bgp_wrote,
	.on_timer = bgp_timer,
	.on_eof = bgp_eof,
	.on_end = bgp_end,
	.loss = sp_held_loss,
	.on_close = bgp_closed,
	.outcome = sp_held_outcome,
};
