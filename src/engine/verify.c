#include "engine/verify.h"

#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "core/shared.h"

static uint32_t power_of_two_above(uint32_t n)
{
	uint32_t p = 16;

	while (p < n)
		p *= 2;
	return p;
}

int sp_flow_table_init(struct sp_flow_table *t, const struct sp_mem *mem, uint32_t cap)
{
	uint32_t places = power_of_two_above(cap);

	*t = (struct sp_flow_table){ .cap = cap, .mask = places - 1, .first_id = 1 };
	t->rx = sp_alloc_array(mem, places, sizeof *t->rx);
	t->sketch = sp_alloc_array(mem, places, sizeof *t->sketch);
	t->meta = sp_alloc_array(mem, places, sizeof *t->meta);
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

static void set_tag(struct sp_flow_table *t, uint32_t i, uint32_t id, bool granted)
{
	uint32_t foreign = !granted && id < SP_FLOW_OWN_ID ? SP_FLOW_FOREIGN : 0;

	__atomic_store_n(&t->rx[i].tag, id | foreign | SP_FLOW_LIVE, __ATOMIC_RELEASE);
}

void sp_flow_grant(struct sp_flow_table *t, uint32_t id, uint16_t session, uint8_t tally)
{
	uint32_t i = sp_flow_place(t, id);

	t->rx[i].session = session;
	SP_STORE(t->rx[i].tally, tally);
	t->meta[i] = (struct sp_flow_meta){ .id = id, .ep = SP_NO_FLOW };
	set_tag(t, i, id, true);
	if (i >= t->used)
		__atomic_store_n(&t->used, i + 1, __ATOMIC_RELEASE);
}

void sp_flow_withdraw(struct sp_flow_table *t, uint32_t i)
{
	__atomic_store_n(&t->rx[i].tag, 0, __ATOMIC_SEQ_CST);
}

void sp_flow_give_back(struct sp_flow_table *t, uint32_t i, bool granted)
{
	set_tag(t, i, t->meta[i].id, granted);
}

int sp_verifier_init(struct sp_verifier *v, const struct sp_mem *mem,
		     struct sp_flow_table *granted, struct sp_rx_session *session,
		     const struct sp_stamp_ops *native, const struct sp_stamp_ops *shorter,
		     uint32_t max_flows, uint32_t max_endpoints, uint32_t queues)
{
	uint32_t slots = power_of_two_above(2 * max_flows);

	*v = (struct sp_verifier){ .mem = mem,
				   .granted = granted,
				   .n_granted = granted ? granted->mask + 1 : 0,
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
	v->ep_held = sp_alloc_array(mem, queues * ((size_t)max_endpoints + 1),
				    sizeof *v->ep_held);
	if (v->tally && v->hash && v->ep_flow && v->ep_held && v->stamp && v->check &&
	    sp_flow_table_init(&v->own, mem, max_flows) == 0)
		return 0;
	sp_verifier_fini(v);
	return -1;
}

int sp_verifier_frames(struct sp_verifier *v)
{
	v->tuple = sp_alloc_array(v->mem, (size_t)v->own.mask + 1, sizeof *v->tuple);
	return v->tuple ? 0 : -1;
}

void sp_verifier_fini(struct sp_verifier *v)
{
	if (!v->mem)
		return;
	sp_free(v->mem, v->tally);
	sp_free(v->mem, v->hash);
	sp_free(v->mem, v->ep_flow);
	sp_free(v->mem, v->ep_held);
	sp_free(v->mem, v->stamp);
	sp_free(v->mem, v->check);
	sp_free(v->mem, v->tuple);
	sp_flow_table_fini(&v->own, v->mem);
	*v = (struct sp_verifier){ 0 };
}

/* Where the sequence of a flow without control begins: something earlier than the first that was
 * seen has room below it. */
#define OWN_START   (1ull << 32)
/* So many units in a row have to look like the sender's new beginning. Two (as RFC 3550 A.1) where
 * their times say the same; else enough that late copies hardly do. */
#define AGAIN_TIMED 2u
#define AGAIN	    16u

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
	uint32_t i = ref;

	if (ref < v->n_granted)
		t = v->granted;
	else
		i -= v->n_granted;
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

static uint32_t *held(const struct sp_verifier *v, uint32_t queue, uint32_t ep)
{
	return &v->ep_held[(size_t)queue * (v->ep_cap + 1) + ep];
}

/* Takes a place that was used before out of the hash table: what follows moves up. */
static void unhash(struct sp_verifier *v, uint32_t i)
{
	uint32_t mask = v->hash_mask, hole = v->own.meta[i].hash & mask, at, home;

	while (v->hash[hole] != i + 1)
		hole = (hole + 1) & mask;
	for (at = (hole + 1) & mask; v->hash[at]; at = (at + 1) & mask) {
		home = v->own.meta[v->hash[at] - 1].hash & mask;
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		v->hash[hole] = v->hash[at];
		hole = at;
	}
	v->hash[hole] = 0;
}

/* A place for a new flow of our own; false: there is none. */
static bool take_place(struct sp_verifier *v, uint32_t *i)
{
	if (v->own.used < v->own.cap) {
		*i = v->own.used;
		return true;
	}
	if (!v->spare && SP_LOAD(v->freed))
		v->spare = __atomic_exchange_n(&v->freed, 0, __ATOMIC_ACQUIRE);
	if (!v->spare)
		return false;
	*i = v->spare - 1;
	v->spare = (uint32_t)v->own.rx[*i].next;
	v->own.rx[*i].next = 0;
	unhash(v, *i);
	return true;
}

/* What tells an own flow from others. tuple NULL: of a datagram; else of a frame, and without a
 * stamp (id SP_NO_FLOW) it is the key instead of the source. */
struct key {
	uint32_t queue, ep, id;
	const struct sp_tuple *tuple;
};

static uint32_t hash_of(const struct sp_verifier *v, const struct key *k)
{
	if (k->tuple && k->id == SP_NO_FLOW)
		return sp_tuple_hash(k->tuple, v->key);
	return hash_key(v, k->queue, k->ep, k->id);
}

static bool is_of(const struct sp_verifier *v, uint32_t i, const struct key *k, uint32_t hash)
{
	const struct sp_flow_meta *meta = &v->own.meta[i];

	return meta->hash == hash && meta->id == k->id && meta->queue == k->queue &&
	       meta->ep == k->ep && SP_LOAD(v->own.rx[i].tag) &&
	       (!k->tuple || k->id != SP_NO_FLOW || sp_tuple_eq(&v->tuple[i], k->tuple));
}

static void make_own(struct sp_verifier *v, uint32_t i, const struct key *k, uint32_t hash,
		     const struct sp_stamp *st, bool has_time)
{
	struct sp_flow_rx *f = &v->own.rx[i];
	uint32_t h = hash & v->hash_mask;

	v->own.meta[i] = (struct sp_flow_meta){ .start = OWN_START,
						.base = OWN_START + (st ? st->seq : 0),
						.zero_due = st && !st->seq ? st->due_lo
									   : UINT64_MAX,
						.id = k->id,
						.hash = hash,
						.ep = k->ep,
						.queue = k->queue,
						.owner = v->worker + 1,
						.stamped = st != NULL,
						.has_time = has_time };
	/* What was sent before this receiver looked is not its loss. */
	f->next = v->own.meta[i].base;
	if (v->tuple)
		v->tuple[i] = k->tuple ? *k->tuple : (struct sp_tuple){ 0 };
	if (st && v->own_tallies < SP_TALLY_OWN)
		f->tally = (uint8_t)(1 + SP_TALLY_GRANTED + v->own_tallies++);
	__atomic_fetch_add(held(v, k->queue, k->ep), 1, __ATOMIC_RELAXED);
	while (v->hash[h])
		h = (h + 1) & v->hash_mask;
	v->hash[h] = i + 1;
	set_tag(&v->own, i, k->id, false);
	if (i == v->own.used)
		__atomic_store_n(&v->own.used, i + 1, __ATOMIC_RELEASE);
}

/* Looks a flow of the sender's own choice up, making it when there is room. */
static bool own_flow(struct sp_verifier *v, const struct key *k, const struct sp_stamp *st,
		     bool has_time, struct place *out)
{
	uint32_t hash = hash_of(v, k), h = hash & v->hash_mask, i;

	for (; v->hash[h]; h = (h + 1) & v->hash_mask) {
		i = v->hash[h] - 1;
		if (is_of(v, i, k, hash)) {
			*out = place_at(v, v->n_granted + i);
			return true;
		}
	}
	if (!take_place(v, &i))
		return false;
	make_own(v, i, k, hash, st, has_time);
	*out = place_at(v, v->n_granted + i);
	return true;
}

/* The frame's own, of what has no stamp or whose flow is new. */
static void find_tuple(const struct sp_whole *frame, struct sp_tuple *t)
{
	struct sp_view view;

	sp_view(frame->data, frame->len, false, SP_CSUM_UNKNOWN, &view);
	sp_tuple_of(&view, t);
}

/* Of whatever has no stamp: its source's, or its 5-tuple's. */
static bool unstamped_flow(struct sp_verifier *v, uint32_t queue, uint32_t ep,
			   const struct sp_whole *frame, struct place *out)
{
	struct key k = { .queue = queue, .ep = ep, .id = SP_NO_FLOW };
	struct sp_tuple tuple;

	if (frame) {
		find_tuple(frame, &tuple);
		k.tuple = &tuple;
		k.ep = v->ep_cap;
	}
	return own_flow(v, &k, NULL, false, out);
}

void sp_verifier_clear(struct sp_verifier *v, bool own, uint32_t i)
{
	const struct sp_flow_table *t = own ? &v->own : v->granted;
	struct sp_flow_rx *f = &t->rx[i];
	const struct sp_flow_meta *meta = &t->meta[i];
	uint32_t last = i + 1 + (own ? v->n_granted : 0);

	/* The worker reads the tag, and the key in meta, at any time. */
	memset((uint8_t *)f + offsetof(struct sp_flow_rx, session), 0,
	       sizeof *f - offsetof(struct sp_flow_rx, session));
	memset(&t->sketch[i], 0, sizeof t->sketch[i]);
	if (meta->ep != SP_NO_FLOW) {
		__atomic_compare_exchange_n(last_flow(v, meta->queue, meta->ep), &last, 0,
					    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		__atomic_fetch_sub(held(v, meta->queue, meta->ep), 1, __ATOMIC_RELEASE);
	}
	if (!own)
		return;
	last = SP_LOAD(v->freed);
	do
		f->next = last;
	while (!__atomic_compare_exchange_n(&v->freed, &last, i + 1, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
}

bool sp_verifier_granted(const struct sp_verifier *v, uint32_t id, struct sp_flow_rx **f,
			 struct sp_flow_meta **meta)
{
	uint32_t i;

	if (!v->granted || !id || id >= SP_FLOW_OWN_ID)
		return false;
	i = sp_flow_place(v->granted, id);
	*f = &v->granted->rx[i];
	*meta = &v->granted->meta[i];
	return __atomic_load_n(&(*f)->tag, __ATOMIC_SEQ_CST) == (id | SP_FLOW_LIVE);
}

bool sp_verifier_claim(struct sp_verifier *v, uint32_t id, uint32_t queue, uint8_t unit,
		       const struct sp_addr *from, struct sp_flow_rx **f,
		       struct sp_flow_meta **meta)
{
	struct sp_flow_meta *m;

	if (!sp_verifier_granted(v, id, f, meta))
		return false;
	m = *meta;
	if (m->ep == SP_NO_FLOW) {
		m->from = *from;
		m->unit = unit;
		SP_STORE(m->queue, queue);
		SP_STORE(m->owner, v->worker + 1);
		SP_STORE(m->stamped, true);
		SP_STORE(m->has_time, unit != SP_UNIT_BYTE);
		__atomic_fetch_add(held(v, queue, v->ep_cap), 1, __ATOMIC_RELAXED);
		__atomic_store_n(&m->ep, v->ep_cap, __ATOMIC_RELEASE);
	}
	return m->ep == v->ep_cap && m->unit == unit && sp_addr_eq(&m->from, from);
}

bool sp_verifier_plain(struct sp_verifier *v, uint32_t queue, uint32_t ep,
		       struct sp_flow_rx **f, struct sp_flow_meta **meta)
{
	struct place at;

	ep = ep < v->ep_cap ? ep : v->ep_cap;
	if (!unstamped_flow(v, queue, ep, NULL, &at))
		return false;
	*f = at.rx;
	*meta = at.meta;
	return true;
}

/* A granted flow that this endpoint may write: it was the first to be seen, at this worker. */
static bool is_writer(const struct sp_verifier *v, const struct sp_flow_meta *meta,
		      uint32_t queue, uint32_t ep)
{
	return SP_LOAD(meta->owner) == v->worker + 1 && meta->ep == ep && meta->queue == queue;
}

static bool claim(const struct sp_verifier *v, struct sp_flow_meta *meta, uint32_t queue,
		  uint32_t ep, bool has_time)
{
	uint32_t nobody = 0;

	if (!__atomic_compare_exchange_n(&meta->owner, &nobody, v->worker + 1, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	__atomic_fetch_add(held(v, queue, ep), 1, __ATOMIC_RELAXED);
	SP_STORE(meta->queue, queue);
	SP_STORE(meta->stamped, true);
	SP_STORE(meta->has_time, has_time);
	__atomic_store_n(&meta->ep, ep, __ATOMIC_RELEASE);
	return true;
}

static bool good_flow(struct sp_verifier *v, uint32_t queue, uint32_t ep,
		      const struct sp_stamp *st, bool has_time, const struct sp_whole *frame,
		      struct place *out)
{
	struct key k = { .queue = queue, .ep = ep, .id = st->flow };
	struct sp_tuple tuple;
	uint32_t tag = st->flow | SP_FLOW_LIVE, last = SP_LOAD(*last_flow(v, queue, ep)), i;

	if (SP_LIKELY(last)) {
		*out = place_at(v, last - 1);
		if (SP_LIKELY(__atomic_load_n(&out->rx->tag, __ATOMIC_SEQ_CST) == tag))
			return true;
	}
	if (v->granted && st->flow < SP_FLOW_OWN_ID) {
		i = sp_flow_place(v->granted, st->flow);
		*out = place_at(v, i);
		if (__atomic_load_n(&out->rx->tag, __ATOMIC_SEQ_CST) == tag &&
		    (is_writer(v, out->meta, queue, ep) ||
		     claim(v, out->meta, queue, ep, has_time)))
			return true;
	}
	if (frame) {
		find_tuple(frame, &tuple);
		k.tuple = &tuple;
	}
	return own_flow(v, &k, st, has_time, out);
}

/* Which flow a message with a damaged stamp was of: the one that its id says, if that is one of
 * this endpoint's; else the endpoint's last good one. */
static bool damaged_flow(struct sp_verifier *v, uint32_t queue, uint32_t ep,
			 const struct sp_stamp *st, int8_t check, struct place *out)
{
	uint32_t last = SP_LOAD(*last_flow(v, queue, ep));

	if (!last)
		return false;
	if (check == SP_STAMP_BAD && v->granted && st->flow < SP_FLOW_OWN_ID) {
		*out = place_at(v, sp_flow_place(v->granted, st->flow));
		if (__atomic_load_n(&out->rx->tag, __ATOMIC_SEQ_CST) ==
			    (st->flow | SP_FLOW_LIVE) &&
		    is_writer(v, out->meta, queue, ep))
			return true;
	}
	*out = place_at(v, last - 1);
	return __atomic_load_n(&out->rx->tag, __ATOMIC_SEQ_CST) && out->meta->stamped;
}

static bool claimed_flow(struct sp_verifier *v, uint32_t id, struct place *out)
{
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;

	if (!sp_verifier_granted(v, id, &f, &meta))
		return false;
	*out = place_at(v, sp_flow_place(v->granted, id));
	return true;
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

/* The counts of a flow whose sender began again go on, as if its new sequence followed the old
 * one: next and base move on together to where the low bits fit. */
static void begin_again(struct sp_flow_rx *f, struct sp_flow_meta *meta,
			const struct sp_stamp *st)
{
	uint32_t n = meta->again.n, first = st->seq - (n - 1);
	uint32_t ahead = first - (uint32_t)f->next;
	uint64_t jump = st->seq_bits == 32 ? ahead : ahead & ((1u << st->seq_bits) - 1);

	if (meta->last != f->next || meta->again.base != meta->start || first != 0)
		SP_STORE(meta->parted, true);
	SP_STORE(f->reordered, meta->again.reordered);
	SP_STORE(f->duplicates, meta->again.duplicates);
	SP_STORE(meta->too_old, meta->again.too_old);
	SP_STORE(meta->base, meta->again.base + jump);
	SP_STORE(meta->start, meta->base);
	meta->zero_due = first ? UINT64_MAX : meta->again.due;
	/* All behind is the old sequence's, whose place in the counts is taken. */
	memset(f->win, 0xff, sizeof f->win);
	SP_STORE(f->next, f->next + jump + n);
	f->timed = 0;
	meta->again.n = 0;
	SP_ADD(meta->restarts, 1);
}

/* Can this message be the first of a sender that began again? Its time says so, if it is later than
 * that of the newest. Else, after a reboot or in a format without time, it is too old to look up
 * and its sequence is 0 (or is near it, without time), and it is not a copy of the first that there
 * was. */
static bool may_begin(const struct sp_flow_rx *f, const struct sp_flow_meta *meta,
		      const struct sp_stamp *st, bool later, bool too_old)
{
	if (later || !too_old)
		return later;
	return f->timed ? st->seq == 0 && st->due_lo != meta->zero_due : st->seq < AGAIN;
}

/* Is this message, behind the newest by its sequence, of a sender that began again with the same
 * flow id from the same port? So many have to follow each other. */
static bool began_again(struct sp_flow_rx *f, struct sp_flow_meta *meta,
			const struct sp_stamp *st, uint64_t due, bool too_old)
{
	struct sp_flow_again *a = &meta->again;
	bool later = f->timed && (int64_t)(due - f->newest_due) > 0;
	bool follows = a->n && a->next == f->next && a->seq == st->seq && (later || too_old);

	if (!follows && !may_begin(f, meta, st, later, too_old)) {
		a->n = 0;
		return false;
	}
	if (!follows)
		*a = (struct sp_flow_again){ .next = f->next,
					     .base = meta->base,
					     .due = st->due_lo,
					     .reordered = f->reordered,
					     .duplicates = f->duplicates,
					     .too_old = meta->too_old };
	a->n++;
	a->seq = st->seq_bits == 32 ? st->seq + 1 : (st->seq + 1) & ((1u << st->seq_bits) - 1);
	return a->n >= (later ? AGAIN_TIMED : AGAIN);
}

/* A message behind the newest. Returns false when it is a duplicate. */
static bool note_late(struct sp_flow_rx *f, struct sp_flow_meta *meta, uint64_t q)
{
	uint64_t *word = &f->win[q / 64 % (SP_RX_WINDOW / 64)], bit = 1ull << (q & 63);
	/* Sent before the first that we saw; before all that there can be it wraps around. */
	bool before = q >= f->next || q < meta->base;

	if (q >= f->next || f->next - q > SP_RX_WINDOW) {
		/* Too old to look up: taken as late while any is missing, else as a copy. */
		SP_ADD(meta->too_old, 1);
		if (before || f->next - meta->base <= f->rx - 1 - f->duplicates) {
			SP_ADD(f->duplicates, 1);
			return false;
		}
	} else if (*word & bit) {
		SP_ADD(f->duplicates, 1);
		return false;
	} else {
		if (before)
			SP_STORE(meta->base, q);
		*word |= bit;
	}
	SP_ADD(f->reordered, 1);
	return true;
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
	/* A sender under control begins with ids of its own. */
	if (f->session == 0 &&
	    began_again(f, meta, st, due_of(f, s, st, t_ns), f->next - q > SP_RX_WINDOW)) {
		begin_again(f, meta, st);
		*in_order = true;
		return true;
	}
	if (!note_late(f, meta, q))
		return false;
	if (q == meta->start)
		meta->zero_due = st->due_lo;
	return true;
}

bool sp_flow_told(const struct sp_flow_rx *f, const struct sp_flow_meta *meta, uint64_t *tx)
{
	uint64_t next = SP_LOAD(f->next), base = SP_LOAD(meta->base);

	*tx = next - base;
	return SP_LOAD(meta->stamped) && !SP_LOAD(meta->parted) &&
	       base == SP_LOAD(meta->start) && next != base && SP_LOAD(meta->last) == next;
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
static void note_time(struct sp_flow_rx *f, struct place *at, struct sp_tally_rx *tally,
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
	struct place at;

	if (!unstamped_flow(v, queue, ep, frame, &at)) {
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
	struct place at;
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
		SP_STORE(*last_flow(v, queue, ep), at.ref + 1);
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
	if (by_claim ? claimed_flow(v, m->flow, &at)
		     : ep < v->ep_cap && m->len >= v->shorter->len &&
			       damaged_flow(v, queue, ep, st, check, &at)) {
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
