#include "transport/packet/packet.h"

#include "plugin/tstats.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define SLOTS	   512u /* a few lines of each stay in the cache */
#define RING_BYTES (8u << 20)
#define BLOCK	   (1u << 16)
#define PAGE	   4096u
#define LINE	   64u
#define HEAD	   (((uint32_t)sizeof(struct tpacket2_hdr) + 15u) & ~15u) /* TPACKET_ALIGN */
#define FRAME_AT   (HEAD + PACKET_VNET)
#define LOOK_NS	   (100 * SP_NS_PER_MS)

static struct tpacket2_hdr *head_of(const struct packet_slot *s)
{
	return (struct tpacket2_hdr *)(void *)s->at;
}

static uint32_t state_of(const struct packet_slot *s)
{
	return __atomic_load_n(&head_of(s)->tp_status, __ATOMIC_ACQUIRE);
}

static uint32_t next_of(const struct packet_tx_ring *r, uint32_t i)
{
	return i + 1 == r->n ? 0 : i + 1;
}

/* An odd number of cache lines: slots that are powers of two apart would share few sets. */
static struct tpacket_req geometry(uint32_t max_len)
{
	uint32_t lines = (FRAME_AT + max_len + LINE - 1) / LINE | 1;
	struct tpacket_req q = { .tp_frame_size = lines * LINE, .tp_block_size = BLOCK };
	uint32_t per_block;

	if (q.tp_frame_size > BLOCK)
		q.tp_block_size = (q.tp_frame_size + PAGE - 1) / PAGE * PAGE;
	per_block = q.tp_block_size / q.tp_frame_size;
	q.tp_block_nr = (SLOTS + per_block - 1) / per_block;
	if (q.tp_block_nr > RING_BYTES / q.tp_block_size)
		q.tp_block_nr = RING_BYTES / q.tp_block_size;
	q.tp_frame_nr = q.tp_block_nr * per_block;
	return q;
}

int sp_packet_tx_ring_init(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;
	struct tpacket_req req = geometry(q->port->iface.mtu + PACKET_ETH);
	uint32_t per_block = req.tp_block_size / req.tp_frame_size;
	int version = TPACKET_V2, one = 1;
	struct packet_tx_ring *r = sp_alloc_array(mem, 1, sizeof *r);

	q->txr = r;
	if (!r)
		return -ENOMEM;
	r->n = req.tp_frame_nr;
	r->mtu = q->port->iface.mtu;
	r->slot = sp_alloc_array(mem, r->n, sizeof *r->slot);
	if (!r->slot)
		return -ENOMEM;
	if (setsockopt(q->tx_fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
	    setsockopt(q->tx_fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) ||
	    setsockopt(q->tx_fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof req))
		return -errno;
	r->bytes = (size_t)req.tp_block_nr * req.tp_block_size;
	r->map = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		      q->tx_fd, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return -errno;
	}
	for (uint32_t i = 0; i < r->n; i++)
		r->slot[i].at = r->map + (size_t)(i / per_block) * req.tp_block_size +
				(size_t)(i % per_block) * req.tp_frame_size;
	return 0;
}

void sp_packet_tx_ring_fini(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;

	if (!q->txr)
		return;
	if (q->txr->map)
		munmap(q->txr->map, q->txr->bytes);
	sp_free(mem, q->txr->slot);
	sp_free(mem, q->txr);
	q->txr = NULL;
}

/* Where the device has given back none yet, plain memory is lent: the caller must not wait. */
uint32_t sp_packet_tx_ring_slots(struct sp_queue *q, struct sp_batch *b, uint32_t n,
				 uint32_t len, uint32_t tmpl)
{
	struct packet_tx_ring *r = q->txr;
	uint32_t most = b->cap < r->n ? b->cap : r->n, i = 0;

	if (len > q->port->iface.mtu + PACKET_ETH)
		return b->n = 0;
	if (n > most)
		n = most;
	r->tmpl = tmpl;
	for (uint32_t at = r->head; i < n; i++, at = next_of(r, at)) {
		struct packet_slot *s = &r->slot[at];
		bool held = tmpl && s->tmpl == tmpl && s->len == len;

		if (state_of(s) != TP_STATUS_AVAILABLE)
			break;
		if (!held)
			s->tmpl = 0;
		b->m[i].data = s->at + FRAME_AT;
		b->m[i].len = len;
		b->m[i].flags = held ? SP_M_HELD : 0;
	}
	r->spilled = !i && n;
	return r->spilled ? sp_slot_bank_lend(&q->slots, b, n, len, tmpl) : (b->n = i);
}

/* Message i of the batch goes out by slot s. It was lent that one, unless one before it was given
 * up, or there was none to lend. */
static void request(struct packet_tx_ring *r, struct packet_slot *s, struct sp_msg *m)
{
	struct tpacket2_hdr *h = head_of(s);
	uint8_t *frame = s->at + FRAME_AT;
	/* Headers as long as the frame: so the kernel copies all of it. */
	struct virtio_net_hdr vnet = {
		.hdr_len = (uint16_t)(m->len < UINT16_MAX ? m->len : UINT16_MAX)
	};

	if (m->data != frame) {
		memmove(frame, m->data, m->len);
		m->data = frame;
	}
	if (s->len != m->len || h->tp_len != m->len + PACKET_VNET) {
		memcpy(frame - PACKET_VNET, &vnet, sizeof vnet);
		h->tp_len = m->len + PACKET_VNET;
	}
	s->tmpl = r->tmpl;
	s->len = m->len;
	__atomic_store_n(&h->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
}

static bool fits(const struct packet_tx_ring *r, const struct sp_msg *m)
{
	return m->len <= r->mtu + PACKET_ETH;
}

static void look_at_mtu(struct sp_queue *q)
{
	uint64_t now_ns = sp_clock_now(q->port->env->clock);
	uint32_t mtu;

	if (now_ns < q->txr->look_ns)
		return;
	q->txr->look_ns = now_ns + LOOK_NS;
	mtu = sp_iface_mtu(&q->port->iface, q->tx_fd);
	if (mtu)
		q->txr->mtu = mtu;
}

/* How many of the slots from head on the kernel took; the others are ours again. */
static uint32_t taken(struct packet_tx_ring *r, uint32_t units)
{
	uint32_t n = 0, at = r->head;

	while (n < units && state_of(&r->slot[at]) != TP_STATUS_SEND_REQUEST &&
	       state_of(&r->slot[at]) != TP_STATUS_WRONG_FORMAT) {
		n++;
		at = next_of(r, at);
	}
	r->head = at;
	for (uint32_t i = n; i < units; i++, at = next_of(r, at))
		__atomic_store_n(&head_of(&r->slot[at])->tp_status, TP_STATUS_AVAILABLE,
				 __ATOMIC_RELEASE);
	return n;
}

int sp_packet_tx_ring_burst(struct sp_queue *q, struct sp_batch *b, uint32_t from)
{
	struct packet_tx_ring *r = q->txr;
	uint32_t units = 0, n, at = r->head;
	uint64_t bytes = 0;
	int error = 0;

	look_at_mtu(q);
	if (r->spilled)
		sp_slot_bank_filled(&q->slots, b->n);
	for (; from + units < b->n && units < r->n; units++, at = next_of(r, at)) {
		if (state_of(&r->slot[at]) != TP_STATUS_AVAILABLE ||
		    !fits(r, &b->m[from + units]))
			break;
		request(r, &r->slot[at], &b->m[from + units]);
	}
	if (!units && from < b->n && !fits(r, &b->m[from]))
		return -EMSGSIZE;
	if (send(q->tx_fd, NULL, 0, MSG_DONTWAIT) < 0)
		error = errno;
	n = taken(r, units);
	if (!n)
		return sp_packet_tx_error(q, error ? error : EAGAIN);
	for (uint32_t i = 0; i < n; i++)
		bytes += b->m[from + i].len;
	sp_tstats_sent(&q->stats, n, n, bytes, 1);
	return (int)n;
}
