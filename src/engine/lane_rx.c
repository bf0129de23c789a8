#include "engine/lane_rx.h"

#include "core/shared.h"
#include "pkt/view.h"

/* One frame becomes what a datagram is: data and len of the UDP payload, the bytes around it in
 * stamp_off. False: not UDP for one of our port numbers. */
static bool narrow_one(const struct sp_lane_port *port, struct sp_msg *m)
{
	enum sp_csum_state l4 = m->flags & SP_M_CSUM_PARTIAL ? SP_CSUM_PARTIAL
				: m->flags & SP_M_CSUM_OK    ? SP_CSUM_OK
							     : SP_CSUM_UNKNOWN;
	struct sp_view v;

	if (sp_view(m->data, m->len, true, l4, &v) || v.proto != SP_PROTO_UDP || v.fragment)
		return false;
	if (v.dst.port < port->accept_first || v.dst.port > port->accept_last)
		return false;
	if (port->accept.family && !sp_addr_eq(&port->accept, &v.dst.addr))
		return false;
	if (sp_view_corrupt(&v))
		m->flags |= SP_M_CSUM_BAD;
	m->stamp_off = (uint16_t)(m->len - v.payload_len);
	m->data += v.payload_off;
	m->len = v.payload_len;
	return true;
}

static void narrow(struct sp_lane_port *port, struct sp_batch *b)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		if (narrow_one(port, &b->m[i]))
			b->m[kept++] = b->m[i];
		else
			SP_ADD(port->ignored, 1);
	}
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

uint32_t sp_lane_rx(struct sp_lane *l)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < l->n_ports; i++) {
		struct sp_lane_port *port = &l->ports[i];
		int r;

		if (!port->rx || !port->ops->rx_burst)
			continue;
		r = port->ops->rx_burst(port->q, &l->rx);
		if (SP_UNLIKELY(r < 0)) {
			SP_STORE(port->rx_error, r);
			continue;
		}
		if (r == 0)
			continue;
		n += (uint32_t)r;
		if (SP_UNLIKELY(port->replies != NULL))
			sp_replies_burst(port->replies, &l->rx, sp_clock_now(l->env->clock));
		if (port->caps.bits & SP_T_FRAME)
			narrow(port, &l->rx);
		else if (SP_UNLIKELY(l->hellos != NULL))
			take_hellos(l, port);
		if (SP_UNLIKELY(l->rx_marker != NULL))
			sp_marker_received(l->rx_marker, &l->rx);
		sp_verify_burst(l->verifier, &l->rx, i);
		l->rx.n = (uint32_t)r; /* as lent */
		port->ops->rx_release(port->q, &l->rx);
	}
	return n;
}
