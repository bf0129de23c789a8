#include "pkt/patch.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/crc32c.h"
#include "pkt/csum.h"

#define UNIT_MOST 65535u

/* Sums here are of big-endian words, so that a value adds to them as it is: modulo 65535, 2^16 is
 * 1, and what ends at an odd place counts 256 times. */
struct add {
	uint8_t sum, shift;
};

/* A place as it is run. */
struct op {
	uint16_t off;
	uint8_t bytes, shift, how;
	bool shared; /* other places have bits in its octets */
	uint8_t n_adds;
	uint32_t first_add, index;
	uint64_t mask, keep; /* keep: the bits around the value */
	uint64_t first, step, count, every;
	const uint8_t *table;
	/* Where it stands: value number k, which so many more units hold. */
	uint64_t k, left, value;
};

/* A checksum as it is run. */
struct total {
	uint16_t off, from, to;
	uint8_t kind;
	uint8_t row_shift, stamp_shift;
	bool open; /* to the packet's end: rows and stamp are part of it */
	bool late; /* the stamp is part of it, or another late one */
	uint8_t n_adds;
	uint32_t first_add;
	uint64_t base; /* of all that does not vary, at the current length */
};

struct sp_patch {
	const struct sp_mem *mem;
	const struct sp_template *t;
	uint32_t prefix_len, head, max_len, keep;
	uint8_t stamp_len;
	uint8_t *base; /* head octets: places and sums are 0 */
	struct op *op;
	uint32_t n_ops;
	struct total *total;
	uint32_t n_totals;
	struct add *add;
	uint32_t n_adds;
	bool straddles;
	/* Rows, and the sums of their beginnings: sum[r * (len + 1) + k] of k octets. */
	struct sp_rows rows;
	uint16_t *row_sum;
	uint64_t unit; /* the next one */
	uint64_t *acc; /* [message][total], from fill to finish */
	/* Of the current length: */
	uint32_t len, summed; /* octets of the row that are in the open sums */
	bool stamped;
};

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

static inline void spread(const struct sp_patch *p, const struct total *t, uint64_t v,
			  uint64_t *acc)
{
	const struct add *a = p->add + t->first_add;

	for (uint32_t i = 0; i < t->n_adds; i++)
		acc[a[i].sum] += v << a[i].shift;
}

/* One checksum into the packet, and into those around it. */
static inline void settle(const struct sp_patch *p, const struct total *t, uint64_t sum,
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

/* From here on units are of this length. */
static void set_len(struct sp_patch *p, uint32_t len)
{
	uint32_t tail = len - p->head;

	p->len = len;
	p->stamped = p->stamp_len && tail >= p->keep + p->stamp_len;
	p->summed = p->stamped ? tail - p->stamp_len : tail;
	put_lengths(p);
	for (uint32_t i = 0; i < p->n_totals; i++) {
		struct total *t = &p->total[i];
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

static inline uint64_t load(const uint8_t *at, uint8_t bytes)
{
	uint64_t v = 0;

	switch (bytes) {
	case 1:
		return *at;
	case 2:
		return sp_get_be16(at);
	case 4:
		return sp_get_be32(at);
	case 8:
		return sp_get_be64(at);
	default:
		for (unsigned i = 0; i < bytes; i++)
			v = v << 8 | at[i];
		return v;
	}
}

static inline void store(uint8_t *at, uint8_t bytes, uint64_t v)
{
	switch (bytes) {
	case 1:
		*at = (uint8_t)v;
		return;
	case 2:
		sp_put_be16(at, (uint16_t)v);
		return;
	case 4:
		sp_put_be32(at, (uint32_t)v);
		return;
	case 8:
		sp_put_be64(at, v);
		return;
	default:
		for (unsigned i = bytes; i-- > 0; v >>= 8)
			at[i] = (uint8_t)v;
	}
}

/* The value number k as it stands in the packet: shifted, under the mask. */
static uint64_t value_of(const struct sp_patch *p, const struct op *o, uint64_t k)
{
	uint64_t drawn;

	switch (o->how) {
	case SP_VARY_TABLE:
		return load(o->table + k * o->bytes, o->bytes) & o->mask;
	case SP_VARY_RANDOM:
		drawn = sp_draw(p->t->seed, o->index, k);
		if (o->count)
			drawn = o->first + sp_draw_below(drawn, o->count) * o->step;
		return drawn << o->shift & o->mask;
	default:
		return (o->first + k * o->step) << o->shift & o->mask;
	}
}

static inline uint64_t next_value(const struct sp_patch *p, struct op *o)
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
		struct op *o = &p->op[i];

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
		struct op *o = &p->op[i];
		const struct add *a = p->add + o->first_add;
		uint64_t v = next_value(p, o), keep = o->keep, part;
		uint8_t *at = data + o->off;

		if (o->shared)
			keep = load(at, o->bytes) & ~o->mask;
		store(at, o->bytes, keep | v);
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
	if (from < b->n && b->m[from].len != p->len)
		set_len(p, b->m[from].len);
	for (uint32_t i = from; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];
		uint64_t *acc = p->acc + (size_t)i * p->n_totals;

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
	if (!p->stamped)
		return;
	for (uint32_t i = from; i < b->n; i++) {
		uint8_t *data = b->m[i].data;
		uint64_t stamp = be_sum(sp_csum_add(0, data + b->m[i].stamp_off, p->stamp_len));
		/* A late one around another gets its field: once, also when this is repeated. */
		uint64_t inner[UINT8_MAX];

		memset(inner, 0, p->n_totals * sizeof *inner);
		for (uint32_t k = 0; k < p->n_totals; k++) {
			const struct total *t = &p->total[k];
			uint64_t sum = p->acc[(size_t)i * p->n_totals + k] + inner[k];

			if (!t->late)
				continue;
			if (t->open)
				sum += stamp << t->stamp_shift;
			settle(p, t, sum, data, inner);
		}
	}
}

/* ---- made of a template ---- */

static uint8_t parity(uint32_t end, uint32_t from)
{
	return (end - from) & 1 ? 8 : 0;
}

static void add_to(struct sp_patch *p, uint32_t sum, uint8_t shift)
{
	if (p->add)
		p->add[p->n_adds] = (struct add){ (uint8_t)sum, shift };
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
		const struct total *t = &p->total[i];
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
		struct total *t = &p->total[i];

		t->first_add = p->n_adds;
		note_adds(p, t->off, t->kind == SP_SUM_CRC32C ? 4 : 2, i + 1);
		t->n_adds = (uint8_t)(p->n_adds - t->first_add);
	}
}

static void take_places(struct sp_patch *p)
{
	for (uint32_t i = 0; i < p->n_ops; i++) {
		const struct sp_place *from = &p->t->place[i];
		struct op *o = &p->op[i];

		*o = (struct op){ .off = (uint16_t)(p->prefix_len + from->off),
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
		store(p->base + o->off, o->bytes, load(p->base + o->off, o->bytes) & ~o->mask);
	}
	for (uint32_t i = 0; i < p->n_ops; i++) {
		struct op *o = &p->op[i];

		o->keep = load(p->base + o->off, o->bytes);
		for (uint32_t k = 0; k < p->n_ops; k++)
			o->shared |= k != i && p->op[k].off < o->off + o->bytes &&
				     o->off < p->op[k].off + p->op[k].bytes;
	}
}

static void take_sums(struct sp_patch *p)
{
	for (uint32_t i = 0; i < p->n_totals; i++) {
		const struct sp_sum *s = &p->t->sum[i];
		struct total *t = &p->total[i];

		*t = (struct total){ .off = (uint16_t)(p->prefix_len + s->off),
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
	set_len(p, p->head);
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
				.max_len = c->max_len,
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
