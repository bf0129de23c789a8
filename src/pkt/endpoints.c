#include "pkt/endpoints.h"

#include <errno.h>

int sp_endpoints_init(struct sp_endpoints *t, const struct sp_mem *mem, uint32_t max)
{
	uint32_t size = 2;

	*t = (struct sp_endpoints){ .max = max ? max : 1 };
	if (t->max > UINT32_MAX / 4)
		return -ENOMEM;
	while (size < t->max * 2)
		size *= 2;
	t->mask = size - 1;
	t->at = sp_alloc_array(mem, t->max, sizeof *t->at);
	t->slot = sp_alloc_array(mem, size, sizeof *t->slot);
	if (!t->at || !t->slot) {
		sp_endpoints_fini(t, mem);
		return -ENOMEM;
	}
	return 0;
}

void sp_endpoints_fini(struct sp_endpoints *t, const struct sp_mem *mem)
{
	sp_free(mem, t->at);
	sp_free(mem, t->slot);
	*t = (struct sp_endpoints){ .n = 0 };
}

int sp_endpoints_add(struct sp_endpoints *t, const struct sp_endpoint *e, uint32_t *index)
{
	uint32_t i = (uint32_t)sp_endpoint_hash(e) & t->mask;

	/* The table is at most half full: this ends. */
	for (; t->slot[i]; i = (i + 1) & t->mask) {
		if (sp_endpoint_eq(&t->at[t->slot[i] - 1], e)) {
			*index = t->slot[i] - 1;
			return 0;
		}
	}
	if (t->n == t->max)
		return -ENOSPC;
	*index = t->n;
	t->at[t->n++] = *e;
	t->slot[i] = t->n;
	return 0;
}
