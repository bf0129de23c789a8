/* Which flow a message is of. */
#include "engine/verify_impl.h"

#include <stddef.h>
#include <string.h>

#include "core/shared.h"

/* Where the sequence of a flow without control begins: something earlier than the first that was
 * seen has room below it. */
#define OWN_START (1ull << 32)

static uint32_t hash_key(const struct sp_verifier *v, uint32_t queue, uint32_t ep, uint32_t id)
{
	uint64_t x = ((uint64_t)ep << 32 | id) ^ v->key[0];
	unsigned __int128 m = (unsigned __int128)x * (v->key[1] + 2 * (uint64_t)queue + 1);

	return (uint32_t)(m >> 96 ^ m >> 32);
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
	__atomic_fetch_add(sp_verify_held(v, k->queue, k->ep), 1, __ATOMIC_RELAXED);
	while (v->hash[h])
		h = (h + 1) & v->hash_mask;
	v->hash[h] = i + 1;
	sp_flow_set_tag(&v->own, i, k->id, false);
	if (i == v->own.used)
		__atomic_store_n(&v->own.used, i + 1, __ATOMIC_RELEASE);
}

/* Looks a flow of the sender's own choice up, making it when there is room. */
static bool own_flow(struct sp_verifier *v, const struct key *k, const struct sp_stamp *st,
		     bool has_time, struct sp_flow_at *out)
{
	uint32_t hash = hash_of(v, k), h = hash & v->hash_mask, i;

	for (; v->hash[h]; h = (h + 1) & v->hash_mask) {
		i = v->hash[h] - 1;
		if (is_of(v, i, k, hash)) {
			*out = sp_flow_by_ref(v, v->n_granted + i);
			return true;
		}
	}
	if (!take_place(v, &i))
		return false;
	make_own(v, i, k, hash, st, has_time);
	*out = sp_flow_by_ref(v, v->n_granted + i);
	return true;
}

/* The frame's own, of what has no stamp or whose flow is new. */
static void find_tuple(const struct sp_whole *frame, struct sp_tuple *t)
{
	struct sp_view view;

	sp_view(frame->data, frame->len, false, SP_CSUM_UNKNOWN, &view);
	sp_tuple_of(&view, t);
}

bool sp_verify_unstamped(struct sp_verifier *v, uint32_t queue, uint32_t ep,
			 const struct sp_whole *frame, struct sp_flow_at *out)
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
		__atomic_compare_exchange_n(sp_verify_last(v, meta->queue, meta->ep), &last, 0,
					    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		__atomic_fetch_sub(sp_verify_held(v, meta->queue, meta->ep), 1,
				   __ATOMIC_RELEASE);
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
		__atomic_fetch_add(sp_verify_held(v, queue, v->ep_cap), 1, __ATOMIC_RELAXED);
		__atomic_store_n(&m->ep, v->ep_cap, __ATOMIC_RELEASE);
	}
	return m->ep == v->ep_cap && m->unit == unit && sp_addr_eq(&m->from, from);
}

bool sp_verifier_plain(struct sp_verifier *v, uint32_t queue, uint32_t ep,
		       struct sp_flow_rx **f, struct sp_flow_meta **meta)
{
	struct sp_flow_at at;

	ep = ep < v->ep_cap ? ep : v->ep_cap;
	if (!sp_verify_unstamped(v, queue, ep, NULL, &at))
		return false;
	*f = at.rx;
	*meta = at.meta;
	return true;
}

static bool claim(const struct sp_verifier *v, struct sp_flow_meta *meta, uint32_t queue,
		  uint32_t ep, bool has_time)
{
	uint32_t nobody = 0;

	if (!__atomic_compare_exchange_n(&meta->owner, &nobody, v->worker + 1, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	__atomic_fetch_add(sp_verify_held(v, queue, ep), 1, __ATOMIC_RELAXED);
	SP_STORE(meta->queue, queue);
	SP_STORE(meta->stamped, true);
	SP_STORE(meta->has_time, has_time);
	__atomic_store_n(&meta->ep, ep, __ATOMIC_RELEASE);
	return true;
}

bool sp_verify_good(struct sp_verifier *v, uint32_t queue, uint32_t ep,
		    const struct sp_stamp *st, bool has_time, const struct sp_whole *frame,
		    struct sp_flow_at *out)
{
	struct key k = { .queue = queue, .ep = ep, .id = st->flow };
	struct sp_tuple tuple;

	if (sp_verify_granted_at(v, st->flow, out) && claim(v, out->meta, queue, ep, has_time))
		return true;
	if (frame) {
		find_tuple(frame, &tuple);
		k.tuple = &tuple;
	}
	return own_flow(v, &k, st, has_time, out);
}

bool sp_verify_damaged(struct sp_verifier *v, uint32_t queue, uint32_t ep,
		       const struct sp_stamp *st, int8_t check, struct sp_flow_at *out)
{
	uint32_t last = SP_LOAD(*sp_verify_last(v, queue, ep));

	if (!last)
		return false;
	if (check == SP_STAMP_BAD && sp_verify_granted_at(v, st->flow, out) &&
	    sp_verify_is_writer(v, out->meta, queue, ep))
		return true;
	*out = sp_flow_by_ref(v, last - 1);
	return __atomic_load_n(&out->rx->tag, __ATOMIC_SEQ_CST) && out->meta->stamped;
}

bool sp_verify_claimed(struct sp_verifier *v, uint32_t id, struct sp_flow_at *out)
{
	struct sp_flow_meta *meta;
	struct sp_flow_rx *f;

	if (!sp_verifier_granted(v, id, &f, &meta))
		return false;
	*out = sp_flow_by_ref(v, sp_flow_place(v->granted, id));
	return true;
}
