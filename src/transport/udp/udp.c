#include "transport/udp/udp.h"

#include "base/str.h"
#include "plugin/target.h"
#include "transport/sock.h"

#include <errno.h>
#include <string.h>

/* What a port gets that has no settings; the same as the rows below. */
static const struct sp_udp_conf defaults = {
	.gso = true,
	.gro = true,
	.connect = true,
	.sndbuf = 4u << 20,
	.rcvbuf = 4u << 20,
};

static const struct sp_opt opts[] = {
	{ "gso", SP_OPT_BOOL, offsetof(struct sp_udp_conf, gso), "true", NULL, 0, 0,
	  "join datagrams that are due together by UDP_SEGMENT" },
	{ "gro", SP_OPT_BOOL, offsetof(struct sp_udp_conf, gro), "true", NULL, 0, 0,
	  "receive super-datagrams by UDP_GRO" },
	{ "connect", SP_OPT_BOOL, offsetof(struct sp_udp_conf, connect), "true", NULL, 0, 0,
	  "one connected socket a target, so that ICMP errors are seen" },
	{ "sndbuf", SP_OPT_SIZE, offsetof(struct sp_udp_conf, sndbuf), "4Mi", NULL, 0, 1u << 30,
	  "send buffer of each socket; 0 leaves the system's" },
	{ "rcvbuf", SP_OPT_SIZE, offsetof(struct sp_udp_conf, rcvbuf), "4Mi", NULL, 0, 1u << 30,
	  "receive buffer of each socket; 0 leaves the system's" },
	{ "ttl", SP_OPT_U64, offsetof(struct sp_udp_conf, ttl), "0", NULL, 0, 255,
	  "time to live or hop limit; 0 leaves the system's" },
	{ "tos", SP_OPT_U64, offsetof(struct sp_udp_conf, tos), "0", NULL, 0, 255,
	  "type of service or traffic class octet: DSCP times 4" },
	{ 0 },
};

static int check_args(const struct sp_port_conf *c, const struct sp_permit *permit,
		      struct sp_err *err)
{
	int rc = sp_permit_check(permit, c->rx && !c->tx, err);

	if (rc)
		return rc;
	if (c->interface && strlen(c->interface) >= IFNAMSIZ)
		return sp_fail(err, -ENODEV, SP_EXIT_PERM, "there is no interface %s",
			       c->interface);
	return 0;
}

static void probe(struct sp_port *p)
{
	p->max_seg = 1;
	if (!p->tx || !p->conf.gso)
		return;
	p->max_seg = sp_udp_probe_segments();
	p->gso = p->max_seg > 1;
	if (!p->gso)
		sp_log(p->env->log, SP_LOG_INFO,
		       "udp: this kernel has no UDP_SEGMENT (Linux 4.18): datagrams are sent "
		       "one by "
		       "one");
}

static void udp_close(struct sp_port *p)
{
	const struct sp_mem *mem = p->env->mem;

	for (unsigned w = 0; p->queues && w < p->workers; w++)
		if (p->queues[w])
			sp_udp_queue_free(p->queues[w]);
	for (size_t i = 0; p->listen && i < (size_t)p->workers * p->n_listen; i++)
		sp_udp_sock_close(&p->listen[i]);
	sp_udp_snmp_close(p);
	sp_free(mem, p->queues);
	sp_free(mem, p->listen);
	sp_free(mem, p);
}

static int udp_open(struct sp_port **out, const struct sp_port_conf *c,
		    const struct sp_permit *permit, const struct sp_env *env,
		    struct sp_err *err)
{
	struct sp_port *p;
	int rc = check_args(c, permit, err);

	if (rc)
		return rc;
	p = sp_alloc_array(env->mem, 1, sizeof *p);
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a udp port");
	p->env = env;
	p->snmp[0] = p->snmp[1] = -1;
	p->permit = permit;
	p->conf = c->conf ? *(const struct sp_udp_conf *)c->conf : defaults;
	p->bind = sp_udp_plain(&c->bind);
	p->port_last = c->port_last;
	if (c->interface)
		sp_strlcpy(p->interface, c->interface, sizeof p->interface);
	p->tx = c->tx;
	p->rx = c->rx;
	p->gro = p->conf.gro;
	p->stamps = true;
	p->workers = c->workers ? c->workers : 1;
	p->max_endpoints = c->max_endpoints ? c->max_endpoints : 1024;
	p->queues = sp_alloc_array(env->mem, p->workers, sizeof(struct sp_queue *));
	if (!p->queues)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a udp port");
	probe(p);
	if (!rc && p->rx && permit->listen)
		rc = sp_udp_listen(p, err);
	if (rc) {
		udp_close(p);
		return rc;
	}
	if (p->rx) {
		sp_udp_snmp_open(p);
		p->csum_base = sp_udp_csum_errors(p);
	}
	*out = p;
	return 0;
}

static void udp_caps(const struct sp_port *p, struct sp_tcaps *caps)
{
	static const char *const road[2][3] = {
		{ "sendmmsg", "recvmmsg", "sendmmsg, recvmmsg" },
		{ "sendmmsg + UDP_SEGMENT", "recvmmsg + UDP_GRO",
		  "sendmmsg + UDP_SEGMENT, recvmmsg + UDP_GRO" },
	};
	bool fast = p->tx ? p->gso : p->gro;

	*caps = (struct sp_tcaps){
		.bits = SP_T_DATAGRAM | SP_T_CSUM,
		.burst = UDP_BURST,
		.max_len = UDP_MAX_LEN,
		.max_seg = p->max_seg,
		.road = road[fast][p->tx && p->rx ? 2 : p->rx],
		.rx_clock = p->stamps ? "kernel" : "user",
	};
	if (p->gso)
		caps->bits |= SP_T_SEGMENT;
	if (p->rx)
		caps->bits |= SP_T_LISTEN | SP_T_STEER | (p->stamps ? SP_T_RX_TIME : 0);
}

static uint32_t udp_tx_slots(struct sp_queue *q, struct sp_batch *b, uint32_t n, uint32_t len,
			     uint32_t tmpl)
{
	return sp_slot_bank_lend(&q->slots, b, n, len, tmpl);
}

static int udp_local(const struct sp_port *p, unsigned i, struct sp_endpoint *e)
{
	uint32_t step = p->v6 ? 2 : 1;

	*e = p->bind;
	if (!p->n_listen)
		return i ? -ENOENT : 0;
	if (i >= p->n_listen / step)
		return -ENOENT;
	e->port = p->listen[i * step].local.port;
	return 0;
}

static int udp_fd(const struct sp_queue *q)
{
	if (!q->rxb)
		return -1;
	return q->epoll >= 0 ? q->epoll : q->socks[0].fd;
}

static void udp_reuse(struct sp_queue *q, const uint32_t *held)
{
	sp_endpoints_reuse(&q->peers, held);
}

extern const struct sp_transport_ops sp_transport_udp;
const struct sp_transport_ops sp_transport_udp = {
	.name = "udp",
	.summary = "UDP datagrams over kernel sockets",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_udp_conf),
	.open = udp_open,
	.queue = sp_udp_queue,
	.caps = udp_caps,
	.endpoint = sp_udp_endpoint,
	.endpoint_from = sp_udp_endpoint_from,
	.peer = sp_udp_peer,
	.local = udp_local,
	.close = udp_close,
	.tx_slots = udp_tx_slots,
	.tx_burst = sp_udp_tx_burst,
	.answer = sp_udp_answer,
	.rx_burst = sp_udp_rx_burst,
	.rx_release = sp_udp_rx_release,
	.flush = sp_udp_flush,
	.fd = udp_fd,
	.steer = sp_udp_steer,
	.reuse = udp_reuse,
	.unreachable = sp_udp_unreachable,
	.stats = sp_udp_stats,
};
