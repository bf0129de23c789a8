#include "engine/verify.h"

#include <string.h>
#include <sys/random.h>

#include "core/shared.h"

int sp_flow_table_init(struct sp_flow_table *t, const struct sp_mem *mem, uint32_t cap)
{
	*t = (struct sp_flow_table){ .cap = cap };
	t->rx = sp_alloc_array(mem, cap, sizeof *t->rx);
	t->sketch = sp_alloc_array(mem, cap, sizeof *t->sketch);
	t->meta = sp_alloc_array(mem, cap, sizeof *t->meta);
	if (t->rx && t->sketch && t->meta)
		return 0;
	sp_flow_table_fini(t, mem);
	return -1;
}

void sp_flow_table_fini(struct sp_flow_table *t, const struct sp_mem *mem)
{
	sp_free(mem, t->rx);
	sp_free(mem, t->sketch);
	sp_free(mem, t->meta);
	*t = (struct sp_flow_table){ 0 };
}

static uint32_t power_of_two_above(uint32_t n)
{
	uint32_t p = 16;

	while (p < n)
		p *= 2;
	return p;
}

int sp_verifier_init(struct sp_verifier *v, const struct sp_mem *mem,
		     struct sp_flow_table *granted, struct sp_rx_session *session,
		     const struct sp_stamp_ops *native, const struct sp_stamp_ops *shorter,
		     uint32_t max_flows, uint32_t max_endpoints, uint32_t queues)
{
	uint32_t slots = power_of_two_above(2 * max_flows);

	*v = (struct sp_verifier){ .mem = mem,
				   .granted = granted,
				   .session = session,
				   .native = native,
				   .shorter = shorter,
				   .ep_cap = max_endpoints,
				   .hash_mask = slots - 1 };
	/* Early in a boot there may be none: then the zeros do. */
	(void)!getrandom(v->key, sizeof v->key, GRND_NONBLOCK);
	v->tally = sp_alloc_array(mem, SP_TALLIES, sizeof *v->tally);
	v->hash = sp_alloc_array(mem, slots, sizeof *v->hash);
	v->ep_flow = sp_alloc_array(mem, queues * ((size_t)max_endpoints + 1),
				    sizeof *v->ep_flow);
	v->stamp = sp_alloc_array(mem, SP_BATCH_MAX, sizeof *v->stamp);
	v->check = sp_alloc_array(mem, SP_BATCH_MAX, sizeof *v->check);
	if (v->tally && v->hash && v->ep_flow && v->stamp && v->check &&
	    sp_flow_table_init(&v->own, mem, max_flows) == 0)
		return 0;
	sp_verifier_fini(v);
	return -1;
}

void sp_verifier_fini(struct sp_verifier *v)
{
	if (!v->mem)
		return;
	sp_free(v->mem, v->tally);
	sp_free(v->mem, v->hash);
	sp_free(v->mem, v->ep_flow);
	sp_free(v->mem, v->stamp);
	sp_free(v->mem, v->check);
	sp_flow_table_fini(&v->own, v->mem);
	*v = (struct sp_verifier){ 0 };
}

/* A flow, wherever it lives. ref numbers both tables: granted ones first. */
struct place {
	struct sp_flow_rx *rx;
	struct sp_sketch *sketch;
	struct sp_flow_meta *meta;
	uint32_t ref;
};

static struct place place_at(struct sp_verifier *v, uint32_t ref)
{
	const struct sp_flow_table *t = &v->own;
	uint32_t i = ref, granted = v->granted ? v->granted->cap : 0;

	if (ref < granted)
		t = v->granted;
	else
		i -= granted;
	return (struct place){ &t->rx[i], &t->sketch[i], &t->meta[i], ref };
}

static uint32_t hash_key(const struct sp_verifier *v, uint32_t queue, uint32_t ep, uint32_t id)
{
	uint64_t x = ((uint64_t)ep << 32 | id) ^ v->key[0];
	unsigned __int128 m = (unsigned __int128)x * (v->key[1] + 2 * (uint64_t)queue + 1);

	return (uint32_t)(m >> 96 ^ m >> 32);
}

static uint32_t *last_flow(const struct sp_verifier *v, uint32_t queue, uint32_t ep)
{
	return &v->ep_flow[(size_t)queue * (v->ep_cap + 1) + ep];
}

/* Looks a flow of the sender's own choice up, making it when there is room. */
static bool own_flow(struct sp_verifier *v, uint32_t queue, uint32_t ep, uint32_t id,
		     const struct sp_stamp *st, bool has_time, struct place *out)
{
	uint32_t granted = v->granted ? v->granted->cap : 0;
	uint32_t h = hash_key(v, queue, ep, id) & v->hash_mask, i;
	struct sp_flow_meta *meta;

	for (; v->hash[h]; h = (h + 1) & v->hash_mask) {
		i = v->hash[h] - 1;
		meta = &v->own.meta[i];
		if (meta->id == id && meta->ep == ep && meta->queue == queue) {
			*out = place_at(v, granted + i);
			return true;
		}
	}
	if (v->own.used == v->own.cap)
		return false;
	i = v->own.used;
	v->own.meta[i] = (struct sp_flow_meta){ .base = st ? st->seq : 0,
						.id = id,
						.ep = ep,
						.queue = queue,
						.stamped = st != NULL,
						.has_time = has_time };
	/* What was sent before this receiver looked is not its loss. */
	v->own.rx[i].next = st ? st->seq : 0;
	if (v->own_tallies < SP_TALLY_OWN)
		v->own.rx[i].tally = (uint16_t)(1 + SP_TALLY_GRANTED + v->own_tallies++);
	v->hash[h] = i + 1;
	__atomic_store_n(&v->own.used, i + 1, __ATOMIC_RELEASE);
	*out = place_at(v, granted + i);
	return true;
}

bool sp_verifier_plain(struct sp_verifier *v, uint32_t queue, uint32_t ep,
		       struct sp_flow_rx **f, struct sp_flow_meta **meta)
{
	struct place at;

	ep = ep < v->ep_cap ? ep : v->ep_cap;
	if (!own_flow(v, queue, ep, SP_NO_FLOW, NULL, false, &at))
		return false;
	*f = at.rx;
	*meta = at.meta;
	return true;
}

static bool good_flow(struct sp_verifier *v, uint32_t queue, uint32_t ep,
		      const struct sp_stamp *st, bool has_time, struct place *out)
{
	uint32_t i = st->flow - 1;

	if (v->granted && st->flow > 0 &&
	    i < __atomic_load_n(&v->granted->used, __ATOMIC_ACQUIRE)) {
		*out = place_at(v, i);
		if (SP_LIKELY(*last_flow(v, queue, ep) == i + 1))
			return true;
		if (out->meta->ep == SP_NO_FLOW) {
			out->meta->ep = ep;
			out->meta->queue = queue;
			out->meta->stamped = true;
			out->meta->has_time = has_time;
		}
		if (out->meta->ep == ep && out->meta->queue == queue)
			return true;
	}
	return own_flow(v, queue, ep, st->flow, st, has_time, out);
}

/* Which flow a message with a damaged stamp was of: the one that its id says, if that is one of
 * this endpoint's; else the endpoint's last good one. */
static bool damaged_flow(struct sp_verifier *v, uint32_t queue, uint32_t ep,
			 const struct sp_stamp *st, int8_t check, struct place *out)
{
	uint32_t last = *last_flow(v, queue, ep);

	if (!last)
		return false;
	if (check == SP_STAMP_BAD && v->granted && st->flow > 0 &&
	    st->flow - 1 < SP_LOAD(v->granted->used)) {
		*out = place_at(v, st->flow - 1);
		if (out->meta->ep == ep && out->meta->queue == queue)
			return true;
	}
	*out = place_at(v, last - 1);
	return out->meta->stamped;
}

static void note_arrival(struct sp_flow_rx *f, uint64_t t_ns, uint32_t bytes)
{
	if (f->rx == 0)
		SP_STORE(f->first_rx, t_ns);
	SP_ADD(f->rx, 1);
	SP_ADD(f->rx_bytes, bytes);
}

/* The sequence window. Returns false when the message is a duplicate. *in_order: it is the
 * newest so far. */
static bool note_sequence(struct sp_flow_rx *f, struct sp_flow_meta *meta,
			  const struct sp_stamp *st, bool *in_order)
{
	unsigned unused = 32u - st->seq_bits;
	int32_t d = (int32_t)((st->seq - (uint32_t)f->next) << unused) >> unused;
	uint64_t q = f->next + (uint64_t)(int64_t)d;
	uint64_t *word = &f->win[q / 64 % (SP_RX_WINDOW / 64)], bit = 1ull << (q & 63);

	*in_order = d >= 0;
	if (SP_LIKELY(d >= 0)) {
		if (SP_UNLIKELY(d > 0)) {
			SP_ADD(f->gaps, 1);
			if (d >= (int32_t)SP_RX_WINDOW)
				memset(f->win, 0, sizeof f->win);
			else
				for (uint64_t k = f->next; k < q; k++)
					f->win[k / 64 % (SP_RX_WINDOW / 64)] &= ~(1ull
										  << (k & 63));
		}
		*word |= bit;
		/* The word ahead is emptied before its first bit is set. */
		if ((q & 63) == 63)
			f->win[(q / 64 + 1) % (SP_RX_WINDOW / 64)] = 0;
		SP_STORE(f->next, q + 1);
		return true;
	}
	if (q >= f->next || q < meta->base) {
		/* Sent before the first that we saw. */
		if (q < f->next && meta->base - q < SP_RX_WINDOW - 64 &&
		    f->next - q < SP_RX_WINDOW - 64) {
			meta->base = q;
			*word |= bit;
			SP_ADD(f->reordered, 1);
			return true;
		}
		SP_ADD(f->duplicates, 1);
		return false;
	}
	if (d < -(int32_t)(SP_RX_WINDOW - 64)) {
		/* Too old to look up: taken as late while any is missing, else as a copy. */
		SP_ADD(f->too_old, 1);
		if (f->next - meta->base <= f->rx - 1 - f->duplicates - f->corrupted) {
			SP_ADD(f->duplicates, 1);
			return false;
		}
		SP_ADD(f->reordered, 1);
		return true;
	}
	if (*word & bit) {
		SP_ADD(f->duplicates, 1);
		return false;
	}
	*word |= bit;
	SP_ADD(f->reordered, 1);
	return true;
}

static void note_delay(struct sp_flow_rx *f, struct sp_sketch *sketch,
		       struct sp_flow_meta *meta, struct sp_tally_rx *tally, int64_t delay,
		       uint64_t late)
{
	bool first = f->rx - f->duplicates - f->corrupted == 1;

	sp_hist_add(&tally->delay, delay);
	sp_hist_add(&tally->delay_actual, delay - (int64_t)late);
	if (SP_UNLIKELY(delay < (int64_t)late))
		SP_ADD(meta->negative, 1);
	if (first || delay < f->delay_min)
		f->delay_min = delay;
	if (first || delay > f->delay_max)
		f->delay_max = delay;
	/* Forged times could sum up to anything. */
	if (SP_UNLIKELY(__builtin_add_overflow(f->delay_sum, delay, &f->delay_sum)))
		f->delay_sum = delay < 0 ? INT64_MIN : INT64_MAX;
	sp_sketch_add(sketch, delay > 0 ? (uint64_t)delay : 0);
}

/* Time: one-way delay where the clock is mapped, gap error and jitter always. */
static void note_time(struct sp_flow_rx *f, struct place *at, struct sp_tally_rx *tally,
		      const struct sp_rx_session *s, const struct sp_stamp *st, uint64_t t_ns,
		      bool in_order)
{
	uint64_t ref, due, d, late = st->late_ns;
	int64_t gap, jitter;

	if (s->clock_known)
		ref = t_ns - (uint64_t)s->offset_ns;
	else
		ref = f->last_rx ? f->last_due + (t_ns - f->last_rx) : st->due_lo;
	due = sp_unwrap40(st->due_lo, ref);
	if (s->clock_known)
		note_delay(f, at->sketch, at->meta, tally, (int64_t)(t_ns - due) - s->offset_ns,
			   late);
	if (!in_order)
		return;
	if (SP_LIKELY(f->last_rx)) {
		gap = (int64_t)(t_ns - f->last_rx) - (int64_t)(due - f->last_due);
		jitter = gap - ((int64_t)late - (int64_t)f->last_late_ns);
		gap = gap < 0 ? -gap : gap;
		d = (uint64_t)(jitter < 0 ? -jitter : jitter);
		sp_hist_add(&tally->gap_error, gap);
		if (!s->clock_known)
			sp_sketch_add(at->sketch, (uint64_t)gap);
		/* RFC 3550 A.8, scaled by 16. */
		SP_STORE(f->jitter16, f->jitter16 + d - ((f->jitter16 + 8) >> 4));
	}
	f->last_due = due;
	f->last_late_ns = late > UINT32_MAX ? UINT32_MAX : (uint32_t)late;
}

static void verify_message(struct sp_verifier *v, uint32_t queue, const struct sp_msg *m,
			   const struct sp_stamp *st, int8_t check, bool has_time,
			   uint32_t bytes)
{
	uint32_t ep = SP_LIKELY(m->ep < v->ep_cap) ? m->ep : v->ep_cap;
	struct place at;
	bool in_order = true, ok;

	if (check == SP_STAMP_GOOD && !(m->flags & SP_M_CSUM_BAD)) {
		if (SP_UNLIKELY(!good_flow(v, queue, ep, st, has_time, &at)))
			goto untracked;
		*last_flow(v, queue, ep) = at.ref + 1;
		note_arrival(at.rx, m->t_ns, bytes);
		ok = note_sequence(at.rx, at.meta, st, &in_order);
		if (ok && has_time)
			note_time(at.rx, &at, &v->tally[at.rx->tally],
				  &v->session[at.rx->session], st, m->t_ns, in_order);
		if (in_order || at.rx->last_rx < m->t_ns)
			SP_STORE(at.rx->last_rx, m->t_ns);
		return;
	}
	/* Of many sources that share an endpoint nobody knows whose damage it is. */
	if (ep < v->ep_cap && damaged_flow(v, queue, ep, st, check, &at)) {
		note_arrival(at.rx, m->t_ns, bytes);
		SP_ADD(at.rx->corrupted, 1);
		return;
	}
	if (!own_flow(v, queue, ep, SP_NO_FLOW, NULL, false, &at))
		goto untracked;
	note_arrival(at.rx, m->t_ns, bytes);
	SP_STORE(at.rx->last_rx, m->t_ns);
	return;
untracked:
	SP_ADD(v->untracked, 1);
	SP_ADD(v->untracked_bytes, bytes);
}

void sp_verify_burst(struct sp_verifier *v, struct sp_batch *b, uint32_t queue)
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
				       v->native->has_time, m->len + around[i]);
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
				       v->shorter->has_time, b->m[i].len + around[i]);
}

void sp_account_tx(struct sp_flow_tx *base, struct sp_tally_tx *tally, const struct sp_batch *b,
		   uint32_t from, uint32_t n, uint64_t now_ns)
{
	for (uint32_t i = from; i < from + n; i++) {
		const struct sp_msg *m = &b->m[i];
		struct sp_flow_tx *f = &base[m->flow];
		struct sp_tally_tx *t = &tally[f->tally];
		int64_t gap;

		sp_hist_add(&t->late, (int64_t)(now_ns - m->t_ns));
		if (SP_LIKELY(f->tx)) {
			gap = (int64_t)(now_ns - f->last_tx) - (int64_t)(m->t_ns - f->last_due);
			sp_hist_add(&t->gap_error, gap < 0 ? -gap : gap);
		} else {
			SP_STORE(f->first_tx, now_ns);
		}
		SP_ADD(f->tx, 1);
		SP_ADD(f->tx_bytes, m->len);
		SP_STORE(f->last_tx, now_ns);
		f->last_due = m->t_ns;
	}
}
