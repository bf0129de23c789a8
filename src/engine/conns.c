#include "engine/conns.h"

#include <errno.h>
#include <string.h>

#include "core/shared.h"

#define EVENTS 256u

int sp_conns_init(struct sp_conns *c, const struct sp_env *env, uint32_t max, size_t room)
{
	*c = (struct sp_conns){ .env = env, .max = max, .stride = (room + 63) / 64 * 64 };
	c->slot = sp_alloc_array(env->mem, max, sizeof *c->slot);
	c->room = sp_alloc_array(env->mem, max, c->stride);
	if (c->slot && c->room &&
	    sp_wheel_new(&c->wheel, env->mem, SP_CONNS_PLACES * max,
			 sp_clock_now(env->clock)) == 0)
		return 0;
	sp_conns_fini(c);
	return -ENOMEM;
}

void sp_conns_fini(struct sp_conns *c)
{
	if (!c->env)
		return;
	for (uint32_t i = 0; c->slot && i < c->used; i++)
		if (c->slot[i].conn)
			c->slot[i].conn->ops->close(c->slot[i].conn, true);
	sp_wheel_free(c->wheel);
	sp_free(c->env->mem, c->slot);
	sp_free(c->env->mem, c->room);
	sp_free(c->env->mem, c->port);
	*c = (struct sp_conns){ 0 };
}

/* ---- slots ---- */

uint32_t sp_conns_take(struct sp_conns *c, const struct sp_conn_user *user, void *arg)
{
	struct sp_slot *s;
	uint32_t i;

	if (c->free) {
		i = c->free - 1;
		c->free = c->slot[i].next;
	} else if (c->used < c->max) {
		i = c->used++;
	} else {
		return SP_NO_SLOT;
	}
	s = &c->slot[i];
	/* What is still in the wheel or the list of turns stays there and finds nothing to do. */
	s->conn = NULL;
	s->user = user;
	s->arg = arg;
	s->timer_ns = SP_NEVER;
	s->bits = 0;
	memset(sp_conns_room(c, i), 0, c->stride);
	c->open++;
	return i;
}

static void queue(struct sp_conns *c, uint32_t slot, uint32_t bits)
{
	struct sp_slot *s = &c->slot[slot];

	s->bits |= (uint8_t)bits;
	if (s->queued)
		return;
	s->queued = true;
	s->next = 0;
	if (c->last)
		c->slot[c->last - 1].next = slot + 1;
	else
		c->first = slot + 1;
	c->last = slot + 1;
	c->waiting++;
}

int sp_conns_connect(struct sp_conns *c, uint32_t slot, unsigned port,
		     const struct sp_endpoint *local, uint32_t ep)
{
	const struct sp_conns_port *p = &c->port[port];
	const struct sp_conn_door *door = p->ops->conn;

	if (!local)
		return door->connect(p->q, ep, slot, &c->slot[slot].conn);
	return door->connect_from
		       ? door->connect_from(p->q, local, ep, slot, &c->slot[slot].conn)
		       : -ENOTSUP;
}

void sp_conns_hang_up(struct sp_conns *c, uint32_t slot, bool reset)
{
	struct sp_slot *s = &c->slot[slot];

	if (s->conn)
		s->conn->ops->close(s->conn, reset);
	s->conn = NULL;
}

/* A slot in the list of turns becomes free when it comes to its front. */
static void free_slot(struct sp_conns *c, uint32_t slot)
{
	c->slot[slot].next = c->free;
	c->free = slot + 1;
}

void sp_conns_release(struct sp_conns *c, uint32_t slot, bool reset)
{
	struct sp_slot *s = &c->slot[slot];

	sp_conns_hang_up(c, slot, reset);
	s->user = NULL;
	s->timer_ns = SP_NEVER;
	s->bits = 0;
	c->open--;
	if (!s->queued)
		free_slot(c, slot);
}

void sp_conns_again(struct sp_conns *c, uint32_t slot)
{
	queue(c, slot, SP_TURN_AGAIN);
}

/* ---- timers ---- */

void sp_conns_timer(struct sp_conns *c, uint32_t slot, uint64_t at_ns)
{
	struct sp_slot *s = &c->slot[slot];

	s->timer_ns = at_ns;
	if (at_ns == SP_NEVER)
		return;
	for (unsigned k = 0; k < SP_CONNS_PLACES; k++)
		if (s->in_wheel[k] && s->wheel_ns[k] <= at_ns)
			return; /* it will be looked at by then */
	for (unsigned k = 0; k < SP_CONNS_PLACES; k++) {
		if (s->in_wheel[k])
			continue;
		s->in_wheel[k] = true;
		s->wheel_ns[k] = at_ns;
		sp_wheel_put(c->wheel, SP_CONNS_PLACES * slot + k, at_ns);
		return;
	}
}

static bool run_timers(struct sp_conns *c, uint64_t now_ns)
{
	uint32_t ids[64], n = sp_wheel_take(c->wheel, now_ns, ids, 64);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = ids[i] / SP_CONNS_PLACES;
		struct sp_slot *s = &c->slot[slot];

		s->in_wheel[ids[i] % SP_CONNS_PLACES] = false;
		if (!s->user || s->timer_ns == SP_NEVER)
			continue;
		if (s->timer_ns > now_ns) {
			sp_conns_timer(c, slot, s->timer_ns);
			continue;
		}
		s->timer_ns = SP_NEVER;
		queue(c, slot, SP_TURN_TIMER);
	}
	return n > 0;
}

/* ---- events ---- */

/* True when there may be more. */
static bool accept_some(struct sp_conns *c, unsigned port, uint64_t now_ns)
{
	struct sp_conns_port *p = &c->port[port];

	for (unsigned i = 0; i < SP_CONNS_ACCEPTS; i++) {
		uint32_t slot = sp_conns_take(c, NULL, NULL);
		struct sp_conn *conn = NULL;
		int rc = p->ops->conn->accept(p->q, slot, &conn);

		if (rc == 0 && slot != SP_NO_SLOT) {
			c->slot[slot].conn = conn;
			p->accepted(p->arg, port, slot, now_ns);
			continue;
		}
		if (rc == 0)
			conn->ops->close(conn, true);
		if (slot != SP_NO_SLOT)
			sp_conns_release(c, slot, true);
		if (rc == -EAGAIN)
			return false;
		SP_ADD(c->turned_away, 1);
	}
	return true;
}

static bool poll_ports(struct sp_conns *c, uint64_t now_ns)
{
	struct sp_conn_event ev[EVENTS];
	bool did = false;

	for (unsigned i = 0; i < c->n_ports; i++) {
		struct sp_conns_port *p = &c->port[i];
		uint32_t n;

		if (!p->q)
			continue;
		n = p->ops->conn->ready(p->q, ev, EVENTS);
		for (uint32_t k = 0; k < n; k++) {
			if (!ev[k].conn)
				p->calling = true;
			else if (ev[k].conn->id < c->used)
				queue(c, ev[k].conn->id, ev[k].bits);
		}
		did |= n > 0;
		if (p->calling && p->accepted) {
			p->calling = accept_some(c, i, now_ns);
			did = true;
		}
	}
	return did;
}

static bool give_turns(struct sp_conns *c, uint64_t now_ns)
{
	uint32_t n = c->waiting < SP_CONNS_TURNS ? c->waiting : SP_CONNS_TURNS;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = c->first - 1, bits;
		struct sp_slot *s = &c->slot[slot];

		c->first = s->next;
		if (!c->first)
			c->last = 0;
		c->waiting--;
		s->queued = false;
		bits = s->bits;
		s->bits = 0;
		if (!s->user)
			free_slot(c, slot);
		else if (bits)
			s->user->turn(s->arg, slot, bits, now_ns);
	}
	return n > 0;
}

/* A stream's connections are all made alike: the name does not change once it is there. */
void sp_conns_publish(struct sp_conn_info *to, const struct sp_conn_info *from)
{
	SP_STORE(to->rtt_ns, from->rtt_ns);
	SP_STORE(to->min_rtt_ns, from->min_rtt_ns);
	SP_STORE(to->cwnd_bytes, from->cwnd_bytes);
	SP_STORE(to->mss, from->mss);
	if (!to->known)
		memcpy(to->congestion, from->congestion, sizeof to->congestion);
	__atomic_store_n(&to->known, true, __ATOMIC_RELEASE);
}

bool sp_conns_turn(struct sp_conns *c, uint64_t now_ns)
{
	bool did = poll_ports(c, now_ns);

	did |= run_timers(c, now_ns);
	return give_turns(c, now_ns) || did;
}

uint64_t sp_conns_next(const struct sp_conns *c, bool timers)
{
	uint64_t next = timers ? sp_wheel_next(c->wheel) : SP_NEVER, t;

	if (c->waiting)
		return 0;
	for (unsigned i = 0; i < c->n_ports; i++) {
		const struct sp_conns_port *p = &c->port[i];

		if (!p->q || !p->ops->next_ns)
			continue;
		if (p->calling)
			return 0;
		t = p->ops->next_ns(p->q);
		next = t < next ? t : next;
	}
	return next;
}
