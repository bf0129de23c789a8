#include "transport/packet/packet.h"

#include "plugin/tstats.h"
#include "transport/sock.h"

#include <errno.h>
#include <string.h>

#define LOOK_NS (100 * SP_NS_PER_MS)

/* In front of each frame is room for the VLAN tag that the kernel took out. */
void sp_packet_rx_init(struct packet_rx *r)
{
	for (uint32_t u = 0; u < PACKET_RX_UNITS; u++) {
		uint8_t *at = r->buf + (size_t)u * PACKET_RX_STRIDE + PACKET_VLAN;

		r->iov[u] = (struct iovec){ at, PACKET_RX_ROOM };
		SP_MMSG_RESET(r, u);
	}
}

/* Unit u as the kernel told it. False: not even its own header is there. */
static bool unit(const struct sp_queue *q, uint32_t u, struct packet_frame *f)
{
	struct packet_rx *r = q->rxb;
	struct msghdr *h = &r->mm[u].msg_hdr;
	uint32_t head = q->port->vnet ? PACKET_VNET : 0;
	struct tpacket_auxdata aux;

	if (r->mm[u].msg_len < head)
		return false;
	*f = (struct packet_frame){
		.data = (uint8_t *)r->iov[u].iov_base + head,
		.len = r->mm[u].msg_len - head,
		.cut = h->msg_flags & MSG_TRUNC,
		.outgoing = r->name[u].sll_pkttype == PACKET_OUTGOING,
	};
	memcpy(&f->vnet, r->iov[u].iov_base, head);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&f->at, CMSG_DATA(c), sizeof f->at);
		} else if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			memcpy(&aux, CMSG_DATA(c), sizeof aux);
			f->status = aux.tp_status;
			f->vlan_tci = aux.tp_vlan_tci;
			f->vlan_tpid = aux.tp_vlan_tpid;
		}
	}
	return true;
}

/* The kernel says once that the interface went; it may come back. */
int sp_packet_rx_nothing(struct sp_queue *q, int error)
{
	uint64_t now_ns;

	if (sp_iface_is_gone(error)) {
		q->down = true;
		return -ENETDOWN;
	}
	if (error && error != EAGAIN && error != EINTR)
		return -error;
	if (!q->down)
		return 0;
	now_ns = sp_clock_now(q->port->env->clock);
	if (now_ns >= q->look_ns) {
		q->look_ns = now_ns + LOOK_NS;
		q->down = !sp_iface_is_up(&q->port->iface);
	}
	return q->down ? -ENETDOWN : 0;
}

/* More units into the buffers, when all that were there have been handed on. */
static int receive(struct sp_queue *q)
{
	struct packet_rx *r = q->rxb;
	int n;

	for (uint32_t u = 0; u < r->n; u++)
		SP_MMSG_RESET(r, u);
	r->n = r->at = 0;
	n = recvmmsg(q->fd, r->mm, PACKET_RX_UNITS, MSG_DONTWAIT, NULL);
	if (n < 0 && errno == EINVAL && q->port->vnet) {
		/* A kind of super-frame that the kernel has no words for; it is gone. */
		__atomic_fetch_add(q->dropped, 1, __ATOMIC_RELAXED);
		return 0;
	}
	if (n <= 0)
		return sp_packet_rx_nothing(q, n ? errno : 0);
	q->look_ns = 0; /* back, or what was left over: nothing() looks */
	r->n = (uint32_t)n;
	return 0;
}

int sp_packet_rx_burst(struct sp_queue *q, struct sp_batch *b)
{
	struct packet_rx *r = q->rxb;
	struct packet_frame f;
	uint64_t now_ns;
	int rc = 0;

	if (r->at == r->n)
		rc = receive(q);
	if (rc || !r->n)
		return rc;
	now_ns = sp_clock_now(q->port->env->clock);
	sp_kstamp_tick(&q->stamp, now_ns);
	while (r->at < r->n && (!unit(q, r->at, &f) || sp_packet_put(q, &f, now_ns, b)))
		r->at++;
	return 0;
}
