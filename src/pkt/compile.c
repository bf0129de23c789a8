/* Packet to template: the octets as laid out, and a place for each varied field. */
#include <errno.h>
#include <string.h>

#include "pkt/build.h"

static int no_memory(const struct sp_packet *p, struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", p->place);
}

/* Where a part of a field of up to 64 bits stands. */
static void locate(struct sp_place *pl, uint32_t bit, unsigned bits)
{
	unsigned first = bit % 8;

	pl->off = (uint16_t)(bit / 8);
	pl->bytes = (uint8_t)((first + bits + 7) / 8);
	pl->shift = (uint8_t)(pl->bytes * 8u - first - bits);
	pl->mask = (bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1) << pl->shift;
}

/* Rows of a table for the part of the values from bit `low`. */
static const uint8_t *rows(struct sp_template *t, const struct sp_place *pl,
			   const struct sp_value *v, unsigned low)
{
	uint8_t *table = sp_arena_alloc(&t->arena, v->count * pl->bytes);

	for (uint64_t k = 0; table && k < v->count; k++) {
		uint64_t row = (uint64_t)(v->table[k] >> low) << pl->shift & pl->mask;

		for (unsigned i = 0; i < pl->bytes; i++)
			table[k * pl->bytes + i] = (uint8_t)(row >> (8 * (pl->bytes - 1u - i)));
	}
	return table;
}

/* The values of a part. The upper half of an IPv6 address stays in a walk, and is drawn by itself
 * where a prefix is shorter than 64 bits. False: no memory. */
static bool fill(struct sp_template *t, struct sp_place *pl, const struct sp_value *v,
		 unsigned low)
{
	sp_u128 span = (v->last - v->first) / (v->step ? v->step : 1);

	pl->first = (uint64_t)(v->first >> low);
	pl->step = (uint64_t)v->step;
	switch (v->kind) {
	case SP_V_WALK:
		pl->how = SP_VARY_WALK;
		pl->count = v->count;
		return true;
	case SP_V_RANDOM:
		pl->how = SP_VARY_RANDOM;
		pl->step = low ? 1 : pl->step;
		span >>= low;
		pl->count = span >= UINT64_MAX ? 0 : (uint64_t)span + 1;
		return true;
	default:
		pl->how = SP_VARY_TABLE;
		pl->count = v->count;
		pl->table = rows(t, pl, v, low);
		return pl->table;
	}
}

static int check_wide(const struct sp_packet *p, const struct sp_varied *var,
		      struct sp_err *err)
{
	const struct sp_value *v = var->value;
	sp_u128 ones = v->last - v->first; /* of a prefix: ones below its bits */

	if (v->kind == SP_V_TABLE || v->first >> 64 == v->last >> 64 ||
	    (v->step == 1 && !(ones & (ones + 1)) && !(v->first & ones)))
		return 0;
	return sp_fail(
		err, -EINVAL, SP_EXIT_USAGE,
		"%s:%u: %s.%s: a range of IPv6 addresses stays within its first 64 bits; "
		"a prefix does not need to",
		p->place, v->at, sp_node_name(var->node), var->field->name);
}

/* Octets that vary are cut into places of eight. */
static int add_octets(struct sp_template *t, const struct sp_packet *p,
		      const struct sp_varied *var, const char *name, struct sp_place *place,
		      struct sp_err *err)
{
	const struct sp_value *v = var->value;

	for (uint32_t at = 0; at < v->len; at += 8) {
		struct sp_place *pl = &place[t->n_places++];
		uint32_t n = v->len - at < 8 ? v->len - at : 8;
		uint8_t *table = sp_arena_alloc(&t->arena, v->count * n);

		if (!table)
			return no_memory(p, err);
		for (uint64_t k = 0; k < v->count; k++)
			memcpy(table + k * n, v->bytes + k * v->len + at, n);
		locate(pl, var->bit + at * 8, n * 8);
		pl->field = name;
		pl->layer = (uint8_t)var->layer;
		pl->how = SP_VARY_TABLE;
		pl->count = v->count;
		pl->table = table;
	}
	return 0;
}

/* One varied field: a place, two for an IPv6 address where both halves vary. */
static int add_places(struct sp_template *t, const struct sp_packet *p,
		      const struct sp_varied *var, struct sp_place *place, struct sp_err *err)
{
	const struct sp_value *v = var->value;
	bool wide = var->field->bits > 64;
	bool halves = wide && (v->kind == SP_V_TABLE ||
			       (v->kind == SP_V_RANDOM && v->first >> 64 != v->last >> 64));
	char *name = sp_arena_printf(&t->arena, "%s.%s", sp_node_name(var->node),
				     var->field->name);

	if (!name)
		return no_memory(p, err);
	if (v->kind == SP_V_BYTES)
		return add_octets(t, p, var, name, place, err);
	if (wide && check_wide(p, var, err))
		return -EINVAL;
	for (unsigned half = halves ? 0 : 1; half < 2; half++) {
		struct sp_place *pl = &place[t->n_places++];

		pl->field = name;
		pl->layer = (uint8_t)var->layer;
		locate(pl, var->bit + (wide ? half * 64 : 0), wide ? 64 : var->field->bits);
		if (!fill(t, pl, v, half ? 0 : 64))
			return no_memory(p, err);
	}
	return 0;
}

/* The last written varies fastest. All places of one field step together. */
static void combine(struct sp_template *t, struct sp_place *place)
{
	t->units = 1;
	for (uint32_t i = t->n_places; i-- > 0;) {
		struct sp_place *pl = &place[i];

		pl->every = 1;
		if (pl->how == SP_VARY_RANDOM)
			continue;
		pl->every = t->units;
		if (i + 1 < t->n_places && place[i + 1].field == pl->field) {
			pl->every = place[i + 1].every;
			continue;
		}
		if (__builtin_mul_overflow(t->units, pl->count, &t->units))
			t->units = UINT64_MAX;
	}
}

static int places(struct sp_template *t, struct sp_build *b, struct sp_err *err)
{
	struct sp_place *place = sp_arena_alloc(&t->arena,
						(2 * b->n_varied + 1) * sizeof *place);
	int rc = 0;

	if (!place)
		return no_memory(b->packet, err);
	/* In the order in which they are written. */
	for (unsigned i = 1; i < b->n_varied; i++)
		for (unsigned k = i; k && b->varied[k].value->at < b->varied[k - 1].value->at;
		     k--) {
			struct sp_varied swap = b->varied[k];

			b->varied[k] = b->varied[k - 1];
			b->varied[k - 1] = swap;
		}
	for (unsigned i = 0; !rc && i < b->n_varied; i++)
		rc = add_places(t, b->packet, &b->varied[i], place, err);
	combine(t, place);
	t->place = place;
	return rc;
}

static bool given(const struct sp_node *n, enum sp_rule rule)
{
	for (unsigned i = 0; i < n->n_fields; i++)
		if (n->fields[i].rule == rule && n->value[i].kind != SP_V_NONE)
			return true;
	return false;
}

/* What may grow. */
static void payload(struct sp_template *t, const struct sp_build *b)
{
	const struct sp_packet *p = b->packet;
	unsigned last = p->n;

	t->payload_off = b->content;
	for (unsigned k = 0; k < p->n; k++) {
		if (p->node[k].hdr->trailer)
			t->fixed = true;
		else
			last = k;
		t->fixed |= given(&p->node[k], SP_RULE_LENGTH);
	}
	if (last == p->n)
		return;
	t->fixed |= p->node[last].hdr->closed;
	if (p->node[last].hdr->bare) {
		const struct sp_node *n = &p->node[last];
		int load = sp_node_field(n, "load");

		t->payload_off = b->start[last];
		t->payload_given = load >= 0 && n->value[load].kind != SP_V_NONE;
		t->fixed |= load >= 0 && n->value[load].count > 1;
	}
}

static void network(struct sp_template *t, const struct sp_build *b)
{
	const struct sp_packet *p = b->packet;
	const struct sp_hdr_ops *eth = sp_hdr_find(p->hdrs, "eth");
	unsigned k = 0;

	t->link = p->node[0].hdr->link;
	while (k + 1 < p->n && p->node[k].hdr->link)
		k++;
	t->l3_off = b->start[k];
	for (const struct sp_next *row = eth ? eth->next : NULL; row && row->hdr; row++)
		if (strcmp(row->hdr, p->node[k].hdr->name) == 0)
			t->ether_type = (uint16_t)row->value;
}

static void *copied(struct sp_template *t, const void *from, size_t size)
{
	void *to = sp_arena_alloc(&t->arena, size + 1);

	if (to && size)
		memcpy(to, from, size);
	return to;
}

static int template(struct sp_template *t, struct sp_build *b, struct sp_err *err)
{
	t->len = b->len;
	t->octets = copied(t, b->octets, b->len);
	t->n_sums = b->n_sums;
	t->sum = copied(t, b->sum, b->n_sums * sizeof *b->sum);
	t->n_lengths = b->n_lengths;
	t->length = copied(t, b->length, b->n_lengths * sizeof *b->length);
	if (!t->octets || !t->sum || !t->length)
		return no_memory(b->packet, err);
	network(t, b);
	payload(t, b);
	return places(t, b, err);
}

static int with_build(const struct sp_packet *p, struct sp_build **b, struct sp_err *err)
{
	*b = sp_alloc(p->arena.mem, sizeof **b);
	return *b ? sp_build_packet(*b, p, err) : no_memory(p, err);
}

int sp_packet_compile(const struct sp_packet *p, struct sp_template *t, struct sp_err *err)
{
	struct sp_build *b;
	int rc = with_build(p, &b, err);

	*t = (struct sp_template){ 0 };
	sp_arena_init(&t->arena, p->arena.mem);
	if (!rc)
		rc = template(t, b, err);
	sp_free(p->arena.mem, b);
	return rc;
}

void sp_template_free(struct sp_template *t)
{
	sp_arena_fini(&t->arena);
}

int sp_packet_encode(const struct sp_packet *p, uint8_t *buf, size_t cap, size_t *len,
		     struct sp_err *err)
{
	struct sp_build *b;
	int rc = with_build(p, &b, err);

	if (!rc && b->len > cap)
		rc = sp_fail(err, -EMSGSIZE, SP_EXIT_USAGE,
			     "%s: the packet has %u octets, and there is room for %zu",
			     p->place, b->len, cap);
	if (!rc) {
		memcpy(buf, b->octets, b->len);
		*len = b->len;
	}
	sp_free(p->arena.mem, b);
	return rc;
}
