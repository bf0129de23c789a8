/* One value of a file into the plan. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "scenario/scenario_impl.h"

/* {weibull: {shape: 0.7}} is "weibull(shape=0.7)". */
static int law_text(struct sc_reader *r, const struct sp_yaml_node *map, const char **out)
{
	const struct sp_yaml_node *args;
	struct sp_str s;
	int rc = 0;

	if (map->n != 1)
		return sp_yaml_fail(&r->s->doc, map, r->err,
				    "a law is written {NAME: {KEY: VALUE}}, one at a time");
	args = map->items->value;
	if (!sp_yaml_is_null(args))
		rc = sp_yaml_want(&r->s->doc, args, SP_YAML_MAP, map->items->key->text, r->err);
	if (rc)
		return rc;
	sp_str_init(&s, r->conf->mem);
	sp_str_printf(&s, "%s(", map->items->key->text);
	for (const struct sp_yaml_item *i = args->kind == SP_YAML_MAP ? args->items : NULL;
	     i && !rc; i = i->next) {
		rc = sp_yaml_want(&r->s->doc, i->value, SP_YAML_SCALAR, i->key->text, r->err);
		if (!rc)
			sp_str_printf(&s, "%s%s=%s", i == args->items ? "" : ",", i->key->text,
				      i->value->text);
	}
	sp_str_puts(&s, ")");
	*out = rc || s.failed ? NULL : sp_arena_strdup(&r->s->doc.arena, s.text);
	sp_str_fini(&s);
	return rc || *out ? rc : sc_no_memory(r);
}

/* [100pps@0, 1kpps@10s] is "100pps@0,1kpps@10s". */
static int steps_text(struct sc_reader *r, const struct sp_yaml_node *list, const char **out)
{
	struct sp_str s;
	int rc = 0;

	sp_str_init(&s, r->conf->mem);
	for (const struct sp_yaml_item *i = list->items; i && !rc; i = i->next) {
		rc = sp_yaml_want(&r->s->doc, i->value, SP_YAML_SCALAR, "a step", r->err);
		if (!rc)
			sp_str_printf(&s, "%s%s", i == list->items ? "" : ",", i->value->text);
	}
	*out = rc || s.failed ? NULL : sp_arena_strdup(&r->s->doc.arena, s.len ? s.text : "");
	sp_str_fini(&s);
	return rc || *out ? rc : sc_no_memory(r);
}

int sc_set(struct sc_reader *r, struct sp_plan_build *b, const char *key,
	   const struct sp_yaml_node *value)
{
	const char *text = value->kind == SP_YAML_SCALAR ? value->text : NULL;
	char place[256];
	int rc = 0;

	if (value->kind == SP_YAML_LIST && strcmp(key, "steps") == 0)
		rc = steps_text(r, value, &text);
	else if (value->kind == SP_YAML_MAP && strcmp(key, "departure") == 0)
		rc = law_text(r, value, &text);
	else
		rc = sp_yaml_want(&r->s->doc, value, SP_YAML_SCALAR, key, r->err);
	return rc ? rc
		  : sp_plan_set(b, key, text,
				sp_yaml_place(&r->s->doc, value, place, sizeof place), r->err);
}
