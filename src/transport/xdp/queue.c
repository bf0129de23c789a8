#include "transport/xdp/xdp.h"

#include "plugin/target.h"
#include "transport/sock.h"
#include "transport/xdp/count.h"
#include "transport/xdp/live.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

unsigned xdp_iface_queues(const struct sp_iface *i)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	int fd = sp_sock_open(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { 0 };
	unsigned n = 1;

	if (fd < 0)
		return 1;
	memcpy(ifr.ifr_name, i->name, sizeof ifr.ifr_name);
	ifr.ifr_data = (void *)&c;
	if (!ioctl(fd, SIOCETHTOOL, &ifr))
		n = c.combined_count + c.rx_count;
	close(fd);
	return n ? n : 1;
}

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for an xdp queue");
}

static int queue_memory(struct sp_queue *q)
{
	const struct sp_port *p = q->port;
	const struct sp_mem *mem = p->env->mem;

	if (sp_sources_init(&q->peers, mem, p->max_endpoints))
		return -ENOMEM;
	if (p->tx) {
		q->chunk = sp_alloc_array(mem, XDP_TX_CHUNKS, sizeof *q->chunk);
		q->free = sp_alloc_array(mem, XDP_TX_CHUNKS, sizeof *q->free);
		q->lent = sp_alloc_array(mem, XDP_TX_CHUNKS, sizeof *q->lent);
		if (!q->chunk || !q->free || !q->lent)
			return -ENOMEM;
		for (uint32_t i = XDP_TX_CHUNKS; i-- > 0;)
			q->free[q->n_free++] = i;
	}
	if (p->rx && p->conf.rx == XDP_RX_COUNT) {
		q->counter = xdp_counter_new(p->flows, p->rx_queues, mem);
		if (!q->counter)
			return -ENOMEM;
	}
	if (p->rx) {
		q->borrowed = sp_alloc_array(mem, XDP_BURST, sizeof *q->borrowed);
		if (!q->borrowed)
			return -ENOMEM;
	}
	return 0;
}

static uint32_t power_of_two(uint64_t n)
{
	uint32_t p = 64;

	while (p < n)
		p *= 2;
	return p;
}

/* A worker sends by its own queue and receives from every workers-th. */
static int open_socks(struct sp_queue *q, struct sp_err *err)
{
	static const uint16_t flags[] = {
		[XDP_ZC_AUTO] = 0, [XDP_ZC_NO] = XDP_COPY, [XDP_ZC_YES] = XDP_ZEROCOPY
	};
	const struct sp_port *p = q->port;
	struct xdp_sock_conf c = {
		.iface = &p->iface,
		.queue = q->worker,
		.chunk = p->iface.mtu + SP_FRAME_ETH + SP_FRAME_VLAN + XDP_HEADROOM > 2048
				 ? 4096
				 : 2048,
		.n_tx = p->tx ? XDP_TX_CHUNKS : 0,
		.n_rx = p->rx ? power_of_two(p->conf.frames) : 0,
		.budget = XDP_TX_BUDGET,
		.bind_flags = flags[p->conf.zerocopy]
	};
	int rc;

	/* A program in generic mode gets no frames from a driver's own memory. */
	if (p->rx && !p->native)
		c.bind_flags = XDP_COPY;
	do {
		if (q->n_socks == XDP_QUEUES)
			return sp_fail(err, -E2BIG, SP_EXIT_PERM,
				       "interface %s receives by %u queues, more than %u a "
				       "worker; use more --cores, or `sudo ethtool -L %s "
				       "combined %u`",
				       p->iface.name, p->rx_queues, XDP_QUEUES, p->iface.name,
				       XDP_QUEUES);
		rc = xdp_sock_open(&q->sock[q->n_socks], &c, err);
		if (rc)
			return rc;
		q->n_socks++;
		c.n_tx = 0;
		c.queue += p->workers;
	} while (p->rx && c.queue < p->rx_queues);
	return 0;
}

static int watch(struct sp_queue *q)
{
	struct epoll_event e = { .events = EPOLLIN };

	if (!q->port->rx)
		return 0;
	if (q->n_socks == 1) {
		q->fd = q->sock[0].fd;
		return 0;
	}
	q->fd = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < q->n_socks && q->fd >= 0; i++)
		if (epoll_ctl(q->fd, EPOLL_CTL_ADD, q->sock[i].fd, &e))
			return -errno;
	return q->fd < 0 ? -errno : 0;
}

int xdp_queue_new(struct sp_port *p, unsigned worker, struct sp_queue **out, struct sp_err *err)
{
	struct sp_queue *q = sp_alloc_array(p->env->mem, 1, sizeof *q);
	int rc;

	if (!q)
		return no_memory(err);
	q->port = p;
	q->worker = worker;
	q->fd = -1;
	for (unsigned i = 0; i < XDP_QUEUES; i++)
		q->sock[i].fd = -1;
	rc = queue_memory(q);
	rc = rc ? no_memory(err) : open_socks(q, err);
	if (!rc) {
		rc = watch(q);
		if (rc)
			sp_sock_fail(err, rc, "a descriptor to wait on");
	}
	if (rc) {
		xdp_queue_free(q);
		return rc;
	}
	*out = q;
	return 0;
}

void xdp_queue_free(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	if (q->n_socks > 1 && q->fd >= 0)
		close(q->fd);
	for (unsigned i = 0; i < q->n_socks; i++)
		xdp_sock_close(&q->sock[i]);
	xdp_counter_free(q->counter);
	if (q->live)
		xdp_live_close(q->live);
	sp_free(mem, q->chunk);
	sp_free(mem, q->free);
	sp_free(mem, q->lent);
	sp_free(mem, q->borrowed);
	sp_endpoints_fini(&q->peers, mem);
	sp_free(mem, q);
}
