#include "engine/names.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/rng.h"

struct sp_name_slot {
	const char *text; /* NULL: free */
	unsigned index;
};

int sp_names_init(struct sp_names *s, const struct sp_mem *mem, unsigned n)
{
	size_t cap = 16;

	if (n > UINT_MAX / 4)
		return -ENOMEM;
	while (cap < (size_t)n * 2)
		cap *= 2;
	*s = (struct sp_names){ .mem = mem, .mask = (unsigned)(cap - 1) };
	s->slots = sp_alloc_array(mem, cap, sizeof *s->slots);
	return s->slots ? 0 : -ENOMEM;
}

void sp_names_fini(struct sp_names *s)
{
	sp_free(s->mem, s->slots);
	s->slots = NULL;
}

/* The slot of text, or the free one where it belongs. At most half of them are taken. */
static struct sp_name_slot *slot_of(const struct sp_names *s, const char *text)
{
	uint64_t hash = sp_hash_text(text);
	unsigned at = (unsigned)(hash ^ hash >> 32) & s->mask;

	while (s->slots[at].text && strcmp(s->slots[at].text, text) != 0)
		at = (at + 1) & s->mask;
	return &s->slots[at];
}

bool sp_names_add(struct sp_names *s, const char *text, unsigned index, unsigned *before)
{
	struct sp_name_slot *slot = slot_of(s, text);

	if (slot->text) {
		*before = slot->index;
		return false;
	}
	*slot = (struct sp_name_slot){ text, index };
	return true;
}

bool sp_names_find(const struct sp_names *s, const char *text, unsigned *index)
{
	const struct sp_name_slot *slot = slot_of(s, text);

	if (!slot->text)
		return false;
	*index = slot->index;
	return true;
}
