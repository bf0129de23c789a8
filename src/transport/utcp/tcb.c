#include "transport/utcp/tcb.h"

#include <errno.h>
#include <string.h>

#define MS	   UINT64_C(1000000)
#define NEVER	   UINT64_MAX
#define RTO_FIRST  (1000 * MS) /* RFC 6298, 2.1 */
#define RTO_MIN	   (200 * MS)  /* below the RFC's second, as Linux: delays are short here */
#define RTO_MAX	   (60000 * MS)
#define CLOCK_G	   (1 * MS)
#define SYN_TRIES  6u
#define TRIES	   10u
#define TIME_WAIT  (1000 * MS)
#define MSS_DFLT   536u /* RFC 9293, 3.7.1 */
#define DUP_ACKS   3u
#define ACKS_MAX   8u
#define FIRST_SEGS 10u /* RFC 6928 */

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* ---- rings ---- */

static void ring_put(const struct sp_tcb_ring *r, uint32_t at, const void *data, uint32_t len)
{
	uint32_t i = at & (r->cap - 1), first = min32(len, r->cap - i);

	memcpy(r->at + i, data, first);
	memcpy(r->at, (const uint8_t *)data + first, len - first);
}

static void ring_get(const struct sp_tcb_ring *r, uint32_t at, void *data, uint32_t len)
{
	uint32_t i = at & (r->cap - 1), first = min32(len, r->cap - i);

	memcpy(data, r->at + i, first);
	memcpy((uint8_t *)data + first, r->at, len - first);
}

/* ---- state ---- */

static void end(struct sp_tcb *t, int error)
{
	t->state = SP_TCB_CLOSED;
	t->error = error;
	t->timer_ns = NEVER;
	t->acks = 0;
	t->events |= SP_TCB_IN | SP_TCB_OUT | SP_TCB_END;
}

void sp_tcb_connect(struct sp_tcb *t, const struct sp_tcb_conf *c, uint64_t now_ns)
{
	*t = (struct sp_tcb){
		.state = SP_TCB_SYN_SENT,
		.sport = c->sport,
		.dport = c->dport,
		.mss = MSS_DFLT,
		.own_mss = c->mss,
		.snd = c->snd,
		.rcv = c->rcv,
		.una = c->iss,
		.nxt = c->iss,
		.max = c->iss,
		.ssthresh = UINT32_MAX,
		.timer_ns = NEVER,
		.rto_ns = RTO_FIRST,
	};
	(void)now_ns;
}

/* All is said and confirmed, and all was heard. */
static void close_if_over(struct sp_tcb *t, uint64_t now_ns)
{
	if (t->state != SP_TCB_OPEN || !t->got_fin || !t->fin_done)
		return;
	t->state = SP_TCB_TIME_WAIT;
	t->timer_ns = now_ns + TIME_WAIT;
	t->tries = 0;
}

/* ---- time ---- */

static void arm(struct sp_tcb *t, uint64_t now_ns)
{
	t->timer_ns = now_ns + t->rto_ns;
}

/* RFC 6298, 2 */
static void sample(struct sp_tcb *t, uint64_t rtt)
{
	uint64_t var, diff;

	if (!t->srtt_ns) {
		t->srtt_ns = rtt;
		t->rttvar_ns = rtt / 2;
		t->min_rtt_ns = rtt;
	} else {
		diff = t->srtt_ns > rtt ? t->srtt_ns - rtt : rtt - t->srtt_ns;
		t->rttvar_ns = (3 * t->rttvar_ns + diff) / 4;
		t->srtt_ns = (7 * t->srtt_ns + rtt) / 8;
	}
	if (rtt < t->min_rtt_ns)
		t->min_rtt_ns = rtt;
	var = 4 * t->rttvar_ns > CLOCK_G ? 4 * t->rttvar_ns : CLOCK_G;
	t->rto_ns = t->srtt_ns + var;
	if (t->rto_ns < RTO_MIN)
		t->rto_ns = RTO_MIN;
	if (t->rto_ns > RTO_MAX)
		t->rto_ns = RTO_MAX;
}

void sp_tcb_tick(struct sp_tcb *t, uint64_t now_ns)
{
	uint32_t flight = t->max - t->una;
	unsigned most = t->state == SP_TCB_SYN_SENT ? SYN_TRIES : TRIES;

	if (now_ns < t->timer_ns)
		return;
	t->timer_ns = NEVER;
	if (t->state == SP_TCB_TIME_WAIT || t->state == SP_TCB_CLOSED) {
		end(t, 0);
		return;
	}
	if (t->tries++ >= most) {
		t->reset = t->state != SP_TCB_SYN_SENT;
		end(t, -ETIMEDOUT);
		return;
	}
	t->rto_ns = 2 * t->rto_ns < RTO_MAX ? 2 * t->rto_ns : RTO_MAX;
	t->timed_ns = 0; /* Karn: what is sent twice is not timed */
	arm(t, now_ns);
	t->nxt = t->una;
	if (!flight || (!t->wnd && t->state == SP_TCB_OPEN)) { /* shut: is it still? */
		t->probe = true;
		return;
	}
	t->ssthresh = max32(flight / 2, 2u * t->mss);
	t->cwnd = t->mss;
	t->recovering = false;
	t->dup_acks = 0;
}

/* ---- what comes: acknowledgements ---- */

static void grow(struct sp_tcb *t, uint32_t acked)
{
	if (t->cwnd < t->ssthresh)
		t->cwnd += min32(acked, t->mss);
	else
		t->cwnd += max32(1, (uint32_t)t->mss * t->mss / t->cwnd);
	t->cwnd = min32(t->cwnd, 1u << 30);
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
	t->ssthresh = max32((t->max - t->una) / 2, 2u * t->mss);
	t->cwnd = t->ssthresh + DUP_ACKS * t->mss;
	t->recover = t->max;
	t->recovering = true;
	t->resend = true;
	t->timed_ns = 0;
}

static void confirm(struct sp_tcb *t, uint32_t ack, uint64_t now_ns)
{
	uint32_t n = ack - t->una, bytes = min32(n, t->n_snd);

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
		sample(t, now_ns - t->timed_ns);
		t->timed_ns = 0;
	}
	if (t->recovering && sp_seq_before(ack, t->recover)) {
		t->resend = true; /* the next hole */
		t->cwnd = max32(t->cwnd - min32(t->cwnd, bytes) + t->mss, t->mss);
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
		t->timer_ns = NEVER;
	else
		arm(t, now_ns);
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
	ring_put(&t->rcv, place, s->data + (from - s->seq), to - from);
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
		end(t, -ECONNREFUSED);
		return;
	}
	if (!(s->flags & SP_TCP_SYN))
		return;
	t->state = SP_TCB_OPEN;
	t->rcv_nxt = s->seq + 1;
	t->wnd = s->window;
	t->wl1 = s->seq;
	t->wl2 = s->ack;
	t->mss = s->mss ? s->mss : MSS_DFLT;
	if (t->mss > t->own_mss)
		t->mss = t->own_mss;
	if (t->mss < 64)
		t->mss = 64;
	t->cwnd = FIRST_SEGS * t->mss;
	t->ssthresh = UINT32_MAX;
	if (t->timed_ns)
		sample(t, now_ns - t->timed_ns);
	t->timed_ns = 0;
	t->una = t->nxt = t->max = s->ack;
	t->tries = 0;
	t->timer_ns = NEVER;
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
			end(t, t->state == SP_TCB_TIME_WAIT ? 0 : -ECONNRESET);
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
		/* What is old by its bytes may still confirm ours. */
		if (sp_seq_before(t->rcv_nxt + t->rcv.cap, s->seq))
			return;
	}
	if (!take_ack(t, s, now_ns))
		return;
	take_data(t, s);
	close_if_over(t, now_ns);
}

/* ---- what goes ---- */

static uint32_t window(const struct sp_tcb *t)
{
	return min32(t->rcv.cap - t->n_rcv, 65535);
}

static void head(struct sp_tcb *t, struct sp_tcp_seg *s, uint32_t seq, uint8_t flags)
{
	*s = (struct sp_tcp_seg){ .sport = t->sport,
				  .dport = t->dport,
				  .seq = seq,
				  .ack = flags & SP_TCP_ACK ? t->rcv_nxt : 0,
				  .window = window(t),
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
	ring_get(&t->snd, t->snd_at + off, data, len);
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
	if (t->timer_ns == NEVER)
		arm(t, now_ns);
}

/* How many bytes may leave at nxt; UINT32_MAX: nothing, not even a FIN. */
static uint32_t may_send(const struct sp_tcb *t)
{
	uint32_t off = t->nxt - t->una, left, room, wnd = min32(t->wnd, t->cwnd);

	if (off > t->n_snd || t->fin_done) /* the FIN has left */
		return UINT32_MAX;
	left = t->n_snd - off;
	room = wnd > off ? wnd - off : 0;
	if (left > room && room < t->mss && off)
		return UINT32_MAX; /* small pieces only when nothing is on its way (RFC 9293, 3.8.6.2.1) */
	left = min32(min32(left, room), t->mss);
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
			body(t, t->una, min32(t->n_snd, t->mss), now_ns, s, data);
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
	if (t->n_snd && t->una == t->max && t->timer_ns == NEVER)
		arm(t, now_ns);
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
		if (t->timer_ns == NEVER)
			arm(t, now_ns);
		return true;
	}
	if (t->state == SP_TCB_OPEN && output_open(t, now_ns, s, data))
		return true;
	if (t->state == SP_TCB_CLOSED || !t->acks)
		return false;
	head(t, s, t->nxt, SP_TCP_ACK);
	return true;
}

/* ---- the reader and the writer ---- */

ssize_t sp_tcb_read(struct sp_tcb *t, void *data, size_t len)
{
	uint32_t n = len < t->n_rcv ? (uint32_t)len : t->n_rcv, edge;

	if (!n) {
		if (t->state == SP_TCB_CLOSED && t->error)
			return t->error;
		return t->got_fin || t->state == SP_TCB_CLOSED ? 0 : -EAGAIN;
	}
	ring_get(&t->rcv, t->rcv_at, data, n);
	t->rcv_at += n;
	t->n_rcv -= n;
	/* The far end is told of a window that has opened well (RFC 9293, 3.8.6.2.2). */
	edge = t->rcv_nxt + window(t);
	if (t->state == SP_TCB_OPEN && !t->got_fin && !t->acks &&
	    edge - t->rcv_edge >= min32(t->rcv.cap / 2, 2u * t->own_mss))
		t->acks = 1;
	return (ssize_t)n;
}

ssize_t sp_tcb_write(struct sp_tcb *t, const struct iovec *iov, int n)
{
	size_t sum = 0;

	if (t->state == SP_TCB_CLOSED)
		return t->error ? t->error : -EPIPE;
	if (t->state == SP_TCB_SYN_SENT)
		return -EAGAIN;
	if (t->fin_wanted || t->state == SP_TCB_TIME_WAIT)
		return -EPIPE;
	for (int i = 0; i < n; i++) {
		uint32_t room = t->snd.cap - t->n_snd;
		uint32_t len = iov[i].iov_len < room ? (uint32_t)iov[i].iov_len : room;

		ring_put(&t->snd, t->snd_at + t->n_snd, iov[i].iov_base, len);
		t->n_snd += len;
		sum += len;
		if (len < iov[i].iov_len) {
			t->full = true;
			break;
		}
	}
	return sum ? (ssize_t)sum : -EAGAIN;
}

void sp_tcb_finish(struct sp_tcb *t)
{
	if (t->state == SP_TCB_SYN_SENT)
		end(t, 0);
	t->fin_wanted = true;
}

void sp_tcb_abort(struct sp_tcb *t)
{
	t->reset = t->state == SP_TCB_OPEN;
	end(t, -ECONNRESET);
	t->n_rcv = 0;
}
