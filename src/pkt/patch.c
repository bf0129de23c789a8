#include "pkt/patch.h"

#include <string.h>

#include "base/endian.h"
#include "pkt/crc32c.h"
#include "pkt/patch_impl.h"

uint32_t sp_patch_head(const struct sp_patch *p)
{
	return p->head;
}

/* ---- sums ---- */

/* A sum of words as they lie in memory, as a number. */
static uint32_t be_sum(uint64_t memory_sum)
{
	uint16_t folded = sp_csum_fold(memory_sum);

	return sp_get_be16(&folded);
}

/* The value modulo 65535, short enough to be shifted and added often. */
static inline uint64_t halves(uint64_t v)
{
	return (v >> 32) + (v & 0xffffffff);
}

static inline uint16_t field_of(uint64_t sum, uint8_t kind)
{
	uint16_t c;

	sum = halves(sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	c = (uint16_t)~sum;
	return c || kind != SP_SUM_UDP ? c : 0xffff;
}

static inline void spread(const struct sp_patch *p, const struct patch_total *t, uint64_t v,
			  uint64_t *acc)
{
	const struct patch_add *a = p->add + t->first_add;

	for (uint32_t i = 0; i < t->n_adds; i++)
		acc[a[i].sum] += v << a[i].shift;
}

/* One checksum into the packet, and into those around it. */
static inline void settle(const struct sp_patch *p, const struct patch_total *t, uint64_t sum,
			  uint8_t *data, uint64_t *acc)
{
	uint8_t *at = data + t->off;
	uint16_t c;

	if (t->kind != SP_SUM_CRC32C) {
		c = field_of(sum, t->kind);
		sp_put_be16(at, c);
		spread(p, t, c, acc);
		return;
	}
	memset(at, 0, 4);
	sum = sp_crc32c(data + t->from, (t->to ? t->to : p->len) - t->from);
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(sum >> 8 * i);
	spread(p, t, sp_get_be32(at), acc);
}

/* ---- a length ---- */

static void put_lengths(struct sp_patch *p)
{
	uint32_t whole = p->len - p->prefix_len;

	for (uint32_t i = 0; i < p->t->n_lengths; i++) {
		const struct sp_length *l = &p->t->length[i];
		uint32_t v = (whole - l->less) / (l->unit ? l->unit : 1);
		uint8_t *at = p->base + p->prefix_len + l->off;

		for (unsigned k = l->bytes; k-- > 0; v >>= 8)
			at[k] = (uint8_t)v;
	}
}

static uint64_t pseudo(const struct sp_patch *p, const struct sp_sum *s, uint32_t len)
{
	const uint8_t *src = p->base + p->prefix_len + s->src;
	const uint8_t *dst = p->base + p->prefix_len + s->dst;

	if (!s->addr_len)
		return 0;
	return s->proto + halves(len) + be_sum(sp_csum_add(0, src, s->addr_len)) +
	       be_sum(sp_csum_add(0, dst, s->addr_len));
}

void sp_patch_set_len(struct sp_patch *p, uint32_t len)
{
	uint32_t tail = len - p->head;

	p->len = len;
	p->stamped = p->stamp_len && tail >= p->keep + p->stamp_len;
	p->summed = p->stamped ? tail - p->stamp_len : tail;
	put_lengths(p);
	for (uint32_t i = 0; i < p->n_totals; i++) {
		struct patch_total *t = &p->total[i];
		uint32_t end = t->to ? t->to : p->head;

		t->late = p->stamped && t->open;
		for (uint32_t k = 0; k < i; k++)
			for (uint32_t a = 0; a < p->total[k].n_adds && p->total[k].late; a++)
				t->late |= p->add[p->total[k].first_add + a].sum == i;
		t->stamp_shift = (len - p->stamp_len - t->from) & 1 ? 8 : 0;
		if (t->kind == SP_SUM_CRC32C)
			continue;
		t->base = pseudo(p, &p->t->sum[i], (t->to ? t->to : len) - t->from);
		if (t->from < end)
			t->base += be_sum(sp_csum_add(0, p->base + t->from, end - t->from));
		if (t->open && p->rows.n == 1)
			t->base += (uint64_t)p->row_sum[p->summed] << t->row_shift;
	}
}

/* ---- a unit ---- */

/* The value number k as it stands in the packet: shifted, under the mask. */
static uint64_t value_of(const struct sp_patch *p, const struct patch_op *o, uint64_t k)
{
	uint64_t drawn;

	switch (o->how) {
	case SP_VARY_TABLE:
		return sp_patch_load(o->table + k * o->bytes, o->bytes) & o->mask;
	case SP_VARY_RANDOM:
		drawn = sp_draw(p->t->seed, o->index, k);
		if (o->count)
			drawn = o->first + sp_draw_below(drawn, o->count) * o->step;
		return drawn << o->shift & o->mask;
	default:
		return (o->first + k * o->step) << o->shift & o->mask;
	}
}

static inline uint64_t next_value(const struct sp_patch *p, struct patch_op *o)
{
	uint64_t v = o->value;

	if (--o->left == 0) {
		o->left = o->every;
		o->k++;
		if (o->k == o->count && o->how != SP_VARY_RANDOM)
			o->k = 0;
		o->value = value_of(p, o, o->k);
	}
	return v;
}

uint64_t sp_patch_unit(const struct sp_patch *p)
{
	return p->unit;
}

void sp_patch_seek(struct sp_patch *p, uint64_t unit)
{
	p->unit = unit;
	for (uint32_t i = 0; i < p->n_ops; i++) {
		struct patch_op *o = &p->op[i];

		o->k = unit / o->every;
		if (o->how != SP_VARY_RANDOM)
			o->k %= o->count;
		o->left = o->every - unit % o->every;
		o->value = value_of(p, o, o->k);
	}
}

static inline void write_places(struct sp_patch *p, uint8_t *data, uint64_t *acc)
{
	for (uint32_t i = 0; i < p->n_ops; i++) {
		struct patch_op *o = &p->op[i];
		const struct patch_add *a = p->add + o->first_add;
		uint64_t v = next_value(p, o), keep = o->keep, part;
		uint8_t *at = data + o->off;

		if (o->shared)
			keep = sp_patch_load(at, o->bytes) & ~o->mask;
		sp_patch_store(at, o->bytes, keep | v);
		part = halves(v);
		for (uint32_t k = 0; k < o->n_adds; k++)
			acc[a[k].sum] += part << a[k].shift;
	}
}

static inline void write_rows(const struct sp_patch *p, struct sp_msg *m, uint32_t row,
			      uint64_t *acc)
{
	uint32_t tail = p->len - p->head;
	bool held = m->flags & SP_M_HELD;

	if (!held)
		memcpy(m->data, p->base, p->head);
	if (tail && (!held || p->rows.n > 1))
		memcpy(m->data + p->head, p->rows.bytes + (size_t)row * p->rows.len, tail);
	if (p->rows.n == 1)
		return;
	for (uint32_t i = 0; i < p->n_totals; i++)
		if (p->total[i].open)
			acc[i] += (uint64_t)p
					  ->row_sum[(size_t)row * (p->rows.len + 1) + p->summed]
				  << p->total[i].row_shift;
}

void sp_patch_fill(struct sp_patch *p, struct sp_batch *b, uint32_t from)
{
	for (uint32_t i = from; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];
		uint64_t *acc = p->acc + (size_t)i * p->n_totals;

		if (m->len != p->len)
			sp_patch_set_len(p, m->len);
		for (uint32_t k = 0; k < p->n_totals; k++)
			acc[k] = p->total[k].base;
		write_rows(p, m, sp_rows_pick(&p->rows, p->unit++), acc);
		write_places(p, m->data, acc);
		for (uint32_t k = 0; k < p->n_totals; k++)
			if (!p->total[k].late)
				settle(p, &p->total[k], acc[k], m->data, acc);
		m->stamp_off = p->stamped ? (uint16_t)(p->len - p->stamp_len) : SP_NO_STAMP;
	}
}

void sp_patch_finish(struct sp_patch *p, const struct sp_batch *b, uint32_t from)
{
	if (!p->stamp_len)
		return;
	for (uint32_t i = from; i < b->n; i++) {
		uint8_t *data = b->m[i].data;
		/* A late one around another gets its field: once, also when this is repeated. */
		uint64_t inner[UINT8_MAX], stamp;

		if (b->m[i].len != p->len)
			sp_patch_set_len(p, b->m[i].len);
		if (!p->stamped)
			continue;
		stamp = be_sum(sp_csum_add(0, data + b->m[i].stamp_off, p->stamp_len));
		memset(inner, 0, p->n_totals * sizeof *inner);
		for (uint32_t k = 0; k < p->n_totals; k++) {
			const struct patch_total *t = &p->total[k];
			uint64_t sum = p->acc[(size_t)i * p->n_totals + k] + inner[k];

			if (!t->late)
				continue;
			if (t->open)
				sum += stamp << t->stamp_shift;
			settle(p, t, sum, data, inner);
		}
	}
}
