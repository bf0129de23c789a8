#include <errno.h>
#include <string.h>

#include "capio/pcap_write.h"
#include "pkt/slot_bank.h"
#include "plugin/target.h"
#include "plugin/transport.h"
#include "plugin/tstats.h"
#include "transport/one_way.h"

#define BURST	   256u
#define SLOT_BYTES (256u << 10)
#define MTU	   9000u
#define MAX_LEN	   (MTU + 14u)

struct pcap_conf {
	const char *file;
};

static const struct sp_opt opts[] = {
	{ "file", SP_OPT_PATH, offsetof(struct pcap_conf, file), NULL, NULL, 0, 0,
	  "the capture file to write" },
	{ .name = NULL },
};

/* One file has one writer, so a port has one queue. */
struct sp_queue {
	struct sp_port *port;
	struct sp_slot_bank slots;
	struct sp_endpoints targets;
	struct sp_pcap_writer *writer;
	int64_t real_offset_ns;
	bool begun; /* the file has its name; until then what has it is untouched */
	bool named; /* the file's error is in the log */
	struct sp_tstats stats __attribute__((aligned(64)));
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_endpoint local;
	uint32_t max_endpoints;
	char *file;
	struct sp_queue *queue;
};

static int check(const void *conf, struct sp_err *err)
{
	const struct pcap_conf *c = conf;

	if (!c || !c->file || !*c->file)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "pcap: file is missing: say pcap(file=NAME)");
	if (!strcmp(c->file, "-"))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "pcap: file is \"-\", but standard output carries results only: "
			       "name a file");
	return 0;
}

static void queue_free(struct sp_queue *q, const struct sp_mem *mem)
{
	if (!q)
		return;
	if (q->begun)
		sp_pcap_writer_close(q->writer);
	else
		sp_pcap_writer_drop(q->writer);
	sp_slot_bank_fini(&q->slots, mem);
	sp_endpoints_fini(&q->targets, mem);
	sp_free(mem, q);
}

static int queue_new(struct sp_port *port, struct sp_err *err)
{
	const struct sp_mem *mem = port->env->mem;
	struct sp_queue *q = sp_alloc_array(mem, 1, sizeof *q);
	int r;

	if (!q)
		goto no_memory;
	q->port = port;
	q->stats.max_seg = 1;
	q->real_offset_ns = sp_clock_real_offset(port->env->clock);
	if (sp_slot_bank_init(&q->slots, mem, SLOT_BYTES, MAX_LEN, SP_SLOTS_ALIGNED) ||
	    sp_endpoints_init(&q->targets, mem, port->max_endpoints, NULL))
		goto no_memory;
	r = sp_pcap_writer_open_at(&q->writer, &(struct sp_pcap_place){ .path = port->file },
				   &(struct sp_pcap_link){ .linktype = SP_LINKTYPE_ETHERNET },
				   mem, err);
	if (r)
		goto fail;
	port->queue = q;
	return 0;
no_memory:
	r = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "pcap: not enough memory for a queue");
fail:
	queue_free(q, mem);
	return r;
}

static void port_free(struct sp_port *port)
{
	const struct sp_mem *mem = port->env->mem;

	queue_free(port->queue, mem);
	sp_free(mem, port->file);
	sp_free(mem, port);
}

static int refuse(const struct sp_port_conf *conf, const struct sp_permit *permit,
		  struct sp_err *err)
{
	int r = sp_permit_check(permit, false, err);

	if (r)
		return r;
	if (conf->rx)
		return sp_fail(err, -EOPNOTSUPP, SP_EXIT_USAGE,
			       "pcap writes packets and receives none: receive on loop");
	if (conf->workers > 1)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "pcap: one file has one writer, and %u workers were asked for: "
			       "use one",
			       conf->workers);
	return check(conf->conf, err);
}

/* The file is made here and not with the queue, so that a bad place is known early. */
static int pcap_open(struct sp_port **out, const struct sp_port_conf *conf,
		     const struct sp_permit *permit, const struct sp_env *env,
		     struct sp_err *err)
{
	const struct pcap_conf *c = conf->conf;
	struct sp_port *port;
	size_t len;
	int r = refuse(conf, permit, err);

	if (r)
		return r;
	port = sp_alloc(env->mem, sizeof *port);
	if (!port)
		goto no_memory;
	port->env = env;
	port->permit = permit;
	port->local = conf->bind;
	port->max_endpoints = conf->max_endpoints;
	len = strlen(c->file) + 1;
	port->file = sp_alloc(env->mem, len);
	if (!port->file)
		goto no_memory;
	memcpy(port->file, c->file, len);
	r = queue_new(port, err);
	if (r)
		goto fail;
	*out = port;
	return 0;
no_memory:
	r = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "pcap: not enough memory for a port");
fail:
	if (port)
		port_free(port);
	return r;
}

static int pcap_queue(struct sp_port *port, unsigned worker, struct sp_queue **out,
		      struct sp_err *err)
{
	if (worker)
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			       "pcap: there is one queue, and queue %u was asked for", worker);
	*out = port->queue;
	return 0;
}

static void pcap_caps(const struct sp_port *port, struct sp_tcaps *caps)
{
	(void)port;
	*caps = (struct sp_tcaps){
		.bits = SP_T_FRAME | SP_T_VIRTUAL,
		.burst = BURST,
		.max_len = MAX_LEN,
		.max_seg = 1,
		.road = "capture file",
	};
}

static int pcap_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *ep,
			 struct sp_err *err)
{
	return sp_target_add(&q->targets, q->port->permit, to, ep, err);
}

/* Made-up neighbours: locally administered MAC addresses, and addresses for documentation
 * (RFC 5737, RFC 3849) where the port has none of its own. */
static int pcap_link(struct sp_port *port, const struct sp_endpoint *to, struct sp_link *link,
		     struct sp_err *err)
{
	(void)err;
	*link = (struct sp_link){
		.src_mac = { 2, 0, 0, 0, 0, 1 },
		.dst_mac = { 2, 0, 0, 0, 0, 2 },
		.mtu = MTU,
	};
	if (port->local.addr.family == to->addr.family)
		link->src = port->local.addr;
	else if (to->addr.family == 6)
		link->src = (struct sp_addr){ .family = 6,
					      .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	else
		link->src = (struct sp_addr){ .family = 4, .ip = { 192, 0, 2, 1 } };
	return 0;
}

static int pcap_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct sp_endpoint_entry *target = sp_endpoints_at(&q->targets, ep);
	struct sp_link link;

	if (!target)
		return -ENOENT;
	if (remote)
		*remote = target->remote;
	if (local) {
		pcap_link(q->port, &target->remote, &link, NULL);
		*local = (struct sp_endpoint){ .addr = link.src, .port = q->port->local.port };
	}
	return 0;
}

static int pcap_local(const struct sp_port *port, unsigned i, struct sp_endpoint *out)
{
	if (i)
		return -ENOENT;
	*out = port->local;
	return 0;
}

static uint32_t pcap_tx_slots(struct sp_queue *q, struct sp_batch *b, uint32_t n, uint32_t len,
			      uint32_t tmpl)
{
	return sp_slot_bank_lend(&q->slots, b, n, len, tmpl);
}

static int begin(struct sp_queue *q)
{
	int r = q->begun ? 0 : sp_pcap_writer_show(q->writer);

	q->begun |= !r;
	return r;
}

/* Cold, as it happens once: the sentence for an error of the file. */
static void name_error(struct sp_queue *q, int error)
{
	if (q->named)
		return;
	q->named = true;
	sp_tstats_add(&q->stats.tx_dropped, sp_pcap_writer_lost(q->writer));
	sp_log(q->port->env->log, SP_LOG_ERROR,
	       "%s: %s: the file ends after packet %llu, and %llu more that count as sent are "
	       "missing in it",
	       q->port->file, strerror(-error),
	       (unsigned long long)sp_pcap_writer_packets(q->writer),
	       (unsigned long long)sp_pcap_writer_lost(q->writer));
}

static int pcap_tx_burst(struct sp_queue *q, struct sp_batch *b, uint32_t from, bool join)
{
	uint64_t bytes = 0;
	uint32_t i;
	int r = 0;

	(void)join;
	for (i = from; i < b->n && !r; i++) {
		const struct sp_msg *m = &b->m[i];

		r = m->len > MAX_LEN ? -EMSGSIZE
				     : sp_pcap_writer_put(q->writer,
							  (int64_t)m->t_ns + q->real_offset_ns,
							  m->data, m->len);
		if (r)
			break;
		bytes += m->len;
	}
	if (r && r != -EMSGSIZE && r != -ERANGE)
		name_error(q, r);
	if (i == from)
		return r;
	sp_slot_bank_filled(&q->slots, i);
	sp_tstats_sent(&q->stats, i - from, i - from, bytes, 1);
	return (int)(i - from);
}

static int pcap_flush(struct sp_queue *q)
{
	int r = begin(q);

	if (!r)
		r = sp_pcap_writer_flush(q->writer);
	if (r)
		name_error(q, r);
	return r;
}

static void pcap_close(struct sp_port *port)
{
	if (port->queue->begun)
		pcap_flush(port->queue);
	port_free(port);
}

static void pcap_stats(const struct sp_queue *q, struct sp_tstats *out)
{
	sp_tstats_load(out, &q->stats);
}

const struct sp_transport_ops sp_transport_pcap = {
	.name = "pcap",
	.summary = "writes the frames that would have been sent into a capture file",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct pcap_conf),
	.check = check,
	.open = pcap_open,
	.queue = pcap_queue,
	.caps = pcap_caps,
	.endpoint = pcap_endpoint,
	.peer = pcap_peer,
	.link = pcap_link,
	.local = pcap_local,
	.close = pcap_close,
	.tx_slots = pcap_tx_slots,
	.tx_burst = pcap_tx_burst,
	.rx_burst = sp_one_way_rx_burst,
	.rx_release = sp_one_way_rx_release,
	.flush = pcap_flush,
	.fd = sp_one_way_fd,
	.next_ns = sp_one_way_next_ns,
	.stats = pcap_stats,
};
