/* What the form says, and whether there can be a program for it. */
#include "transport/xdp/live_form.h"

#include "pkt/rows.h"
#include "transport/xdp/live_prog.h"

static bool is_pow2(uint64_t v)
{
	return v && !(v & (v - 1));
}

bool xdp_form_is_bits(const struct sp_place *p)
{
	return p->how == SP_VARY_WALK && is_pow2(p->count) && is_pow2(xdp_form_every(p));
}

static uint64_t drawn_value(const struct sp_repeat_form *f, uint32_t i, uint64_t k)
{
	const struct sp_place *p = &f->tmpl->place[i];
	uint64_t v = sp_draw(f->tmpl->seed, i, k);

	if (p->count)
		v = p->first + sp_draw_below(v, p->count) * p->step;
	return v << p->shift & xdp_form_mask(p);
}

uint64_t xdp_form_value(const struct sp_repeat_form *f, uint32_t i, uint64_t unit)
{
	const struct sp_place *p = &f->tmpl->place[i];
	uint64_t k = unit / xdp_form_every(p);

	if (p->how == SP_VARY_RANDOM)
		return drawn_value(f, i, k);
	k %= p->count;
	return (p->first + k * p->step) << p->shift & xdp_form_mask(p);
}

int xdp_form_into(uint32_t off, uint32_t bytes, uint32_t from, uint32_t to)
{
	if (off >= to || off + bytes <= from)
		return -1;
	if (off < from || off + bytes > to)
		return -2;
	return (off + bytes - from) & 1 ? 8 : 0;
}

struct xdp_shifts xdp_form_shifts(const struct sp_repeat_form *f, uint32_t off, uint32_t bytes,
				  const struct sp_sum *s)
{
	uint32_t src = f->prefix_len + s->src, dst = f->prefix_len + s->dst;

	return (struct xdp_shifts){ {
		xdp_form_into(off, bytes, f->prefix_len + s->from, xdp_form_end(f, s)),
		s->addr_len ? xdp_form_into(off, bytes, src, src + s->addr_len) : -1,
		s->addr_len ? xdp_form_into(off, bytes, dst, dst + s->addr_len) : -1,
	} };
}

static bool is_straddled(const struct sp_repeat_form *f, uint32_t off, uint32_t bytes)
{
	for (uint32_t k = 0; k < f->tmpl->n_sums; k++) {
		struct xdp_shifts s = xdp_form_shifts(f, off, bytes, &f->tmpl->sum[k]);

		for (unsigned i = 0; i < 3; i++)
			if (s.at[i] == -2)
				return true;
	}
	return false;
}

int xdp_form_stamped_sum(const struct sp_repeat_form *f)
{
	for (uint32_t k = 0; f->stamp_off != SP_NO_STAMP && k < f->tmpl->n_sums; k++)
		if (xdp_form_into(f->stamp_off, XDP_STAMP_LEN,
				  f->prefix_len + f->tmpl->sum[k].from,
				  xdp_form_end(f, &f->tmpl->sum[k])) >= 0)
			return (int)k;
	return -1;
}

static const char *place_why_not(const struct sp_repeat_form *f, const struct sp_place *p)
{
	if (p->how == SP_VARY_TABLE)
		return "a field takes its values from a list";
	if (p->how == SP_VARY_RANDOM && p->count > UINT32_MAX)
		return "a field is drawn from more than 2^32 values";
	if (is_straddled(f, f->prefix_len + p->off, p->bytes))
		return "a field lies across a checksum's border";
	if (!p->bytes || p->bytes > 8 || f->prefix_len + p->off + p->bytes > f->len)
		return "a field lies outside the frame";
	return NULL;
}

const char *xdp_live_why_not(const struct sp_repeat_form *f)
{
	const struct sp_template *t = f->tmpl;
	unsigned stamps = 0;

	if (t->n_places > XDP_LIVE_PLACES)
		return "too many fields vary";
	if (t->n_sums > XDP_LIVE_SUMS)
		return "it has too many checksums";
	for (uint32_t k = 0; k < t->n_sums; k++) {
		if (t->sum[k].kind == SP_SUM_CRC32C)
			return "it has a CRC for a checksum";
		stamps += f->stamp_off != SP_NO_STAMP &&
			  xdp_form_into(f->stamp_off, XDP_STAMP_LEN,
					f->prefix_len + t->sum[k].from,
					xdp_form_end(f, &t->sum[k])) >= 0;
	}
	if (stamps > 1)
		return "more than one checksum covers the stamp";
	for (uint32_t i = 0; i < t->n_places; i++) {
		const char *why = place_why_not(f, &t->place[i]);

		if (why)
			return why;
	}
	return NULL;
}
