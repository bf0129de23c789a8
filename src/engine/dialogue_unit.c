/* From a token to its outcome: connections that are free, tokens that wait for one, starts, answers,
 * failures. */
#include "engine/dialogue_impl.h"

#include <stdio.h>

#include "core/shared.h"

/* A connection so young that wrote at most this, less than a segment everywhere, has sent nothing
 * twice: no timer of the kernel's is shorter. */
#define YOUNG_NS    (4 * SP_NS_PER_MS)
#define ONE_SEGMENT 500u

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

void sp_dialogue_unsent(struct sp_dialogue_stream *s)
{
	SP_ADD(*s->given_up, 1);
}

void sp_dialogue_put(struct sp_dialogue *d, struct sp_dialogue_stream *s,
		     const struct sp_dialogue_token *t)
{
	if (s->backlog_n == s->backlog_cap) {
		sp_dialogue_unsent(s);
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
		sp_dialogue_unsent(s);
	}
	return false;
}

/* ---- outcomes ---- */

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
	sp_dialogue_put(d, s, &c->token);
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
		sp_dialogue_unsent(s);
	} else {
		SP_ADD(s->flow->refused, 1);
	}
	c->bad = t->why != SP_WHY_NONE && t->why != SP_WHY_STATUS && t->why != SP_WHY_STOPPED;
	c->good |= !c->bad && t->sent_ns;
	if (t->flags & SP_TXN_WHOLE)
		count_answer(s, t);
	if (SP_UNLIKELY(s->wants_replies != NULL) && t->flags & SP_TXN_WHOLE)
		sp_pacer_reply(s->wants_replies, s->paced_as, now_ns);
	if (t->flags & SP_TXN_WHOLE && t->status)
		sp_statuses_add(&s->statuses, t->status, 1);
	else if (t->sent_ns && s->answers)
		SP_ADD(s->failed, 1);
	if (t->why != SP_WHY_NONE && !s->session) { /* which fails once, with all its units */
		sp_errors_add(&s->errors, (enum sp_why)t->why, error, now_ns);
		if (t->reason)
			SP_STORE(s->errors.reason, t->reason);
	}
}

static void server_outcome(struct sp_dialogue *d, struct dialogue_conn *c,
			   const struct sp_txn *t, uint64_t now_ns)
{
	struct sp_dialogue_server *v = c->v;
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;

	if (t->status)
		sp_statuses_add(&v->statuses, t->status, 1);
	if (t->why != SP_WHY_NONE && t->why != SP_WHY_STATUS)
		sp_errors_add(&v->errors, (enum sp_why)t->why, 0, now_ns);
	if (!(t->flags & SP_TXN_WHOLE))
		return;
	SP_ADD(v->units, 1);
	if (SP_UNLIKELY(d->rx_marker != NULL))
		sp_marker_unit(d->rx_marker, t->rx_bytes, now_ns);
	if (!sp_verifier_plain(v->verifier, v->port, c->ep, &f, &meta)) {
		SP_ADD(v->verifier->untracked, 1);
		SP_ADD(v->verifier->untracked_bytes, t->rx_bytes);
		return;
	}
	meta->unit = SP_UNIT_REQUEST;
	meta->from = c->from;
	if (!meta->first_rx)
		SP_STORE(meta->first_rx, t->end_ns);
	SP_STORE(f->last_rx, t->end_ns);
	SP_ADD(f->rx, 1);
	SP_ADD(f->rx_bytes, t->rx_bytes);
}

/* After each call into a machine, before the next. */
bool sp_dialogue_settle(struct sp_dialogue *d, uint32_t slot, int error, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	uint16_t done = c->wish.done;
	struct sp_txn t;

	if (c->s && c->wish.sent)
		count_sent(c->s, c->wish.sent, now_ns);
	for (uint16_t i = 0; i < done; i++) {
		c->end->ops->outcome(state_of(d, slot), &t);
		if (c->session)
			sp_play_left(d, c, &t);
		else if (c->s)
			client_outcome(d, c, &t, error, now_ns);
		else
			server_outcome(d, c, &t, now_ns);
	}
	c->wish.sent = 0;
	c->wish.done = 0;
	return done > 0;
}

/* ---- ends ---- */

/* The next one of a stream that waits for a connection, now that one fewer is used. */
static void serve_backlog(struct sp_dialogue *d, struct sp_dialogue_stream *s, uint64_t now_ns)
{
	struct sp_dialogue_token t;

	if (s->conns < s->max_conns && backlog_take(d, s, now_ns, &t))
		sp_dialogue_serve(d, s, &t, now_ns);
}

bool sp_dialogue_goes_on(const struct sp_dialogue *d, const struct sp_dialogue_stream *s,
			 uint64_t now_ns)
{
	return !d->stopping && now_ns < s->end_ns && s->issued < s->count;
}

static void note_loss(struct sp_dialogue_stream *s, const struct sp_loss *l, int error,
		      uint64_t now_ns)
{
	if (!s->lost)
		s->first_loss = *l;
	s->loss = *l;
	sp_errors_add(&s->errors, l->why, error, now_ns);
	__atomic_store_n(&s->lost, s->lost + 1, __ATOMIC_RELEASE);
}

/* A session's connection is over: true, it was lost. */
static bool lost(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	const struct dialogue_conn *c = conn_of(d, slot);
	struct sp_loss l = { 0 };

	c->end->ops->loss(state_of(d, slot), &l);
	if (l.why == SP_WHY_TIMEOUT && !c->open)
		snprintf(l.text, sizeof l.text, "no connection came about within %.3g s",
			 (double)(now_ns - c->begun_ns) / 1e9);
	if (l.why == SP_WHY_NONE)
		SP_ADD(c->s->held, 1);
	else
		note_loss(c->s, &l, c->error, now_ns);
	return l.why != SP_WHY_NONE;
}

/* When a closed loop's connection may be followed by the next one. */
static uint64_t next_connect(struct dialogue_conn *c, bool failed, uint64_t now_ns)
{
	const struct sp_dialogue_stream *s = c->s;
	uint64_t most_ns = sp_again_most(s->end.ops);

	if (s->session ? c->open && now_ns >= c->begun_ns + most_ns : c->good)
		c->again = (struct sp_again){ 0 };
	if (!failed)
		return now_ns;
	return now_ns + sp_again_wait(&c->again, s->session ? SP_AGAIN_SESSION_NS : SP_AGAIN_NS,
				      most_ns);
}

/* A stream that ends by its count alone must not wait for its peer for ever. */
static void give_up_late(struct sp_dialogue_stream *s, const struct dialogue_conn *c)
{
	if (s->session && s->end_ns >= SP_NEVER && s->count != UINT64_MAX &&
	    c->again.next_ns > sp_again_most(s->end.ops))
		s->count = s->issued;
}

void sp_dialogue_drop(struct sp_dialogue *d, uint32_t slot, bool reset, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;
	bool failed;

	if (c->session) {
		sp_play_gone(d, slot, reset, now_ns);
		return;
	}
	sp_dialogue_unkeep(d, c);
	if (!s) {
		sp_conns_release(d->conns, slot, reset);
		return;
	}
	idle_remove(d, slot);
	if (!s->info.known || c->wrote > ONE_SEGMENT ||
	    now_ns >= c->connect_by_ns - SP_DIALOGUE_CONNECT_NS + YOUNG_NS)
		sp_dialogue_ask(s, sp_conns_conn(d->conns, slot), true);
	failed = s->session ? lost(d, slot, now_ns) : reset || !c->open || c->bad;
	give_up_late(s, c);
	if (s->closed && sp_dialogue_goes_on(d, s, now_ns)) {
		sp_conns_hang_up(d->conns, slot, reset);
		sp_conns_timer(d->conns, slot, next_connect(c, failed, now_ns));
		c->open = false;
		return;
	}
	s->conns--;
	sp_conns_release(d->conns, slot, reset);
	if (!s->closed)
		serve_backlog(d, s, now_ns);
}

void sp_dialogue_fail(struct sp_dialogue *d, uint32_t slot, enum sp_why why, int error,
		      uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	const struct sp_conn *conn = sp_conns_conn(d->conns, slot);
	const char *reason = conn->ops->why ? conn->ops->why(conn) : NULL;

	if (c->session)
		c->session->error = error;
	c->error = error;
	c->end->ops->on_close(state_of(d, slot), why, reason, now_ns, &c->wish);
	sp_dialogue_settle(d, slot, error, now_ns);
	sp_dialogue_drop(d, slot, true, now_ns);
}

/* ---- starts ---- */

static void note_start(struct sp_dialogue_stream *s, const struct sp_dialogue_token *t,
		       uint64_t now_ns)
{
	uint64_t intended_ns = t->t.intended_ns;
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
		sp_schedule_left(s->schedule, now_ns, (uint32_t)t->t.size);
}

/* A machine that is ready takes a token. */
static void start(struct sp_dialogue *d, uint32_t slot, const struct sp_dialogue_token *t,
		  uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;

	idle_remove(d, slot);
	if (c->end->ops->start(state_of(d, slot), &t->t, now_ns, &c->wish)) {
		sp_dialogue_unsent(s);
		return;
	}
	if (!t->retried)
		note_start(s, t, now_ns);
	c->token = *t;
	d->under_way++;
	sp_dialogue_settle(d, slot, 0, now_ns);
}

/* A new connection, whose machine is ready to take a token though it is not open yet. */
int sp_dialogue_connect(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;
	struct sp_conn *upper;
	const struct sp_dialogue_session *x = c->session;
	const struct sp_endpoint *local = x && x->as.local.addr.family ? &x->as.local : NULL;
	int rc = sp_conns_connect(d->conns, slot, s->port, local, x ? x->ep : s->ep);

	c->open = c->held = c->shut = c->eof = c->more = c->ended = c->good = c->bad = false;
	c->error = 0;
	c->begun_ns = now_ns;
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

uint32_t sp_dialogue_client(struct sp_dialogue *d, struct sp_dialogue_stream *s)
{
	uint32_t slot = sp_conns_take(d->conns, &sp_dialogue_user, d);
	struct dialogue_conn *c;

	if (slot == SP_NO_SLOT)
		return slot;
	c = conn_of(d, slot);
	c->s = s;
	c->end = &s->end;
	s->conns++;
	return slot;
}

/* The connection could not even be begun: its machine hears so. */
static void refuse(struct sp_dialogue *d, uint32_t slot, const struct sp_dialogue_token *t,
		   int error, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);

	start(d, slot, t, now_ns);
	c->end->ops->on_close(state_of(d, slot), sp_why_of(error), NULL, now_ns, &c->wish);
	sp_dialogue_settle(d, slot, error, now_ns);
}

void sp_dialogue_serve(struct sp_dialogue *d, struct sp_dialogue_stream *s,
		       const struct sp_dialogue_token *t, uint64_t now_ns)
{
	uint32_t slot;
	int rc;

	if (s->idle) {
		slot = s->idle - 1;
		start(d, slot, t, now_ns);
		sp_dialogue_drive(d, slot, now_ns);
		return;
	}
	slot = s->conns < s->max_conns ? sp_dialogue_client(d, s) : SP_NO_SLOT;
	if (slot == SP_NO_SLOT) {
		sp_dialogue_put(d, s, t);
		return;
	}
	rc = sp_dialogue_connect(d, slot, now_ns);
	if (rc) {
		refuse(d, slot, t, rc, now_ns);
		s->conns--;
		sp_conns_release(d->conns, slot, true);
		return;
	}
	start(d, slot, t, now_ns);
	sp_dialogue_drive(d, slot, now_ns);
}

/* The next unit of a connection that is ready: of the backlog, or the closed loop's own. False:
 * there is none, it is idle. */
bool sp_dialogue_next(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;
	struct sp_dialogue_token t = { .t = { now_ns, s->size } };

	if (s->closed && sp_schedule_sized(s->schedule))
		t.t.size = sp_schedule_size(s->schedule);
	if (s->closed ? !sp_dialogue_goes_on(d, s, now_ns) ||
				!sp_guard_bytes_take(&s->guard, d->meter, now_ns, t.t.size)
		      : !backlog_take(d, s, now_ns, &t)) {
		idle_add(d, slot);
		return false;
	}
	s->issued++;
	start(d, slot, &t, now_ns);
	return true;
}

/* A session has units when its machine is ready for them. */
static void begin_session(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	int rc = sp_dialogue_connect(d, slot, now_ns);

	if (rc) {
		note_loss(c->s, &(struct sp_loss){ .why = sp_why_of(rc) }, rc, now_ns);
		give_up_late(c->s, c);
		sp_conns_timer(d->conns, slot, next_connect(c, true, now_ns));
		return;
	}
	sp_dialogue_drive(d, slot, now_ns);
}

void sp_dialogue_begin(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;
	struct sp_dialogue_token t = { .t = { now_ns, s->size } };
	int rc;

	if (c->session) {
		sp_play_begin(d, slot, now_ns);
		return;
	}
	if (!sp_dialogue_goes_on(d, s, now_ns)) {
		s->conns--;
		sp_conns_release(d->conns, slot, false);
		return;
	}
	if (s->session) {
		begin_session(d, slot, now_ns);
		return;
	}
	if (sp_schedule_sized(s->schedule))
		t.t.size = sp_schedule_size(s->schedule);
	if (SP_UNLIKELY(!sp_guard_bytes_take(&s->guard, d->meter, now_ns, t.t.size))) {
		sp_conns_timer(d->conns, slot, now_ns + SP_AGAIN_NS);
		return;
	}
	s->issued++;
	rc = sp_dialogue_connect(d, slot, now_ns);
	if (rc) {
		refuse(d, slot, &t, rc, now_ns);
		sp_conns_timer(d->conns, slot, next_connect(c, true, now_ns));
		return;
	}
	start(d, slot, &t, now_ns);
	sp_dialogue_drive(d, slot, now_ns);
}
