#include "transport/packet/packet.h"

#include "base/endian.h"
#include "plugin/tstats.h"
#include "transport/sock.h"

#include <errno.h>
#include <net/ethernet.h>
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

static void put_vlan(struct sp_msg *m, const struct tpacket_auxdata *aux)
{
	uint16_t tpid = aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid
								   : ETH_P_8021Q;

	m->data -= PACKET_VLAN;
	memmove(m->data, m->data + PACKET_VLAN, 12);
	sp_put_be16(m->data + 12, tpid);
	sp_put_be16(m->data + 14, aux->tp_vlan_tci);
	m->len += PACKET_VLAN;
}

static void put_aux(struct sp_msg *m, const struct tpacket_auxdata *aux)
{
	if (aux->tp_status & TP_STATUS_CSUMNOTREADY)
		m->flags |= SP_M_CSUM_PARTIAL;
	else if (aux->tp_status & TP_STATUS_CSUM_VALID)
		m->flags |= SP_M_CSUM_OK;
	if (aux->tp_status & TP_STATUS_VLAN_VALID && m->len >= 12)
		put_vlan(m, aux);
}

/* Unit u as a message; false: not for us. */
static bool take(struct sp_queue *q, uint32_t u, uint64_t now_ns, struct sp_msg *m)
{
	struct packet_rx *r = q->rxb;
	struct msghdr *h = &r->mm[u].msg_hdr;
	struct sp_endpoint from, to;
	struct tpacket_auxdata aux;
	struct timespec ts;
	bool ip;

	*m = (struct sp_msg){
		.data = r->iov[u].iov_base,
		.t_ns = now_ns,
		.len = r->mm[u].msg_len,
		.flow = SP_NO_FLOW,
		.ep = SP_NO_FLOW,
		.stamp_off = SP_NO_STAMP,
		.flags = SP_M_UNIT,
	};
	if (r->name[u].sll_pkttype == PACKET_OUTGOING)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof ts);
			m->t_ns = sp_kstamp_mono(&q->stamp, &ts, now_ns);
		} else if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			memcpy(&aux, CMSG_DATA(c), sizeof aux);
			put_aux(m, &aux);
		}
	}
	if (h->msg_flags & MSG_TRUNC) {
		m->flags |= SP_M_TRUNC;
		sp_tstats_add(&q->stats.rx_truncated, 1);
	}
	ip = sp_frame_ends(m->data, m->len, &from, &to);
	if (!q->port->all && !sp_frame_is_for(&q->port->bind, q->port->port_last, &to, ip)) {
		sp_tstats_add(&q->stats.rx_other, 1);
		return false;
	}
	if (ip)
		m->ep = sp_endpoints_get(&q->peers, &from, 0);
	return true;
}

/* The kernel says once that the interface went; it may come back. */
static int nothing(struct sp_queue *q, int err)
{
	uint64_t now_ns;

	if (sp_iface_is_gone(err)) {
		q->down = true;
		return -ENETDOWN;
	}
	if (err != EAGAIN && err != EINTR)
		return -err;
	if (!q->down)
		return 0;
	now_ns = sp_clock_now(q->port->env->clock);
	if (now_ns >= q->look_ns) {
		q->look_ns = now_ns + LOOK_NS;
		q->down = !sp_iface_is_up(&q->port->iface);
	}
	return q->down ? -ENETDOWN : 0;
}

int sp_packet_rx_burst(struct sp_queue *q, struct sp_batch *b)
{
	struct packet_rx *r = q->rxb;
	uint32_t max = b->cap < PACKET_RX_UNITS ? b->cap : PACKET_RX_UNITS;
	uint64_t now_ns, bytes = 0;
	int n;

	b->n = 0;
	if (!r || r->lent)
		return 0;
	n = recvmmsg(q->fd, r->mm, max, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return nothing(q, n ? errno : EAGAIN);
	q->look_ns = 0; /* back, or what was left over: nothing() looks */
	sp_endpoints_begin(&q->peers);
	now_ns = sp_clock_now(q->port->env->clock);
	sp_kstamp_tick(&q->stamp, now_ns);
	for (uint32_t u = 0; u < (uint32_t)n; u++) {
		if (take(q, u, now_ns, &b->m[b->n]))
			bytes += b->m[b->n++].len;
		SP_MMSG_RESET(r, u);
	}
	sp_tstats_add(&q->stats.rx_calls, 1);
	sp_tstats_add(&q->stats.rx_units, b->n);
	sp_tstats_add(&q->stats.rx_msgs, b->n);
	sp_tstats_add(&q->stats.rx_bytes, bytes);
	if (b->n)
		r->lent++;
	return (int)b->n;
}

void sp_packet_rx_release(struct sp_queue *q, struct sp_batch *b)
{
	if (q->rxb && b->n)
		q->rxb->lent = 0;
	b->n = 0;
}
