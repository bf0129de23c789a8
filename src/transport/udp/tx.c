#include "transport/udp/udp.h"

#include "plugin/tstats.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>

/* So many answers of the network in a row are believed before a message is given up. */
#define MAX_UNREACHABLE 8u

void sp_udp_tx_init(struct udp_tx *t)
{
	for (unsigned u = 0; u < UDP_TX_UNITS; u++) {
		t->ctl[u].h.cmsg_level = SOL_UDP;
		t->ctl[u].h.cmsg_type = UDP_SEGMENT;
		t->ctl[u].h.cmsg_len = CMSG_LEN(sizeof(uint16_t));
		t->mm[u].msg_hdr.msg_iov = &t->iov[u];
		t->mm[u].msg_hdr.msg_iovlen = 1;
	}
}

bool sp_udp_is_unreachable(int err)
{
	switch (err) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case ENOPROTOOPT:
	case EPROTO:
		return true;
	default:
		return false;
	}
}

void sp_udp_count_unreachable(struct sp_queue *q, struct udp_sock *s, uint64_t answers)
{
	sp_tstats_add(&q->stats.tx_unreachable, answers);
	sp_tstats_add(&s->unreachable, answers);
}

/* How many messages from i on are one run of bytes of equal parts to one endpoint. */
static uint32_t run_length(const struct sp_batch *b, uint32_t i, uint32_t max)
{
	const struct sp_msg *m = &b->m[i];
	const uint8_t *next = m->data + m->len;
	uint32_t n = 1;

	if (max > b->n - i)
		max = b->n - i;
	while (n < max && m[n].data == next && m[n].len == m->len && m[n].ep == m->ep) {
		next += m->len;
		n++;
	}
	return n;
}

/* Unit u: n messages from m on. The segment size goes with each unit, which costs no more than
 * one set on the socket, and a socket's would cut longer single datagrams as well. */
static void put_unit(struct sp_queue *q, const struct udp_sock *s, uint32_t u,
		     const struct sp_msg *m, uint32_t n)
{
	struct udp_tx *t = q->txb;
	struct msghdr *h = &t->mm[u].msg_hdr;
	uint16_t gso = (uint16_t)m->len;

	t->iov[u] = (struct iovec){ m->data, (size_t)n * m->len };
	t->count[u] = n;
	if (n > 1) {
		memcpy(CMSG_DATA(&t->ctl[u].h), &gso, sizeof gso);
		h->msg_control = &t->ctl[u];
		h->msg_controllen = sizeof t->ctl[u];
	} else {
		h->msg_control = NULL;
		h->msg_controllen = 0;
	}
	if (s->connected) {
		h->msg_name = NULL;
		h->msg_namelen = 0;
	} else {
		h->msg_name = &q->target[m->ep].to;
		h->msg_namelen = q->target[m->ep].to_len;
	}
}

static uint32_t join_max(const struct sp_queue *q, const struct udp_sock *s, uint32_t len)
{
	uint32_t max;

	if (!len || len > s->gso_limit)
		return 1;
	max = UDP_MAX_LEN / len;
	return max < q->port->max_seg ? max : q->port->max_seg;
}

/* The units of the messages from i on that leave through socket sock. */
static uint32_t build(struct sp_queue *q, const struct sp_batch *b, uint32_t i, int32_t sock,
		      bool join)
{
	const struct udp_sock *s = &q->socks[sock - 1];
	uint32_t u = 0, len = 0, max = 1;

	while (i < b->n && u < UDP_TX_UNITS) {
		const struct sp_msg *m = &b->m[i];
		uint32_t n = 1;

		if (m->ep >= q->peers.n || q->target[m->ep].sock != sock)
			break;
		if (join && m->len != len) {
			len = m->len;
			max = join_max(q, s, len);
		}
		if (max > 1)
			n = run_length(b, i, max);
		put_unit(q, s, u++, m, n);
		i += n;
	}
	return u;
}

/* Units [k .. k + n) are with the kernel; how many messages that is. */
static uint32_t account(struct sp_queue *q, uint32_t k, uint32_t n)
{
	const struct udp_tx *t = q->txb;
	uint32_t msgs = 0, seg = 1;
	uint64_t bytes = 0;

	for (uint32_t u = k; u < k + n; u++) {
		msgs += t->count[u];
		bytes += t->iov[u].iov_len;
		if (t->count[u] > seg)
			seg = t->count[u];
	}
	sp_tstats_sent(&q->stats, n, msgs, bytes, seg);
	return msgs;
}

/* The path takes no such segments: longer ones go one by one from now on. */
static void refuse_join(struct sp_queue *q, struct udp_sock *s, uint32_t len, int err)
{
	s->gso_limit = err == EIO ? 0 : (uint16_t)(len - 1);
	if (q->noted_join)
		return;
	q->noted_join = true;
	sp_log(q->port->env->log, SP_LOG_INFO,
	       "udp: datagrams of %u bytes cannot be joined on this path (%s): sent one by one",
	       len, err == EIO ? "no checksum offload" : "above its MTU");
}

/* sendmmsg swallows the error behind a short count. A full buffer is still full; else it was
 * an answer of the network. */
static bool is_blocked(const struct udp_sock *s)
{
	int queued = 0;

	return ioctl(s->fd, SIOCOUTQ, &queued) || (uint32_t)queued > s->sndbuf / 2;
}

/* What the kernel says of segments that it cannot make. */
static bool is_size_error(int err)
{
	return err == EINVAL || err == EMSGSIZE || err == EIO;
}

enum { REBUILD = 1 };

/* Sends units [0 .. n); *msgs gets the messages that left. 0, REBUILD (without joining), or
 * -errno for the first that did not leave. */
static int push(struct sp_queue *q, struct udp_sock *s, uint32_t n, uint32_t *msgs)
{
	struct udp_tx *t = q->txb;
	uint32_t k = 0, answers = 0, swallowed = 0;

	*msgs = 0;
	while (k < n) {
		int r = sendmmsg(s->fd, t->mm + k, n - k, MSG_DONTWAIT);
		int err = errno;

		if (r > 0) {
			*msgs += account(q, k, (uint32_t)r);
			k += (uint32_t)r;
			if (answers + swallowed)
				sp_udp_count_unreachable(q, s, answers + swallowed);
			answers = 0;
			swallowed = k < n && s->connected && !is_blocked(s);
			continue;
		}
		if (err == EINTR)
			continue;
		if (sp_udp_is_unreachable(err) && answers < MAX_UNREACHABLE) {
			answers++;
			continue;
		}
		if (is_size_error(err) && t->count[k] > 1) {
			refuse_join(q, s, (uint32_t)(t->iov[k].iov_len / t->count[k]), err);
			return REBUILD;
		}
		if (err == EAGAIN || err == ENOBUFS || err == ENOMEM) {
			sp_tstats_add(&q->stats.tx_blocked, 1);
			return err == EAGAIN ? -EAGAIN : -ENOBUFS;
		}
		return -err;
	}
	return 0;
}

int sp_udp_tx_burst(struct sp_queue *q, struct sp_batch *b, uint32_t from, bool join)
{
	uint32_t i = from;
	int rc = 0;

	sp_slot_bank_filled(&q->slots, b->n);
	while (i < b->n && rc >= 0) {
		uint32_t ep = b->m[i].ep, msgs, units;
		int32_t sock = ep < q->peers.n && q->target ? q->target[ep].sock : 0;

		if (!sock) {
			rc = -EINVAL;
			break;
		}
		units = build(q, b, i, sock, join && q->port->gso);
		rc = push(q, &q->socks[sock - 1], units, &msgs);
		i += msgs;
	}
	return i > from ? (int)(i - from) : rc;
}

/* Answers to the last datagrams of a socket wait there until somebody asks. */
int sp_udp_flush(struct sp_queue *q)
{
	for (uint32_t i = q->port->n_listen; i < q->n_socks; i++) {
		int err = 0;
		socklen_t len = sizeof err;

		if (!getsockopt(q->socks[i].fd, SOL_SOCKET, SO_ERROR, &err, &len) &&
		    sp_udp_is_unreachable(err))
			sp_udp_count_unreachable(q, &q->socks[i], 1);
	}
	return 0;
}
