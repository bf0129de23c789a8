#include "transport/utcp/tcb_impl.h"

#include <errno.h>

#define DUP_ACKS   3u
#define ACKS_MAX   8u
#define FIRST_SEGS 10u /* RFC 6928 */

/* All is said and confirmed, and all was heard. */
static void close_if_over(struct sp_tcb *t, uint64_t now_ns)
{
	if (t->state != SP_TCB_OPEN || !t->got_fin || !t->fin_done)
		return;
	t->state = SP_TCB_TIME_WAIT;
	t->timer_ns = now_ns + SP_TCB_TIME_WAIT_NS;
	t->tries = 0;
}

/* ---- what comes: acknowledgements ---- */

static void grow(struct sp_tcb *t, uint32_t acked)
{
	if (t->cwnd < t->ssthresh)
		t->cwnd += sp_tcb_min(acked, t->mss);
	else
		t->cwnd += sp_tcb_max(1, (uint32_t)t->mss * t->mss / t->cwnd);
	t->cwnd = sp_tcb_min(t->cwnd, 1u << 30);
}

/* RFC 5681, 3.2 and RFC 6582: a loss that three later segments have told of. */
static void fast_retransmit(struct sp_tcb *t)
{
	if (t->recovering) {
		t->cwnd += t->mss;
		return;
	}
	if (++t->dup_acks < DUP_ACKS)
		return;
	t->ssthresh = sp_tcb_max((t->max - t->una) / 2, 2u * t->mss);
	t->cwnd = t->ssthresh + DUP_ACKS * t->mss;
	t->recover = t->max;
	t->recovering = true;
	t->resend = true;
	t->timed_ns = 0;
}

static void confirm(struct sp_tcb *t, uint32_t ack, uint64_t now_ns)
{
	uint32_t n = ack - t->una, bytes = sp_tcb_min(n, t->n_snd);

	t->una = ack;
	t->fin_done |= n > bytes;
	if (sp_seq_before(t->nxt, ack))
		t->nxt = ack;
	t->snd_at += bytes;
	t->n_snd -= bytes;
	t->acked_bytes += bytes;
	t->tries = 0;
	t->dup_acks = 0;
	if (t->timed_ns && !sp_seq_before(ack, t->timed_seq)) {
		sp_tcb_sample(t, now_ns - t->timed_ns);
		t->timed_ns = 0;
	}
	if (t->recovering && sp_seq_before(ack, t->recover)) {
		t->resend = true; /* the next hole */
		t->cwnd = sp_tcb_max(t->cwnd - sp_tcb_min(t->cwnd, bytes) + t->mss, t->mss);
	} else if (t->recovering) {
		t->recovering = false;
		t->cwnd = t->ssthresh;
	} else {
		grow(t, bytes);
	}
	if (t->full && t->n_snd < t->snd.cap / 2) {
		t->full = false;
		t->events |= SP_TCB_OUT;
	}
	if (t->una == t->max)
		t->timer_ns = UINT64_MAX;
	else
		sp_tcb_arm(t, now_ns);
}

/* False: it confirms what was never sent. */
static bool take_ack(struct sp_tcb *t, const struct sp_tcp_seg *s, uint64_t now_ns)
{
	bool same = s->window == t->wnd;

	if (sp_seq_before(t->max, s->ack)) {
		t->acks = 1;
		return false;
	}
	if (sp_seq_before(t->wl1, s->seq) ||
	    (t->wl1 == s->seq && !sp_seq_before(s->ack, t->wl2))) {
		t->wnd = s->window;
		t->wl1 = s->seq;
		t->wl2 = s->ack;
	}
	if (sp_seq_before(t->una, s->ack))
		confirm(t, s->ack, now_ns);
	else if (s->ack == t->una && t->una != t->max && same && !sp_tcp_seg_space(s))
		fast_retransmit(t);
	if (!t->wnd)
		t->tries = 0; /* somebody is there, and has no room */
	if (t->wnd)
		t->probe = false;
	return true;
}

/* ---- what comes: bytes ---- */

/* [from, to) is there, behind a gap. False: no room to remember it. */
static bool note_piece(struct sp_tcb *t, uint32_t from, uint32_t to)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < t->n_pieces; i++) {
		const struct sp_tcb_piece *p = &t->piece[i];

		if (sp_seq_before(p->to, from) || sp_seq_before(to, p->from)) {
			t->piece[k++] = *p;
			continue;
		}
		if (sp_seq_before(p->from, from))
			from = p->from;
		if (sp_seq_before(to, p->to))
			to = p->to;
	}
	t->n_pieces = k;
	if (k == SP_TCB_GAPS)
		return false;
	t->piece[t->n_pieces++] = (struct sp_tcb_piece){ from, to };
	return true;
}

/* rcv_nxt moves to `to`, and over what was there ahead of it. */
static void advance(struct sp_tcb *t, uint32_t to)
{
	bool moved = true;

	t->n_rcv += to - t->rcv_nxt;
	t->rcv_nxt = to;
	while (moved) {
		moved = false;
		for (uint32_t i = 0; i < t->n_pieces; i++) {
			struct sp_tcb_piece p = t->piece[i];

			if (sp_seq_before(t->rcv_nxt, p.from))
				continue;
			if (sp_seq_before(t->rcv_nxt, p.to)) {
				t->n_rcv += p.to - t->rcv_nxt;
				t->rcv_nxt = p.to;
			}
			t->piece[i] = t->piece[--t->n_pieces];
			moved = true;
			break;
		}
	}
}

static void take_bytes(struct sp_tcb *t, const struct sp_tcp_seg *s)
{
	uint32_t from = s->seq, to = s->seq + s->len,
		 limit = t->rcv_nxt + t->rcv.cap - t->n_rcv;
	uint32_t place;

	if (sp_seq_before(from, t->rcv_nxt))
		from = t->rcv_nxt;
	if (sp_seq_before(limit, to))
		to = limit;
	if (!sp_seq_before(from, to))
		return;
	place = t->rcv_at + t->n_rcv + (from - t->rcv_nxt);
	if (from != t->rcv_nxt && !note_piece(t, from, to))
		return;
	sp_tcb_ring_put(&t->rcv, place, s->data + (from - s->seq), to - from);
	if (from != t->rcv_nxt)
		return;
	advance(t, to);
	t->events |= SP_TCB_IN;
}

static void take_data(struct sp_tcb *t, const struct sp_tcp_seg *s)
{
	uint32_t before = t->rcv_nxt;

	if (!sp_tcp_seg_space(s))
		return;
	if (s->len && !t->got_fin)
		take_bytes(t, s);
	if (s->flags & SP_TCP_FIN && !t->fin_seen) {
		t->fin_seen = true;
		t->fin_seq = s->seq + s->len;
	}
	if (t->fin_seen && !t->got_fin && t->rcv_nxt == t->fin_seq) {
		t->got_fin = true;
		t->rcv_nxt++;
		t->events |= SP_TCB_IN | SP_TCB_END;
	}
	/* In order: one confirms all that came. Else each says so: the far end counts them. */
	if (t->rcv_nxt == before && t->acks < ACKS_MAX)
		t->acks++;
	else if (!t->acks)
		t->acks = 1;
}

/* ---- what comes ---- */

static void on_opening(struct sp_tcb *t, const struct sp_tcp_seg *s, uint64_t now_ns)
{
	bool good = s->flags & SP_TCP_ACK && s->ack == t->una + 1 && t->max != t->una;

	if (!good)
		return;
	if (s->flags & SP_TCP_RST) {
		sp_tcb_end(t, -ECONNREFUSED);
		return;
	}
	if (!(s->flags & SP_TCP_SYN))
		return;
	t->state = SP_TCB_OPEN;
	t->rcv_nxt = s->seq + 1;
	t->wnd = s->window;
	t->wl1 = s->seq;
	t->wl2 = s->ack;
	t->mss = s->mss ? s->mss : SP_TCB_MSS_DFLT;
	if (t->mss > t->own_mss)
		t->mss = t->own_mss;
	if (t->mss < 64)
		t->mss = 64;
	t->cwnd = FIRST_SEGS * t->mss;
	t->ssthresh = UINT32_MAX;
	if (t->timed_ns)
		sp_tcb_sample(t, now_ns - t->timed_ns);
	t->timed_ns = 0;
	t->una = t->nxt = t->max = s->ack;
	t->tries = 0;
	t->timer_ns = UINT64_MAX;
	t->acks = 1;
	t->events |= SP_TCB_OUT;
}

/* RFC 9293, 3.10.7.4: does any of it lie in our window? */
static bool in_window(const struct sp_tcb *t, const struct sp_tcp_seg *s)
{
	uint32_t wnd = t->rcv.cap - t->n_rcv, len = sp_tcp_seg_space(s);
	uint32_t limit = t->rcv_nxt + (wnd ? wnd : 1);

	if (!len)
		return !sp_seq_before(s->seq, t->rcv_nxt) && sp_seq_before(s->seq, limit);
	return sp_seq_before(t->rcv_nxt, s->seq + len) && sp_seq_before(s->seq, limit);
}

void sp_tcb_input(struct sp_tcb *t, const struct sp_tcp_seg *s, uint64_t now_ns)
{
	if (t->state == SP_TCB_CLOSED)
		return;
	if (t->state == SP_TCB_SYN_SENT) {
		on_opening(t, s, now_ns);
		return;
	}
	if (s->flags & SP_TCP_RST) { /* RFC 5961, 3.2 */
		if (s->seq == t->rcv_nxt)
			sp_tcb_end(t, t->state == SP_TCB_TIME_WAIT ? 0 : -ECONNRESET);
		else if (in_window(t, s))
			t->acks = 1;
		return;
	}
	if (s->flags & SP_TCP_SYN) { /* RFC 5961, 4.2 */
		t->acks = 1;
		return;
	}
	if (!(s->flags & SP_TCP_ACK))
		return;
	if (!in_window(t, s)) {
		t->acks = t->acks ? t->acks : sp_tcp_seg_space(s) || s->seq != t->rcv_nxt;
		/* What is old by its bytes may still confirm ours; but neither its bytes nor its
		 * FIN are to be believed, which anybody could have written. */
		if (!sp_seq_before(t->rcv_nxt + t->rcv.cap, s->seq))
			take_ack(t, s, now_ns);
		close_if_over(t, now_ns);
		return;
	}
	if (!take_ack(t, s, now_ns))
		return;
	take_data(t, s);
	close_if_over(t, now_ns);
}
