#include "transport/utcp/tcb_impl.h"

static void head(struct sp_tcb *t, struct sp_tcp_seg *s, uint32_t seq, uint8_t flags)
{
	*s = (struct sp_tcp_seg){ .sport = t->sport,
				  .dport = t->dport,
				  .seq = seq,
				  .ack = flags & SP_TCP_ACK ? t->rcv_nxt : 0,
				  .window = sp_tcb_window(t),
				  .flags = flags };
	if (flags & SP_TCP_ACK) {
		t->rcv_edge = t->rcv_nxt + s->window;
		t->acks -= t->acks > 0;
	}
}

/* Bytes [from, from + len) of what is to be sent, and the FIN if it is behind them. */
static void body(struct sp_tcb *t, uint32_t from, uint32_t len, uint64_t now_ns,
		 struct sp_tcp_seg *s, uint8_t *data)
{
	uint32_t off = from - t->una, behind;
	bool fin = t->fin_wanted && off + len == t->n_snd;

	head(t, s, from,
	     (uint8_t)(SP_TCP_ACK | (len ? SP_TCP_PSH : 0) | (fin ? SP_TCP_FIN : 0)));
	sp_tcb_ring_get(&t->snd, t->snd_at + off, data, len);
	s->data = data;
	s->len = len;
	behind = from + len + fin;
	if (sp_seq_before(from, t->max))
		t->retransmits++;
	else if (!t->timed_ns) {
		t->timed_ns = now_ns;
		t->timed_seq = behind;
	}
	if (sp_seq_before(t->nxt, behind))
		t->nxt = behind;
	if (sp_seq_before(t->max, behind))
		t->max = behind;
	if (t->timer_ns == UINT64_MAX)
		sp_tcb_arm(t, now_ns);
}

/* How many bytes may leave at nxt; UINT32_MAX: nothing, not even a FIN. */
static uint32_t may_send(const struct sp_tcb *t)
{
	uint32_t off = t->nxt - t->una, left, room, wnd = sp_tcb_min(t->wnd, t->cwnd);

	if (off > t->n_snd || t->fin_done) /* the FIN has left */
		return UINT32_MAX;
	left = t->n_snd - off;
	room = wnd > off ? wnd - off : 0;
	if (left > room && room < t->mss && off)
		return UINT32_MAX; /* small pieces only when nothing is on its way (RFC 9293, 3.8.6.2.1) */
	left = sp_tcb_min(sp_tcb_min(left, room), t->mss);
	if (left || (t->fin_wanted && off == t->n_snd))
		return left;
	return UINT32_MAX;
}

static bool output_open(struct sp_tcb *t, uint64_t now_ns, struct sp_tcp_seg *s, uint8_t *data)
{
	uint32_t len;

	if (t->resend) {
		t->resend = false;
		if (t->una != t->max) {
			body(t, t->una, sp_tcb_min(t->n_snd, t->mss), now_ns, s, data);
			return true;
		}
	}
	if (t->probe) {
		t->probe = false;
		if (t->n_snd && t->nxt == t->una) {
			body(t, t->una, 1, now_ns, s, data);
			return true;
		}
	}
	len = may_send(t);
	if (len != UINT32_MAX) {
		body(t, t->nxt, len, now_ns, s, data);
		return true;
	}
	/* Nothing is on its way that could bring news of the window. */
	if (t->n_snd && t->una == t->max && t->timer_ns == UINT64_MAX)
		sp_tcb_arm(t, now_ns);
	return false;
}

bool sp_tcb_output(struct sp_tcb *t, uint64_t now_ns, struct sp_tcp_seg *s, uint8_t *data)
{
	if (t->reset) {
		t->reset = false;
		head(t, s, t->nxt, SP_TCP_RST | SP_TCP_ACK);
		return true;
	}
	if (t->state == SP_TCB_SYN_SENT) {
		if (t->nxt != t->una)
			return false;
		head(t, s, t->una, SP_TCP_SYN);
		s->mss = t->own_mss;
		if (t->max != t->una)
			t->retransmits++;
		else
			t->timed_ns = now_ns;
		t->nxt = t->max = t->una + 1;
		if (t->timer_ns == UINT64_MAX)
			sp_tcb_arm(t, now_ns);
		return true;
	}
	if (t->state == SP_TCB_OPEN && output_open(t, now_ns, s, data))
		return true;
	if (t->state == SP_TCB_CLOSED || !t->acks)
		return false;
	head(t, s, t->nxt, SP_TCP_ACK);
	return true;
}
