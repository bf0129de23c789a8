#include "transport/packet/packet.h"

#include "plugin/tstats.h"

#include <errno.h>

void sp_packet_tx_init(struct packet_tx *t)
{
	for (unsigned u = 0; u < PACKET_TX_UNITS; u++) {
		t->mm[u].msg_hdr.msg_iov = &t->iov[u];
		t->mm[u].msg_hdr.msg_iovlen = 1;
	}
}

#define LOOK_NS (100 * SP_NS_PER_MS)

/* No room: because there is nothing behind the interface, where none will ever be? */
static bool is_cut_off(struct sp_queue *q)
{
	uint64_t now_ns = sp_clock_now(q->port->env->clock);

	if (now_ns >= q->carrier_ns) {
		q->carrier_ns = now_ns + LOOK_NS;
		q->cut_off = !sp_iface_has_carrier(&q->port->iface, q->tx_fd);
	}
	return q->cut_off;
}

int sp_packet_tx_error(struct sp_queue *q, int error)
{
	if (sp_iface_is_gone(error)) {
		q->down = true;
		return -ENETDOWN;
	}
	if (error != EAGAIN && error != EINTR && error != ENOBUFS && error != ENOMEM)
		return -error;
	if (error == ENOBUFS && is_cut_off(q))
		return -ENOLINK;
	sp_tstats_add(&q->stats.tx_blocked, 1);
	return error == ENOBUFS || error == ENOMEM ? -ENOBUFS : -EAGAIN;
}

/* Frames [from .. from + units) of the batch; the number that left, or -errno. */
static int push(struct sp_queue *q, const struct sp_batch *b, uint32_t from, uint32_t units)
{
	struct packet_tx *t = q->txb;
	uint64_t bytes = 0;
	int n;

	for (uint32_t u = 0; u < units; u++)
		t->iov[u] = (struct iovec){ b->m[from + u].data, b->m[from + u].len };
	do
		n = sendmmsg(q->tx_fd, t->mm, units, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return sp_packet_tx_error(q, n ? errno : EAGAIN);
	for (int u = 0; u < n; u++)
		bytes += t->iov[u].iov_len;
	sp_tstats_sent(&q->stats, (uint32_t)n, (uint32_t)n, bytes, 1);
	return n;
}

int sp_packet_tx_burst(struct sp_queue *q, struct sp_batch *b, uint32_t from, bool join)
{
	uint32_t i = from;
	int n = 0;

	(void)join;
	if (!q->txb && !q->txr)
		return -EINVAL;
	if (q->txr)
		return sp_packet_tx_ring_burst(q, b, from);
	sp_slot_bank_filled(&q->slots, b->n);
	while (i < b->n) {
		uint32_t units = b->n - i < PACKET_TX_UNITS ? b->n - i : PACKET_TX_UNITS;

		n = push(q, b, i, units);
		if (n < 0)
			break;
		i += (uint32_t)n;
	}
	return i > from ? (int)(i - from) : n;
}
