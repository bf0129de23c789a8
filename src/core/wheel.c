#include "core/wheel.h"

#include <errno.h>
#include <stdbool.h>

#include "core/clock.h"

#define LEVELS 3u
#define SLOTS  65536u
#define MASK   (SLOTS - 1)
#define NONE   UINT64_MAX /* no slot */

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

struct node {
	uint64_t at_ns;
	uint32_t next; /* id + 1; 0 ends a list: fresh zero memory is an empty wheel */
};

/* Where an id is:
 * - due in the cursor's slot or before: in the list cur (taken from the slot in one go, sorted) or,
 *   when it was put later than that, in the heap. So an id that comes back while its slot is being
 *   emptied is not lost for a turn.
 * - else in a slot of the finest level that reaches it: 1 .. 65,535 units ahead of the cursor. */
struct sp_wheel {
	const struct sp_mem *mem;
	uint64_t cursor;     /* number of the finest slot that was emptied last */
	uint64_t next_ns;    /* earliest at_ns in the wheel; valid if next_known */
	uint64_t cascade_ns; /* start of the first occupied slot of the coarser levels */
	bool next_known;
	uint32_t cur; /* list, as in struct node */
	uint32_t n_heap;
	uint32_t *heap; /* ids, least (at_ns, id) first */
	struct node *node;
	struct bitmap map[LEVELS];
	uint32_t head[LEVELS][SLOTS];
};

int sp_wheel_new(struct sp_wheel **out, const struct sp_mem *mem, uint32_t n, uint64_t start_ns)
{
	struct sp_wheel *w = sp_alloc_array(mem, 1, sizeof *w);

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->mem = mem;
	w->cursor = start_ns >> SP_WHEEL_SLOT_SHIFT;
	w->cursor -= w->cursor > 0; /* so that the first slot is one to be emptied */
	w->cascade_ns = SP_NEVER;
	w->next_ns = SP_NEVER;
	w->next_known = true;
	w->node = sp_alloc_array(mem, n ? n : 1, sizeof *w->node);
	w->heap = sp_alloc_array(mem, n ? n : 1, sizeof *w->heap);
	if (!w->node || !w->heap) {
		sp_wheel_free(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

void sp_wheel_free(struct sp_wheel *w)
{
	if (!w)
		return;
	sp_free(w->mem, w->node);
	sp_free(w->mem, w->heap);
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

static bool before(const struct sp_wheel *w, uint32_t a, uint32_t b)
{
	uint64_t x = w->node[a].at_ns, y = w->node[b].at_ns;

	return x != y ? x < y : a < b;
}

static void heap_push(struct sp_wheel *w, uint32_t id)
{
	uint32_t i = w->n_heap++;

	while (i > 0 && before(w, id, w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = id;
}

static uint32_t heap_pop(struct sp_wheel *w)
{
	uint32_t top = w->heap[0], n = --w->n_heap, last = w->heap[n], i = 0;

	for (;;) {
		uint32_t k = 2 * i + 1;

		if (k >= n)
			break;
		if (k + 1 < n && before(w, w->heap[k + 1], w->heap[k]))
			k++;
		if (!before(w, w->heap[k], last))
			break;
		w->heap[i] = w->heap[k];
		i = k;
	}
	w->heap[i] = last;
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
		link_in(w, level, slot & MASK, id);
		if (slot << shift < w->cascade_ns)
			w->cascade_ns = slot << shift;
		return;
	}
}

static void place(struct sp_wheel *w, uint32_t id, uint64_t at_ns)
{
	uint64_t slot = at_ns >> SP_WHEEL_SLOT_SHIFT;

	if (slot <= w->cursor)
		heap_push(w, id);
	else if (slot - w->cursor <= MASK)
		link_in(w, 0, slot & MASK, id);
	else
		put_far(w, id, at_ns);
}

void sp_wheel_put(struct sp_wheel *w, uint32_t id, uint64_t at_ns)
{
	w->node[id].at_ns = at_ns;
	if (at_ns < w->next_ns)
		w->next_ns = at_ns;
	place(w, id, at_ns);
}

static uint32_t merge(struct sp_wheel *w, uint32_t a, uint32_t b)
{
	uint32_t head = 0, *tail = &head;

	while (a && b) {
		uint32_t *least = before(w, a - 1, b - 1) ? &a : &b;

		*tail = *least;
		tail = &w->node[*least - 1].next;
		*least = *tail;
	}
	*tail = a ? a : b;
	return head;
}

static uint32_t reverse(struct sp_wheel *w, uint32_t list)
{
	uint32_t done = 0;

	while (list) {
		uint32_t next = w->node[list - 1].next;

		w->node[list - 1].next = done;
		done = list;
		list = next;
	}
	return done;
}

/* Cuts the sorted run off that *list begins with. */
static uint32_t cut_run(struct sp_wheel *w, uint32_t *list)
{
	uint32_t run = *list, last = run, next = w->node[last - 1].next;

	while (next && before(w, last - 1, next - 1)) {
		last = next;
		next = w->node[last - 1].next;
	}
	w->node[last - 1].next = 0;
	*list = next;
	return run;
}

/* Merge sort without memory of its own: bin k holds 2^k runs. Lists grow at the head, so that
 * the reverse is in the order of putting, and often sorted: many streams with one start. */
static uint32_t sort(struct sp_wheel *w, uint32_t list)
{
	uint32_t bin[32] = { 0 }, all = 0;
	unsigned used = 0;

	list = reverse(w, list);
	while (list) {
		uint32_t run = cut_run(w, &list);
		unsigned k = 0;

		for (; k < used && bin[k]; k++) {
			run = merge(w, bin[k], run);
			bin[k] = 0;
		}
		used = k == used ? k + 1 : used;
		bin[k] = run;
	}
	for (unsigned k = 0; k < used; k++)
		all = merge(w, all, bin[k]);
	return all;
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
			place(w, id, w->node[id].at_ns);
		}
	}
	find_cascade(w);
}

/* Moves the cursor to the next slot that holds something and starts at or before until_ns; its
 * ids become the list cur. */
static bool advance(struct sp_wheel *w, uint64_t until_ns)
{
	for (;;) {
		uint64_t slot = first_slot(w, 0);
		uint64_t start = slot == NONE ? SP_NEVER : slot << SP_WHEEL_SLOT_SHIFT;
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
		w->cur = w->node[list - 1].next ? sort(w, list) : list;
		return true;
	}
}

static bool pop(struct sp_wheel *w, uint64_t until_ns, uint32_t *id)
{
	if (w->n_heap && (!w->cur || before(w, w->heap[0], w->cur - 1))) {
		if (w->node[w->heap[0]].at_ns > until_ns)
			return false;
		*id = heap_pop(w);
		return true;
	}
	if (!w->cur || w->node[w->cur - 1].at_ns > until_ns)
		return false;
	*id = w->cur - 1;
	w->cur = w->node[*id].next;
	return true;
}

uint32_t sp_wheel_take_span(struct sp_wheel *w, uint64_t now_ns, uint64_t span_ns,
			    uint32_t *ids, uint32_t max)
{
	const uint64_t slot_mask = (1ull << SP_WHEEL_SLOT_SHIFT) - 1;
	uint64_t until_ns = now_ns, end_ns;
	uint32_t n = 0;

	if (now_ns < w->next_ns)
		return 0;
	while (n < max) {
		if (!pop(w, until_ns, &ids[n])) {
			if (w->cur || w->n_heap || !advance(w, until_ns))
				break;
			continue;
		}
		if (n++ > 0)
			continue;
		end_ns = w->node[ids[0]].at_ns;
		end_ns = span_ns > ~end_ns ? UINT64_MAX : (end_ns + span_ns) | slot_mask;
		until_ns = end_ns < now_ns ? end_ns : now_ns;
	}
	if (n) {
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
		for (uint32_t i = w->head[level][slot & MASK]; i; i = w->node[i - 1].next)
			if (w->node[i - 1].at_ns < best)
				best = w->node[i - 1].at_ns;
		last = slot;
		slot = slot_after(&w->map[level], slot);
	}
	return best;
}

static uint64_t find_next(const struct sp_wheel *w)
{
	uint64_t best = SP_NEVER;

	if (w->cur)
		best = w->node[w->cur - 1].at_ns;
	if (w->n_heap && w->node[w->heap[0]].at_ns < best)
		best = w->node[w->heap[0]].at_ns;
	if (w->cur || w->n_heap)
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
	w->cur = 0;
	w->n_heap = 0;
	w->cascade_ns = SP_NEVER;
	w->next_ns = SP_NEVER;
	w->next_known = true;
}
