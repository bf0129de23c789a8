#include "transport/utcp/utcp.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/timerfd.h>

#include "pkt/ask.h"
#include "pkt/neighbour.h"
#include "plugin/tstats.h"

#define BURST 256u /* frames that are taken in before others have their turn */
#define TTL   64u

/* ---- out ---- */

/* A frame that the socket does not take is lost, as on the way. */
static void transmit(struct sp_queue *q, uint32_t len)
{
	if (send(q->fd, q->out, len, MSG_DONTWAIT) < 0)
		sp_tstats_add(&q->stats.tx_blocked, 1);
	else
		sp_tstats_add(&q->stats.tx_calls, 1);
}

static uint32_t head_len(const struct sp_link *l)
{
	return 14u + (l->src.family == 4 ? 20u : 40u);
}

static void send_segment(struct utcp_conn *c, const struct sp_tcp_seg *s)
{
	struct sp_queue *q = c->q;
	const struct sp_link *l = &q->target[c->ep].link;
	struct sp_answer_to to = { .src = l->src, .dst = q->ends.at[c->ep].remote.addr };
	uint8_t head[SP_TCP_HEAD + SP_TCP_MSS];
	uint32_t n = sp_tcp_seg_put(s, head);

	memcpy(to.src_mac, l->src_mac, 6);
	memcpy(to.dst_mac, l->dst_mac, 6);
	/* The payload stands behind a header without options already. */
	memcpy(q->out + head_len(l), head, n);
	transmit(q, sp_answer_seal_to(&to, SP_ASK_TCP, TTL, q->out, n + s->len, SP_TCP_CSUM));
}

static void note_events(struct utcp_conn *c)
{
	struct sp_queue *q = c->q;
	uint32_t at = (uint32_t)(c - q->conns) + 1;

	if (!c->tcb.events || c->ready || c->orphan)
		return;
	c->ready = true;
	c->next_ready = 0;
	if (q->ready_last)
		q->conns[q->ready_last - 1].next_ready = at;
	else
		q->ready = at;
	q->ready_last = at;
}

static void set_timer(struct sp_queue *q, uint64_t at_ns)
{
	struct itimerspec t = { .it_value = { (time_t)(at_ns / SP_NS_PER_S),
					      (long)(at_ns % SP_NS_PER_S) } };

	q->timer_ns = at_ns;
	if (at_ns == UINT64_MAX)
		t.it_value = (struct timespec){ 0 };
	timerfd_settime(q->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

void sp_utcp_push(struct utcp_conn *c, uint64_t now_ns)
{
	struct sp_queue *q = c->q;
	uint8_t *data = q->out + head_len(&q->target[c->ep].link) + SP_TCP_HEAD;
	struct sp_tcp_seg s;

	while (sp_tcb_output(&c->tcb, now_ns, &s, data))
		send_segment(c, &s);
	note_events(c);
	if (c->tcb.timer_ns < q->timer_ns)
		set_timer(q, c->tcb.timer_ns);
	if (c->orphan && c->orphan_ns < q->timer_ns)
		set_timer(q, c->orphan_ns);
	if (c->orphan && c->tcb.state == SP_TCB_CLOSED)
		sp_utcp_conn_free(c);
}

/* ---- in ---- */

/* Nobody's: the far end is told, as a kernel would (RFC 9293, 3.10.7.1). */
static void refuse(struct sp_queue *q, const struct sp_ask *a, const struct sp_tcp_seg *in)
{
	struct sp_tcp_seg s = { .sport = in->dport, .dport = in->sport, .flags = SP_TCP_RST };
	uint32_t off = sp_answer_head_len(a);

	if (in->flags & SP_TCP_RST)
		return;
	if (in->flags & SP_TCP_ACK) {
		s.seq = in->ack;
	} else {
		s.flags |= SP_TCP_ACK;
		s.ack = in->seq + sp_tcp_seg_space(in);
	}
	sp_tcp_seg_put(&s, q->out + off);
	transmit(q, sp_answer_seal(a, q->port->iface.mac, &a->dst, TTL, q->out, SP_TCP_HEAD,
				   SP_TCP_CSUM));
}

/* Is the frame for an address that this queue sends from? */
static bool to_us(const struct sp_queue *q, const struct sp_ask *a)
{
	for (uint32_t i = 0; i < q->ends.n; i++)
		if (sp_addr_eq(&q->target[i].link.src, &a->dst) &&
		    sp_addr_eq(&q->ends.at[i].remote.addr, &a->src))
			return true;
	return false;
}

static void take_segment(struct sp_queue *q, const struct sp_ask *a, uint16_t flags,
			 uint64_t now_ns)
{
	struct utcp_conn *c = NULL;
	const struct sp_endpoint *to;
	struct sp_tcp_seg s;
	uint32_t at;

	if (!sp_ask_intact(a, flags)) {
		sp_tstats_add(&q->stats.rx_csum_errors, 1);
		return;
	}
	if (sp_tcp_seg_read(a->l4, a->l4_len, &s) || s.dport < q->first || s.dport > q->last)
		return;
	at = q->by_port[s.dport - q->first];
	if (at)
		c = &q->conns[at - 1];
	to = c ? &q->ends.at[c->ep].remote : NULL;
	if (!c || to->port != s.sport || !sp_addr_eq(&to->addr, &a->src) ||
	    !sp_addr_eq(&q->target[c->ep].link.src, &a->dst)) {
		if (to_us(q, a))
			refuse(q, a, &s);
		return;
	}
	sp_tcb_input(&c->tcb, &s, now_ns);
	sp_utcp_push(c, now_ns);
}

/* Who has the address that we send from? No kernel says so. */
static void answer_neighbour(struct sp_queue *q, uint32_t len, bool arp)
{
	for (uint32_t i = 0; i < q->ends.n; i++) {
		const struct utcp_target *t = &q->target[i];
		uint32_t n = 0;

		if (t->own.n && arp)
			n = sp_arp_answer(q->in, len, &t->own, t->link.src_mac, q->out, len);
		else if (t->own.n)
			n = sp_nd_answer(q->in, len, &t->own, t->link.src_mac, q->out, len);
		if (!n)
			continue;
		transmit(q, n);
		return;
	}
}

static uint16_t aux_flags(struct msghdr *h)
{
	struct tpacket_auxdata aux;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof aux);
		if (aux.tp_status & TP_STATUS_CSUMNOTREADY)
			return SP_M_CSUM_PARTIAL;
		if (aux.tp_status & TP_STATUS_CSUM_VALID)
			return SP_M_CSUM_OK;
	}
	return 0;
}

/* One frame; false: there is none. */
static bool take_frame(struct sp_queue *q, uint64_t now_ns)
{
	uint8_t ctl[CMSG_SPACE(sizeof(struct tpacket_auxdata))] __attribute__((aligned(8)));
	struct iovec iov = { q->in, UTCP_FRAME_MAX };
	struct sockaddr_ll from;
	struct msghdr h = { .msg_name = &from,
			    .msg_namelen = sizeof from,
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = ctl,
			    .msg_controllen = sizeof ctl };
	ssize_t n = recvmsg(q->fd, &h, MSG_DONTWAIT);
	struct sp_ask a;

	if (n < 0)
		return errno == EINTR;
	sp_tstats_add(&q->stats.rx_calls, 1);
	if (from.sll_pkttype == PACKET_OUTGOING || h.msg_flags & MSG_TRUNC ||
	    sp_ask_read(q->in, (uint32_t)n, &a))
		return true;
	if (a.type == SP_ASK_ARP || a.proto == SP_ASK_ICMP6)
		answer_neighbour(q, (uint32_t)n, a.type == SP_ASK_ARP);
	else if (a.l4 && a.proto == SP_ASK_TCP)
		take_segment(q, &a, aux_flags(&h), now_ns);
	return true;
}

/* Every connection whose time has come; the timer is set to the next. */
static void tick(struct sp_queue *q, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	q->timer_ns = 0; /* what is armed meanwhile is found below */
	for (uint32_t i = 0; i < q->used; i++) {
		struct utcp_conn *c = &q->conns[i];

		if (!c->used)
			continue;
		if (c->orphan && c->orphan_ns <= now_ns)
			sp_tcb_abort(&c->tcb);
		else if (c->tcb.timer_ns <= now_ns)
			sp_tcb_tick(&c->tcb, now_ns);
		sp_utcp_push(c, now_ns);
		if (c->used && c->tcb.timer_ns < next)
			next = c->tcb.timer_ns;
		if (c->used && c->orphan && c->orphan_ns < next)
			next = c->orphan_ns;
	}
	set_timer(q, next);
}

void sp_utcp_pump(struct sp_queue *q)
{
	uint64_t now_ns = sp_clock_now(q->port->env->clock);

	if (q->fd < 0)
		return;
	for (uint32_t i = 0; i < BURST && take_frame(q, now_ns); i++)
		;
	if (now_ns >= q->timer_ns)
		tick(q, now_ns);
}
