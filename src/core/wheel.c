#include "core/wheel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/clock.h"

#define LEVELS	 3u
#define SLOTS	 65536u
#define MASK	 (SLOTS - 1)
#define LOW_MASK ((1u << SP_WHEEL_SLOT_SHIFT) - 1)
#define NONE	 UINT64_MAX /* no slot */

/* When fewer than LOW ids are queued, slots are emptied until there are HIGH, up to AHEAD_NS
 * before their time: enough to hide a fetch from memory, too little to matter for what is put. */
#define LOW	 8u
#define HIGH	 24u
#define AHEAD_NS (64ull << SP_WHEEL_SLOT_SHIFT)

/* Each level looks at time in units of 2^shift ns. The coarser ones are this fine, and not as
 * wide as the whole of the level below, so that emptying one of their slots is little work: it
 * would be a hole in the pace. */
static const uint8_t level_shift[LEVELS] = { SP_WHEEL_SLOT_SHIFT, 20, 32 };

/* Which slots of a level hold something: a bit a slot, a bit a word, a bit a word of those. */
struct bitmap {
	uint64_t bit[SLOTS / 64];
	uint64_t word[SLOTS / 64 / 64];
	uint64_t top;
};

/* An id in a slot. Small, because following a list of scattered ids is what costs most. */
struct node {
	uint32_t next; /* id + 1; 0 ends a list: fresh zero memory is an empty wheel */
	uint32_t low;  /* in a slot of the finest level: its at_ns within the slot */
};

struct entry {
	uint64_t at_ns;
	uint32_t id;
};

/* Where an id is:
 * - in the queue, when its slot was emptied: ids in the order in which they are given out. Slots
 *   are emptied a little ahead of time, so that what they will touch is fetched by then;
 * - in the heap, when it was put after its slot had been emptied: so an id that comes back while
 *   its slot is being worked off is not lost for a turn;
 * - else in a slot of the finest level that reaches it: 1 .. 65,535 units ahead of the cursor. */
struct sp_wheel {
	const struct sp_mem *mem;
	uint64_t cursor;     /* number of the finest slot that was emptied last */
	uint64_t next_slot;  /* first occupied one of the finest level, NONE: there is none */
	uint64_t next_ns;    /* earliest at_ns in the wheel; valid if next_known */
	uint64_t cascade_ns; /* start of the first occupied slot of the coarser levels */
	struct {
		const char *at;
		size_t size;
	} state[SP_WHEEL_STATES]; /* see sp_wheel_prefetch */
	uint32_t n_states;
	bool next_known;
	uint32_t n_heap;
	uint32_t first, end; /* the queue is queue[first .. end) */
	struct entry *queue;
	struct entry *heap; /* least (at_ns, id) first */
	struct node *node;
	uint64_t *at_ns; /* of ids in a slot of the coarser levels */
	struct bitmap map[LEVELS];
	uint32_t head[LEVELS][SLOTS];
};

int sp_wheel_new(struct sp_wheel **out, const struct sp_mem *mem, uint32_t n, uint64_t start_ns)
{
	struct sp_wheel *w = sp_alloc_array(mem, 1, sizeof *w);
	size_t room = n ? n : 1;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->mem = mem;

	w->cursor = start_ns >> SP_WHEEL_SLOT_SHIFT;
	w->cursor -= w->cursor > 0; /* so that the first slot is one to be emptied */
	w->next_slot = NONE;
	w->cascade_ns = SP_NEVER;
	w->next_ns = SP_NEVER;
	w->next_known = true;
	w->node = sp_alloc_array(mem, room, sizeof *w->node);
	w->at_ns = sp_alloc_array(mem, room, sizeof *w->at_ns);
	w->heap = sp_alloc_array(mem, room, sizeof *w->heap);
	w->queue = sp_alloc_array(mem, room, sizeof *w->queue);
	if (!w->node || !w->at_ns || !w->heap || !w->queue) {
		sp_wheel_free(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

void sp_wheel_prefetch(struct sp_wheel *w, const void *state, size_t size)
{
	if (w->n_states == SP_WHEEL_STATES)
		return;
	w->state[w->n_states].at = state;
	w->state[w->n_states++].size = size;
}

void sp_wheel_free(struct sp_wheel *w)
{
	if (!w)
		return;
	sp_free(w->mem, w->node);
	sp_free(w->mem, w->at_ns);
	sp_free(w->mem, w->heap);
	sp_free(w->mem, w->queue);
	sp_free(w->mem, w);
}

static void map_set(struct bitmap *m, unsigned i)
{
	m->bit[i / 64] |= 1ull << i % 64;
	m->word[i / 4096] |= 1ull << i / 64 % 64;
	m->top |= 1ull << i / 4096;
}

static void map_clear(struct bitmap *m, unsigned i)
{
	if (m->bit[i / 64] &= ~(1ull << i % 64))
		return;
	if (m->word[i / 4096] &= ~(1ull << i / 64 % 64))
		return;
	m->top &= ~(1ull << i / 4096);
}

static unsigned low_bit(uint64_t v)
{
	return (unsigned)__builtin_ctzll(v);
}

/* The bits of v above bit i, i < 64. */
static uint64_t above(uint64_t v, unsigned i)
{
	return v & (UINT64_MAX - 1) << i;
}

/* The first set index after i, not going round; SLOTS if there is none. */
static unsigned map_after(const struct bitmap *m, unsigned i)
{
	uint64_t v = above(m->bit[i / 64], i % 64);
	unsigned w = i / 64;

	if (v)
		return w * 64 + low_bit(v);
	v = above(m->word[w / 64], w % 64);
	if (!v) {
		uint64_t t = above(m->top, w / 64);

		if (!t)
			return SLOTS;
		w = low_bit(t) * 64;
		v = m->word[w / 64];
	}
	w = w / 64 * 64 + low_bit(v);
	return w * 64 + low_bit(m->bit[w]);
}

static unsigned map_first(const struct bitmap *m)
{
	unsigned w = low_bit(m->top);

	w = w * 64 + low_bit(m->word[w]);
	return w * 64 + low_bit(m->bit[w]);
}

/* Slots of a level counted without end: the one that the cursor is in, and the first occupied
 * one after. */
static uint64_t here(const struct sp_wheel *w, unsigned level)
{
	return w->cursor >> (level_shift[level] - SP_WHEEL_SLOT_SHIFT);
}

static uint64_t slot_after(const struct bitmap *m, uint64_t slot)
{
	unsigned i;

	if (!m->top)
		return NONE;
	i = map_after(m, slot & MASK);
	if (i == SLOTS)
		i = map_first(m);
	return slot + ((i - slot) & MASK);
}

static uint64_t first_slot(const struct sp_wheel *w, unsigned level)
{
	return slot_after(&w->map[level], here(w, level));
}

static void find_cascade(struct sp_wheel *w)
{
	w->cascade_ns = SP_NEVER;
	for (unsigned level = 1; level < LEVELS; level++) {
		uint64_t slot = first_slot(w, level);

		if (slot != NONE && slot << level_shift[level] < w->cascade_ns)
			w->cascade_ns = slot << level_shift[level];
	}
}

static bool before(const struct entry *a, const struct entry *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->id < b->id;
}

static void heap_push(struct sp_wheel *w, struct entry e)
{
	uint32_t i = w->n_heap++;

	while (i > 0 && before(&e, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = e;
}

static struct entry heap_pop(struct sp_wheel *w)
{
	struct entry *h = w->heap, top = h[0], last = h[--w->n_heap];
	uint32_t i = 0;

	for (uint32_t k; (k = 2 * i + 1) < w->n_heap; i = k) {
		if (k + 1 < w->n_heap && before(&h[k + 1], &h[k]))
			k++;
		if (!before(&h[k], &last))
			break;
		h[i] = h[k];
	}
	h[i] = last;
	return top;
}

static void link_in(struct sp_wheel *w, unsigned level, unsigned i, uint32_t id)
{
	w->node[id].next = w->head[level][i];
	w->head[level][i] = id + 1;
	map_set(&w->map[level], i);
}

/* Too far for the finest level. */
static void put_far(struct sp_wheel *w, uint32_t id, uint64_t at_ns)
{
	for (unsigned level = 1;; level++) {
		unsigned shift = level_shift[level];
		uint64_t slot = at_ns >> shift;

		if (slot - here(w, level) > MASK) {
			if (level + 1 < LEVELS)
				continue;
			slot = here(w, level) + MASK;
		}
		w->at_ns[id] = at_ns;
		link_in(w, level, slot & MASK, id);
		if (slot << shift < w->cascade_ns)
			w->cascade_ns = slot << shift;
		return;
	}
}

static void place(struct sp_wheel *w, uint32_t id, uint64_t at_ns)
{
	uint64_t slot = at_ns >> SP_WHEEL_SLOT_SHIFT;

	if (slot <= w->cursor) {
		heap_push(w, (struct entry){ at_ns, id });
	} else if (slot - w->cursor <= MASK) {
		w->node[id].low = (uint32_t)at_ns & LOW_MASK;
		link_in(w, 0, slot & MASK, id);
		w->next_slot = slot < w->next_slot ? slot : w->next_slot;
	} else {
		put_far(w, id, at_ns);
	}
}

void sp_wheel_put(struct sp_wheel *w, uint32_t id, uint64_t at_ns)
{
	if (at_ns < w->next_ns)
		w->next_ns = at_ns;
	place(w, id, at_ns);
}

/* Within one slot: its order as one number. */
static uint64_t rank_key(const struct entry *e)
{
	return (e->at_ns & LOW_MASK) << 32 | e->id;
}

/* The usual handful: each counts who stands before it. Compares nothing by a branch, which could
 * not be predicted. */
static void sort_few(struct entry *e, uint32_t n)
{
	struct entry copy[8];
	uint64_t key[8];

	for (uint32_t i = 0; i < n; i++) {
		copy[i] = e[i];
		key[i] = rank_key(&e[i]);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t rank = 0;

		for (uint32_t k = 0; k < n; k++)
			rank += key[k] < key[i];
		e[rank] = copy[i];
	}
}

static void sift(struct entry *e, uint32_t i, uint32_t n)
{
	struct entry v = e[i];

	for (uint32_t k; (k = 2 * i + 1) < n; i = k) {
		if (k + 1 < n && rank_key(&e[k]) < rank_key(&e[k + 1]))
			k++;
		if (rank_key(&e[k]) <= rank_key(&v))
			break;
		e[i] = e[k];
	}
	e[i] = v;
}

/* Heap sort: in place, and never quadratic. */
static void sort_many(struct entry *e, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift(e, i, n);
	for (uint32_t i = n; i-- > 1;) {
		struct entry top = e[0];

		e[0] = e[i];
		e[i] = top;
		sift(e, 0, i);
	}
}

/* Many streams with one start and one rate: in reverse when they came straight into the slot, as
 * lists grow at the head, in order when they came by way of a coarser one. */
static bool sorted(const struct entry *e, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (rank_key(&e[i - 1]) > rank_key(&e[i]))
			return false;
	return true;
}

static bool reverse_sorted(struct entry *e, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (rank_key(&e[i - 1]) < rank_key(&e[i]))
			return false;
	for (uint32_t i = 0; i < n / 2; i++) {
		struct entry x = e[i];

		e[i] = e[n - 1 - i];
		e[n - 1 - i] = x;
	}
	return true;
}

static void sort(struct entry *e, uint32_t n)
{
	if (n <= 8)
		sort_few(e, n);
	else if (!sorted(e, n) && !reverse_sorted(e, n))
		sort_many(e, n);
}

static uint32_t detach(struct sp_wheel *w, unsigned level, unsigned i)
{
	uint32_t list = w->head[level][i];

	w->head[level][i] = 0;
	map_clear(&w->map[level], i);
	return list;
}

/* Hands the coarser slots that begin at cascade_ns down. The cursor goes to just before, so that
 * what is due right there lands in a slot, too. */
static void cascade(struct sp_wheel *w)
{
	uint64_t start = w->cascade_ns;

	for (unsigned level = LEVELS - 1; level > 0; level--) {
		uint64_t slot = start >> level_shift[level];
		uint32_t list = 0;

		if (first_slot(w, level) == slot)
			list = detach(w, level, slot & MASK);
		w->cursor = (start >> SP_WHEEL_SLOT_SHIFT) - 1;
		while (list) {
			uint32_t id = list - 1;

			list = w->node[id].next;
			place(w, id, w->at_ns[id]);
		}
	}
	find_cascade(w);
}

static uint64_t slot_start(uint64_t slot)
{
	return slot << SP_WHEEL_SLOT_SHIFT;
}

/* Moves the list of one slot of the finest level to the end of the queue. */
static void enqueue(struct sp_wheel *w, uint64_t slot, uint32_t list)
{
	uint32_t n = w->end - w->first, next;
	struct entry *begin, *e;

	/* There is room for all ids, from the start. */
	if (w->first > 0) {
		memmove(w->queue, w->queue + w->first, n * sizeof *w->queue);
		w->first = 0;
	}
	begin = e = w->queue + n;
	for (; list; list = next) {
		const struct node *node = &w->node[list - 1];

		next = node->next;
		*e++ = (struct entry){ slot_start(slot) | node->low, list - 1 };
		for (uint32_t i = 0; i < w->n_states; i++)
			__builtin_prefetch(w->state[i].at + (list - 1) * w->state[i].size, 1);
	}
	if (e - begin > 1)
		sort(begin, (uint32_t)(e - begin));
	w->end = (uint32_t)(e - w->queue);
}

/* Empties the next slot that holds something and starts at or before until_ns. */
static bool advance(struct sp_wheel *w, uint64_t until_ns)
{
	for (;;) {
		uint64_t slot = w->next_slot;
		uint64_t start = slot == NONE ? SP_NEVER : slot_start(slot);
		uint32_t list;

		if (w->cascade_ns < SP_NEVER && w->cascade_ns <= start) {
			if (w->cascade_ns > until_ns)
				return false;
			cascade(w);
			continue;
		}
		if (slot == NONE || start > until_ns)
			return false;
		w->cursor = slot;
		list = detach(w, 0, slot & MASK);
		w->next_slot = first_slot(w, 0);
		if (w->next_slot != NONE)
			__builtin_prefetch(&w->node[w->head[0][w->next_slot & MASK] - 1], 1);
		enqueue(w, slot, list);
		return true;
	}
}

/* The first of queue and heap, if due. */
static bool pop(struct sp_wheel *w, uint64_t until_ns, struct entry *out)
{
	const struct entry *e = &w->queue[w->first];

	if (w->n_heap && (w->first == w->end || before(&w->heap[0], e))) {
		if (w->heap[0].at_ns > until_ns)
			return false;
		*out = heap_pop(w);
		return true;
	}
	if (w->first == w->end || e->at_ns > until_ns)
		return false;
	*out = *e;
	w->first++;
	return true;
}

/* Nothing that is not queued or in the heap is earlier than what is. */
static bool is_ahead(const struct sp_wheel *w)
{
	return w->first != w->end || w->n_heap;
}

static void look_ahead(struct sp_wheel *w, uint64_t now_ns)
{
	uint64_t until_ns = now_ns < UINT64_MAX - AHEAD_NS ? now_ns + AHEAD_NS : now_ns;

	if (w->end - w->first >= LOW)
		return;
	while (w->end - w->first < HIGH && advance(w, until_ns))
		;
}

uint32_t sp_wheel_take_span(struct sp_wheel *w, uint64_t now_ns, uint64_t span_ns,
			    uint32_t *ids, uint32_t max)
{
	uint64_t until_ns = now_ns;
	struct entry e;
	uint32_t n = 0;

	if (now_ns < w->next_ns)
		return 0;
	while (n < max) {
		if (!pop(w, until_ns, &e)) {
			if (is_ahead(w) || !advance(w, until_ns))
				break;
			continue;
		}
		if (n == 0 && span_ns < ~e.at_ns && ((e.at_ns + span_ns) | LOW_MASK) < now_ns)
			until_ns = (e.at_ns + span_ns) | LOW_MASK;
		ids[n++] = e.id;
	}
	if (n) {
		look_ahead(w, until_ns);
		w->next_ns = 0;
		w->next_known = false;
	}
	return n;
}

uint32_t sp_wheel_take(struct sp_wheel *w, uint64_t now_ns, uint32_t *ids, uint32_t max)
{
	return sp_wheel_take_span(w, now_ns, UINT64_MAX, ids, max);
}

/* The earliest at_ns of a level, if below best. One slot is looked at, more only where the first
 * ones hold what is too far for the last level. */
static uint64_t earliest(const struct sp_wheel *w, unsigned level, uint64_t best)
{
	uint64_t slot = first_slot(w, level), last = here(w, level);
	const uint64_t end = last + MASK;

	while (slot > last && slot <= end && slot << level_shift[level] < best) {
		for (uint32_t i = w->head[level][slot & MASK]; i; i = w->node[i - 1].next) {
			uint64_t at_ns = level ? w->at_ns[i - 1]
					       : slot_start(slot) | w->node[i - 1].low;

			best = at_ns < best ? at_ns : best;
		}
		last = slot;
		slot = slot_after(&w->map[level], slot);
	}
	return best;
}

static uint64_t find_next(const struct sp_wheel *w)
{
	uint64_t best = SP_NEVER;

	if (w->first != w->end)
		best = w->queue[w->first].at_ns;
	if (w->n_heap && w->heap[0].at_ns < best)
		best = w->heap[0].at_ns;
	if (is_ahead(w))
		return best;
	for (unsigned level = 0; level < LEVELS; level++)
		best = earliest(w, level, best);
	return best;
}

uint64_t sp_wheel_next(struct sp_wheel *w)
{
	if (!w->next_known) {
		w->next_ns = find_next(w);
		w->next_known = true;
	}
	return w->next_ns;
}

void sp_wheel_clear(struct sp_wheel *w)
{
	for (unsigned level = 0; level < LEVELS; level++)
		while (w->map[level].top)
			(void)detach(w, level, map_first(&w->map[level]));
	w->next_slot = NONE;
	w->first = 0;
	w->end = 0;
	w->n_heap = 0;
	w->next_slot = NONE;
	w->cascade_ns = SP_NEVER;
	w->next_ns = SP_NEVER;
	w->next_known = true;
}
