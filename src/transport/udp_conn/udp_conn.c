#include "transport/udp_conn/udp_conn.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/str.h"
#include "plugin/target.h"
#include "plugin/tstats.h"
#include "transport/one_way.h"

#define AT(member) offsetof(struct sp_udp_conn_conf, member)
static const struct sp_opt opts[] = {
	{ "sndbuf", SP_OPT_SIZE, AT(sndbuf), "0", NULL, 0, 1u << 30,
	  "send buffer of each socket; 0: the system's" },
	{ "rcvbuf", SP_OPT_SIZE, AT(rcvbuf), "0", NULL, 0, 1u << 30,
	  "receive buffer of each socket; 0: 256 KiB" },
	{ "tos", SP_OPT_U64, AT(tos), "0", NULL, 0, 255,
	  "type of service or traffic class octet: DSCP times 4" },
	{ "ttl", SP_OPT_U64, AT(ttl), "0", NULL, 0, 255,
	  "time to live or hop limit; 0 leaves the system's" },
	{ 0 },
};
#undef AT

static void queue_free(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	for (uint32_t i = 0; q->conns && i < q->used; i++)
		if (q->conns[i].conn.ops)
			close(q->conns[i].fd);
	if (q->epoll >= 0)
		close(q->epoll);
	sp_endpoints_fini(&q->ends, mem);
	sp_free(mem, q->conns);
	sp_free(mem, q);
}

static void udp_conn_close(struct sp_port *p)
{
	for (unsigned w = 0; p->queues && w < p->workers; w++)
		if (p->queues[w])
			queue_free(p->queues[w]);
	sp_free(p->env->mem, p->queues);
	sp_free(p->env->mem, p);
}

/* The soft limit is raised as far as it may be. */
static int allow_descriptors(uint64_t n, uint64_t need, struct sp_err *err)
{
	struct rlimit lim;

	n += UDP_CONN_SPARE_FDS;
	need += UDP_CONN_SPARE_FDS;
	if (getrlimit(RLIMIT_NOFILE, &lim))
		return 0;
	if (lim.rlim_cur < n) {
		lim.rlim_cur = n < lim.rlim_max ? n : lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	return lim.rlim_cur >= need
		       ? 0
		       : sp_fail(err, -EMFILE, SP_EXIT_PERM,
				 "udp-conn: %llu descriptors are needed, and %llu are allowed; "
				 "raise the limit with `ulimit -Hn %llu` as root, or ask for "
				 "fewer connections",
				 (unsigned long long)need, (unsigned long long)lim.rlim_cur,
				 (unsigned long long)need);
}

static int check_args(const struct sp_port_conf *c, const struct sp_permit *permit,
		      struct sp_err *err)
{
	int rc = sp_permit_check(permit, c->rx, err);

	if (!rc && c->rx)
		rc = sp_fail(err, -EOPNOTSUPP, SP_EXIT_USAGE,
			     "udp-conn only connects; to receive there is the transport udp");
	if (!rc && c->interface && strlen(c->interface) >= IFNAMSIZ)
		rc = sp_fail(err, -ENODEV, SP_EXIT_PERM, "there is no interface %s",
			     c->interface);
	return rc;
}

static int udp_conn_open(struct sp_port **out, const struct sp_port_conf *c,
			 const struct sp_permit *permit, const struct sp_env *env,
			 struct sp_err *err)
{
	struct sp_port *p;
	int rc = check_args(c, permit, err);

	if (rc)
		return rc;
	p = sp_alloc(env->mem, sizeof *p);
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
			       "out of memory for a udp-conn port");
	*p = (struct sp_port){ .env = env,
			       .permit = permit,
			       .bind = c->bind,
			       .workers = c->workers ? c->workers : 1,
			       .max_endpoints = c->max_endpoints ? c->max_endpoints : 1024,
			       .max_conns = c->max_conns ? c->max_conns : UDP_CONN_DFLT };
	if (c->conf)
		p->conf = *(const struct sp_udp_conn_conf *)c->conf;
	if (c->interface)
		sp_strlcpy(p->interface, c->interface, sizeof p->interface);
	rc = allow_descriptors((uint64_t)p->max_conns * p->workers, c->need_conns, err);
	p->queues = sp_alloc_array(env->mem, p->workers, sizeof *p->queues);
	if (!rc && !p->queues)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a udp-conn port");
	if (rc)
		udp_conn_close(p);
	else
		*out = p;
	return rc;
}

static int udp_conn_queue(struct sp_port *p, unsigned worker, struct sp_queue **out,
			  struct sp_err *err)
{
	const struct sp_mem *mem = p->env->mem;
	struct sp_queue *q;
	int rc = 0;

	if (worker >= p->workers || p->queues[worker])
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			       "udp-conn: queue %u was not announced, or was taken already",
			       worker);
	q = sp_alloc(mem, sizeof *q);
	if (!q)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
			       "out of memory for a udp-conn queue");
	q->port = p;
	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (q->epoll < 0)
		rc = sp_fail(err, -errno, SP_EXIT_PERM, "cannot set up a udp-conn queue: %s",
			     strerror(errno));
	q->conns = sp_alloc_array(mem, p->max_conns, sizeof *q->conns);
	if (!rc && (!q->conns || sp_endpoints_init(&q->ends, mem, p->max_endpoints, NULL)))
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
			     "out of memory for a udp-conn queue");
	if (rc)
		queue_free(q);
	else
		*out = p->queues[worker] = q;
	return rc;
}

static void udp_conn_caps(const struct sp_port *p, struct sp_tcaps *caps)
{
	(void)p;
	*caps = (struct sp_tcaps){
		.bits = SP_T_CONN | SP_T_CSUM,
		.burst = 32,
		.max_len = UINT16_MAX,
		.max_seg = 1,
		.road = "sendmsg, a socket each",
		.rx_clock = "user",
	};
}

static int udp_conn_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *ep,
			     struct sp_err *err)
{
	return sp_target_add(&q->ends, q->port->permit, to, ep, err);
}

static int udp_conn_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
			 struct sp_endpoint *local)
{
	if (ep >= q->ends.n)
		return -ENOENT;
	if (remote)
		*remote = q->ends.at[ep].remote;
	if (local)
		*local = q->port->bind;
	return 0;
}

static int udp_conn_local(const struct sp_port *p, unsigned i, struct sp_endpoint *e)
{
	*e = p->bind;
	return i ? -ENOENT : 0;
}

static int udp_conn_fd(const struct sp_queue *q)
{
	return q->epoll;
}

static void udp_conn_stats(const struct sp_queue *q, struct sp_tstats *s)
{
	sp_tstats_load(s, &q->stats);
}

extern const struct sp_transport_ops sp_transport_udp_conn;
const struct sp_transport_ops sp_transport_udp_conn = {
	.name = "udp-conn",
	.summary = "conversations of datagrams, a connected UDP socket each",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_udp_conn_conf),
	.open = udp_conn_open,
	.queue = udp_conn_queue,
	.caps = udp_conn_caps,
	.endpoint = udp_conn_endpoint,
	.peer = udp_conn_peer,
	.local = udp_conn_local,
	.close = udp_conn_close,
	.conn = &sp_udp_conn_door,
	.flush = sp_one_way_flush,
	.fd = udp_conn_fd,
	.stats = udp_conn_stats,
};
