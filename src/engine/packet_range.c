/* What numbers and addresses of a template can be. */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "engine/packet_impl.h"

/* Only the first few are compared: tables are long, and their rows differ. */
#define COMPARED 64u

static bool overlaps(const struct sp_place *p, uint32_t off, uint32_t bytes)
{
	return p->off < off + bytes && off < p->off + (uint32_t)p->bytes;
}

static bool within(const struct sp_place *p, uint32_t off, uint32_t bytes)
{
	return p->off >= off && p->off + (uint32_t)p->bytes <= off + bytes;
}

bool sp_packet_varies(const struct sp_template *t, uint32_t off, uint32_t bytes)
{
	for (uint32_t i = 0; i < t->n_places; i++)
		if (overlaps(&t->place[i], off, bytes))
			return true;
	return false;
}

/* The least and the greatest value of a place, as they stand under its mask. */
static void bounds(const struct sp_place *p, uint64_t *least, uint64_t *most)
{
	uint64_t all = p->mask >> p->shift, span;

	*least = 0;
	*most = all;
	if (p->count && !__builtin_mul_overflow(p->count - 1, p->step, &span) &&
	    !__builtin_add_overflow(p->first, span, &span) && span <= all) {
		*least = p->first;
		*most = span;
	}
	*least = *least << p->shift & p->mask;
	*most = *most << p->shift & p->mask;
}

static uint64_t row_of(const struct sp_place *p, uint64_t k)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < p->bytes; i++)
		v = v << 8 | p->table[k * p->bytes + i];
	return v;
}

/* The first table in these octets: its rows and those of the same field step together. */
static const struct sp_place *table_in(const struct sp_template *t, uint32_t off,
				       uint32_t bytes)
{
	for (uint32_t i = 0; i < t->n_places; i++)
		if (overlaps(&t->place[i], off, bytes) && t->place[i].how == SP_VARY_TABLE)
			return &t->place[i];
	return NULL;
}

/* The octets of the window that a place has, as value v gives them. */
static void put_in(uint8_t *window, uint32_t off, uint32_t bytes, const struct sp_place *p,
		   uint64_t v)
{
	for (unsigned i = p->bytes; i-- > 0; v >>= 8) {
		uint8_t mask = (uint8_t)(p->mask >> 8 * (p->bytes - 1u - i));
		uint32_t at = p->off + i;

		if (at >= off && at < off + bytes)
			window[at - off] = (uint8_t)((window[at - off] & ~mask) | (v & mask));
	}
}

/* The least and the greatest that octets can be, with that row of the table. */
static void window_of(const struct sp_template *t, uint32_t off, uint32_t bytes,
		      const struct sp_place *table, uint64_t row, uint8_t *least, uint8_t *most)
{
	memcpy(least, t->octets + off, bytes);
	memcpy(most, t->octets + off, bytes);
	for (uint32_t i = 0; i < t->n_places; i++) {
		const struct sp_place *p = &t->place[i];
		uint64_t from = 0, to = p->mask;

		if (!overlaps(p, off, bytes))
			continue;
		if (p->how == SP_VARY_TABLE && p->field == table->field &&
		    p->count == table->count)
			from = to = row_of(p, row);
		else if (p->how != SP_VARY_TABLE && within(p, off, bytes))
			bounds(p, &from, &to);
		put_in(least, off, bytes, p, from);
		put_in(most, off, bytes, p, to);
	}
}

static uint16_t number(const uint8_t *octets, uint8_t bytes)
{
	return bytes == 1 ? octets[0] : sp_get_be16(octets);
}

/* Is there a place whose bits are partly asked for, or of a part of the number? */
static bool is_loose(const struct sp_template *t, uint32_t off, uint8_t bytes, uint16_t mask)
{
	for (uint32_t i = 0; i < t->n_places; i++) {
		const struct sp_place *p = &t->place[i];

		if (!overlaps(p, off, bytes) || p->how == SP_VARY_TABLE)
			continue;
		if (p->off != off || p->bytes != bytes)
			return true;
		if ((p->mask & mask) && p->mask != mask)
			return true;
	}
	return false;
}

bool sp_packet_may_be(const struct sp_template *t, uint32_t off, uint8_t bytes, uint16_t mask,
		      uint16_t v)
{
	const struct sp_place *table = table_in(t, off, bytes);
	uint8_t least[2], most[2];

	if (off + bytes > t->len)
		return false;
	if (is_loose(t, off, bytes, mask))
		return true;
	for (uint64_t row = 0; row < (table ? table->count : 1); row++) {
		window_of(t, off, bytes, table, row, least, most);
		if ((number(least, bytes) & mask) <= v && v <= (number(most, bytes) & mask))
			return true;
	}
	return false;
}

/* ---- addresses ---- */

static bool is_in(const struct sp_packet_ranges *r, const struct sp_guard_range *one)
{
	for (unsigned i = 0; i < r->n && i < COMPARED; i++)
		if (sp_addr_eq(&r->range[i].first, &one->first) &&
		    sp_addr_eq(&r->range[i].last, &one->last))
			return true;
	return false;
}

static int make_room(struct sp_packet_ranges *r, uint64_t more, struct sp_err *err)
{
	struct sp_guard_range *range;
	uint64_t cap = 2 * (uint64_t)r->cap;

	if (r->n + more <= r->cap)
		return 0;
	if (r->n + more > SP_PACKET_RANGES)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE,
			       "packet: more than %u addresses in its lists", SP_PACKET_RANGES);
	if (cap < r->n + more)
		cap = r->n + more;
	range = sp_arena_alloc(r->arena, cap * sizeof *range);
	if (!range)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (r->n)
		memcpy(range, r->range, r->n * sizeof *range);
	r->range = range;
	r->cap = (unsigned)cap;
	return 0;
}

int sp_packet_ranges(const struct sp_template *t, uint32_t off, uint8_t bytes,
		     struct sp_packet_ranges *r, struct sp_err *err)
{
	const struct sp_place *table = table_in(t, off, bytes);
	uint64_t rows = table ? table->count : 1;
	int rc = make_room(r, rows, err);

	for (uint64_t k = 0; !rc && k < rows; k++) {
		struct sp_guard_range *one = &r->range[r->n];

		*one = (struct sp_guard_range){ 0 };
		one->first.family = one->last.family = bytes == 4 ? 4 : 6;
		window_of(t, off, bytes, table, k, one->first.ip, one->last.ip);
		r->n += !is_in(r, one);
	}
	return rc;
}
