#include "engine/dialogue_play.h"

#include <errno.h>
#include <string.h>

#include "core/shared.h"
#include "engine/dialogue_impl.h"

/* Units that are taken before others have their turn. */
#define UNITS_A_TURN 64u

int sp_play_init(struct sp_dialogue_play *p, const struct sp_mem *mem)
{
	p->n = p->ops->sessions ? p->ops->sessions(p->source) : 1;
	p->session = sp_alloc_array(mem, p->n + 1, sizeof *p->session);
	if (!p->session)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->n; i++) {
		struct sp_dialogue_session *x = &p->session[i];

		if (p->ops->session)
			p->ops->session(p->source, i, &x->as);
		x->rec.mem = mem;
		x->rec.codec = x->as.codec;
		x->rec.counts = &p->counts;
		x->proto.session = &x->rec;
		x->end = sp_alloc(mem, sizeof *x->end);
		if (!x->end || sp_recorded_init(&x->rec))
			return -ENOMEM;
		*x->end = (struct sp_dialogue_end){ .ops = &sp_recorded_ops,
						    .proto = sp_recorded_proto(&x->proto) };
	}
	return 0;
}

void sp_play_fini(struct sp_dialogue_play *p, const struct sp_mem *mem)
{
	for (uint32_t i = 0; p->session && i < p->n; i++) {
		sp_recorded_fini(&p->session[i].rec);
		sp_free(mem, p->session[i].end);
	}
	sp_free(mem, p->session);
	sp_free(mem, p->unit);
	p->session = NULL;
	p->unit = NULL;
}

/* ---- a session's connections ---- */

/* Its turn will come, and the machine is asked for its wish; without a connection it gets one. */
static void nudge(struct sp_dialogue *d, uint32_t slot)
{
	conn_of(d, slot)->nudged = true;
	sp_conns_again(d->conns, slot);
}

static void refuse_all(struct sp_dialogue_stream *s, struct sp_dialogue_session *x)
{
	SP_ADD(s->flow->refused, (uint32_t)sp_recorded_drop(&x->rec, true));
}

static void release(struct sp_dialogue *d, struct sp_dialogue_stream *s,
		    struct sp_dialogue_session *x, enum sp_play_state state)
{
	sp_conns_release(d->conns, x->slot, false);
	SP_STORE(x->state, (uint8_t)state);
	s->conns--;
	s->play->open--;
}

/* Is there anything that another connection would be good for? */
static bool wanted(const struct sp_dialogue *d, const struct sp_dialogue_session *x)
{
	return !d->stopping && (sp_recorded_needs(&x->rec) || !x->rec.ending);
}

static void note_loss(struct sp_dialogue_stream *s, struct sp_dialogue_session *x,
		      uint64_t now_ns)
{
	sp_errors_add(&s->errors, x->rec.why, x->error, now_ns);
	SP_STORE(x->why, (uint8_t)x->rec.why);
	SP_STORE(x->code, x->rec.code);
	SP_STORE(x->reason, x->rec.reason);
	SP_STORE(x->told_error, x->error);
	SP_ADD(x->lost, 1);
}

/* A connection over which units left, or that lived for a while, makes the next loss a new one. */
static bool was_good(const struct sp_dialogue_session *x, uint64_t now_ns)
{
	const struct sp_recorded *r = &x->rec;
	bool accepted = r->codec && r->codec->peer
				? r->talk.established
				: r->why != SP_WHY_REFUSED && r->why != SP_WHY_TIMEOUT &&
					  r->why != SP_WHY_UNREACHABLE;

	return r->left || (accepted && now_ns > x->since_ns + SP_AGAIN_SESSION_MOST);
}

/* When it is tried again; 0: it is not. */
static uint64_t again_at(const struct sp_dialogue_play *p, struct sp_dialogue_session *x,
			 uint64_t now_ns)
{
	uint64_t at_ns;

	if (!p->reconnect_ns || x->rec.why == SP_WHY_OTHER || x->rec.forgotten)
		return 0;
	if (!x->until_ns || was_good(x, now_ns)) {
		x->until_ns = now_ns + p->reconnect_ns;
		x->again = (struct sp_again){ 0 };
	}
	at_ns = now_ns + sp_again_wait(&x->again, SP_AGAIN_SESSION_NS, SP_AGAIN_SESSION_MOST);
	return at_ns <= x->until_ns ? at_ns : 0;
}

void sp_play_gone(struct sp_dialogue *d, uint32_t slot, bool reset, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_dialogue_stream *s = c->s;
	struct sp_dialogue_session *x = c->session;
	uint64_t at_ns;

	sp_dialogue_ask(s, sp_conns_conn(d->conns, slot), true);
	sp_dialogue_unkeep(d, c);
	sp_conns_hang_up(d->conns, slot, reset && !d->stopping);
	c->open = false;
	if (x->rec.again && x->rec.ended && wanted(d, x)) {
		nudge(d, slot);
		return;
	}
	if (x->rec.ended || x->rec.why == SP_WHY_STOPPED) {
		release(d, s, x, SP_PLAY_OVER);
		return;
	}
	note_loss(s, x, now_ns);
	at_ns = wanted(d, x) ? again_at(s->play, x, now_ns) : 0;
	if (at_ns) {
		sp_conns_timer(d->conns, slot, at_ns);
		return;
	}
	refuse_all(s, x);
	release(d, s, x, SP_PLAY_FAILED);
}

void sp_play_begin(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct sp_dialogue_session *x = conn_of(d, slot)->session;
	int rc;

	if (!wanted(d, x)) {
		release(d, conn_of(d, slot)->s, x, SP_PLAY_OVER);
		return;
	}
	x->error = 0;
	x->since_ns = now_ns;
	rc = sp_dialogue_connect(d, slot, now_ns);
	if (rc) {
		x->error = rc;
		x->rec.why = sp_why_of(rc);
		sp_play_gone(d, slot, true, now_ns);
		return;
	}
	sp_dialogue_drive(d, slot, now_ns);
}

/* 0, or why it cannot have a slot. */
static int open_session(struct sp_dialogue *d, struct sp_dialogue_stream *s,
			struct sp_dialogue_session *x, uint64_t now_ns)
{
	uint32_t slot = sp_dialogue_client(d, s);
	struct dialogue_conn *c;

	if (slot == SP_NO_SLOT)
		return -ENOBUFS;
	c = conn_of(d, slot);
	c->session = x;
	c->end = x->end;
	x->slot = slot;
	SP_STORE(x->state, (uint8_t)SP_PLAY_OPEN);
	s->play->open++;
	SP_ADD(s->play->counts.sessions, 1);
	sp_play_begin(d, slot, now_ns);
	return 0;
}

/* Something new is there for the machine. */
static void wake(struct sp_dialogue *d, struct sp_dialogue_session *x, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, x->slot);

	if (!sp_conns_conn(d->conns, x->slot))
		return;
	c->end->ops->on_timer(state_of(d, x->slot), now_ns, &c->wish);
	sp_dialogue_drive(d, x->slot, now_ns);
}

/* A peer that reads nothing is noticed by whoever looks. */
void sp_play_look(struct sp_dialogue *d, uint32_t slot)
{
	const struct sp_dialogue_session *x = conn_of(d, slot)->session;

	if (x->rec.out != SP_RECORDED_NOTHING && sp_conns_conn(d->conns, slot))
		nudge(d, slot);
}

/* ---- units ---- */

static void count_left(struct sp_dialogue_session *x, const struct sp_txn *t)
{
	SP_ADD(x->left, 1);
	SP_ADD(x->left_bytes, t->tx_bytes);
	if (!x->first_left_ns)
		SP_STORE(x->first_left_ns, t->start_ns);
	SP_STORE(x->last_left_ns, t->start_ns);
}

void sp_play_left(struct sp_dialogue *d, struct dialogue_conn *c, const struct sp_txn *t)
{
	struct sp_dialogue_stream *s = c->s;
	struct sp_dialogue_play *p = s->play;
	uint64_t due_ns = t->intended_ns + c->session->rec.held_ns;
	int64_t gap;

	SP_ADD(s->flow->tx_bytes, t->tx_bytes);
	count_left(c->session, t);
	if (SP_UNLIKELY(d->tx_marker != NULL))
		sp_marker_unit(d->tx_marker, t->tx_bytes, t->sent_ns);
	sp_hist_add(&s->tally->late, (int64_t)(t->start_ns - due_ns));
	if (s->last_start_ns) {
		gap = (int64_t)(t->start_ns - s->last_start_ns) -
		      (int64_t)(due_ns - s->flow->last_due);
		sp_hist_add(&s->tally->gap_error, gap < 0 ? -gap : gap);
	}
	s->last_start_ns = t->start_ns;
	s->flow->last_due = due_ns;
	p->waiting -= t->tx_bytes < p->waiting ? t->tx_bytes : p->waiting;
	if (p->full && p->waiting < SP_PLAY_WAITING / 2) {
		p->full = false;
		sp_conns_again(d->conns, p->slot);
	}
}

static int make_unit(struct sp_dialogue *d, struct sp_dialogue_play *p)
{
	size_t cap = p->unit_cap ? p->unit_cap : 65536;

	if (p->size <= p->unit_cap)
		return 0;
	while (cap < p->size)
		cap *= 2;
	sp_free(d->env->mem, p->unit);
	p->unit = sp_alloc_array(d->env->mem, cap, 1);
	p->unit_cap = p->unit ? cap : 0;
	return p->unit ? 0 : -ENOMEM;
}

static void next_unit(struct sp_dialogue_play *p)
{
	uint64_t due_ns = p->due_ns;

	if (p->at_once) {
		p->size = p->ops->schedule->size(p->source);
		p->more = p->size != SP_PACE_OVER;
		return;
	}
	p->more = p->ops->schedule->next(p->source, &due_ns, &p->size) == 0;
	p->keep_open = p->more && due_ns >= SP_NEVER - 1;
	p->more &= !p->keep_open;
	p->due_ns = due_ns > p->due_ns ? due_ns : p->due_ns;
}

/* The unit that is due goes to its session. */
static int give(struct sp_dialogue *d, struct sp_dialogue_stream *s, const struct sp_msg *m,
		uint64_t now_ns)
{
	struct sp_dialogue_play *p = s->play;
	struct sp_dialogue_session *x = m->ep < p->n ? &p->session[m->ep] : NULL;
	int rc;

	if (!x || x->state == SP_PLAY_FAILED || x->state == SP_PLAY_OVER)
		return -EPIPE;
	rc = sp_recorded_put(&x->rec, m->data, m->len, m->t_ns);
	if (rc)
		return rc;
	p->waiting += m->len;
	if (x->state == SP_PLAY_OPEN) {
		wake(d, x, now_ns);
		return 0;
	}
	rc = open_session(d, s, x, now_ns);
	if (rc)
		sp_recorded_drop(&x->rec, true);
	return rc;
}

/* What became of the unit that was filled last. */
static void told(const struct sp_dialogue_play *p, uint64_t now_ns)
{
	if (p->ops->left)
		p->ops->left(p->source, 1, now_ns);
}

static void play_one(struct sp_dialogue *d, struct sp_dialogue_stream *s, uint64_t now_ns)
{
	struct sp_dialogue_play *p = s->play;
	struct sp_msg m = { .t_ns = p->at_once ? now_ns : p->due_ns,
			    .len = p->size,
			    .stamp_off = SP_NO_STAMP };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
	int rc = make_unit(d, p);

	if (!rc) {
		m.data = p->unit;
		p->ops->fill(p->source, &b, 0);
		if (!m.len) {
			told(p, 0);
			next_unit(p);
			return;
		}
		SP_ADD(p->issued, 1);
		if (!sp_guard_bytes_take(&s->guard, d->meter, now_ns, m.len))
			rc = -EACCES;
		else
			rc = give(d, s, &m, now_ns);
		told(p, rc ? 0 : now_ns);
		if (rc)
			SP_ADD(s->flow->refused, 1);
		if (rc == -ENOMEM || rc == -ENOBUFS)
			sp_errors_add(&s->errors, SP_WHY_OTHER, rc, now_ns);
		next_unit(p);
		return;
	}
	sp_errors_add(&s->errors, SP_WHY_OTHER, rc, now_ns);
	p->more = false;
}

static void play(void *arg, uint32_t slot, uint32_t bits, uint64_t now_ns)
{
	struct sp_dialogue *d = arg;
	struct sp_dialogue_stream *s = conn_of(d, slot)->s;
	struct sp_dialogue_play *p = s->play;

	(void)bits;
	for (unsigned i = 0; i < UNITS_A_TURN && p->more && p->due_ns <= now_ns; i++) {
		if (p->waiting >= SP_PLAY_WAITING) {
			p->full = true;
			return;
		}
		play_one(d, s, now_ns);
		now_ns = sp_clock_now(d->env->clock);
	}
	if (p->more && p->due_ns <= now_ns)
		sp_conns_again(d->conns, slot);
	else if (p->more)
		sp_conns_timer(d->conns, slot, p->due_ns);
}

static const struct sp_conn_user player = { .turn = play };

int sp_play_arm(struct sp_dialogue *d, struct sp_dialogue_stream *s)
{
	struct sp_dialogue_play *p = s->play;

	p->slot = sp_conns_take(d->conns, &player, d);
	if (p->slot == SP_NO_SLOT)
		return -ENOBUFS;
	conn_of(d, p->slot)->s = s;
	p->due_ns = p->start_ns;
	p->ops->begin(p->source, p->start_ns);
	p->at_once = p->ops->at_once && p->ops->at_once(p->source);
	next_unit(p);
	if (p->more)
		sp_conns_timer(d->conns, p->slot, p->due_ns);
	return 0;
}

/* ---- the end ---- */

static void end_all(struct sp_dialogue *d, struct sp_dialogue_stream *s, bool hurry)
{
	struct sp_dialogue_play *p = s->play;

	p->ending = true;
	for (uint32_t i = 0; i < p->n; i++) {
		struct sp_dialogue_session *x = &p->session[i];

		if (x->state != SP_PLAY_OPEN)
			continue;
		sp_recorded_end(&x->rec, hurry);
		nudge(d, x->slot);
	}
}

void sp_play_last(struct sp_dialogue *d, struct sp_dialogue_stream *s)
{
	if (!s->play->more && !s->play->ending && !s->play->keep_open)
		end_all(d, s, false);
}

void sp_play_stop(struct sp_dialogue *d, struct sp_dialogue_stream *s)
{
	struct sp_dialogue_play *p = s->play;

	p->more = false;
	for (uint32_t i = 0; i < p->n; i++)
		SP_ADD(*s->given_up, sp_recorded_drop(&p->session[i].rec, false));
	end_all(d, s, true);
}

void sp_play_give_up(struct sp_dialogue_stream *s)
{
	struct sp_dialogue_play *p = s->play;

	for (uint32_t i = 0; i < p->n; i++)
		SP_ADD(*s->given_up, sp_recorded_drop(&p->session[i].rec, true));
}
