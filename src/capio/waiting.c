#include "capio/waiting.h"

#include <errno.h>
#include <string.h>

/* A new piece between before (NULL: in front of all) and what follows it. */
static int add(struct sp_waiting *w, const struct sp_mem *mem, struct sp_piece *before,
	       uint64_t off, const uint8_t *data, uint32_t len)
{
	size_t size = sizeof(struct sp_piece) + (data ? len : 0);
	struct sp_piece *p = sp_alloc(mem, size);

	if (!p)
		return -ENOMEM;
	p->off = off;
	p->len = len;
	p->missing = !data;
	if (data)
		memcpy(p->data, data, len);
	p->next = before ? before->next : w->first;
	if (before)
		before->next = p;
	else
		w->first = p;
	if (!p->next)
		w->last = p;
	w->memory += size;
	w->n++;
	return 0;
}

/* What both claim. */
static void compare(const struct sp_piece *p, uint64_t off, const uint8_t *data, uint32_t len,
		    struct sp_waiting_note *note)
{
	uint64_t from = off > p->off ? off : p->off;
	uint64_t to = off + len < p->off + p->len ? off + len : p->off + p->len;

	if (from >= to)
		return;
	note->overlaps = true;
	if (data && !p->missing &&
	    memcmp(data + (from - off), p->data + (from - p->off), to - from))
		note->differing = true;
}

int sp_waiting_put(struct sp_waiting *w, const struct sp_mem *mem, uint64_t off,
		   const uint8_t *data, uint32_t len, struct sp_waiting_note *note)
{
	struct sp_piece *before = NULL, *p = w->first;
	uint64_t end = off + len, at = off;
	int rc = 0;

	*note = (struct sp_waiting_note){ 0 };
	if (w->last && w->last->off + w->last->len <= off) {
		before = w->last;
		p = NULL;
	}
	for (; p && p->off + p->len <= off; p = p->next)
		before = p;
	while (at < end && !rc) {
		uint64_t stop = p && p->off < end ? p->off : end;

		if (at < stop) {
			note->news = true;
			rc = add(w, mem, before, at, data ? data + (at - off) : NULL,
				 (uint32_t)(stop - at));
			before = before ? before->next : w->first;
			at = stop;
			continue;
		}
		compare(p, off, data, len, note);
		at = p->off + p->len;
		before = p;
		p = p->next;
	}
	return rc;
}

struct sp_piece *sp_waiting_take(struct sp_waiting *w)
{
	struct sp_piece *p = w->first;

	if (!p)
		return NULL;
	w->first = p->next;
	if (!w->first)
		w->last = NULL;
	w->memory -= sizeof *p + (p->missing ? 0 : p->len);
	w->n--;
	return p;
}

void sp_waiting_drop(struct sp_waiting *w, const struct sp_mem *mem)
{
	struct sp_piece *p;

	while ((p = sp_waiting_take(w)))
		sp_free(mem, p);
}
