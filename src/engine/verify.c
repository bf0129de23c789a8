/* What each message says: its count, its place in the sequence, its times. */
#include "engine/verify_impl.h"

#include <string.h>

#include "core/shared.h"

/* The flow of a good stamp: most often the endpoint's last one, or another that it has. */
static bool good_flow(struct sp_verifier *v, uint32_t queue, uint32_t ep,
		      const struct sp_stamp *st, bool has_time, const struct sp_whole *frame,
		      struct sp_flow_at *out)
{
	uint32_t tag = st->flow | SP_FLOW_LIVE, last = SP_LOAD(*sp_verify_last(v, queue, ep));

	if (SP_LIKELY(last)) {
		*out = sp_flow_by_ref(v, last - 1);
		if (SP_LIKELY(__atomic_load_n(&out->rx->tag, __ATOMIC_SEQ_CST) == tag))
			return true;
	}
	if (SP_LIKELY(sp_verify_granted_at(v, st->flow, out)) &&
	    SP_LIKELY(sp_verify_is_writer(v, out->meta, queue, ep)))
		return true;
	return sp_verify_good(v, queue, ep, st, has_time, frame, out);
}

static void note_arrival(struct sp_flow_rx *f, struct sp_flow_meta *meta, uint64_t t_ns,
			 uint32_t bytes)
{
	if (SP_UNLIKELY(f->rx == 0))
		SP_STORE(meta->first_rx, t_ns);
	if (SP_LIKELY(t_ns > f->last_rx))
		SP_STORE(f->last_rx, t_ns);
	SP_ADD(f->rx, 1);
	SP_ADD(f->rx_bytes, bytes);
}

/* The intended departure, by what is known of the sender's clock. */
static uint64_t due_of(const struct sp_flow_rx *f, const struct sp_rx_session *s,
		       const struct sp_stamp *st, uint64_t t_ns)
{
	uint64_t ref = st->due_lo;

	if (SP_LOAD(s->clock_known))
		ref = t_ns - (uint64_t)SP_LOAD(s->offset_ns);
	else if (f->timed)
		ref = f->newest_due + (t_ns - f->newest_rx);
	return sp_unwrap40(st->due_lo, ref);
}

/* A jump ends a time in which something was missed. */
static void note_outage(struct sp_flow_meta *meta, uint64_t before_ns, uint64_t t_ns)
{
	if (before_ns && t_ns > before_ns && t_ns - before_ns > meta->outage_ns)
		SP_STORE(meta->outage_ns, t_ns - before_ns);
}

/* The sequence window. Returns false when the message is a duplicate. *in_order: it is the
 * newest so far. before_ns: the arrival before it; 0 none. */
static bool note_sequence(struct sp_flow_rx *f, struct sp_flow_meta *meta,
			  const struct sp_rx_session *s, const struct sp_stamp *st,
			  uint64_t before_ns, uint64_t t_ns, bool *in_order)
{
	unsigned unused = 32u - st->seq_bits;
	int32_t d = (int32_t)((st->seq - (uint32_t)f->next) << unused) >> unused;
	uint64_t q = f->next + (uint64_t)(int64_t)d;

	*in_order = d >= 0;
	if (SP_LIKELY(d >= 0)) {
		if (SP_UNLIKELY(d > 0)) {
			SP_ADD(f->gaps, 1);
			note_outage(meta, before_ns, t_ns);
			if (d >= (int32_t)SP_RX_WINDOW)
				memset(f->win, 0, sizeof f->win);
			else
				for (uint64_t k = f->next; k < q; k++)
					f->win[k / 64 % (SP_RX_WINDOW / 64)] &= ~(1ull
										  << (k & 63));
		}
		f->win[q / 64 % (SP_RX_WINDOW / 64)] |= 1ull << (q & 63);
		SP_STORE(f->next, q + 1);
		return true;
	}
	return sp_verify_late(f, meta, st, q, due_of(f, s, st, t_ns), in_order);
}

static void note_delay(struct sp_flow_rx *f, struct sp_sketch *sketch,
		       struct sp_flow_meta *meta, struct sp_tally_rx *tally, int64_t delay,
		       uint64_t late)
{
	bool first = f->rx - f->duplicates - f->corrupted == 1;
	int64_t sum;

	sp_hist_add(&tally->delay, delay);
	sp_hist_add(&tally->delay_actual, delay - (int64_t)late);
	if (SP_UNLIKELY(delay < (int64_t)late))
		SP_ADD(meta->negative, 1);
	if (first || delay < f->delay_min)
		SP_STORE(f->delay_min, delay);
	if (first || delay > f->delay_max)
		SP_STORE(f->delay_max, delay);
	/* Forged times could sum up to anything. */
	if (SP_UNLIKELY(__builtin_add_overflow(f->delay_sum, delay, &sum)))
		sum = delay < 0 ? INT64_MIN : INT64_MAX;
	SP_STORE(f->delay_sum, sum);
	sp_sketch_add(sketch, delay > 0 ? (uint64_t)delay : 0);
}

/* Time: one-way delay where the clock is mapped; the jitter over all unique ones in the order in
 * which they came; the gap error over those in order. */
static void note_time(struct sp_flow_rx *f, struct sp_flow_at *at, struct sp_tally_rx *tally,
		      const struct sp_rx_session *s, const struct sp_stamp *st, uint64_t t_ns,
		      bool in_order)
{
	uint64_t due = due_of(f, s, st, t_ns), late = st->late_ns;
	uint64_t transit = t_ns - due - late, d = transit - f->transit;
	bool known = SP_LOAD(s->clock_known);
	int64_t gap;

	if (known)
		note_delay(f, at->sketch, at->meta, tally,
			   (int64_t)(t_ns - due) - SP_LOAD(s->offset_ns), late);
	if (SP_LIKELY(f->timed)) {
		d = (int64_t)d < 0 ? -d : d;
		/* RFC 3550 A.8, scaled by 16. */
		SP_STORE(f->jitter16, f->jitter16 + d - ((f->jitter16 + 8) >> 4));
	}
	f->transit = transit;
	if (!in_order)
		return;
	if (SP_LIKELY(f->timed)) {
		gap = (int64_t)(t_ns - f->newest_rx) - (int64_t)(due - f->newest_due);
		gap = gap < 0 ? -gap : gap;
		sp_hist_add(&tally->gap_error, gap);
		if (!known)
			sp_sketch_add(at->sketch, (uint64_t)gap);
	}
	f->newest_due = due;
	f->newest_rx = t_ns;
	f->timed = 1;
}

static void count_untracked(struct sp_verifier *v, uint32_t bytes)
{
	SP_ADD(v->untracked, 1);
	SP_ADD(v->untracked_bytes, bytes);
}

/* Whatever has no stamp that says more of it. */
static void count_unstamped(struct sp_verifier *v, uint32_t queue, uint32_t ep,
			    const struct sp_msg *m, const struct sp_whole *frame,
			    uint32_t bytes)
{
	struct sp_flow_at at;

	if (!sp_verify_unstamped(v, queue, ep, frame, &at)) {
		count_untracked(v, bytes);
		return;
	}
	note_arrival(at.rx, at.meta, m->t_ns, bytes);
	if (SP_UNLIKELY(m->flags & SP_M_CSUM_BAD))
		SP_ADD(at.rx->corrupted, 1);
}

/* Units that were verified where they came in: in order from the stamp's sequence number on. Of their
 * times only the last arrival is known. */
static void note_run(struct sp_flow_rx *f, struct sp_flow_meta *meta,
		     const struct sp_rx_session *s, const struct sp_stamp *st,
		     const struct sp_msg *m, uint32_t bytes)
{
	struct sp_stamp one = *st;
	uint64_t before_ns = f->last_rx, n = m->flow;
	bool in_order;

	if (f->rx == 0)
		SP_STORE(meta->first_rx, m->t_ns);
	if (m->t_ns > f->last_rx)
		SP_STORE(f->last_rx, m->t_ns);
	for (; n; n--, one.seq++) {
		if (SP_LIKELY(one.seq == (uint32_t)f->next && n > SP_RX_WINDOW)) {
			/* All but the last of them, which fill the window. */
			uint64_t k = n - SP_RX_WINDOW;

			SP_ADD(f->rx, k);
			SP_ADD(f->rx_bytes, k * bytes);
			SP_STORE(f->next, f->next + k);
			one.seq += (uint32_t)k;
			n -= k;
		}
		SP_ADD(f->rx, 1);
		SP_ADD(f->rx_bytes, bytes);
		(void)note_sequence(f, meta, s, &one, before_ns, m->t_ns, &in_order);
	}
	f->timed = 0;
}

static void verify_message(struct sp_verifier *v, uint32_t queue, const struct sp_msg *m,
			   const struct sp_stamp *st, int8_t check, bool has_time,
			   const struct sp_whole *frame, uint32_t bytes)
{
	uint32_t ep = m->ep;
	const struct sp_rx_session *s;
	struct sp_flow_at at;
	bool in_order = true, by_claim = false;
	uint64_t before_ns;

	if (SP_UNLIKELY(ep >= v->ep_cap)) {
		by_claim = ep == SP_EP_CLAIMED;
		ep = v->ep_cap;
		if (!by_claim && (!frame || check != SP_STAMP_NONE))
			SP_ADD(v->nameless, 1);
	}
	/* Its source address says nothing: the flow alone is the key. */
	if (SP_UNLIKELY(check == SP_STAMP_GOOD && st->kind & SP_STAMP_VARIES))
		ep = v->ep_cap;
	has_time = has_time && !(m->flags & SP_M_UNTIMED);
	if (check == SP_STAMP_GOOD && !(m->flags & SP_M_CSUM_BAD)) {
		if (SP_UNLIKELY(!good_flow(v, queue, ep, st, has_time, frame, &at))) {
			count_untracked(v, bytes);
			return;
		}
		SP_STORE(*sp_verify_last(v, queue, ep), at.ref + 1);
		s = &v->session[at.rx->session];
		if (SP_UNLIKELY(m->flags & SP_M_RUN)) {
			note_run(at.rx, at.meta, s, st, m, bytes);
			return;
		}
		before_ns = at.rx->last_rx;
		note_arrival(at.rx, at.meta, m->t_ns, bytes);
		if (!note_sequence(at.rx, at.meta, s, st, before_ns, m->t_ns, &in_order))
			return;
		if (has_time)
			note_time(at.rx, &at, &v->tally[SP_LOAD(at.rx->tally)], s, st, m->t_ns,
				  in_order);
		if (SP_UNLIKELY(st->kind & SP_STAMP_LAST) && in_order)
			SP_STORE(at.meta->last, at.rx->next);
		return;
	}
	/* Of many sources that share an endpoint nobody knows whose damage it is; what is shorter
	 * than any stamp never had one. */
	if (by_claim ? sp_verify_claimed(v, m->flow, &at)
		     : ep < v->ep_cap && m->len >= v->shorter->len &&
			       sp_verify_damaged(v, queue, ep, st, check, &at)) {
		note_arrival(at.rx, at.meta, m->t_ns, bytes);
		SP_ADD(at.rx->corrupted, 1);
		if (m->flags & SP_M_CSUM_BAD)
			SP_ADD(at.meta->csum_bad, 1);
		return;
	}
	count_unstamped(v, queue, ep, m, frame, bytes);
}

void sp_verify_burst(struct sp_verifier *v, struct sp_batch *b, uint32_t queue,
		     const struct sp_whole *frame)
{
	uint16_t around[SP_BATCH_MAX];
	uint32_t none = 0;
	const uint8_t native = v->native->len, shorter = v->shorter->len;

	for (uint32_t i = 0; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];

		around[i] = m->stamp_off == SP_NO_STAMP ? 0 : m->stamp_off;
		m->stamp_off = m->len >= native ? (uint16_t)(m->len - native) : SP_NO_STAMP;
		v->check[i] = SP_STAMP_NONE;
	}
	v->native->get(b, 0, v->stamp, v->check);
	for (uint32_t i = 0; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];

		if (SP_LIKELY(v->check[i] != SP_STAMP_NONE)) {
			verify_message(v, queue, m, &v->stamp[i], v->check[i],
				       v->native->has_time, frame ? &frame[i] : NULL,
				       m->len + around[i]);
			m->stamp_off = SP_NO_STAMP;
		} else {
			none++;
			m->stamp_off = m->len >= shorter ? (uint16_t)(m->len - shorter)
							 : SP_NO_STAMP;
		}
	}
	if (SP_LIKELY(none == 0))
		return;
	/* The rest: the short form, or nothing of ours. Marked by what the first pass found. */
	for (uint32_t i = 0; i < b->n; i++)
		b->m[i].flow = v->check[i] == SP_STAMP_NONE;
	v->shorter->get(b, 0, v->stamp, v->check);
	for (uint32_t i = 0; i < b->n; i++)
		if (b->m[i].flow)
			verify_message(v, queue, &b->m[i], &v->stamp[i],
				       b->m[i].stamp_off == SP_NO_STAMP ? (int8_t)SP_STAMP_NONE
									: v->check[i],
				       v->shorter->has_time, frame ? &frame[i] : NULL,
				       b->m[i].len + around[i]);
}
