#include "transport/udp/udp.h"

#include "plugin/target.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int sp_udp_watch(struct sp_queue *q, uint32_t sock)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = sock };

	if (q->epoll < 0 || !q->socks[sock].rx)
		return 0;
	return epoll_ctl(q->epoll, EPOLL_CTL_ADD, q->socks[sock].fd, &ev) ? -errno : 0;
}

static int queue_tx(struct sp_queue *q)
{
	const struct sp_port *p = q->port;
	const struct sp_mem *mem = p->env->mem;

	q->target = sp_alloc_array(mem, p->max_endpoints, sizeof *q->target);
	q->txb = sp_alloc_array(mem, 1, sizeof *q->txb);
	if (!q->target || !q->txb ||
	    sp_slot_bank_init(&q->slots, mem, UDP_SLOT_BYTES, UDP_MAX_LEN, SP_SLOTS_JOINED))
		return -ENOMEM;
	sp_udp_tx_init(q->txb);
	return 0;
}

static int queue_rx(struct sp_queue *q)
{
	const struct sp_port *p = q->port;
	int rc = 0;

	q->rxb = sp_alloc_array(p->env->mem, 1, sizeof *q->rxb);
	if (!q->rxb)
		return -ENOMEM;
	q->rxb->buf = sp_alloc_array(p->env->mem, UDP_RX_UNITS, UDP_RX_STRIDE);
	if (!q->rxb->buf)
		return -ENOMEM;
	sp_udp_rx_init(q->rxb);
	sp_kstamp_init(&q->stamp, p->env->clock, p->env->log);
	if (q->n_socks == 1 && !p->tx)
		return 0; /* read directly */
	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (q->epoll < 0)
		return -errno;
	for (uint32_t i = 0; !rc && i < q->n_socks; i++)
		rc = sp_udp_watch(q, i);
	return rc;
}

int sp_udp_queue(struct sp_port *p, unsigned worker, struct sp_queue **out, struct sp_err *err)
{
	const struct sp_mem *mem = p->env->mem;
	struct sp_queue *q;
	int rc = -ENOMEM;

	if (worker >= p->workers || p->queues[worker])
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			       "udp: queue %u was not announced, or was taken already", worker);
	q = sp_alloc_array(mem, 1, sizeof *q);
	if (!q)
		return sp_fail(err, rc, SP_EXIT_FAILED, "out of memory for a udp queue");
	q->port = p;
	q->worker = worker;
	q->epoll = -1;
	q->cap_socks = p->n_listen + (p->tx ? UDP_CONNECTED + 2 : 0);
	q->socks = sp_alloc_array(mem, q->cap_socks + 1, sizeof *q->socks);
	if (!q->socks || sp_sources_init(&q->peers, mem, p->max_endpoints))
		goto fail;
	for (uint32_t i = 0; i < p->n_listen; i++)
		q->socks[q->n_socks++] = p->listen[worker * p->n_listen + i];
	if (p->tx && (rc = queue_tx(q)))
		goto fail;
	if (p->rx && (rc = queue_rx(q)))
		goto fail;
	*out = p->queues[worker] = q;
	return 0;
fail:
	sp_udp_queue_free(q);
	return sp_fail(err, rc, rc == -ENOMEM ? SP_EXIT_FAILED : SP_EXIT_PERM,
		       "cannot set up a udp queue: %s%s", strerror(-rc),
		       rc == -EMFILE ? "; raise the limit with `ulimit -n 4096`" : "");
}

void sp_udp_queue_free(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	for (uint32_t i = q->port->n_listen; i < q->n_socks; i++)
		sp_udp_sock_close(&q->socks[i]);
	if (q->epoll >= 0)
		close(q->epoll);
	if (q->rxb)
		sp_free(mem, q->rxb->buf);
	sp_free(mem, q->rxb);
	sp_free(mem, q->txb);
	sp_free(mem, q->target);
	sp_free(mem, q->socks);
	sp_slot_bank_fini(&q->slots, mem);
	sp_endpoints_fini(&q->peers, mem);
	sp_free(mem, q);
}
