#include "engine/lane_dialogue.h"

#include <errno.h>

#include "core/shared.h"
#include "engine/dialogue_impl.h"

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
	d->buf = sp_alloc_array(mem, keep_max + SP_DIALOGUE_READ, 1);
	if (d->stream && d->server && d->buf)
		return 0;
	sp_dialogue_fini(d);
	return -ENOMEM;
}

void sp_dialogue_fini(struct sp_dialogue *d)
{
	const struct sp_mem *mem;

	if (!d->env)
		return;
	mem = d->env->mem;
	for (uint32_t i = 0; i < d->conns->used; i++)
		if (d->conns->slot[i].user && d->conns->slot[i].arg == d)
			sp_dialogue_unkeep(d, conn_of(d, i));
	for (struct dialogue_kept *k = d->kept, *next; k; k = next) {
		next = k->next;
		sp_free(mem, k);
	}
	for (uint32_t i = 0; d->stream && i < d->n; i++) {
		sp_free(mem, d->stream[i].backlog);
		if (d->stream[i].play)
			sp_play_fini(d->stream[i].play, mem);
	}
	for (unsigned i = 0; d->server && i < d->n_servers; i++)
		sp_endpoints_fini(&d->server[i].from, mem);
	sp_free(mem, d->stream);
	sp_free(mem, d->server);
	sp_free(mem, d->buf);
	*d = (struct sp_dialogue){ 0 };
}

void sp_dialogue_token(struct sp_dialogue *d, uint32_t i, const struct sp_due *due,
		       uint64_t now_ns)
{
	struct sp_dialogue_stream *s = &d->stream[i];
	struct sp_dialogue_token t = { .t = { due->due_ns, due->size } };

	if (SP_UNLIKELY(!sp_guard_bytes_take(&s->guard, d->meter, now_ns, due->size)))
		SP_ADD(s->flow->refused, 1);
	else if (s->backlog_n)
		sp_dialogue_put(d, s, &t);
	else
		sp_dialogue_serve(d, s, &t, now_ns);
}

void sp_dialogue_accepted(void *arg, unsigned port, uint32_t slot, uint64_t now_ns)
{
	struct sp_dialogue *d = arg;
	struct sp_dialogue_server *v = &d->server[port];
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_conn *conn = sp_conns_conn(d->conns, slot), *upper;
	struct sp_endpoint from = { 0 };

	d->conns->slot[slot].user = &sp_dialogue_user;
	d->conns->slot[slot].arg = d;
	c->v = v;
	c->end = &v->end;
	c->connect_by_ns = now_ns + SP_DIALOGUE_CONNECT_NS;
	SP_ADD(v->accepted, 1);
	if (conn->ops->ends)
		conn->ops->ends(conn, &from, NULL);
	from.port = 0;
	c->ep = sp_endpoints_get(&v->from, &from, 0);
	c->from = from.addr;
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

		if (d->conns->slot[slot].user != &sp_dialogue_user || c->s != s)
			continue;
		if (c->idle)
			sp_conns_again(d->conns, slot);
		else if (!sp_conns_conn(d->conns, slot))
			sp_conns_timer(d->conns, slot, now_ns);
	}
	while (s->conns < s->max_conns) {
		slot = sp_dialogue_client(d, s);
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
		int rc = s->play ? sp_play_arm(d, s) : 0;

		if (rc)
			return rc;
		if (s->play)
			continue;
		if (!s->closed && s->backlog_cap) {
			s->backlog = sp_alloc_array(d->env->mem, s->backlog_cap,
						    sizeof *s->backlog);
			if (!s->backlog)
				return -ENOMEM;
		}
		/* Those of a loop that waits for a start are made then. */
		for (uint32_t k = 0; s->closed && s->start_ns != SP_NEVER && k < s->max_conns;
		     k++) {
			uint32_t slot = sp_dialogue_client(d, s);

			if (slot == SP_NO_SLOT)
				return -ENOBUFS;
			sp_conns_timer(d->conns, slot, s->start_ns);
		}
		if (s->changes && set_alarm(d, s))
			return -ENOBUFS;
	}
	return 0;
}

void sp_dialogue_last(struct sp_dialogue *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (d->stream[i].play && d->stream[i].play->more)
			return;
	for (uint32_t i = 0; i < d->n; i++)
		if (d->stream[i].play)
			sp_play_last(d, &d->stream[i]);
}

void sp_dialogue_stop(struct sp_dialogue *d, uint64_t at_ns)
{
	for (uint32_t i = 0; i < d->n; i++) {
		d->stream[i].changes = NULL;
		if (d->stream[i].play)
			sp_play_stop(d, &d->stream[i]);
		if (at_ns < d->stream[i].end_ns)
			d->stream[i].end_ns = at_ns;
	}
}

bool sp_dialogue_over(const struct sp_dialogue *d, uint64_t now_ns)
{
	if (d->under_way || d->waiting)
		return false;
	for (uint32_t i = 0; i < d->n; i++)
		if (d->stream[i].play && !sp_play_over(d->stream[i].play))
			return false;
	for (uint32_t i = 0; i < d->n; i++)
		if (d->stream[i].closed && (sp_dialogue_goes_on(d, &d->stream[i], now_ns) ||
					    starts_again(&d->stream[i])))
			return false;
	return true;
}

bool sp_dialogue_plays(const struct sp_dialogue *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (d->stream[i].play && d->stream[i].play->open)
			return true;
	return false;
}

/* Says the last word and closes, without waiting for anybody. What the kernel has taken of it leaves
 * all the same. */
static void farewell(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	struct dialogue_conn *c = conn_of(d, slot);
	struct sp_conn *conn = sp_conns_conn(d->conns, slot);
	ssize_t n = 1;

	/* A peer that has ended it already was not left in order. */
	if (c->s->session && !sp_dialogue_hear(d, slot, now_ns))
		return;
	c->end->ops->on_end(state_of(d, slot), now_ns, &c->wish);
	sp_dialogue_settle(d, slot, 0, now_ns);
	while (c->wish.n_out && n > 0) {
		n = conn->ops->write(conn, c->wish.out, c->wish.n_out);
		if (n > 0)
			c->end->ops->on_wrote(state_of(d, slot), (size_t)n, now_ns, &c->wish);
		sp_dialogue_settle(d, slot, 0, now_ns);
	}
	if (c->wish.n_out) {
		c->end->ops->on_close(state_of(d, slot), SP_WHY_STOPPED, NULL, now_ns,
				      &c->wish);
		sp_dialogue_settle(d, slot, 0, now_ns);
	}
	sp_dialogue_drop(d, slot, false, now_ns);
}

/* A session that has no connection yet did not come about; what else there is just ends. */
static void abandon(struct sp_dialogue *d, uint32_t slot, uint64_t now_ns)
{
	const struct dialogue_conn *c = conn_of(d, slot);

	if (c->s->session && !c->open)
		sp_dialogue_fail(d, slot, SP_WHY_TIMEOUT, -ETIMEDOUT, now_ns);
	else
		sp_dialogue_fail(d, slot, SP_WHY_STOPPED, 0, now_ns);
}

void sp_dialogue_give_up(struct sp_dialogue *d, bool all, uint64_t now_ns)
{
	for (uint32_t i = 0; i < d->n; i++) {
		struct sp_dialogue_stream *s = &d->stream[i];

		for (; s->backlog_n; s->backlog_n--, d->waiting--)
			sp_dialogue_unsent(s);
	}
	if (!all)
		return;
	d->stopping = true;
	for (uint32_t slot = 0; slot < d->conns->used; slot++) {
		if (d->conns->slot[slot].user != &sp_dialogue_user || !conn_of(d, slot)->s)
			continue;
		if (conn_of(d, slot)->open && conn_of(d, slot)->end->ops->on_end)
			farewell(d, slot, now_ns);
		else if (conn_of(d, slot)->idle) /* all that it was given is written */
			sp_dialogue_drop(d, slot, false, now_ns);
		else if (sp_conns_conn(d->conns, slot))
			abandon(d, slot, now_ns);
	}
	for (uint32_t i = 0; i < d->n; i++)
		if (d->stream[i].play)
			sp_play_give_up(&d->stream[i]);
}

void sp_dialogue_ask(struct sp_dialogue_stream *s, struct sp_conn *conn, bool closing)
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

void sp_dialogue_sample(struct sp_dialogue *d)
{
	for (uint32_t slot = 0; slot < d->conns->used; slot++) {
		const struct dialogue_conn *c = conn_of(d, slot);

		if (d->conns->slot[slot].user != &sp_dialogue_user || !c->s)
			continue;
		if (c->session)
			sp_play_look(d, slot);
		if (c->open)
			sp_dialogue_ask(c->s, sp_conns_conn(d->conns, slot), false);
	}
	for (uint32_t i = 0; i < d->n; i++) {
		SP_STORE(d->stream[i].open_retransmits, d->stream[i].sampling);
		d->stream[i].sampling = 0;
	}
}
