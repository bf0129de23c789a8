#include "transport/packet/packet.h"

#include "pkt/filter.h"
#include "plugin/target.h"
#include "plugin/tstats.h"
#include "transport/one_way.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a port gets that has no settings; the same as the rows below. */
static const struct sp_packet_conf defaults = {
	.bypass = true,
	.ring = PACKET_RING_AUTO,
	.sndbuf = 4u << 20,
	.rcvbuf = 16u << 20,
};

static const struct sp_opt opts[] = {
	{ "bypass", SP_OPT_BOOL, offsetof(struct sp_packet_conf, bypass), "true", NULL, 0, 0,
	  "send past the queueing discipline" },
	{ "promisc", SP_OPT_BOOL, offsetof(struct sp_packet_conf, promisc), "false", NULL, 0, 0,
	  "receive frames for other hardware addresses too" },
	{ "ring", SP_OPT_ENUM, offsetof(struct sp_packet_conf, ring), "auto", "auto|yes|no", 1,
	  0, "send and receive by rings shared with the kernel; auto: where that is faster" },
	{ "filter", SP_OPT_TEXT, offsetof(struct sp_packet_conf, filter), NULL, SP_OPT_QUIET, 0,
	  0, "what the kernel lets through to a receiver, as in pcap-filter" },
	{ "sndbuf", SP_OPT_SIZE, offsetof(struct sp_packet_conf, sndbuf), "4Mi", NULL, 0,
	  1u << 30, "send buffer of each socket; 0 leaves the system's" },
	{ "rcvbuf", SP_OPT_SIZE, offsetof(struct sp_packet_conf, rcvbuf), "16Mi", NULL, 0,
	  1u << 30,
	  "receive buffer or ring of each worker; 0 leaves a buffer as the system has it" },
	{ 0 },
};

static int packet_check(const void *conf, struct sp_err *err)
{
	const struct sp_packet_conf *c = conf;

	return c->filter ? sp_filter_check(c->filter, SP_EXIT_USAGE, err) : 0;
}

static void packet_close(struct sp_port *p)
{
	for (unsigned w = 0; p->queues && w < p->workers; w++)
		if (p->queues[w])
			sp_packet_queue_free(p->queues[w]);
	sp_packet_filter_free(p);
	sp_free(p->env->mem, p->queues);
	sp_free(p->env->mem, p);
}

/* Which roads are taken unless they turn out to be closed. A ring gives received frames out a
 * millisecond late, so who also sends, and may have to answer, goes without. */
static void choose(struct sp_port *p)
{
	bool small = p->iface.mtu + PACKET_ETH <= PACKET_RING_FRAME;

	p->tx_ring = p->tx && (p->conf.ring == PACKET_RING_YES ||
			       (p->conf.ring == PACKET_RING_AUTO && small));
	p->rx_ring = p->rx && (p->conf.ring == PACKET_RING_YES ||
			       (p->conf.ring == PACKET_RING_AUTO && !p->tx));
}

/* The roads, and why they are not the usual ones. */
static void name_roads(struct sp_port *p)
{
	const char *why = p->conf.ring != PACKET_RING_AUTO ? " (ring was set)"
			  : p->tx && !p->tx_ring && p->iface.mtu > PACKET_RING_FRAME
				  ? " (long frames)"
			  : p->tx && !p->tx_ring ? " (no ring here)"
			  : p->tx && p->rx	 ? " (prompt)"
						 : "";

	snprintf(p->road, sizeof p->road, "AF_PACKET %s%s%s%s%s%s",
		 !p->tx	      ? ""
		 : p->tx_ring ? "TPACKET_V2 ring"
			      : "sendmmsg",
		 p->tx && p->bypass ? " + PACKET_QDISC_BYPASS" : "", p->tx && p->rx ? ", " : "",
		 !p->rx	      ? ""
		 : p->rx_ring ? "TPACKET_V3 ring"
			      : "recvmmsg",
		 p->rx && p->workers > 1 ? " + PACKET_FANOUT" : "", why);
}

/* A queue's sockets are opened and closed again, so that what is lacking shows here, and the roads
 * are known. */
static int try_out(struct sp_port *p, struct sp_err *err)
{
	struct sp_queue *q;
	int rc = sp_packet_queue(p, 0, &q, err);

	if (rc)
		return rc;
	sp_packet_queue_free(q);
	p->queues[0] = NULL;
	p->group = -1;
	name_roads(p);
	sp_log(p->env->log, SP_LOG_DEBUG, "interface %s: %s", p->iface.name, p->road);
	return 0;
}

static int packet_open(struct sp_port **out, const struct sp_port_conf *c,
		       const struct sp_permit *permit, const struct sp_env *env,
		       struct sp_err *err)
{
	struct sp_port *p;
	int rc = sp_permit_check(permit, c->rx && !c->tx, err);

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
	p->group = -1;
	p->workers = c->workers ? c->workers : 1;
	p->max_endpoints = c->max_endpoints ? c->max_endpoints : 1024;
	p->queues = sp_alloc_array(env->mem, p->workers, sizeof(struct sp_queue *));
	rc = p->queues
		     ? sp_iface_open(&p->iface, c->interface, "the packet transport", err)
		     : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a packet port");
	if (!rc && c->tx)
		rc = sp_iface_await_carrier(&p->iface, err);
	if (!rc && p->rx && !p->all)
		rc = sp_packet_filter(p, err);
	if (!rc) {
		choose(p);
		rc = try_out(p, err);
	}
	if (rc) {
		packet_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

static void packet_caps(const struct sp_port *p, struct sp_tcaps *caps)
{
	*caps = (struct sp_tcaps){
		.bits = SP_T_FRAME,
		.burst = PACKET_BURST,
		.max_len = p->iface.mtu + PACKET_ETH,
		.max_seg = 1,
		.road = p->road,
		.rx_clock = p->stamps ? "kernel" : "user",
	};
	if (p->rx)
		caps->bits |= SP_T_LISTEN | (p->stamps ? SP_T_RX_TIME : 0) |
			      (p->workers > 1 ? SP_T_STEER : 0);
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
	return q->txr ? sp_packet_tx_ring_slots(q, b, n, len, tmpl)
		      : sp_slot_bank_lend(&q->slots, b, n, len, tmpl);
}

static int packet_rx_burst(struct sp_queue *q, struct sp_batch *b)
{
	int rc;

	b->n = 0;
	if (q->fd < 0 || q->lent)
		return 0;
	sp_endpoints_begin(&q->peers);
	q->split_used = 0;
	rc = q->rxr ? sp_packet_rx_ring_burst(q, b) : sp_packet_rx_burst(q, b);
	if (!b->n)
		return rc;
	sp_packet_count(q, b);
	q->lent = true;
	return (int)b->n;
}

static void packet_rx_release(struct sp_queue *q, struct sp_batch *b)
{
	if (q->lent && b->n) {
		q->lent = false;
		if (q->rxr)
			sp_packet_rx_ring_release(q);
	}
	b->n = 0;
}

static int packet_fd(const struct sp_queue *q)
{
	return q->fd;
}

static void packet_stats(const struct sp_queue *q, struct sp_tstats *out)
{
	struct tpacket_stats_v3 s = { 0 }; /* without rings only its beginning is filled in */
	socklen_t len = sizeof s;

	sp_tstats_load(out, &q->stats);
	if (q->fd < 0)
		return;
	out->rx_dropped_known = !getsockopt(q->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len);
	__atomic_fetch_add(q->dropped, s.tp_drops, __ATOMIC_RELAXED);
	__atomic_fetch_add(q->frozen, s.tp_freeze_q_cnt, __ATOMIC_RELAXED);
	out->rx_frozen = __atomic_load_n(q->frozen, __ATOMIC_RELAXED);
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
	.rank = 1,
	.opts = opts,
	.conf_size = sizeof(struct sp_packet_conf),
	.check = packet_check,
	.open = packet_open,
	.queue = sp_packet_queue,
	.caps = packet_caps,
	.endpoint = packet_endpoint,
	.peer = packet_peer,
	.mac = packet_mac,
	.link = packet_link,
	.local = packet_local,
	.close = packet_close,
	.tx_slots = packet_tx_slots,
	.tx_burst = sp_packet_tx_burst,
	.rx_burst = packet_rx_burst,
	.rx_release = packet_rx_release,
	.flush = sp_one_way_flush,
	.fd = packet_fd,
	.steer = sp_packet_steer,
	.reuse = packet_reuse,
	.stats = packet_stats,
};
