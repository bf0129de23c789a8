#include "engine/recorded_impl.h"

#include <errno.h>
#include <string.h>

#include "core/shared.h"

struct machine {
	struct sp_recorded *s;
};

int sp_recorded_init(struct sp_recorded *s)
{
	const struct sp_codec_ops *c = s->codec;

	if (c && c->open) {
		s->said = c->open(s->mem);
		if (!s->said)
			return -ENOMEM;
	}
	if (c && c->peer) {
		s->peer = sp_alloc(s->mem, c->peer->state_size + 1);
		if (!s->peer)
			return -ENOMEM;
	}
	return 0;
}

void sp_recorded_fini(struct sp_recorded *s)
{
	if (!s->mem)
		return;
	if (s->said)
		s->codec->close(s->said);
	sp_free(s->mem, s->peer);
	sp_free(s->mem, s->bytes);
	sp_free(s->mem, s->opening);
	*s = (struct sp_recorded){ 0 };
}

void sp_recorded_end(struct sp_recorded *s, bool hurry)
{
	s->ending = true;
	s->hurry |= hurry;
}

/* ---- what became of it ---- */

static void told(struct sp_recorded *s, const uint8_t *data, size_t len, uint64_t now_ns)
{
	if (sp_recorded_peer(s))
		sp_recorded_peer(s)->sent(s->peer, data, len, &s->talk);
	s->sent_ns = now_ns;
}

/* How long the unit could not leave, whatever the schedule said. */
static uint64_t note_hold(struct sp_recorded *s, uint64_t due_ns)
{
	uint64_t free_ns = s->released_ns < s->start_ns ? s->released_ns : s->start_ns;
	uint64_t held_ns = free_ns > due_ns ? free_ns - due_ns : 0;

	if (!held_ns)
		return 0;
	SP_ADD(s->counts->waited, 1);
	if (held_ns > SP_LOAD(s->counts->waited_ns))
		SP_STORE(s->counts->waited_ns, held_ns);
	return held_ns;
}

static void message_left(struct sp_recorded *s, uint64_t now_ns)
{
	const struct sp_recorded_head *h = sp_recorded_first(s);

	told(s, s->at, s->len, now_ns);
	SP_ADD(s->counts->messages, 1);
	s->greeted |= (h->flags & SP_CM_BEGINS) != 0;
	sp_recorded_remember(s, h);
	s->unit_bytes += s->len;
	if (h->last) {
		s->done[s->n_done++] = (struct sp_recorded_done){
			.txn = { .intended_ns = h->due_ns,
				 .start_ns = s->start_ns,
				 .sent_ns = now_ns,
				 .end_ns = now_ns,
				 .tx_bytes = s->unit_bytes },
			.held_ns = note_hold(s, h->due_ns),
		};
		s->units--;
		s->left++;
		s->unit_bytes = 0;
	}
	sp_recorded_pop(s);
}

static void opening_left(struct sp_recorded *s, uint64_t now_ns)
{
	SP_ADD(s->counts->again, 1);
	s->greeted = true;
	for (size_t at = 0, n; at < s->opening_len; at += n) {
		ptrdiff_t len = s->codec->boundary(s->opening + at, s->opening_len - at);

		n = len > 0 ? (size_t)len : s->opening_len - at;
		told(s, s->opening + at, n, now_ns);
	}
}

static void left(struct sp_recorded *s, uint64_t now_ns)
{
	enum sp_recorded_out out = s->out;

	s->out = SP_RECORDED_NOTHING;
	switch (out) {
	case SP_RECORDED_MESSAGE:
		message_left(s, now_ns);
		break;
	case SP_RECORDED_RECALL:
		opening_left(s, now_ns);
		break;
	case SP_RECORDED_FILLER:
		SP_ADD(s->counts->fillers, 1);
		told(s, s->at, s->len, now_ns);
		break;
	default:
		break;
	}
}

/* ---- the machine ---- */

static void recorded_init(void *st, const struct sp_proto *proto, uint64_t now_ns,
			  struct sp_wish *w)
{
	const struct sp_recorded_proto *p = (const void *)proto;
	struct sp_recorded *s = p->session;

	((struct machine *)st)->s = s;
	if (s->peer)
		memset(s->peer, 0, s->codec->peer->state_size);
	s->talk = (struct sp_codec_talk){ 0 };
	s->out = SP_RECORDED_NOTHING;
	s->off = 0;
	s->recall = s->connected;
	s->released_ns = s->connected ? now_ns : 0;
	s->connected = true;
	s->deaf = s->greeted = s->parted = s->shut = s->again = s->ended = false;
	SP_STORE(s->blocked_ns, 0);
	s->left = 0;
	s->why = SP_WHY_NONE;
	s->reason = NULL;
	s->code = 0;
	sp_recorded_wish(s, now_ns, w);
}

static int recorded_start(void *st, const struct sp_token *t, uint64_t now_ns,
			  struct sp_wish *w)
{
	(void)st, (void)t, (void)now_ns, (void)w;
	return -EAGAIN; /* units come by put */
}

static size_t recorded_bytes(void *st, const uint8_t *data, size_t len, uint64_t now_ns,
			     struct sp_wish *w)
{
	struct sp_recorded *s = ((struct machine *)st)->s;
	const struct sp_codec_peer_ops *p = sp_recorded_peer(s);
	bool before = s->talk.established;
	size_t used = len;

	if (p && !s->deaf && !s->shut) {
		used = p->got(s->peer, data, len, &s->talk);
		s->deaf = !used && len >= sp_recorded_ops.keep_max;
		used = s->deaf || used > len ? len : used;
	}
	SP_ADD(s->counts->answers, used);
	if (s->talk.established && !before) {
		s->released_ns = now_ns;
		s->sent_ns = now_ns;
		SP_STORE(s->blocked_ns, 0);
	}
	if (s->talk.over && !s->parted && !s->why) {
		s->code = s->talk.code;
		sp_recorded_over(s, SP_WHY_STATUS, s->talk.reason);
	}
	sp_recorded_wish(s, now_ns, w);
	return used;
}

/* What was written is of what leaves now, then of the messages behind it. */
static void recorded_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	struct sp_recorded *s = ((struct machine *)st)->s;
	const struct sp_recorded_head *h;
	size_t piece;

	s->n_done = s->told = 0;
	while (n) {
		piece = n < s->len - s->off ? n : s->len - s->off;
		if (s->out == SP_RECORDED_MESSAGE && !s->off && !s->unit_bytes)
			s->start_ns = now_ns;
		s->moved_ns = now_ns;
		s->off += piece;
		n -= piece;
		if (s->off < s->len)
			break;
		left(s, now_ns);
		h = n ? sp_recorded_first(s) : NULL;
		if (!h)
			break;
		sp_recorded_begin(s, SP_RECORDED_MESSAGE, (const uint8_t *)(h + 1), h->len,
				  now_ns);
	}
	sp_recorded_wish(s, now_ns, w);
	w->sent = w->done = (uint16_t)s->n_done;
}

static uint64_t stall_ns(const struct sp_recorded *s)
{
	return s->hurry ? SP_RECORDED_LINGER_NS : SP_RECORDED_STALL_NS;
}

static void recorded_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct sp_recorded *s = ((struct machine *)st)->s;

	if (s->shut && now_ns >= s->linger_ns)
		s->ended = true;
	else if (!s->shut && s->out != SP_RECORDED_NOTHING &&
		 now_ns >= s->moved_ns + stall_ns(s))
		sp_recorded_over(s, SP_WHY_TIMEOUT, "the peer reads nothing any more");
	else if (s->blocked_ns && now_ns >= s->blocked_ns + SP_RECORDED_ANSWER_NS)
		sp_recorded_over(s, SP_WHY_TIMEOUT,
				 "the peer did not answer the session's opening");
	sp_recorded_wish(s, now_ns, w);
}

static void recorded_eof(void *st, size_t kept, uint64_t now_ns, struct sp_wish *w)
{
	struct sp_recorded *s = ((struct machine *)st)->s;

	(void)kept;
	if (s->parted)
		s->ended = true;
	else if (!s->why)
		sp_recorded_over(s, SP_WHY_RESET, "the peer closed the session");
	sp_recorded_wish(s, now_ns, w);
}

static void recorded_closed(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
			    struct sp_wish *w)
{
	struct sp_recorded *s = ((struct machine *)st)->s;

	(void)now_ns;
	sp_wish_clear(w);
	s->out = SP_RECORDED_NOTHING;
	s->off = 0;
	if (s->shut)
		s->ended = true;
	else if (!s->why)
		sp_recorded_over(s, why, reason);
}

static void recorded_outcome(void *st, struct sp_txn *t)
{
	struct sp_recorded *s = ((struct machine *)st)->s;
	const struct sp_recorded_done *d = &s->done[s->told++];

	s->held_ns = d->held_ns;
	*t = d->txn;
}

const struct sp_proto_ops sp_recorded_ops = {
	.name = "recorded",
	.summary = "messages of a capture",
	.abi = SP_PLUGIN_ABI,
	.roles = 1u << SP_ROLE_CLIENT,
	.state_size = sizeof(struct machine),
	.keep_max = 65536,
	.init = recorded_init,
	.start = recorded_start,
	.on_bytes = recorded_bytes,
	.on_wrote = recorded_wrote,
	.on_timer = recorded_timer,
	.on_eof = recorded_eof,
	.on_close = recorded_closed,
	.outcome = recorded_outcome,
};
