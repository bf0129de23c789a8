/* The expression: headers between slashes, and the fields in their brackets. */
#include "pkt/expr_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- fields ---- */

static int unknown_field(struct sp_expr *x, const struct sp_node *n, const char *at, size_t len)
{
	const char *names[SP_FIELDS_MAX], *near;
	char word[64];

	snprintf(word, sizeof word, "%.*s", (int)len, at);
	for (unsigned i = 0; i < n->n_fields && i < SP_FIELDS_MAX; i++)
		names[i] = n->fields[i].name;
	near = sp_str_nearest(word, names, n->n_fields);
	if (near)
		return sp_expr_fail(x, at, "%s has no field '%s'; did you mean '%s'?",
				    sp_node_name(n), word, near);
	if (n->item)
		return sp_expr_fail(x, at, "%s has no field '%s'", sp_node_name(n), word);
	return sp_expr_fail(x, at, "%s has no field '%s'; see 'spate fields %s'",
			    sp_node_name(n), word, sp_node_name(n));
}

/* The field of that name. Of several (rdata) the one that exists with what is given. */
static int find_field(struct sp_expr *x, const struct sp_node *n, const char *at, size_t len,
		      bool existing)
{
	int found = -1;

	for (unsigned i = 0; i < n->n_fields; i++) {
		if (!sp_name_is(at, len, n->fields[i].name, n->fields[i].aliases))
			continue;
		if (found < 0)
			found = (int)i;
		if (sp_node_has(n, i))
			return (int)i;
	}
	if (found < 0)
		return unknown_field(x, n, at, len);
	if (existing && !sp_field_brings(n, (unsigned)found))
		return sp_expr_fail(x, at, "%s has a field '%s' only where %s", sp_node_name(n),
				    n->fields[found].name, n->fields[found].when);
	return found;
}

/* Passes a value without looking into it: up to the next comma or bracket of this level. */
static int skip_value(struct sp_expr *x)
{
	unsigned depth = 0;

	for (;; x->p++) {
		if (*x->p == '"' || *x->p == '\'') {
			char quote = *x->p++;

			for (; *x->p && *x->p != quote; x->p++)
				if (*x->p == '\\' && x->p[1])
					x->p++;
		}
		if (!*x->p)
			return 0;
		if (*x->p == '(' || *x->p == '[')
			depth++;
		if (!depth && (*x->p == ',' || *x->p == ')'))
			return 0;
		if (*x->p == ')' || *x->p == ']')
			depth--;
	}
}

/* One "name=value" or, where positional, a bare value for field number *next. */
static int one_field(struct sp_expr *x, struct sp_node *n, bool late, unsigned *next,
		     bool positional)
{
	const char *at = x->p;
	size_t len = sp_expr_token(x);
	bool named = len && sp_expr_take(x, '=');
	int i;

	if (named) {
		i = find_field(x, n, at, len, late);
		if (i < 0)
			return i;
		*next = SP_FIELDS_MAX;
	} else if (positional && *next < n->n_fields) {
		x->p = at;
		i = (int)(*next)++;
	} else {
		return sp_expr_fail(x, at, "%s: a field is written name=value",
				    sp_node_name(n));
	}
	/* Fields whose being depends on others wait until those are known. */
	if (late != (n->fields[i].when != NULL)) {
		sp_expr_blank(x);
		return skip_value(x);
	}
	if (n->value[i].kind != SP_V_NONE && n->value[i].at)
		return sp_expr_fail(x, at, "%s.%s is given twice", sp_node_name(n),
				    n->fields[i].name);
	sp_expr_blank(x);
	return sp_expr_value(x, n, (unsigned)i);
}

static int fields_pass(struct sp_expr *x, struct sp_node *n, bool late, bool positional)
{
	unsigned next = 0;
	int rc;

	if (sp_expr_take(x, ')'))
		return 0;
	do {
		sp_expr_blank(x);
		rc = one_field(x, n, late, &next, positional);
		if (rc)
			return rc;
	} while (sp_expr_take(x, ','));
	if (sp_expr_take(x, ')'))
		return 0;
	return *x->p ? sp_expr_fail(x, x->p, "%s: ',' or ')' is expected, not '%.1s'",
				    sp_node_name(n), x->p)
		     : sp_expr_fail(x, x->p, "%s: ')' is missing", sp_node_name(n));
}

int sp_expr_fields(struct sp_expr *x, struct sp_node *n, bool positional)
{
	const char *from = x->p;
	int rc = fields_pass(x, n, false, positional);

	if (rc)
		return rc;
	x->p = from;
	return fields_pass(x, n, true, positional);
}

/* ---- headers ---- */

static int unknown_header(struct sp_expr *x, const char *at, size_t len)
{
	const char *names[256], *near;
	char word[64];
	size_t n = 0;

	snprintf(word, sizeof word, "%.*s", (int)len, at);
	for (const struct sp_hdr_ops *const *h = x->packet->hdrs; *h && n < 256; h++)
		names[n++] = (*h)->name;
	near = sp_str_nearest(word, names, n);
	if (near)
		return sp_expr_fail(x, at, "there is no header '%s'; did you mean '%s'?", word,
				    near);
	return sp_expr_fail(x, at, "there is no header '%s'; see 'spate fields'", word);
}

static int preset(struct sp_expr *x, struct sp_node *n, const char *name, size_t len)
{
	for (const struct sp_hdr_alias *a = n->hdr->aliases; a && a->name; a++) {
		struct sp_expr inner = *x;
		char args[64];
		int rc;

		if (!a->args || !sp_name_is(name, len, a->name, NULL))
			continue;
		snprintf(args, sizeof args, "%s)", a->args);
		inner.text = inner.p = args;
		rc = sp_expr_fields(&inner, n, false);
		/* The user may say otherwise. */
		for (unsigned i = 0; i < n->n_fields; i++)
			n->value[i].at = 0;
		return rc;
	}
	return 0;
}

static int start_header(struct sp_expr *x, struct sp_node *n, const struct sp_hdr_ops *hdr)
{
	const char *at = x->p;

	if (!sp_node_init(n, &x->packet->arena, hdr, NULL, NULL))
		return sp_expr_no_memory(x);
	n->at = (uint32_t)(at - x->text) + 1;
	return 0;
}

/* Octets without a name: "text", 0x0a0b. */
static int bare_octets(struct sp_expr *x, struct sp_node *n)
{
	const struct sp_hdr_ops *raw = sp_hdr_find(x->packet->hdrs, "raw");
	int rc, load;

	if (!raw)
		return sp_expr_fail(x, x->p, "this build has no header 'raw'");
	rc = start_header(x, n, raw);
	load = rc ? -1 : sp_node_field(n, "load");
	return load < 0 ? rc : sp_expr_value(x, n, (unsigned)load);
}

static int header(struct sp_expr *x, struct sp_node *n)
{
	const struct sp_hdr_ops *hdr;
	const char *at;
	char word[64];
	size_t len;
	int rc;

	sp_expr_blank(x);
	at = x->p;
	if (*at == '"' || *at == '\'' || (at[0] == '0' && (at[1] | 32) == 'x'))
		return bare_octets(x, n);
	len = sp_expr_token(x);
	if (!len)
		return sp_expr_fail(x, at,
				    *at ? "a header is expected, not '%.1s'"
					: "a header is expected%s",
				    at);
	snprintf(word, sizeof word, "%.*s", (int)len, at);
	hdr = len < sizeof word ? sp_hdr_find(x->packet->hdrs, word) : NULL;
	if (!hdr)
		return unknown_header(x, at, len);
	for (;;) {
		const char *behind = x->p;

		rc = start_header(x, n, hdr);
		n->at = (uint32_t)(at - x->text) + 1;
		if (!rc)
			rc = preset(x, n, at, len);
		if (!rc && sp_expr_take(x, '('))
			rc = sp_expr_fields(x, n, false);
		if (rc != -EAFNOSUPPORT)
			return rc;
		/* An IPv6 address in an IPv4 header: ip(dst=::1) means ipv6(dst=::1). */
		hdr = sp_hdr_find(x->packet->hdrs, hdr->other);
		if (!hdr)
			return sp_expr_fail(x, at, "this build has no such header");
		x->p = behind;
	}
}

int sp_expr_headers(struct sp_expr *x)
{
	struct sp_packet *p = x->packet;
	int rc;

	do {
		if (p->n == SP_PACKET_HEADERS)
			return sp_expr_fail(x, x->p, "a packet has at most %u headers",
					    SP_PACKET_HEADERS);
		rc = header(x, &p->node[p->n]);
		if (rc)
			return rc;
		p->n++;
	} while (sp_expr_take(x, '/'));
	return *x->p ? sp_expr_fail(x, x->p, "'/' and a header are expected, not '%.1s'", x->p)
		     : 0;
}
