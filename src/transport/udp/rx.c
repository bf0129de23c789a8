#include "transport/udp/udp.h"

#include "plugin/tstats.h"
#include "transport/sock.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/epoll.h>

/* The stride is not a power of two: 32 buffers at 64 KiB would share one set of the cache. */
void sp_udp_rx_init(struct udp_rx *r)
{
	for (uint32_t u = 0; u < UDP_RX_UNITS; u++) {
		r->iov[u] = (struct iovec){ r->buf + (size_t)u * UDP_RX_STRIDE, 65536 };
		SP_MMSG_RESET(r, u);
	}
}

/* Receives behind the units that are there; the number, 0, or -errno. */
static int receive(struct sp_queue *q, uint32_t sock)
{
	struct udp_rx *r = q->rxb;
	int n = recvmmsg(q->socks[sock].fd, r->mm + r->n, UDP_RX_UNITS - r->n, MSG_DONTWAIT,
			 NULL);

	if (n > 0) {
		for (int i = 0; i < n; i++)
			r->sock[r->n + (uint32_t)i] = sock;
		r->n += (uint32_t)n;
		sp_tstats_add(&q->stats.rx_calls, 1);
		return n;
	}
	if (n == 0 || errno == EAGAIN || errno == EINTR)
		return 0;
	if (sp_udp_is_unreachable(errno)) {
		sp_udp_count_unreachable(q, &q->socks[sock], 1);
		return 0;
	}
	return -errno;
}

/* Which sockets have something, in the kernel's order: it rotates those that stay ready. */
static void poll_ready(struct sp_queue *q)
{
	struct udp_rx *r = q->rxb;
	struct epoll_event ev[64];

	r->ready = 0;
	r->n_ready = epoll_wait(q->epoll, ev, 64, 0);
	for (int i = 0; i < r->n_ready; i++)
		r->ready_sock[i] = ev[i].data.u32;
}

static int fill(struct sp_queue *q)
{
	struct udp_rx *r = q->rxb;
	int rc = 0;

	r->n = r->cur = r->off = 0;
	if (q->epoll < 0) {
		rc = receive(q, 0);
	} else {
		if (r->ready >= r->n_ready)
			poll_ready(q);
		while (r->ready < r->n_ready && r->n < UDP_RX_UNITS) {
			int e = receive(q, r->ready_sock[r->ready++]);

			rc = e < 0 ? e : rc;
		}
	}
	if (!r->n)
		return rc < 0 ? rc : 0;
	r->now_ns = sp_clock_now(q->port->env->clock);
	sp_kstamp_tick(&q->stamp, r->now_ns);
	sp_tstats_add(&q->stats.rx_units, r->n);
	return (int)r->n;
}

/* Datagram after datagram is from the same source: then its bytes tell, and nothing is looked up. */
static uint32_t source_of(struct sp_queue *q, uint32_t u)
{
	struct udp_rx *r = q->rxb;
	const struct udp_sock *s = &q->socks[r->sock[u]];
	uint32_t len = r->mm[u].msg_hdr.msg_namelen;
	struct sp_endpoint from;

	if (s->connected)
		return s->ep;
	if (len == r->last_len && r->sock[u] == r->last_sock &&
	    !memcmp(&r->name[u], &r->last_name, len))
		return r->last_ep;
	if (len > sizeof r->last_name ||
	    sp_endpoint_from_sockaddr(&from, (struct sockaddr *)&r->name[u]))
		return SP_NO_FLOW;
	memcpy(&r->last_name, &r->name[u], len);
	r->last_len = len;
	r->last_sock = r->sock[u];
	r->last_ep = sp_endpoints_get(&q->peers, &from, s->lane);
	return r->last_ep;
}

/* What all messages of the unit have in common. */
static void begin_unit(struct sp_queue *q)
{
	struct udp_rx *r = q->rxb;
	struct msghdr *h = &r->mm[r->cur].msg_hdr;
	uint32_t len = r->mm[r->cur].msg_len;
	struct timespec ts;
	int seg = 0;

	r->t_ns = r->now_ns;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof ts);
			r->t_ns = sp_kstamp_mono(&q->stamp, &ts, r->now_ns);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&seg, CMSG_DATA(c), sizeof seg);
		}
	}
	r->seg = seg > 0 ? (uint32_t)seg : len;
	r->ep = source_of(q, r->cur);
	r->flags = r->seg < len ? SP_M_SUPER : 0;
	if (h->msg_flags & MSG_TRUNC) {
		r->flags |= SP_M_TRUNC;
		sp_tstats_add(&q->stats.rx_truncated, 1);
	}
	if (r->seg < len)
		sp_tstats_seg(&q->stats, (len + r->seg - 1) / r->seg);
	else
		sp_tstats_seg(&q->stats, 1);
}

/* Messages of the current unit, as many as there is room for. */
static void deliver(struct sp_queue *q, struct sp_batch *b)
{
	struct udp_rx *r = q->rxb;
	uint32_t len = r->mm[r->cur].msg_len, n = b->n, off = r->off;
	uint8_t *data = r->iov[r->cur].iov_base;
	uint16_t first = SP_M_UNIT;

	if (off == 0)
		begin_unit(q);
	else
		first = 0;
	do {
		uint32_t l = len - off < r->seg ? len - off : r->seg;

		b->m[n++] = (struct sp_msg){
			.data = data + off,
			.t_ns = r->t_ns,
			.len = l,
			.flow = SP_NO_FLOW,
			.ep = r->ep,
			.stamp_off = SP_NO_STAMP,
			.flags = r->flags | first,
		};
		first = 0;
		off += l;
	} while (off < len && n < b->cap);
	sp_tstats_add(&q->stats.rx_msgs, n - b->n);
	sp_tstats_add(&q->stats.rx_bytes, off - r->off);
	b->n = n;
	r->off = off;
	if (off == len) {
		SP_MMSG_RESET(r, r->cur);
		r->cur++;
		r->off = 0;
	}
}

int sp_udp_rx_burst(struct sp_queue *q, struct sp_batch *b)
{
	struct udp_rx *r = q->rxb;
	int rc;

	b->n = 0;
	if (!r)
		return 0;
	if (r->cur == r->n) {
		if (r->lent) /* its buffers are still being read */
			return 0;
		sp_endpoints_begin(&q->peers);
		rc = fill(q);
		if (rc <= 0)
			return rc;
	}
	while (r->cur < r->n && b->n < b->cap)
		deliver(q, b);
	if (b->n)
		r->lent++;
	return (int)b->n;
}

void sp_udp_rx_release(struct sp_queue *q, struct sp_batch *b)
{
	if (q->rxb && q->rxb->lent && b->n)
		q->rxb->lent--;
	b->n = 0;
}
