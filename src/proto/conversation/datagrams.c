/* Datagrams of the server against the recorded ones. Networks lose and exchange them, and servers
 * answer in any order: so each is taken for the recorded one that it is equal to, of those that have
 * not come, whatever the order; a copy of one that has come already was not recorded, and is one too
 * many; any other is taken for the one that was due and begins most alike (an id, mostly). */
#include <string.h>

#include "base/endian.h"
#include "proto/conversation/machine.h"

/* Recorded answers that are looked at, before and behind the first that is awaited. */
#define NEAR 512u

static bool looks_equal(const struct machine *m, const struct sp_book_step *s,
			const uint8_t *data, size_t len)
{
	if (m->p->conf.compare == COMPARE_NONE)
		return true;
	if (s->len != len)
		return false;
	return m->p->conf.compare == COMPARE_LENGTH || !len ||
	       !memcmp(sp_book_octets(m->p->book) + s->at, data, len);
}

static size_t alike(const struct machine *m, const struct sp_book_step *s, const uint8_t *data,
		    size_t len)
{
	const uint8_t *want = sp_book_octets(m->p->book) + s->at;
	size_t n = s->len < len ? s->len : len, i = 0;

	while (i < n && want[i] == data[i])
		i++;
	return i;
}

static bool is_open(const struct sp_book_step *s)
{
	return s->answer == SP_ANSWER_AWAITED || s->answer == SP_ANSWER_MISSING;
}

/* Which recorded one it is; steps: none. */
struct guess {
	uint32_t open, differs, came; /* that it is equal to */
	uint32_t like; /* that it is most alike to, of those that have not come */
	size_t n_like;
	bool like_due;
};

static void look_at(const struct machine *m, uint32_t i, const uint8_t *data, size_t len,
		    struct guess *g)
{
	const struct sp_book_step *s = conversation_step(m, i);
	uint32_t none = m->c->steps;
	bool due = i < m->say;
	size_t n;

	if (!s->by_server)
		return;
	if (looks_equal(m, s, data, len)) {
		uint32_t *to = is_open(s)			? &g->open
			       : s->answer == SP_ANSWER_DIFFERS ? &g->differs
								: &g->came;

		*to = *to == none ? i : *to;
	}
	if (!is_open(s))
		return;
	n = alike(m, s, data, len);
	if (g->like == none || (due && !g->like_due) || (due == g->like_due && n > g->n_like)) {
		g->like = i;
		g->n_like = n;
		g->like_due = due;
	}
}

static struct guess guess(const struct machine *m, const uint8_t *data, size_t len)
{
	uint32_t none = m->c->steps, near = 0;
	struct guess g = { none, none, none, none, 0, false };

	for (uint32_t i = m->hear; i < none && near < NEAR && g.open == none; i++) {
		near += conversation_step(m, i)->by_server;
		look_at(m, i, data, len, &g);
	}
	near = 0;
	for (uint32_t i = m->hear; i-- > 0 && near < NEAR && g.open == none;) {
		near += conversation_step(m, i)->by_server;
		look_at(m, i, data, len, &g);
	}
	return g;
}

static void go_on_hearing(struct machine *m)
{
	const struct sp_book_step *s;

	while ((s = conversation_step(m, m->hear)) &&
	       (!s->by_server || s->answer != SP_ANSWER_AWAITED))
		m->hear++;
}

/* The recorded answer i is this one. */
static void take_for(struct machine *m, uint32_t i, bool same)
{
	struct sp_book_step *s = conversation_step(m, i);

	if (s->answer == SP_ANSWER_MISSING) {
		m->c->missing--;
		m->c->late++;
	} else if (i < m->say && m->awaited) {
		m->awaited--;
	}
	s->answer = same ? SP_ANSWER_ALIKE : SP_ANSWER_DIFFERS;
	m->c->alike += same;
	m->c->differing += !same;
	go_on_hearing(m);
}

static void note_extra(struct machine *m, const uint8_t *data, size_t len)
{
	m->c->extra++;
	if (m->p->conf.compare != COMPARE_NONE)
		sp_conversation_note(m, m->c->steps, 0, data, len);
}

/* Where it is another one than step s. */
static size_t differs_from(const struct machine *m, const struct sp_book_step *s,
			   const uint8_t *data, size_t len)
{
	if (m->p->conf.compare == COMPARE_LENGTH)
		return s->len < len ? s->len : len;
	return alike(m, s, data, len);
}

static void on_datagram(struct machine *m, const uint8_t *data, size_t len)
{
	struct guess g = guess(m, data, len);
	uint32_t none = m->c->steps;
	size_t off;

	m->got += len;
	if (g.open != none) {
		take_for(m, g.open, true);
	} else if (g.differs != none) { /* what was taken for it was something else */
		conversation_step(m, g.differs)->answer = SP_ANSWER_ALIKE;
		m->c->differing--;
		m->c->alike++;
		m->c->extra++;
	} else if (g.came != none || g.like == none) {
		note_extra(m, data, len);
	} else {
		off = differs_from(m, conversation_step(m, g.like), data, len);
		sp_conversation_note(m, g.like, off, data + off, len - off);
		take_for(m, g.like, false);
	}
}

size_t sp_conversation_datagrams(struct machine *m, const uint8_t *data, size_t len)
{
	size_t at = 0, n;

	while (len - at >= CONVERSATION_HEAD) {
		n = sp_get_be16(data + at);
		if (len - at - CONVERSATION_HEAD < n)
			break;
		on_datagram(m, data + at + CONVERSATION_HEAD, n);
		at += CONVERSATION_HEAD + n;
	}
	return at;
}

void sp_conversation_await(struct machine *m, uint32_t from)
{
	const struct sp_book_step *s;

	for (; from < m->say && (s = conversation_step(m, from)); from++)
		m->awaited += s->by_server && s->answer == SP_ANSWER_AWAITED;
}

void sp_conversation_give_up(struct machine *m)
{
	struct sp_book_step *s;

	for (uint32_t i = m->hear; i < m->say && (s = conversation_step(m, i)); i++) {
		if (!s->by_server || s->answer != SP_ANSWER_AWAITED)
			continue;
		s->answer = SP_ANSWER_MISSING;
		m->c->missing++;
	}
	m->awaited = 0;
	go_on_hearing(m);
}
