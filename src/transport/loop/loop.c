#include "transport/loop/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plugin/target.h"
#include "transport/loop/queue.h"
#include "transport/one_way.h"

#define BURST	      256u
#define SLOT_BYTES    (256u << 10)
#define QUEUE_DEFAULT 65536u
#define QUEUE_MAX     (1u << 24)
#define BYTES_A_MSG   2048u /* of buffer for each place in the queue */
#define BYTES_MIN     (256u << 10)
#define SOURCE_PORT   10000u
#define SOURCE_PORTS  50000u
#define HOLD_DEFAULT  (100 * SP_NS_PER_MS)
#define REORDER_BY    3u
#define HOUR_NS	      (3600 * SP_NS_PER_S)
#define AT(member)    offsetof(struct sp_loop_conf, member)

static const struct sp_opt opts[] = {
	{ "loss", SP_OPT_RATIO, AT(loss), "0", NULL, 0, 0, "share of messages that are lost" },
	{ "loss_every", SP_OPT_U64, AT(loss_every), "0", NULL, 0, 0,
	  "lose exactly each n-th message; 0 = none" },
	{ "corrupt", SP_OPT_RATIO, AT(corrupt), "0", NULL, 0, 0,
	  "share of messages with one bit flipped" },
	{ "corrupt_every", SP_OPT_U64, AT(corrupt_every), "0", NULL, 0, 0,
	  "flip a bit in exactly each n-th message that was not lost; 0 = none" },
	{ "corrupt_at", SP_OPT_ENUM, AT(corrupt_at), "stamp", "stamp|any", 0, 0,
	  "where bits are flipped; messages without a stamp: anywhere" },
	{ "duplicate", SP_OPT_RATIO, AT(duplicate), "0", NULL, 0, 0,
	  "share of messages that arrive twice" },
	{ "duplicate_every", SP_OPT_U64, AT(duplicate_every), "0", NULL, 0, 0,
	  "duplicate exactly each n-th message that was not struck before; 0 = none" },
	{ "reorder", SP_OPT_RATIO, AT(reorder), "0", NULL, 0, 0,
	  "share of messages held back behind later ones of their flow" },
	{ "reorder_every", SP_OPT_U64, AT(reorder_every), "0", NULL, 0, 0,
	  "hold back exactly each n-th message that was not struck before; 0 = none" },
	{ "reorder_by", SP_OPT_U64, AT(reorder_by), "3", NULL, 1, 1000,
	  "how many intact messages of its flow pass a held one" },
	{ "reorder_hold", SP_OPT_TIME, AT(reorder_hold_ns), "100ms", NULL, 0, HOUR_NS,
	  "how long a message is held back at most" },
	{ "delay", SP_OPT_TIME, AT(delay_ns), "0", NULL, 0, HOUR_NS,
	  "from sending to arrival" },
	{ "jitter", SP_OPT_TIME, AT(jitter_ns), "0", NULL, 0, HOUR_NS,
	  "added to the delay, uniform from 0; does not reorder" },
	{ "queue", SP_OPT_U64, AT(queue), "0", NULL, 0, QUEUE_MAX,
	  "messages in flight at most, further ones are dropped; 0 = 65536" },
	{ "buffer", SP_OPT_SIZE, AT(buffer), "0", NULL, 0, 1ull << 36,
	  "bytes in flight at most; 0 = 2 KiB for each message of queue" },
	{ .name = NULL },
};

/* The same values as in the rows above, for a port without settings. */
static const struct sp_loop_conf defaults = {
	.reorder_by = REORDER_BY,
	.reorder_hold_ns = HOLD_DEFAULT,
};

/* A series of random numbers of its own for each port, worker and use. */
static void series_init(struct sp_rng *rng, const struct sp_port *port, unsigned worker,
			const char *use)
{
	char name[128];

	snprintf(name, sizeof name, "loop/%s/%u/%s", port->name, worker, use);
	sp_rng_init(rng, port->env->seed, name);
}

static void stages_init(struct sp_queue *q, const struct sp_port *port, unsigned worker)
{
	const struct sp_loop_conf *c = &port->conf;

	q->loss = (struct sp_loop_stage){ .ratio = c->loss, .every = c->loss_every };
	q->corrupt = (struct sp_loop_stage){ .ratio = c->corrupt, .every = c->corrupt_every };
	q->duplicate = (struct sp_loop_stage){ .ratio = c->duplicate,
					       .every = c->duplicate_every };
	q->reorder = (struct sp_loop_stage){ .ratio = c->reorder, .every = c->reorder_every };
	series_init(&q->loss.rng, port, worker, "loss");
	series_init(&q->corrupt.rng, port, worker, "corrupt");
	series_init(&q->duplicate.rng, port, worker, "duplicate");
	series_init(&q->reorder.rng, port, worker, "reorder");
	series_init(&q->bit_rng, port, worker, "bit");
	series_init(&q->jitter_rng, port, worker, "jitter");
}

static bool strikes_ever(const struct sp_loop_stage *s)
{
	return s->ratio > 0 || s->every;
}

static void queue_free(struct sp_queue *q, const struct sp_mem *mem)
{
	if (!q)
		return;
	sp_flight_fini(&q->flight, mem);
	sp_slot_bank_fini(&q->slots, mem);
	sp_endpoints_fini(&q->targets, mem);
	sp_free(mem, q->held);
	sp_free(mem, q);
}

static int queue_memory(struct sp_queue *q, const struct sp_port *port)
{
	const struct sp_loop_conf *c = &port->conf;
	const struct sp_mem *mem = port->env->mem;
	uint32_t limit = c->queue ? (uint32_t)c->queue : QUEUE_DEFAULT;
	size_t bytes = c->buffer ? c->buffer : (size_t)limit * BYTES_A_MSG;

	if (bytes < BYTES_MIN)
		bytes = BYTES_MIN;
	if (sp_flight_init(&q->flight, mem, limit, bytes) ||
	    sp_slot_bank_init(&q->slots, mem, SLOT_BYTES, SP_LOOP_MAX_LEN, SP_SLOTS_ALIGNED) ||
	    sp_endpoints_init(&q->targets, mem, port->max_endpoints, NULL))
		return -ENOMEM;
	if (strikes_ever(&q->reorder)) {
		q->held = sp_alloc_array(mem, SP_LOOP_HELD, sizeof *q->held);
		if (!q->held)
			return -ENOMEM;
	}
	return 0;
}

static int loop_queue(struct sp_port *port, unsigned worker, struct sp_queue **out,
		      struct sp_err *err)
{
	const struct sp_mem *mem = port->env->mem;
	struct sp_queue *q;

	if (worker >= port->workers || port->queue[worker])
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			       "loop: queue %u was asked for twice, or of %u", worker,
			       port->workers);
	q = sp_alloc_array(mem, 1, sizeof *q);
	if (!q)
		goto no_memory;
	stages_init(q, port, worker);
	if (queue_memory(q, port))
		goto no_memory;
	q->port = port;
	q->clock = port->env->clock;
	q->rx = port->rx;
	q->stats.rx_dropped_known = true;
	q->stats.max_seg = 1;
	q->plain = port->rx && !port->conf.delay_ns && !port->conf.jitter_ns &&
		   !strikes_ever(&q->loss) && !strikes_ever(&q->corrupt) &&
		   !strikes_ever(&q->duplicate) && !strikes_ever(&q->reorder);
	port->queue[worker] = *out = q;
	return 0;
no_memory:
	queue_free(q, mem);
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "loop: not enough memory for its queue");
}

static int loop_open(struct sp_port **out, const struct sp_port_conf *conf,
		     const struct sp_permit *permit, const struct sp_env *env,
		     struct sp_err *err)
{
	struct sp_port *port;
	int r = sp_permit_check(permit, conf->rx, err);

	if (r)
		return r;
	port = sp_alloc(env->mem, sizeof *port);
	if (!port)
		goto no_memory;
	port->env = env;
	port->permit = permit;
	sp_strlcpy(port->name, conf->name ? conf->name : "", sizeof port->name);
	port->conf = conf->conf ? *(const struct sp_loop_conf *)conf->conf : defaults;
	port->rx = conf->rx;
	port->max_endpoints = conf->max_endpoints;
	port->workers = conf->workers ? conf->workers : 1;
	port->local = conf->bind;
	port->port_last = conf->port_last;
	if (!port->local.addr.family)
		port->local.addr = (struct sp_addr){ .family = 4, .ip = { 127, 0, 0, 1 } };
	if (!port->local.port)
		port->local.port = SOURCE_PORT - 1;
	port->queue = sp_alloc_array(env->mem, port->workers, sizeof *port->queue);
	if (!port->queue)
		goto no_memory;
	*out = port;
	return 0;
no_memory:
	sp_free(env->mem, port);
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "loop: not enough memory for a port");
}

static void loop_close(struct sp_port *port)
{
	const struct sp_mem *mem = port->env->mem;

	for (unsigned i = 0; i < port->workers; i++)
		queue_free(port->queue[i], mem);
	sp_free(mem, port->queue);
	sp_free(mem, port);
}

static void loop_caps(const struct sp_port *port, struct sp_tcaps *caps)
{
	*caps = (struct sp_tcaps){
		.bits = SP_T_DATAGRAM | SP_T_VIRTUAL | SP_T_LISTEN,
		.burst = BURST,
		.max_len = SP_LOOP_MAX_LEN,
		.max_seg = 1,
		.road = "memory",
		.rx_clock = port->env->clock->is_virtual ? "virtual" : "user",
	};
}

static int loop_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *ep,
			 struct sp_err *err)
{
	return sp_target_add(&q->targets, q->port->permit, to, ep, err);
}

/* The receiver's view of the way to target ep, as the senders know their targets: remote is
 * where its messages come from, local where they went. */
static int loop_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct sp_endpoint_entry *target = sp_endpoints_at(&q->targets, ep);
	uint32_t host = ep / SOURCE_PORTS + 1;

	if (!target)
		return -ENOENT;
	if (local)
		*local = target->remote;
	if (remote)
		*remote = (struct sp_endpoint){
			.addr = { .family = 4,
				  .ip = { 127, (uint8_t)(host >> 16), (uint8_t)(host >> 8),
					  (uint8_t)host } },
			.port = (uint16_t)(SOURCE_PORT + ep % SOURCE_PORTS),
		};
	return 0;
}

static int loop_local(const struct sp_port *port, unsigned i, struct sp_endpoint *out)
{
	unsigned number = port->local.port + i;

	if (i && number > port->port_last)
		return -ENOENT;
	*out = port->local;
	out->port = (uint16_t)number;
	return 0;
}

static void loop_stats(const struct sp_queue *q, struct sp_tstats *out)
{
	sp_tstats_load(out, &q->stats);
}

void sp_loop_truth(const struct sp_queue *q, struct sp_loop_truth *out)
{
	*out = q->truth;
}

const struct sp_transport_ops sp_transport_loop = {
	.name = "loop",
	.summary =
		"in memory: what is sent on a port comes back on it, late and damaged if asked",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_loop_conf),
	.echoes = true,
	.any_unit = true,
	.open = loop_open,
	.queue = loop_queue,
	.caps = loop_caps,
	.endpoint = loop_endpoint,
	.peer = loop_peer,
	.local = loop_local,
	.close = loop_close,
	.tx_slots = sp_loop_tx_slots,
	.tx_burst = sp_loop_tx_burst,
	.rx_burst = sp_loop_rx_burst,
	.rx_release = sp_loop_rx_release,
	.flush = sp_one_way_flush,
	.fd = sp_one_way_fd,
	.next_ns = sp_loop_next_ns,
	.stats = loop_stats,
};
