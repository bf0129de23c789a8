/* A lab as people write it. */
#include "lab/spec.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct sp_lab_spec *spec;
	const struct sp_yaml *doc;
	struct sp_arena *arena;
	struct sp_err *err;
};

static const struct sp_opt lab_rows[] = {
	{ "name", SP_OPT_TEXT, 0, NULL, NULL, 0, 0, "of the lab, for lab exec and lab down" },
	{ "seed", SP_OPT_U64, offsetof(struct sp_lab_spec, seed), "1", NULL, 0, 0,
	  "of what happens by chance on the links" },
	{ .name = NULL },
};
static const struct sp_opt link_rows[] = {
	{ "via", SP_OPT_ENUM, offsetof(struct sp_lab_link, via), "auto",
	  "auto|veth|netem|forwarder", 0, 0,
	  "what carries it; forwarder also lets a plain link change while the lab runs" },
	{ .name = NULL },
};

/* ---- names ---- */

static int check_name(const struct reader *r, const struct sp_yaml_node *at, const char *what)
{
	char shown[100];
	int rc = sp_yaml_want(r->doc, at, SP_YAML_SCALAR, what, r->err);

	if (rc || sp_lab_is_name(at->text, strlen(at->text)))
		return rc;
	return sp_yaml_fail(
		r->doc, at, r->err,
		"%s: '%s' is not a name: 1 to 31 letters, digits, '-', '_' or '.', a "
		"letter or digit first",
		what, sp_str_printable(shown, sizeof shown, at->text));
}

static int read_node(const struct reader *r, const struct sp_yaml_node *at, const char *key,
		     enum sp_lab_kind kind)
{
	struct sp_lab_spec *s = r->spec;
	int rc = check_name(r, at, key);

	if (rc)
		return rc;
	if (sp_lab_spec_node(s, at->text) >= 0)
		return sp_yaml_fail(
			r->doc, at, r->err,
			"%s: there is a '%s' already; each host, router and bridge has "
			"a name of its own",
			key, at->text);
	if (kind == SP_LAB_BRIDGE ? s->n_nodes - s->n_places == SP_LAB_MAX_BRIDGES
				  : s->n_places == SP_LAB_MAX_HOSTS)
		return sp_yaml_fail(
			r->doc, at, r->err,
			"%s: a lab has at most %u hosts and routers together, and %u "
			"bridges; leave some out",
			key, SP_LAB_MAX_HOSTS, SP_LAB_MAX_BRIDGES);
	struct sp_lab_node *n = &s->node[s->n_nodes++];
	sp_strlcpy(n->name, at->text, sizeof n->name);
	n->kind = kind;
	s->n_places += kind != SP_LAB_BRIDGE;
	return 0;
}

static int read_nodes(const struct reader *r, const struct sp_yaml_node *lab, const char *key,
		      enum sp_lab_kind kind)
{
	const struct sp_yaml_node *list = sp_yaml_get(lab, key);
	int rc = list ? sp_yaml_want(r->doc, list, SP_YAML_LIST, key, r->err) : 0;

	for (const struct sp_yaml_item *i = list && !rc ? list->items : NULL; i && !rc;
	     i = i->next)
		rc = read_node(r, i->value, key, kind);
	return rc;
}

/* ---- addresses ---- */

static int read_address(const struct reader *r, const struct sp_yaml_node *at,
			struct sp_lab_end *e)
{
	char text[64], shown[100], *slash, *end;
	struct sp_lab_addr a = { 0 };
	int rc = sp_yaml_want(r->doc, at, SP_YAML_SCALAR, "addresses", r->err);

	if (rc)
		return rc;
	if (e->n_addr == SP_LAB_MAX_ADDRS)
		return sp_yaml_fail(r->doc, at, r->err,
				    "addresses: an interface has at most %u; leave some out",
				    SP_LAB_MAX_ADDRS);
	bool good = sp_strlcpy(text, at->text, sizeof text) < sizeof text &&
		    (slash = strchr(text, '/')) != NULL;
	if (good) {
		*slash++ = '\0';
		unsigned long bits = strtoul(slash, &end, 10);
		good = *slash >= '0' && *slash <= '9' && !*end &&
		       !sp_addr_parse(text, &a.addr) && bits >= 1 &&
		       bits <= (a.addr.family == 4 ? 32 : 128) && !a.addr.scope;
		a.prefix = (uint8_t)bits;
	}
	if (!good)
		return sp_yaml_fail(r->doc, at, r->err,
				    "addresses: '%s' is not an address with the length of its "
				    "network, such as 10.1.0.1/24 or fd01::1/64",
				    sp_str_printable(shown, sizeof shown, at->text));
	if (!sp_addr_is_own(&a.addr) || sp_addr_class(&a.addr) == SP_ADDR_LOOPBACK ||
	    sp_addr_class(&a.addr) == SP_ADDR_MULTICAST_OWN)
		return sp_yaml_fail(r->doc, at, r->err,
				    "addresses: %s is %s; a lab uses private or documentation "
				    "addresses, such as 10.0.0.0/8 or fd00::/8",
				    text, sp_addr_class_name(sp_addr_class(&a.addr)));
	e->addr[e->n_addr++] = a;
	return 0;
}

/* One entry for each end that is not a bridge: an address, a list of them, or null for none. */
static int read_addresses(const struct reader *r, const struct sp_yaml_node *list,
			  struct sp_lab_link *l)
{
	int rc = sp_yaml_want(r->doc, list, SP_YAML_LIST, "addresses", r->err);
	const struct sp_yaml_item *i = rc ? NULL : list->items;
	unsigned want = 0;

	for (unsigned k = 0; k < 2 && !rc; k++) {
		struct sp_lab_end *e = &l->end[k];

		if (r->spec->node[e->node].kind == SP_LAB_BRIDGE || (++want, !i))
			continue;
		e->given = true;
		if (i->value->kind == SP_YAML_LIST)
			for (const struct sp_yaml_item *a = i->value->items; a && !rc;
			     a = a->next)
				rc = read_address(r, a->value, e);
		else if (!sp_yaml_is_null(i->value))
			rc = read_address(r, i->value, e);
		i = i->next;
	}
	if (!rc && list->n != want)
		rc = sp_yaml_fail(
			r->doc, list, r->err,
			"addresses: %u are given for %u ends that take one (bridges do "
			"not); write one each, in the order of ends",
			(unsigned)list->n, want);
	return rc;
}

/* ---- links ---- */

static int read_end(const struct reader *r, const struct sp_yaml_node *at, struct sp_lab_end *e)
{
	const char *names[SP_LAB_MAX_NODES], *near;
	char shown[100];
	int rc = sp_yaml_want(r->doc, at, SP_YAML_SCALAR, "ends", r->err);
	int node = rc ? rc : sp_lab_spec_node(r->spec, at->text);

	if (rc)
		return rc;
	if (node >= 0) {
		e->node = (unsigned)node;
		return 0;
	}
	for (unsigned i = 0; i < r->spec->n_nodes; i++)
		names[i] = r->spec->node[i].name;
	near = sp_str_nearest(at->text, names, r->spec->n_nodes);
	sp_str_printable(shown, sizeof shown, at->text);
	return sp_yaml_fail(r->doc, at, r->err, "ends: there is no '%s'; %s%s%s", shown,
			    near ? "did you mean '" : "name it under hosts, routers or bridges",
			    near ? near : "", near ? "'?" : "");
}

static int read_ends(const struct reader *r, const struct sp_yaml_node *link,
		     struct sp_lab_link *l)
{
	const struct sp_yaml_node *ends = sp_yaml_get(link, "ends");
	int rc;

	if (!ends)
		return sp_yaml_fail(r->doc, link, r->err,
				    "a link needs its ends: ends: [h1, h2]");
	if ((rc = sp_yaml_want(r->doc, ends, SP_YAML_LIST, "ends", r->err)))
		return rc;
	if (ends->n != 2)
		return sp_yaml_fail(r->doc, ends, r->err,
				    "ends: a link has two, not %u; join more by a bridge",
				    (unsigned)ends->n);
	rc = read_end(r, ends->items->value, &l->end[0]);
	if (!rc)
		rc = read_end(r, ends->items->next->value, &l->end[1]);
	if (!rc && l->end[0].node == l->end[1].node)
		rc = sp_yaml_fail(r->doc, ends, r->err,
				  "ends: a link joins two different ones, not '%s' with itself",
				  r->spec->node[l->end[0].node].name);
	return rc;
}

static int check_way(const struct reader *r, const struct sp_yaml_node *map,
		     const struct sp_impair_conf *c)
{
	const struct sp_yaml_node *at;
	struct sp_err why = { 0 };
	const char *key;

	if (!sp_impair_check(c, &key, &why))
		return 0;
	at = sp_yaml_get(map, key);
	return sp_yaml_fail(r->doc, at ? at : map, r->err, "%s", why.text);
}

static int read_impairments(const struct reader *r, const struct sp_yaml_node *link,
			    struct sp_lab_link *l)
{
	const struct sp_yaml_node *back = sp_yaml_get(link, "back");
	int rc = sp_opts_default(sp_impair_opts, &l->way[0], r->arena, r->err);

	if (!rc)
		rc = sp_yaml_set_all(r->doc, link, sp_impair_opts, &l->way[0], r->arena,
				     r->err);
	if (!rc)
		rc = check_way(r, link, &l->way[0]);
	l->way[1] = l->way[0];
	if (rc || !back)
		return rc;
	if ((rc = sp_yaml_want(r->doc, back, SP_YAML_MAP, "back", r->err)) ||
	    (rc = sp_yaml_known(r->doc, back, NULL, sp_impair_opts, r->err)) ||
	    (rc = sp_yaml_set_all(r->doc, back, sp_impair_opts, &l->way[1], r->arena, r->err)))
		return rc;
	return check_way(r, back, &l->way[1]);
}

static int read_via(const struct reader *r, const struct sp_yaml_node *link,
		    struct sp_lab_link *l)
{
	const struct sp_yaml_node *at = sp_yaml_get(link, "via");
	int rc = at ? sp_yaml_set(r->doc, at, link_rows, "via", l, r->arena, r->err) : 0;

	if (rc || !sp_lab_link_can(l, NULL))
		return rc;
	return sp_yaml_fail(r->doc, at, r->err, "via: %s; write forwarder",
			    l->via == SP_LAB_VETH
				    ? "a veth is a plain wire, and this link is not"
				    : "netem cannot do what is asked of this link");
}

static int name_link(const struct reader *r, const struct sp_yaml_node *link,
		     struct sp_lab_link *l)
{
	const struct sp_yaml_node *at = sp_yaml_get(link, "name");
	int rc = at ? check_name(r, at, "name") : 0;

	if (rc)
		return rc;
	if (at)
		sp_strlcpy(l->name, at->text, sizeof l->name);
	else
		snprintf(l->name, sizeof l->name, "l%u", r->spec->n_links + 1);
	if (sp_lab_spec_link(r->spec, l->name) >= 0)
		return sp_yaml_fail(r->doc, at ? at : link, r->err,
				    "name: there is a link '%s' already; give each its own",
				    l->name);
	return 0;
}

static int read_link(const struct reader *r, const struct sp_yaml_node *link)
{
	static const char *const words[] = { "name", "ends", "addresses", "back", "via", NULL };
	struct sp_lab_spec *s = r->spec;
	const struct sp_yaml_node *at = sp_yaml_get(link, "addresses");
	struct sp_lab_link *l = &s->link[s->n_links];
	int rc;

	if ((rc = sp_yaml_want(r->doc, link, SP_YAML_MAP, "links", r->err)) ||
	    (rc = sp_yaml_known(r->doc, link, words, sp_impair_opts, r->err)))
		return rc;
	if (s->n_links == SP_LAB_MAX_LINKS)
		return sp_yaml_fail(r->doc, link, r->err,
				    "links: a lab has at most %u; leave some out",
				    SP_LAB_MAX_LINKS);
	if ((rc = name_link(r, link, l)) || (rc = read_ends(r, link, l)) ||
	    (rc = at ? read_addresses(r, at, l) : 0) || (rc = read_impairments(r, link, l)) ||
	    (rc = read_via(r, link, l)))
		return rc;
	s->n_links++;
	return 0;
}

static int read_links(const struct reader *r, const struct sp_yaml_node *list)
{
	const struct sp_yaml_item *i;
	unsigned at = 0;
	struct sp_err why = { 0 };
	int rc = sp_yaml_want(r->doc, list, SP_YAML_LIST, "links", r->err);

	for (i = rc ? NULL : list->items; i && !rc; i = i->next)
		rc = read_link(r, i->value);
	if (rc || !sp_lab_spec_seal(r->spec, &at, &why))
		return rc;
	for (i = list->items; at--;)
		i = i->next;
	const struct sp_yaml_node *place = sp_yaml_get(i->value, "addresses");
	return sp_yaml_fail(r->doc, place ? place : i->value, r->err, "%s", why.text);
}

/* ---- the whole ---- */

static int read_lab(const struct reader *r, const struct sp_yaml_node *lab)
{
	static const char *const words[] = { "hosts", "routers", "bridges", "links", NULL };
	const struct sp_yaml_node *name = sp_yaml_get(lab, "name"), *links;
	const struct sp_yaml_node *seed = sp_yaml_get(lab, "seed");
	int rc;

	if ((rc = sp_yaml_known(r->doc, lab, words, lab_rows, r->err)) ||
	    (rc = name ? check_name(r, name, "name") : 0) ||
	    (rc = seed ? sp_yaml_set(r->doc, seed, lab_rows, "seed", r->spec, r->arena, r->err)
		       : 0) ||
	    (rc = read_nodes(r, lab, "hosts", SP_LAB_HOST)) ||
	    (rc = read_nodes(r, lab, "routers", SP_LAB_ROUTER)) ||
	    (rc = read_nodes(r, lab, "bridges", SP_LAB_BRIDGE)))
		return rc;
	if (name)
		sp_strlcpy(r->spec->name, name->text, sizeof r->spec->name);
	if (!r->spec->n_nodes || r->spec->node[0].kind != SP_LAB_HOST)
		return sp_yaml_fail(r->doc, lab, r->err,
				    "a lab needs at least one host: hosts: [h1, h2]");
	links = sp_yaml_get(lab, "links");
	return links ? read_links(r, links) : 0;
}

int sp_lab_spec_from_yaml(struct sp_lab_spec *s, const struct sp_yaml *doc,
			  const struct sp_yaml_node *lab, struct sp_err *err)
{
	static const char *const words[] = { "lab", "name", "spate", NULL };
	const struct sp_yaml_node *inner;
	struct sp_arena arena;
	int rc = sp_yaml_want(doc, lab, SP_YAML_MAP, "lab", err);

	*s = (struct sp_lab_spec){ .seed = 1 };
	sp_strlcpy(s->name, "lab", sizeof s->name);
	if (rc)
		return rc;
	inner = sp_yaml_get(lab, "lab");
	/* What else a scenario holds is its reader's business. */
	if (inner && !sp_yaml_get(lab, "spate") &&
	    (rc = sp_yaml_known(doc, lab, words, NULL, err)))
		return rc;
	if (inner && (rc = sp_yaml_want(doc, inner, SP_YAML_MAP, "lab", err)))
		return rc;
	sp_arena_init(&arena, sp_mem_system());
	const struct reader r = { s, doc, &arena, err };
	rc = read_lab(&r, inner ? inner : lab);
	sp_arena_fini(&arena);
	return rc;
}

/* "labs/two-sites.yaml" -> "two-sites", as far as it is a name. */
static void name_after(struct sp_lab_spec *s, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t len;

	base = base ? base + 1 : path;
	len = strcspn(base, ".");
	if (sp_lab_is_name(base, len)) {
		memcpy(s->name, base, len);
		s->name[len] = '\0';
	}
}

int sp_lab_spec_read(struct sp_lab_spec *s, const char *path, const struct sp_mem *mem,
		     struct sp_err *err)
{
	const struct sp_yaml_node *lab, *name;
	struct sp_yaml doc;
	int rc = sp_yaml_read(&doc, path, mem, err);

	if (rc)
		return rc;
	lab = sp_yaml_get(doc.root, "lab");
	if (!lab)
		rc = sp_yaml_fail(
			&doc, doc.root, err,
			"there is no lab here: the file begins with 'lab:', and under it "
			"hosts and links");
	else
		rc = sp_lab_spec_from_yaml(s, &doc, doc.root, err);
	name = rc ? NULL : sp_yaml_get(doc.root, "name");
	if (!rc && !sp_yaml_get(lab, "name")) {
		name_after(s, path);
		if (name && name->kind == SP_YAML_SCALAR &&
		    sp_lab_is_name(name->text, strlen(name->text)))
			sp_strlcpy(s->name, name->text, sizeof s->name);
	}
	sp_yaml_free(&doc);
	return rc;
}
