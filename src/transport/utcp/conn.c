#include "transport/utcp/utcp.h"

#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "plugin/tstats.h"

#define ORPHAN_NS (10 * SP_NS_PER_S) /* what was closed has so long to be told to the far end */

static struct utcp_conn *of(struct sp_conn *conn)
{
	return (struct utcp_conn *)(void *)conn;
}

static const struct utcp_conn *of_const(const struct sp_conn *conn)
{
	return (const struct utcp_conn *)(const void *)conn;
}

static uint64_t now(const struct utcp_conn *c)
{
	return sp_clock_now(c->q->port->env->clock);
}

/* ---- slots ---- */

/* One that only waits out its time, the oldest: its port number rests all the same, by turns. */
static void free_waiting(struct sp_queue *q)
{
	struct utcp_conn *oldest = NULL;

	for (uint32_t i = 0; i < q->used; i++) {
		struct utcp_conn *c = &q->conns[i];

		if (c->used && c->orphan && c->tcb.state == SP_TCB_TIME_WAIT &&
		    (!oldest || c->tcb.timer_ns < oldest->tcb.timer_ns))
			oldest = c;
	}
	if (oldest)
		sp_utcp_conn_free(oldest);
}

static struct utcp_conn *conn_new(struct sp_queue *q)
{
	struct utcp_conn *c;
	uint8_t *rings;

	if (!q->free && q->used == q->port->max_conns)
		free_waiting(q);
	if (q->free) {
		c = &q->conns[q->free - 1];
		q->free = c->next_free;
	} else if (q->used < q->port->max_conns) {
		c = &q->conns[q->used++];
	} else {
		return NULL;
	}
	rings = c->rings;
	*c = (struct utcp_conn){ .q = q, .rings = rings, .used = true };
	return c;
}

void sp_utcp_conn_free(struct utcp_conn *c)
{
	struct sp_queue *q = c->q;

	q->by_port[c->tcb.sport - q->first] = 0;
	c->used = false;
	c->conn.ops = NULL;
	c->tcb.timer_ns = UINT64_MAX;
	c->tcb.events = 0;
	q->n_live--;
	/* One that is in the list of those with events is free once it has been taken out there. */
	if (c->ready)
		return;
	c->next_free = q->free;
	q->free = (uint32_t)(c - q->conns) + 1;
}

/* A port number that no connection has, by turns, so that it rests for long. 0: none. */
static uint16_t choose_port(struct sp_queue *q)
{
	uint32_t n = 1u + q->last - q->first;

	for (uint32_t i = 0; i < n; i++) {
		uint16_t port = q->next_port;

		q->next_port = port == q->last ? q->first : (uint16_t)(port + 1);
		if (!q->by_port[port - q->first])
			return port;
	}
	return 0;
}

/* RFC 9293, 3.4.1: numbers that nobody can guess, and that move on with time. */
static uint32_t first_number(struct sp_queue *q, uint64_t now_ns)
{
	uint64_t h = q->seed += 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(h >> 32) + (uint32_t)(now_ns >> 12);
}

static int door_connect(struct sp_queue *q, uint32_t ep, uint32_t id, struct sp_conn **out)
{
	const struct sp_link *l = &q->target[ep].link;
	uint32_t ring = (uint32_t)q->port->conf.ring;
	uint64_t now_ns = sp_clock_now(q->port->env->clock);
	uint16_t port = choose_port(q);
	struct utcp_conn *c = port ? conn_new(q) : NULL;
	struct sp_tcb_conf conf;

	if (!port)
		return -EADDRNOTAVAIL;
	if (!c)
		return -ENOBUFS;
	if (!c->rings)
		c->rings = sp_alloc_array(q->port->env->mem, 2, ring);
	q->n_live++;
	conf = (struct sp_tcb_conf){
		.sport = port,
		.dport = q->ends.at[ep].remote.port,
		.mss = (uint16_t)(l->mtu - (l->src.family == 4 ? 40u : 60u)),
		.iss = first_number(q, now_ns),
		.snd = { c->rings, ring },
		.rcv = { c->rings ? c->rings + ring : NULL, ring },
	};
	c->tcb.sport = port;
	if (!c->rings) {
		sp_utcp_conn_free(c);
		return -ENOBUFS;
	}
	if (q->port->conf.mss && q->port->conf.mss < conf.mss)
		conf.mss = (uint16_t)q->port->conf.mss;
	c->conn = (struct sp_conn){ .ops = &sp_utcp_conn_ops, .id = id };
	c->ep = ep;
	q->by_port[port - q->first] = (uint32_t)(c - q->conns) + 1;
	sp_tcb_connect(&c->tcb, &conf);
	sp_tstats_add(&q->stats.tx_units, 1);
	sp_utcp_push(c, now_ns);
	*out = &c->conn;
	return 0;
}

static int door_accept(struct sp_queue *q, uint32_t id, struct sp_conn **out)
{
	(void)q;
	(void)id;
	(void)out;
	return -EAGAIN;
}

static uint32_t door_ready(struct sp_queue *q, struct sp_conn_event *ev, uint32_t max)
{
	uint32_t k = 0;

	sp_utcp_pump(q);
	while (q->ready && k < max) {
		struct utcp_conn *c = &q->conns[q->ready - 1];
		uint32_t bits = 0;

		q->ready = c->next_ready;
		if (!q->ready)
			q->ready_last = 0;
		c->ready = false;
		if (!c->used) { /* closed since */
			c->next_free = q->free;
			q->free = (uint32_t)(c - q->conns) + 1;
			continue;
		}
		if (c->tcb.events & SP_TCB_IN)
			bits |= SP_CONN_IN;
		if (c->tcb.events & SP_TCB_OUT)
			bits |= SP_CONN_OUT;
		if (c->tcb.events & SP_TCB_END)
			bits |= SP_CONN_IN | SP_CONN_END;
		c->tcb.events = 0;
		if (!c->orphan)
			ev[k++] = (struct sp_conn_event){ &c->conn, bits };
	}
	return k;
}

const struct sp_conn_door sp_utcp_door = {
	.connect = door_connect,
	.accept = door_accept,
	.ready = door_ready,
};

/* ---- one connection ---- */

static int conn_open(struct sp_conn *conn)
{
	struct utcp_conn *c = of(conn);

	if (c->opened)
		return 0;
	if (c->tcb.state == SP_TCB_SYN_SENT)
		return -EAGAIN;
	if (c->tcb.state == SP_TCB_CLOSED && c->tcb.error == -ECONNREFUSED)
		return c->tcb.error;
	if (c->tcb.state == SP_TCB_CLOSED && c->tcb.error == -ETIMEDOUT)
		return c->tcb.error;
	c->opened = true; /* what came to an end since, read says */
	return 0;
}

static ssize_t conn_read(struct sp_conn *conn, void *data, size_t len)
{
	struct utcp_conn *c = of(conn);
	ssize_t n = sp_tcb_read(&c->tcb, data, len);

	if (n > 0) {
		sp_tstats_add(&c->q->stats.rx_bytes, (uint64_t)n);
		if (c->tcb.acks)
			sp_utcp_push(c, now(c));
	}
	return n;
}

static ssize_t conn_write(struct sp_conn *conn, const struct iovec *iov, int n)
{
	struct utcp_conn *c = of(conn);
	ssize_t took = sp_tcb_write(&c->tcb, iov, n);

	if (took == -EAGAIN)
		sp_tstats_add(&c->q->stats.tx_blocked, 1);
	if (took > 0) {
		sp_tstats_add(&c->q->stats.tx_bytes, (uint64_t)took);
		sp_utcp_push(c, now(c));
	}
	return took;
}

static int conn_shutdown(struct sp_conn *conn)
{
	struct utcp_conn *c = of(conn);

	sp_tcb_finish(&c->tcb);
	sp_utcp_push(c, now(c));
	return 0;
}

static int conn_ends(const struct sp_conn *conn, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct utcp_conn *c = of_const(conn);

	if (remote)
		*remote = c->q->ends.at[c->ep].remote;
	if (local)
		*local = (struct sp_endpoint){ c->q->target[c->ep].link.src, c->tcb.sport };
	return 0;
}

static void conn_info(const struct sp_conn *conn, struct sp_conn_info *info)
{
	const struct sp_tcb *t = &of_const(conn)->tcb;

	*info = (struct sp_conn_info){
		.known = true,
		.retransmits = t->retransmits,
		.rtt_ns = t->srtt_ns,
		.rtt_var_ns = t->rttvar_ns,
		.min_rtt_ns = t->min_rtt_ns,
		.cwnd_bytes = t->cwnd,
		.acked_bytes = t->acked_bytes,
		.mss = t->mss,
		.congestion = "reno",
	};
}

static void conn_close(struct sp_conn *conn, bool reset)
{
	struct utcp_conn *c = of(conn);
	uint64_t now_ns = now(c);

	c->conn.ops = NULL;
	/* Unread bytes are lost: the far end is told, as with a kernel's socket (RFC 2525, 2.17). */
	if (reset || c->tcb.n_rcv || c->tcb.state == SP_TCB_SYN_SENT)
		sp_tcb_abort(&c->tcb);
	else
		sp_tcb_finish(&c->tcb);
	c->tcb.events = 0;
	c->orphan = true;
	c->orphan_ns = now_ns + ORPHAN_NS;
	sp_utcp_push(c, now_ns);
}

const struct sp_conn_ops sp_utcp_conn_ops = {
	.open = conn_open,
	.read = conn_read,
	.reads_all = true,
	.write = conn_write,
	.shutdown = conn_shutdown,
	.ends = conn_ends,
	.info = conn_info,
	.close = conn_close,
};
