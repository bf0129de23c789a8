#include "source/store.h"

#include <errno.h>

#include "core/shared.h"

/* Memory of units that follow each other. */
struct chunk {
	struct chunk *next; /* of the list: the newer one */
	uint64_t last;	    /* the last unit in it, + 1 */
	uint32_t used, size;
	uint8_t bytes[];
};

struct sp_store {
	/* the writer's */
	const struct sp_mem *mem;
	struct chunk *oldest, *newest;
	uint8_t *room;
	uint64_t bytes; /* in chunks that are in use */
	struct sp_store_unit *unit;
	uint64_t cap;
	struct sp_store_conf conf;
	/* shared */
	uint64_t put __attribute__((aligned(64)));
	uint64_t dropped __attribute__((aligned(64)));
	uint64_t wanted; /* unit, + 1; 0: none was */
};

struct sp_store *sp_store_new(const struct sp_store_conf *conf, const struct sp_mem *mem)
{
	struct sp_store *s = sp_alloc_array(mem, 1, sizeof *s);

	if (!s)
		return NULL;
	s->mem = mem;
	s->conf = *conf;
	s->cap = SP_STORE_UNITS;
	s->unit = sp_alloc_array(mem, s->cap, sizeof *s->unit);
	if (s->unit)
		return s;
	sp_free(mem, s);
	return NULL;
}

void sp_store_free(struct sp_store *s)
{
	if (!s)
		return;
	while (s->oldest) {
		struct chunk *next = s->oldest->next;

		sp_free(s->mem, s->oldest);
		s->oldest = next;
	}
	sp_free(s->mem, s->unit);
	sp_free(s->mem, s);
}

void sp_store_keep(struct sp_store *s)
{
	s->conf.grows = true;
}

/* The oldest chunk, when all that was in it is gone and it is large enough. */
static struct chunk *old_chunk(struct sp_store *s, uint32_t size)
{
	struct chunk *c = s->oldest;

	if (!c || c == s->newest || c->last > __atomic_load_n(&s->dropped, __ATOMIC_ACQUIRE))
		return NULL;
	s->oldest = c->next;
	s->bytes -= c->size;
	if (c->size >= size)
		return c;
	sp_free(s->mem, c);
	return NULL;
}

static struct chunk *new_chunk(struct sp_store *s, uint32_t len)
{
	uint32_t size = len > s->conf.chunk ? len : s->conf.chunk;
	struct chunk *c = old_chunk(s, size);

	if (!c) {
		c = sp_alloc(s->mem, sizeof *c + size);
		if (!c)
			return NULL;
		c->size = size;
	}
	c->next = NULL;
	c->used = 0;
	c->last = s->put;
	if (s->newest)
		s->newest->next = c;
	else
		s->oldest = c;
	s->newest = c;
	s->bytes += c->size;
	return c;
}

/* Room for one more unit of what is no ring. */
static bool grow(struct sp_store *s)
{
	struct sp_store_unit *more;

	if (s->put - s->dropped < s->cap)
		return true;
	more = s->cap > UINT64_MAX / 4 ? NULL
				       : sp_alloc_array(s->mem, s->cap * 2, sizeof *more);
	if (!more)
		return false;
	for (uint64_t i = s->dropped; i < s->put; i++)
		more[i & (s->cap * 2 - 1)] = s->unit[i & (s->cap - 1)];
	sp_free(s->mem, s->unit);
	s->unit = more;
	s->cap *= 2;
	return true;
}

uint8_t *sp_store_room(struct sp_store *s, uint32_t len)
{
	struct chunk *c = s->newest;

	if (s->conf.grows && !grow(s))
		return NULL;
	if (!c || c->size - c->used < len)
		c = new_chunk(s, len);
	s->room = c ? c->bytes + c->used : NULL;
	return s->room;
}

void sp_store_put(struct sp_store *s, uint32_t len, uint64_t place, uint32_t loop,
		  uint32_t index)
{
	struct chunk *c = s->newest;

	s->unit[s->put & (s->cap - 1)] = (struct sp_store_unit){ s->room, place, len, loop,
								 index };
	c->used += len;
	c->last = s->put + 1;
	__atomic_store_n(&s->put, s->put + 1, __ATOMIC_RELEASE);
}

bool sp_store_full(const struct sp_store *s)
{
	uint64_t held = s->put - __atomic_load_n(&s->dropped, __ATOMIC_ACQUIRE);

	if (s->conf.grows)
		return false;
	return held >= SP_STORE_UNITS - 1 ||
	       (held >= s->conf.least && s->bytes > s->conf.bytes &&
		s->put >= __atomic_load_n(&s->wanted, __ATOMIC_ACQUIRE) &&
		s->oldest->last > __atomic_load_n(&s->dropped, __ATOMIC_ACQUIRE));
}

uint64_t sp_store_held(const struct sp_store *s)
{
	uint64_t dropped = __atomic_load_n(&s->dropped, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&s->put, __ATOMIC_ACQUIRE) - dropped;
}

uint64_t sp_store_written(const struct sp_store *s)
{
	return s->put;
}

uint64_t sp_store_ready(const struct sp_store *s)
{
	return __atomic_load_n(&s->put, __ATOMIC_ACQUIRE);
}

const struct sp_store_unit *sp_store_at(const struct sp_store *s, uint64_t i)
{
	return &s->unit[i & (s->cap - 1)];
}

void sp_store_want(struct sp_store *s, uint64_t i)
{
	__atomic_store_n(&s->wanted, i + 1, __ATOMIC_RELEASE);
}

void sp_store_drop(struct sp_store *s, uint64_t i)
{
	__atomic_store_n(&s->dropped, i, __ATOMIC_RELEASE);
}
