#include "engine/recorded.h"

#include <errno.h>
#include <string.h>

#include "core/shared.h"

#define QUEUE_MIN 4096u

/* Before the octets of each message in the queue. */
struct head {
	uint64_t due_ns;
	uint32_t len;
	uint16_t flags; /* enum sp_codec_flag */
	uint16_t last;	/* of its unit */
};

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

/* ---- the queue ---- */

static size_t room_of(size_t len)
{
	return sizeof(struct head) + (len + 7) / 8 * 8;
}

static struct head *first(const struct sp_recorded *s)
{
	return s->head == s->tail ? NULL : (struct head *)(void *)(s->bytes + s->head);
}

static int make_room(struct sp_recorded *s, size_t need)
{
	size_t used = s->tail - s->head, cap = s->cap ? s->cap : QUEUE_MIN;
	uint8_t *bytes;

	if (s->cap - s->tail >= need)
		return 0;
	/* What is being written is borrowed by the wish: a move is followed by a new one. */
	if (s->head >= used && s->cap - used >= need) {
		if (used)
			memcpy(s->bytes, s->bytes + s->head, used);
	} else {
		while (cap - used < need)
			cap *= 2;
		bytes = sp_alloc_array(s->mem, cap, 1);
		if (!bytes)
			return -ENOMEM;
		if (used)
			memcpy(bytes, s->bytes + s->head, used);
		sp_free(s->mem, s->bytes);
		s->bytes = bytes;
		s->cap = cap;
	}
	if (s->out == SP_RECORDED_MESSAGE)
		s->at = s->bytes + sizeof(struct head);
	s->head = 0;
	s->tail = used;
	return 0;
}

/* Length of the first message, and what it is. What cannot be told apart is taken as a whole. */
static size_t look(struct sp_recorded *s, const uint8_t *data, size_t len, uint16_t *flags)
{
	struct sp_codec_note note = { 0 };
	ptrdiff_t n = s->codec ? s->codec->boundary(data, len) : (ptrdiff_t)len;

	*flags = 0;
	if (!s->codec)
		return len;
	if (n <= 0 || (size_t)n > len) {
		*flags = s->codec->peer ? SP_CM_WAITS : 0;
		return len;
	}
	s->codec->read(s->said, data, (size_t)n, &note);
	*flags = (uint16_t)note.flags;
	return (size_t)n;
}

int sp_recorded_put(struct sp_recorded *s, const uint8_t *data, size_t len, uint64_t due_ns)
{
	size_t before = s->tail - s->head, n;
	struct head *h = NULL;
	uint16_t flags;

	for (; len; data += n, len -= n) {
		n = look(s, data, len, &flags);
		if (make_room(s, room_of(n))) {
			s->tail = s->head + before;
			return -ENOMEM;
		}
		h = (struct head *)(void *)(s->bytes + s->tail);
		*h = (struct head){ .due_ns = due_ns, .len = (uint32_t)n, .flags = flags };
		memcpy(h + 1, data, n);
		s->tail += room_of(n);
	}
	if (!h)
		return -EINVAL;
	h->last = true;
	s->units++;
	return 0;
}

static void pop(struct sp_recorded *s)
{
	s->head += room_of(first(s)->len);
	if (s->head == s->tail)
		s->head = s->tail = 0;
}

/* A message that is part-way out stays, and is the last one of its unit. */
uint64_t sp_recorded_drop(struct sp_recorded *s, bool all)
{
	uint64_t n = s->units;

	if (!all && s->out == SP_RECORDED_MESSAGE && s->off) {
		s->tail = s->head + room_of(first(s)->len);
		first(s)->last = true;
		s->units = 1;
		return n - 1;
	}
	if (s->out == SP_RECORDED_MESSAGE)
		s->out = SP_RECORDED_NOTHING;
	s->head = s->tail = 0;
	s->units = 0;
	s->unit_bytes = 0;
	return n;
}

void sp_recorded_end(struct sp_recorded *s, bool hurry)
{
	s->ending = true;
	s->hurry |= hurry;
}

bool sp_recorded_needs(const struct sp_recorded *s)
{
	return s->head != s->tail;
}

/* ---- the opening, for another connection ---- */

static bool keep(struct sp_recorded *s, const struct head *h)
{
	size_t cap = s->opening_cap ? s->opening_cap : 1024;
	uint8_t *grown;

	while (cap < s->opening_len + h->len)
		cap *= 2;
	if (cap > SP_RECORDED_OPENING)
		return false;
	if (cap != s->opening_cap) {
		grown = sp_alloc_array(s->mem, cap, 1);
		if (!grown)
			return false;
		if (s->opening_len)
			memcpy(grown, s->opening, s->opening_len);
		sp_free(s->mem, s->opening);
		s->opening = grown;
		s->opening_cap = cap;
	}
	memcpy(s->opening + s->opening_len, h + 1, h->len);
	s->opening_len += h->len;
	return true;
}

static void remember(struct sp_recorded *s, const struct head *h)
{
	if (h->flags & SP_CM_BEGINS) {
		s->opening_len = 0;
		s->forgotten = false;
	} else if (!(h->flags & SP_CM_DEFINES)) {
		return;
	}
	s->forgotten |= !keep(s, h);
}

static const struct sp_codec_peer_ops *peer_of(const struct sp_recorded *s)
{
	return s->codec ? s->codec->peer : NULL;
}

/* ---- what leaves next ---- */

static void end_for(struct sp_recorded *s, enum sp_why why, const char *reason)
{
	s->why = why;
	s->reason = reason;
}

static void begin_out(struct sp_recorded *s, enum sp_recorded_out out, const uint8_t *at,
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
		begin_out(s, out, at, len, now_ns);
}

/* False: the first message has to wait, or is another connection's. */
static bool may_leave(struct sp_recorded *s, const struct head *h, uint64_t now_ns)
{
	if (!peer_of(s))
		return true;
	if (h->flags & SP_CM_BEGINS && s->greeted) {
		s->again = true;
		return false;
	}
	if (!(h->flags & SP_CM_WAITS) || s->talk.established)
		return true;
	if (!s->greeted)
		end_for(s, SP_WHY_OTHER,
			"its capture has no opening message of the session, so that the peer "
			"would never take the others");
	else if (!s->blocked_ns)
		s->blocked_ns = now_ns;
	return false;
}

static void close_down(struct sp_recorded *s, uint64_t now_ns)
{
	const struct sp_codec_peer_ops *p = peer_of(s);

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
	if (!peer_of(s) || !s->talk.established || !s->talk.filler_ns || s->parted)
		return SP_NEVER;
	return s->sent_ns + s->talk.filler_ns;
}

static void choose(struct sp_recorded *s, uint64_t now_ns)
{
	const struct sp_codec_peer_ops *p = peer_of(s);
	const struct head *h = first(s);

	if (s->recall) {
		s->recall = false;
		if (s->opening_len && !(h && h->flags & SP_CM_BEGINS)) {
			begin_out(s, SP_RECORDED_RECALL, s->opening, s->opening_len, now_ns);
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
		begin_out(s, SP_RECORDED_MESSAGE, (const uint8_t *)(h + 1), h->len, now_ns);
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
static bool follows(const struct sp_recorded *s, const struct head *h)
{
	if (!peer_of(s))
		return true;
	return !s->talk.answer && !(h->flags & SP_CM_BEGINS) &&
	       (!(h->flags & SP_CM_WAITS) || s->talk.established);
}

/* Messages that wait behind each other leave by one call. */
static void wish_messages(const struct sp_recorded *s, struct sp_wish *w)
{
	const struct head *h = first(s);
	size_t at = s->head + room_of(h->len);

	sp_wish_out(w, s->at + s->off, s->len - s->off);
	for (; at < s->tail && w->n_out < SP_WISH_OUT; at += room_of(h->len)) {
		h = (const struct head *)(const void *)(s->bytes + at);
		if (!follows(s, h))
			return;
		sp_wish_out(w, h + 1, h->len);
	}
}

static uint64_t stall_ns(const struct sp_recorded *s)
{
	return s->hurry ? SP_RECORDED_LINGER_NS : SP_RECORDED_STALL_NS;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void wish(struct sp_recorded *s, uint64_t now_ns, struct sp_wish *w)
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

/* ---- what became of it ---- */

static void told(struct sp_recorded *s, const uint8_t *data, size_t len, uint64_t now_ns)
{
	if (peer_of(s))
		peer_of(s)->sent(s->peer, data, len, &s->talk);
	s->sent_ns = now_ns;
}

/* How long the unit could not leave, whatever the schedule said. */
static uint64_t note_hold(struct sp_recorded *s, uint64_t due_ns)
{
	uint64_t free_ns = earlier(s->released_ns, s->start_ns);
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
	const struct head *h = first(s);

	told(s, s->at, s->len, now_ns);
	SP_ADD(s->counts->messages, 1);
	s->greeted |= (h->flags & SP_CM_BEGINS) != 0;
	remember(s, h);
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
	pop(s);
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
	s->blocked_ns = 0;
	s->left = 0;
	s->why = SP_WHY_NONE;
	s->reason = NULL;
	s->code = 0;
	wish(s, now_ns, w);
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
	const struct sp_codec_peer_ops *p = peer_of(s);
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
		s->blocked_ns = 0;
	}
	if (s->talk.over && !s->parted && !s->why) {
		s->code = s->talk.code;
		end_for(s, SP_WHY_STATUS, s->talk.reason);
	}
	wish(s, now_ns, w);
	return used;
}

/* What was written is of what leaves now, then of the messages behind it. */
static void recorded_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	struct sp_recorded *s = ((struct machine *)st)->s;
	const struct head *h;
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
		h = n ? first(s) : NULL;
		if (!h)
			break;
		begin_out(s, SP_RECORDED_MESSAGE, (const uint8_t *)(h + 1), h->len, now_ns);
	}
	wish(s, now_ns, w);
	w->sent = w->done = (uint16_t)s->n_done;
}

static void recorded_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct sp_recorded *s = ((struct machine *)st)->s;

	if (s->shut && now_ns >= s->linger_ns)
		s->ended = true;
	else if (!s->shut && s->out != SP_RECORDED_NOTHING &&
		 now_ns >= s->moved_ns + stall_ns(s))
		end_for(s, SP_WHY_TIMEOUT, "the peer reads nothing any more");
	else if (s->blocked_ns && now_ns >= s->blocked_ns + SP_RECORDED_ANSWER_NS)
		end_for(s, SP_WHY_TIMEOUT, "the peer did not answer the session's opening");
	wish(s, now_ns, w);
}

static void recorded_eof(void *st, size_t kept, uint64_t now_ns, struct sp_wish *w)
{
	struct sp_recorded *s = ((struct machine *)st)->s;

	(void)kept;
	if (s->parted)
		s->ended = true;
	else if (!s->why)
		end_for(s, SP_WHY_RESET, "the peer closed the session");
	wish(s, now_ns, w);
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
		end_for(s, why, reason);
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
