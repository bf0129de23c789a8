/* Packet to canonical text: what was given, and nothing else. */
#include "pkt/field.h"

static void print_fields(const struct sp_node *n, struct sp_str *out);
static void print_item(const struct sp_node *n, struct sp_str *out);

/* The length of the prefix that a range of addresses is; 0: none. */
static unsigned prefix(const struct sp_field *f, const struct sp_value *v)
{
	sp_u128 host = v->last - v->first;
	unsigned bits = f->bits;

	if ((f->type != SP_F_IP4 && f->type != SP_F_IP6) || v->last < v->first ||
	    v->step != 1 || (host & (host + 1)) || (v->first & host))
		return 0;
	for (; host; host >>= 1)
		bits--;
	return bits;
}

static void print_walk(const struct sp_field *f, const struct sp_value *v, struct sp_str *out)
{
	sp_u128 step = v->last >= v->first ? v->step : -v->step;
	unsigned bits = prefix(f, v);

	sp_field_format(f, v->first, out);
	if (bits && bits < f->bits) {
		sp_str_printf(out, "/%u", bits);
		return;
	}
	if (v->kind == SP_V_WALK || v->last != v->first) {
		sp_str_puts(out, "..");
		sp_field_format(f, v->last, out);
	}
	if (step > 1)
		sp_str_printf(out, "/%llu", (unsigned long long)step);
}

static void print_table(const struct sp_field *f, const struct sp_value *v, struct sp_str *out)
{
	for (uint64_t k = 0; k < v->count; k++) {
		sp_str_puts(out, k ? "," : "[");
		sp_field_format(f, v->table[k], out);
	}
	sp_str_puts(out, "]");
}

static void print_octets(const struct sp_field *f, const struct sp_value *v, struct sp_str *out)
{
	uint64_t n = v->count ? v->count : 1;

	sp_str_puts(out, v->count ? "[" : "");
	for (uint64_t k = 0; k < n; k++) {
		sp_str_puts(out, k ? "," : "");
		(f->type == SP_F_NAME ? sp_name_print : sp_octets_print)(v->bytes + k * v->len,
									 v->len, out);
	}
	sp_str_puts(out, v->count ? "]" : "");
}

static void print_value(const struct sp_node *n, unsigned i, struct sp_str *out)
{
	const struct sp_field *f = &n->fields[i];
	const struct sp_value *v = &n->value[i];

	switch (v->kind) {
	case SP_V_WALK:
		print_walk(f, v, out);
		break;
	case SP_V_TABLE:
		print_table(f, v, out);
		break;
	case SP_V_RANDOM:
		sp_str_puts(out, "random");
		if (!v->first && v->last == sp_field_max(f))
			break;
		sp_str_puts(out, "(");
		print_walk(f, v, out);
		sp_str_puts(out, ")");
		break;
	case SP_V_BYTES:
		print_octets(f, v, out);
		break;
	case SP_V_ITEMS:
		sp_str_puts(out, "[");
		for (uint32_t k = 0; k < v->len; k++) {
			sp_str_puts(out, k ? "," : "");
			print_item(&v->items[k], out);
		}
		sp_str_puts(out, "]");
		break;
	default:
		sp_field_format(f, sp_node_number(n, i), out);
	}
}

/* Whether (a,b) says all: fixed fields that always exist and that no rule fills. */
static bool is_tuple(const struct sp_node *n)
{
	for (unsigned i = 0; i < n->n_fields; i++)
		if (!n->fields[i].bits || n->fields[i].rule || n->fields[i].when)
			return false;
	return n->n_fields > 0;
}

static void print_tuple(const struct sp_node *n, struct sp_str *out)
{
	for (unsigned i = 0; i < n->n_fields; i++) {
		sp_str_puts(out, i ? "," : "(");
		print_value(n, i, out);
	}
	sp_str_puts(out, ")");
}

static void print_item(const struct sp_node *n, struct sp_str *out)
{
	bool option = n->list->type_bytes, one = n->n_fields == 1;

	if (option && n->item == &sp_item_other)
		sp_str_printf(out, "%u", n->type);
	else if (option)
		sp_str_puts(out, n->item->name);
	if (one && n->value[0].kind != SP_V_NONE) {
		sp_str_puts(out, option ? "=" : "");
		print_value(n, 0, out);
	} else if (!one && is_tuple(n)) {
		sp_str_puts(out, option ? "=" : "");
		print_tuple(n, out);
	} else if (n->n_fields || !option) {
		print_fields(n, out);
	}
}

/* The given field after field i (-1: the first), in the order in which they were written, which
 * says how varied ones combine; -1: none. */
static int next_given(const struct sp_node *n, int i)
{
	uint64_t from = i < 0 ? 0 : ((uint64_t)n->value[i].at << 8 | (unsigned)i) + 1;
	uint64_t best = UINT64_MAX;
	int found = -1;

	for (unsigned k = 0; k < n->n_fields; k++) {
		uint64_t key = (uint64_t)n->value[k].at << 8 | k;

		if (n->value[k].kind != SP_V_NONE && key >= from && key < best) {
			best = key;
			found = (int)k;
		}
	}
	return found;
}

static void print_fields(const struct sp_node *n, struct sp_str *out)
{
	const char *sep = "";

	if (n->item == &sp_item_other)
		return;
	sp_str_puts(out, "(");
	for (int i = next_given(n, -1); i >= 0; i = next_given(n, i)) {
		sp_str_printf(out, "%s%s=", sep, n->fields[i].name);
		print_value(n, (unsigned)i, out);
		sep = ",";
	}
	sp_str_puts(out, ")");
}

static bool only_load(const struct sp_node *n)
{
	for (unsigned i = 0; i < n->n_fields; i++)
		if (n->value[i].kind != (n->fields[i].bits ? SP_V_NONE : SP_V_BYTES) ||
		    n->value[i].count)
			return false;
	return true;
}

void sp_packet_print(const struct sp_packet *p, struct sp_str *out)
{
	for (unsigned k = 0; k < p->n; k++) {
		const struct sp_node *n = &p->node[k];

		sp_str_puts(out, k ? "/" : "");
		if (n->hdr->bare && !n->hdr->trailer && only_load(n)) {
			sp_octets_print(n->value[sp_node_field(n, "load")].bytes,
					n->value[sp_node_field(n, "load")].len, out);
			continue;
		}
		sp_str_puts(out, n->hdr->name);
		print_fields(n, out);
	}
}
