#include "transport/slots.h"

#include <errno.h>

int sp_slots_init(struct sp_slots *s, const struct sp_mem *mem, uint32_t burst,
		  uint32_t max_len)
{
	size_t want = (size_t)burst * max_len;

	*s = (struct sp_slots){ .burst = burst, .max_len = max_len };
	s->size = want < SP_SLOTS_AREA ? want : SP_SLOTS_AREA;
	s->area = sp_alloc_array(mem, s->size, 1);
	return s->area ? 0 : -ENOMEM;
}

void sp_slots_fini(struct sp_slots *s, const struct sp_mem *mem)
{
	sp_free(mem, s->area);
	s->area = NULL;
}

uint32_t sp_slots_lend(struct sp_slots *s, struct sp_batch *b, uint32_t n, uint32_t len,
		       uint32_t tmpl)
{
	if (!s->area || len > s->max_len)
		return b->n = 0;
	if (len != s->len || tmpl != s->tmpl) {
		s->len = len;
		s->tmpl = tmpl;
		s->held = 0;
	}
	if (n > b->cap)
		n = b->cap;
	if (n > s->burst)
		n = s->burst;
	if (len && n > s->size / len)
		n = (uint32_t)(s->size / len);
	for (uint32_t i = 0; i < n; i++) {
		b->m[i].data = s->area + (size_t)i * len;
		b->m[i].len = len;
		b->m[i].flags = i < s->held ? SP_M_HELD : 0;
	}
	return b->n = n;
}

void sp_slots_filled(struct sp_slots *s, const struct sp_batch *b)
{
	const uint8_t *last = b->n ? b->m[b->n - 1].data : NULL;
	uint32_t n;

	if (!s->len || !last || last < s->area || last >= s->area + s->size)
		return;
	n = (uint32_t)((size_t)(last - s->area) / s->len) + 1;
	if (n > s->held)
		s->held = n;
}
