/* Lists in an expression: options (NAME, NAME=value, NAME=(a,b), NAME(field=value), NUMBER=octets,
 * raw=octets) and records ((a,b), NAME(field=value), value). */
#include "pkt/expr_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct items {
	struct sp_node *item;
	uint32_t n, cap;
};

static int add(struct sp_expr *x, struct items *l, const struct sp_node *owner,
	       const struct sp_items *list, const struct sp_item *kind, struct sp_node **out)
{
	if (l->n == l->cap) {
		struct sp_node *more;

		l->cap = l->cap ? l->cap * 2 : 4;
		more = sp_arena_alloc(&x->packet->arena, l->cap * sizeof *more);
		if (!more)
			return sp_expr_no_memory(x);
		if (l->n)
			memcpy(more, l->item, l->n * sizeof *more);
		l->item = more;
	}
	*out = &l->item[l->n++];
	if (!sp_node_init(*out, &x->packet->arena, owner->hdr, list, kind))
		return sp_expr_no_memory(x);
	(*out)->at = (uint32_t)(x->p - x->text) + 1;
	return 0;
}

/* The field that a bare value is for. */
static unsigned main_field(const struct sp_node *n)
{
	for (unsigned i = 0; i < n->n_fields; i++)
		if (n->fields[i].main)
			return i;
	return 0;
}

static int unknown_item(struct sp_expr *x, const struct sp_items *list, const char *at,
			size_t len)
{
	const char *names[64], *near;
	char word[64];
	size_t n = 0;

	snprintf(word, sizeof word, "%.*s", (int)len, at);
	for (const struct sp_item *k = list->kinds; k->name && n < 64; k++)
		names[n++] = k->name;
	near = sp_str_nearest(word, names, n);
	if (near)
		return sp_expr_fail(x, at, "there is no %s '%s'; did you mean '%s'?",
				    list->what, word, near);
	return sp_expr_fail(x, at,
			    "there is no %s '%s'; by number an option is written 254=0x0a0b",
			    list->what, word);
}

/* A kind by its name, or by its number: then *type is that. */
static const struct sp_item *find_kind(const struct sp_items *list, const char *at, size_t len,
				       uint32_t *type)
{
	const struct sp_field number = { .type = SP_F_UINT,
					 .bits = (uint16_t)(list->type_bytes * 8) };
	sp_u128 v;

	for (const struct sp_item *k = list->kinds; k->name; k++)
		if (sp_name_is(at, len, k->name, k->aliases)) {
			*type = k->type;
			return k;
		}
	if (list->type_bytes && sp_name_is(at, len, sp_item_raw.name, NULL)) {
		*type = SP_ITEM_RAW;
		return &sp_item_raw;
	}
	if (!list->type_bytes || sp_field_scalar(&number, at, len, &v))
		return NULL;
	*type = (uint32_t)v;
	return &sp_item_other;
}

/* Behind "NAME=". A tuple fills the fields in order; but where the only field is a list of
 * records, it is that list, as Scapy writes it: SAck=(1,2). */
static int assigned(struct sp_expr *x, struct sp_node *n)
{
	bool list_only = n->n_fields == 1 && n->fields[0].type == SP_F_ITEMS;

	sp_expr_blank(x);
	if (!n->n_fields)
		return sp_expr_fail(x, x->p, "%s has no value", sp_node_name(n));
	if (*x->p != '(' || list_only)
		return sp_expr_value(x, n, main_field(n));
	x->p++;
	return sp_expr_fields(x, n, true);
}

/* ('MSS',1460), ('NOP',None), ('SAckOK',''), as Scapy has options. */
static int pair(struct sp_expr *x, struct items *l, const struct sp_node *owner,
		const struct sp_items *list)
{
	const char *at = ++x->p, *word = at;
	const struct sp_item *kind;
	const uint8_t *bytes = NULL;
	struct sp_node *n;
	uint32_t type, len;
	int rc;

	if (*at == '"' || *at == '\'') {
		rc = sp_expr_octets(x, &bytes, &len);
		if (rc)
			return rc;
		word = (const char *)bytes;
	} else {
		len = (uint32_t)sp_expr_token(x);
	}
	kind = len ? find_kind(list, word, len, &type) : NULL;
	if (!kind)
		return unknown_item(x, list, word == at ? at : at + 1, len);
	rc = add(x, l, owner, list, kind, &n);
	if (rc)
		return rc;
	n->type = type;
	if (!sp_expr_take(x, ','))
		return sp_expr_fail(x, x->p, "%s: ',' and a value are expected",
				    sp_node_name(n));
	sp_expr_blank(x);
	word = x->p;
	len = (uint32_t)sp_expr_token(x);
	if (!n->n_fields && !len)
		rc = sp_expr_octets(x, &bytes, &len);
	else if (!sp_name_is(word, len, "None", NULL))
		x->p = word, rc = assigned(x, n);
	if (!rc && !sp_expr_take(x, ')'))
		rc = sp_expr_fail(x, x->p, "%s: ')' is missing", sp_node_name(n));
	return rc;
}

static int option(struct sp_expr *x, struct items *l, const struct sp_node *owner,
		  const struct sp_items *list)
{
	const char *at = x->p;
	size_t len = sp_expr_token(x);
	const struct sp_item *kind;
	struct sp_node *n;
	uint32_t type = 0;
	int rc;

	kind = len ? find_kind(list, at, len, &type) : NULL;
	if (!kind)
		return unknown_item(x, list, at, len);
	rc = add(x, l, owner, list, kind, &n);
	if (rc)
		return rc;
	n->type = type;
	n->at = (uint32_t)(at - x->text) + 1;
	if (sp_expr_take(x, '='))
		return assigned(x, n);
	if (sp_expr_take(x, '('))
		return sp_expr_fields(x, n, true);
	return 0;
}

static int record(struct sp_expr *x, struct items *l, const struct sp_node *owner,
		  const struct sp_items *list)
{
	const char *at = x->p;
	struct sp_node *n;
	uint32_t type;
	size_t len;
	int rc = add(x, l, owner, list, list->kinds, &n);

	if (rc)
		return rc;
	len = sp_expr_token(x);
	if (len && *x->p == '(' && !find_kind(list, at, len, &type))
		return unknown_item(x, list, at, len);
	if (sp_expr_take(x, '('))
		return sp_expr_fields(x, n, true);
	x->p = at;
	return sp_expr_value(x, n, main_field(n));
}

/* Records without brackets of their own, as many values as fields: (1,2,3,4). */
static int flat(struct sp_expr *x, struct items *l, const struct sp_node *owner,
		const struct sp_items *list)
{
	struct sp_node *n = NULL;
	unsigned next = 0;

	do {
		int rc = next ? 0 : add(x, l, owner, list, list->kinds, &n);

		sp_expr_blank(x);
		if (!rc)
			rc = sp_expr_value(x, n, next);
		if (rc)
			return rc;
		next = (next + 1) % n->n_fields;
	} while (sp_expr_take(x, ','));
	return sp_expr_take(x, ')') ? 0 : sp_expr_fail(x, x->p, "')' is missing");
}

static int bracketed(struct sp_expr *x, struct items *l, const struct sp_node *owner,
		     const struct sp_items *list)
{
	if (sp_expr_take(x, ']'))
		return 0;
	do {
		int rc;

		sp_expr_blank(x);
		if (list->type_bytes && *x->p == '(')
			rc = pair(x, l, owner, list);
		else if (list->type_bytes)
			rc = option(x, l, owner, list);
		else
			rc = record(x, l, owner, list);
		if (rc)
			return rc;
	} while (sp_expr_take(x, ','));
	return sp_expr_take(x, ']') ? 0
				    : sp_expr_fail(x, x->p, "%s: ',' or ']' is expected",
						   sp_node_name(owner));
}

int sp_expr_items(struct sp_expr *x, struct sp_node *owner, unsigned i)
{
	const struct sp_items *list = owner->fields[i].items;
	struct items l = { 0 };
	int rc;

	if (++x->depth > SP_EXPR_DEPTH)
		return sp_expr_fail(x, x->p, "brackets are nested too deep");
	if (sp_expr_take(x, '['))
		rc = bracketed(x, &l, owner, list);
	else if (list->type_bytes)
		rc = option(x, &l, owner, list);
	else if (sp_expr_take(x, '('))
		rc = flat(x, &l, owner, list);
	else
		rc = record(x, &l, owner, list);
	x->depth--;
	owner->value[i].kind = SP_V_ITEMS;
	owner->value[i].items = l.item;
	owner->value[i].len = l.n;
	return rc;
}
