#include "pkt/field.h"

#include <string.h>

/* What no table knows is kept as octets. */
static const struct sp_field octets[] = {
	{ .name = "data", .type = SP_F_BYTES, .help = "octets" },
	{ 0 },
};
const struct sp_item sp_item_raw = { .name = "raw", .type = SP_ITEM_RAW, .fields = octets };
const struct sp_item sp_item_other = { .name = "", .type = SP_ITEM_OTHER, .fields = octets };

unsigned sp_fields_count(const struct sp_field *f)
{
	unsigned n = 0;

	while (f && f[n].name)
		n++;
	return n;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* The word that ends at `|` or the end of *p, which moves behind it. */
static bool next_is(const char **p, const char *word, size_t len)
{
	size_t n = strcspn(*p, "|"), i;
	bool same = n == len;

	for (i = 0; same && i < len; i++)
		same = lower((*p)[i]) == lower(word[i]);
	*p += n + ((*p)[n] == '|');
	return same;
}

bool sp_name_is(const char *word, size_t len, const char *name, const char *aliases)
{
	if (!len)
		return false;
	if (name && next_is(&name, word, len))
		return true;
	while (aliases && *aliases)
		if (next_is(&aliases, word, len))
			return true;
	return false;
}

const struct sp_hdr_ops *sp_hdr_find(const struct sp_hdr_ops *const *hdrs, const char *name)
{
	size_t len = strlen(name);

	for (; *hdrs; hdrs++) {
		if (sp_name_is(name, len, (*hdrs)->name, NULL))
			return *hdrs;
		for (const struct sp_hdr_alias *a = (*hdrs)->aliases; a && a->name; a++)
			if (sp_name_is(name, len, a->name, NULL))
				return *hdrs;
	}
	return NULL;
}

bool sp_node_init(struct sp_node *n, struct sp_arena *arena, const struct sp_hdr_ops *hdr,
		  const struct sp_items *list, const struct sp_item *item)
{
	*n = (struct sp_node){ .hdr = hdr, .list = list, .item = item };
	n->fields = item ? item->fields : hdr->fields;
	n->n_fields = sp_fields_count(n->fields);
	n->type = item ? item->type : 0;
	n->value = sp_arena_alloc(arena, (n->n_fields + 1) * sizeof *n->value);
	return n->value;
}

const char *sp_node_name(const struct sp_node *n)
{
	return n->item ? (*n->item->name ? n->item->name : n->list->what) : n->hdr->name;
}

int sp_node_field(const struct sp_node *n, const char *name)
{
	for (unsigned i = 0; i < n->n_fields; i++)
		if (strcmp(n->fields[i].name, name) == 0)
			return (int)i;
	return -1;
}

sp_u128 sp_node_number(const struct sp_node *n, unsigned i)
{
	const struct sp_field *f = &n->fields[i];
	const struct sp_value *v = &n->value[i];
	sp_u128 number = 0;
	int of;

	switch (v->kind) {
	case SP_V_ONE:
	case SP_V_WALK:
	case SP_V_RANDOM:
		return v->first;
	case SP_V_TABLE:
		return v->table[0];
	case SP_V_NONE:
		break;
	default:
		return 0;
	}
	if (f->rule == SP_RULE_GIVEN) {
		of = sp_node_field(n, f->of);
		return of >= 0 && n->value[of].kind != SP_V_NONE;
	}
	if (f->bits && f->dflt)
		sp_field_scalar(f, f->dflt, strlen(f->dflt), &number);
	return number;
}

/* A decimal number; *p moves behind it. */
static uint64_t table_number(const char **p)
{
	uint64_t v = 0;

	while (**p >= '0' && **p <= '9')
		v = v * 10 + (uint64_t)(*(*p)++ - '0');
	return v;
}

/* One condition, which ends at ; or the text's end: "type=0,8,13..18", "op!=6", "flags&4". */
static bool holds(const struct sp_node *n, const char *p)
{
	size_t len = strcspn(p, "=&!");
	bool wanted = true;
	char name[32];
	sp_u128 have;
	int of;

	if (len >= sizeof name)
		return false;
	memcpy(name, p, len);
	name[len] = 0;
	of = sp_node_of(n, name);
	if (of < 0)
		return false;
	have = sp_node_number(n, (unsigned)of);
	p += len;
	if (*p == '&') {
		p++;
		return have & table_number(&p);
	}
	if (*p == '!') {
		wanted = false;
		p++;
	}
	while (*p && *p++ != ';') {
		uint64_t from = table_number(&p), to = from;

		if (p[0] == '.' && p[1] == '.') {
			p += 2;
			to = table_number(&p);
		}
		if (have >= from && have <= to)
			return wanted;
	}
	return !wanted;
}

bool sp_node_has(const struct sp_node *n, unsigned i)
{
	const char *p = n->fields[i].when;

	while (p && *p) {
		if (!holds(n, p))
			return false;
		p += strcspn(p, ";");
		p += *p == ';';
	}
	return true;
}

bool sp_field_brings(const struct sp_node *n, unsigned i)
{
	for (unsigned k = 0; k < n->n_fields; k++)
		if (n->fields[k].rule == SP_RULE_GIVEN && n->value[k].kind == SP_V_NONE &&
		    strcmp(n->fields[k].of, n->fields[i].name) == 0)
			return true;
	return false;
}

int sp_node_of(const struct sp_node *n, const char *name)
{
	for (unsigned i = 0; i < n->n_fields; i++)
		if (strcmp(n->fields[i].name, name) == 0 && sp_node_has(n, i))
			return (int)i;
	return -1;
}

uint64_t sp_hdr_number(const struct sp_node *n, const char *field)
{
	int i = sp_node_of(n, field);

	return i < 0 ? 0 : (uint64_t)sp_node_number(n, (unsigned)i);
}

const char *sp_hdr_next(const struct sp_node *n)
{
	uint64_t v;

	if (!n->hdr->next_field)
		return NULL;
	v = sp_hdr_number(n, n->hdr->next_field);
	for (const struct sp_next *row = n->hdr->next; row && row->hdr; row++)
		if (row->value == v)
			return row->hdr;
	return NULL;
}
