/* One value of a file into the plan. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "scenario/scenario_impl.h"
#include "scenario/traffic.h"

static int put_law(struct sc_reader *r, const struct sp_yaml_node *v, struct sp_str *s);

/* {shape: 0.7}, or a list: ["0.6*exponential", "0.4*2"]. */
static int put_args(struct sc_reader *r, const struct sp_yaml_node *args, struct sp_str *s)
{
	int rc = 0;

	if (args->kind == SP_YAML_SCALAR) {
		sp_str_puts(s, sp_yaml_is_null(args) ? "" : args->text);
		return 0;
	}
	for (const struct sp_yaml_item *i = args->items; i && !rc; i = i->next) {
		if (i != args->items)
			sp_str_puts(s, ",");
		if (args->kind == SP_YAML_MAP)
			sp_str_printf(s, "%s=", i->key->text);
		rc = put_law(r, i->value, s);
	}
	return rc;
}

/* {weibull: {shape: 0.7}} is "weibull(shape=0.7)"; a scalar is what it is. */
static int put_law(struct sc_reader *r, const struct sp_yaml_node *v, struct sp_str *s)
{
	int rc;

	if (v->kind == SP_YAML_SCALAR) {
		sp_str_puts(s, v->text);
		return 0;
	}
	if (v->kind != SP_YAML_MAP || v->n != 1)
		return sp_yaml_fail(&r->s->doc, v, r->err,
				    "a law is written {NAME: {KEY: VALUE}}, one at a time");
	sp_str_printf(s, "%s(", v->items->key->text);
	rc = put_args(r, v->items->value, s);
	sp_str_puts(s, ")");
	return rc;
}

static int law_text(struct sc_reader *r, const struct sp_yaml_node *map, const char **out)
{
	struct sp_str s;
	int rc;

	sp_str_init(&s, r->conf->mem);
	rc = put_law(r, map, &s);
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

/* payload: {size: LAW, ...}: what it is, and how long. */
static int set_payload(struct sc_reader *r, struct sp_plan_build *b,
		       const struct sp_yaml_node *map)
{
	int rc = 0;

	for (const struct sp_yaml_item *i = map->items; i && !rc; i = i->next) {
		bool text = strcmp(i->key->text, "text") == 0;

		if (!text && strcmp(i->key->text, "size") != 0)
			return sp_yaml_fail(
				&r->s->doc, i->key, r->err,
				"payload: no such setting '%.40s'; there are: size, "
				"text",
				i->key->text);
		rc = sc_set(r, b, text ? "payload" : "size", i->value);
	}
	return rc;
}

/* Is it a law of sizes, not one size? */
static bool is_size_law(const struct sp_yaml_node *v)
{
	uint64_t bytes;

	return v->kind == SP_YAML_MAP ||
	       (v->kind == SP_YAML_SCALAR && v->text && sp_parse_size(v->text, &bytes) &&
		v->text[0] >= 'a' && v->text[0] <= 'z');
}

int sc_set(struct sc_reader *r, struct sp_plan_build *b, const char *key,
	   const struct sp_yaml_node *value)
{
	const char *text = value->kind == SP_YAML_SCALAR ? value->text : NULL;
	char place[256];
	int rc = 0;

	/* Agents take plans from anybody who may talk to them. */
	if (strcmp(key, "trace") == 0)
		return sp_yaml_fail(
			&r->s->doc, value, r->err,
			"trace: the agents of a scenario read no files; 'spate send "
			"--trace' does, and here 'steps' says rates and times");
	if (value->kind == SP_YAML_LIST && strcmp(key, "steps") == 0)
		rc = steps_text(r, value, &text);
	else if (value->kind == SP_YAML_MAP && strcmp(key, "payload") == 0)
		return set_payload(r, b, value);
	else if (value->kind == SP_YAML_MAP &&
		 (strcmp(key, "departure") == 0 || strcmp(key, "size") == 0 ||
		  strcmp(key, "packet_size") == 0))
		rc = law_text(r, value, &text);
	else
		rc = sp_yaml_want(&r->s->doc, value, SP_YAML_SCALAR, key, r->err);
	if (strcmp(key, "size") == 0 && is_size_law(value))
		key = "packet_size";
	return rc ? rc
		  : sp_traffic_set(b, key, text,
				   sp_yaml_place(&r->s->doc, value, place, sizeof place),
				   &r->s->doc.arena, r->err);
}
