#include <errno.h>
#include <string.h>

#include "plugin/tstats.h"
#include "transport/loop_tcp/loop_tcp.h"

static struct pair *pair_of(const struct end *e)
{
	const struct end *first = e->client ? e : e - 1;

	return (struct pair *)(void *)(uintptr_t)first;
}

static struct end *other(struct end *e)
{
	return e->client ? e + 1 : e - 1;
}

static uint32_t index_of(const struct end *e)
{
	return (uint32_t)(pair_of(e) - e->q->pair) * 2 + !e->client;
}

static uint64_t now_of(const struct end *e)
{
	return sp_clock_now(e->q->port->env->clock);
}

/* ---- time ---- */

static void raise(struct end *e, uint32_t bits)
{
	struct sp_queue *q = e->q;

	if (e->closed || !e->conn.ops)
		return;
	e->bits |= bits;
	if (e->ready)
		return;
	e->ready = true;
	q->ready[q->n_ready++] = index_of(e);
}

/* The next thing that will happen to this end. */
static uint64_t next_of(const struct end *e)
{
	uint64_t next = e->seg_n ? e->seg[e->seg_at].at_ns : SP_NEVER;

	next = e->event_ns < next ? e->event_ns : next;
	next = e->fin_ns < next ? e->fin_ns : next;
	return e->reset_ns < next ? e->reset_ns : next;
}

static void wait(struct end *e)
{
	uint64_t next = next_of(e);

	if (e->in_wheel || next == SP_NEVER)
		return;
	e->in_wheel = true;
	sp_wheel_put(e->q->wheel, index_of(e), next);
}

/* ---- pairs ---- */

static void free_pair(struct sp_queue *q, struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		sp_free(q->port->env->mem, p->end[i].ring);
		p->end[i].ring = NULL;
	}
	p->used = false;
	p->next = q->free;
	q->free = (uint32_t)(p - q->pair) + 1;
}

/* A pair is used again when nobody holds it and nothing is in the wheel or the list for it. */
static void let_go(struct end *e)
{
	struct pair *p = pair_of(e);

	for (unsigned i = 0; i < 2; i++)
		if (!p->end[i].closed || p->end[i].in_wheel || p->end[i].ready)
			return;
	if (p->used)
		free_pair(e->q, p);
}

static struct pair *new_pair(struct sp_queue *q)
{
	struct pair *p;

	if (q->free) {
		p = &q->pair[q->free - 1];
		q->free = p->next;
	} else if (q->used < q->port->max_conns) {
		p = &q->pair[q->used++];
	} else {
		return NULL;
	}
	*p = (struct pair){ .used = true };
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &p->end[i];

		e->q = q;
		e->client = i == 0;
		e->event_ns = e->fin_ns = e->reset_ns = SP_NEVER;
		e->ring = sp_alloc_array(q->port->env->mem, q->port->conf.buffer, 1);
	}
	if (p->end[0].ring && p->end[1].ring)
		return p;
	free_pair(q, p);
	return NULL;
}

int sp_loop_tcp_connect(struct sp_queue *q, uint32_t ep, uint32_t id, struct sp_conn **out)
{
	return sp_loop_tcp_connect_from(q, &(struct sp_endpoint){ 0 }, ep, id, out);
}

int sp_loop_tcp_connect_from(struct sp_queue *q, const struct sp_endpoint *local, uint32_t ep,
			     uint32_t id, struct sp_conn **out)
{
	const struct sp_loop_tcp_conf *c = &q->port->conf;
	struct pair *p = new_pair(q);
	uint64_t now;

	if (!p)
		return -ENOBUFS;
	q->opened++;
	now = now_of(&p->end[0]);
	p->ep = ep;
	p->from = *local;
	p->end[0].conn = (struct sp_conn){ .ops = &sp_loop_tcp_conn_ops, .id = id };
	p->end[0].event_ns = now + 2 * c->delay_ns;
	p->end[0].refused = !q->port->rx || (c->refuse && q->opened % c->refuse == 0);
	p->doomed = c->reset && q->opened % c->reset == 0;
	if (p->end[0].refused)
		p->end[1].closed = true;
	else
		p->end[1].event_ns = now + c->delay_ns;
	wait(&p->end[0]);
	wait(&p->end[1]);
	sp_tstats_add(&q->stats.tx_units, 1);
	*out = &p->end[0].conn;
	return 0;
}

int sp_loop_tcp_accept(struct sp_queue *q, uint32_t id, struct sp_conn **out)
{
	struct pair *p;
	struct end *e;

	if (!q->caller_first)
		return -EAGAIN;
	p = &q->pair[q->caller_first - 1];
	q->caller_first = p->next;
	if (!q->caller_first)
		q->caller_last = 0;
	e = &p->end[1];
	e->conn = (struct sp_conn){ .ops = &sp_loop_tcp_conn_ops, .id = id };
	e->open = true;
	sp_tstats_add(&q->stats.rx_units, 1);
	*out = &e->conn;
	return 0;
}

static void call(struct end *e)
{
	struct sp_queue *q = e->q;
	struct pair *p = pair_of(e);
	uint32_t i = (uint32_t)(p - q->pair) + 1;

	p->next = 0;
	if (q->caller_last)
		q->pair[q->caller_last - 1].next = i;
	else
		q->caller_first = i;
	q->caller_last = i;
	q->calling = true;
}

static void happen(struct end *e, uint64_t now_ns)
{
	if (e->event_ns <= now_ns) {
		e->event_ns = SP_NEVER;
		if (e->client)
			e->open = !e->refused;
		else
			call(e);
		raise(e, SP_CONN_OUT | (e->refused ? SP_CONN_IN : 0u));
	}
	while (e->seg_n && e->seg[e->seg_at].at_ns <= now_ns) {
		e->visible = e->seg[e->seg_at].upto;
		e->seg_at = (e->seg_at + 1) % LOOP_TCP_SEGS;
		e->seg_n--;
		raise(e, SP_CONN_IN);
		if (pair_of(e)->doomed && !e->client) {
			pair_of(e)->doomed = false;
			e->reset_ns = now_ns;
			other(e)->reset = true;
			raise(other(e), SP_CONN_IN | SP_CONN_OUT);
		}
	}
	if (e->fin_ns <= now_ns) {
		e->fin_ns = SP_NEVER;
		e->fin = true;
		raise(e, SP_CONN_IN);
	}
	if (e->reset_ns <= now_ns) {
		e->reset_ns = SP_NEVER;
		e->reset = true;
		raise(e, SP_CONN_IN | SP_CONN_OUT);
	}
}

void sp_loop_tcp_pass(struct sp_queue *q, uint64_t now_ns)
{
	uint32_t ids[64], n;

	do {
		n = sp_wheel_take(q->wheel, now_ns, ids, 64);
		for (uint32_t i = 0; i < n; i++) {
			struct end *e = &q->pair[ids[i] / 2].end[ids[i] % 2];

			e->in_wheel = false;
			happen(e, now_ns);
			wait(e);
			let_go(e);
		}
	} while (n);
}

/* ---- a connection ---- */

static struct end *end_of(struct sp_conn *c)
{
	return (struct end *)(void *)c;
}

static int conn_open(struct sp_conn *c)
{
	const struct end *e = end_of(c);

	if (e->open)
		return 0;
	return e->refused && e->event_ns == SP_NEVER ? -ECONNREFUSED : -EAGAIN;
}

static ssize_t take(struct end *e, uint8_t *to, size_t len)
{
	uint64_t cap = e->q->port->conf.buffer, n = e->visible - e->head;

	if (e->reset)
		return -ECONNRESET;
	if (!n)
		return e->fin && !e->seg_n ? 0 : -EAGAIN;
	n = n < len ? n : len;
	for (uint64_t i = 0; to && i < n;) {
		uint64_t at = (e->head + i) % cap, piece = n - i;

		piece = piece < cap - at ? piece : cap - at;
		memcpy(to + i, e->ring + at, piece);
		i += piece;
	}
	e->head += n;
	if (other(e)->blocked) {
		other(e)->blocked = false;
		raise(other(e), SP_CONN_OUT);
	}
	sp_tstats_add(&e->q->stats.rx_calls, 1);
	sp_tstats_add(&e->q->stats.rx_bytes, n);
	return (ssize_t)n;
}

static ssize_t conn_read(struct sp_conn *c, void *data, size_t len)
{
	return take(end_of(c), data, len);
}

static ssize_t conn_drain(struct sp_conn *c, uint64_t max)
{
	return take(end_of(c), NULL, max < SIZE_MAX ? (size_t)max : SIZE_MAX);
}

/* When n more bytes to this end have arrived. */
static uint64_t arrival(struct end *e, uint64_t n, uint64_t now_ns)
{
	const struct sp_loop_tcp_conf *c = &e->q->port->conf;

	if (e->line_free_ns < now_ns)
		e->line_free_ns = now_ns;
	if (c->rate.kind == SP_RATE_BPS && c->rate.micro)
		e->line_free_ns += (uint64_t)((unsigned __int128)n * 8 * 1000000000u *
					      1000000u / c->rate.micro);
	return e->line_free_ns + c->delay_ns;
}

static void carry(struct end *to, uint64_t at_ns)
{
	if (to->seg_n == LOOP_TCP_SEGS ||
	    (to->seg_n && to->seg[(to->seg_at + to->seg_n - 1) % LOOP_TCP_SEGS].at_ns == at_ns))
		to->seg_n--;
	to->seg[(to->seg_at + to->seg_n) % LOOP_TCP_SEGS].at_ns = at_ns;
	to->seg[(to->seg_at + to->seg_n) % LOOP_TCP_SEGS].upto = to->tail;
	to->seg_n++;
	wait(to);
}

/* piece bytes at place at of the ring are the stream's from tail on. */
static void damage(struct end *to, uint64_t at, uint64_t piece)
{
	uint64_t every = to->q->port->conf.corrupt;

	if (!every)
		return;
	for (uint64_t k = to->tail / every * every + every - 1; k < to->tail + piece;
	     k += every)
		if (k >= to->tail)
			to->ring[at + k - to->tail] ^= 0x55;
}

static ssize_t conn_write(struct sp_conn *c, const struct iovec *iov, int n)
{
	struct end *e = end_of(c), *to = other(e);
	uint64_t cap = e->q->port->conf.buffer, room = cap - (to->tail - to->head), put = 0;

	if (e->reset || to->closed)
		return e->reset ? -ECONNRESET : -EPIPE;
	if (!e->open || !room) {
		e->blocked = e->open;
		return -EAGAIN;
	}
	for (int i = 0; i < n; i++) {
		const uint8_t *from = iov[i].iov_base;
		size_t len = iov[i].iov_len;

		for (; len && put < room;) {
			uint64_t at = to->tail % cap, piece = len;

			piece = piece < cap - at ? piece : cap - at;
			piece = piece < room - put ? piece : room - put;
			memcpy(to->ring + at, from, piece);
			damage(to, at, piece);
			from += piece;
			len -= piece;
			to->tail += piece;
			put += piece;
		}
	}
	if (put == room)
		e->blocked = true;
	carry(to, arrival(to, put, now_of(e)));
	sp_tstats_add(&e->q->stats.tx_calls, 1);
	sp_tstats_add(&e->q->stats.tx_bytes, put);
	return (ssize_t)put;
}

static int conn_shutdown(struct sp_conn *c)
{
	struct end *e = end_of(c), *to = other(e);

	if (to->fin || to->fin_ns != SP_NEVER || to->closed)
		return 0;
	to->fin_ns = arrival(to, 0, now_of(e));
	wait(to);
	return 0;
}

static int conn_ends(const struct sp_conn *c, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct end *e = (const struct end *)(const void *)c;
	struct sp_endpoint server = e->q->ends.at[pair_of(e)->ep].remote, client = server;

	if (pair_of(e)->from.addr.family)
		client = pair_of(e)->from;
	if (client.port == server.port || !client.port)
		client.port = (uint16_t)(40000 + index_of(e) / 2 % 20000);
	if (remote)
		*remote = e->client ? server : client;
	if (local)
		*local = e->client ? client : server;
	return 0;
}

static void conn_info(const struct sp_conn *c, struct sp_conn_info *info)
{
	const struct end *e = (const struct end *)(const void *)c;

	*info = (struct sp_conn_info){ .known = true,
				       .rtt_ns = 2 * e->q->port->conf.delay_ns,
				       .min_rtt_ns = 2 * e->q->port->conf.delay_ns,
				       .cwnd_bytes = e->q->port->conf.buffer };
}

static void conn_close(struct sp_conn *c, bool reset)
{
	struct end *e = end_of(c), *to = other(e);

	if (!to->closed && reset) {
		to->reset_ns = now_of(e) + e->q->port->conf.delay_ns;
		wait(to);
	} else if (!to->closed) {
		conn_shutdown(c);
	}
	e->closed = true;
	e->conn.ops = NULL;
	e->bits = 0;
	let_go(e);
}

const struct sp_conn_ops sp_loop_tcp_conn_ops = {
	.open = conn_open,
	.read = conn_read,
	.write = conn_write,
	.drain = conn_drain,
	.shutdown = conn_shutdown,
	.ends = conn_ends,
	.info = conn_info,
	.close = conn_close,
};
