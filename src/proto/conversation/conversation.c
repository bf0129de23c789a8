/* The client's side of recorded conversations. A unit is a conversation on a connection of its own:
 * what the client had said is said when as many octets of the server have come as had then. Of
 * datagrams: when those of the server that were recorded before have come, or are given up; and not
 * sooner after another one of its own than it had been, since nothing else holds them back. */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "base/file.h"
#include "core/clock.h"
#include "proto/conversation/machine.h"

/* After the last answer: so long for what was not recorded, unless the server ends. */
#define LINGER_NS	    (500 * SP_NS_PER_MS)
#define LINGER_DATAGRAMS_NS (20 * SP_NS_PER_MS)
/* Where nothing was answered, so long for the network's word that nobody listens. */
#define LINGER_ONE_WAY_NS   (200 * SP_NS_PER_MS)

/* A server that has said something, and no more for so long, has paused. */
#define PAUSE_NS	    (200 * SP_NS_PER_MS)

enum status { STATUS_EQUAL = 1, STATUS_DIFFERENT = 2 };

#define OFF(member) offsetof(struct conversation_conf, member)
static const struct sp_opt opts[] = {
	{ "book", SP_OPT_PATH, OFF(book), "", NULL, 0, 0,
	  "what is played (plugin/conversation.h)" },
	{ "compare", SP_OPT_ENUM, OFF(compare), "bytes", "bytes|length|none", 0, 0,
	  "of the answers, with the recorded ones" },
	{ "times", SP_OPT_ENUM, OFF(pace), "answers", "answers|recorded", 0, 0,
	  "when the client goes on: at once after an answer, or after the recorded pause" },
	{ "await", SP_OPT_ENUM, OFF(await), "octets", "octets|pause|none", 0, 0,
	  "the client goes on when so much has come as was recorded; or when the server pauses; "
	  "or waits for nothing" },
	{ "timeout", SP_OPT_TIME, OFF(timeout_ns), "10s", NULL, 1, 0,
	  "how long an answer, or more of one, may take" },
	{ .name = NULL },
};

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
		p->conf = *(const struct conversation_conf *)args->conf;
	else
		p->conf = (struct conversation_conf){ .book = "",
						      .timeout_ns = 10 * SP_NS_PER_S };
	rc = sp_conversation_map(p, err);
	if (rc)
		conversation_close(p);
	else
		*out = p;
	return rc;
}

/* ---- steps ---- */

static bool datagrams(const struct machine *m)
{
	return m->p->book->datagrams;
}

/* To the client's next step, from i on. */
static void go_on(struct machine *m, uint32_t i)
{
	const struct sp_book_step *s;
	uint32_t from = m->say;

	while ((s = conversation_step(m, i)) && s->by_server)
		i++;
	m->say = i;
	if (datagrams(m))
		sp_conversation_await(m, from);
}

static bool has_said(const struct machine *m)
{
	return !conversation_step(m, m->say);
}

/* Has all come that is to come before the client goes on, or ends? */
static bool has_heard(const struct machine *m, uint64_t octets, uint64_t now_ns)
{
	if (datagrams(m))
		return !m->awaited;
	return m->got - m->from_got >= octets - m->from_before || now_ns >= m->paused_ns;
}

/* Nothing but the recorded time holds back what follows no answer, of datagrams. */
static uint64_t free_at(const struct machine *m, const struct sp_book_step *s, uint64_t now_ns)
{
	bool recorded = m->p->conf.pace == PACE_RECORDED;
	bool waits = m->p->conf.await != AWAIT_NONE;
	bool own = datagrams(m) && m->say && !conversation_step(m, m->say - 1)->by_server;

	if (!waits && (recorded || datagrams(m)))
		return m->start_ns + s->t_ns;
	if (own)
		return m->free_ns + s->pause_ns;
	return recorded ? now_ns + s->pause_ns : now_ns;
}

/* May the client say its step? */
static bool may_say(struct machine *m, uint64_t now_ns)
{
	const struct sp_book_step *s = conversation_step(m, m->say);

	if (!s || (m->p->conf.await != AWAIT_NONE && !has_heard(m, s->before, now_ns)))
		return false;
	if (!m->paused) {
		m->paused = true;
		m->free_ns = free_at(m, s, now_ns);
	}
	return now_ns >= m->free_ns;
}

static void put_step(struct machine *m, struct sp_wish *w)
{
	const struct sp_book_step *s = conversation_step(m, m->say);

	if (datagrams(m)) {
		sp_put_be16(m->head, (uint16_t)s->len);
		sp_wish_out(w, m->head, sizeof m->head);
	}
	if (s->len)
		sp_wish_out(w, sp_book_octets(m->p->book) + s->at + m->said, s->len - m->said);
}

void sp_conversation_note(struct machine *m, uint32_t i, uint64_t off, const uint8_t *came,
			  size_t n)
{
	struct sp_book_conversation *c = m->c;

	if (c->differ_step != UINT32_MAX)
		return;
	c->differ_step = i;
	c->differ_off = off;
	c->n_shown = (uint32_t)(n < SP_BOOK_SHOWN ? n : SP_BOOK_SHOWN);
	if (n)
		memcpy(c->shown, came, c->n_shown);
}

/* A byte stream's server says less than it did. */
static void note_end(struct machine *m)
{
	if (datagrams(m) || m->p->conf.compare == COMPARE_NONE || m->got >= m->c->want)
		return;
	sp_conversation_note(m, m->hear, m->heard, NULL, 0);
	if (m->got < m->c->differ_at)
		m->c->differ_at = m->got;
}

static uint64_t linger(const struct machine *m)
{
	uint64_t ns = !datagrams(m) ? LINGER_NS
		      : m->got	    ? LINGER_DATAGRAMS_NS
				    : LINGER_ONE_WAY_NS;

	return ns < m->p->conf.timeout_ns ? ns : m->p->conf.timeout_ns;
}

static void wish(struct machine *m, uint64_t now_ns, struct sp_wish *w)
{
	sp_wish_clear(w);
	if (m->phase == BUSY && has_said(m) && has_heard(m, m->c->want, now_ns)) {
		m->phase = LAST;
		m->linger_ns = now_ns + linger(m);
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
		if (m->paused_ns > now_ns && m->paused_ns < w->timer_ns)
			w->timer_ns = m->paused_ns;
		if (may_say(m, now_ns))
			put_step(m, w);
		else if (m->paused && m->free_ns > now_ns)
			w->timer_ns = m->free_ns;
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
	m->c->why = why;
	__atomic_store_n(&m->c->state, state, __ATOMIC_RELEASE);
}

static bool differs(const struct machine *m)
{
	if (!datagrams(m))
		return m->c->differ_at != SP_BOOK_NEVER;
	return m->c->differing || (m->c->extra && m->p->conf.compare != COMPARE_NONE);
}

static void too_late(struct machine *m, uint64_t now_ns)
{
	finish(m, SP_BOOK_TIMEOUT, SP_WHY_TIMEOUT, "an answer did not come in time", now_ns);
}

static void finish_compared(struct machine *m, uint64_t now_ns)
{
	note_end(m);
	if (differs(m))
		finish(m, SP_BOOK_DIFFERENT, SP_WHY_NONE, NULL, now_ns);
	else if (datagrams(m) && (m->c->missing || m->c->late))
		too_late(m, now_ns);
	else
		finish(m, SP_BOOK_EQUAL, SP_WHY_NONE, NULL, now_ns);
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
	m->c->differ_at = SP_BOOK_NEVER;
	m->c->differ_step = UINT32_MAX;
	m->phase = BUSY;
	m->moved_ns = m->start_ns = now_ns;
	m->paused_ns = SP_NEVER;
	m->txn = (struct sp_txn){ .intended_ns = t->intended_ns, .start_ns = now_ns };
	go_on(m, 0);
	wish(m, now_ns, w);
	return 0;
}

static size_t on_bytes(void *st, const uint8_t *data, size_t len, uint64_t now_ns,
		       struct sp_wish *w)
{
	struct machine *m = st;

	if (m->phase == BUSY || m->phase == LAST) {
		if (!m->txn.first_ns)
			m->txn.first_ns = now_ns;
		m->moved_ns = now_ns;
		if (datagrams(m))
			len = sp_conversation_datagrams(m, data, len);
		else
			sp_conversation_compare(m, data, len);
		if (m->p->conf.await == AWAIT_PAUSE && !datagrams(m))
			m->paused_ns = now_ns + PAUSE_NS;
	}
	wish(m, now_ns, w);
	return len;
}

/* What comes from now on answers what was said. */
static void said_step(struct machine *m, const struct sp_book_step *s)
{
	if (m->p->conf.await != AWAIT_PAUSE || s->before < m->from_before)
		return;
	m->from_got = m->got;
	m->from_before = s->before;
	m->paused_ns = SP_NEVER;
}

static void on_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	struct machine *m = st;
	const struct sp_book_step *s = m->phase == BUSY ? conversation_step(m, m->say) : NULL;
	uint16_t sent = 0;

	if (s && n) {
		if (datagrams(m))
			n -= CONVERSATION_HEAD; /* they are written whole */
		m->moved_ns = now_ns;
		m->said += n;
		m->txn.tx_bytes += n;
		if (m->said >= s->len) {
			m->said = 0;
			m->paused = false;
			said_step(m, s);
			go_on(m, m->say + 1);
			sent = has_said(m);
		}
		if (sent)
			m->txn.sent_ns = now_ns;
	}
	wish(m, now_ns, w);
	w->sent = sent;
}

/* Is it an answer that is waited for, and not only its own time? */
static bool has_waited(const struct machine *m, uint64_t now_ns)
{
	uint64_t until_ns = m->moved_ns + m->p->conf.timeout_ns;

	return m->phase == BUSY && now_ns >= until_ns && !(m->paused && m->free_ns >= until_ns);
}

static void on_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct machine *m = st;
	uint16_t done = 0;

	if (m->phase == LAST && now_ns >= m->linger_ns) {
		finish_compared(m, now_ns);
		done = 1;
	} else if (has_waited(m, now_ns) && datagrams(m)) {
		sp_conversation_give_up(m);
		m->moved_ns = now_ns;
	} else if (has_waited(m, now_ns)) {
		if (differs(m)) { /* so it is no wonder that less came */
			finish_compared(m, now_ns);
		} else {
			note_end(m);
			too_late(m, now_ns);
		}
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
	if (done)
		note_end(m);
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

	/* Of datagrams that nobody answers, too, the network says that nobody listens. */
	if (m->phase == LAST && (why == SP_WHY_STOPPED || !datagrams(m) || m->got))
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
	.conf_size = sizeof(struct conversation_conf),
	.roles = 1u << SP_ROLE_CLIENT,
	.state_size = sizeof(struct machine),
	.again_most_ns = 10000000, /* the next conversation is another one */
	.keep_max = UINT16_MAX + CONVERSATION_HEAD,
	.datagrams = true,
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
