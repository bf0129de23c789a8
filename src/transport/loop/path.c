#include "transport/loop/queue.h"

#include <errno.h>

uint32_t sp_loop_tx_slots(struct sp_queue *q, struct sp_batch *b, uint32_t n, uint32_t len,
			  uint32_t tmpl)
{
	return sp_slot_bank_lend(&q->slots, b, n, len, tmpl);
}

static bool strikes(struct sp_loop_stage *s)
{
	bool hit;

	s->seen++;
	hit = s->every && s->seen % s->every == 0;
	if (s->ratio > 0 && sp_rng_unit(&s->rng) < s->ratio)
		hit = true;
	return hit;
}

static struct sp_flight_rec *copy_in(struct sp_queue *q, const struct sp_msg *m, uint64_t t_ns)
{
	struct sp_flight_rec *r = sp_flight_put(&q->flight, m->data, m->len);

	if (!r) {
		sp_tstats_add(&q->stats.rx_dropped, 1);
		return NULL;
	}
	r->t_ns = t_ns;
	r->ep = m->ep;
	r->flow = m->flow;
	return r;
}

/* An intact message of flow arrives at t_ns: those that it passes come nearer to their turn,
 * and those that have been passed often enough arrive right behind it. */
static void pass_held(struct sp_queue *q, uint32_t flow, uint64_t t_ns)
{
	uint32_t i, kept = 0;

	for (i = 0; i < q->n_held; i++) {
		struct sp_loop_held *h = &q->held[i];

		if (h->flow == flow && t_ns < h->rec->t_ns) {
			h->passed = true;
			if (--h->wait == 0) {
				h->rec->t_ns = t_ns;
				sp_flight_queue(&q->flight, h->rec);
				q->truth.reordered++;
				continue;
			}
		}
		q->held[kept++] = *h;
	}
	q->n_held = kept;
}

static void arrive(struct sp_queue *q, const struct sp_flight_rec *r)
{
	sp_flight_queue(&q->flight, r);
	if (q->n_held)
		pass_held(q, r->flow, r->t_ns);
}

static void send_corrupt(struct sp_queue *q, const struct sp_msg *m, uint64_t t_ns)
{
	struct sp_flight_rec *r = copy_in(q, m, t_ns);
	uint32_t from = 0;
	uint64_t bit;

	if (!r)
		return;
	if (q->port->conf.corrupt_at == SP_LOOP_STAMP && m->stamp_off < m->len)
		from = m->stamp_off;
	if (m->len) {
		bit = (uint64_t)from * 8 + sp_rng_below(&q->bit_rng, (m->len - from) * 8ull);
		sp_flight_data(r)[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		q->truth.corrupted++;
	}
	/* Not through arrive(): nobody can tell that this one came from a flow. */
	sp_flight_queue(&q->flight, r);
}

static void send_twice(struct sp_queue *q, const struct sp_msg *m, uint64_t t_ns)
{
	struct sp_flight_rec *r = copy_in(q, m, t_ns);

	if (!r)
		return;
	arrive(q, r);
	r = copy_in(q, m, t_ns);
	if (!r)
		return;
	sp_flight_queue(&q->flight, r);
	q->truth.duplicated++;
}

static void hold_back(struct sp_queue *q, const struct sp_msg *m, uint64_t t_ns)
{
	const struct sp_loop_conf *c = &q->port->conf;
	struct sp_flight_rec *r = copy_in(q, m, t_ns);

	if (!r)
		return;
	if (q->n_held == SP_LOOP_HELD) {
		arrive(q, r);
		return;
	}
	r->t_ns += c->reorder_hold_ns;
	q->held[q->n_held++] = (struct sp_loop_held){ .rec = r,
						      .flow = m->flow,
						      .wait = (uint32_t)c->reorder_by };
}

static void send_impaired(struct sp_queue *q, const struct sp_msg *m, uint64_t now_ns)
{
	const struct sp_loop_conf *c = &q->port->conf;
	struct sp_flight_rec *r;
	uint64_t t_ns;

	if (strikes(&q->loss)) {
		q->truth.lost++;
		return;
	}
	t_ns = now_ns + c->delay_ns;
	if (c->jitter_ns)
		t_ns += sp_rng_below(&q->jitter_rng, c->jitter_ns + 1);
	if (t_ns < q->last_ns)
		t_ns = q->last_ns;
	q->last_ns = t_ns;
	if (strikes(&q->corrupt)) {
		send_corrupt(q, m, t_ns);
	} else if (strikes(&q->duplicate)) {
		send_twice(q, m, t_ns);
	} else if (strikes(&q->reorder)) {
		hold_back(q, m, t_ns);
	} else {
		r = copy_in(q, m, t_ns);
		if (r)
			arrive(q, r);
	}
}

/* The road of benchmarks: no limit is near, so nothing is checked for each message; and what
 * changes is kept out of memory, which the compiler must otherwise take to be touched by each
 * copy. */
static void send_fast(struct sp_queue *q, const struct sp_msg *m, uint32_t n, uint64_t now_ns)
{
	struct sp_flight *f = &q->flight;
	uint32_t *order = f->order, mask = f->mask, last = f->last;
	uint8_t *ring = f->ring, *at = ring + f->tail;

	for (uint32_t i = 0; i < n; i++, m++) {
		struct sp_flight_rec *r = (struct sp_flight_rec *)(void *)at;
		uint32_t len = m->len, span = sp_flight_span(len);

		order[last++ & mask] = (uint32_t)((size_t)(at - ring) / SP_FLIGHT_ALIGN);
		*r = (struct sp_flight_rec){ .t_ns = now_ns,
					     .len = len,
					     .ep = m->ep,
					     .flow = m->flow,
					     .span = span,
					     .busy = 1 };
		sp_flight_copy(sp_flight_data(r), m->data, len);
		at += span;
	}
	f->tail = (size_t)(at - ring);
	f->last = last;
	f->out += n;
	f->busy += n;
}

static void send_plain(struct sp_queue *q, const struct sp_msg *m, uint32_t n, uint64_t now_ns)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct sp_flight_rec *r = copy_in(q, &m[i], now_ns);

		if (r)
			sp_flight_queue(&q->flight, r);
	}
}

int sp_loop_tx_burst(struct sp_queue *q, struct sp_batch *b, uint32_t from, bool join)
{
	uint64_t now_ns, bytes = 0, span = 0;
	uint32_t n, i;

	(void)join;
	for (i = from; i < b->n && b->m[i].len <= SP_LOOP_MAX_LEN; i++) {
		bytes += b->m[i].len;
		span += sp_flight_span(b->m[i].len);
	}
	n = i - from;
	if (!n)
		return from < b->n ? -EMSGSIZE : 0;
	now_ns = sp_clock_now(q->clock);
	if (q->plain && sp_flight_has_room(&q->flight, n, span)) {
		send_fast(q, b->m + from, n, now_ns);
	} else if (q->plain) {
		send_plain(q, b->m + from, n, now_ns);
	} else if (q->rx) {
		for (i = 0; i < n; i++)
			send_impaired(q, &b->m[from + i], now_ns);
	}
	sp_slot_bank_filled(&q->slots, from + n);
	sp_tstats_sent(&q->stats, n, n, bytes, 1);
	return (int)n;
}

/* The next message that has arrived by now_ns, taken out; NULL: none. */
static struct sp_flight_rec *take_arrived(struct sp_queue *q, uint64_t now_ns)
{
	struct sp_flight_rec *r = sp_flight_first(&q->flight);
	uint64_t held_ns = q->n_held ? q->held[0].rec->t_ns : SP_NEVER;

	/* Held ones are in order of their limits, as arrivals never go back. */
	if (held_ns <= now_ns && (!r || held_ns <= r->t_ns)) {
		r = q->held[0].rec;
		q->truth.reordered += q->held[0].passed;
		q->n_held--;
		memmove(q->held, q->held + 1, q->n_held * sizeof *q->held);
		q->flight.out--;
		return r;
	}
	if (!r || r->t_ns > now_ns)
		return NULL;
	sp_flight_next(&q->flight);
	return r;
}

static void lend(struct sp_msg *m, struct sp_flight_rec *r)
{
	m->data = sp_flight_data(r);
	m->t_ns = r->t_ns;
	m->len = r->len;
	m->flow = SP_NO_FLOW;
	m->ep = r->ep;
	m->stamp_off = SP_NO_STAMP;
	m->flags = SP_M_UNIT;
}

static uint32_t receive_plain(struct sp_flight *f, struct sp_batch *b, uint64_t *bytes)
{
	uint32_t n = f->last - f->first, first = f->first;
	uint64_t sum = 0;

	if (n > b->cap)
		n = b->cap;
	for (uint32_t i = 0; i < n; i++) {
		size_t off = (size_t)f->order[(first + i) & f->mask] * SP_FLIGHT_ALIGN;
		struct sp_flight_rec *r = sp_flight_at(f, off);

		sum += r->len;
		lend(&b->m[i], r);
	}
	f->first += n;
	f->out -= n;
	*bytes = sum;
	return n;
}

int sp_loop_rx_burst(struct sp_queue *q, struct sp_batch *b)
{
	struct sp_flight_rec *r;
	uint64_t now_ns, bytes = 0;
	uint32_t n = 0;

	if (q->plain) {
		n = receive_plain(&q->flight, b, &bytes);
	} else {
		now_ns = sp_clock_now(q->clock);
		while (n < b->cap && (r = take_arrived(q, now_ns))) {
			bytes += r->len;
			lend(&b->m[n++], r);
		}
	}
	b->n = n;
	if (n) {
		sp_tstats_add(&q->stats.rx_calls, 1);
		sp_tstats_add(&q->stats.rx_units, n);
		sp_tstats_add(&q->stats.rx_msgs, n);
		sp_tstats_add(&q->stats.rx_bytes, bytes);
	}
	return (int)n;
}

void sp_loop_rx_release(struct sp_queue *q, struct sp_batch *b)
{
	if (b->n == q->flight.busy) {
		sp_flight_restart(&q->flight);
	} else {
		for (uint32_t i = 0; i < b->n; i++)
			sp_flight_done(&q->flight, b->m[i].data);
		sp_flight_reclaim(&q->flight);
	}
	b->n = 0;
}

uint64_t sp_loop_next_ns(const struct sp_queue *q)
{
	const struct sp_flight_rec *r = sp_flight_first(&q->flight);
	uint64_t t_ns = r ? r->t_ns : SP_NEVER;

	if (q->n_held && q->held[0].rec->t_ns < t_ns)
		t_ns = q->held[0].rec->t_ns;
	return t_ns;
}
