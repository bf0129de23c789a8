#include "engine/sink.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "core/shared.h"
#include "engine/opener.h"
#include "pkt/bulk.h"
#include "plugin/target.h"

/* What one connection may take of a turn. Discarding copies nothing, so that more is cheap. */
#define READ_QUANTUM  (256u << 10)
#define DRAIN_QUANTUM (1u << 20)
#define BATCH	      256u
/* Of a stream with at least so many bytes in a window it is told when much has come, not at each
 * segment: waking up is most of what discarding costs. What is left below that is looked for at
 * the end of the window. */
#define WINDOW_NS     (20 * SP_NS_PER_MS)
#define FAST_BYTES    (2u << 20)
#define GATHER_BYTES  (1u << 20)

enum mode { MODE_NEW, MODE_PLAIN, MODE_BULK, MODE_MESSAGES, MODE_CONTROL };

struct sink_conn {
	uint64_t offset; /* bulk: of the next byte */
	uint64_t window_ns;
	uint32_t window_bytes;
	uint32_t ep, flow;
	uint32_t missing; /* of a message: bytes still to come behind its head */
	uint16_t port;
	uint8_t mode, have;
	bool gathers;
	uint8_t head[SP_OPENER_LEN];
};
_Static_assert(SP_MESSAGE_HEAD <= SP_OPENER_LEN, "the head fits");

size_t sp_sink_room(void)
{
	return sizeof(struct sink_conn);
}

int sp_sink_init(struct sp_sink *s, struct sp_conns *conns, struct sp_verifier *verifier,
		 bool full, bool shared, uint32_t max_sources)
{
	const struct sp_mem *mem = conns->env->mem;

	*s = (struct sp_sink){ .conns = conns,
			       .env = conns->env,
			       .verifier = verifier,
			       .full = full,
			       .shared = shared };
	s->buf = sp_alloc_array(mem, READ_QUANTUM, 1);
	s->batch.cap = BATCH;
	s->batch.m = sp_alloc_array(mem, BATCH, sizeof *s->batch.m);
	s->period = full ? sp_alloc_array(mem, SP_BULK_PERIOD, 1) : NULL;
	if (!s->buf || !s->batch.m || (full && !s->period) ||
	    sp_sources_init(&s->from, mem, max_sources)) {
		sp_sink_fini(s);
		return -ENOMEM;
	}
	if (full)
		sp_bulk_fill(s->period);
	return 0;
}

void sp_sink_fini(struct sp_sink *s)
{
	if (!s->env)
		return;
	sp_endpoints_fini(&s->from, s->env->mem);
	sp_free(s->env->mem, s->buf);
	sp_free(s->env->mem, s->period);
	sp_free(s->env->mem, s->batch.m);
	*s = (struct sp_sink){ 0 };
}

/* ---- whose it is ---- */

/* Granted flows have one table for all workers: where there are several, they take turns. */
static void lock(struct sp_sink *s)
{
	while (s->shared &&
	       __atomic_exchange_n(&s->verifier->granted->busy, 1u, __ATOMIC_ACQUIRE))
		;
}

static void unlock(struct sp_sink *s)
{
	if (s->shared)
		__atomic_store_n(&s->verifier->granted->busy, 0u, __ATOMIC_RELEASE);
}

/* What a connection counts into, for this turn. False: there is no place for it (any more). */
static bool find_flow(struct sp_sink *s, uint32_t slot, const struct sink_conn *c,
		      struct sp_flow_rx **f, struct sp_flow_meta **meta)
{
	const struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	struct sp_endpoint from = { 0 };

	if (c->mode == MODE_BULK)
		return sp_verifier_granted(s->verifier, c->flow, f, meta);
	if (!sp_verifier_plain(s->verifier, c->port, c->ep, f, meta))
		return false;
	if ((*meta)->unit != SP_UNIT_CONNECTION) {
		if (conn->ops->ends)
			conn->ops->ends(conn, &from, NULL);
		(*meta)->unit = SP_UNIT_CONNECTION;
		(*meta)->from = from.addr;
	}
	return true;
}

static void count_bytes(struct sp_sink *s, uint32_t slot, const struct sink_conn *c, uint64_t n,
			uint64_t now_ns)
{
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;

	if (SP_UNLIKELY(s->marker != NULL))
		sp_marker_bytes(s->marker, n);
	if (!find_flow(s, slot, c, &f, &meta)) {
		SP_ADD(s->verifier->untracked_bytes, n);
		return;
	}
	if (!meta->first_rx)
		SP_STORE(meta->first_rx, now_ns);
	SP_STORE(f->last_rx, now_ns);
	SP_ADD(f->rx_bytes, n);
}

/* Nothing of ours: a unit of its source's flow. */
static void become_plain(struct sp_sink *s, uint32_t slot, struct sink_conn *c, uint64_t now_ns)
{
	struct sp_endpoint from = { 0 };
	struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;

	c->mode = MODE_PLAIN;
	if (conn->ops->ends)
		conn->ops->ends(conn, &from, NULL);
	from.port = 0;
	c->ep = sp_endpoints_get(&s->from, &from, 0);
	SP_ADD(s->units, 1);
	if (SP_UNLIKELY(s->marker != NULL))
		sp_marker_unit(s->marker, 0, now_ns);
	if (find_flow(s, slot, c, &f, &meta))
		SP_ADD(f->rx, 1);
	else
		SP_ADD(s->verifier->untracked, 1);
	count_bytes(s, slot, c, c->have, now_ns);
}

/* A granted flow belongs to the address that first used it. */
static bool claim(struct sp_sink *s, uint32_t slot, struct sink_conn *c,
		  const struct sp_opener *o)
{
	uint8_t unit = o->kind == SP_OPEN_BULK ? SP_UNIT_BYTE : SP_UNIT_MESSAGE;
	struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	struct sp_endpoint from = { 0 };
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;
	bool ours;

	if (conn->ops->ends)
		conn->ops->ends(conn, &from, NULL);
	lock(s);
	ours = sp_verifier_claim(s->verifier, o->flow, c->port, unit, &from.addr, &f, &meta);
	unlock(s);
	return ours;
}

static void begin(struct sp_sink *s, uint32_t slot, struct sink_conn *c, uint64_t now_ns)
{
	struct sp_opener o;

	if (c->have < SP_OPENER_LEN || !sp_opener_get(c->head, &o) || !claim(s, slot, c, &o)) {
		become_plain(s, slot, c, now_ns);
		return;
	}
	c->mode = o.kind == SP_OPEN_BULK ? MODE_BULK : MODE_MESSAGES;
	c->flow = o.flow;
	c->ep = SP_NO_FLOW;
	c->have = 0;
}

/* ---- those who look for control ---- */

static bool looks_for_control(const uint8_t *head, size_t have)
{
	uint8_t magic[4];

	sp_put_be32(magic, SP_CONTROL_MAGIC);
	return memcmp(head, magic, have < sizeof magic ? have : sizeof magic) == 0;
}

static uint16_t control_of(const struct sp_sink *s, const struct sp_conn *conn)
{
	const struct sp_control_list *l = s->controls;
	struct sp_endpoint local;

	if (!l || !conn->ops->ends || conn->ops->ends(conn, NULL, &local))
		return 0;
	for (uint32_t i = 0; i < l->n; i++)
		if (l->at[i].number == local.port)
			return l->at[i].port;
	return 0;
}

/* Not data: is told where control is, and then only read to its end. False: there is none. */
static bool redirect(struct sp_sink *s, uint32_t slot, struct sink_conn *c)
{
	const struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	uint16_t port = control_of(s, conn);
	uint8_t hello[SP_HELLO_LEN];
	struct iovec iov = { hello, sizeof hello };

	if (!port)
		return false;
	c->mode = MODE_CONTROL;
	sp_hello_put(hello, 0, port);
	/* A new connection has room for it. */
	conn->ops->write(sp_conns_conn(s->conns, slot), &iov, 1);
	return true;
}

/* ---- bytes ---- */

static ssize_t take_first(struct sp_sink *s, uint32_t slot, struct sink_conn *c,
			  uint64_t now_ns)
{
	struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	ssize_t n = conn->ops->read(conn, c->head + c->have, SP_OPENER_LEN - c->have);

	if (n <= 0)
		return n;
	c->have = (uint8_t)(c->have + n);
	if (looks_for_control(c->head, c->have)) {
		if (c->have < 4 || redirect(s, slot, c))
			return n;
		begin(s, slot, c, now_ns);
	} else if (c->have == SP_OPENER_LEN || !sp_opener_begins(c->head, c->have)) {
		begin(s, slot, c, now_ns);
	}
	return n;
}

static void check_pattern(struct sp_sink *s, struct sink_conn *c, size_t n)
{
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;
	size_t at = 0;

	if (!sp_verifier_granted(s->verifier, c->flow, &f, &meta))
		return;

	while (at < n) {
		at += sp_bulk_check(s->period, c->offset + at, s->buf + at, n - at);
		if (at++ < n)
			SP_ADD(f->corrupted, 1);
	}
}

static ssize_t take_bulk(struct sp_sink *s, uint32_t slot, struct sink_conn *c, uint64_t now_ns)
{
	struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	bool check = c->mode == MODE_BULK && s->full;
	ssize_t n;

	if (check || !conn->ops->drain)
		n = conn->ops->read(conn, s->buf, READ_QUANTUM);
	else
		n = conn->ops->drain(conn, DRAIN_QUANTUM);
	if (n <= 0)
		return n;
	if (check)
		check_pattern(s, c, (size_t)n);
	c->offset += (uint64_t)n;
	c->window_bytes += (uint32_t)n;
	count_bytes(s, slot, c, (uint64_t)n, now_ns);
	return n;
}

/* After what there was has been taken: when to be told of more. */
static void gather(struct sp_sink *s, uint32_t slot, struct sink_conn *c, uint64_t now_ns)
{
	struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	bool fast = c->window_bytes >= FAST_BYTES;

	if (!conn->ops->gather || now_ns < c->window_ns + WINDOW_NS)
		return;
	c->window_ns = now_ns;
	c->window_bytes = 0;
	if (fast != c->gathers)
		conn->ops->gather(conn, fast ? GATHER_BYTES : 0);
	c->gathers = fast;
	if (fast)
		sp_conns_timer(s->conns, slot, now_ns + WINDOW_NS);
}

/* ---- messages ---- */

static void flush(struct sp_sink *s, struct sink_conn *c)
{
	uint32_t n = s->batch.n;
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;

	if (!n)
		return;
	SP_ADD(s->units, n);
	if (SP_UNLIKELY(s->marker != NULL))
		sp_marker_received(s->marker, &s->batch);
	lock(s);
	if (sp_verifier_granted(s->verifier, c->flow, &f, &meta))
		SP_STORE(meta->owner, s->verifier->worker + 1);
	sp_verify_burst(s->verifier, &s->batch, c->port, NULL);
	unlock(s);
	s->batch.n = 0;
}

static void add_message(struct sp_sink *s, struct sink_conn *c, uint8_t *stamp, uint32_t len,
			uint64_t now_ns)
{
	s->batch.m[s->batch.n++] = (struct sp_msg){
		.data = stamp,
		.t_ns = now_ns,
		.len = SP_MESSAGE_STAMP,
		.flow = c->flow,
		.ep = SP_EP_CLAIMED,
		.stamp_off = (uint16_t)(len - SP_MESSAGE_STAMP),
	};
	if (s->batch.n == s->batch.cap)
		flush(s, c);
}

/* The stream is not what it said it would be: one unit is damaged, and what follows has no
 * beginning any more. */
static void lose_track(struct sp_sink *s, uint32_t slot, struct sink_conn *c, uint64_t now_ns)
{
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;

	lock(s);
	if (sp_verifier_granted(s->verifier, c->flow, &f, &meta)) {
		SP_ADD(f->rx, 1);
		SP_ADD(f->corrupted, 1);
	}
	unlock(s);
	become_plain(s, slot, c, now_ns);
}

/* Takes one message or the piece of one that is there; returns its length. 0: lost track. */
static size_t take_piece(struct sp_sink *s, struct sink_conn *c, uint8_t *p, size_t left,
			 uint64_t now_ns)
{
	size_t n;
	uint32_t len;

	if (c->have == 0 && left >= SP_MESSAGE_HEAD) {
		len = sp_get_be32(p);
		if (len < SP_MESSAGE_HEAD || len > SP_MESSAGE_MAX)
			return 0;
		if (left >= len) {
			add_message(s, c, p + 4, len, now_ns);
			return len;
		}
	}
	if (c->have < SP_MESSAGE_HEAD) {
		n = SP_MESSAGE_HEAD - c->have < left ? SP_MESSAGE_HEAD - c->have : left;
		memcpy(c->head + c->have, p, n);
		c->have = (uint8_t)(c->have + n);
		if (c->have < SP_MESSAGE_HEAD)
			return n;
		len = sp_get_be32(c->head);
		if (len < SP_MESSAGE_HEAD || len > SP_MESSAGE_MAX) {
			c->have = (uint8_t)(c->have - n); /* of earlier pieces */
			return 0;
		}
		c->missing = len - SP_MESSAGE_HEAD;
	} else {
		n = c->missing < left ? c->missing : left;
		c->missing -= (uint32_t)n;
	}
	if (c->missing == 0) {
		add_message(s, c, c->head + 4, sp_get_be32(c->head), now_ns);
		flush(s, c); /* its stamp lies in head, which the next one needs */
		c->have = 0;
	}
	return n;
}

static ssize_t take_messages(struct sp_sink *s, uint32_t slot, struct sink_conn *c)
{
	struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	ssize_t n = conn->ops->read(conn, s->buf, READ_QUANTUM);
	uint64_t now_ns = sp_clock_now(s->env->clock);
	size_t at = 0, step;

	while (n > 0 && at < (size_t)n) {
		step = take_piece(s, c, s->buf + at, (size_t)n - at, now_ns);
		if (!step) {
			flush(s, c);
			lose_track(s, slot, c, now_ns);
			count_bytes(s, slot, c, (size_t)n - at, now_ns);
			return n;
		}
		at += step;
	}
	flush(s, c);
	return n;
}

/* ---- turns ---- */

static void end(struct sp_sink *s, uint32_t slot, struct sink_conn *c, ssize_t why,
		uint64_t now_ns)
{
	if (c->mode == MODE_NEW && c->have)
		become_plain(s, slot, c, now_ns);
	if (why == -ECONNRESET)
		SP_ADD(s->resets, 1);
	sp_conns_release(s->conns, slot, false);
}

static void turn(void *arg, uint32_t slot, uint32_t bits, uint64_t now_ns)
{
	struct sp_sink *s = arg;
	struct sink_conn *c = sp_conns_room(s->conns, slot);
	struct sp_conn *conn = sp_conns_conn(s->conns, slot);
	uint64_t left = DRAIN_QUANTUM;
	ssize_t n;

	if (!(bits & (SP_TURN_IN | SP_TURN_AGAIN | SP_TURN_TIMER)))
		return;
	for (;;) {
		if (c->mode == MODE_NEW)
			n = take_first(s, slot, c, now_ns);
		else if (c->mode == MODE_MESSAGES)
			n = take_messages(s, slot, c);
		else if (c->mode == MODE_CONTROL)
			n = conn->ops->read(conn, s->buf, READ_QUANTUM);
		else
			n = take_bulk(s, slot, c, now_ns);
		if (n == -EAGAIN) {
			if (c->mode == MODE_BULK || c->mode == MODE_PLAIN)
				gather(s, slot, c, now_ns);
			return;
		}
		if (n <= 0) {
			end(s, slot, c, n, now_ns);
			return;
		}
		if ((uint64_t)n >= left) {
			sp_conns_again(s->conns, slot);
			return;
		}
		left -= (uint64_t)n;
	}
}

static const struct sp_conn_user sink_user = { .turn = turn };

void sp_sink_accepted(void *arg, unsigned port, uint32_t slot, uint64_t now_ns)
{
	struct sp_sink *s = arg;
	struct sink_conn *c = sp_conns_room(s->conns, slot);

	(void)now_ns;
	s->conns->slot[slot].user = &sink_user;
	s->conns->slot[slot].arg = s;
	c->port = (uint16_t)port;
	SP_ADD(s->accepted, 1);
	/* What came with the handshake may be there already. */
	sp_conns_again(s->conns, slot);
}
