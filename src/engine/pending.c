#include "engine/pending.h"

#include <errno.h>

int sp_pending_init(struct sp_pending *p, const struct sp_mem *mem, unsigned bits,
		    uint32_t first)
{
	*p = (struct sp_pending){ .mem = mem, .keys = 1u << bits };
	p->next = first & (p->keys - 1);
	p->unit = sp_alloc_array(mem, p->keys, sizeof *p->unit);
	return p->unit ? 0 : -ENOMEM;
}

void sp_pending_fini(struct sp_pending *p)
{
	if (p->mem)
		sp_free(p->mem, p->unit);
	*p = (struct sp_pending){ 0 };
}

uint32_t sp_pending_take(struct sp_pending *p)
{
	uint32_t key;

	if (p->n == p->keys)
		return SP_NO_KEY;
	do {
		key = p->next;
		p->next = (p->next + 1) & (p->keys - 1);
	} while (p->unit[key].until_ns);
	p->n++;
	p->unit[key].until_ns = UINT64_MAX;
	return key;
}

void sp_pending_expire(struct sp_pending *p, uint64_t now_ns, uint32_t max,
		       void (*gone)(void *arg, const struct sp_pending_unit *), void *arg)
{
	for (uint32_t i = 0; i < max && p->n; i++) {
		struct sp_pending_unit *u = &p->unit[p->looked];

		p->looked = (p->looked + 1) & (p->keys - 1);
		if (!u->until_ns || u->until_ns > now_ns)
			continue;
		gone(arg, u);
		sp_pending_drop(p, u);
	}
}
