/* The client's side of recorded conversations. A unit is a conversation on a connection of its own:
 * what the client had said is said when as many octets of the server have come as had then. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "core/clock.h"
#include "plugin/conversation.h"
#include "plugin/proto.h"

/* After the last answer: so long for what was not recorded, unless the server ends. */
#define LINGER_NS (500 * SP_NS_PER_MS)

enum compare { COMPARE_BYTES, COMPARE_LENGTH, COMPARE_NONE };
enum pace { PACE_ANSWERS, PACE_RECORDED };
enum status { STATUS_EQUAL = 1, STATUS_DIFFERENT = 2 };

struct conf {
	const char *book;
	int compare, pace;
	uint64_t timeout_ns;
};

#define OFF(member) offsetof(struct conf, member)
static const struct sp_opt opts[] = {
	{ "book", SP_OPT_PATH, OFF(book), "", NULL, 0, 0,
	  "what is played (plugin/conversation.h)" },
	{ "compare", SP_OPT_ENUM, OFF(compare), "bytes", "bytes|length|none", 0, 0,
	  "of the answers, with the recorded ones" },
	{ "times", SP_OPT_ENUM, OFF(pace), "answers", "answers|recorded", 0, 0,
	  "when the client goes on: at once after an answer, or after the recorded pause" },
	{ "timeout", SP_OPT_TIME, OFF(timeout_ns), "10s", NULL, 1, 0,
	  "how long an answer, or more of one, may take" },
	{ .name = NULL },
};

struct sp_proto {
	const struct sp_mem *mem;
	struct conf conf;
	struct sp_book *book;
	size_t size;
};

enum phase { IDLE, BUSY, LAST, SPENT };

struct machine {
	const struct sp_proto *p;
	struct sp_book_conversation *c;
	enum phase phase;
	uint32_t say, hear;	    /* steps: the client's next, the server's present */
	uint64_t said, heard;	    /* octets of these */
	uint64_t got;		    /* of the server in all */
	uint64_t differ_at;	    /* SP_BOOK_NEVER */
	uint64_t moved_ns, free_ns; /* the last progress; the client may go on */
	uint64_t linger_ns;
	bool paused; /* free_ns is that of the present step */
	struct sp_txn txn;
};

/* ---- the book ---- */

static bool steps_fit(struct sp_book *b)
{
	const struct sp_book_step *s = sp_book_steps(b);

	for (uint32_t i = 0; i < b->steps; i++)
		if (!s[i].len || s[i].at > b->octets || s[i].len > b->octets - s[i].at ||
		    s[i].by_server > 1)
			return false;
	return true;
}

static bool fits(struct sp_book *b, uint64_t size)
{
	const struct sp_book_conversation *c;

	if (size < sizeof *b || b->magic != SP_BOOK_MAGIC || b->size != size ||
	    b->octets > size || sp_book_size(b->conversations, b->steps, b->octets) != size)
		return false;
	c = sp_book_conversations(b);
	for (uint32_t i = 0; i < b->conversations; i++)
		if (c[i].first > b->steps || c[i].steps > b->steps - c[i].first)
			return false;
	return steps_fit(b);
}

static int map_book(struct sp_proto *p, struct sp_err *err)
{
	void *at;
	int rc = sp_file_map(&at, &p->size, p->conf.book, err);

	if (rc) {
		sp_err_prefix(err, "book");
		return rc;
	}
	p->book = at;
	return fits(at, p->size)
		       ? 0
		       : sp_fail(err, -EINVAL, SP_EXIT_DATA, "book: %s is none", p->conf.book);
}

static void conversation_close(struct sp_proto *p)
{
	sp_file_unmap(p->book, p->size);
	sp_free(p->mem, p);
}

static int conversation_open(struct sp_proto **out, const struct sp_proto_args *args,
			     const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_proto *p = sp_alloc(mem, sizeof *p);
	int rc;

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "conversation: out of memory");
	p->mem = mem;
	if (args->conf)
		p->conf = *(const struct conf *)args->conf;
	else
		p->conf = (struct conf){ .book = "", .timeout_ns = 10 * SP_NS_PER_S };
	rc = map_book(p, err);
	if (rc)
		conversation_close(p);
	else
		*out = p;
	return rc;
}

/* ---- steps ---- */

static const struct sp_book_step *step(const struct machine *m, uint32_t i)
{
	return i < m->c->steps ? &sp_book_steps(m->p->book)[m->c->first + i] : NULL;
}

static void skip(const struct machine *m, uint32_t *i, uint64_t by_server)
{
	const struct sp_book_step *s;

	while ((s = step(m, *i)) && s->by_server != by_server)
		++*i;
}

static bool has_said(const struct machine *m)
{
	return !step(m, m->say);
}

static bool has_heard(const struct machine *m)
{
	return m->got >= m->c->want;
}

/* May the client say its step? */
static bool may_say(struct machine *m, uint64_t now_ns)
{
	const struct sp_book_step *s = step(m, m->say);

	if (!s || m->got < s->before)
		return false;
	if (!m->paused) {
		m->paused = true;
		m->free_ns = now_ns + (m->p->conf.pace == PACE_RECORDED ? s->pause_ns : 0);
	}
	return now_ns >= m->free_ns;
}

static void wish(struct machine *m, uint64_t now_ns, struct sp_wish *w)
{
	const struct sp_book_step *s;

	sp_wish_clear(w);
	if (m->phase == BUSY && has_said(m) && has_heard(m)) {
		m->phase = LAST;
		m->linger_ns = now_ns + (LINGER_NS < m->p->conf.timeout_ns
						 ? LINGER_NS
						 : m->p->conf.timeout_ns);
	}
	switch (m->phase) {
	case IDLE:
		w->flags = SP_WISH_READY;
		break;
	case SPENT:
		w->flags = SP_WISH_CLOSE;
		break;
	case LAST:
		w->flags = SP_WISH_SHUT;
		w->timer_ns = m->linger_ns;
		break;
	case BUSY:
		w->timer_ns = m->moved_ns + m->p->conf.timeout_ns;
		if (may_say(m, now_ns)) {
			s = step(m, m->say);
			sp_wish_out(w, sp_book_octets(m->p->book) + s->at + m->said,
				    s->len - m->said);
		} else if (m->paused && m->free_ns > now_ns) {
			w->timer_ns = m->free_ns;
		}
	}
}

/* ---- the end of one ---- */

static void finish(struct machine *m, enum sp_book_state state, enum sp_why why,
		   const char *reason, uint64_t now_ns)
{
	bool whole = state == SP_BOOK_EQUAL || state == SP_BOOK_DIFFERENT;

	m->phase = SPENT;
	m->txn.end_ns = now_ns;
	m->txn.why = (uint8_t)why;
	m->txn.reason = reason;
	m->txn.flags = whole ? SP_TXN_WHOLE : 0;
	m->txn.status = state == SP_BOOK_EQUAL	     ? STATUS_EQUAL
			: state == SP_BOOK_DIFFERENT ? STATUS_DIFFERENT
						     : 0;
	m->txn.rx_bytes = m->txn.body_bytes = m->got;
	m->c->got = m->got;
	m->c->differ_at = m->differ_at;
	m->c->why = why;
	__atomic_store_n(&m->c->state, state, __ATOMIC_RELEASE);
}

static void finish_compared(struct machine *m, uint64_t now_ns)
{
	bool equal = m->differ_at == SP_BOOK_NEVER;

	finish(m, equal ? SP_BOOK_EQUAL : SP_BOOK_DIFFERENT,
	       equal ? SP_WHY_NONE : SP_WHY_STATUS,
	       equal ? NULL : "the server's answer is not the recorded one", now_ns);
}

/* The server's octets are fewer or more than they were. */
static void note_length(struct machine *m, uint64_t at)
{
	if (m->p->conf.compare != COMPARE_NONE && at < m->differ_at)
		m->differ_at = at;
}

/* ---- the machine ---- */

static void init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	struct machine *m = st;

	*m = (struct machine){ .p = p };
	wish(m, now_ns, w);
}

static int start(void *st, const struct sp_token *t, uint64_t now_ns, struct sp_wish *w)
{
	struct machine *m = st;
	struct sp_book *b = m->p->book;
	uint64_t i;

	if (m->phase != IDLE)
		return -EAGAIN;
	i = __atomic_fetch_add(&b->next, 1, __ATOMIC_RELAXED);
	if (i >= b->conversations)
		return -EAGAIN;
	m->c = &sp_book_conversations(b)[i];
	m->c->state = SP_BOOK_PLAYS;
	m->phase = BUSY;
	m->differ_at = SP_BOOK_NEVER;
	m->moved_ns = now_ns;
	m->txn = (struct sp_txn){ .intended_ns = t->intended_ns, .start_ns = now_ns };
	skip(m, &m->say, 0);
	skip(m, &m->hear, 1);
	wish(m, now_ns, w);
	return 0;
}

/* Octets of the server, against those of its steps. */
static void compare(struct machine *m, const uint8_t *data, size_t len)
{
	const struct sp_book_step *s;

	while (len && (s = step(m, m->hear))) {
		const uint8_t *want = sp_book_octets(m->p->book) + s->at + m->heard;
		size_t n = s->len - m->heard < len ? s->len - m->heard : len;

		if (m->p->conf.compare == COMPARE_BYTES && m->differ_at == SP_BOOK_NEVER &&
		    memcmp(data, want, n) != 0)
			for (size_t i = 0; i < n && m->differ_at == SP_BOOK_NEVER; i++)
				if (data[i] != want[i])
					m->differ_at = m->got + i;
		m->got += n;
		m->heard += n;
		data += n;
		len -= n;
		if (m->heard < s->len)
			continue;
		m->heard = 0;
		m->hear++;
		skip(m, &m->hear, 1);
	}
	if (len) {
		note_length(m, m->got);
		m->got += len;
	}
}

static size_t on_bytes(void *st, const uint8_t *data, size_t len, uint64_t now_ns,
		       struct sp_wish *w)
{
	struct machine *m = st;

	if (m->phase == BUSY || m->phase == LAST) {
		if (!m->txn.first_ns)
			m->txn.first_ns = now_ns;
		m->moved_ns = now_ns;
		compare(m, data, len);
	}
	wish(m, now_ns, w);
	return len;
}

static void on_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	struct machine *m = st;
	const struct sp_book_step *s = m->phase == BUSY ? step(m, m->say) : NULL;
	uint16_t sent = 0;

	if (s && n) {
		m->moved_ns = now_ns;
		m->said += n;
		m->txn.tx_bytes += n;
		if (m->said >= s->len) {
			m->said = 0;
			m->paused = false;
			m->say++;
			skip(m, &m->say, 0);
			sent = has_said(m);
		}
		if (sent)
			m->txn.sent_ns = now_ns;
	}
	wish(m, now_ns, w);
	w->sent = sent;
}

static void on_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct machine *m = st;
	uint16_t done = 0;

	if (m->phase == LAST && now_ns >= m->linger_ns) {
		finish_compared(m, now_ns);
		done = 1;
	} else if (m->phase == BUSY && now_ns >= m->moved_ns + m->p->conf.timeout_ns &&
		   !(m->paused && m->free_ns >= m->moved_ns + m->p->conf.timeout_ns)) {
		note_length(m, m->got);
		finish(m, SP_BOOK_TIMEOUT, SP_WHY_TIMEOUT, "an answer did not come in time",
		       now_ns);
		done = 1;
	}
	wish(m, now_ns, w);
	w->done = done;
}

static void on_eof(void *st, size_t left, uint64_t now_ns, struct sp_wish *w)
{
	struct machine *m = st;
	uint16_t done = m->phase == BUSY || m->phase == LAST;

	(void)left;
	if (done && !has_heard(m))
		note_length(m, m->got);
	if (done && !has_said(m))
		finish(m, SP_BOOK_FAILED, SP_WHY_RESET, "the server ended before all was said",
		       now_ns);
	else if (done)
		finish_compared(m, now_ns);
	m->phase = SPENT;
	wish(m, now_ns, w);
	w->done = done;
}

static void on_close(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
		     struct sp_wish *w)
{
	struct machine *m = st;
	uint16_t done = m->phase == BUSY || m->phase == LAST;

	if (m->phase == LAST)
		finish_compared(m, now_ns);
	else if (done)
		finish(m, SP_BOOK_FAILED, why, reason, now_ns);
	m->phase = SPENT;
	wish(m, now_ns, w);
	w->done = done;
}

static void outcome(void *st, struct sp_txn *t)
{
	*t = ((struct machine *)st)->txn;
}

extern const struct sp_proto_ops sp_proto_conversation;
const struct sp_proto_ops sp_proto_conversation = {
	.name = "conversation",
	.summary = "the client's side of recorded conversations (spate replay --as client)",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct conf),
	.roles = 1u << SP_ROLE_CLIENT,
	.state_size = sizeof(struct machine),
	.keep_max = 1,
	.again_most_ns = 10000000, /* the next conversation is another one */
	.open = conversation_open,
	.close = conversation_close,
	.init = init,
	.start = start,
	.on_bytes = on_bytes,
	.on_wrote = on_wrote,
	.on_timer = on_timer,
	.on_eof = on_eof,
	.on_close = on_close,
	.outcome = outcome,
};
