/* What waits to leave, and what another connection would begin with. */
#include <errno.h>
#include <string.h>

#include "engine/recorded_impl.h"

#define QUEUE_MIN 4096u

static int make_room(struct sp_recorded *s, size_t need)
{
	size_t used = s->tail - s->head, cap = s->cap ? s->cap : QUEUE_MIN;
	uint8_t *bytes;

	if (s->cap - s->tail >= need)
		return 0;
	/* What is being written is borrowed by the wish: a move is followed by a new one. */
	if (s->head >= used && s->cap - used >= need) {
		if (used)
			memcpy(s->bytes, s->bytes + s->head, used);
	} else {
		while (cap - used < need)
			cap *= 2;
		bytes = sp_alloc_array(s->mem, cap, 1);
		if (!bytes)
			return -ENOMEM;
		if (used)
			memcpy(bytes, s->bytes + s->head, used);
		sp_free(s->mem, s->bytes);
		s->bytes = bytes;
		s->cap = cap;
	}
	if (s->out == SP_RECORDED_MESSAGE)
		s->at = s->bytes + sizeof(struct sp_recorded_head);
	s->head = 0;
	s->tail = used;
	return 0;
}

/* Length of the first message, and what it is. What cannot be told apart is taken as a whole. */
static size_t look(struct sp_recorded *s, const uint8_t *data, size_t len, uint16_t *flags)
{
	struct sp_codec_note note = { 0 };
	ptrdiff_t n = s->codec ? s->codec->boundary(data, len) : (ptrdiff_t)len;

	*flags = 0;
	if (!s->codec)
		return len;
	if (n <= 0 || (size_t)n > len) {
		*flags = s->codec->peer ? SP_CM_WAITS : 0;
		return len;
	}
	s->codec->read(s->said, data, (size_t)n, &note);
	*flags = (uint16_t)note.flags;
	return (size_t)n;
}

int sp_recorded_put(struct sp_recorded *s, const uint8_t *data, size_t len, uint64_t due_ns)
{
	size_t before = s->tail - s->head, n;
	struct sp_recorded_head *h = NULL;
	uint16_t flags;

	for (; len; data += n, len -= n) {
		n = look(s, data, len, &flags);
		if (make_room(s, sp_recorded_room(n))) {
			s->tail = s->head + before;
			return -ENOMEM;
		}
		h = (struct sp_recorded_head *)(void *)(s->bytes + s->tail);
		*h = (struct sp_recorded_head){ .due_ns = due_ns,
						.len = (uint32_t)n,
						.flags = flags };
		memcpy(h + 1, data, n);
		s->tail += sp_recorded_room(n);
	}
	if (!h)
		return -EINVAL;
	h->last = true;
	s->units++;
	return 0;
}

void sp_recorded_pop(struct sp_recorded *s)
{
	s->head += sp_recorded_room(sp_recorded_first(s)->len);
	if (s->head == s->tail)
		s->head = s->tail = 0;
}

/* A message that is part-way out stays, and is the last one of its unit. */
uint64_t sp_recorded_drop(struct sp_recorded *s, bool all)
{
	uint64_t n = s->units;

	if (!all && s->out == SP_RECORDED_MESSAGE && s->off) {
		s->tail = s->head + sp_recorded_room(sp_recorded_first(s)->len);
		sp_recorded_first(s)->last = true;
		s->units = 1;
		return n - 1;
	}
	if (s->out == SP_RECORDED_MESSAGE)
		s->out = SP_RECORDED_NOTHING;
	s->head = s->tail = 0;
	s->units = 0;
	s->unit_bytes = 0;
	return n;
}

bool sp_recorded_needs(const struct sp_recorded *s)
{
	return s->head != s->tail;
}

/* ---- the opening, for another connection ---- */

static bool keep(struct sp_recorded *s, const struct sp_recorded_head *h)
{
	size_t cap = s->opening_cap ? s->opening_cap : 1024;
	uint8_t *grown;

	while (cap < s->opening_len + h->len)
		cap *= 2;
	if (cap > SP_RECORDED_OPENING)
		return false;
	if (cap != s->opening_cap) {
		grown = sp_alloc_array(s->mem, cap, 1);
		if (!grown)
			return false;
		if (s->opening_len)
			memcpy(grown, s->opening, s->opening_len);
		sp_free(s->mem, s->opening);
		s->opening = grown;
		s->opening_cap = cap;
	}
	memcpy(s->opening + s->opening_len, h + 1, h->len);
	s->opening_len += h->len;
	return true;
}

void sp_recorded_remember(struct sp_recorded *s, const struct sp_recorded_head *h)
{
	if (h->flags & SP_CM_BEGINS) {
		s->opening_len = 0;
		s->forgotten = false;
	} else if (!(h->flags & SP_CM_DEFINES)) {
		return;
	}
	s->forgotten |= !keep(s, h);
}
