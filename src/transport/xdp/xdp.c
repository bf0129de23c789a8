#include "transport/xdp/xdp.h"

#include "plugin/target.h"
#include "plugin/tstats.h"
#include "transport/xdp/bpf.h"
#include "transport/xdp/count.h"
#include "transport/xdp/live_prog.h"
#include "transport/xdp/take_prog.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a port gets that has no settings; the same as the rows below. */
static const struct xdp_conf defaults = { .frames = XDP_RX_CHUNKS, .live = true };

static const struct sp_opt opts[] = {
	{ "mode", SP_OPT_ENUM, offsetof(struct xdp_conf, mode), "auto", "auto|native|generic",
	  0, 0, "where received frames are taken: in the driver, or behind it" },
	{ "zerocopy", SP_OPT_ENUM, offsetof(struct xdp_conf, zerocopy), "auto", "auto|no|yes",
	  0, 0, "have the driver use the program's memory" },
	{ "take", SP_OPT_ENUM, offsetof(struct xdp_conf, take), "udp", "udp|all", 0, 0,
	  "which frames are kept from the host's own stack: UDP for the port's address and "
	  "numbers, or all" },
	{ "rx", SP_OPT_ENUM, offsetof(struct xdp_conf, rx), "af_xdp", "af_xdp|count", 0, 0,
	  "count: frames with a good stamp that follow each other are verified and counted in "
	  "XDP, without their times, and never copied" },
	{ "live", SP_OPT_BOOL, offsetof(struct xdp_conf, live), "true", NULL, 0, 0,
	  "let the kernel make the units of a stream at rate max, where it can" },
	{ "frames", SP_OPT_U64, offsetof(struct xdp_conf, frames), "8192", NULL, 64, 65536,
	  "received frames that may wait, a queue; rounded up to a power of two" },
	{ 0 },
};

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void xdp_close(struct sp_port *p)
{
	close_fd(p->link);
	close_fd(p->prog);
	close_fd(p->xsks);
	close_fd(p->tables);
	close_fd(p->flows);
	for (unsigned w = 0; p->queues && w < p->workers; w++)
		if (p->queues[w])
			xdp_queue_free(p->queues[w]);
	sp_free(p->env->mem, p->queues);
	sp_free(p->env->mem, p);
}

static int attach_fail(const struct sp_port *p, int rc, struct sp_err *err)
{
	const char *name = p->iface.name;

	if (rc == -EBUSY || rc == -EEXIST)
		return sp_fail(err, rc, SP_EXIT_PERM,
			       "interface %s has an XDP program already; `sudo ip link set %s "
			       "xdp off` takes one off that nobody holds, or use --transport "
			       "packet",
			       name, name);
	if (rc == -EPERM)
		return sp_fail(err, rc, SP_EXIT_PERM,
			       "interface %s: attaching an XDP program needs the capability "
			       "CAP_NET_ADMIN; run it with `sudo`",
			       name);
	return sp_fail(err, rc, SP_EXIT_PERM,
		       "an XDP program cannot be attached to %s (%s); use --transport packet",
		       name, strerror(-rc));
}

static int attach(struct sp_port *p, struct sp_err *err)
{
	int rc = -EOPNOTSUPP;

	if (p->conf.mode != XDP_MODE_GENERIC)
		rc = xdp_bpf_attach(p->prog, p->iface.index, XDP_FLAGS_DRV_MODE);
	p->native = rc >= 0;
	if (rc < 0 && rc != -EBUSY && rc != -EEXIST && rc != -EPERM &&
	    p->conf.mode != XDP_MODE_NATIVE)
		rc = xdp_bpf_attach(p->prog, p->iface.index, XDP_FLAGS_SKB_MODE);
	if (rc < 0)
		return attach_fail(p, rc, err);
	p->link = rc;
	return 0;
}

static int emit_count(struct sp_port *p, struct xdp_asm *a, const struct xdp_take *take)
{
	struct xdp_count_maps m = { .xsks = p->xsks, .queues = p->rx_queues };
	uint16_t tables[XDP_STAMP_TABLES];
	int rc;

	xdp_stamp_tables(tables);
	p->tables = xdp_bpf_map(BPF_MAP_TYPE_ARRAY, "spate_check", sizeof tables, 1, 0);
	if (p->tables < 0)
		return p->tables;
	rc = xdp_bpf_map_set(p->tables, 0, tables);
	if (rc)
		return rc;
	p->flows = xdp_bpf_map(BPF_MAP_TYPE_ARRAY, "spate_flows",
			       p->rx_queues * XDP_COUNT_FLOWS * sizeof(struct xdp_count), 1,
			       BPF_F_MMAPABLE);
	if (p->flows < 0)
		return p->flows;
	m.tables = p->tables;
	m.flows = p->flows;
	xdp_emit_count(a, take, &m);
	return 0;
}

static int load(struct sp_port *p, struct sp_err *err)
{
	struct xdp_take take = { .to = p->bind.addr,
				 .first = p->bind.port,
				 .last = p->port_last,
				 .all = p->conf.take == XDP_TAKE_ALL };
	struct xdp_asm *a;
	uint32_t entries = p->rx_queues > p->workers ? p->rx_queues : p->workers;
	int rc;

	p->xsks = xdp_bpf_map(BPF_MAP_TYPE_XSKMAP, "spate_xsks", 4, entries, 0);
	if (p->xsks < 0 && p->xsks != -EPERM)
		return sp_fail(err, p->xsks, SP_EXIT_PERM,
			       "this kernel has no map of AF_XDP sockets: %s",
			       strerror(-p->xsks));
	a = sp_alloc(p->env->mem, sizeof *a);
	if (!a)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for an xdp port");
	rc = 0;
	if (p->conf.rx == XDP_RX_COUNT)
		rc = emit_count(p, a, &take);
	else
		xdp_emit_af_xdp(a, &take, p->xsks);
	if (rc) {
		sp_free(p->env->mem, a);
		return sp_fail(err, rc, SP_EXIT_PERM, "no BPF maps to count in: %s",
			       strerror(-rc));
	}
	p->prog = xdp_bpf_load(BPF_PROG_TYPE_XDP, "spate_recv", a, err);
	sp_free(p->env->mem, a);
	return p->prog < 0 ? p->prog : 0;
}

/* From here on frames come to the sockets. */
static int feed(struct sp_port *p, struct sp_err *err)
{
	for (unsigned w = 0; w < p->workers; w++)
		for (unsigned i = 0; i < p->queues[w]->n_socks; i++) {
			int rc = xdp_bpf_map_set(p->xsks, w + i * p->workers,
						 &p->queues[w]->sock[i].fd);

			if (rc)
				return sp_fail(err, rc, SP_EXIT_PERM,
					       "an AF_XDP socket cannot be fed: %s",
					       strerror(-rc));
		}
	return 0;
}

static int check_mtu(const struct sp_port *p, struct sp_err *err)
{
	if (p->iface.mtu + SP_FRAME_ETH + SP_FRAME_VLAN + XDP_HEADROOM > 4096)
		return sp_fail(
			err, -EMSGSIZE, SP_EXIT_PERM,
			"interface %s has an MTU of %u, and AF_XDP takes frames of one "
			"page; `sudo ip link set %s mtu 3500`, or use --transport packet",
			p->iface.name, p->iface.mtu, p->iface.name);
	return 0;
}

static int open_all(struct sp_port *p, const char *interface, struct sp_err *err)
{
	int rc = sp_iface_open(&p->iface, interface, "the xdp transport", err);

	if (!rc && p->tx)
		rc = sp_iface_await_carrier(&p->iface, err);
	if (rc)
		return rc;
	p->may_repeat = p->tx && p->conf.live && !xdp_bpf_allowed();
	p->rx_queues = p->rx ? xdp_iface_queues(&p->iface) : 1;
	/* What lacks a right fails before anything is attached. */
	rc = p->rx ? load(p, err) : 0;
	if (!rc)
		rc = xdp_sock_allowed(&p->iface, err);
	if (!rc)
		rc = check_mtu(p, err);
	if (!rc && p->rx)
		rc = attach(p, err);
	for (unsigned w = 0; !rc && w < p->workers; w++)
		rc = xdp_queue_new(p, w, &p->queues[w], err);
	return !rc && p->rx ? feed(p, err) : rc;
}

static int xdp_open(struct sp_port **out, const struct sp_port_conf *c,
		    const struct sp_permit *permit, const struct sp_env *env,
		    struct sp_err *err)
{
	int rc = sp_permit_check(permit, c->rx && !c->tx, err);
	struct sp_port *p;

	if (rc)
		return rc;
	p = sp_alloc_array(env->mem, 1, sizeof *p);
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for an xdp port");
	p->env = env;
	p->permit = permit;
	p->conf = c->conf ? *(const struct xdp_conf *)c->conf : defaults;
	p->bind = c->bind;
	p->port_last = c->port_last;
	p->tx = c->tx;
	p->rx = c->rx;
	p->link = p->prog = p->xsks = p->tables = p->flows = -1;
	p->workers = c->workers ? c->workers : 1;
	p->max_endpoints = c->max_endpoints ? c->max_endpoints : 1024;
	p->queues = sp_alloc_array(env->mem, p->workers, sizeof(struct sp_queue *));
	rc = p->queues ? open_all(p, c->interface, err)
		       : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for an xdp port");
	if (rc) {
		xdp_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

static int xdp_queue(struct sp_port *p, unsigned worker, struct sp_queue **out,
		     struct sp_err *err)
{
	if (worker >= p->workers || p->queues[worker]->taken)
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			       "xdp: queue %u was not announced, or was taken already", worker);
	p->queues[worker]->taken = true;
	*out = p->queues[worker];
	return 0;
}

static void xdp_caps(const struct sp_port *p, struct sp_tcaps *caps)
{
	static const char *const roads[2][2] = {
		{ "AF_XDP, copied, behind the driver", "AF_XDP, copied" },
		{ "AF_XDP, zero-copy", "AF_XDP, zero-copy" },
	};
	const struct xdp_sock *s = &p->queues[0]->sock[0];
	bool live = false;

	*caps = (struct sp_tcaps){
		.bits = SP_T_FRAME,
		.burst = XDP_BURST,
		.max_len = p->iface.mtu + SP_FRAME_ETH,
		.max_seg = 1,
		.road = roads[s->zerocopy][!p->rx || p->native],
		.rx_clock = "kernel",
	};
	if (p->rx)
		caps->bits |= SP_T_LISTEN | SP_T_RX_TIME;
	if (p->may_repeat)
		caps->bits |= SP_T_REPEAT;
	for (unsigned w = 0; w < p->workers; w++)
		live |= p->queues[w]->live != NULL;
	if (live)
		caps->road = "XDP live frames";
	else if (p->rx && p->conf.rx == XDP_RX_COUNT)
		caps->road = "XDP, counted there";
}

static int xdp_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *ep,
			struct sp_err *err)
{
	return sp_target_add(&q->peers, q->port->permit, to, ep, err);
}

static int xdp_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
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

static int xdp_link(struct sp_port *p, const struct sp_endpoint *to, struct sp_link *link,
		    struct sp_err *err)
{
	return sp_iface_link(&p->iface, &p->bind.addr, p->permit, to, link, err);
}

static int xdp_local(const struct sp_port *p, unsigned i, struct sp_endpoint *e)
{
	unsigned n = p->port_last > p->bind.port ? 1u + p->port_last - p->bind.port : 1u;

	if (i >= n)
		return -ENOENT;
	*e = p->bind;
	e->port = (uint16_t)(e->port + i);
	return 0;
}

static int xdp_fd(const struct sp_queue *q)
{
	return q->fd;
}

/* Frames that found no room. In copy mode one without a chunk is in rx_dropped, too. */
static bool dropped(const struct xdp_sock *s, uint64_t *n)
{
	struct xdp_statistics x = { 0 };
	socklen_t len = sizeof x;

	if (getsockopt(s->fd, SOL_XDP, XDP_STATISTICS, &x, &len))
		return false;
	*n += x.rx_dropped + x.rx_ring_full;
	return true;
}

static void xdp_stats(const struct sp_queue *q, struct sp_tstats *out)
{
	sp_tstats_load(out, &q->stats);
	out->rx_dropped = 0;
	out->rx_dropped_known = q->port->rx;
	for (unsigned i = 0; q->port->rx && i < q->n_socks; i++)
		out->rx_dropped_known &= dropped(&q->sock[i], &out->rx_dropped);
}

static void xdp_reuse(struct sp_queue *q, const uint32_t *held)
{
	sp_endpoints_reuse(&q->peers, held);
}

extern const struct sp_transport_ops sp_transport_xdp;
const struct sp_transport_ops sp_transport_xdp = {
	.name = "xdp",
	.summary = "Ethernet frames past the kernel's stack: AF_XDP, and made in XDP",
	.abi = SP_PLUGIN_ABI,
	.rank = 2,
	.opts = opts,
	.conf_size = sizeof(struct xdp_conf),
	.open = xdp_open,
	.queue = xdp_queue,
	.caps = xdp_caps,
	.endpoint = xdp_endpoint,
	.peer = xdp_peer,
	.link = xdp_link,
	.local = xdp_local,
	.close = xdp_close,
	.tx_slots = xdp_tx_slots,
	.tx_burst = xdp_tx_burst,
	.repeat = xdp_repeat,
	.tx_repeat = xdp_tx_repeat,
	.rx_burst = xdp_rx_burst,
	.rx_release = xdp_rx_release,
	.flush = xdp_flush,
	.fd = xdp_fd,
	.reuse = xdp_reuse,
	.stats = xdp_stats,
};
