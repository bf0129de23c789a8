#include <errno.h>

#include "pkt/slot_bank.h"
#include "plugin/target.h"
#include "plugin/transport.h"
#include "plugin/tstats.h"
#include "transport/one_way.h"

#define BURST	   256u
#define SLOT_BYTES (256u << 10)
#define MAX_LEN	   65507u

struct sp_queue {
	struct sp_port *port;
	struct sp_slot_bank slots;
	struct sp_endpoints targets;
	struct sp_tstats stats __attribute__((aligned(64)));
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_endpoint local;
	uint32_t max_endpoints;
	unsigned workers;
	struct sp_queue **queue; /* workers of them, NULL until asked for */
};

static int null_open(struct sp_port **out, const struct sp_port_conf *conf,
		     const struct sp_permit *permit, const struct sp_env *env,
		     struct sp_err *err)
{
	struct sp_port *port;
	int r = sp_permit_check(permit, false, err);

	if (r)
		return r;
	if (conf->rx)
		return sp_fail(err, -EOPNOTSUPP, SP_EXIT_USAGE,
			       "null takes packets and gives none back: receive on loop");
	port = sp_alloc(env->mem, sizeof *port);
	if (!port)
		goto no_memory;
	port->env = env;
	port->permit = permit;
	port->local = conf->bind;
	port->max_endpoints = conf->max_endpoints;
	port->workers = conf->workers ? conf->workers : 1;
	port->queue = sp_alloc_array(env->mem, port->workers, sizeof *port->queue);
	if (!port->queue)
		goto no_memory;
	*out = port;
	return 0;
no_memory:
	sp_free(env->mem, port);
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "null: not enough memory for a port");
}

static void queue_free(struct sp_queue *q, const struct sp_mem *mem)
{
	if (!q)
		return;
	sp_slot_bank_fini(&q->slots, mem);
	sp_endpoints_fini(&q->targets, mem);
	sp_free(mem, q);
}

static int null_queue(struct sp_port *port, unsigned worker, struct sp_queue **out,
		      struct sp_err *err)
{
	const struct sp_mem *mem = port->env->mem;
	struct sp_queue *q;

	if (worker >= port->workers || port->queue[worker])
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			       "null: queue %u was asked for twice, or of %u", worker,
			       port->workers);
	q = sp_alloc_array(mem, 1, sizeof *q);
	if (!q || sp_slot_bank_init(&q->slots, mem, SLOT_BYTES, MAX_LEN, SP_SLOTS_ALIGNED) ||
	    sp_endpoints_init(&q->targets, mem, port->max_endpoints, NULL)) {
		queue_free(q, mem);
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
			       "null: not enough memory for a queue");
	}
	q->port = port;
	q->stats.max_seg = 1;
	port->queue[worker] = *out = q;
	return 0;
}

static void null_close(struct sp_port *port)
{
	const struct sp_mem *mem = port->env->mem;

	for (unsigned i = 0; i < port->workers; i++)
		queue_free(port->queue[i], mem);
	sp_free(mem, port->queue);
	sp_free(mem, port);
}

static void null_caps(const struct sp_port *port, struct sp_tcaps *caps)
{
	(void)port;
	*caps = (struct sp_tcaps){
		.bits = SP_T_DATAGRAM | SP_T_VIRTUAL,
		.burst = BURST,
		.max_len = MAX_LEN,
		.max_seg = 1,
		.road = "nowhere",
	};
}

static int null_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *ep,
			 struct sp_err *err)
{
	return sp_target_add(&q->targets, q->port->permit, to, ep, err);
}

static int null_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct sp_endpoint_entry *target = sp_endpoints_at(&q->targets, ep);

	if (!target)
		return -ENOENT;
	if (remote)
		*remote = target->remote;
	if (local)
		*local = q->port->local;
	return 0;
}

static int null_local(const struct sp_port *port, unsigned i, struct sp_endpoint *out)
{
	if (i)
		return -ENOENT;
	*out = port->local;
	return 0;
}

static uint32_t null_tx_slots(struct sp_queue *q, struct sp_batch *b, uint32_t n, uint32_t len,
			      uint32_t tmpl)
{
	return sp_slot_bank_lend(&q->slots, b, n, len, tmpl);
}

static int null_tx_burst(struct sp_queue *q, struct sp_batch *b, uint32_t from, bool join)
{
	uint64_t bytes = 0;
	uint32_t i;

	(void)join;
	for (i = from; i < b->n && b->m[i].len <= MAX_LEN; i++)
		bytes += b->m[i].len;
	if (i == from)
		return from < b->n ? -EMSGSIZE : 0;
	sp_slot_bank_filled(&q->slots, i);
	sp_tstats_sent(&q->stats, i - from, i - from, bytes, 1);
	return (int)(i - from);
}

static void null_stats(const struct sp_queue *q, struct sp_tstats *out)
{
	sp_tstats_load(out, &q->stats);
}

const struct sp_transport_ops sp_transport_null = {
	.name = "null",
	.summary = "takes every message and counts it: what the pipeline costs without a road",
	.abi = SP_PLUGIN_ABI,
	.any_unit = true,
	.open = null_open,
	.queue = null_queue,
	.caps = null_caps,
	.endpoint = null_endpoint,
	.peer = null_peer,
	.local = null_local,
	.close = null_close,
	.tx_slots = null_tx_slots,
	.tx_burst = null_tx_burst,
	.rx_burst = sp_one_way_rx_burst,
	.rx_release = sp_one_way_rx_release,
	.flush = sp_one_way_flush,
	.fd = sp_one_way_fd,
	.next_ns = sp_one_way_next_ns,
	.stats = null_stats,
};
