/* Octets to packet. Every header is decoded by its table with all values given, laid out again,
 * and taken only if that gives the same octets; what is not taken stays bare octets. So any input
 * survives the round trip, and no table needs care for it. */
#include <errno.h>
#include <string.h>

#include "pkt/decode_impl.h"

sp_u128 sp_decode_bits(const uint8_t *p, uint32_t bit, unsigned width)
{
	sp_u128 v = 0;

	for (; width; width -= bit % 8 + width < 8 ? width : 8 - bit % 8, bit = (bit | 7) + 1) {
		unsigned first = bit % 8, take = first + width < 8 ? width : 8 - first;

		v = v << take |
		    ((unsigned)p[bit / 8] >> (8 - first - take) & ((1u << take) - 1));
	}
	return v;
}

bool sp_decode_zero(const uint8_t *p, uint32_t n)
{
	while (n && !*p)
		n--, p++;
	return !n;
}

/* Whether a node laid out alone gives octets from .. to. */
bool sp_decode_same(struct sp_decoder *d, const struct sp_node *n, uint32_t from, uint32_t to)
{
	return !sp_build_node(d->b, d->p, n, NULL) && d->b->len == to - from &&
	       memcmp(d->b->octets, d->octets + from, to - from) == 0;
}

/* ---- fields ---- */

/* What an earlier field says about the extent of field i: its end or its count of items. */
static void extent(const struct sp_node *n, unsigned i, uint32_t at, uint32_t *end,
		   int64_t *count)
{
	for (unsigned k = 0; k < i; k++) {
		const struct sp_field *f = &n->fields[k];

		if (!f->of || strcmp(f->of, n->fields[i].name) != 0 || !sp_node_has(n, k))
			continue;
		if (f->rule == SP_RULE_SIZE)
			*end = sp_smaller(at + (uint64_t)n->value[k].first * sp_field_unit(f) +
						  f->less,
					  *end);
		if (f->rule == SP_RULE_COUNT)
			*count = (int64_t)n->value[k].first + f->less;
	}
}

static bool decode_variable(struct sp_decoder *d, struct sp_node *n, unsigned i, uint32_t at,
			    uint32_t to, uint32_t *end)
{
	const struct sp_field *f = &n->fields[i];
	int64_t count = -1;
	size_t len;

	*end = to < at ? at : to;
	extent(n, i, at, end, &count);
	if (f->type == SP_F_ITEMS)
		return sp_decode_items(d, n, i, at, *end, count, end);
	if (f->type == SP_F_NAME) {
		len = sp_name_size(d->octets + at, *end - at);
		if (!len)
			return false;
		*end = at + (uint32_t)len;
	}
	n->value[i] = (struct sp_value){
		.kind = SP_V_BYTES,
		.bytes = d->octets + at,
		.len = *end - at,
	};
	return true;
}

/* All fields, between octets from and to. False: there are too few octets, or no memory. */
bool sp_decode_node(struct sp_decoder *d, struct sp_node *n, uint32_t from, uint32_t to,
		    uint32_t *end)
{
	uint32_t bit = from * 8, header = to, at;
	bool bounded = false, sized = false;

	for (unsigned i = 0; i < n->n_fields; i++) {
		const struct sp_field *f = &n->fields[i];
		uint64_t octets;

		if (f->rule == SP_RULE_GROW || !sp_node_has(n, i))
			continue;
		if (!f->bits) {
			if (!decode_variable(d, n, i, bit / 8, header, &at))
				return false;
			bit = at * 8;
			continue;
		}
		if ((uint64_t)bit + f->bits > (uint64_t)to * 8)
			return false;
		n->value[i].kind = SP_V_ONE;
		n->value[i].first = n->value[i].last = sp_decode_bits(d->octets, bit, f->bits);
		bit += f->bits;
		octets = (uint64_t)n->value[i].first * sp_field_unit(f) + f->less;
		if (f->rule == SP_RULE_HEADER) {
			header = sp_smaller(from + octets, to);
			bounded = true;
		} else if (f->rule == SP_RULE_SIZE && !f->of) {
			header = sp_smaller(bit / 8 + octets, to);
			sized = true;
		}
	}
	*end = bit / 8;
	/* A header may say that it is shorter than it is, which is kept; but not longer. */
	return sized ? *end == header : !bounded || *end >= header;
}

/* ---- headers ---- */

static bool add_octets(struct sp_decoder *d, const char *hdr, uint32_t from, uint32_t to)
{
	const struct sp_hdr_ops *ops = sp_hdr_find(d->p->hdrs, hdr);
	struct sp_node *n = &d->p->node[d->p->n];
	int load;

	if (from == to)
		return true;
	if (!ops || !sp_node_init(n, &d->p->arena, ops, NULL, NULL))
		return false;
	load = sp_node_field(n, "load");
	if (load < 0)
		return false;
	n->value[load] = (struct sp_value){
		.kind = SP_V_BYTES,
		.bytes = d->octets + from,
		.len = to - from,
	};
	d->p->n++;
	return true;
}

/* Where the packet ends by this header's length, if it has one that makes sense. */
static uint32_t limit(const struct sp_node *n, uint32_t from, uint32_t end, uint32_t to)
{
	for (unsigned i = 0; i < n->n_fields; i++) {
		uint64_t octets = (uint64_t)n->value[i].first * sp_field_unit(&n->fields[i]) +
				  n->fields[i].less;

		if (n->fields[i].rule == SP_RULE_LENGTH && n->value[i].kind == SP_V_ONE &&
		    from + octets >= end && from + octets < to)
			return from + (uint32_t)octets;
	}
	return to;
}

/* One header at *from; false: these octets are not one. */
static bool decode_header(struct sp_decoder *d, const char **name, uint32_t *from, uint32_t *to)
{
	const struct sp_hdr_ops *hdr = sp_hdr_find(d->p->hdrs, *name);
	struct sp_node *n = &d->p->node[d->p->n];
	uint32_t end, over;

	if (!hdr || hdr->bare || d->p->n + 2 >= SP_PACKET_HEADERS)
		return false;
	if (!sp_node_init(n, &d->p->arena, hdr, NULL, NULL) ||
	    !sp_decode_node(d, n, *from, *to, &end) || end == *from ||
	    !sp_decode_same(d, n, *from, end))
		return false;
	*to = limit(n, *from, end, *to);
	over = hdr->pad ? (end - *from) % hdr->pad : 0;
	if (over) {
		over = hdr->pad - over;
		if (*to - end < over || !sp_decode_zero(d->octets + end, over))
			return false;
		end += over;
	}
	d->p->n++;
	*from = end;
	*name = hdr->follow ? hdr->follow(n, d->octets + end, *to - end) : sp_hdr_next(n);
	return true;
}

static bool same_packet(struct sp_decoder *d, uint32_t len)
{
	return !sp_build_packet(d->b, d->p, NULL) && d->b->len == len &&
	       memcmp(d->b->octets, d->octets, len) == 0;
}

static void elide(struct sp_decoder *d, uint32_t len)
{
	for (unsigned k = 0; k < d->p->n; k++)
		for (unsigned i = 0; i < d->p->node[k].n_fields; i++) {
			struct sp_value *v = &d->p->node[k].value[i], kept = *v;

			*v = (struct sp_value){ 0 };
			if (kept.kind != SP_V_NONE && !same_packet(d, len))
				*v = kept;
		}
}

static bool decode(struct sp_decoder *d, const char *name, uint32_t len)
{
	uint32_t from = 0, to = len;

	while (name && from < to && decode_header(d, &name, &from, &to))
		;
	if (!add_octets(d, "raw", from, to) || !add_octets(d, "padding", to, len))
		return false;
	if (same_packet(d, len)) {
		elide(d, len);
		return true;
	}
	d->p->n = 0;
	return add_octets(d, "raw", 0, len);
}

/* A decoder's packet, its copy of the octets and its build; NULL: no memory. */
static bool prepare(struct sp_decoder *d, const uint8_t *octets, size_t len,
		    const struct sp_hdr_ops *const *hdrs, const struct sp_mem *mem)
{
	uint8_t *copy;

	d->p = sp_alloc(mem, sizeof *d->p);
	if (!d->p)
		return false;
	sp_arena_init(&d->p->arena, mem);
	d->p->hdrs = hdrs;
	d->p->place = "packet";
	d->b = sp_alloc(mem, sizeof *d->b);
	copy = sp_arena_alloc(&d->p->arena, len);
	if (!d->b || !copy)
		return false;
	if (len)
		memcpy(copy, octets, len);
	d->octets = copy;
	return true;
}

int sp_packet_decode(struct sp_packet **out, const uint8_t *octets, size_t len,
		     const char *first, const struct sp_hdr_ops *const *hdrs,
		     const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_decoder d = { 0 };
	bool ok;

	*out = NULL;
	if (!len || len > SP_PACKET_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_DATA,
			       "a packet has 1 to %u octets, not %zu", SP_PACKET_MAX, len);
	if (!first)
		first = *octets >> 4 == 6 ? "ipv6" : *octets >> 4 == 4 ? "ip" : "raw";
	ok = prepare(&d, octets, len, hdrs, mem) && decode(&d, first, (uint32_t)len);
	sp_free(mem, d.b);
	/* Octets that found no memory as a header are not bare octets. */
	if (!ok || d.p->arena.failed) {
		sp_packet_free(d.p);
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	*out = d.p;
	return 0;
}
