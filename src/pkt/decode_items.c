/* Octets to the items of a list: options, records. */
#include "pkt/decode_impl.h"

#include <string.h>

#define DEPTH_MAX 8u

/* Takes back each value that comes out the same when nobody gives it. */
static void elide_item(struct sp_decoder *d, struct sp_node *n, uint32_t from, uint32_t to)
{
	for (unsigned i = 0; i < n->n_fields; i++) {
		struct sp_value kept = n->value[i];

		n->value[i] = (struct sp_value){ 0 };
		if (kept.kind != SP_V_NONE && !sp_decode_same(d, n, from, to))
			n->value[i] = kept;
	}
}

static bool set_octets(struct sp_decoder *d, struct sp_node *n, uint32_t from, uint32_t to)
{
	n->value[0] = (struct sp_value){
		.kind = SP_V_BYTES,
		.bytes = d->octets + from,
		.len = to - from,
	};
	return true;
}

static bool as_kind(struct sp_decoder *d, struct sp_node *n, const struct sp_hdr_ops *hdr,
		    const struct sp_items *l, const struct sp_item *kind, uint32_t type)
{
	if (!sp_node_init(n, &d->p->arena, hdr, l, kind))
		return false;
	n->type = type;
	return true;
}

/* One option at from; *end behind it. What is damaged is raw to the end. */
static bool decode_option(struct sp_decoder *d, const struct sp_hdr_ops *hdr,
			  const struct sp_items *l, struct sp_node *n, uint32_t from,
			  uint32_t to, uint32_t *end)
{
	const struct sp_item *kind = l->kinds;
	uint32_t head = l->type_bytes, type, data, behind, inner;
	uint64_t len;

	if (to - from >= head) {
		type = (uint32_t)sp_decode_bits(d->octets, from * 8, head * 8);
		while (kind->name && kind->type != type)
			kind++;
		*end = from + head;
		if (kind->name && kind->bare)
			return as_kind(d, n, hdr, l, kind, type);
		if (!kind->name && type < l->bare_to)
			return as_kind(d, n, hdr, l, &sp_item_other, type);
		data = from + head + l->len_bytes;
		if (data > to)
			goto raw;
		len = (uint64_t)sp_decode_bits(d->octets, (from + head) * 8, l->len_bytes * 8u);
		len *= l->unit ? l->unit : 1;
		if (len < l->less || len - l->less > to - data)
			goto raw;
		behind = data + (uint32_t)(len - l->less);
		*end = sp_smaller(l->pad ? from + (behind - from + l->pad - 1) / l->pad * l->pad
					 : behind,
				  to);
		if (kind->name) {
			if (!as_kind(d, n, hdr, l, kind, type))
				return false;
			if (sp_decode_node(d, n, data, behind, &inner) && inner == behind &&
			    sp_decode_same(d, n, from, *end)) {
				elide_item(d, n, from, *end);
				return true;
			}
		}
		if (!as_kind(d, n, hdr, l, &sp_item_other, type))
			return false;
		set_octets(d, n, data, behind);
		if (sp_decode_same(d, n, from, *end))
			return true;
	}
raw:
	*end = to;
	return as_kind(d, n, hdr, l, &sp_item_raw, SP_ITEM_RAW) && set_octets(d, n, from, to);
}

static bool decode_record(struct sp_decoder *d, const struct sp_hdr_ops *hdr,
			  const struct sp_items *l, struct sp_node *n, uint32_t from,
			  uint32_t to, uint32_t *end)
{
	if (!as_kind(d, n, hdr, l, l->kinds, l->kinds->type) ||
	    !sp_decode_node(d, n, from, to, end) || *end == from ||
	    !sp_decode_same(d, n, from, *end))
		return false;
	elide_item(d, n, from, *end);
	return true;
}

static bool more_room(struct sp_decoder *d, struct sp_node **item, uint32_t n, uint32_t *cap)
{
	struct sp_node *more;

	if (n < *cap)
		return true;
	*cap = *cap ? *cap * 2 : 4;
	more = sp_arena_alloc(&d->p->arena, *cap * sizeof *more);
	if (more && n)
		memcpy(more, *item, n * sizeof *more);
	*item = more;
	return more;
}

/* The items between from and to, count of them if count >= 0; *end behind them. */
bool sp_decode_items(struct sp_decoder *d, struct sp_node *owner, unsigned i, uint32_t from,
		     uint32_t to, int64_t count, uint32_t *end)
{
	const struct sp_field *f = &owner->fields[i];
	const struct sp_items *l = f->items;
	struct sp_node *item = NULL;
	uint32_t n = 0, cap = 0;
	bool ok = ++d->depth < DEPTH_MAX, last = false;

	while (ok && !last && (count < 0 ? from < to : n < count)) {
		ok = more_room(d, &item, n, &cap);
		if (!ok)
			break;
		ok = l->type_bytes ? decode_option(d, owner->hdr, l, &item[n], from, to, &from)
				   : decode_record(d, owner->hdr, l, &item[n], from, to, &from);
		last = ok && item[n].item->end;
		n += ok;
	}
	if (ok && last && from < to &&
	    (to - from >= f->pad || !sp_decode_zero(d->octets + from, to - from))) {
		ok = more_room(d, &item, n, &cap) &&
		     as_kind(d, &item[n], owner->hdr, l, &sp_item_raw, SP_ITEM_RAW) &&
		     set_octets(d, &item[n++], from, to);
	}
	d->depth--;
	*end = last ? to : from;
	owner->value[i] = (struct sp_value){ .kind = SP_V_ITEMS, .items = item, .len = n };
	return ok;
}
