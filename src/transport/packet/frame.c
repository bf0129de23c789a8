#include "transport/packet/packet.h"

#include "base/endian.h"
#include "plugin/tstats.h"

#include <net/ethernet.h>
#include <string.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* The tag that the kernel took out comes back. */
static void put_vlan(struct packet_frame *f)
{
	uint16_t tpid = f->status & TP_STATUS_VLAN_TPID_VALID ? f->vlan_tpid : ETH_P_8021Q;

	f->data -= PACKET_VLAN;
	memmove(f->data, f->data + PACKET_VLAN, 12);
	sp_put_be16(f->data + 12, tpid);
	sp_put_be16(f->data + 14, f->vlan_tci);
	f->len += PACKET_VLAN;
}

/* Out again: the frame will be put once more, from where the kernel has it. */
static void undo_vlan(const struct packet_frame *f)
{
	memmove(f->data + PACKET_VLAN, f->data, 12);
}

static uint16_t flags_of(const struct packet_frame *f)
{
	uint16_t flags = SP_M_UNIT;

	if (f->status & TP_STATUS_CSUMNOTREADY)
		flags |= SP_M_CSUM_PARTIAL;
	else if (f->status & TP_STATUS_CSUM_VALID)
		flags |= SP_M_CSUM_OK;
	return f->cut ? flags | SP_M_TRUNC : flags;
}

/* How many frames of a network a super-frame stands for, to be told in the report. */
static uint32_t segments(const struct packet_frame *f, uint32_t mtu)
{
	uint32_t each = f->vnet.gso_type && f->vnet.gso_size ? f->vnet.gso_size : mtu;
	uint32_t head = f->vnet.hdr_len && f->vnet.hdr_len < f->len ? f->vnet.hdr_len
								    : PACKET_ETH;

	return f->len > head ? (f->len - head + each - 1) / each : 1;
}

static bool is_super(const struct packet_frame *f, uint32_t mtu)
{
	return f->vnet.gso_type || f->len > mtu + PACKET_ETH + 2 * PACKET_VLAN;
}

/* False: there is no room for all frames of it. */
static bool put_super(struct sp_queue *q, const struct packet_frame *f, struct sp_batch *b)
{
	struct sp_msg *m = &b->m[b->n];
	bool udp = (f->vnet.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_UDP_L4;
	uint32_t n = udp && !f->cut ? sp_packet_split(m, b->cap - b->n, f->vnet.gso_size,
						      q->split + q->split_used,
						      PACKET_SPLIT_ROOM - q->split_used)
				    : 0;

	if (udp && !f->cut && !n && b->n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		q->split_used += m[i].len;
	sp_tstats_seg(&q->stats, n ? n : segments(f, q->port->iface.mtu));
	m->flags |= SP_M_SUPER;
	b->n += n ? n : 1;
	return true;
}

bool sp_packet_put(struct sp_queue *q, struct packet_frame *f, uint64_t now_ns,
		   struct sp_batch *b)
{
	struct sp_msg *m = &b->m[b->n];
	bool ip, tagged = f->status & TP_STATUS_VLAN_VALID && f->len >= 12;
	struct sp_endpoint from, to;

	if (f->outgoing)
		return true;
	if (b->n == b->cap)
		return false;
	if (tagged)
		put_vlan(f);
	ip = sp_frame_ends(f->data, f->len, &from, &to);
	if (!q->port->all && !sp_frame_is_for(&q->port->bind, q->port->port_last, &to, ip)) {
		sp_tstats_add(&q->stats.rx_other, 1);
		return true;
	}
	*m = (struct sp_msg){
		.data = f->data,
		.t_ns = f->at.tv_sec ? sp_kstamp_mono(&q->stamp, &f->at, now_ns) : now_ns,
		.len = f->len,
		.flow = SP_NO_FLOW,
		.ep = ip ? sp_endpoints_get(&q->peers, &from, 0) : SP_NO_FLOW,
		.stamp_off = SP_NO_STAMP,
		.flags = flags_of(f),
	};
	if (__builtin_expect(is_super(f, q->port->iface.mtu), 0)) {
		if (!put_super(q, f, b)) {
			if (tagged)
				undo_vlan(f);
			return false;
		}
	} else {
		b->n++;
	}
	if (f->cut)
		sp_tstats_add(&q->stats.rx_truncated, 1);
	return true;
}

void sp_packet_count(struct sp_queue *q, const struct sp_batch *b)
{
	uint64_t units = 0, bytes = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		units += b->m[i].flags & SP_M_UNIT ? 1 : 0;
		bytes += b->m[i].len;
	}
	sp_tstats_add(&q->stats.rx_calls, 1);
	sp_tstats_add(&q->stats.rx_units, units);
	sp_tstats_add(&q->stats.rx_msgs, b->n);
	sp_tstats_add(&q->stats.rx_bytes, bytes);
}
