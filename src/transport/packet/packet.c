#include "transport/packet/packet.h"

#include "plugin/target.h"
#include "plugin/tstats.h"
#include "transport/one_way.h"
#include "transport/sock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What a port gets that has no settings; the same as the rows below. */
static const struct sp_packet_conf defaults = {
	.bypass = true,
	.sndbuf = 4u << 20,
	.rcvbuf = 16u << 20,
};

static const struct sp_opt opts[] = {
	{ "bypass", SP_OPT_BOOL, offsetof(struct sp_packet_conf, bypass), "true", NULL, 0, 0,
	  "send past the queueing discipline" },
	{ "promisc", SP_OPT_BOOL, offsetof(struct sp_packet_conf, promisc), "false", NULL, 0, 0,
	  "receive frames for other hardware addresses too" },
	{ "sndbuf", SP_OPT_SIZE, offsetof(struct sp_packet_conf, sndbuf), "4Mi", NULL, 0,
	  1u << 30, "send buffer of each socket; 0 leaves the system's" },
	{ "rcvbuf", SP_OPT_SIZE, offsetof(struct sp_packet_conf, rcvbuf), "16Mi", NULL, 0,
	  1u << 30, "receive buffer; 0 leaves the system's" },
	{ 0 },
};

static void queue_free(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	if (q->fd >= 0)
		close(q->fd);
	if (q->rxb)
		sp_free(mem, q->rxb->buf);
	sp_free(mem, q->rxb);
	sp_free(mem, q->txb);
	sp_slot_bank_fini(&q->slots, mem);
	sp_endpoints_fini(&q->peers, mem);
	sp_free(mem, q);
}

static void packet_close(struct sp_port *p)
{
	for (unsigned w = 0; p->queues && w < p->workers; w++)
		if (p->queues[w])
			queue_free(p->queues[w]);
	sp_free(p->env->mem, p->queues);
	sp_free(p->env->mem, p);
}

/* A socket is opened and closed again, so that a lack of rights shows here. */
static int packet_open(struct sp_port **out, const struct sp_port_conf *c,
		       const struct sp_permit *permit, const struct sp_env *env,
		       struct sp_err *err)
{
	struct sp_port *p;
	int fd, rc = sp_permit_check(permit, c->rx && !c->tx, err);

	if (rc)
		return rc;
	p = sp_alloc_array(env->mem, 1, sizeof *p);
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a packet port");
	p->env = env;
	p->permit = permit;
	p->conf = c->conf ? *(const struct sp_packet_conf *)c->conf : defaults;
	p->bind = c->bind;
	p->port_last = c->port_last;
	p->tx = c->tx || c->answers;
	p->all = c->answers;
	p->rx = c->rx;
	p->workers = c->workers ? c->workers : 1;
	p->max_endpoints = c->max_endpoints ? c->max_endpoints : 1024;
	p->queues = sp_alloc_array(env->mem, p->workers, sizeof(struct sp_queue *));
	rc = p->queues
		     ? sp_iface_open(&p->iface, c->interface, "the packet transport", err)
		     : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a packet port");
	if (!rc) {
		fd = sp_packet_socket(p, p->rx, err);
		if (fd < 0)
			rc = fd;
		else
			close(fd);
	}
	if (rc) {
		packet_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

static int queue_memory(struct sp_queue *q, bool rx)
{
	const struct sp_port *p = q->port;
	const struct sp_mem *mem = p->env->mem;

	if (sp_sources_init(&q->peers, mem, p->max_endpoints))
		return -ENOMEM;
	if (p->tx) {
		q->txb = sp_alloc_array(mem, 1, sizeof *q->txb);
		if (!q->txb || sp_slot_bank_init(&q->slots, mem, PACKET_SLOT_BYTES,
						 p->iface.mtu + PACKET_ETH, SP_SLOTS_JOINED))
			return -ENOMEM;
		sp_packet_tx_init(q->txb);
	}
	if (rx) {
		q->rxb = sp_alloc_array(mem, 1, sizeof *q->rxb);
		if (!q->rxb)
			return -ENOMEM;
		q->rxb->buf = sp_alloc_array(mem, PACKET_RX_UNITS, PACKET_RX_STRIDE);
		if (!q->rxb->buf)
			return -ENOMEM;
		sp_packet_rx_init(q->rxb);
	}
	return 0;
}

/* Every frame comes to every socket, so one worker receives them. */
static int packet_queue(struct sp_port *p, unsigned worker, struct sp_queue **out,
			struct sp_err *err)
{
	bool rx = p->rx && worker == 0;
	struct sp_queue *q;
	int rc;

	if (worker >= p->workers || p->queues[worker])
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			       "packet: queue %u was not announced, or was taken already",
			       worker);
	q = sp_alloc_array(p->env->mem, 1, sizeof *q);
	if (!q)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
			       "out of memory for a packet queue");
	q->port = p;
	q->worker = worker;
	q->fd = -1;
	q->dropped = &q->dropped_sum;
	rc = queue_memory(q, rx);
	if (rc) {
		queue_free(q);
		return sp_fail(err, rc, SP_EXIT_FAILED, "out of memory for a packet queue");
	}
	sp_kstamp_init(&q->stamp, p->env->clock, p->env->log);
	q->fd = sp_packet_socket(p, rx, err);
	if (q->fd < 0) {
		rc = q->fd;
		queue_free(q);
		return rc;
	}
	*out = p->queues[worker] = q;
	return 0;
}

static void packet_caps(const struct sp_port *p, struct sp_tcaps *caps)
{
	*caps = (struct sp_tcaps){
		.bits = SP_T_FRAME,
		.burst = PACKET_BURST,
		.max_len = p->iface.mtu + PACKET_ETH,
		.max_seg = 1,
		.road = !p->tx	    ? "AF_PACKET recvmmsg"
			: p->bypass ? "AF_PACKET sendmmsg + PACKET_QDISC_BYPASS"
				    : "AF_PACKET sendmmsg",
		.rx_clock = p->stamps ? "kernel" : "user",
	};
	if (p->rx)
		caps->bits |= SP_T_LISTEN | (p->stamps ? SP_T_RX_TIME : 0);
}

static int packet_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *ep,
			   struct sp_err *err)
{
	return sp_target_add(&q->peers, q->port->permit, to, ep, err);
}

static int packet_link(struct sp_port *p, const struct sp_endpoint *to, struct sp_link *link,
		       struct sp_err *err)
{
	return sp_iface_link(&p->iface, &p->bind.addr, p->permit, to, link, err);
}

static int packet_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		       struct sp_endpoint *local)
{
	const struct sp_endpoint_entry *peer = sp_endpoints_at(&q->peers, ep);

	if (!peer)
		return -ENOENT;
	if (remote)
		*remote = peer->remote;
	if (local)
		*local = q->port->bind;
	return 0;
}

static void packet_mac(const struct sp_port *p, uint8_t mac[6])
{
	memcpy(mac, p->iface.mac, 6);
}

static int packet_local(const struct sp_port *p, unsigned i, struct sp_endpoint *e)
{
	unsigned n = p->port_last > p->bind.port ? 1u + p->port_last - p->bind.port : 1u;

	if (i >= n)
		return -ENOENT;
	*e = p->bind;
	e->port = (uint16_t)(e->port + i);
	return 0;
}

static uint32_t packet_tx_slots(struct sp_queue *q, struct sp_batch *b, uint32_t n,
				uint32_t len, uint32_t tmpl)
{
	return sp_slot_bank_lend(&q->slots, b, n, len, tmpl);
}

static int packet_fd(const struct sp_queue *q)
{
	return q->rxb ? q->fd : -1;
}

static void packet_stats(const struct sp_queue *q, struct sp_tstats *out)
{
	struct tpacket_stats s;
	socklen_t len = sizeof s;

	sp_tstats_load(out, &q->stats);
	if (!q->rxb)
		return;
	out->rx_dropped_known = !getsockopt(q->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len);
	if (out->rx_dropped_known)
		__atomic_fetch_add(q->dropped, s.tp_drops, __ATOMIC_RELAXED);
	out->rx_dropped = __atomic_load_n(q->dropped, __ATOMIC_RELAXED);
}

static void packet_reuse(struct sp_queue *q, const uint32_t *held)
{
	sp_endpoints_reuse(&q->peers, held);
}

extern const struct sp_transport_ops sp_transport_packet;
const struct sp_transport_ops sp_transport_packet = {
	.name = "packet",
	.summary = "Ethernet frames over AF_PACKET",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_packet_conf),
	.open = packet_open,
	.queue = packet_queue,
	.caps = packet_caps,
	.endpoint = packet_endpoint,
	.peer = packet_peer,
	.mac = packet_mac,
	.link = packet_link,
	.local = packet_local,
	.close = packet_close,
	.tx_slots = packet_tx_slots,
	.tx_burst = sp_packet_tx_burst,
	.rx_burst = sp_packet_rx_burst,
	.rx_release = sp_packet_rx_release,
	.flush = sp_one_way_flush,
	.fd = packet_fd,
	.reuse = packet_reuse,
	.stats = packet_stats,
};
