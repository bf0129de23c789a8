/* Conditions: names, values, and what is said of wrong ones. */
#include "capio/select_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define NAMES_MOST 128u

/* ---- names ---- */

static const struct sp_hdr_ops *find_hdr(const struct sp_hdr_ops *const *hdr, const char *name)
{
	for (; *hdr; hdr++)
		if (strcmp((*hdr)->name, name) == 0)
			return *hdr;
	return NULL;
}

static bool find_field(const struct sp_hdr_ops *h, const char *name, struct sp_select_of *of)
{
	uint16_t off = 0;
	bool fixed = true;

	for (const struct sp_field *f = h ? h->fields : NULL; f && f->name; f++) {
		fixed = fixed && f->bits && !f->when;
		if (f->bits && sp_name_is(name, strlen(name), f->name, f->aliases)) {
			*of = (struct sp_select_of){ h, f, { off, fixed ? f->bits : 0 } };
			return true;
		}
		off = (uint16_t)(off + f->bits);
	}
	return false;
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

static bool find_either(const struct sp_hdr_ops *h, const char *name, struct sp_select_of *of)
{
	return find_field(h, name, of) || find_field(h, other_name(name), of);
}

static int fail_field(const struct sp_hdr_ops *h, const char *layer, const char *name,
		      struct sp_err *err)
{
	const char *names[NAMES_MOST], *best;
	char shown[80];
	size_t n = 0;

	for (const struct sp_field *f = h->fields; f->name && n < NAMES_MOST; f++)
		if (f->bits)
			names[n++] = f->name;
	best = sp_str_nearest(name, names, n);
	return sp_fail(
		err, -ENOENT, SP_EXIT_DATA,
		"%s.%s: %s has no such field of fixed size (see 'spate fields %s')%s%s%s",
		layer, sp_str_printable(shown, sizeof shown, name), layer, h->name,
		best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

static int fail_header(const struct sp_hdr_ops *const *hdr, bool deep, const char *layer,
		       struct sp_err *err)
{
	const char *names[NAMES_MOST] = { "ip", "tcp", "udp" }, *best;
	char shown[80];
	size_t n = 3;

	for (; deep && *hdr && n < NAMES_MOST; hdr++)
		names[n++] = (*hdr)->name;
	best = sp_str_nearest(layer, names, n);
	return sp_fail(err, -ENOENT, SP_EXIT_DATA,
		       "%s: there is no such header to select by (%s)%s%s%s",
		       sp_str_printable(shown, sizeof shown, layer),
		       deep ? "'spate fields' lists them" : "there are ip, tcp and udp",
		       best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

static enum sp_select_kind kind_of(const char *layer)
{
	return strcmp(layer, "ip") == 0	   ? SP_SELECT_IP
	       : strcmp(layer, "tcp") == 0 ? SP_SELECT_TCP
	       : strcmp(layer, "udp") == 0 ? SP_SELECT_UDP
					   : SP_SELECT_ANY;
}

static int find(const struct sp_select *s, const struct sp_hdr_ops *const *hdr,
		const char *layer, const char *name, struct sp_select_field *out,
		struct sp_err *err)
{
	const struct sp_hdr_ops *h = find_hdr(hdr, layer);

	*out = (struct sp_select_field){ .kind = kind_of(layer) };
	if (!h || (!s->deep && out->kind == SP_SELECT_ANY))
		return fail_header(hdr, s->deep, layer, err);
	if (out->kind == SP_SELECT_IP) {
		find_either(h, name, &out->of[0]);
		find_either(find_hdr(hdr, "ipv6"), name, &out->of[1]);
	} else {
		find_field(h, name, &out->of[0]);
	}
	/* Both or neither: what one family has in a fixed place and the other has not at all is
	 * found there. */
	if (!out->of[0].at.bits && !out->of[1].at.bits)
		out->kind = SP_SELECT_ANY;
	if ((!out->of[0].field && !out->of[1].field) ||
	    (!s->deep && out->kind == SP_SELECT_ANY))
		return fail_field(h, layer, name, err);
	return 0;
}

/* ---- values ---- */

static bool read_prefix(const struct sp_field *f, const char *text, const char *slash,
			sp_u128 *first, sp_u128 *last)
{
	char *end;
	unsigned long bits = strtoul(slash + 1, &end, 10);

	if (end == slash + 1 || *end || bits > f->bits ||
	    sp_field_scalar(f, text, (size_t)(slash - text), first))
		return false;
	*last = bits == f->bits ? 0 : sp_field_max(f) >> bits;
	*first &= ~*last;
	*last |= *first;
	return true;
}

/* "80", "10.0.0.0/8", "1000..1999". */
static bool read_span(const struct sp_field *f, const char *text, sp_u128 *first, sp_u128 *last)
{
	const char *dots = strstr(text, ".."), *slash = strchr(text, '/');

	if (!f)
		return false;
	if (dots)
		return !sp_field_scalar(f, text, (size_t)(dots - text), first) &&
		       !sp_field_scalar(f, dots + 2, strlen(dots + 2), last) && *first <= *last;
	if (slash && (f->type == SP_F_IP4 || f->type == SP_F_IP6))
		return read_prefix(f, text, slash, first, last);
	if (sp_field_scalar(f, text, strlen(text), first))
		return false;
	*last = *first;
	return true;
}

static struct sp_select_field *condition(struct sp_select *s,
					 const struct sp_select_field *found, const char *layer,
					 const char *name)
{
	struct sp_select_field *f, **end = &s->fields;

	for (; *end; end = &(*end)->next)
		if (!strcmp((*end)->layer, layer) && !strcmp((*end)->name, name) &&
		    (*end)->not == found->not )
			return *end;
	f = sp_arena_alloc(s->arena, sizeof *f);
	if (!f)
		return NULL;
	*f = *found;
	f->layer = sp_arena_strdup(s->arena, layer);
	f->name = sp_arena_strdup(s->arena, name);
	return f->layer && f->name ? *end = f : NULL;
}

static int add(struct sp_select *s, const struct sp_hdr_ops *const *hdr, const char *layer,
	       const char *name, bool not, const char *value, struct sp_err *err)
{
	struct sp_select_field found, *f;
	struct sp_select_span span = { 0 }, *kept;
	char wants[80], shown[80];
	int rc = find(s, hdr, layer, name, &found, err);

	if (rc)
		return rc;
	found.not = not ;
	for (unsigned k = 0; k < 2; k++)
		span.of[k].has = read_span(found.of[k].field, value, &span.of[k].first,
					   &span.of[k].last);
	if (!span.of[0].has && !span.of[1].has)
		return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s.%s: '%s' is not %s", layer, name,
			       sp_str_printable(shown, sizeof shown, value),
			       sp_field_wants(found.of[!found.of[0].field].field, wants,
					      sizeof wants));
	f = condition(s, &found, layer, name);
	kept = f ? sp_arena_alloc(s->arena, sizeof *kept) : NULL;
	if (!kept)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*kept = span;
	kept->next = f->spans;
	f->spans = kept;
	return 0;
}

int sp_select_add(struct sp_select *s, const struct sp_hdr_ops *const *hdr, const char *layer,
		  const char *name, const char *value, struct sp_err *err)
{
	return add(s, hdr, layer, name, false, value, err);
}

int sp_select_add_not(struct sp_select *s, const struct sp_hdr_ops *const *hdr,
		      const char *layer, const char *name, const char *value,
		      struct sp_err *err)
{
	return add(s, hdr, layer, name, true, value, err);
}
