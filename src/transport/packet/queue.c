#include "transport/packet/packet.h"

#include "plugin/target.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void sp_packet_queue_free(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	sp_packet_tx_ring_fini(q);
	if (q->rxr)
		sp_packet_rx_ring_fini(q->rxr);
	if (q->fd >= 0)
		close(q->fd);
	if (q->tx_fd >= 0)
		close(q->tx_fd);
	if (q->rxb)
		sp_free(mem, q->rxb->buf);
	sp_free(mem, q->rxb);
	sp_free(mem, q->rxr);
	sp_free(mem, q->split);
	sp_free(mem, q->txb);
	sp_slot_bank_fini(&q->slots, mem);
	sp_endpoints_fini(&q->peers, mem);
	sp_free(mem, q);
}

static int tx_memory(struct sp_queue *q)
{
	const struct sp_port *p = q->port;

	return sp_slot_bank_init(&q->slots, p->env->mem, PACKET_SLOT_BYTES,
				 p->iface.mtu + PACKET_ETH, SP_SLOTS_JOINED);
}

static int rx_memory(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	q->split = sp_alloc_array(mem, PACKET_SPLIT_ROOM, 1);
	if (!q->split)
		return -ENOMEM;
	if (q->port->rx_ring) {
		q->rxr = sp_alloc_array(mem, 1, sizeof *q->rxr);
		return q->rxr ? 0 : -ENOMEM;
	}
	q->rxb = sp_alloc_array(mem, 1, sizeof *q->rxb);
	if (!q->rxb)
		return -ENOMEM;
	q->rxb->buf = sp_alloc_array(mem, PACKET_RX_UNITS, PACKET_RX_STRIDE);
	if (!q->rxb->buf)
		return -ENOMEM;
	sp_packet_rx_init(q->rxb);
	return 0;
}

/* By the ring if that was chosen and can be had; by sendmmsg if it need not be a ring. */
static int open_tx(struct sp_queue *q, struct sp_err *err)
{
	struct sp_port *p = q->port;
	int rc = 0;

	q->tx_fd = sp_packet_tx_socket(p, err);
	if (q->tx_fd < 0)
		return q->tx_fd;
	if (p->tx_ring) {
		rc = sp_packet_tx_ring_init(q);
		if (!rc)
			return 0;
		if (p->conf.ring == PACKET_RING_YES)
			return sp_fail(err, rc, SP_EXIT_PERM,
				       "interface %s: cannot make a transmit ring: %s; ring=no "
				       "sends without",
				       p->iface.name, strerror(-rc));
		sp_packet_tx_ring_fini(q);
		close(q->tx_fd);
		p->tx_ring = false;
		q->tx_fd = sp_packet_tx_socket(p, err);
		if (q->tx_fd < 0)
			return q->tx_fd;
	}
	q->txb = sp_alloc_array(p->env->mem, 1, sizeof *q->txb);
	if (!q->txb)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
			       "out of memory for a packet queue");
	sp_packet_tx_init(q->txb);
	return 0;
}

static int open_sockets(struct sp_queue *q, struct sp_err *err)
{
	struct sp_port *p = q->port;
	int rc = p->tx ? open_tx(q, err) : 0;

	if (rc || !p->rx)
		return rc;
	q->fd = sp_packet_rx_socket(p, q->rxr, err);
	return q->fd < 0 ? q->fd : 0;
}

int sp_packet_queue(struct sp_port *p, unsigned worker, struct sp_queue **out,
		    struct sp_err *err)
{
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
	q->fd = q->tx_fd = -1;
	q->dropped = &q->dropped_sum;
	q->frozen = &q->frozen_sum;
	rc = sp_sources_init(&q->peers, p->env->mem, p->max_endpoints);
	if (!rc && p->tx)
		rc = tx_memory(q);
	if (!rc && p->rx)
		rc = rx_memory(q);
	if (rc)
		sp_fail(err, rc, SP_EXIT_FAILED, "out of memory for a packet queue");
	else
		rc = open_sockets(q, err);
	if (rc) {
		sp_packet_queue_free(q);
		return rc;
	}
	sp_kstamp_init(&q->stamp, p->env->clock, p->env->log);
	*out = p->queues[worker] = q;
	return 0;
}
