#include <errno.h>
#include <string.h>

#include "capture/score_impl.h"

int sp_score_table_init(struct sp_score_table *t, uint32_t cap, const struct sp_mem *mem)
{
	uint32_t slots = 16;

	while (slots < 2 * cap)
		slots *= 2;
	*t = (struct sp_score_table){ .mem = mem, .cap = cap, .mask = slots - 1 };
	sp_arena_init(&t->keys, mem);
	t->entry = sp_alloc_array(mem, cap, sizeof *t->entry);
	t->slot = sp_alloc_array(mem, slots, sizeof *t->slot);
	if (t->entry && t->slot)
		return 0;
	sp_score_table_fini(t);
	return -ENOMEM;
}

void sp_score_table_fini(struct sp_score_table *t)
{
	if (!t->mem)
		return;
	sp_free(t->mem, t->entry);
	sp_free(t->mem, t->slot);
	sp_arena_fini(&t->keys);
	*t = (struct sp_score_table){ 0 };
}

static uint64_t place(uint64_t hash, const uint64_t *exact)
{
	if (exact)
		hash = (hash ^ exact[0] * 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull ^
		       exact[1];
	return hash * 0x94d049bb133111ebull >> 20;
}

struct sp_score_entry *sp_score_table_get(struct sp_score_table *t, const char *key,
					  uint64_t hash, const uint64_t *exact)
{
	uint32_t at = (uint32_t)place(hash, exact) & t->mask;
	struct sp_score_entry *e;

	for (; t->slot[at]; at = (at + 1) & t->mask) {
		e = &t->entry[t->slot[at] - 1];
		if (e->hash == hash && strcmp(e->key, key) == 0 &&
		    (!exact || memcmp(e->want, exact, 2 * sizeof *exact) == 0))
			return e;
	}
	if (t->n == t->cap)
		return NULL;
	e = &t->entry[t->n];
	e->key = sp_arena_strdup(&t->keys, key);
	if (!e->key)
		return NULL;
	e->hash = hash;
	if (exact)
		memcpy(e->want, exact, 2 * sizeof *exact);
	t->slot[at] = ++t->n;
	return e;
}
