#include "capio/streams.h"

#include <errno.h>
#include <string.h>

int sp_streams_open(struct sp_streams *t, uint32_t max, const struct sp_mem *mem)
{
	uint32_t buckets = 64;

	while (buckets < max && buckets < 1u << 30)
		buckets *= 2;
	*t = (struct sp_streams){
		.mem = mem,
		.max = max,
		.mask = buckets - 1,
		.newest = SP_SLOT_NONE,
		.oldest = SP_SLOT_NONE,
		.free = SP_SLOT_NONE,
		.first_waiting = SP_SLOT_NONE,
		.last_waiting = SP_SLOT_NONE,
		.slot = sp_alloc_array(mem, max, sizeof *t->slot),
		.bucket = sp_alloc_array(mem, buckets, sizeof *t->bucket),
	};
	return t->slot && t->bucket ? 0 : -ENOMEM;
}

void sp_streams_close(struct sp_streams *t)
{
	for (uint32_t i = 0; t->slot && i < t->n; i++)
		sp_waiting_drop(&t->slot[i].waiting, t->mem);
	sp_free(t->mem, t->slot);
	sp_free(t->mem, t->bucket);
}

static uint32_t index_of(const struct sp_streams *t, const struct sp_slot *s)
{
	return (uint32_t)(s - t->slot);
}

static uint64_t hash(const struct sp_endpoint *src, const struct sp_endpoint *dst)
{
	return sp_endpoint_hash(src) * 0x9e3779b97f4a7c15u + sp_endpoint_hash(dst);
}

static uint32_t *bucket_of(const struct sp_streams *t, uint64_t h)
{
	return &t->bucket[(h ^ h >> 32) & t->mask];
}

/* A bucket holds the index + 1, so that zeroed memory is an empty table. */
struct sp_slot *sp_streams_find(const struct sp_streams *t, const struct sp_endpoint *src,
				const struct sp_endpoint *dst)
{
	uint64_t h = hash(src, dst);

	for (uint32_t i = *bucket_of(t, h); i; i = t->slot[i - 1].chain) {
		struct sp_slot *s = &t->slot[i - 1];

		if (s->hash == h && sp_endpoint_eq(&s->s.src, src) &&
		    sp_endpoint_eq(&s->s.dst, dst))
			return s;
	}
	return NULL;
}

bool sp_streams_full(const struct sp_streams *t)
{
	return t->n == t->max && t->free == SP_SLOT_NONE;
}

struct sp_slot *sp_streams_oldest(const struct sp_streams *t)
{
	return &t->slot[t->oldest];
}

static void unlink_age(struct sp_streams *t, struct sp_slot *s)
{
	if (s->newer != SP_SLOT_NONE)
		t->slot[s->newer].older = s->older;
	else
		t->newest = s->older;
	if (s->older != SP_SLOT_NONE)
		t->slot[s->older].newer = s->newer;
	else
		t->oldest = s->newer;
}

static void link_newest(struct sp_streams *t, struct sp_slot *s)
{
	s->newer = SP_SLOT_NONE;
	s->older = t->newest;
	if (t->newest != SP_SLOT_NONE)
		t->slot[t->newest].newer = index_of(t, s);
	else
		t->oldest = index_of(t, s);
	t->newest = index_of(t, s);
}

struct sp_slot *sp_streams_add(struct sp_streams *t, const struct sp_endpoint *src,
			       const struct sp_endpoint *dst)
{
	uint32_t i = t->free, *bucket;
	struct sp_slot *s;

	if (i != SP_SLOT_NONE)
		t->free = t->slot[i].chain;
	else
		i = t->n++;
	s = &t->slot[i];
	*s = (struct sp_slot){ .hash = hash(src, dst), .used = true };
	s->s.src = *src;
	s->s.dst = *dst;
	bucket = bucket_of(t, s->hash);
	s->chain = *bucket;
	*bucket = i + 1;
	link_newest(t, s);
	return s;
}

void sp_streams_remove(struct sp_streams *t, struct sp_slot *s)
{
	uint32_t *at = bucket_of(t, s->hash), i = index_of(t, s);

	while (*at != i + 1)
		at = &t->slot[*at - 1].chain;
	*at = s->chain;
	unlink_age(t, s);
	s->used = false;
	s->chain = t->free;
	t->free = i;
}

void sp_streams_touch(struct sp_streams *t, struct sp_slot *s)
{
	if (t->newest == index_of(t, s))
		return;
	unlink_age(t, s);
	link_newest(t, s);
}

void sp_streams_bury(struct sp_streams *t, struct sp_slot *s)
{
	unlink_age(t, s);
	s->older = SP_SLOT_NONE;
	s->newer = t->oldest;
	if (t->oldest != SP_SLOT_NONE)
		t->slot[t->oldest].older = index_of(t, s);
	else
		t->newest = index_of(t, s);
	t->oldest = index_of(t, s);
}

void sp_streams_note_waiting(struct sp_streams *t, struct sp_slot *s, bool waited)
{
	uint32_t i = index_of(t, s);

	if (waited == (s->waiting.n > 0))
		return;
	if (!waited) {
		s->after = SP_SLOT_NONE;
		s->before = t->last_waiting;
		if (s->before != SP_SLOT_NONE)
			t->slot[s->before].after = i;
		else
			t->first_waiting = i;
		t->last_waiting = i;
		return;
	}
	if (s->before != SP_SLOT_NONE)
		t->slot[s->before].after = s->after;
	else
		t->first_waiting = s->after;
	if (s->after != SP_SLOT_NONE)
		t->slot[s->after].before = s->before;
	else
		t->last_waiting = s->before;
}

struct sp_slot *sp_streams_waiting(const struct sp_streams *t)
{
	return t->first_waiting == SP_SLOT_NONE ? NULL : &t->slot[t->first_waiting];
}
