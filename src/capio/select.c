#include "capio/select.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "pkt/field.h"

enum layer { IP4, IP6, TCP, UDP, LAYERS };

/* A place in a header: bits from its first one on. bits 0: this header has no such field. */
struct place {
	uint16_t off, bits;
};

struct value {
	struct value *next;
	sp_u128 v4, v6; /* of the IPv4 or only header; of the IPv6 header */
	bool has4, has6;
};

struct sp_select_field {
	struct sp_select_field *next;
	const char *layer, *name;
	enum layer kind; /* IP4: either family */
	struct place at, at6;
	struct value *values;
};

static const struct sp_hdr_ops *find_hdr(const struct sp_hdr_ops *const *hdr, const char *name)
{
	for (; *hdr; hdr++)
		if (strcmp((*hdr)->name, name) == 0)
			return *hdr;
	return NULL;
}

/* A field of fixed place; NULL: there is none of that name. */
static const struct sp_field *find_field(const struct sp_hdr_ops *h, const char *name,
					 struct place *at)
{
	uint16_t off = 0;

	for (const struct sp_field *f = h ? h->fields : NULL; f && f->name && f->bits; f++) {
		if (sp_name_is(name, strlen(name), f->name, f->aliases)) {
			*at = (struct place){ off, f->bits };
			return f;
		}
		off = (uint16_t)(off + f->bits);
	}
	return NULL;
}

/* "hlim" and "nh" are what IPv4 calls so. */
static const char *other_name(const char *name)
{
	static const char *const pairs[][2] = { { "ttl", "hlim" },
						{ "proto", "nh" },
						{ "tos", "tc" } };

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		for (unsigned k = 0; k < 2; k++)
			if (strcmp(name, pairs[i][k]) == 0)
				return pairs[i][!k];
	return name;
}

static const struct sp_field *find_either(const struct sp_hdr_ops *h, const char *name,
					  struct place *at)
{
	const struct sp_field *f = find_field(h, name, at);

	return f ? f : find_field(h, other_name(name), at);
}

static int fail_field(const struct sp_hdr_ops *h, const char *layer, const char *name,
		      struct sp_err *err)
{
	const char *names[SP_FIELDS_MAX], *best;
	char shown[80];
	size_t n = 0;

	for (const struct sp_field *f = h ? h->fields : NULL; f && f->name && n < SP_FIELDS_MAX;
	     f++)
		names[n++] = f->name;
	best = sp_str_nearest(name, names, n);
	return sp_fail(err, -ENOENT, SP_EXIT_DATA, "%s.%s: %s has no such field%s%s%s", layer,
		       sp_str_printable(shown, sizeof shown, name), layer,
		       best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

struct found {
	enum layer kind;
	const struct sp_field *f4, *f6;
	struct place at, at6;
};

static int find(const struct sp_hdr_ops *const *hdr, const char *layer, const char *name,
		struct found *out, struct sp_err *err)
{
	static const char *const words[] = { "ip", "tcp", "udp" };
	static const enum layer kinds[] = { IP4, TCP, UDP };
	const struct sp_hdr_ops *h;
	size_t i = 0;
	char shown[80];

	*out = (struct found){ 0 };
	while (i < 3 && strcmp(layer, words[i]) != 0)
		i++;
	if (i == 3)
		return sp_fail(
			err, -ENOENT, SP_EXIT_DATA,
			"%s: there is no such header to select by; there are ip, tcp and "
			"udp",
			sp_str_printable(shown, sizeof shown, layer));
	out->kind = kinds[i];
	h = find_hdr(hdr, layer);
	if (out->kind == IP4) {
		out->f4 = find_either(h, name, &out->at);
		out->f6 = find_either(find_hdr(hdr, "ipv6"), name, &out->at6);
	} else {
		out->f4 = find_field(h, name, &out->at);
	}
	return out->f4 || out->f6 ? 0 : fail_field(h, layer, name, err);
}

static struct sp_select_field *condition(struct sp_select *s, const struct found *found,
					 const char *layer, const char *name)
{
	struct sp_select_field *f, **end = &s->fields;

	for (; *end; end = &(*end)->next)
		if (!strcmp((*end)->layer, layer) && !strcmp((*end)->name, name))
			return *end;
	f = sp_arena_alloc(s->arena, sizeof *f);
	if (!f)
		return NULL;
	f->layer = sp_arena_strdup(s->arena, layer);
	f->name = sp_arena_strdup(s->arena, name);
	if (!f->layer || !f->name)
		return NULL;
	f->kind = found->kind;
	f->at = found->at;
	f->at6 = found->at6;
	*end = f;
	return f;
}

int sp_select_add(struct sp_select *s, const struct sp_hdr_ops *const *hdr, const char *layer,
		  const char *name, const char *value, struct sp_err *err)
{
	struct sp_select_field *f;
	struct value v = { 0 }, *kept;
	struct found found;
	char wants[80], shown[80];
	size_t len = strlen(value);
	int rc = find(hdr, layer, name, &found, err);

	if (rc)
		return rc;
	v.has4 = found.f4 && !sp_field_scalar(found.f4, value, len, &v.v4);
	v.has6 = found.f6 && !sp_field_scalar(found.f6, value, len, &v.v6);
	if (!v.has4 && !v.has6)
		return sp_fail(
			err, -EINVAL, SP_EXIT_DATA, "%s.%s: '%s' is not %s", layer, name,
			sp_str_printable(shown, sizeof shown, value),
			sp_field_wants(found.f4 ? found.f4 : found.f6, wants, sizeof wants));
	f = condition(s, &found, layer, name);
	kept = f ? sp_arena_alloc(s->arena, sizeof *kept) : NULL;
	if (!kept)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*kept = v;
	kept->next = f->values;
	f->values = kept;
	return 0;
}

/* ---- HOT ---- */

/* False: the packet ends before. */
static bool read_bits(const struct sp_cap_packet *p, uint32_t from, struct place at,
		      sp_u128 *out)
{
	uint64_t first = (uint64_t)from * 8 + at.off;
	sp_u128 v = 0;

	if (!at.bits || first + at.bits > (uint64_t)p->len * 8)
		return false;
	for (uint64_t bit = first; bit < first + at.bits;) {
		unsigned skip = (unsigned)(bit % 8), take = 8 - skip;
		unsigned octet = p->data[bit / 8] & (0xffu >> skip);

		if (take > first + at.bits - bit) {
			unsigned less = take - (unsigned)(first + at.bits - bit);

			octet >>= less;
			take -= less;
		}
		v = v << take | octet;
		bit += take;
	}
	*out = v;
	return true;
}

static bool holds(const struct sp_select_field *f, const struct sp_cap_packet *p,
		  const struct sp_view *v)
{
	bool six = v->src.addr.family == 6;
	sp_u128 got;

	if (!v->src.addr.family)
		return false;
	if (f->kind == IP4 && six && f->at6.bits == 8 && strcmp(f->name, "proto") == 0)
		got = v->proto; /* behind all extension headers */
	else if (f->kind == IP4) {
		if (!read_bits(p, v->l3_off, six ? f->at6 : f->at, &got))
			return false;
	} else if (v->proto != (f->kind == TCP ? SP_PROTO_TCP : SP_PROTO_UDP)) {
		return false;
	} else if (f->at.off < 32 && (v->src.port || v->dst.port)) {
		got = f->at.off ? v->dst.port
				: v->src.port; /* known of a fragmented one, too */
	} else if (!v->l4_off || v->frag_off || !read_bits(p, v->l4_off, f->at, &got)) {
		return false;
	}
	for (const struct value *x = f->values; x; x = x->next)
		if (f->kind == IP4 && six ? x->has6 && x->v6 == got : x->has4 && x->v4 == got)
			return true;
	return false;
}

bool sp_select_match(const struct sp_select *s, const struct sp_cap_packet *p,
		     const struct sp_cap_view *v)
{
	for (const struct sp_select_field *f = s->fields; f; f = f->next)
		if (!holds(f, p, &v->v))
			return false;
	return true;
}
