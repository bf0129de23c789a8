/* Bytes between a connection and its machine, a turn at a time. */
#include "engine/dialogue_impl.h"

#include <errno.h>
#include <string.h>

/* Bytes that one connection may read in one turn. */
#define READ_QUANTUM (256u << 10)
/* Units that one connection may begin in a turn. */
#define UNITS_A_TURN 32u

/* ---- buffers for what a machine left ---- */

static bool keep(struct sp_dialogue *d, struct dialogue_conn *c, const uint8_t *data, size_t n)
{
	if (!c->keep && n) {
		struct dialogue_kept *k = d->kept;

		if (k)
			d->kept = k->next;
		else
			k = sp_alloc_array(d->env->mem, d->keep_max + SP_DIALOGUE_READ, 1);
		if (!k)
			return false;
		c->keep = (uint8_t *)k;
	}
	if (n)
		memmove(c->keep, data, n);
	c->keep_len = (uint32_t)n;
	return true;
}

void sp_dialogue_unkeep(struct sp_dialogue *d, struct dialogue_conn *c)
{
	struct dialogue_kept *k = (struct dialogue_kept *)(void *)c->keep;

	if (!k)
		return;
	k->next = d->kept;
	d->kept = k;
	c->keep = NULL;
	c->keep_len = 0;
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
			sp_dialogue_fail(d, slot, sp_why_of((int)n), (int)n, now_ns);
			return false;
		}
		c->wrote += (size_t)n;
		c->end->ops->on_wrote(state_of(d, slot), (size_t)n, now_ns, &c->wish);
		sp_dialogue_settle(d, slot, 0, now_ns);
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
		done = sp_dialogue_settle(d, slot, 0, now_ns);
	}
	c->held = len && c->wish.flags & SP_WISH_HOLD;
	if (len)
		return keep(d, c, p, len);
	sp_dialogue_unkeep(d, c);
	return true;
}

static void at_eof(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);

	c->eof = true;
	c->end->ops->on_eof(state_of(d, slot), c->keep_len, now_ns, &c->wish);
	sp_dialogue_settle(d, slot, 0, now_ns);
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
		n = conn->ops->read(conn, d->buf + at, SP_DIALOGUE_READ);
		if (n == -EAGAIN) {
			c->more = false;
			return true;
		}
		if (n < 0) {
			sp_dialogue_fail(d, slot, sp_why_of((int)n), (int)n, now_ns);
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
			sp_dialogue_fail(d, slot, SP_WHY_OTHER, -ENOMEM, now_ns);
			return false;
		}
		left -= (size_t)n < left ? (size_t)n : left;
		c->more = (size_t)n == SP_DIALOGUE_READ || c->ended || !conn->ops->reads_all;
		if (!left || !write_out(d, slot, now_ns))
			return left == 0;
		if (!c->more)
			return true;
	}
	return true;
}

bool sp_dialogue_hear(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	return read_in(d, slot, now_ns);
}

/* What was kept back is shown again as soon as the machine wants it. False: gone. */
static bool show_held(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	size_t n = c->keep_len;

	memcpy(d->buf, c->keep, n);
	if (show(d, slot, d->buf, n, now_ns))
		return true;
	sp_dialogue_fail(d, slot, SP_WHY_OTHER, -ENOMEM, now_ns);
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
		sp_dialogue_drop(d, slot, c->wish.flags & SP_WISH_RESET, now_ns);
		return false;
	}
	if (c->eof && !c->wish.n_out && !(c->wish.flags & SP_WISH_HOLD) &&
	    c->wish.timer_ns == SP_NEVER) {
		sp_dialogue_fail(d, slot, SP_WHY_RESET, 0, now_ns);
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
void sp_dialogue_drive(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	const struct dialogue_conn *c = conn_of(d, slot);

	for (unsigned i = 0, before; i < UNITS_A_TURN;) {
		if (!serve_wish(d, slot, now_ns))
			return;
		before = i;
		/* A machine that takes several has them written at once. */
		while (i < UNITS_A_TURN && c->s && c->wish.flags & SP_WISH_READY) {
			now_ns = sp_clock_now(d->env->clock);
			if (!sp_dialogue_next(d, slot, now_ns))
				break;
			i++;
		}
		if (i == before)
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
		sp_dialogue_fail(d, slot, sp_why_of(rc), rc, now_ns);
		return false;
	}
	c->open = true;
	return true;
}

static void turn(void *arg, uint32_t slot, uint32_t bits, uint64_t now_ns)
{
	struct sp_dialogue *d = arg;
	struct dialogue_conn *c = conn_of(d, slot);

	if (!sp_conns_conn(d->conns, slot)) {
		if (bits & SP_TURN_TIMER || c->nudged) {
			c->nudged = false;
			sp_dialogue_begin(d, slot, now_ns);
		}
		return;
	}
	if (bits & SP_TURN_TIMER && c->wish.timer_ns <= now_ns) {
		c->end->ops->on_timer(state_of(d, slot), now_ns, &c->wish);
		sp_dialogue_settle(d, slot, 0, now_ns);
		if (wants_end(c)) {
			sp_dialogue_drive(d, slot, now_ns);
			return;
		}
	}
	if (!opened(d, slot, now_ns))
		return;
	if (SP_UNLIKELY(c->nudged)) {
		c->nudged = false;
		c->end->ops->on_timer(state_of(d, slot), now_ns, &c->wish);
	}
	c->ended |= (bits & SP_TURN_END) != 0;
	/* A layer may want either event for either thing. */
	c->more |= bits & (SP_TURN_IN | (c->end->wrap_ops ? SP_TURN_OUT : 0u));
	if (!write_out(d, slot, now_ns))
		return;
	if (c->more && !read_in(d, slot, now_ns))
		return;
	sp_dialogue_drive(d, slot, now_ns);
}

const struct sp_conn_user sp_dialogue_user = { .turn = turn };
