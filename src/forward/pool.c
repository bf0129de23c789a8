#include "forward/pool.h"

#include <errno.h>
#include <string.h>

int sp_pool_init(struct sp_pool *p, const struct sp_mem *mem, struct sp_err *err)
{
	*p = (struct sp_pool){ .mem = mem, .n_free = SP_POOL_SLOTS };
	p->rooms = sp_alloc_array(mem, SP_POOL_SLOTS, SP_POOL_ROOM + SP_POOL_HEADROOM);
	p->slots = sp_alloc_array(mem, SP_POOL_SLOTS, sizeof *p->slots);
	p->free = sp_alloc_array(mem, SP_POOL_SLOTS, sizeof *p->free);
	if (!p->rooms || !p->slots || !p->free) {
		sp_pool_fini(p);
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	for (uint32_t i = 0; i < SP_POOL_SLOTS; i++)
		p->free[i] = SP_POOL_SLOTS - 1 - i;
	return 0;
}

void sp_pool_fini(struct sp_pool *p)
{
	for (uint32_t i = 0; p->slots && i < SP_POOL_SLOTS; i++)
		sp_free(p->mem, p->slots[i].big);
	sp_free(p->mem, p->rooms);
	sp_free(p->mem, p->slots);
	sp_free(p->mem, p->free);
	*p = (struct sp_pool){ 0 };
}

bool sp_pool_get(struct sp_pool *p, uint32_t *id)
{
	if (!p->n_free)
		return false;
	/* The last that came back: its room is in the cache. */
	*id = p->free[--p->n_free];
	p->slots[*id] = (struct sp_slot){ .off = SP_POOL_HEADROOM };
	return true;
}

void sp_pool_put(struct sp_pool *p, uint32_t id)
{
	struct sp_slot *s = &p->slots[id];

	if (s->big) {
		p->big_bytes -= s->off + s->len;
		sp_free(p->mem, s->big);
		s->big = NULL;
	}
	p->free[p->n_free++] = id;
}

uint8_t *sp_pool_big(struct sp_pool *p, uint32_t id, uint32_t len)
{
	struct sp_slot *s = &p->slots[id];

	if (p->big_bytes + len + SP_POOL_HEADROOM > SP_POOL_BIG_MAX)
		return NULL;
	s->big = sp_alloc(p->mem, len + SP_POOL_HEADROOM);
	if (!s->big)
		return NULL;
	s->off = SP_POOL_HEADROOM;
	s->len = len;
	p->big_bytes += len + SP_POOL_HEADROOM;
	return s->big + s->off;
}

bool sp_pool_copy(struct sp_pool *p, uint32_t from, uint32_t *id)
{
	const struct sp_slot *s = &p->slots[from];

	if (!sp_pool_get(p, id))
		return false;
	p->slots[*id].vnet = s->vnet;
	if (s->big && !sp_pool_big(p, *id, s->len)) {
		sp_pool_put(p, *id);
		return false;
	}
	p->slots[*id].len = s->len;
	if (!s->big)
		p->slots[*id].off = s->off;
	memcpy(sp_pool_data(p, *id), sp_pool_data(p, from), s->len);
	return true;
}
