/* What leaves next. */
#include "core/shared.h"
#include "engine/recorded_impl.h"

void sp_recorded_over(struct sp_recorded *s, enum sp_why why, const char *reason)
{
	s->why = why;
	s->reason = reason;
}

void sp_recorded_begin(struct sp_recorded *s, enum sp_recorded_out out, const uint8_t *at,
		       size_t len, uint64_t now_ns)
{
	s->out = out;
	s->at = at;
	s->len = len;
	s->off = 0;
	s->moved_ns = now_ns;
}

static void say(struct sp_recorded *s, enum sp_recorded_out out,
		const uint8_t *(*what)(size_t *len), uint64_t now_ns)
{
	size_t len = 0;
	const uint8_t *at = what ? what(&len) : NULL;

	if (at && len)
		sp_recorded_begin(s, out, at, len, now_ns);
}

/* False: the first message has to wait, or is another connection's. */
static bool may_leave(struct sp_recorded *s, const struct sp_recorded_head *h, uint64_t now_ns)
{
	if (!sp_recorded_peer(s))
		return true;
	if (h->flags & SP_CM_BEGINS && s->greeted) {
		s->again = true;
		return false;
	}
	if (!(h->flags & SP_CM_WAITS) || s->talk.established)
		return true;
	if (!s->greeted)
		sp_recorded_over(
			s, SP_WHY_OTHER,
			"its capture has no opening message of the session, so that the peer "
			"would never take the others");
	else if (!s->blocked_ns)
		SP_STORE(s->blocked_ns, now_ns);
	return false;
}

static void close_down(struct sp_recorded *s, uint64_t now_ns)
{
	const struct sp_codec_peer_ops *p = sp_recorded_peer(s);

	if (p && s->greeted && !s->parted)
		say(s, SP_RECORDED_FAREWELL, p->farewell, now_ns);
	s->parted = true;
	if (s->out != SP_RECORDED_NOTHING)
		return;
	s->shut = true;
	s->linger_ns = now_ns + SP_RECORDED_LINGER_NS;
}

static uint64_t filler_due(const struct sp_recorded *s)
{
	if (!sp_recorded_peer(s) || !s->talk.established || !s->talk.filler_ns || s->parted)
		return SP_NEVER;
	return s->sent_ns + s->talk.filler_ns;
}

static void choose(struct sp_recorded *s, uint64_t now_ns)
{
	const struct sp_codec_peer_ops *p = sp_recorded_peer(s);
	const struct sp_recorded_head *h = sp_recorded_first(s);

	if (s->recall) {
		s->recall = false;
		if (s->opening_len && !(h && h->flags & SP_CM_BEGINS)) {
			sp_recorded_begin(s, SP_RECORDED_RECALL, s->opening, s->opening_len,
					  now_ns);
			return;
		}
	}
	if (s->talk.answer) {
		s->talk.answer = false;
		say(s, SP_RECORDED_FILLER, p->filler, now_ns);
		if (s->out != SP_RECORDED_NOTHING)
			return;
	}
	if (h && !s->parted && may_leave(s, h, now_ns)) {
		sp_recorded_begin(s, SP_RECORDED_MESSAGE, (const uint8_t *)(h + 1), h->len,
				  now_ns);
		return;
	}
	if (s->why)
		return;
	if (s->again || (s->ending && !h))
		close_down(s, now_ns);
	else if (now_ns >= filler_due(s))
		say(s, SP_RECORDED_FILLER, p->filler, now_ns);
}

/* May it leave together with those before it? */
static bool follows(const struct sp_recorded *s, const struct sp_recorded_head *h)
{
	if (!sp_recorded_peer(s))
		return true;
	return !s->talk.answer && !(h->flags & SP_CM_BEGINS) &&
	       (!(h->flags & SP_CM_WAITS) || s->talk.established);
}

/* Messages that wait behind each other leave by one call. */
static void wish_messages(const struct sp_recorded *s, struct sp_wish *w)
{
	const struct sp_recorded_head *h = sp_recorded_first(s);
	size_t at = s->head + sp_recorded_room(h->len);

	sp_wish_out(w, s->at + s->off, s->len - s->off);
	for (; at < s->tail && w->n_out < SP_WISH_OUT; at += sp_recorded_room(h->len)) {
		h = (const struct sp_recorded_head *)(const void *)(s->bytes + at);
		if (!follows(s, h))
			return;
		sp_wish_out(w, h + 1, h->len);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void sp_recorded_wish(struct sp_recorded *s, uint64_t now_ns, struct sp_wish *w)
{
	sp_wish_clear(w);
	if (!s->why && !s->shut && s->out == SP_RECORDED_NOTHING)
		choose(s, now_ns);
	if (s->why || s->ended) {
		w->flags = SP_WISH_CLOSE;
	} else if (s->shut) {
		w->flags = SP_WISH_SHUT;
		w->timer_ns = s->linger_ns;
	} else if (s->out == SP_RECORDED_MESSAGE) {
		wish_messages(s, w);
	} else if (s->out != SP_RECORDED_NOTHING) {
		sp_wish_out(w, s->at + s->off, s->len - s->off);
	} else {
		w->timer_ns = filler_due(s);
		if (s->blocked_ns)
			w->timer_ns = earlier(w->timer_ns,
					      s->blocked_ns + SP_RECORDED_ANSWER_NS);
	}
}
