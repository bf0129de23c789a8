#include "transport/packet/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK	    (1u << 18) /* the longest frame is 64 KiB and its headers */
#define LEAST_BYTES (1u << 20)
#define OLDEST_MS   1u /* after which a block is handed over that is not full */
#define BLOCKS	    4u /* looked through in one burst, while nothing in them is for us */
#define LOOK_NS	    (20 * SP_NS_PER_MS)
#define FROM_AT	    (((uint32_t)sizeof(struct tpacket3_hdr) + 15u) & ~15u) /* TPACKET_ALIGN */

static struct tpacket_hdr_v1 *block_of(const struct packet_rx_ring *r)
{
	uint8_t *at = r->map + (size_t)r->block * BLOCK;

	return &((struct tpacket_block_desc *)(void *)at)->hdr.bh1;
}

/* As much as was asked for, or less where there is not so much memory in one piece. */
static int ask_for(int fd, uint64_t bytes, uint32_t *blocks)
{
	struct tpacket_req3 q = { .tp_block_size = BLOCK,
				  .tp_frame_size = TPACKET_ALIGNMENT << 4,
				  .tp_retire_blk_tov = OLDEST_MS };

	for (; bytes >= LEAST_BYTES; bytes /= 2) {
		q.tp_block_nr = (unsigned)(bytes / BLOCK);
		q.tp_frame_nr = q.tp_block_nr * (BLOCK / q.tp_frame_size);
		*blocks = q.tp_block_nr;
		if (!setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof q))
			return 0;
		if (errno != ENOMEM)
			break;
	}
	return -errno;
}

int sp_packet_rx_ring_init(const struct sp_port *p, struct packet_rx_ring *r, int fd)
{
	uint64_t bytes = p->conf.rcvbuf < LEAST_BYTES ? LEAST_BYTES : p->conf.rcvbuf;
	unsigned reserve = PACKET_VLAN;
	int version = TPACKET_V3, rc;

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
	    setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof reserve))
		return -errno;
	rc = ask_for(fd, bytes, &r->blocks);
	if (rc)
		return rc;
	r->bytes = (size_t)r->blocks * BLOCK;
	r->map = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return -errno;
	}
	return 0;
}

void sp_packet_rx_ring_fini(struct packet_rx_ring *r)
{
	if (r->map)
		munmap(r->map, r->bytes);
	r->map = NULL;
}

static void frame_of(const struct sp_queue *q, struct tpacket3_hdr *h, struct packet_frame *f)
{
	uint8_t *at = (uint8_t *)h;
	const struct sockaddr_ll *from = (const void *)(at + FROM_AT);

	*f = (struct packet_frame){
		.data = at + h->tp_mac,
		.len = h->tp_snaplen,
		.cut = h->tp_snaplen < h->tp_len,
		.outgoing = from->sll_pkttype == PACKET_OUTGOING,
		.status = h->tp_status,
		.vlan_tci = (uint16_t)h->hv1.tp_vlan_tci,
		.vlan_tpid = h->hv1.tp_vlan_tpid,
		.at = { .tv_sec = h->tp_sec, .tv_nsec = h->tp_nsec },
	};
	if (q->port->vnet)
		memcpy(&f->vnet, f->data - PACKET_VNET, PACKET_VNET);
}

/* The kernel may fill the block again. */
static void give_back(struct packet_rx_ring *r)
{
	__atomic_store_n(&block_of(r)->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	r->block = r->block + 1 == r->blocks ? 0 : r->block + 1;
	r->next = NULL;
}

/* A block is there, with frames that were not handed on yet. */
static bool begin(struct packet_rx_ring *r)
{
	struct tpacket_hdr_v1 *b = block_of(r);

	if (r->next)
		return true;
	if (!(__atomic_load_n(&b->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	r->left = b->num_pkts;
	r->next = (void *)((uint8_t *)b - offsetof(struct tpacket_block_desc, hdr) +
			   b->offset_to_first_pkt);
	return true;
}

/* Frames of the block while the batch has room. */
static void take(struct sp_queue *q, struct sp_batch *b, uint64_t now_ns)
{
	struct packet_rx_ring *r = q->rxr;
	struct packet_frame f;

	while (r->left) {
		frame_of(q, r->next, &f);
		if (!sp_packet_put(q, &f, now_ns, b))
			return;
		r->left--;
		r->next = (void *)((uint8_t *)r->next + r->next->tp_next_offset);
	}
}

/* No system call tells that the interface went: the socket is asked now and then. */
static int nothing(struct sp_queue *q)
{
	uint64_t now_ns = sp_clock_now(q->port->env->clock);
	socklen_t len = sizeof(int);
	int error = 0;

	if (!q->down) {
		if (now_ns < q->look_ns)
			return 0;
		q->look_ns = now_ns + LOOK_NS;
		if (getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &error, &len))
			error = errno;
	}
	return sp_packet_rx_nothing(q, error);
}

int sp_packet_rx_ring_burst(struct sp_queue *q, struct sp_batch *b)
{
	struct packet_rx_ring *r = q->rxr;
	uint64_t now_ns = 0;

	for (unsigned i = 0; i < BLOCKS && begin(r); i++) {
		if (!now_ns) {
			now_ns = sp_clock_now(q->port->env->clock);
			sp_kstamp_tick(&q->stamp, now_ns);
			q->look_ns = q->down ? 0 : q->look_ns; /* back, or what was left */
		}
		take(q, b, now_ns);
		if (b->n)
			return 0;
		give_back(r);
	}
	return now_ns ? 0 : nothing(q);
}

void sp_packet_rx_ring_release(struct sp_queue *q)
{
	if (q->rxr->next && !q->rxr->left)
		give_back(q->rxr);
}
