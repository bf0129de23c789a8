/* Stages: what changes at set times, of streams (which their plans hold) and of the lab's links. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "scenario/scenario_impl.h"

static const char *const set_words[] = { "rate", NULL };

/* "at" of a stage. */
static int read_at(struct sc_reader *r, const struct sp_yaml_node *stage, uint64_t *at_ns)
{
	const struct sp_yaml_node *v = sp_yaml_get(stage, "at");

	if (!v)
		return sp_yaml_fail(&r->s->doc, stage, r->err,
				    "when? a stage has 'at: TIME' after the start");
	return sp_yaml_value(&r->s->doc, v, "at", SP_OPT_TIME, at_ns, r->err);
}

/* ---- links ---- */

static int by_time(const void *a, const void *b)
{
	const struct sp_scenario_link *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	/* As written: places grow. */
	return x->change->line != y->change->line
		       ? (x->change->line < y->change->line ? -1 : 1)
		       : (x->change->column > y->change->column) -
				 (x->change->column < y->change->column);
}

static int read_links(struct sc_reader *r, const struct sp_yaml_node *stage, uint64_t at_ns)
{
	const struct sp_yaml_node *map = sp_yaml_get(stage, "link");
	int rc;

	if (!map)
		return 0;
	rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "link", r->err);
	if (!rc && !r->s->lab)
		rc = sp_yaml_fail(&r->s->doc, map, r->err,
				  "link: the file has no lab whose links could change");
	for (const struct sp_yaml_item *i = rc ? NULL : map->items; i && !rc; i = i->next) {
		rc = sp_yaml_want(&r->s->doc, i->value, SP_YAML_MAP, i->key->text, r->err);
		struct sp_scenario_link *l = &r->s->links[r->s->n_links++];

		*l = (struct sp_scenario_link){ .at_ns = at_ns,
						.link = i->key->text,
						.change = i->value };
		if (!rc && r->conf->lab_link)
			rc = r->conf->lab_link(r->conf->arg, &r->s->doc, l, r->err);
	}
	return rc;
}

static size_t count_links(const struct sp_yaml_node *list)
{
	size_t n = 0;

	for (const struct sp_yaml_item *i = list->items; i; i = i->next) {
		const struct sp_yaml_node *map = sp_yaml_get(i->value, "link");

		n += map ? map->n : 0;
	}
	return n;
}

/* ---- streams ---- */

/* What the walk over all stages does with a stream's. */
struct walk {
	struct sc_reader *r;
	struct sp_plan_build *b; /* NULL: names and words are checked only */
	unsigned host;
};

static int set_word(const struct walk *w, const char *key, const char *value,
		    const struct sp_yaml_node *at)
{
	char place[256];

	return sp_plan_set(w->b, key, value,
			   sp_yaml_place(&w->r->s->doc, at, place, sizeof place), w->r->err);
}

/* One stream's; i counts them. */
static int add_one(const struct walk *w, const struct sp_yaml_node *stage, const char *action,
		   const struct sp_yaml_node *stream, const struct sp_yaml_node *rate,
		   unsigned i)
{
	const struct sc_stream *s = &w->r->streams[i];
	char place[256];
	int rc;

	if (!w->b || w->r->ports[s->from].host != w->host)
		return 0;
	rc = sp_plan_add(w->b, SP_PLAN_STAGE,
			 sp_yaml_place(&w->r->s->doc, stream, place, sizeof place), w->r->err);
	if (!rc)
		rc = sc_set(w->r, w->b, "at", sp_yaml_get(stage, "at"));
	if (!rc)
		rc = set_word(w, "do", action, stream);
	if (!rc)
		rc = set_word(w, "stream", s->name, stream);
	return rc || !rate ? rc : sc_set(w->r, w->b, "rate", rate);
}

/* A stream's, or of all that share a schedule by this name. */
static int add(const struct walk *w, const struct sp_yaml_node *stage, const char *action,
	       const struct sp_yaml_node *stream, const struct sp_yaml_node *rate)
{
	const struct sc_stream *s = w->r->streams;
	unsigned at, n = 0;
	int rc = 0;

	for (unsigned i = 0; i < w->r->n_streams && !rc; i++) {
		if (!s[i].whole || strcmp(s[i].whole, stream->text) != 0)
			continue;
		rc = add_one(w, stage, action, stream, rate, i);
		n++;
	}
	if (rc || n)
		return rc;
	rc = sc_find(w->r, stream, "stream", stream->text, sc_stream_name, w->r->n_streams,
		     &at);
	if (!rc && s[at].whole)
		return sp_yaml_fail(
			&w->r->s->doc, stream, w->r->err,
			"stream %.60s has a part of the schedule of '%.60s'; a stage "
			"is about that",
			s[at].name, s[at].whole);
	return rc ? rc : add_one(w, stage, action, stream, rate, at);
}

static int add_names(const struct walk *w, const struct sp_yaml_node *stage, const char *key)
{
	const struct sp_yaml_node *list = sp_yaml_get(stage, key);
	const char *name;
	int rc = list ? sp_yaml_want(&w->r->s->doc, list, SP_YAML_LIST, key, w->r->err) : 0;

	for (const struct sp_yaml_item *i = list && !rc ? list->items : NULL; i && !rc;
	     i = i->next) {
		rc = sc_text(w->r, i->value, key, &name);
		if (!rc)
			rc = add(w, stage, key, i->value, NULL);
	}
	return rc;
}

static int add_sets(const struct walk *w, const struct sp_yaml_node *stage)
{
	const struct sp_yaml_node *map = sp_yaml_get(stage, "set"), *rate;
	int rc = map ? sp_yaml_want(&w->r->s->doc, map, SP_YAML_MAP, "set", w->r->err) : 0;

	for (const struct sp_yaml_item *i = map && !rc ? map->items : NULL; i && !rc;
	     i = i->next) {
		rc = sp_yaml_want(&w->r->s->doc, i->value, SP_YAML_MAP, i->key->text,
				  w->r->err);
		if (!rc)
			rc = sp_yaml_known(&w->r->s->doc, i->value, set_words, NULL, w->r->err);
		if (rc)
			return rc;
		rate = sp_yaml_get(i->value, "rate");
		if (!rate)
			return sp_yaml_fail(&w->r->s->doc, i->value, w->r->err,
					    "what is to be set? write {rate: RATE}");
		rc = add(w, stage, "set", i->key, rate);
	}
	return rc;
}

static int walk_stage(const struct walk *w, const struct sp_yaml_node *stage)
{
	int rc = add_names(w, stage, "start");

	if (!rc)
		rc = add_names(w, stage, "stop");
	return rc ? rc : add_sets(w, stage);
}

static int read_stage(struct sc_reader *r, const struct sp_yaml_node *stage)
{
	const struct walk w = { .r = r };
	uint64_t at_ns = 0;
	int rc = sp_yaml_want(&r->s->doc, stage, SP_YAML_MAP, "a stage", r->err);

	if (!rc)
		rc = sp_yaml_known(&r->s->doc, stage, sc_stage_words, NULL, r->err);
	if (!rc)
		rc = read_at(r, stage, &at_ns);
	if (!rc && stage->n < 2)
		rc = sp_yaml_fail(&r->s->doc, stage, r->err,
				  "what happens then? add start, stop, set or link");
	if (!rc)
		rc = walk_stage(&w, stage);
	return rc ? rc : read_links(r, stage, at_ns);
}

int sc_read_stages(struct sc_reader *r)
{
	const struct sp_yaml_node *list = sp_yaml_get(r->root, "stages");
	int rc;

	if (!list)
		return 0;
	rc = sp_yaml_want(&r->s->doc, list, SP_YAML_LIST, "stages", r->err);
	if (rc)
		return rc;
	r->s->links = sc_alloc(r, count_links(list), sizeof *r->s->links);
	if (!r->s->links)
		return sc_no_memory(r);
	for (const struct sp_yaml_item *i = list->items; i && !rc; i = i->next)
		rc = read_stage(r, i->value);
	if (!rc && r->s->n_links)
		qsort(r->s->links, r->s->n_links, sizeof *r->s->links, by_time);
	return rc;
}

int sc_add_stages(struct sc_reader *r, struct sp_plan_build *b, unsigned host)
{
	const struct sp_yaml_node *list = sp_yaml_get(r->root, "stages");
	const struct walk w = { r, b, host };
	int rc = 0;

	for (const struct sp_yaml_item *i = list ? list->items : NULL; i && !rc; i = i->next)
		rc = walk_stage(&w, i->value);
	return rc;
}
