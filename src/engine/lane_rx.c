#include "engine/lane_rx.h"

#include "core/shared.h"
#include "pkt/view.h"

#define SSH	 22u
#define PSH_ACK	 0x18
#define NO_LIMIT UINT64_MAX

/* What Contrail's traffic tool counts: data of TCP, whole UDP, echo requests. */
static bool contrail_counts(const struct sp_view *v)
{
	switch (v->proto) {
	case SP_PROTO_TCP:
		return v->l4_off && !v->fragment && v->tcp_flags == PSH_ACK &&
		       v->src.port != SSH && v->dst.port != SSH;
	case SP_PROTO_UDP:
		return !v->more;
	default:
		return v->l4_off && sp_view_echo_request(v);
	}
}

/* rc: what sp_view said. */
static bool is_wanted(const struct sp_lane_port *port, const struct sp_view *v, int rc)
{
	if (port->accept_first &&
	    (rc || v->proto != SP_PROTO_UDP || v->fragment ||
	     v->dst.port < port->accept_first || v->dst.port > port->accept_last))
		return false;
	if (port->accept.family && !sp_addr_eq(&port->accept, &v->dst.addr))
		return false;
	return !port->contrail || (!rc && contrail_counts(v));
}

/* One frame becomes what a datagram is: data and len of the L4 payload, the bytes around it in
 * stamp_off. False: it is not to be counted on this port. */
static bool narrow_one(const struct sp_lane_port *port, struct sp_msg *m)
{
	enum sp_csum_state known = SP_CSUM_UNKNOWN;
	struct sp_view v;
	int rc;

	if (port->filter && !sp_filter_takes(port->filter, m->data, m->len))
		return false;
	if (m->flags & SP_M_CSUM_PARTIAL)
		known = SP_CSUM_PARTIAL;
	else if (m->flags & SP_M_CSUM_OK)
		known = SP_CSUM_OK;
	rc = sp_view(m->data, m->len, port->checksum, known, &v);
	if (!is_wanted(port, &v, rc))
		return false;
	/* Lengths that contradict each other are damage, unless we cut it short ourselves. */
	if (port->checksum && (sp_view_corrupt(&v) || (rc && !(m->flags & SP_M_TRUNC))))
		m->flags |= SP_M_CSUM_BAD;
	m->stamp_off = (uint16_t)(m->len - v.payload_len < SP_NO_STAMP ? m->len - v.payload_len
								       : SP_NO_STAMP - 1);
	m->data += v.payload_off;
	m->len = v.payload_len;
	return true;
}

static void ignore(struct sp_lane_port *port, uint32_t n)
{
	SP_ADD(port->ignored, n);
}

static void narrow(struct sp_lane *l, struct sp_lane_port *port)
{
	struct sp_batch *b = &l->rx;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct sp_whole whole = { b->m[i].data, b->m[i].len };

		if (SP_UNLIKELY(port->echo != NULL) ? !sp_echo_take(port->echo, &b->m[i])
						    : !narrow_one(port, &b->m[i]))
			continue;
		l->frame[kept] = whole;
		b->m[kept++] = b->m[i];
	}
	ignore(port, b->n - kept);
	b->n = kept;
}

/* Hellos are control's, not data: they leave the batch. */
static void take_hellos(struct sp_lane *l, const struct sp_lane_port *port)
{
	struct sp_batch *b = &l->rx;
	struct sp_endpoint local;
	struct sp_hello h;
	uint32_t kept = 0;
	uint16_t answer;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct sp_msg *m = &b->m[i];

		if (SP_LIKELY(!sp_hello_get(m->data, m->len, &h.nonce, &answer))) {
			b->m[kept++] = *m;
			continue;
		}
		if (answer || port->ops->peer(port->q, m->ep, &h.from, &local))
			continue;
		h.number = local.port ? local.port : port->accept_first;
		sp_hello_ring_put(l->hellos, &h);
	}
	b->n = kept;
}

/* How many of n the run still wants; they are then taken from what all its workers share. */
static uint32_t take_share(struct sp_rx_limits *limits, uint32_t n)
{
	uint64_t left = SP_LOAD(limits->left);

	if (SP_LIKELY(left == NO_LIMIT))
		return n;
	do
		n = n < left ? n : (uint32_t)left;
	while (!__atomic_compare_exchange_n(&limits->left, &left, left - n, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return n;
}

/* How many units a message stands for. */
static uint32_t units_of(const struct sp_msg *m)
{
	return SP_UNLIKELY(m->flags & SP_M_RUN) ? m->flow : 1;
}

/* Of the first n messages those that the run still wants; of a run that is too long, its beginning. */
static uint32_t share(struct sp_lane *l, uint32_t n)
{
	struct sp_batch *b = &l->rx;
	bool runs = false;

	for (uint32_t i = 0; i < n; i++)
		runs |= (b->m[i].flags & SP_M_RUN) != 0;
	if (SP_LIKELY(!runs) || SP_LOAD(l->limits->left) == NO_LIMIT)
		return take_share(l->limits, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t all = units_of(&b->m[i]), got = take_share(l->limits, all);

		if (got < all) {
			b->m[i].flow = got;
			return got ? i + 1 : i;
		}
	}
	return n;
}

/* What came after the end, or is more than was asked for, is not counted. Arrivals of a queue are in
 * order. */
static void limit(struct sp_lane *l, struct sp_lane_port *port)
{
	uint64_t until_ns = SP_LOAD(l->limits->until_ns);
	struct sp_batch *b = &l->rx;
	uint32_t n = b->n;

	while (n && SP_UNLIKELY(b->m[n - 1].t_ns >= until_ns))
		n--;
	n = share(l, n);
	ignore(port, b->n - n);
	b->n = n;
}

uint32_t sp_lane_rx(struct sp_lane *l)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < l->n_ports; i++) {
		struct sp_lane_port *port = &l->ports[i];
		const struct sp_transport_ops *ops = sp_lane_rx_ops(port);
		bool frames = port->caps.bits & SP_T_FRAME;
		int r;

		if (!port->rx || !ops->rx_burst)
			continue;
		r = ops->rx_burst(sp_lane_rx_queue(port), &l->rx);
		if (SP_UNLIKELY(r < 0)) {
			SP_STORE(port->rx_error, r);
			continue;
		}
		if (r == 0)
			continue;
		n += (uint32_t)r;
		if (SP_UNLIKELY(port->replies != NULL))
			sp_replies_burst(port->replies, &l->rx, sp_clock_now(l->env->clock));
		if (port->asks) {
			sp_asks_answers(port->asks, &l->rx);
			l->rx.n = (uint32_t)r;
			ops->rx_release(sp_lane_rx_queue(port), &l->rx);
			continue;
		}
		if (frames)
			narrow(l, port);
		else if (SP_UNLIKELY(l->hellos != NULL))
			take_hellos(l, port);
		if (l->limits)
			limit(l, port);
		if (SP_UNLIKELY(l->rx_marker != NULL))
			sp_marker_received(l->rx_marker, &l->rx);
		for (uint32_t k = 0; k < l->rx.n; k++)
			SP_ADD(l->received, units_of(&l->rx.m[k]));
		sp_verify_burst(l->verifier, &l->rx, i, frames ? l->frame : NULL);
		l->rx.n = (uint32_t)r; /* as lent */
		ops->rx_release(sp_lane_rx_queue(port), &l->rx);
	}
	return n;
}
