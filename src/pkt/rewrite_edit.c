/* Octets are changed here and nowhere else, so that every checksum that covers them follows. */
#include <string.h>

#include "pkt/crc32c.h"
#include "pkt/csum.h"
#include "pkt/rewrite_impl.h"

/* The sum of n octets that begin at an odd or even place of what is summed. */
static uint64_t sum_at(const uint8_t *p, uint32_t n, bool odd)
{
	uint64_t sum = 0;

	if (odd && n) {
		const uint8_t h[2] = { 0, *p++ };

		sum = sp_csum_add(0, h, 2);
		n--;
	}
	return sp_csum_add(sum, p, n);
}

static bool is_in(uint32_t at, uint32_t n, uint32_t from, uint32_t to)
{
	return at >= from && at + n <= to;
}

/* Do these octets count for the checksum? An address counts in the pseudo header, too. */
static bool covers(const struct sp_rw_cover *c, uint32_t at, uint32_t n)
{
	return is_in(at, n, c->from, c->to) ||
	       (c->pseudo && (is_in(at, n, c->src, c->src + c->addr_len) ||
			      is_in(at, n, c->dst, c->dst + c->addr_len)));
}

/* Whatever is left of the octets behind the end of the cover is not its own. */
static void follow(struct sp_rw_cover *c, uint32_t at, const uint8_t *was, const uint8_t *now,
		   uint32_t n)
{
	bool odd = at >= c->from && ((at - c->from) & 1);

	if (at < c->to && at >= c->from && at + n > c->to)
		n = c->to - at;
	if (!covers(c, at, n))
		return;
	c->touched = true;
	c->removed += sum_at(was, n, odd);
	c->added += sum_at(now, n, odd);
}

void sp_rw_put(struct sp_rw_frame *f, uint32_t at, const void *octets, uint32_t n)
{
	uint8_t was[64];

	if (n > sizeof was || n > f->len || at > f->len - n || !memcmp(f->b + at, octets, n))
		return;
	memcpy(was, f->b + at, n);
	memcpy(f->b + at, octets, n);
	f->changed = true;
	for (uint32_t i = 0; i < f->covers; i++)
		follow(&f->cover[i], at, was, octets, n);
}

void sp_rw_put8(struct sp_rw_frame *f, uint32_t at, uint8_t v)
{
	sp_rw_put(f, at, &v, 1);
}

void sp_rw_put16(struct sp_rw_frame *f, uint32_t at, uint16_t v)
{
	uint8_t be[2];

	sp_put_be16(be, v);
	sp_rw_put(f, at, be, 2);
}

/* ---- covers ---- */

static uint64_t pseudo(const struct sp_rw_frame *f, const struct sp_rw_cover *c)
{
	if (!c->pseudo)
		return 0;
	return c->addr_len == 16
		       ? sp_csum_pseudo6(f->b + c->src, f->b + c->dst, c->proto, c->len)
		       : sp_csum_pseudo4(f->b + c->src, f->b + c->dst, c->proto,
					 (uint16_t)c->len);
}

static uint16_t field(const struct sp_rw_frame *f, const struct sp_rw_cover *c)
{
	uint16_t v;

	memcpy(&v, f->b + c->field, sizeof v);
	return v;
}

/* RFC 9260 6.8: over the packet with 0 in the field's place. */
static uint32_t crc_of(const struct sp_rw_frame *f, const struct sp_rw_cover *c)
{
	static const uint8_t zero[4];
	uint32_t crc = sp_crc32c_raw(UINT32_MAX, f->b + c->from, c->field - c->from);

	crc = sp_crc32c_raw(crc, zero, sizeof zero);
	return ~sp_crc32c_raw(crc, f->b + c->field + 4, c->to - c->field - 4);
}

bool sp_rw_cover_open(struct sp_rw_frame *f, const struct sp_rw_cover *what)
{
	uint32_t size = what->kind == SP_RW_CRC ? 4 : 2;
	struct sp_rw_cover *c;

	if (f->covers == SP_RW_COVERS)
		return false;
	c = &f->cover[f->covers++];
	*c = *what;
	c->touched = c->partial = false;
	c->removed = c->added = 0;
	if (c->field + size > f->len || c->to > f->len || c->field + size > c->to)
		c->whole = false;
	if (c->field + size > f->len)
		c->field = 0;
	if (c->kind == SP_RW_CRC)
		c->crc = c->whole ? crc_of(f, c) : 0;
	else if (c->field && c->pseudo)
		c->partial = field(f, c) == sp_csum_fold(pseudo(f, c));
	return true;
}

static void close_crc(struct sp_rw_frame *f, const struct sp_rw_cover *c)
{
	uint8_t le[4];
	uint32_t v, now;

	if (!c->whole || !c->field) {
		f->stale += c->touched;
		return;
	}
	if (!c->touched && !c->compute)
		return;
	now = crc_of(f, c);
	memcpy(le, f->b + c->field, sizeof le);
	v = (uint32_t)le[0] | (uint32_t)le[1] << 8 | (uint32_t)le[2] << 16 |
	    (uint32_t)le[3] << 24;
	/* A CRC is linear: what was wrong by some bits stays wrong by those. */
	v = c->compute ? now : v ^ c->crc ^ now;
	for (unsigned i = 0; i < 4; i++)
		le[i] = (uint8_t)(v >> 8 * i);
	sp_rw_put(f, c->field, le, sizeof le);
}

static uint16_t computed(struct sp_rw_frame *f, const struct sp_rw_cover *c)
{
	uint64_t sum = sp_csum_add(pseudo(f, c), f->b + c->from, c->to - c->from);
	uint16_t old = field(f, c);

	/* The field's own words counted as what they are: take them out again. */
	sum += (uint16_t)~sp_csum_fold(sum_at((const uint8_t *)&old, 2, false));
	return sp_csum_finish(sum);
}

static void close_inet(struct sp_rw_frame *f, const struct sp_rw_cover *c)
{
	bool all = c->whole && (c->compute || (c->partial && c->touched));
	uint16_t v;

	if (!c->field || (!all && !c->touched))
		return;
	v = field(f, c);
	if (c->kind == SP_RW_UDP && !v && !(c->compute && c->addr_len == 16 && c->whole))
		return;
	if (all)
		v = computed(f, c);
	else if (c->partial)
		v = sp_csum_fold((uint64_t)v + (uint16_t)~sp_csum_fold(c->removed) +
				 sp_csum_fold(c->added));
	else
		v = sp_csum_delta(v, c->removed, c->added);
	if (c->kind == SP_RW_UDP && !v)
		v = 0xffff;
	f->completed += all && c->partial;
	sp_rw_put(f, c->field, &v, sizeof v);
}

void sp_rw_cover_close(struct sp_rw_frame *f)
{
	struct sp_rw_cover c = f->cover[--f->covers];

	if (c.kind == SP_RW_CRC)
		close_crc(f, &c);
	else
		close_inet(f, &c);
}

void sp_rw_cover_close_to(struct sp_rw_frame *f, uint32_t n)
{
	while (f->covers > n)
		sp_rw_cover_close(f);
}
