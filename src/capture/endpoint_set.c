#include "capture/endpoint_set.h"

#include <errno.h>
#include <string.h>

#define FIRST_CAP 16u
#define MOST	  (1u << 24)

void sp_endpoint_set_init(struct sp_endpoint_set *s, const struct sp_mem *mem)
{
	*s = (struct sp_endpoint_set){ .mem = mem };
}

void sp_endpoint_set_fini(struct sp_endpoint_set *s)
{
	sp_free(s->mem, s->of);
	sp_free(s->mem, s->slot);
	sp_endpoint_set_init(s, s->mem);
}

/* The slot that holds e, or the free one where it belongs: half of them are free. */
static uint32_t place(const struct sp_endpoint_set *s, const struct sp_endpoint *e)
{
	uint32_t mask = 2 * s->cap - 1, i = (uint32_t)sp_endpoint_hash(e) & mask;

	while (s->slot[i] && !sp_endpoint_eq(&s->of[s->slot[i] - 1], e))
		i = (i + 1) & mask;
	return i;
}

static int grow(struct sp_endpoint_set *s)
{
	uint32_t cap = s->cap ? 2 * s->cap : FIRST_CAP;
	struct sp_endpoint *of = sp_alloc_array(s->mem, cap, sizeof *of);
	uint32_t *slot = sp_alloc_array(s->mem, 2 * (size_t)cap, sizeof *slot);

	if (!of || !slot) {
		sp_free(s->mem, of);
		sp_free(s->mem, slot);
		return -ENOMEM;
	}
	if (s->n)
		memcpy(of, s->of, s->n * sizeof *of);
	sp_free(s->mem, s->of);
	sp_free(s->mem, s->slot);
	s->of = of;
	s->slot = slot;
	s->cap = cap;
	for (uint32_t i = 0; i < s->n; i++)
		slot[place(s, &of[i])] = i + 1;
	return 0;
}

int sp_endpoint_set_find(const struct sp_endpoint_set *s, const struct sp_endpoint *e)
{
	uint32_t at = s->cap ? s->slot[place(s, e)] : 0;

	return at ? (int)(at - 1) : -ENOENT;
}

int sp_endpoint_set_add(struct sp_endpoint_set *s, const struct sp_endpoint *e, bool *added)
{
	int at = sp_endpoint_set_find(s, e), rc;

	*added = at < 0;
	if (at >= 0)
		return at;
	if (s->n == MOST)
		return -E2BIG;
	rc = s->n == s->cap ? grow(s) : 0;
	if (rc)
		return rc;
	s->slot[place(s, e)] = s->n + 1;
	s->of[s->n] = *e;
	return (int)s->n++;
}
