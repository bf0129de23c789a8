/* The machine (RFC 7854): initiation, peers that come up with what they have announced, reports while the
 * session is held, and a proper end. A collector says nothing; if it does, it is not listened to. */
#include <errno.h>

#include "core/clock.h"
#include "proto/bmp/gen.h"

struct session {
	struct sp_held held; /* first */
	const struct sp_proto *p;
	uint64_t stats_at_ns;
	uint32_t stats_peer, down_peer; /* the next one to be told of; peers: none is due */
	bool ending, over;
};

static uint32_t peers_up(const struct session *s)
{
	uint64_t table = s->p->routes.table, n = (s->held.unit + table - 1) / table;

	return n < s->p->peers ? (uint32_t)n : s->p->peers;
}

static bool has_more(const struct session *s)
{
	return s->held.unit < s->p->routes.table * s->p->peers || s->p->routes.churn;
}

/* What is due beside the units: one message, when the last one is written. */
static void next_chore(struct session *s, uint64_t now_ns)
{
	if (s->held.len || s->over)
		return;
	if (s->ending && s->down_peer < peers_up(s)) {
		sp_bmp_gen_peer_down(&s->held, s->p, s->down_peer++, now_ns);
	} else if (s->ending) {
		sp_bmp_gen_termination(&s->held);
		s->over = true;
	} else if (s->stats_peer < peers_up(s)) {
		sp_bmp_gen_statistics(&s->held, s->p, s->stats_peer++, now_ns);
	}
}

static void wish(struct session *s, uint64_t now_ns, struct sp_wish *w)
{
	sp_wish_clear(w);
	next_chore(s, now_ns);
	sp_held_wish(&s->held, w);
	if (s->over)
		w->flags = SP_WISH_CLOSE;
	if (s->over || s->ending)
		return;
	if (s->p->stats_ns)
		w->timer_ns = s->stats_at_ns;
	if (!has_more(s))
		return;
	if (sp_held_ready(&s->held, now_ns))
		w->flags = SP_WISH_READY;
	else if (s->held.next_ns > now_ns && s->held.next_ns < w->timer_ns)
		w->timer_ns = s->held.next_ns;
}

static void bmp_init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;

	sp_held_init(&s->held, p->gap_ns, p->said, now_ns);
	s->p = p;
	s->stats_at_ns = now_ns + p->stats_ns;
	s->stats_peer = p->peers;
	s->down_peer = 0;
	s->ending = s->over = false;
	sp_bmp_gen_initiation(&s->held, p);
	wish(s, now_ns, w);
}

static int bmp_start(void *st, const struct sp_token *t, uint64_t now_ns, struct sp_wish *w)
{
	struct session *s = st;
	uint32_t peer, from = s->held.len;
	uint64_t inner;

	if (s->ending || s->over || !has_more(s) || !sp_held_ready(&s->held, now_ns))
		return -EAGAIN;
	inner = sp_bmp_gen_split(s->p, s->held.unit, &peer);
	if (inner == 0)
		sp_bmp_gen_peer_up(&s->held, s->p, peer, now_ns);
	sp_bmp_gen_update(&s->held, s->p, peer, inner, now_ns);
	sp_held_unit(&s->held, from, t, now_ns);
	wish(s, now_ns, w);
	return 0;
}

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
	uint16_t sent = sp_held_wrote(&s->held, n, now_ns);

	wish(s, now_ns, w);
	w->sent = w->done = sent;
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

	(void)left;
	if (!s->over)
		sp_held_lose(&s->held, SP_WHY_RESET, "the collector closed the connection");
	s->over = true;
	sp_wish_clear(w);
	w->flags = SP_WISH_CLOSE;
	w->done = sp_held_fail(&s->held, SP_WHY_RESET, NULL, now_ns);
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
	if (why == SP_WHY_RESET && !reason)
		reason = "the collector reset the connection";
	sp_held_on_close(st, why, reason, now_ns, w);
}

const struct sp_proto_ops sp_proto_bmp = {
	.name = "bmp",
	.summary = "a monitored router whose peers have tables (RFC 7854)",
	.abi = SP_PLUGIN_ABI,
	.opts = sp_bmp_gen_opts,
	.conf_size = sizeof(struct sp_bmp_gen_conf),
	.check = sp_bmp_gen_check,
	.roles = 1u << SP_ROLE_CLIENT,
	.state_size = sizeof(struct session),
	.port = 1790,
	.session = true,
	.open = sp_bmp_gen_open,
	.close = sp_bmp_gen_close,
	.truth = sp_bmp_gen_truth,
	.init = bmp_init,
	.start = bmp_start,
	.on_bytes = bmp_bytes,
	.on_wrote = bmp_wrote,
	.on_timer = bmp_timer,
	.on_eof = bmp_eof,
	.on_end = bmp_end,
	.loss = sp_held_loss,
	.on_close = bmp_closed,
	.outcome = sp_held_outcome,
};
