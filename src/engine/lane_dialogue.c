#include "engine/lane_dialogue.h"

#include <errno.h>
#include <string.h>

#include "core/shared.h"

/* Bytes read at once, and by one connection in one turn. */
#define READ_MAX     65536u
#define READ_QUANTUM (256u << 10)
/* Units that one connection may begin in a turn. */
#define UNITS_A_TURN 32u
/* A connection so young that wrote at most this, less than a segment everywhere, has sent nothing
 * twice: no timer of the kernel's is shorter. */
#define YOUNG_NS     (4 * SP_NS_PER_MS)
#define ONE_SEGMENT  500u
/* A closed loop's connection that failed tries again after so long. */
#define AGAIN_NS     (10 * SP_NS_PER_MS)

struct dialogue_conn {
	struct sp_dialogue_end *end;
	struct sp_dialogue_stream *s; /* client; NULL: a server's */
	struct sp_dialogue_server *v;
	struct sp_flow_rx *f; /* server: of its source */
	struct sp_flow_meta *meta;
	struct sp_wish wish;
	struct sp_dialogue_token token; /* client: the last one */
	uint64_t connect_by_ns;
	uint64_t wrote; /* bytes */
	uint8_t *keep;	/* bytes shown and not taken */
	uint32_t keep_len;
	uint32_t idle_prev, idle_next;		       /* slot + 1 */
	bool idle, open, held, shut, eof, more, ended; /* ended: SP_TURN_END came */
};

/* The machine's state stands behind it. */
#define STATE_AT ((sizeof(struct dialogue_conn) + 63) / 64 * 64)

struct kept {
	struct kept *next;
};

size_t sp_dialogue_room(size_t state_size)
{
	return STATE_AT + state_size;
}

int sp_dialogue_init(struct sp_dialogue *d, struct sp_conns *conns, uint32_t streams,
		     unsigned servers, size_t keep_max)
{
	const struct sp_mem *mem = conns->env->mem;

	*d = (struct sp_dialogue){ .conns = conns,
				   .env = conns->env,
				   .n = streams,
				   .n_servers = servers,
				   .keep_max = keep_max };
	d->stream = sp_alloc_array(mem, streams + 1, sizeof *d->stream);
	d->server = sp_alloc_array(mem, servers + 1, sizeof *d->server);
	d->buf = sp_alloc_array(mem, keep_max + READ_MAX, 1);
	if (d->stream && d->server && d->buf)
		return 0;
	sp_dialogue_fini(d);
	return -ENOMEM;
}

static struct dialogue_conn *conn_of(const struct sp_dialogue *d, uint32_t slot)
{
	return sp_conns_room(d->conns, slot);
}

static void *state_of(const struct sp_dialogue *d, uint32_t slot)
{
	return (uint8_t *)sp_conns_room(d->conns, slot) + STATE_AT;
}

/* ---- buffers for what a machine left ---- */

static bool keep(struct sp_dialogue *d, struct dialogue_conn *c, const uint8_t *data, size_t n)
{
	if (!c->keep && n) {
		struct kept *k = d->kept;

		if (k)
			d->kept = k->next;
		else
			k = sp_alloc_array(d->env->mem, d->keep_max + READ_MAX, 1);
		if (!k)
			return false;
		c->keep = (uint8_t *)k;
	}
	if (n)
		memmove(c->keep, data, n);
	c->keep_len = (uint32_t)n;
	return true;
}

static void unkeep(struct sp_dialogue *d, struct dialogue_conn *c)
{
	struct kept *k = (struct kept *)(void *)c->keep;

	if (!k)
		return;
	k->next = d->kept;
	d->kept = k;
	c->keep = NULL;
	c->keep_len = 0;
}

void sp_dialogue_fini(struct sp_dialogue *d)
{
	const struct sp_mem *mem;

	if (!d->env)
		return;
	mem = d->env->mem;
	for (uint32_t i = 0; i < d->conns->used; i++)
		if (d->conns->slot[i].user && d->conns->slot[i].arg == d)
			unkeep(d, conn_of(d, i));
	for (struct kept *k = d->kept, *next; k; k = next) {
		next = k->next;
		sp_free(mem, k);
	}
	for (uint32_t i = 0; d->stream && i < d->n; i++)
		sp_free(mem, d->stream[i].backlog);
	for (unsigned i = 0; d->server && i < d->n_servers; i++)
		sp_endpoints_fini(&d->server[i].from, mem);
	sp_free(mem, d->stream);
	sp_free(mem, d->server);
	sp_free(mem, d->buf);
	*d = (struct sp_dialogue){ 0 };
}

/* ---- idle connections: the one that was used last is taken first ---- */

static void idle_add(struct sp_dialogue *d, uint32_t slot)
{
	struct dialogue_conn *c = conn_of(d, slot);

	if (c->idle)
		return;
	c->idle = true;
	c->idle_prev = 0;
	c->idle_next = c->s->idle;
	if (c->idle_next)
		conn_of(d, c->idle_next - 1)->idle_prev = slot + 1;
	c->s->idle = slot + 1;
}

static void idle_remove(struct sp_dialogue *d, uint32_t slot)
{
	struct dialogue_conn *c = conn_of(d, slot);

	if (!c->idle)
		return;
	c->idle = false;
	if (c->idle_prev)
		conn_of(d, c->idle_prev - 1)->idle_next = c->idle_next;
	else
		c->s->idle = c->idle_next;
	if (c->idle_next)
		conn_of(d, c->idle_next - 1)->idle_prev = c->idle_prev;
}

/* ---- backlog ---- */

static void give_up(struct sp_dialogue_stream *s)
{
	SP_ADD(*s->given_up, 1);
}

static void backlog_put(struct sp_dialogue *d, struct sp_dialogue_stream *s,
			const struct sp_dialogue_token *t)
{
	if (s->backlog_n == s->backlog_cap) {
		give_up(s);
		return;
	}
	s->backlog[(s->backlog_at + s->backlog_n++) % s->backlog_cap] = *t;
	d->waiting++;
}

/* The oldest that is not too old. */
static bool backlog_take(struct sp_dialogue *d, struct sp_dialogue_stream *s, uint64_t now_ns,
			 struct sp_dialogue_token *t)
{
	while (s->backlog_n) {
		*t = s->backlog[s->backlog_at];
		s->backlog_at = (s->backlog_at + 1) % s->backlog_cap;
		s->backlog_n--;
		d->waiting--;
		if (t->t.intended_ns + SP_DIALOGUE_CREDIT_NS >= now_ns &&
		    !sp_guard_stream_over(&s->guard, now_ns))
			return true;
		give_up(s);
	}
	return false;
}

/* ---- outcomes ---- */

static void drive(struct sp_dialogue *, uint32_t slot, uint64_t now_ns);
static void serve_token(struct sp_dialogue *, struct sp_dialogue_stream *,
			const struct sp_dialogue_token *, uint64_t now_ns);

static void count_sent(struct sp_dialogue_stream *s, uint32_t n, uint64_t now_ns)
{
	if (!s->flow->first_tx)
		SP_STORE(s->flow->first_tx, now_ns);
	SP_STORE(s->flow->last_tx, now_ns);
	SP_ADD(s->flow->tx, n);
}

static void count_answer(struct sp_dialogue_stream *s, const struct sp_txn *t)
{
	if (!s->first_rx)
		SP_STORE(s->first_rx, t->end_ns);
	SP_STORE(s->last_rx, t->end_ns);
	SP_ADD(s->unique, 1);
	SP_ADD(s->rx_bytes, t->rx_bytes);
	sp_hist_add(&s->rtt->rtt, (int64_t)(t->end_ns - t->intended_ns));
	sp_hist_add(&s->rtt->rtt_actual, (int64_t)(t->end_ns - t->start_ns));
}

/* A kept connection that the server had closed already: the same token once more. */
static bool retry(struct sp_dialogue *d, struct dialogue_conn *c, const struct sp_txn *t)
{
	struct sp_dialogue_stream *s = c->s;

	if (!(t->flags & SP_TXN_RETRY) || c->token.retried || s->closed || d->stopping)
		return false;
	if (t->sent_ns)
		SP_ADD(s->flow->tx, UINT64_MAX); /* it will be sent again */
	c->token.retried = true;
	backlog_put(d, s, &c->token);
	return true;
}

static void client_outcome(struct sp_dialogue *d, struct dialogue_conn *c,
			   const struct sp_txn *t, int error, uint64_t now_ns)
{
	struct sp_dialogue_stream *s = c->s;

	d->under_way--;
	if (retry(d, c, t))
		return;
	if (t->sent_ns) {
		SP_ADD(s->flow->tx_bytes, t->tx_bytes);
		if (SP_UNLIKELY(d->tx_marker != NULL))
			sp_marker_unit(d->tx_marker, t->tx_bytes, now_ns);
	} else if (t->why == SP_WHY_STOPPED) {
		give_up(s);
	} else {
		SP_ADD(s->flow->refused, 1);
	}
	if (t->flags & SP_TXN_WHOLE)
		count_answer(s, t);
	if (t->flags & SP_TXN_WHOLE && t->status)
		sp_statuses_add(&s->statuses, t->status, 1);
	else if (t->sent_ns && s->answers)
		SP_ADD(s->failed, 1);
	if (t->why != SP_WHY_NONE) {
		sp_errors_add(&s->errors, (enum sp_why)t->why, error, now_ns);
		if (t->reason)
			SP_STORE(s->errors.reason, t->reason);
	}
}

static void server_outcome(struct sp_dialogue *d, struct dialogue_conn *c,
			   const struct sp_txn *t, uint64_t now_ns)
{
	struct sp_dialogue_server *v = c->v;

	if (t->status)
		sp_statuses_add(&v->statuses, t->status, 1);
	if (t->why != SP_WHY_NONE && t->why != SP_WHY_STATUS)
		sp_errors_add(&v->errors, (enum sp_why)t->why, 0, now_ns);
	if (!(t->flags & SP_TXN_WHOLE))
		return;
	SP_ADD(v->units, 1);
	if (SP_UNLIKELY(d->rx_marker != NULL))
		sp_marker_unit(d->rx_marker, t->rx_bytes, now_ns);
	if (!c->f) {
		SP_ADD(v->verifier->untracked, 1);
		SP_ADD(v->verifier->untracked_bytes, t->rx_bytes);
		return;
	}
	if (!c->meta->first_rx)
		SP_STORE(c->meta->first_rx, t->end_ns);
	SP_STORE(c->f->last_rx, t->end_ns);
	SP_ADD(c->f->rx, 1);
	SP_ADD(c->f->rx_bytes, t->rx_bytes);
}

/* After each call into a machine, before the next. */
static bool settle(struct sp_dialogue *d, uint32_t slot, int error, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	uint16_t done = c->wish.done;
	struct sp_txn t;

	if (c->s && c->wish.sent)
		count_sent(c->s, c->wish.sent, now_ns);
	for (uint16_t i = 0; i < done; i++) {
		c->end->ops->outcome(state_of(d, slot), &t);
		if (c->s)
			client_outcome(d, c, &t, error, now_ns);
		else
			server_outcome(d, c, &t, now_ns);
	}
	c->wish.sent = 0;
	c->wish.done = 0;
	return done > 0;
}

/* ---- ends ---- */

static void ask(struct sp_dialogue_stream *s, struct sp_conn *conn, bool closing)
{
	struct sp_conn_info info;

	if (!conn || !conn->ops->info)
		return;
	conn->ops->info(conn, &info);
	if (!info.known)
		return;
	if (closing)
		SP_ADD(s->retransmits, info.retransmits);
	else
		s->sampling += info.retransmits;
	sp_conns_publish(&s->info, &info);
}

/* The next one of a stream that waits for a connection, now that one fewer is used. */
static void serve_backlog(struct sp_dialogue *d, struct sp_dialogue_stream *s, uint64_t now_ns)
{
	struct sp_dialogue_token t;

	if (s->conns < s->max_conns && backlog_take(d, s, now_ns, &t))
		serve_token(d, s, &t, now_ns);
}

static bool goes_on(const struct sp_dialogue *d, const struct sp_dialogue_stream *s,
		    uint64_t now_ns)
{
	return !d->stopping && now_ns < s->end_ns && s->issued < s->count;
}

static void drop(struct sp_dialogue *d, uint32_t slot, bool reset, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;

	unkeep(d, c);
	if (!s) {
		sp_conns_release(d->conns, slot, reset);
		return;
	}
	idle_remove(d, slot);
	if (!s->info.known || c->wrote > ONE_SEGMENT ||
	    now_ns >= c->connect_by_ns - SP_DIALOGUE_CONNECT_NS + YOUNG_NS)
		ask(s, sp_conns_conn(d->conns, slot), true);
	if (s->closed && goes_on(d, s, now_ns)) {
		bool failed = reset || !c->open;

		sp_conns_hang_up(d->conns, slot, reset);
		c->open = false;
		sp_conns_timer(d->conns, slot, failed ? now_ns + AGAIN_NS : now_ns);
		return;
	}
	s->conns--;
	sp_conns_release(d->conns, slot, reset);
	if (!s->closed)
		serve_backlog(d, s, now_ns);
}

static void fail(struct sp_dialogue *d, uint32_t slot, enum sp_why why, int error,
		 uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	const struct sp_conn *conn = sp_conns_conn(d->conns, slot);
	const char *reason = conn->ops->why ? conn->ops->why(conn) : NULL;

	c->end->ops->on_close(state_of(d, slot), why, reason, now_ns, &c->wish);
	settle(d, slot, error, now_ns);
	drop(d, slot, true, now_ns);
}

/* ---- starts ---- */

static void note_start(struct sp_dialogue_stream *s, uint64_t intended_ns, uint64_t now_ns)
{
	int64_t gap;

	sp_hist_add(&s->tally->late, (int64_t)(now_ns - intended_ns));
	if (s->last_start_ns) {
		gap = (int64_t)(now_ns - s->last_start_ns) -
		      (int64_t)(intended_ns - s->flow->last_due);
		sp_hist_add(&s->tally->gap_error, gap < 0 ? -gap : gap);
	}
	s->last_start_ns = now_ns;
	s->flow->last_due = intended_ns;
	if (s->schedule)
		sp_schedule_left(s->schedule, now_ns);
}

/* A machine that is ready takes a token. */
static void start(struct sp_dialogue *d, uint32_t slot, const struct sp_dialogue_token *t,
		  uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;

	idle_remove(d, slot);
	if (c->end->ops->start(state_of(d, slot), &t->t, now_ns, &c->wish)) {
		give_up(s);
		return;
	}
	if (!t->retried)
		note_start(s, t->t.intended_ns, now_ns);
	c->token = *t;
	d->under_way++;
	settle(d, slot, 0, now_ns);
}

/* A new connection, whose machine is ready to take a token though it is not open yet. */
static int connect_slot(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;
	struct sp_conn *upper;
	int rc = sp_conns_connect(d->conns, slot, s->port, s->ep);

	c->open = c->held = c->shut = c->eof = c->more = c->ended = false;
	c->connect_by_ns = now_ns + SP_DIALOGUE_CONNECT_NS;
	c->wrote = 0;
	c->end->ops->init(state_of(d, slot), c->end->proto, now_ns, &c->wish);
	if (!rc && c->end->wrap_ops) {
		rc = c->end->wrap_ops->wrap(c->end->wrap, sp_conns_conn(d->conns, slot),
					    &upper);
		if (!rc)
			d->conns->slot[slot].conn = upper;
		else
			sp_conns_hang_up(d->conns, slot, true);
	}
	SP_ADD(s->opened, 1);
	return rc;
}

static const struct sp_conn_user dialogue_user;

static uint32_t new_client(struct sp_dialogue *d, struct sp_dialogue_stream *s)
{
	uint32_t slot = sp_conns_take(d->conns, &dialogue_user, d);
	struct dialogue_conn *c;

	if (slot == SP_NO_SLOT)
		return slot;
	c = conn_of(d, slot);
	c->s = s;
	c->end = &s->end;
	s->conns++;
	return slot;
}

/* The connection could not even be begun: the unit has failed without a machine's doing. */
static void refuse(struct sp_dialogue *d, struct sp_dialogue_stream *s,
		   const struct sp_dialogue_token *t, int error, uint64_t now_ns)
{
	(void)d;
	if (!t->retried)
		note_start(s, t->t.intended_ns, now_ns);
	SP_ADD(s->flow->refused, 1);
	sp_errors_add(&s->errors, sp_why_of(error), error, now_ns);
}

static void serve_token(struct sp_dialogue *d, struct sp_dialogue_stream *s,
			const struct sp_dialogue_token *t, uint64_t now_ns)
{
	uint32_t slot;
	int rc;

	if (s->idle) {
		slot = s->idle - 1;
		start(d, slot, t, now_ns);
		drive(d, slot, now_ns);
		return;
	}
	slot = s->conns < s->max_conns ? new_client(d, s) : SP_NO_SLOT;
	if (slot == SP_NO_SLOT) {
		backlog_put(d, s, t);
		return;
	}
	rc = connect_slot(d, slot, now_ns);
	if (rc) {
		s->conns--;
		sp_conns_release(d->conns, slot, true);
		refuse(d, s, t, rc, now_ns);
		return;
	}
	start(d, slot, t, now_ns);
	drive(d, slot, now_ns);
}

void sp_dialogue_token(struct sp_dialogue *d, uint32_t i, const struct sp_due *due,
		       uint64_t now_ns)
{
	struct sp_dialogue_stream *s = &d->stream[i];
	struct sp_dialogue_token t = { .t = { due->due_ns, due->size } };

	if (SP_UNLIKELY(!sp_guard_bytes_take(&s->guard, d->meter, now_ns, due->size)))
		SP_ADD(s->flow->refused, 1);
	else if (s->backlog_n)
		backlog_put(d, s, &t);
	else
		serve_token(d, s, &t, now_ns);
}

/* The next unit of a connection that is ready: of the backlog, or the closed loop's own. False:
 * there is none, it is idle. */
static bool next_unit(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;
	struct sp_dialogue_token t = { .t = { now_ns, s->size } };

	if (s->closed ? !goes_on(d, s, now_ns) ||
				!sp_guard_bytes_take(&s->guard, d->meter, now_ns, s->size)
		      : !backlog_take(d, s, now_ns, &t)) {
		idle_add(d, slot);
		return false;
	}
	s->issued++;
	start(d, slot, &t, now_ns);
	return true;
}

/* ---- bytes ---- */

/* False: the connection is gone. */
static bool write_out(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_conn *conn = sp_conns_conn(d->conns, slot);
	ssize_t n;

	while (c->open && c->wish.n_out && !(c->wish.flags & SP_WISH_RESET)) {
		n = conn->ops->write(conn, c->wish.out, c->wish.n_out);
		if (n == -EAGAIN)
			return true;
		if (n < 0) {
			fail(d, slot, sp_why_of((int)n), (int)n, now_ns);
			return false;
		}
		c->wrote += (size_t)n;
		c->end->ops->on_wrote(state_of(d, slot), (size_t)n, now_ns, &c->wish);
		settle(d, slot, 0, now_ns);
	}
	return true;
}

static bool wants_end(const struct dialogue_conn *c)
{
	return (c->wish.flags & SP_WISH_RESET) ||
	       (c->wish.flags & SP_WISH_CLOSE && !c->wish.n_out);
}

/* Shows len bytes at p, as many as the machine takes; keeps the rest. False: no memory. */
static bool show(struct sp_dialogue *d, uint32_t slot, const uint8_t *p, size_t len,
		 uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	bool done = true;
	size_t n;

	while (len && done && !wants_end(c) && !(c->wish.flags & SP_WISH_HOLD)) {
		n = c->end->ops->on_bytes(state_of(d, slot), p, len, now_ns, &c->wish);
		p += n;
		len -= n;
		done = settle(d, slot, 0, now_ns);
	}
	c->held = len && c->wish.flags & SP_WISH_HOLD;
	if (len)
		return keep(d, c, p, len);
	unkeep(d, c);
	return true;
}

static void at_eof(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);

	c->eof = true;
	c->end->ops->on_eof(state_of(d, slot), c->keep_len, now_ns, &c->wish);
	settle(d, slot, 0, now_ns);
}

/* False: the connection is gone. */
static bool read_in(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_conn *conn = sp_conns_conn(d->conns, slot);
	size_t left = READ_QUANTUM, at;
	ssize_t n;

	while (c->open && !c->eof && !wants_end(c) && !c->held &&
	       !(c->wish.flags & SP_WISH_HOLD)) {
		at = c->keep_len < d->keep_max ? c->keep_len : d->keep_max;
		n = conn->ops->read(conn, d->buf + at, READ_MAX);
		if (n == -EAGAIN) {
			c->more = false;
			return true;
		}
		if (n < 0) {
			fail(d, slot, sp_why_of((int)n), (int)n, now_ns);
			return false;
		}
		if (n == 0) {
			at_eof(d, slot, now_ns);
			return true;
		}
		now_ns = sp_clock_now(d->env->clock); /* an answer's end, not the turn's */
		if (at)
			memcpy(d->buf, c->keep, at);
		if (!show(d, slot, d->buf, at + (size_t)n, now_ns)) {
			fail(d, slot, SP_WHY_OTHER, -ENOMEM, now_ns);
			return false;
		}
		left -= (size_t)n < left ? (size_t)n : left;
		c->more = (size_t)n == READ_MAX || c->ended || !conn->ops->reads_all;
		if (!left || !write_out(d, slot, now_ns))
			return left == 0;
		if (!c->more)
			return true;
	}
	return true;
}

/* What was kept back is shown again as soon as the machine wants it. False: gone. */
static bool show_held(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	size_t n = c->keep_len;

	memcpy(d->buf, c->keep, n);
	if (show(d, slot, d->buf, n, now_ns))
		return true;
	fail(d, slot, SP_WHY_OTHER, -ENOMEM, now_ns);
	return false;
}

static void set_timer(struct sp_dialogue *d, uint32_t slot)
{
	const struct dialogue_conn *c = conn_of(d, slot);
	uint64_t at = c->wish.timer_ns;

	if (!c->open && c->connect_by_ns < at)
		at = c->connect_by_ns;
	sp_conns_timer(d->conns, slot, at);
}

/* Does what the machine wants until it wants nothing more for now. False: the connection is gone,
 * or came to another beginning. */
static bool serve_wish(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_conn *conn = sp_conns_conn(d->conns, slot);

	if (!write_out(d, slot, now_ns))
		return false;
	while (c->held && !(c->wish.flags & SP_WISH_HOLD) && !wants_end(c))
		if (!show_held(d, slot, now_ns) || !write_out(d, slot, now_ns))
			return false;
	if (wants_end(c)) {
		drop(d, slot, c->wish.flags & SP_WISH_RESET, now_ns);
		return false;
	}
	if (c->eof && !c->wish.n_out && !(c->wish.flags & SP_WISH_HOLD) &&
	    c->wish.timer_ns == SP_NEVER) {
		fail(d, slot, SP_WHY_RESET, 0, now_ns);
		return false;
	}
	if (c->wish.flags & SP_WISH_SHUT && !c->wish.n_out && c->open && !c->shut)
		c->shut = conn->ops->shutdown(conn) != -EAGAIN;
	set_timer(d, slot);
	/* Held-back reading goes on by itself: its event is past. */
	if (c->more && !(c->wish.flags & SP_WISH_HOLD) && !c->eof)
		sp_conns_again(d->conns, slot);
	return true;
}

/* One after the other while the connection takes them at once, but everybody has a turn. */
static void drive(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	const struct dialogue_conn *c = conn_of(d, slot);

	for (unsigned i = 0; i < UNITS_A_TURN; i++) {
		if (!serve_wish(d, slot, now_ns))
			return;
		if (!c->s || !(c->wish.flags & SP_WISH_READY))
			return;
		now_ns = sp_clock_now(d->env->clock);
		if (!next_unit(d, slot, now_ns))
			return;
	}
	sp_conns_again(d->conns, slot);
}

/* ---- turns ---- */

/* False: not open yet, or gone. */
static bool opened(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_conn *conn = sp_conns_conn(d->conns, slot);
	int rc;

	if (c->open)
		return true;
	rc = conn->ops->open(conn);
	if (rc == -EAGAIN && now_ns >= c->connect_by_ns)
		rc = -ETIMEDOUT;
	if (rc == -EAGAIN) {
		set_timer(d, slot);
		return false;
	}
	if (rc) {
		fail(d, slot, sp_why_of(rc), rc, now_ns);
		return false;
	}
	c->open = true;
	return true;
}

static void begin_closed(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;
	struct sp_dialogue_token t = { .t = { now_ns, s->size } };
	int rc;

	if (!goes_on(d, s, now_ns)) {
		s->conns--;
		sp_conns_release(d->conns, slot, false);
		return;
	}
	if (SP_UNLIKELY(!sp_guard_bytes_take(&s->guard, d->meter, now_ns, s->size))) {
		sp_conns_timer(d->conns, slot, now_ns + AGAIN_NS);
		return;
	}
	s->issued++;
	rc = connect_slot(d, slot, now_ns);
	if (rc) {
		refuse(d, s, &t, rc, now_ns);
		sp_conns_timer(d->conns, slot, now_ns + AGAIN_NS);
		return;
	}
	start(d, slot, &t, now_ns);
	drive(d, slot, now_ns);
}

static void turn(void *arg, uint32_t slot, uint32_t bits, uint64_t now_ns)
{
	struct sp_dialogue *d = arg;
	struct dialogue_conn *c = conn_of(d, slot);

	if (!sp_conns_conn(d->conns, slot)) {
		if (bits & SP_TURN_TIMER)
			begin_closed(d, slot, now_ns);
		return;
	}
	if (bits & SP_TURN_TIMER && c->wish.timer_ns <= now_ns) {
		c->end->ops->on_timer(state_of(d, slot), now_ns, &c->wish);
		settle(d, slot, 0, now_ns);
		if (wants_end(c)) {
			drive(d, slot, now_ns);
			return;
		}
	}
	if (!opened(d, slot, now_ns))
		return;
	c->ended |= (bits & SP_TURN_END) != 0;
	/* A layer may want either event for either thing. */
	c->more |= bits & (SP_TURN_IN | (c->end->wrap_ops ? SP_TURN_OUT : 0u));
	if (!write_out(d, slot, now_ns))
		return;
	if (c->more && !read_in(d, slot, now_ns))
		return;
	drive(d, slot, now_ns);
}

static const struct sp_conn_user dialogue_user = { .turn = turn };

void sp_dialogue_accepted(void *arg, unsigned port, uint32_t slot, uint64_t now_ns)
{
	struct sp_dialogue *d = arg;
	struct sp_dialogue_server *v = &d->server[port];
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_conn *conn = sp_conns_conn(d->conns, slot), *upper;
	struct sp_endpoint from = { 0 };
	uint32_t ep;

	d->conns->slot[slot].user = &dialogue_user;
	d->conns->slot[slot].arg = d;
	c->v = v;
	c->end = &v->end;
	c->connect_by_ns = now_ns + SP_DIALOGUE_CONNECT_NS;
	SP_ADD(v->accepted, 1);
	if (conn->ops->ends)
		conn->ops->ends(conn, &from, NULL);
	from.port = 0;
	ep = sp_endpoints_get(&v->from, &from, 0);
	if (sp_verifier_plain(v->verifier, port, ep, &c->f, &c->meta)) {
		sp_conns_hold(d->conns, slot, &c->meta->conns);
		c->meta->unit = SP_UNIT_REQUEST;
		c->meta->from = from.addr;
	} else {
		c->f = NULL;
	}
	if (v->end.wrap_ops) {
		if (v->end.wrap_ops->wrap(v->end.wrap, conn, &upper)) {
			sp_conns_release(d->conns, slot, true);
			return;
		}
		d->conns->slot[slot].conn = upper;
	}
	v->end.ops->init(state_of(d, slot), v->end.proto, now_ns, &c->wish);
	c->more = true;
	sp_conns_again(d->conns, slot);
}

/* ---- closed loops that start and stop ---- */

/* Those that have connections go on with them, and there are as many as there may be. */
static void start_anew(struct sp_dialogue *d, struct sp_dialogue_stream *s,
		       const struct sp_change *change, uint64_t now_ns)
{
	uint32_t slot;

	s->start_ns = change->at_ns;
	s->end_ns = change->pace.end_ns;
	s->issued = 0;
	for (slot = 0; slot < d->conns->used; slot++) {
		const struct dialogue_conn *c = conn_of(d, slot);

		if (d->conns->slot[slot].user != &dialogue_user || c->s != s)
			continue;
		if (c->idle)
			sp_conns_again(d->conns, slot);
		else if (!sp_conns_conn(d->conns, slot))
			sp_conns_timer(d->conns, slot, now_ns);
	}
	while (s->conns < s->max_conns) {
		slot = new_client(d, s);
		if (slot == SP_NO_SLOT)
			return;
		sp_conns_timer(d->conns, slot, now_ns);
	}
}

static void take_changes(void *arg, uint32_t slot, uint32_t bits, uint64_t now_ns)
{
	struct sp_dialogue *d = arg;
	struct sp_dialogue_stream *s = conn_of(d, slot)->s;

	(void)bits;
	while (s->changes && s->changes->at_ns <= now_ns) {
		const struct sp_change *c = s->changes;

		s->changes = c->next;
		if (c->kind == SP_CHANGE_START)
			start_anew(d, s, c, now_ns);
		else if (c->kind == SP_CHANGE_STOP && c->at_ns < s->end_ns)
			s->end_ns = c->at_ns;
	}
	if (s->changes) {
		sp_conns_timer(d->conns, slot, s->changes->at_ns);
		return;
	}
	s->alarm = 0;
	sp_conns_release(d->conns, slot, false);
}

static const struct sp_conn_user alarm_user = { .turn = take_changes };

/* A slot without a connection, for its timer. */
static int set_alarm(struct sp_dialogue *d, struct sp_dialogue_stream *s)
{
	uint32_t slot = s->alarm ? s->alarm - 1 : sp_conns_take(d->conns, &alarm_user, d);

	if (slot == SP_NO_SLOT)
		return -ENOBUFS;
	s->alarm = slot + 1;
	conn_of(d, slot)->s = s;
	sp_conns_timer(d->conns, slot, s->changes->at_ns);
	return 0;
}

int sp_dialogue_change(struct sp_dialogue *d, uint32_t stream, struct sp_change *c)
{
	struct sp_dialogue_stream *s = &d->stream[stream];
	struct sp_change **last = &s->changes;
	int rc;

	while (*last)
		last = &(*last)->next;
	c->next = NULL;
	*last = c;
	rc = d->armed ? set_alarm(d, s) : 0;
	if (rc)
		*last = NULL;
	return rc;
}

static bool starts_again(const struct sp_dialogue_stream *s)
{
	for (const struct sp_change *c = s->changes; c; c = c->next)
		if (c->kind == SP_CHANGE_START)
			return true;
	return false;
}

/* ---- the run ---- */

int sp_dialogue_arm(struct sp_dialogue *d)
{
	d->armed = true;
	for (uint32_t i = 0; i < d->n; i++) {
		struct sp_dialogue_stream *s = &d->stream[i];

		if (!s->closed && s->backlog_cap) {
			s->backlog = sp_alloc_array(d->env->mem, s->backlog_cap,
						    sizeof *s->backlog);
			if (!s->backlog)
				return -ENOMEM;
		}
		/* Those of a loop that waits for a start are made then. */
		for (uint32_t k = 0; s->closed && s->start_ns != SP_NEVER && k < s->max_conns;
		     k++) {
			uint32_t slot = new_client(d, s);

			if (slot == SP_NO_SLOT)
				return -ENOBUFS;
			sp_conns_timer(d->conns, slot, s->start_ns);
		}
		if (s->changes && set_alarm(d, s))
			return -ENOBUFS;
	}
	return 0;
}

void sp_dialogue_stop(struct sp_dialogue *d, uint64_t at_ns)
{
	for (uint32_t i = 0; i < d->n; i++) {
		d->stream[i].changes = NULL;
		if (at_ns < d->stream[i].end_ns)
			d->stream[i].end_ns = at_ns;
	}
}

bool sp_dialogue_over(const struct sp_dialogue *d, uint64_t now_ns)
{
	if (d->under_way || d->waiting)
		return false;
	for (uint32_t i = 0; i < d->n; i++)
		if (d->stream[i].closed &&
		    (goes_on(d, &d->stream[i], now_ns) || starts_again(&d->stream[i])))
			return false;
	return true;
}

void sp_dialogue_give_up(struct sp_dialogue *d, bool all, uint64_t now_ns)
{
	for (uint32_t i = 0; i < d->n; i++) {
		struct sp_dialogue_stream *s = &d->stream[i];

		for (; s->backlog_n; s->backlog_n--, d->waiting--)
			give_up(s);
	}
	if (!all)
		return;
	d->stopping = true;
	for (uint32_t slot = 0; slot < d->conns->used; slot++) {
		if (d->conns->slot[slot].user != &dialogue_user || !conn_of(d, slot)->s)
			continue;
		if (conn_of(d, slot)->idle) /* all that it was given is written */
			drop(d, slot, false, now_ns);
		else if (sp_conns_conn(d->conns, slot))
			fail(d, slot, SP_WHY_STOPPED, 0, now_ns);
	}
}

void sp_dialogue_sample(struct sp_dialogue *d)
{
	for (uint32_t slot = 0; slot < d->conns->used; slot++) {
		const struct dialogue_conn *c = conn_of(d, slot);

		if (d->conns->slot[slot].user == &dialogue_user && c->s && c->open)
			ask(c->s, sp_conns_conn(d->conns, slot), false);
	}
	for (uint32_t i = 0; i < d->n; i++) {
		SP_STORE(d->stream[i].open_retransmits, d->stream[i].sampling);
		d->stream[i].sampling = 0;
	}
}
