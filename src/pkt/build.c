#include "pkt/build.h"

#include <errno.h>
#include <string.h>

/* Octets of unit 0 in one pass over the fields; then what rules fill, inside out. */

static int fail(const struct sp_build *b, const struct sp_node *n, const char *what)
{
	if (n->at)
		return sp_fail(b->err, -EINVAL, SP_EXIT_USAGE, "%s:%u: %s: %s",
			       b->packet->place, n->at, sp_node_name(n), what);
	return sp_fail(b->err, -EINVAL, SP_EXIT_USAGE, "%s: %s: %s", b->packet->place,
		       sp_node_name(n), what);
}

static int room(const struct sp_build *b, const struct sp_node *n, uint64_t bits)
{
	return b->bit + bits > (uint64_t)SP_PACKET_MAX * 8
		       ? fail(b, n, "the packet grows beyond 65535 octets")
		       : 0;
}

static int put_zeros(struct sp_build *b, const struct sp_node *n, uint32_t octets)
{
	if (room(b, n, (uint64_t)octets * 8))
		return -EINVAL;
	memset(b->octets + b->bit / 8, 0, octets);
	b->bit += octets * 8;
	return 0;
}

static int note_varied(struct sp_build *b, const struct sp_node *n, unsigned i)
{
	const struct sp_value *v = &n->value[i];

	if (v->kind != SP_V_WALK && v->kind != SP_V_TABLE && v->kind != SP_V_RANDOM &&
	    (v->kind != SP_V_BYTES || v->count < 2))
		return 0;
	if (b->n_varied == SP_PLACES_MAX)
		return fail(b, n, "too many fields vary");
	b->varied[b->n_varied++] = (struct sp_varied){
		.field = &n->fields[i],
		.node = n,
		.value = v,
		.bit = b->bit,
		.layer = b->layer,
	};
	return 0;
}

/* How many octets a field of rule GROW asks for; false: none. */
static bool grown(const struct sp_node *n, unsigned i, uint32_t *len)
{
	for (unsigned k = 0; k < n->n_fields; k++)
		if (n->fields[k].rule == SP_RULE_GROW &&
		    strcmp(n->fields[k].of, n->fields[i].name) == 0 &&
		    n->value[k].kind != SP_V_NONE) {
			*len = (uint32_t)sp_node_number(n, k);
			return true;
		}
	return false;
}

static int lay_bytes(struct sp_build *b, const struct sp_node *n, unsigned i)
{
	static const uint8_t root;
	const struct sp_value *v = &n->value[i];
	const uint8_t *from = v->kind == SP_V_BYTES ? v->bytes : &root;
	uint32_t have = v->kind == SP_V_BYTES ? v->len : n->fields[i].type == SP_F_NAME;
	uint32_t len = have;
	uint8_t *to;

	if (grown(n, i, &len) && v->kind == SP_V_BYTES && v->count > 1)
		return fail(b, n, "a list has its own length");
	if (note_varied(b, n, i) || room(b, n, (uint64_t)len * 8))
		return -EINVAL;
	to = b->octets + b->bit / 8;
	for (uint32_t k = 0; k < len; k++)
		to[k] = have ? from[k % have] : 0;
	b->bit += len * 8;
	return 0;
}

static int lay_node(struct sp_build *b, const struct sp_node *n, uint32_t *pos);

static int lay_head(struct sp_build *b, const struct sp_node *n, uint32_t len)
{
	const struct sp_items *l = n->list;
	uint32_t at = b->bit - len * 8;
	uint64_t count = ((uint64_t)len - l->type_bytes - l->len_bytes + l->less);

	sp_build_bits(b->octets, at, l->type_bytes * 8u, n->type);
	if (n->item->bare)
		return 0;
	count /= l->unit ? l->unit : 1;
	if (count >> (l->len_bytes * 8))
		return fail(b, n, "too long for its length field");
	sp_build_bits(b->octets, at + l->type_bytes * 8u, l->len_bytes * 8u, count);
	return 0;
}

static int lay_item(struct sp_build *b, const struct sp_node *n)
{
	const struct sp_items *l = n->list;
	uint32_t pos[SP_FIELDS_MAX], from = b->bit, head = 0, over;
	int rc;

	if (l->type_bytes && n->type != SP_ITEM_RAW)
		head = l->type_bytes + (n->item->bare ? 0u : l->len_bytes);
	if (n->item == &sp_item_other && n->value[0].kind == SP_V_NONE && n->type < l->bare_to)
		head = l->type_bytes;
	rc = put_zeros(b, n, head);
	if (!rc)
		rc = lay_node(b, n, pos);
	if (rc || !head)
		return rc;
	if (head == l->type_bytes) {
		sp_build_bits(b->octets, from, head * 8, n->type);
		return 0;
	}
	over = (b->bit - from) / 8 % (l->unit ? l->unit : 1);
	if (over)
		rc = put_zeros(b, n, l->unit - over);
	if (!rc)
		rc = lay_head(b, n, (b->bit - from) / 8);
	over = l->pad ? (b->bit - from) / 8 % l->pad : 0;
	return rc || !over ? rc : put_zeros(b, n, l->pad - over);
}

static int lay_pad(struct sp_build *b, const struct sp_node *n, unsigned i, uint32_t start)
{
	const struct sp_field *f = &n->fields[i];
	uint32_t over = f->pad ? (b->bit - start) / 8 % f->pad : 0, at = b->bit / 8;

	if (!over)
		return 0;
	over = f->pad - over;
	if (put_zeros(b, n, over))
		return -EINVAL;
	if (f->items && f->items->filler && over >= 2) {
		b->octets[at] = f->items->filler;
		b->octets[at + 1] = (uint8_t)(over - 2);
	}
	return 0;
}

static bool segments_left(const struct sp_node *n, const struct sp_field *f, uint32_t addresses)
{
	int of = f->of ? sp_node_of(n, f->of) : -1;

	if (of < 0)
		return true;
	return n->value[of].kind == SP_V_NONE ? addresses > n->fields[of].less
					      : sp_node_number(n, (unsigned)of) != 0;
}

static int lay_items(struct sp_build *b, const struct sp_node *n, unsigned i)
{
	const struct sp_field *f = &n->fields[i];
	const struct sp_value *v = &n->value[i];
	uint32_t at = b->bit;

	for (uint32_t k = 0; v->kind == SP_V_ITEMS && k < v->len; k++) {
		if (f->role != SP_ROLE_ROUTE_FIRST)
			at = b->bit;
		if (lay_item(b, &v->items[k]))
			return -EINVAL;
	}
	if (f->role && v->kind == SP_V_ITEMS && v->len && segments_left(n, f, v->len))
		b->route[b->layer] = at / 8;
	return 0;
}

static int lay_field(struct sp_build *b, const struct sp_node *n, unsigned i)
{
	const struct sp_field *f = &n->fields[i];
	int rc;

	if (f->type == SP_F_BYTES || f->type == SP_F_NAME)
		return lay_bytes(b, n, i);
	if (f->type == SP_F_ITEMS)
		return lay_items(b, n, i);
	rc = room(b, n, f->bits);
	if (!rc)
		rc = note_varied(b, n, i);
	if (rc)
		return rc;
	sp_build_bits(b->octets, b->bit, f->bits, sp_node_number(n, i));
	b->bit += f->bits;
	return 0;
}

/* What depends on this header alone. */
static int local_rules(struct sp_build *b, const struct sp_node *n, const uint32_t *pos,
		       uint32_t start)
{
	for (unsigned i = 0; i < n->n_fields; i++) {
		const struct sp_field *f = &n->fields[i];
		uint32_t from = pos[i] + f->bits, to = b->bit;
		int64_t v = 0;
		int of = f->of ? sp_node_of(n, f->of) : -1;

		if (n->value[i].kind != SP_V_NONE || !sp_node_has(n, i))
			continue;
		if (f->rule == SP_RULE_HEADER) {
			v = (b->bit - start) / 8;
		} else if (f->rule == SP_RULE_COUNT || f->rule == SP_RULE_TALLY) {
			v = of >= 0 && n->value[of].kind == SP_V_ITEMS ? n->value[of].len : 0;
		} else if (f->rule == SP_RULE_SIZE) {
			if (of >= 0)
				from = pos[of];
			for (unsigned k = (unsigned)of + 1; of >= 0 && k < n->n_fields; k++)
				if (sp_node_has(n, k)) {
					to = pos[k];
					break;
				}
			v = (to - from) / 8;
		} else {
			continue;
		}
		if (sp_build_rule(b, n, i, pos[i], v))
			return -EINVAL;
	}
	return 0;
}

static int lay_node(struct sp_build *b, const struct sp_node *n, uint32_t *pos)
{
	uint32_t start = b->bit;

	for (unsigned i = 0; i < n->n_fields; i++) {
		pos[i] = b->bit;
		if (n->fields[i].rule == SP_RULE_GROW || !sp_node_has(n, i))
			continue;
		if (lay_field(b, n, i) || lay_pad(b, n, i, start))
			return -EINVAL;
	}
	return local_rules(b, n, pos, start);
}

static void clear(struct sp_build *b, const struct sp_packet *p, struct sp_err *err)
{
	b->packet = p;
	b->err = err;
	b->bit = b->len = b->content = 0;
	b->layer = b->n_varied = b->n_sums = b->n_lengths = 0;
}

int sp_build_node(struct sp_build *b, const struct sp_packet *p, const struct sp_node *n,
		  struct sp_err *err)
{
	int rc;

	clear(b, p, err);
	rc = n->list ? lay_item(b, n) : lay_node(b, n, b->pos[0]);
	b->len = b->bit / 8;
	return rc;
}

int sp_build_packet(struct sp_build *b, const struct sp_packet *p, struct sp_err *err)
{
	bool trailer = false;

	clear(b, p, err);
	for (unsigned k = 0; k < p->n; k++) {
		const struct sp_node *n = &p->node[k];
		uint32_t over;

		if (n->hdr->trailer && !trailer)
			b->content = b->bit / 8;
		trailer |= n->hdr->trailer;
		b->layer = k;
		b->start[k] = b->bit / 8;
		b->route[k] = 0;
		if (lay_node(b, n, b->pos[k]))
			return -EINVAL;
		b->end[k] = b->bit / 8;
		over = n->hdr->pad ? (b->end[k] - b->start[k]) % n->hdr->pad : 0;
		if (over && put_zeros(b, n, n->hdr->pad - over))
			return -EINVAL;
	}
	b->len = b->bit / 8;
	if (!trailer)
		b->content = b->len;
	return sp_build_rules(b);
}
