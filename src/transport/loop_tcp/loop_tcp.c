#include "transport/loop_tcp/loop_tcp.h"

#include <errno.h>

#include "plugin/target.h"
#include "plugin/tstats.h"
#include "transport/one_way.h"

/* What a port gets that has no settings; the same as the rows below. */
static const struct sp_loop_tcp_conf defaults = { .buffer = 64u << 10 };

#define AT(member) offsetof(struct sp_loop_tcp_conf, member)
static const struct sp_opt opts[] = {
	{ "delay", SP_OPT_TIME, AT(delay_ns), "0", NULL, 0, 10 * SP_NS_PER_S,
	  "delay, one way" },
	{ "rate", SP_OPT_RATE, AT(rate), NULL, NULL, 0, 0,
	  "bit rate of each direction of a connection; not given: no limit" },
	{ "buffer", SP_OPT_SIZE, AT(buffer), "64Ki", NULL, 1, 16u << 20,
	  "bytes that a direction may hold" },
	{ "refuse", SP_OPT_U64, AT(refuse), "0", NULL, 0, 0,
	  "every so many-th connection is refused; 0: none" },
	{ "reset", SP_OPT_U64, AT(reset), "0", NULL, 0, 0,
	  "every so many-th connection is reset when its first bytes arrive; 0: none" },
	{ "corrupt", SP_OPT_U64, AT(corrupt), "0", NULL, 0, 0,
	  "every so many-th byte of a direction is damaged; 0: none" },
	{ 0 },
};
#undef AT

static void queue_free(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	for (uint32_t i = 0; q->pair && i < q->used; i++)
		for (unsigned k = 0; k < 2; k++)
			sp_free(mem, q->pair[i].end[k].ring);
	sp_endpoints_fini(&q->ends, mem);
	sp_wheel_free(q->wheel);
	sp_free(mem, q->pair);
	sp_free(mem, q->ready);
	sp_free(mem, q);
}

static void loop_close(struct sp_port *p)
{
	if (p->queue)
		queue_free(p->queue);
	sp_free(p->env->mem, p);
}

static int loop_open(struct sp_port **out, const struct sp_port_conf *c,
		     const struct sp_permit *permit, const struct sp_env *env,
		     struct sp_err *err)
{
	int rc = sp_permit_check(permit, c->rx, err);
	struct sp_port *p;

	if (rc)
		return rc;
	p = sp_alloc(env->mem, sizeof *p);
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "loop-tcp: out of memory");
	*p = (struct sp_port){
		.env = env,
		.permit = permit,
		.conf = c->conf ? *(const struct sp_loop_tcp_conf *)c->conf : defaults,
		.bind = c->bind,
		.rx = c->rx,
		.max_endpoints = c->max_endpoints ? c->max_endpoints : 1024,
		.max_conns = c->max_conns ? c->max_conns : 1024,
	};
	*out = p;
	return 0;
}

static int loop_queue(struct sp_port *p, unsigned worker, struct sp_queue **out,
		      struct sp_err *err)
{
	const struct sp_mem *mem = p->env->mem;
	struct sp_queue *q;

	if (worker || p->queue)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "loop-tcp: both ends of a connection are one worker's: use "
			       "--cores 1");
	q = sp_alloc(mem, sizeof *q);
	if (!q)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "loop-tcp: out of memory");
	q->port = p;
	p->queue = q;
	q->pair = sp_alloc_array(mem, p->max_conns, sizeof *q->pair);
	q->ready = sp_alloc_array(mem, 2 * (size_t)p->max_conns, sizeof *q->ready);
	if (!q->pair || !q->ready || sp_endpoints_init(&q->ends, mem, p->max_endpoints, NULL) ||
	    sp_wheel_new(&q->wheel, mem, 2 * p->max_conns, sp_clock_now(p->env->clock)))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "loop-tcp: out of memory");
	*out = q;
	return 0;
}

static void loop_caps(const struct sp_port *p, struct sp_tcaps *caps)
{
	*caps = (struct sp_tcaps){
		.bits = SP_T_CONN | SP_T_BULK | SP_T_VIRTUAL | (p->rx ? SP_T_LISTEN : 0u),
		.burst = 32,
		.max_len = UINT32_MAX,
		.max_seg = 1,
		.road = "memory",
		.rx_clock = "virtual",
	};
}

static int loop_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *ep,
			 struct sp_err *err)
{
	return sp_target_add(&q->ends, q->port->permit, to, ep, err);
}

static int loop_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct sp_endpoint_entry *e = sp_endpoints_at(&q->ends, ep);

	if (!e)
		return -ENOENT;
	*remote = e->remote;
	*local = q->port->bind;
	return 0;
}

static int loop_local(const struct sp_port *p, unsigned i, struct sp_endpoint *e)
{
	*e = p->bind;
	return i ? -ENOENT : 0;
}

static uint32_t loop_ready(struct sp_queue *q, struct sp_conn_event *out, uint32_t max)
{
	uint32_t n = 0;

	sp_loop_tcp_pass(q, sp_clock_now(q->port->env->clock));
	if (q->calling && max) {
		q->calling = false;
		out[n++] = (struct sp_conn_event){ NULL, SP_CONN_IN };
	}
	while (n < max && q->n_ready) {
		uint32_t i = q->ready[--q->n_ready];
		struct end *e = &q->pair[i / 2].end[i % 2];

		e->ready = false;
		if (e->conn.ops && e->bits)
			out[n++] = (struct sp_conn_event){ &e->conn, e->bits };
		e->bits = 0;
	}
	return n;
}

static uint64_t loop_next_ns(const struct sp_queue *q)
{
	return q->n_ready || q->calling ? 0 : sp_wheel_next(q->wheel);
}

static void loop_stats(const struct sp_queue *q, struct sp_tstats *s)
{
	sp_tstats_load(s, &q->stats);
	s->rx_dropped_known = true;
}

static const struct sp_conn_door door = {
	.connect = sp_loop_tcp_connect,
	.connect_from = sp_loop_tcp_connect_from,
	.accept = sp_loop_tcp_accept,
	.ready = loop_ready,
};

extern const struct sp_transport_ops sp_transport_loop_tcp;
const struct sp_transport_ops sp_transport_loop_tcp = {
	.name = "loop-tcp",
	.summary = "byte streams in memory, which arrive where they leave",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_loop_tcp_conf),
	.echoes = true,
	.open = loop_open,
	.queue = loop_queue,
	.caps = loop_caps,
	.endpoint = loop_endpoint,
	.peer = loop_peer,
	.local = loop_local,
	.close = loop_close,
	.conn = &door,
	.flush = sp_one_way_flush,
	.fd = sp_one_way_fd,
	.next_ns = loop_next_ns,
	.stats = loop_stats,
};
