/* The tables of headers as text and as JSON. */
#include "scenario/craft.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "pkt/hdr.h"
#include "pkt/packet.h"
#include "plugin/catalog.h"

static const char *const types[] = {
	[SP_F_UINT] = "number", [SP_F_FLAGS] = "flags", [SP_F_IP4] = "IPv4",
	[SP_F_IP6] = "IPv6",	[SP_F_MAC] = "MAC",	[SP_F_BYTES] = "octets",
	[SP_F_NAME] = "name",	[SP_F_ITEMS] = "list",
};
static const char *const rules[] = {
	[SP_RULE_NONE] = "none",
	[SP_RULE_NEXT] = "next header",
	[SP_RULE_HEADER] = "length",
	[SP_RULE_LENGTH] = "length",
	[SP_RULE_SIZE] = "length",
	[SP_RULE_COUNT] = "count",
	[SP_RULE_TALLY] = "count",
	[SP_RULE_GIVEN] = "presence",
	[SP_RULE_GROW] = "length of the load",
	[SP_RULE_SUM_HEADER] = "checksum",
	[SP_RULE_SUM_ALL] = "checksum",
	[SP_RULE_SUM_L4] = "checksum",
	[SP_RULE_SUM_UDP] = "checksum",
	[SP_RULE_SUM_CRC32C] = "checksum",
};

/* "automatic", or what it is when nobody says. */
static void put_default(struct sp_str *out, const struct sp_field *f)
{
	const char *none = f->type == SP_F_IP4	   ? "0.0.0.0"
			   : f->type == SP_F_IP6   ? "::"
			   : f->type == SP_F_MAC   ? "00:00:00:00:00:00"
			   : f->type == SP_F_ITEMS ? "[]"
			   : f->bits		   ? "0"
						   : "\"\"";

	if (f->rule == SP_RULE_GROW)
		sp_str_puts(out, "of the load");
	else if (f->rule && !f->dflt)
		sp_str_puts(out, "automatic");
	else if (f->rule)
		sp_str_printf(out, "automatic, %s", f->dflt);
	else
		sp_str_puts(out, f->dflt ? f->dflt : none);
}

static void put_column(struct sp_str *out, const char *text, unsigned width)
{
	sp_str_printf(out, "%-*s ", (int)width, text);
}

static void field_text(struct sp_str *out, const struct sp_field *f, const char *indent)
{
	struct sp_str dflt;

	sp_str_init(&dflt, out->mem);
	put_default(&dflt, f);
	sp_str_puts(out, indent);
	put_column(out, f->name, 26 - (unsigned)strlen(indent));
	put_column(out, types[f->type], 6);
	if (f->bits && f->rule != SP_RULE_GROW)
		sp_str_printf(out, "%3u  ", f->bits);
	else
		sp_str_puts(out, "  -  ");
	put_column(out, dflt.text, 18);
	sp_str_puts(out, f->help);
	if (f->letters)
		sp_str_printf(out, "; %s", f->letters);
	if (f->when)
		sp_str_printf(out, "; where %s", f->when);
	if (f->aliases)
		sp_str_printf(out, "; also %s", f->aliases);
	if (f->rfc)
		sp_str_printf(out, " (%s)", f->rfc);
	sp_str_puts(out, "\n");
	out->failed |= dflt.failed;
	sp_str_fini(&dflt);
}

static void field_json(struct sp_json *j, const struct sp_field *f, const char *rfc)
{
	struct sp_str dflt;

	sp_str_init(&dflt, j->out->mem);
	put_default(&dflt, f);
	sp_json_open(j, NULL, '{');
	sp_json_str(j, "name", f->name);
	sp_json_str(j, "aliases", f->aliases);
	sp_json_str(j, "type", types[f->type]);
	if (f->bits)
		sp_json_u64(j, "bits", f->bits);
	else
		sp_json_null(j, "bits");
	sp_json_str(j, "default", dflt.text);
	sp_json_str(j, "rule", rules[f->rule]);
	sp_json_str(j, "when", f->when);
	sp_json_str(j, "help", f->help);
	sp_json_str(j, "rfc", f->rfc ? f->rfc : rfc);
	sp_json_open(j, "values", '[');
	for (const struct sp_word *w = f->words; w && w->name; w++) {
		sp_json_open(j, NULL, '{');
		sp_json_str(j, "name", w->name);
		sp_json_u64(j, "value", w->value);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	sp_json_close(j, '}');
	j->out->failed |= dflt.failed;
	sp_str_fini(&dflt);
}

static void fields_json(struct sp_json *j, const struct sp_field *f, const char *rfc)
{
	sp_json_open(j, "fields", '[');
	for (; f && f->name; f++)
		field_json(j, f, rfc);
	sp_json_close(j, ']');
}

static void words_text(struct sp_str *out, const struct sp_field *f)
{
	for (; f && f->name; f++) {
		if (!f->words)
			continue;
		sp_str_printf(out, "\nvalues of %s:", f->name);
		for (const struct sp_word *w = f->words; w->name; w++)
			sp_str_printf(out, " %s=%llu", w->name, (unsigned long long)w->value);
		sp_str_puts(out, "\n");
	}
}

static void header_text(struct sp_str *out, const struct sp_hdr_ops *h)
{
	sp_str_printf(out, "%s: %s%s%s%s\n", h->name, h->summary, h->rfc ? " (" : "",
		      h->rfc ? h->rfc : "", h->rfc ? ")" : "");
	for (const struct sp_hdr_alias *a = h->aliases; a && a->name; a++)
		sp_str_printf(out, "%s%s%s%s", a == h->aliases ? "also " : ", ", a->name,
			      a->args ? " with " : "", a->args ? a->args : "");
	sp_str_puts(out, h->aliases ? "\n\n" : "\n");
	for (const struct sp_field *f = h->fields; f->name; f++)
		field_text(out, f, "");
	words_text(out, h->fields);
}

static void list_text(struct sp_str *out, const struct sp_hdr_ops *h, const struct sp_field *of)
{
	const struct sp_items *l = of->items;

	sp_str_printf(out, "%s.%s: %s\n", h->name, of->name, of->help);
	for (const struct sp_item *k = l->kinds; k->name; k++) {
		sp_str_printf(out, "\n%s", k->name);
		if (l->type_bytes)
			sp_str_printf(out, " (%u)", k->type);
		if (k->help)
			sp_str_printf(out, ": %s", k->help);
		sp_str_printf(out, "%s%s%s\n", k->rfc ? " (" : "", k->rfc ? k->rfc : "",
			      k->rfc ? ")" : "");
		for (const struct sp_field *f = k->fields; f && f->name; f++)
			field_text(out, f, "  ");
		words_text(out, k->fields);
	}
}

static void header_json(struct sp_str *out, const struct sp_hdr_ops *h)
{
	struct sp_json j;

	sp_json_init(&j, out, 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "header", h->name);
	sp_json_str(&j, "summary", h->summary);
	sp_json_str(&j, "rfc", h->rfc);
	sp_json_open(&j, "aliases", '[');
	for (const struct sp_hdr_alias *a = h->aliases; a && a->name; a++)
		sp_json_str(&j, NULL, a->name);
	sp_json_close(&j, ']');
	fields_json(&j, h->fields, h->rfc);
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

static void list_json(struct sp_str *out, const struct sp_hdr_ops *h, const struct sp_field *of)
{
	struct sp_json j;

	sp_json_init(&j, out, 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "header", h->name);
	sp_json_str(&j, "field", of->name);
	sp_json_open(&j, "items", '[');
	for (const struct sp_item *k = of->items->kinds; k->name; k++) {
		sp_json_open(&j, NULL, '{');
		sp_json_str(&j, "name", k->name);
		if (of->items->type_bytes)
			sp_json_u64(&j, "number", k->type);
		else
			sp_json_null(&j, "number");
		sp_json_str(&j, "help", k->help);
		fields_json(&j, k->fields, k->rfc ? k->rfc : h->rfc);
		sp_json_close(&j, '}');
	}
	sp_json_close(&j, ']');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

static void all_headers(struct sp_str *out, bool json)
{
	for (const struct sp_hdr_ops *const *h = sp_catalog.hdr; *h; h++) {
		if (json)
			header_json(out, *h);
		else
			sp_str_printf(out, "%-12s %s%s%s%s\n", (*h)->name, (*h)->summary,
				      (*h)->rfc ? " (" : "", (*h)->rfc ? (*h)->rfc : "",
				      (*h)->rfc ? ")" : "");
	}
}

static int unknown_header(const char *word, struct sp_err *err)
{
	const char *names[128], *near;
	char shown[64];
	size_t n = 0;

	for (const struct sp_hdr_ops *const *h = sp_catalog.hdr; *h && n < 128; h++)
		names[n++] = (*h)->name;
	near = sp_str_nearest(word, names, n);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "there is no header '%s'%s%s%s",
		       sp_str_printable(shown, sizeof shown, word),
		       near ? "; did you mean '" : "",
		       near ? near : "; spate fields lists them", near ? "'?" : "");
}

int sp_craft_fields(struct sp_str *out, const char *what, bool json, struct sp_err *err)
{
	char name[64];
	const char *dot = what ? strchr(what, '.') : NULL;
	const struct sp_hdr_ops *h;
	const struct sp_field *f;

	if (!what) {
		all_headers(out, json);
		return 0;
	}
	sp_strlcpy(name, what, sizeof name);
	if (dot && (size_t)(dot - what) < sizeof name)
		name[dot - what] = 0;
	h = sp_hdr_find(sp_catalog.hdr, name);
	if (!h)
		return unknown_header(name, err);
	if (out->len && !json)
		sp_str_puts(out, "\n");
	if (!dot) {
		(json ? header_json : header_text)(out, h);
		return 0;
	}
	for (f = h->fields; f->name; f++)
		if (f->items && sp_str_ieq(f->name, dot + 1))
			break;
	if (!f->name)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s has no list of that name",
			       h->name);
	(json ? list_json : list_text)(out, h, f);
	return 0;
}
