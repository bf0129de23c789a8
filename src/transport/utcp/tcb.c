#include "transport/utcp/tcb_impl.h"

#include <errno.h>

#define RTO_FIRST (1000 * SP_TCB_MS) /* RFC 6298, 2.1 */
#define RTO_MIN	  (200 * SP_TCB_MS) /* below the RFC's second, as Linux: delays are short here */
#define RTO_MAX	  (60000 * SP_TCB_MS)
#define CLOCK_G	  (1 * SP_TCB_MS)
#define SYN_TRIES 6u
#define TRIES	  10u

void sp_tcb_connect(struct sp_tcb *t, const struct sp_tcb_conf *c)
{
	*t = (struct sp_tcb){
		.state = SP_TCB_SYN_SENT,
		.sport = c->sport,
		.dport = c->dport,
		.mss = SP_TCB_MSS_DFLT,
		.own_mss = c->mss,
		.snd = c->snd,
		.rcv = c->rcv,
		.una = c->iss,
		.nxt = c->iss,
		.max = c->iss,
		.ssthresh = UINT32_MAX,
		.timer_ns = UINT64_MAX,
		.rto_ns = RTO_FIRST,
	};
}

/* ---- time ---- */

void sp_tcb_sample(struct sp_tcb *t, uint64_t rtt)
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
	t->timer_ns = UINT64_MAX;
	if (t->state == SP_TCB_TIME_WAIT || t->state == SP_TCB_CLOSED) {
		sp_tcb_end(t, 0);
		return;
	}
	if (t->tries++ >= most) {
		t->reset = t->state != SP_TCB_SYN_SENT;
		sp_tcb_end(t, -ETIMEDOUT);
		return;
	}
	t->rto_ns = 2 * t->rto_ns < RTO_MAX ? 2 * t->rto_ns : RTO_MAX;
	t->timed_ns = 0; /* Karn: what is sent twice is not timed */
	sp_tcb_arm(t, now_ns);
	t->nxt = t->una;
	if (!flight || (!t->wnd && t->state == SP_TCB_OPEN)) { /* shut: is it still? */
		t->probe = true;
		return;
	}
	t->ssthresh = sp_tcb_max(flight / 2, 2u * t->mss);
	t->cwnd = t->mss;
	t->recovering = false;
	t->dup_acks = 0;
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
	sp_tcb_ring_get(&t->rcv, t->rcv_at, data, n);
	t->rcv_at += n;
	t->n_rcv -= n;
	/* The far end is told of a window that has opened well (RFC 9293, 3.8.6.2.2). */
	edge = t->rcv_nxt + sp_tcb_window(t);
	if (t->state == SP_TCB_OPEN && !t->got_fin && !t->acks &&
	    edge - t->rcv_edge >= sp_tcb_min(t->rcv.cap / 2, 2u * t->own_mss))
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

		sp_tcb_ring_put(&t->snd, t->snd_at + t->n_snd, iov[i].iov_base, len);
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
		sp_tcb_end(t, 0);
	t->fin_wanted = true;
}

void sp_tcb_abort(struct sp_tcb *t)
{
	t->reset = t->state == SP_TCB_OPEN;
	sp_tcb_end(t, -ECONNRESET);
	t->n_rcv = 0;
}
