/* A scenario that takes in others: 'include: FILE', or a list of them. Maps of the same name become
 * one, lists follow each other, the files that are taken in first; what is said once only is said by
 * the file that takes in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "scenario/scenario_impl.h"

#define DEPTH 8u

/* Files that are being read, from the outermost on: none may come again. */
struct chain {
	struct sc_reader *r;
	struct {
		dev_t dev;
		ino_t ino;
	} open[DEPTH + 1];
	unsigned n;
};

/* ---- maps and lists of our own ---- */

/* Keys of a map in one file are compared with those in another one by one. */
#define COMPARED 4000000u

struct grown {
	struct sp_yaml_node *node;
	const struct sp_yaml_item **end; /* where the next item goes */
};

static int grow(struct sc_reader *r, struct grown *g, const struct sp_yaml_node *key,
		const struct sp_yaml_node *value)
{
	struct sp_yaml_item *item = sp_arena_alloc(&r->s->doc.arena, sizeof *item);

	if (!item)
		return sc_no_memory(r);
	*item = (struct sp_yaml_item){ .key = key, .value = value };
	*g->end = item;
	g->end = &item->next;
	g->node->n++;
	return 0;
}

/* An empty one at the place of node, of its kind. */
static int begin(struct sc_reader *r, struct grown *g, const struct sp_yaml_node *node)
{
	g->node = sp_arena_alloc(&r->s->doc.arena, sizeof *g->node);
	if (!g->node)
		return sc_no_memory(r);
	*g->node = *node;
	g->node->items = NULL;
	g->node->n = 0;
	g->end = &g->node->items;
	return 0;
}

/* All of b behind all of a, both maps or both lists. */
static int join(struct sc_reader *r, const struct sp_yaml_node *a, const struct sp_yaml_node *b,
		const struct sp_yaml_node **out)
{
	struct grown both = { 0 };
	char place[256];
	int rc = begin(r, &both, b);

	if (!rc && b->kind == SP_YAML_MAP && (uint64_t)a->n * b->n > COMPARED)
		rc = sp_yaml_fail(&r->s->doc, b, r->err,
				  "that is too much to be in several files; put it into one");
	for (const struct sp_yaml_item *i = a->items; i && !rc; i = i->next)
		rc = grow(r, &both, i->key, i->value);
	for (const struct sp_yaml_item *i = b->items; i && !rc; i = i->next) {
		const struct sp_yaml_node *other = i->key ? sp_yaml_get(a, i->key->text) : NULL;

		if (other)
			rc = sp_yaml_fail(
				&r->s->doc, i->key, r->err,
				"'%.60s' is in %s too; name it differently", i->key->text,
				sp_yaml_place(&r->s->doc, other, place, sizeof place));
		else
			rc = grow(r, &both, i->key, i->value);
	}
	*out = both.node;
	return rc;
}

/* The value of a key that both have. */
static int settle(struct sc_reader *r, const struct sp_yaml_node *inner,
		  const struct sp_yaml_item *outer, const struct sp_yaml_node **out)
{
	const struct sp_yaml_node *v = outer->value;
	char place[256];

	*out = v;
	if (v->kind == SP_YAML_SCALAR && inner->kind == SP_YAML_SCALAR)
		return 0;
	if (strcmp(outer->key->text, "lab") == 0)
		return sp_yaml_fail(&r->s->doc, outer->key, r->err, "there is a lab in %s too",
				    sp_yaml_place(&r->s->doc, inner, place, sizeof place));
	if (v->kind != inner->kind)
		return 0; /* whoever reads it says what is wrong */
	return join(r, inner, v, out);
}

/* *all: what was taken in so far, or NULL; becomes that with the map over it. */
static int lay_over(struct sc_reader *r, const struct sp_yaml_node **all,
		    const struct sp_yaml_node *map)
{
	const struct sp_yaml_node *below = *all, *value;
	struct grown both = { 0 };
	int rc = begin(r, &both, map);

	for (const struct sp_yaml_item *i = below ? below->items : NULL; i && !rc; i = i->next)
		if (!sp_yaml_get(map, i->key->text))
			rc = grow(r, &both, i->key, i->value);
	for (const struct sp_yaml_item *i = map->items; i && !rc; i = i->next) {
		const struct sp_yaml_node *inner = below ? sp_yaml_get(below, i->key->text)
							 : NULL;

		if (strcmp(i->key->text, "include") == 0)
			continue;
		value = i->value;
		if (inner)
			rc = settle(r, inner, i, &value);
		if (!rc)
			rc = grow(r, &both, i->key, value);
	}
	*all = both.node;
	return rc;
}

/* ---- files ---- */

static int expand(struct chain *c, const struct sp_yaml_node **root);

/* A name is meant from the folder of the file that it stands in. */
static const char *path_of(struct sc_reader *r, const struct sp_yaml_node *v)
{
	const char *from = sp_yaml_file(&r->s->doc, v), *slash = strrchr(from, '/');

	if (*v->text == '/' || !slash)
		return v->text;
	return sp_arena_printf(&r->s->doc.arena, "%.*s/%s", (int)(slash - from), from, v->text);
}

static int enter(struct chain *c, const struct sp_yaml_node *at, const char *path)
{
	struct sp_yaml *doc = &c->r->s->doc;
	struct stat st;

	if (stat(path, &st))
		return sp_yaml_fail(doc, at, c->r->err, "include: %.100s: %s; check the path",
				    path, strerror(errno));
	for (unsigned i = 0; i < c->n; i++)
		if (c->open[i].dev == st.st_dev && c->open[i].ino == st.st_ino)
			return sp_yaml_fail(doc, at, c->r->err,
					    "include: %.100s takes in itself in the end; leave "
					    "one of them out",
					    path);
	if (c->n > DEPTH)
		return sp_yaml_fail(doc, at, c->r->err,
				    "include: more than %u files in each other", DEPTH);
	c->open[c->n].dev = st.st_dev;
	c->open[c->n++].ino = st.st_ino;
	return 0;
}

static int take_in(struct chain *c, const struct sp_yaml_node *v,
		   const struct sp_yaml_node **all)
{
	struct sc_reader *r = c->r;
	const struct sp_yaml_node *root;
	const char *path;
	int rc = sp_yaml_want(&r->s->doc, v, SP_YAML_SCALAR, "include", r->err);

	if (rc)
		return rc;
	path = path_of(r, v);
	rc = path ? enter(c, v, path) : sc_no_memory(r);
	if (rc)
		return rc;
	rc = sp_yaml_take_in(&r->s->doc, path, &root, r->err);
	if (rc == -EMFILE)
		sp_err_prefix(r->err, "%s", r->s->doc.name);
	if (!rc)
		rc = sp_yaml_want(&r->s->doc, root, SP_YAML_MAP, "a scenario", r->err);
	if (!rc)
		rc = expand(c, &root);
	if (!rc)
		rc = lay_over(r, all, root);
	c->n--;
	return rc;
}

static int expand(struct chain *c, const struct sp_yaml_node **root)
{
	const struct sp_yaml_node *v = sp_yaml_get(*root, "include"), *all = NULL;
	int rc = 0;

	if (!v)
		return 0;
	if (v->kind != SP_YAML_LIST)
		rc = take_in(c, v, &all);
	for (const struct sp_yaml_item *i = v->kind == SP_YAML_LIST ? v->items : NULL; i && !rc;
	     i = i->next)
		rc = take_in(c, i->value, &all);
	if (!rc)
		rc = lay_over(c->r, &all, *root);
	*root = all;
	return rc;
}

int sc_expand_includes(struct sc_reader *r)
{
	const struct sp_yaml_node *v = sp_yaml_get(r->root, "include");
	struct chain c = { .r = r };
	struct stat st;

	if (!v)
		return 0;
	if (!r->from_file)
		return sp_yaml_fail(&r->s->doc, v, r->err,
				    "include: this text is no file whose folder could be "
				    "looked into");
	if (stat(r->s->doc.name, &st) == 0) {
		c.open[c.n].dev = st.st_dev;
		c.open[c.n++].ino = st.st_ino;
	}
	return expand(&c, &r->root);
}
