/* The expression: headers between slashes, and the fields in their brackets. */
#include "pkt/expr_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int sp_expr_fail(struct sp_expr *x, const char *at, const char *fmt, ...)
{
	char sentence[400], shown[440];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	sp_str_printable(shown, sizeof shown, sentence);
	return sp_fail(x->err, -EINVAL, SP_EXIT_USAGE, "%s:%zu: %s", x->packet->place,
		       (size_t)(at - x->text) + 1, shown);
}

int sp_expr_no_memory(struct sp_expr *x)
{
	return sp_fail(x->err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", x->packet->place);
}

void sp_expr_blank(struct sp_expr *x)
{
	while (*x->p == ' ' || *x->p == '\t' || *x->p == '\n' || *x->p == '\r')
		x->p++;
}

bool sp_expr_take(struct sp_expr *x, char c)
{
	sp_expr_blank(x);
	if (*x->p != c)
		return false;
	x->p++;
	return true;
}

size_t sp_expr_token(struct sp_expr *x)
{
	const char *from = x->p;

	while (*x->p && !strchr(" \t\r\n,()[]{}/=\"'", *x->p) &&
	       !(x->p[0] == '.' && x->p[1] == '.'))
		x->p++;
	return (size_t)(x->p - from);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a text in quotes; -1: a bad escape. */
static int text_char(struct sp_expr *x)
{
	static const char from[] = "nrt0", to[] = { '\n', '\r', '\t', 0 };
	const char *known;
	int hi, lo;

	if (*x->p != '\\')
		return (uint8_t)*x->p++;
	x->p++;
	if (*x->p == 'x') {
		hi = hex(x->p[1]);
		lo = hi < 0 ? -1 : hex(x->p[2]);
		if (lo < 0)
			return -1;
		x->p += 3;
		return hi << 4 | lo;
	}
	known = *x->p ? strchr(from, *x->p) : NULL;
	if (known) {
		x->p++;
		return (uint8_t)to[known - from];
	}
	return *x->p && strchr("\\\"'", *x->p) ? *x->p++ : -1;
}

static int quoted(struct sp_expr *x, uint8_t *out, uint32_t *len)
{
	const char *open = x->p, quote = *x->p++;

	for (*len = 0; *x->p != quote; (*len)++) {
		const char *at = x->p;
		int c;

		if (!*x->p)
			return sp_expr_fail(x, open, "the quote is not closed");
		c = text_char(x);
		if (c < 0)
			return sp_expr_fail(x, at,
					    "'\\%.1s' is no escape; there are \\n \\r \\t \\0 "
					    "\\xNN \\\\ \\\" \\'",
					    at + 1);
		out[*len] = (uint8_t)c;
	}
	x->p++;
	return 0;
}

int sp_expr_octets(struct sp_expr *x, const uint8_t **bytes, uint32_t *len)
{
	const char *at = x->p;
	/* The text is never shorter than what it stands for. */
	uint8_t *out = sp_arena_alloc(&x->packet->arena, strlen(x->p));
	size_t n;

	if (!out)
		return sp_expr_no_memory(x);
	*bytes = out;
	if (*x->p == '"' || *x->p == '\'')
		return quoted(x, out, len);
	n = sp_expr_token(x);
	if (n < 2 || at[0] != '0' || (at[1] | 32) != 'x')
		return sp_expr_fail(x, at,
				    "octets are \"text\" in quotes or hexadecimal such as "
				    "0x0a0b, not '%.*s'",
				    (int)(n > 40 ? 40 : n), at);
	if (n % 2)
		return sp_expr_fail(x, at, "octets have two hexadecimal digits each");
	for (size_t i = 2; i < n; i += 2) {
		if (hex(at[i]) < 0 || hex(at[i + 1]) < 0)
			return sp_expr_fail(x, at + i, "'%.2s' is no hexadecimal octet",
					    at + i);
		out[i / 2 - 1] = (uint8_t)(hex(at[i]) << 4 | hex(at[i + 1]));
	}
	*len = (uint32_t)(n / 2 - 1);
	return 0;
}

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

static int headers(struct sp_expr *x)
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

/* A packet without headers; it lives in its own arena's allocator. */
static struct sp_packet *new_packet(const char *place, const struct sp_hdr_ops *const *hdrs,
				    const struct sp_mem *mem)
{
	struct sp_packet *p = sp_alloc(mem, sizeof *p);

	if (!p)
		return NULL;
	sp_arena_init(&p->arena, mem);
	p->hdrs = hdrs;
	p->place = sp_arena_strdup(&p->arena, place ? place : "packet");
	if (p->place)
		return p;
	sp_packet_free(p);
	return NULL;
}

int sp_packet_parse(struct sp_packet **out, const char *text, const char *place,
		    const struct sp_hdr_ops *const *hdrs, const struct sp_mem *mem,
		    struct sp_err *err)
{
	struct sp_packet *p = new_packet(place, hdrs, mem);
	struct sp_expr x = { .text = text, .p = text, .packet = p, .err = err };
	int rc;

	*out = NULL;
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	rc = headers(&x);
	if (rc) {
		sp_packet_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void sp_packet_free(struct sp_packet *p)
{
	const struct sp_mem *mem;

	if (!p)
		return;
	mem = p->arena.mem;
	sp_arena_fini(&p->arena);
	sp_free(mem, p);
}

/* ---- what a front end asks and adds ---- */

struct sp_node *sp_packet_node(struct sp_packet *p, const char *hdr, unsigned nth)
{
	for (unsigned i = 0; i < p->n; i++)
		if (strcmp(p->node[i].hdr->name, hdr) == 0 && !nth--)
			return &p->node[i];
	return NULL;
}

bool sp_node_given(const struct sp_node *n, const char *field)
{
	int i = sp_node_field(n, field);

	return i >= 0 && n->value[i].kind != SP_V_NONE;
}

int sp_packet_set(struct sp_packet *p, struct sp_node *n, const char *field, const char *value,
		  struct sp_err *err)
{
	struct sp_expr x = { .text = value, .p = value, .packet = p, .err = err };
	int i = sp_node_field(n, field), rc;

	if (i < 0)
		return sp_expr_fail(&x, value, "%s has no field '%s'", sp_node_name(n), field);
	n->value[i] = (struct sp_value){ 0 };
	rc = sp_expr_value(&x, n, (unsigned)i);
	if (rc == -EAFNOSUPPORT)
		return sp_expr_fail(&x, value, "%s.%s is no IPv6 address", sp_node_name(n),
				    field);
	if (rc)
		return rc;
	n->value[i].at = 0;
	sp_expr_blank(&x);
	return *x.p ? sp_expr_fail(&x, x.p, "'%.1s' follows the value", x.p) : 0;
}
