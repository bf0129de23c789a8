/* A template is made a patch program. */
#include <errno.h>
#include <string.h>

#include "pkt/patch_impl.h"

#define UNIT_MOST 65535u

static uint8_t parity(uint32_t end, uint32_t from)
{
	return (end - from) & 1 ? 8 : 0;
}

static void add_to(struct sp_patch *p, uint32_t sum, uint8_t shift)
{
	if (p->add)
		p->add[p->n_adds] = (struct patch_add){ (uint8_t)sum, shift };
	p->n_adds++;
}

/* Whether octets off .. off + bytes are among from .. to. Those that only begin or end there cannot
 * be summed up. */
static bool within(struct sp_patch *p, uint32_t off, uint32_t bytes, uint32_t from, uint32_t to)
{
	bool in = off >= from && off + bytes <= to;

	p->straddles |= !in && off < to && from < off + bytes;
	return in;
}

/* The sums that octets off .. off + bytes are part of; those from sum number `outer` on. */
static void note_adds(struct sp_patch *p, uint32_t off, uint32_t bytes, uint32_t outer)
{
	for (uint32_t i = outer; i < p->n_totals; i++) {
		const struct sp_sum *s = &p->t->sum[i];
		const struct patch_total *t = &p->total[i];
		uint32_t src = p->prefix_len + s->src, dst = p->prefix_len + s->dst;

		if (t->kind == SP_SUM_CRC32C)
			continue;
		if (within(p, off, bytes, t->from, t->to ? t->to : UNIT_MOST))
			add_to(p, i, parity(off + bytes, t->from));
		if (s->addr_len && within(p, off, bytes, src, src + s->addr_len))
			add_to(p, i, parity(off + bytes, src));
		if (s->addr_len && within(p, off, bytes, dst, dst + s->addr_len))
			add_to(p, i, parity(off + bytes, dst));
	}
}

/* All arrows from values to sums: counted first, then written. */
static void note_all(struct sp_patch *p)
{
	p->n_adds = 0;
	for (uint32_t i = 0; i < p->n_ops; i++) {
		p->op[i].first_add = p->n_adds;
		note_adds(p, p->op[i].off, p->op[i].bytes, 0);
		p->op[i].n_adds = (uint8_t)(p->n_adds - p->op[i].first_add);
	}
	for (uint32_t i = 0; i < p->n_totals; i++) {
		struct patch_total *t = &p->total[i];

		t->first_add = p->n_adds;
		note_adds(p, t->off, t->kind == SP_SUM_CRC32C ? 4 : 2, i + 1);
		t->n_adds = (uint8_t)(p->n_adds - t->first_add);
	}
}

static void take_places(struct sp_patch *p)
{
	for (uint32_t i = 0; i < p->n_ops; i++) {
		const struct sp_place *from = &p->t->place[i];
		struct patch_op *o = &p->op[i];

		*o = (struct patch_op){ .off = (uint16_t)(p->prefix_len + from->off),
					.bytes = from->bytes,
					.shift = from->shift,
					.how = from->how,
					.index = i,
					.mask = from->mask,
					.first = from->first,
					.step = from->step,
					.count = from->count,
					.every = from->every ? from->every : 1,
					.table = from->table };
		if (o->bytes < 8)
			o->mask &= (1ull << 8 * o->bytes) - 1;
		sp_patch_store(p->base + o->off, o->bytes,
			       sp_patch_load(p->base + o->off, o->bytes) & ~o->mask);
	}
	for (uint32_t i = 0; i < p->n_ops; i++) {
		struct patch_op *o = &p->op[i];

		o->keep = sp_patch_load(p->base + o->off, o->bytes);
		for (uint32_t k = 0; k < p->n_ops; k++)
			o->shared |= k != i && p->op[k].off < o->off + o->bytes &&
				     o->off < p->op[k].off + p->op[k].bytes;
	}
}

static void take_sums(struct sp_patch *p)
{
	for (uint32_t i = 0; i < p->n_totals; i++) {
		const struct sp_sum *s = &p->t->sum[i];
		struct patch_total *t = &p->total[i];

		*t = (struct patch_total){ .off = (uint16_t)(p->prefix_len + s->off),
					   .from = (uint16_t)(p->prefix_len + s->from),
					   .to = (uint16_t)(s->to ? p->prefix_len + s->to : 0),
					   .kind = s->kind };
		t->open = !t->to;
		t->row_shift = parity(p->head, t->from);
		memset(p->base + t->off, 0, t->kind == SP_SUM_CRC32C ? 4 : 2);
	}
}

static void sum_rows(struct sp_patch *p)
{
	for (uint32_t n = 0; n < p->rows.n; n++) {
		const uint8_t *row = p->rows.bytes + (size_t)n * p->rows.len;
		uint16_t *sum = p->row_sum + (size_t)n * (p->rows.len + 1);
		uint32_t even = 0; /* of the whole words so far */

		for (uint32_t k = 1; k <= p->rows.len; k++) {
			uint32_t v = even + (k & 1 ? (uint32_t)row[k - 1] << 8
						   : (uint32_t)row[k - 2] << 8 | row[k - 1]);

			v = (v & 0xffff) + (v >> 16);
			even = k & 1 ? even : v;
			sum[k] = (uint16_t)v;
		}
	}
}

/* Where what grows begins: behind the last octet that something is written to. */
static uint32_t head_of(const struct sp_template *t)
{
	uint32_t head = t->payload_off;

	if (t->fixed)
		return t->len;
	for (uint32_t i = 0; i < t->n_places; i++)
		if (head < t->place[i].off + (uint32_t)t->place[i].bytes)
			head = t->place[i].off + (uint32_t)t->place[i].bytes;
	return head;
}

static bool is_sound(const struct sp_template *t, uint32_t head)
{
	if (head > t->len || t->payload_off > t->len || t->n_sums >= UINT8_MAX)
		return false;
	for (uint32_t i = 0; i < t->n_places; i++) {
		const struct sp_place *p = &t->place[i];

		if (!p->bytes || p->bytes > 8 || p->off + (uint32_t)p->bytes > head ||
		    p->shift > 63 || (p->how != SP_VARY_RANDOM && !p->count) ||
		    (p->how == SP_VARY_TABLE && !p->table))
			return false;
	}
	for (uint32_t i = 0; i < t->n_sums; i++) {
		const struct sp_sum *s = &t->sum[i];
		uint32_t bytes = s->kind == SP_SUM_CRC32C ? 4 : 2;

		if (s->off + bytes > head || s->from > head || (s->to && s->to > head) ||
		    (s->to && s->to < s->from) || s->src + (uint32_t)s->addr_len > head ||
		    s->dst + (uint32_t)s->addr_len > head)
			return false;
	}
	for (uint32_t i = 0; i < t->n_lengths; i++)
		if (t->length[i].off + (uint32_t)t->length[i].bytes > head ||
		    t->length[i].bytes > 4)
			return false;
	return true;
}

static int allocate(struct sp_patch *p, uint32_t batch)
{
	const struct sp_mem *mem = p->mem;

	p->base = sp_alloc_array(mem, p->head + 1, 1);
	p->op = sp_alloc_array(mem, p->n_ops + 1, sizeof *p->op);
	p->total = sp_alloc_array(mem, p->n_totals + 1, sizeof *p->total);
	p->row_sum = sp_alloc_array(mem, (size_t)p->rows.n * (p->rows.len + 1),
				    sizeof *p->row_sum);
	p->acc = sp_alloc_array(mem, (size_t)(batch ? batch : 1) * (p->n_totals + 1),
				sizeof *p->acc);
	return p->base && p->op && p->total && p->row_sum && p->acc ? 0 : -ENOMEM;
}

static int make(struct sp_patch *p, const struct sp_patch_conf *c)
{
	int rc = allocate(p, c->max_batch);

	if (rc)
		return rc;
	if (p->prefix_len)
		memcpy(p->base, c->prefix, p->prefix_len);
	memcpy(p->base + p->prefix_len, p->t->octets, p->head - p->prefix_len);
	take_places(p);
	take_sums(p);
	if (p->rows.len)
		sum_rows(p);
	note_all(p);
	if (p->straddles)
		return -EINVAL;
	p->add = sp_alloc_array(p->mem, p->n_adds + 1, sizeof *p->add);
	if (!p->add)
		return -ENOMEM;
	note_all(p);
	sp_patch_seek(p, 0);
	sp_patch_set_len(p, p->head);
	return 0;
}

int sp_patch_new(struct sp_patch **out, const struct sp_template *t,
		 const struct sp_patch_conf *c, const struct sp_mem *mem)
{
	uint32_t head = head_of(t), tail;
	struct sp_patch *p;
	int rc;

	*out = NULL;
	if (!is_sound(t, head) || c->max_len > UNIT_MOST || c->max_len < c->prefix_len + head)
		return -EINVAL;
	head += c->prefix_len;
	tail = c->max_len - head;
	if (tail && (!c->rows || !c->rows->n || c->rows->len < tail || t->fixed))
		return -EINVAL;
	p = sp_alloc(mem, sizeof *p);
	if (!p)
		return -ENOMEM;
	*p = (struct sp_patch){ .mem = mem,
				.t = t,
				.prefix_len = c->prefix_len,
				.head = head,
				.keep = c->keep,
				.stamp_len = c->stamp_len,
				.n_ops = t->n_places,
				.n_totals = t->n_sums,
				.rows = { .n = 1 } };
	if (tail)
		p->rows = *c->rows;
	rc = make(p, c);
	if (rc)
		sp_patch_free(p);
	else
		*out = p;
	return rc;
}

void sp_patch_free(struct sp_patch *p)
{
	if (!p)
		return;
	sp_free(p->mem, p->base);
	sp_free(p->mem, p->op);
	sp_free(p->mem, p->total);
	sp_free(p->mem, p->add);
	sp_free(p->mem, p->row_sum);
	sp_free(p->mem, p->acc);
	sp_free(p->mem, p);
}
