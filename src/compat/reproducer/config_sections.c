/* Protocols, their collectors, and which packets are theirs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/reproducer/config_impl.h"

/* Names of a section's keys come from the tables of headers; the generic protocols are the last to be
 * offered a packet. */
static const char *const first_sections[] = { "ipfix", "bmp", "bgp", NULL };
static const char *const generic[] = { "udp_generic", "tcp_generic", NULL };

static bool is_in(const char *const *words, const char *name)
{
	for (; *words; words++)
		if (strcmp(*words, name) == 0)
			return true;
	return false;
}

static const struct sp_codec_ops *codec_of(const struct sp_catalog *c, const char *name)
{
	for (const struct sp_codec_ops *const *p = c->codec; *p; p++)
		if ((*p)->section && strcmp((*p)->section, name) == 0)
			return *p;
	return NULL;
}

bool sp_repro_is_section(const struct sp_catalog *c, const char *name)
{
	return is_in(generic, name) || codec_of(c, name);
}

/* ---- selectors ---- */

static int add_number(struct sp_repro *r, struct sp_repro_section *s, const char *what,
		      const char *name, const struct sp_yaml_node *v, struct sp_err *err)
{
	struct sp_repro_field *f = s->fields;
	uint64_t *values;
	uint64_t number = 0;
	int rc = sp_repro_number(r, v, what, "a number", 0, UINT32_MAX, &number, err);

	if (rc)
		return rc;
	while (f && strcmp(f->name, name) != 0)
		f = f->next;
	if (!f) {
		f = sp_arena_alloc(&r->doc.arena, sizeof *f);
		if (!f)
			return sp_repro_no_memory(err);
		f->name = name;
		f->next = s->fields;
		s->fields = f;
	}
	values = sp_arena_alloc(&r->doc.arena, (f->n + 1) * sizeof *values);
	if (!values)
		return sp_repro_no_memory(err);
	if (f->n)
		memcpy(values, f->values, f->n * sizeof *values);
	values[f->n++] = number;
	f->values = values;
	return 0;
}

/* Only what the source's setting can say; no field has other values. */
static bool is_plain(const char *text)
{
	return *text && !strpbrk(text, " ;|=\n\t");
}

static int add_value(struct sp_repro *r, struct sp_repro_section *s, const char *layer,
		     const char *field, const struct sp_yaml_node *v, struct sp_err *err)
{
	char what[100], text[SP_ERR_TEXT];
	bool own = s->codec && s->codec->header && strcmp(layer, s->codec->header) == 0;
	struct sp_err why = { 0 };
	int rc;

	snprintf(what, sizeof what, "%s.select.%s.%s", s->name, layer, field);
	rc = sp_yaml_want(&r->doc, v, SP_YAML_SCALAR, what, err);
	if (rc)
		return rc;
	if (own && sp_codec_check_field(s->codec, layer, field, &why))
		return sp_yaml_fail(&r->doc, v, err, "%s.select: %s", s->name, why.text);
	if (own)
		return add_number(r, s, what, field, v, err);
	if (!is_plain(v->text))
		return sp_yaml_fail(&r->doc, v, err, "%s: '%s' is no such value", what,
				    sp_str_printable(text, sizeof text, v->text));
	rc = sp_select_add(&s->select, r->catalog->hdr, layer, field, v->text, &why);
	if (rc == -ENOMEM)
		return sp_repro_no_memory(err);
	return rc ? sp_yaml_fail(&r->doc, v, err, "%s.select: %s", s->name, why.text) : 0;
}

static int read_field(struct sp_repro *r, struct sp_repro_section *s, const char *layer,
		      const struct sp_yaml_item *field, struct sp_err *err)
{
	const struct sp_yaml_node *v = field->value;
	const char *name = field->key->text, *between = "";
	char shown[80];
	int rc = 0;

	if (!is_plain(name))
		return sp_yaml_fail(&r->doc, field->key, err, "%s.select.%s: '%s' is no field",
				    s->name, layer,
				    sp_str_printable(shown, sizeof shown, name));
	if (v->kind == SP_YAML_SCALAR && !sp_yaml_is_null(v))
		sp_repro_say(r, v,
			     "%s.select.%s.%s: one value instead of a list; read as a list "
			     "of it",
			     s->name, layer, name);
	else if (v->kind != SP_YAML_LIST || !v->n)
		return sp_yaml_fail(&r->doc, v, err,
				    "%s.select.%s.%s: a list of values is expected here",
				    s->name, layer, name);
	sp_str_printf(&s->words, " %s.%s=", layer, name);
	if (v->kind == SP_YAML_SCALAR) {
		sp_str_puts(&s->words, v->text);
		return add_value(r, s, layer, name, v, err);
	}
	for (const struct sp_yaml_item *i = v->items; i && !rc; i = i->next) {
		rc = add_value(r, s, layer, name, i->value, err);
		if (!rc)
			sp_str_printf(&s->words, "%s%s", between, i->value->text);
		between = "|";
	}
	return rc;
}

static int read_select(struct sp_repro *r, struct sp_repro_section *s,
		       const struct sp_yaml_node *section, struct sp_err *err)
{
	const char *words[] = { "ip", "tcp", "udp", s->codec ? s->codec->header : NULL, NULL };
	const struct sp_yaml_node *select;
	char what[64], shown[80];
	int rc;

	snprintf(what, sizeof what, "%s.select", s->name);
	rc = sp_repro_map(r, section, "select", what, &select, err);
	for (const struct sp_yaml_item *l = select && !rc ? select->items : NULL; l && !rc;
	     l = l->next) {
		const char *best = sp_str_nearest(l->key->text, words, words[3] ? 4 : 3);

		if (!is_in(words, l->key->text))
			return sp_yaml_fail(&r->doc, l->key, err,
					    "%s: '%s' is no header to select by%s%s%s", what,
					    sp_str_printable(shown, sizeof shown, l->key->text),
					    best ? "; did you mean '" : "", best ? best : "",
					    best ? "'?" : "; there are ip, tcp and udp");
		rc = sp_yaml_want(&r->doc, l->value, SP_YAML_MAP, what, err);
		for (const struct sp_yaml_item *f = rc ? NULL : l->value->items; f && !rc;
		     f = f->next)
			rc = read_field(r, s, l->key->text, f, err);
	}
	return rc;
}

/* ---- collectors ---- */

/* An address, perhaps with the interface of a link-local one, or a name that a resolver may know. */
static bool is_host(const char *host)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";
	size_t n = strcspn(host, "%");
	struct sp_addr a;
	char ip[48];

	if (strchr(host, '[')) /* a port may follow those only */
		return false;
	if (strchr(host, ':')) {
		if (n >= sizeof ip || (host[n] && !host[n + 1]))
			return false;
		memcpy(ip, host, n);
		ip[n] = '\0';
		return sp_addr_parse(ip, &a) == 0;
	}
	/* Resolvers would take "10.1" for an address. */
	if (host[strspn(host, "0123456789.")] == '\0')
		return sp_addr_parse(host, &a) == 0;
	n = strspn(host, letters);
	return n && n <= 253 && host[n] == '\0' && *host != '-';
}

static bool is_missing(const struct sp_yaml_node *v)
{
	return v->kind == SP_YAML_SCALAR && strstr(v->text, SP_REPRO_MISSING);
}

static int check_host(struct sp_repro *r, const struct sp_repro_section *s,
		      const struct sp_yaml_node *v, const char *what, struct sp_err *err)
{
	struct sp_addr a;
	char shown[80];

	sp_str_printable(shown, sizeof shown, s->host);
	if (!is_host(s->host))
		return sp_yaml_fail(&r->doc, v, err,
				    "%s: '%s' is not an address or the name of a host", what,
				    shown);
	if (sp_addr_parse(s->host, &a))
		return 0;
	if (sp_addr_class(&a) == SP_ADDR_BROADCAST || sp_addr_class(&a) == SP_ADDR_UNSPECIFIED)
		return sp_yaml_fail(&r->doc, v, err, "%s: %s is the address of no collector",
				    what, shown);
	if (a.family == 6 && !r->interface && sp_addr_class(&a) == SP_ADDR_LINK_LOCAL)
		return sp_yaml_fail(
			&r->doc, v, err,
			"%s: %s is link-local: say on which interface, as %s%%eth0, "
			"or by network.interface",
			what, shown, shown);
	return 0;
}

static int read_collector(struct sp_repro *r, struct sp_repro_section *s,
			  const struct sp_yaml_node *section, bool needed, struct sp_err *err)
{
	static const char *const keys[] = { "ip", "port", NULL };
	const struct sp_yaml_node *c, *port;
	char what[64], ip_what[72], port_what[72];
	uint64_t number = 0;
	int rc;

	snprintf(what, sizeof what, "%s.collector", s->name);
	snprintf(ip_what, sizeof ip_what, "%s.ip", what);
	snprintf(port_what, sizeof port_what, "%s.port", what);
	rc = sp_repro_map(r, section, "collector", what, &c, err);
	if (!rc && c)
		sp_repro_unknown(r, c, what, keys);
	if (!rc)
		rc = sp_repro_take(r, c, "ip", ip_what, SP_OPT_TEXT, &s->host, err);
	if (!rc && s->host && !strstr(s->host, SP_REPRO_MISSING))
		rc = check_host(r, s, sp_repro_value(c, "ip"), ip_what, err);
	port = sp_repro_value(c, "port");
	if (!rc && port && !is_missing(port)) /* pre-processing does not need it */
		rc = sp_repro_number(r, port, port_what, "a port number", 1, 65535, &number,
				     err);
	s->port = (uint16_t)number;
	if (!rc && needed && (!s->host || !port))
		rc = sp_yaml_fail(&r->doc, c ? c : s->at, err,
				  "%s: where the messages go is missing: %s%s%s", what,
				  s->host ? "" : "ip", s->host || port ? "" : " and ",
				  port ? "" : "port");
	return rc;
}

/* ---- sections ---- */

static int read_section(struct sp_repro *r, const char *name, bool for_replay,
			struct sp_err *err)
{
	static const char *const keys[] = { "select", "collector", NULL };
	const struct sp_yaml_node *node = sp_yaml_get(r->doc.root, name);
	struct sp_repro_section *s = &r->sections[r->n_sections];
	int rc;

	if (!node)
		return 0;
	if (r->n_sections == SP_REPRO_SECTIONS)
		return sp_yaml_fail(&r->doc, node, err, "more than %u protocols",
				    SP_REPRO_SECTIONS);
	*s = (struct sp_repro_section){ .name = name,
					.at = node,
					.codec = codec_of(r->catalog, name),
					.select.arena = &r->doc.arena };
	sp_str_init(&s->words, r->mem);
	r->n_sections++;
	s->tcp = s->codec ? !(s->codec->over & SP_CODEC_UDP) : strcmp(name, "tcp_generic") == 0;
	for (const struct sp_yaml_item *i = r->doc.root->items; i && i->value != node;
	     i = i->next)
		s->place++;
	if (!sp_yaml_is_null(node)) {
		rc = sp_yaml_want(&r->doc, node, SP_YAML_MAP, name, err);
		if (rc)
			return rc;
		sp_repro_unknown(r, node, name, keys);
	}
	rc = sp_yaml_is_null(node) ? 0 : read_select(r, s, node, err);
	return rc ? rc : read_collector(r, s, node, for_replay, err);
}

int sp_repro_sections(struct sp_repro *r, bool for_replay, struct sp_err *err)
{
	int rc = 0;

	for (const char *const *w = first_sections; *w && !rc; w++)
		if (codec_of(r->catalog, *w))
			rc = read_section(r, *w, for_replay, err);
	for (const struct sp_codec_ops *const *c = r->catalog->codec; *c && !rc; c++)
		if ((*c)->section && !is_in(first_sections, (*c)->section))
			rc = read_section(r, (*c)->section, for_replay, err);
	for (const char *const *w = generic; *w && !rc; w++)
		rc = read_section(r, *w, for_replay, err);
	if (!rc && !r->n_sections)
		rc = sp_yaml_fail(&r->doc, r->doc.root, err,
				  "no protocol is given: ipfix, bmp, bgp, udp_generic, "
				  "tcp_generic, ...");
	return rc;
}
