#include "pkt/slot_bank.h"

#include <errno.h>

static size_t round_up(size_t v, size_t align)
{
	return (v + align - 1) / align * align;
}

int sp_slot_bank_init(struct sp_slot_bank *s, const struct sp_mem *mem, size_t bytes,
		      uint32_t max_len, enum sp_slot_align align)
{
	if (bytes < max_len)
		bytes = max_len;
	*s = (struct sp_slot_bank){ .bytes = round_up(bytes ? bytes : 1, align),
				    .max_len = max_len,
				    .align = align,
				    .stride = align };
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

	if (!s->mem || len > s->max_len)
		return b->n = 0;
	if (tmpl != s->tmpl || len != s->len) {
		s->tmpl = tmpl;
		s->len = len;
		s->held = 0;
		s->stride = (uint32_t)round_up(len ? len : 1, s->align);
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
