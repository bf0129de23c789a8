#include "transport/xdp/xdp.h"

#include "plugin/tstats.h"
#include "transport/xdp/live.h"

#include <errno.h>
#include <sys/socket.h>

static struct xdp_desc *desc(struct xdp_ring *r, uint32_t at)
{
	return &((struct xdp_desc *)r->desc)[at & r->mask];
}

/* Takes back what the kernel has done with. */
static void reap(struct sp_queue *q)
{
	struct xdp_sock *s = &q->sock[0];
	uint32_t end = xdp_load_acquire(s->done.producer);

	for (; s->done.at != end; s->done.at++) {
		uint64_t addr = ((uint64_t *)s->done.desc)[s->done.at & s->done.mask];
		uint32_t id = (uint32_t)(addr / s->chunk);

		if (id >= s->n_tx)
			continue;
		q->chunk[id].busy = false;
		q->free[q->n_free++] = id;
	}
	xdp_store_release(s->done.consumer, s->done.at);
}

/* What was lent and did not leave comes back. */
static void take_back(struct sp_queue *q)
{
	for (uint32_t i = q->n_lent; i-- > 0;)
		if (!q->chunk[q->lent[i]].busy)
			q->free[q->n_free++] = q->lent[i];
	q->n_lent = 0;
}

uint32_t xdp_tx_slots(struct sp_queue *q, struct sp_batch *b, uint32_t n, uint32_t len,
		      uint32_t tmpl)
{
	struct xdp_sock *s = &q->sock[0];

	b->n = 0;
	if (!s->n_tx || len > s->chunk)
		return 0;
	take_back(q);
	reap(q);
	if (n > q->n_free)
		n = q->n_free;
	if (n > b->cap)
		n = b->cap;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = q->free[--q->n_free];
		const struct xdp_chunk *c = &q->chunk[id];

		q->lent[i] = id;
		b->m[i].data = s->memory + (size_t)id * s->chunk;
		b->m[i].len = len;
		b->m[i].flags = c->tmpl == tmpl && c->len == len ? SP_M_HELD : 0;
	}
	q->n_lent = n;
	q->tmpl = tmpl;
	q->len = len;
	return b->n = n;
}

static uint32_t id_of(const struct xdp_sock *s, const struct sp_msg *m)
{
	return (uint32_t)((size_t)(m->data - s->memory) / s->chunk);
}

/* m[from .. from + n) into the ring; not yet told. */
static void post(struct sp_queue *q, const struct sp_batch *b, uint32_t from, uint32_t n)
{
	struct xdp_sock *s = &q->sock[0];

	for (uint32_t i = 0; i < n; i++) {
		const struct sp_msg *m = &b->m[from + i];
		struct xdp_chunk *c = &q->chunk[id_of(s, m)];

		*desc(&s->tx, s->tx.at + i) = (struct xdp_desc){
			.addr = (uint64_t)(m->data - s->memory), .len = m->len
		};
		c->tmpl = q->tmpl;
		c->len = q->len;
	}
	xdp_store_release(s->tx.producer, s->tx.at + n);
}

/* In copy mode EBUSY is one frame that the interface has thrown away: it was the last of the call. */
static int kick(struct sp_queue *q)
{
	const struct xdp_sock *s = &q->sock[0];
	int error = 0;

	while (sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && (error = errno) == EINTR)
		error = 0;
	if (error == EBUSY && !s->zerocopy)
		sp_tstats_add(&q->stats.tx_dropped, 1);
	return error;
}

static bool is_empty(const struct xdp_sock *s)
{
	return xdp_load_acquire(s->tx.consumer) == s->tx.at;
}

/* A frame that the driver drops (EBUSY) or that finds no memory ends a call; the kernel may then
 * not have said yet how far it came. */
static int drain(struct sp_queue *q)
{
	const struct xdp_sock *s = &q->sock[0];
	int error = 0;

	for (unsigned i = 0; i < XDP_KICKS && !is_empty(s); i++) {
		error = kick(q);
		if (error && error != EAGAIN && error != EBUSY)
			break;
	}
	return error;
}

/* m[from .. from + n) is the kernel's, or 0 and an error. In copy mode an interface that is gone is
 * found before the ring is read: then nothing was in it. */
static uint32_t offer(struct sp_queue *q, const struct sp_batch *b, uint32_t from, uint32_t n,
		      int *error)
{
	struct xdp_sock *s = &q->sock[0];

	if (s->zerocopy && s->tx.at - xdp_load_acquire(s->tx.consumer) > s->tx.mask + 1 - n) {
		*error = EAGAIN;
		return 0;
	}
	post(q, b, from, n);
	*error = !s->zerocopy || xdp_needs_wakeup(&s->tx) ? kick(q) : 0;
	if (!s->zerocopy && sp_iface_is_gone(*error)) {
		xdp_store_release(s->tx.producer, s->tx.at);
		return 0;
	}
	s->tx.at += n;
	if (!s->zerocopy && *error)
		*error = drain(q);
	return n;
}

static int refused(struct sp_queue *q, int error)
{
	if (sp_iface_is_gone(error)) {
		q->down = true;
		return -ENETDOWN;
	}
	if (error && error != EAGAIN && error != EBUSY && error != ENOBUFS && error != ENOMEM)
		return -error;
	sp_tstats_add(&q->stats.tx_blocked, 1);
	return error == ENOBUFS ? -ENOBUFS : -EAGAIN;
}

int xdp_tx_burst(struct sp_queue *q, struct sp_batch *b, uint32_t from, bool join)
{
	struct xdp_sock *s = &q->sock[0];
	uint32_t i = from, n, took;
	uint64_t bytes;
	int error = 0;

	(void)join;
	if (!s->n_tx)
		return -EINVAL;
	while (i < b->n) {
		if (!s->zerocopy && !is_empty(s)) {
			error = drain(q);
			if (!is_empty(s))
				break;
		}
		n = b->n - i < XDP_TX_BUDGET ? b->n - i : XDP_TX_BUDGET;
		took = offer(q, b, i, n, &error);
		if (!took)
			break;
		bytes = 0;
		for (uint32_t k = i; k < i + took; k++) {
			q->chunk[id_of(s, &b->m[k])].busy = true;
			bytes += b->m[k].len;
		}
		sp_tstats_sent(&q->stats, took, took, bytes, 1);
		i += took;
	}
	return i > from ? (int)(i - from) : refused(q, error);
}

int xdp_flush(struct sp_queue *q)
{
	if (q->sock[0].n_tx && !q->sock[0].zerocopy)
		(void)drain(q);
	return 0;
}

int xdp_repeat(struct sp_queue *q, const struct sp_repeat_form *f, struct sp_err *err)
{
	if (q->live)
		return sp_fail(err, -ENOTSUP, SP_EXIT_FAILED,
			       "no live frames: one stream a worker");
	return xdp_live_open(&q->live, &q->port->iface, f, q->port->env->mem, err);
}

int xdp_tx_repeat(struct sp_queue *q, struct sp_repeat_call *c)
{
	int rc = xdp_live_run(q->live, c);

	if (c->left)
		sp_tstats_sent(&q->stats, c->left, c->left,
			       (uint64_t)c->left * q->live->form.len, 1);
	return rc;
}
