#include "pkt/slot_bank.h"

#include <errno.h>

static size_t round_up(size_t v)
{
	return (v + SP_SLOT_ALIGN - 1) & ~(size_t)(SP_SLOT_ALIGN - 1);
}

int sp_slot_bank_init(struct sp_slot_bank *s, const struct sp_mem *mem, size_t bytes,
		      uint32_t max_len)
{
	if (bytes < max_len)
		bytes = max_len;
	*s = (struct sp_slot_bank){ .bytes = round_up(bytes) };
	s->mem = sp_alloc_array(mem, s->bytes, 1);
	return s->mem ? 0 : -ENOMEM;
}

void sp_slot_bank_fini(struct sp_slot_bank *s, const struct sp_mem *mem)
{
	sp_free(mem, s->mem);
	s->mem = NULL;
}

uint32_t sp_slot_bank_lend(struct sp_slot_bank *s, struct sp_batch *b, uint32_t n, uint32_t len,
			   uint32_t tmpl)
{
	uint8_t *at = s->mem;
	uint32_t i, room;

	if (tmpl != s->tmpl || len != s->len) {
		s->tmpl = tmpl;
		s->len = len;
		s->held = 0;
		s->stride = (uint32_t)round_up(len ? len : 1);
	}
	room = (uint32_t)(s->bytes / s->stride);
	if (n > room)
		n = room;
	if (n > b->cap)
		n = b->cap;
	for (i = 0; i < n; i++, at += s->stride) {
		b->m[i].data = at;
		b->m[i].len = len;
		b->m[i].flags = i < s->held ? SP_M_HELD : 0;
	}
	b->n = n;
	return n;
}
