#include "transport/xdp/xdp.h"

#include "plugin/tstats.h"
#include "transport/xdp/count.h"

#include <errno.h>
#include <sys/socket.h>

#define LOOK_NS (100 * SP_NS_PER_MS)

/* Nothing is there: is the interface? The socket knows. */
static int nothing(struct sp_queue *q)
{
	uint64_t now_ns = sp_clock_now(q->port->env->clock);

	if (now_ns >= q->look_ns) {
		q->look_ns = now_ns + LOOK_NS;
		q->down = recvfrom(q->sock[0].fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 &&
			  sp_iface_is_gone(errno);
	}
	return q->down ? -ENETDOWN : 0;
}

/* A frame as a message; false: not for us. */
static bool take(struct sp_queue *q, const struct xdp_sock *s, const struct xdp_desc *d,
		 uint64_t now_ns, struct sp_msg *m)
{
	uint8_t *data = s->memory + d->addr;
	uint64_t t_ns = *(const uint64_t *)(const void *)(data - XDP_STAMP);
	struct sp_endpoint from, to;
	bool ip;

	*m = (struct sp_msg){
		.data = data,
		.t_ns = t_ns && t_ns < now_ns ? t_ns : now_ns,
		.len = d->len,
		.flow = SP_NO_FLOW,
		.ep = SP_NO_FLOW,
		.stamp_off = SP_NO_STAMP,
		.flags = (uint16_t)(SP_M_UNIT | (q->counter ? SP_M_UNTIMED : 0)),
	};
	ip = sp_frame_ends(data, d->len, &from, &to);
	if (!sp_frame_is_for(&q->port->bind, q->port->port_last, &to, ip)) {
		sp_tstats_add(&q->stats.rx_other, 1);
		return false;
	}
	if (ip)
		m->ep = sp_endpoints_get(&q->peers, &from, 0);
	return true;
}

static void count(struct sp_queue *q, uint64_t units, uint64_t bytes)
{
	sp_tstats_add(&q->stats.rx_units, units);
	sp_tstats_add(&q->stats.rx_msgs, units);
	sp_tstats_add(&q->stats.rx_bytes, bytes);
}

static uint32_t runs_before(struct sp_queue *q, const struct sp_msg *m, struct sp_msg *out)
{
	const struct xdp_count_meta *meta;
	uint32_t n;

	if (!q->counter)
		return 0;
	meta = (const struct xdp_count_meta *)(const void *)(m->data - sizeof *meta);
	if (!meta->t_ns)
		return 0;
	n = xdp_counter_before(q->counter, meta, m, out);
	for (uint32_t i = 0; i < n; i++)
		count(q, out[i].flow, (uint64_t)out[i].flow * out[i].len);
	return n;
}

static uint32_t receive(struct sp_queue *q, struct xdp_sock *s, struct sp_batch *b)
{
	uint32_t n = xdp_load_acquire(s->rx.producer) - s->rx.at, max = b->cap;
	uint64_t now_ns, bytes = 0, units = 0;
	struct sp_msg m;

	if (!n)
		return 0;
	if (max > XDP_BURST)
		max = XDP_BURST;
	if (q->counter)
		max /= 3; /* each may tell of two runs before it */
	if (n > max)
		n = max;
	now_ns = sp_clock_now(q->port->env->clock);
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *d = &(
			(const struct xdp_desc *)s->rx.desc)[(s->rx.at + i) & s->rx.mask];

		q->borrowed[i] = d->addr;
		if (take(q, s, d, now_ns, &m)) {
			b->n += runs_before(q, &m, &b->m[b->n]);
			bytes += m.len;
			b->m[b->n++] = m;
			units++;
		}
	}
	s->rx.at += n;
	xdp_store_release(s->rx.consumer, s->rx.at);
	q->n_borrowed = n;
	sp_tstats_add(&q->stats.rx_calls, 1);
	count(q, units, bytes);
	return n;
}

/* What the program counted by itself, while nothing else comes. */
static uint32_t receive_runs(struct sp_queue *q, struct sp_batch *b)
{
	if (!q->counter)
		return 0;
	b->n = xdp_counter_rest(q->counter, sp_clock_now(q->port->env->clock), b->m,
				b->cap < XDP_BURST ? b->cap : XDP_BURST);
	for (uint32_t i = 0; i < b->n; i++)
		count(q, b->m[i].flow, (uint64_t)b->m[i].flow * b->m[i].len);
	return b->n;
}

static void give_back(struct sp_queue *q)
{
	struct xdp_sock *s = &q->sock[q->lender];

	for (uint32_t i = 0; i < q->n_borrowed; i++)
		xdp_sock_refill(s, q->borrowed[i]);
	q->n_borrowed = 0;
	xdp_store_release(s->fill.producer, s->fill.at);
	if (s->zerocopy && xdp_needs_wakeup(&s->fill))
		(void)recvfrom(s->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

int xdp_rx_burst(struct sp_queue *q, struct sp_batch *b)
{
	b->n = 0;
	if (!q->sock[0].n_rx || q->n_borrowed)
		return 0;
	sp_endpoints_begin(&q->peers);
	if (q->counter)
		xdp_counter_begin(q->counter);
	for (unsigned i = 0; i < q->n_socks; i++) {
		q->lender = q->turn;
		q->turn = q->turn + 1 < q->n_socks ? q->turn + 1 : 0;
		if (!receive(q, &q->sock[q->lender], b))
			continue;
		q->look_ns = 0;
		if (!b->n)
			give_back(q);
		return (int)b->n;
	}
	if (receive_runs(q, b))
		return (int)b->n;
	return nothing(q);
}

void xdp_rx_release(struct sp_queue *q, struct sp_batch *b)
{
	if (q->n_borrowed)
		give_back(q);
	b->n = 0;
}
