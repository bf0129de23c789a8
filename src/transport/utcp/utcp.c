#include "transport/utcp/utcp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/str.h"
#include "plugin/target.h"
#include "plugin/tstats.h"
#include "transport/one_way.h"
#include "transport/sock.h"

/* How long a port that is closed waits until the far ends have heard of the end of each
 * connection. */
#define LINGER_NS   (2 * SP_NS_PER_S)
#define LINGER_MS   20

#define OFF(member) offsetof(struct sp_utcp_conf, member)
static const struct sp_opt opts[] = {
	{ "first", SP_OPT_U64, OFF(first), "61000", NULL, 1, 65535,
	  "own port numbers from here on, of which no kernel should give any away" },
	{ "last", SP_OPT_U64, OFF(last), "65535", NULL, 1, 65535, "to this one" },
	{ "mss", SP_OPT_U64, OFF(mss), "0", NULL, 0, 65495,
	  "largest segment's payload; 0: what the interface holds" },
	{ "ring", SP_OPT_SIZE, OFF(ring), "64Ki", NULL, 2048, 1u << 24,
	  "buffer of a connection in each direction, a power of two" },
	{ "guard", SP_OPT_BOOL, OFF(guard), "true", NULL, 0, 0,
	  "keep the kernel from resetting connections from an address of its own, by an "
	  "nftables table that goes with the process" },
	{ .name = NULL },
};
static const struct sp_utcp_conf defaults = {
	.first = 61000,
	.last = 65535,
	.ring = 65536,
	.guard = true,
};

static int check(const void *conf, struct sp_err *err)
{
	const struct sp_utcp_conf *c = conf;

	if (c->first > c->last)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "the port numbers run backwards: first is above last");
	if (c->ring & (c->ring - 1))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "ring is no power of two; 64Ki and 1Mi are");
	return 0;
}

/* ---- queues ---- */

static void queue_free(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	for (uint32_t i = 0; q->conns && i < q->used; i++)
		sp_free(mem, q->conns[i].rings);
	if (q->fd >= 0)
		close(q->fd);
	if (q->epoll >= 0)
		close(q->epoll);
	if (q->timer >= 0)
		close(q->timer);
	sp_endpoints_fini(&q->ends, mem);
	sp_free(mem, q->target);
	sp_free(mem, q->conns);
	sp_free(mem, q->by_port);
	sp_free(mem, q->in);
	sp_free(mem, q->out);
	sp_free(mem, q);
}

static int queue_memory(struct sp_queue *q)
{
	const struct sp_port *p = q->port;
	const struct sp_mem *mem = p->env->mem;

	if (sp_endpoints_init(&q->ends, mem, p->max_endpoints, NULL))
		return -ENOMEM;
	q->target = sp_alloc_array(mem, p->max_endpoints, sizeof *q->target);
	q->conns = sp_alloc_array(mem, p->max_conns, sizeof *q->conns);
	q->by_port = sp_alloc_array(mem, 1u + q->last - q->first, sizeof *q->by_port);
	q->in = sp_alloc(mem, UTCP_FRAME_MAX);
	q->out = sp_alloc(mem, UTCP_OUT_MAX);
	return q->target && q->conns && q->by_port && q->in && q->out ? 0 : -ENOMEM;
}

static int watch_timer(struct sp_queue *q)
{
	struct epoll_event ev = { .events = EPOLLIN };

	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	q->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ev.data.fd = q->timer;
	if (q->epoll < 0 || q->timer < 0 || epoll_ctl(q->epoll, EPOLL_CTL_ADD, q->timer, &ev))
		return -errno;
	return 0;
}

static int utcp_queue(struct sp_port *p, unsigned worker, struct sp_queue **out,
		      struct sp_err *err)
{
	uint64_t numbers = 1 + p->conf.last - p->conf.first, each = numbers / p->workers;
	struct sp_queue *q = sp_alloc_array(p->env->mem, 1, sizeof *q);
	int rc;

	if (!q)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a utcp port");
	q->port = p;
	q->worker = worker;
	q->fd = q->epoll = q->timer = -1;
	q->timer_ns = UINT64_MAX;
	q->first = (uint16_t)(p->conf.first + worker * each);
	q->last = (uint16_t)(q->first + each - 1);
	q->next_port = q->first;
	(void)!getrandom(&q->seed, sizeof q->seed, GRND_NONBLOCK);
	q->next_port = (uint16_t)(q->first + q->seed % each);
	p->queues[worker] = q;
	rc = queue_memory(q);
	if (rc)
		return sp_fail(err, rc, SP_EXIT_FAILED, "out of memory for a utcp port");
	rc = watch_timer(q);
	if (rc)
		return sp_sock_fail(err, rc, "a timer");
	*out = q;
	return 0;
}

/* ---- ports ---- */

/* Connections that were closed and whose far end has not heard of it yet; those that are still
 * open are reset. */
static void linger(struct sp_queue *q)
{
	uint64_t begun = sp_clock_now(q->port->env->clock);
	struct pollfd fd = { .fd = q->epoll, .events = POLLIN };
	bool waits = true;

	for (uint32_t i = 0; i < q->used; i++)
		if (q->conns[i].used && !q->conns[i].orphan)
			sp_utcp_conn_ops.close(&q->conns[i].conn, true);
	while (waits && sp_clock_now(q->port->env->clock) - begun < LINGER_NS) {
		sp_utcp_pump(q);
		waits = false;
		for (uint32_t i = 0; i < q->used; i++)
			waits |= q->conns[i].used && q->conns[i].tcb.state == SP_TCB_OPEN;
		if (waits)
			poll(&fd, 1, LINGER_MS);
	}
	for (uint32_t i = 0; i < q->used; i++) {
		struct utcp_conn *c = &q->conns[i];

		if (!c->used || c->tcb.state != SP_TCB_OPEN)
			continue;
		sp_tcb_abort(&c->tcb);
		sp_utcp_push(c, sp_clock_now(q->port->env->clock));
	}
}

static void utcp_close(struct sp_port *p)
{
	for (unsigned w = 0; p->queues && w < p->workers; w++) {
		struct sp_queue *q = p->queues[w];

		if (q && q->fd >= 0)
			linger(q);
		if (q)
			queue_free(q);
	}
	sp_nft_close(p->nft);
	sp_free(p->env->mem, p->queues);
	sp_free(p->env->mem, p);
}

static int check_args(const struct sp_port_conf *c, const struct sp_utcp_conf *conf,
		      const struct sp_permit *permit, struct sp_err *err)
{
	uint64_t numbers = 1 + conf->last - conf->first;
	int rc = sp_permit_check(permit, c->rx, err);

	if (rc)
		return rc;
	if (c->rx)
		return sp_fail(
			err, -ENOTSUP, SP_EXIT_USAGE,
			"utcp only connects; to receive there are the transport tcp, and "
			"recv --reply tcp for addresses that no kernel owns");
	if (c->bind.port)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "utcp: own port numbers are set by --set first= and last=");
	if (c->interface && strlen(c->interface) >= IFNAMSIZ)
		return sp_fail(err, -ENODEV, SP_EXIT_PERM,
			       "there is no interface %s; `ip link` lists them", c->interface);
	if (c->need_conns > numbers || c->workers > numbers)
		return sp_fail(err, -EADDRNOTAVAIL, SP_EXIT_PERM,
			       "utcp: %u connections at a time, but only %llu port numbers "
			       "(--set first=, last=)",
			       c->need_conns, (unsigned long long)numbers);
	return 0;
}

static int utcp_open(struct sp_port **out, const struct sp_port_conf *c,
		     const struct sp_permit *permit, const struct sp_env *env,
		     struct sp_err *err)
{
	const struct sp_utcp_conf *conf = c->conf ? c->conf : &defaults;
	struct sp_port *p;
	int rc = check_args(c, conf, permit, err);

	if (!rc)
		rc = sp_utcp_may(err);
	if (rc)
		return rc;
	p = sp_alloc_array(env->mem, 1, sizeof *p);
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a utcp port");
	p->env = env;
	p->permit = permit;
	p->conf = *conf;
	p->bind = c->bind;
	sp_strlcpy(p->interface, c->interface ? c->interface : "", sizeof p->interface);
	p->workers = c->workers ? c->workers : 1;
	p->max_endpoints = c->max_endpoints ? c->max_endpoints : 64;
	/* As many again may be on their way out. */
	p->max_conns = 2 * (c->max_conns ? c->max_conns : UTCP_CONNS_DFLT);
	p->queues = sp_alloc_array(env->mem, p->workers, sizeof(struct sp_queue *));
	if (!p->queues) {
		sp_free(env->mem, p);
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a utcp port");
	}
	*out = p;
	return 0;
}

static void utcp_caps(const struct sp_port *p, struct sp_tcaps *caps)
{
	(void)p;
	*caps = (struct sp_tcaps){
		.bits = SP_T_CONN | SP_T_BULK,
		.burst = 32,
		.max_len = UINT32_MAX,
		.max_seg = 1,
		.road = "own TCP over AF_PACKET",
		.rx_clock = "user",
	};
}

static int utcp_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct sp_endpoint_entry *peer = sp_endpoints_at(&q->ends, ep);

	if (!peer)
		return -ENOENT;
	if (remote)
		*remote = peer->remote;
	if (local)
		*local = (struct sp_endpoint){ .addr = q->target[ep].link.src };
	return 0;
}

static int utcp_local(const struct sp_port *p, unsigned i, struct sp_endpoint *e)
{
	if (i)
		return -ENOENT;
	*e = p->bind;
	return 0;
}

static int utcp_fd(const struct sp_queue *q)
{
	return q->epoll;
}

static void utcp_stats(const struct sp_queue *q, struct sp_tstats *s)
{
	sp_tstats_load(s, &q->stats);
}

extern const struct sp_transport_ops sp_transport_utcp;
const struct sp_transport_ops sp_transport_utcp = {
	.name = "utcp",
	.summary = "TCP connections of its own over frames: no kernel knows of them",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_utcp_conf),
	.check = check,
	.any_source = true,
	.open = utcp_open,
	.queue = utcp_queue,
	.caps = utcp_caps,
	.endpoint = sp_utcp_endpoint,
	.peer = utcp_peer,
	.local = utcp_local,
	.close = utcp_close,
	.conn = &sp_utcp_door,
	.flush = sp_one_way_flush,
	.fd = utcp_fd,
	.stats = utcp_stats,
};
