#include "transport/tcp/tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"
#include "pkt/bulk.h"
#include "plugin/target.h"
#include "plugin/tstats.h"
#include "transport/one_way.h"

/* What a port gets that has no settings; the same as the rows below. */
static const struct sp_tcp_conf defaults = {
	.nodelay = true,
	.lazy_ack = true,
	.congestion = "",
	.backlog = 4096,
	.blast = TCP_BLAST_SENDFILE,
};

#define AT(member) offsetof(struct sp_tcp_conf, member)
static const struct sp_opt opts[] = {
	{ "nodelay", SP_OPT_BOOL, AT(nodelay), "true", NULL, 0, 0,
	  "send small pieces at once (TCP_NODELAY)" },
	{ "lazy_ack", SP_OPT_BOOL, AT(lazy_ack), "true", NULL, 0, 0,
	  "the handshake's last acknowledgement travels with the first bytes" },
	{ "congestion", SP_OPT_TEXT, AT(congestion), "", NULL, 0, 0,
	  "congestion control, such as cubic or bbr; empty: the system's; for bulk data on loopback, reno" },
	{ "sndbuf", SP_OPT_SIZE, AT(sndbuf), "0", NULL, 0, 1u << 30,
	  "send buffer of each connection; 0: the kernel sizes it as it goes" },
	{ "rcvbuf", SP_OPT_SIZE, AT(rcvbuf), "0", NULL, 0, 1u << 30,
	  "receive buffer of each connection; 0: the kernel sizes it as it goes" },
	{ "mss", SP_OPT_U64, AT(mss), "0", NULL, 0, 65495,
	  "largest segment; 0: as the path allows" },
	{ "tos", SP_OPT_U64, AT(tos), "0", NULL, 0, 255,
	  "type of service or traffic class octet: DSCP times 4" },
	{ "ttl", SP_OPT_U64, AT(ttl), "0", NULL, 0, 255,
	  "time to live or hop limit; 0 leaves the system's" },
	{ "backlog", SP_OPT_U64, AT(backlog), "4096", NULL, 1, 65535,
	  "connections that may wait to be accepted" },
	{ "blast", SP_OPT_ENUM, AT(blast), "sendfile", "sendfile|write", 0, 0,
	  "how bulk data is handed to the kernel" },
	{ 0 },
};
#undef AT

static int check_args(const struct sp_port_conf *c, const struct sp_permit *permit,
		      struct sp_err *err)
{
	int rc = sp_permit_check(permit, c->rx, err);

	if (!rc && c->interface && strlen(c->interface) >= IFNAMSIZ)
		rc = sp_fail(err, -ENODEV, SP_EXIT_PERM, "there is no interface %s",
			     c->interface);
	return rc;
}

/* The bulk pattern, once: as a file for sendfile and in our own memory for write. */
static int make_pattern(struct sp_port *p, struct sp_err *err)
{
	p->pattern_fd = memfd_create("spate bulk pattern", MFD_CLOEXEC);
	if (p->pattern_fd < 0 || ftruncate(p->pattern_fd, SP_BULK_PERIOD))
		goto fail;
	p->pattern = mmap(NULL, SP_BULK_PERIOD, PROT_READ | PROT_WRITE, MAP_SHARED,
			  p->pattern_fd, 0);
	if (p->pattern == MAP_FAILED) {
		p->pattern = NULL;
		goto fail;
	}
	sp_bulk_fill(p->pattern);
	return 0;
fail:
	return sp_fail(err, -errno, SP_EXIT_PERM, "tcp: no memory for the bulk pattern: %s",
		       strerror(errno));
}

/* Where discarded bytes would go, if they went anywhere. */
static int make_nowhere(struct sp_port *p, struct sp_err *err)
{
	p->nowhere = mmap(NULL, TCP_DRAIN_MAX, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->nowhere != MAP_FAILED)
		return 0;
	p->nowhere = NULL;
	return sp_fail(err, -errno, SP_EXIT_PERM, "tcp: no address space: %s", strerror(errno));
}

static void queue_free(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	for (uint32_t i = 0; q->conns && i < q->used; i++)
		if (q->conns[i].conn.ops)
			close(q->conns[i].fd);
	if (q->epoll >= 0)
		close(q->epoll);
	if (q->spare >= 0)
		close(q->spare);
	sp_endpoints_fini(&q->ends, mem);
	sp_free(mem, q->conns);
	sp_free(mem, q);
}

static void tcp_close(struct sp_port *p)
{
	const struct sp_mem *mem = p->env->mem;

	for (unsigned w = 0; p->queues && w < p->workers; w++)
		if (p->queues[w])
			queue_free(p->queues[w]);
	for (size_t i = 0; p->listen && i < (size_t)p->workers * p->n_listen; i++)
		if (p->listen[i].fd >= 0)
			close(p->listen[i].fd);
	if (p->pattern)
		munmap(p->pattern, SP_BULK_PERIOD);
	if (p->pattern_fd >= 0)
		close(p->pattern_fd);
	if (p->nowhere)
		munmap(p->nowhere, TCP_DRAIN_MAX);
	sp_free(mem, p->queues);
	sp_free(mem, p->listen);
	sp_free(mem, p);
}

static int open_parts(struct sp_port *p, uint32_t need_conns, struct sp_err *err)
{
	int rc = 0;

	p->queues = sp_alloc_array(p->env->mem, p->workers, sizeof(struct sp_queue *));
	if (!p->queues)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a tcp port");
	if (!rc)
		rc = sp_tcp_check_congestion(p, err);
	if (!rc && p->tx)
		rc = make_pattern(p, err);
	if (!rc)
		rc = make_nowhere(p, err);
	sp_tcp_auto_ports(&p->auto_first, &p->auto_last);
	if (!rc)
		rc = sp_tcp_raise_limit((uint64_t)p->max_conns * p->workers, need_conns, err);
	if (!rc && p->rx)
		rc = sp_tcp_listen(p, err);
	return rc;
}

static int tcp_open(struct sp_port **out, const struct sp_port_conf *c,
		    const struct sp_permit *permit, const struct sp_env *env,
		    struct sp_err *err)
{
	struct sp_port *p;
	int rc = check_args(c, permit, err);

	if (rc)
		return rc;
	p = sp_alloc_array(env->mem, 1, sizeof *p);
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a tcp port");
	p->env = env;
	p->permit = permit;
	p->conf = c->conf ? *(const struct sp_tcp_conf *)c->conf : defaults;
	p->bind = c->bind;
	p->port_last = c->port_last;
	if (c->interface)
		sp_strlcpy(p->interface, c->interface, sizeof p->interface);
	p->tx = c->tx;
	p->rx = c->rx;
	p->pattern_fd = -1;
	p->workers = c->workers ? c->workers : 1;
	p->max_endpoints = c->max_endpoints ? c->max_endpoints : 1024;
	p->max_conns = c->max_conns ? c->max_conns : TCP_CONNS_DFLT;
	rc = open_parts(p, c->need_conns, err);
	if (rc) {
		tcp_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

static int watch_listeners(struct sp_queue *q)
{
	const struct sp_port *p = q->port;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	for (uint32_t i = 0; i < p->n_listen; i++)
		if (epoll_ctl(q->epoll, EPOLL_CTL_ADD,
			      p->listen[q->worker * p->n_listen + i].fd, &ev))
			return -errno;
	return 0;
}

static int tcp_queue(struct sp_port *p, unsigned worker, struct sp_queue **out,
		     struct sp_err *err)
{
	const struct sp_mem *mem = p->env->mem;
	struct sp_queue *q;
	int rc = -ENOMEM;

	if (worker >= p->workers || p->queues[worker])
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			       "tcp: queue %u was not announced, or was taken already", worker);
	q = sp_alloc_array(mem, 1, sizeof *q);
	if (!q)
		return sp_fail(err, rc, SP_EXIT_FAILED, "out of memory for a tcp queue");
	q->port = p;
	q->worker = worker;
	q->spare = -1;
	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	q->conns = sp_alloc_array(mem, p->max_conns, sizeof *q->conns);
	if (q->epoll < 0)
		rc = -errno;
	else if (q->conns && !sp_endpoints_init(&q->ends, mem, p->max_endpoints, NULL))
		rc = watch_listeners(q);
	if (!rc && p->rx) {
		rc = sp_tcp_spare(q);
	}
	if (rc) {
		queue_free(q);
		return sp_fail(err, rc, rc == -ENOMEM ? SP_EXIT_FAILED : SP_EXIT_PERM,
			       "cannot set up a tcp queue: %s%s", strerror(-rc),
			       rc == -EMFILE ? "; raise the limit with `ulimit -n 4096`" : "");
	}
	*out = p->queues[worker] = q;
	return 0;
}

static void tcp_caps(const struct sp_port *p, struct sp_tcaps *caps)
{
	static const char *const road[2] = { "sendmsg, bulk by sendfile", "sendmsg" };

	*caps = (struct sp_tcaps){
		.bits = SP_T_CONN | SP_T_BULK | SP_T_CSUM | (p->rx ? SP_T_LISTEN : 0u),
		.burst = 32,
		.max_len = UINT32_MAX,
		.max_seg = 1,
		.road = p->tx ? road[p->conf.blast] : "discard by MSG_TRUNC",
		.rx_clock = "user",
	};
}

static int tcp_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *ep,
			struct sp_err *err)
{
	return sp_target_add(&q->ends, q->port->permit, to, ep, err);
}

/* Who connects says the address again; here it is tried, while something can be said about it. */
static int tcp_endpoint_from(struct sp_queue *q, const struct sp_endpoint *local,
			     const struct sp_endpoint *to, uint32_t *ep, struct sp_err *err)
{
	int fd, rc;

	if (local->addr.family) {
		fd = sp_tcp_sock_open(q->port, local->addr.family, false, err);
		if (fd < 0)
			return fd;
		rc = sp_tcp_sock_bind(q->port, fd, local, false);
		close(fd);
		if (rc)
			return sp_tcp_bind_fail(local, rc, err);
	}
	return tcp_endpoint(q, to, ep, err);
}

static int tcp_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		    struct sp_endpoint *local)
{
	if (ep >= q->ends.n)
		return -ENOENT;
	*remote = q->ends.at[ep].remote;
	*local = q->port->bind;
	return 0;
}

static int tcp_local(const struct sp_port *p, unsigned i, struct sp_endpoint *e)
{
	uint32_t step = p->v6 ? 2 : 1;

	*e = p->bind;
	if (!p->n_listen)
		return i ? -ENOENT : 0;
	if (i >= p->n_listen / step)
		return -ENOENT;
	e->port = p->listen[i * step].at.port;
	return 0;
}

static int tcp_fd(const struct sp_queue *q)
{
	return q->epoll;
}

static void tcp_stats(const struct sp_queue *q, struct sp_tstats *s)
{
	sp_tstats_load(s, &q->stats);
	/* A stream loses nothing in its receiver's buffer: the sender waits. */
	s->rx_dropped_known = true;
}

extern const struct sp_transport_ops sp_transport_tcp;
const struct sp_transport_ops sp_transport_tcp = {
	.name = "tcp",
	.summary = "TCP connections over kernel sockets",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_tcp_conf),
	.open = tcp_open,
	.queue = tcp_queue,
	.caps = tcp_caps,
	.endpoint = tcp_endpoint,
	.endpoint_from = tcp_endpoint_from,
	.peer = tcp_peer,
	.local = tcp_local,
	.close = tcp_close,
	.conn = &sp_tcp_door,
	.flush = sp_one_way_flush,
	.fd = tcp_fd,
	.stats = tcp_stats,
};
