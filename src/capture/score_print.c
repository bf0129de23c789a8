/* A score as text and as JSON. */
#include <jansson.h>

#include "base/json.h"
#include "capture/score.h"

static const char *const kinds[SP_SCORE__N] = { "missing", "extra", "wrong" };

/* Of what was expected: nothing is, where all routes were withdrawn again. */
static void put_count(const struct sp_score *s, const char *name, uint64_t n,
		      struct sp_str *out)
{
	sp_str_printf(out, "%-10s %llu", name, (unsigned long long)n);
	if (s->expected)
		sp_str_printf(out, " (%.2f %%)", 100 * (double)n / (double)s->expected);
	sp_str_puts(out, "\n");
}

void sp_score_json(const struct sp_score *s, struct sp_str *out)
{
	struct sp_json j;

	sp_json_init(&j, out, 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "unit", s->unit);
	sp_json_str(&j, "fields", s->fields);
	sp_json_u64(&j, "expected", s->expected);
	sp_json_u64(&j, "found", s->right);
	for (unsigned i = 0; i < SP_SCORE__N; i++)
		sp_json_u64(&j, kinds[i], s->of[i]);
	if (s->expected)
		sp_json_real(&j, "found_share", (double)s->right / (double)s->expected);
	else
		sp_json_null(&j, "found_share");
	sp_json_bool(&j, "complete", s->complete);
	sp_json_u64(&j, "other_lines", s->other_lines);
	sp_json_u64(&j, "passes", s->passes);
	sp_json_open(&j, "listed", '{');
	for (unsigned i = 0; i < SP_SCORE__N; i++) /* ready-made members */
		sp_str_printf(out, "%s\"%s\":[%s]", i ? "," : "", kinds[i], s->list[i].text);
	sp_json_close(&j, '}');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

static uint64_t number(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static void put_item(const json_t *o, const char *kind, struct sp_str *out)
{
	const char *const attr[] = { "next_hop", "as_path", "communities" };

	sp_str_printf(out, "  %-8s %s", kind, json_string_value(json_object_get(o, "key")));
	if (json_object_get(o, "packets"))
		sp_str_printf(out, " packets %llu bytes %llu",
			      (unsigned long long)number(o, "packets"),
			      (unsigned long long)number(o, "bytes"));
	if (json_object_get(o, "got_packets"))
		sp_str_printf(out, ", not packets %llu bytes %llu",
			      (unsigned long long)number(o, "got_packets"),
			      (unsigned long long)number(o, "got_bytes"));
	for (unsigned i = 0; i < 3; i++)
		if (json_is_false(json_object_get(o, attr[i])))
			sp_str_printf(out, ", another %s", attr[i]);
	if (number(o, "times") > 1)
		sp_str_printf(out, " (%llu times)", (unsigned long long)number(o, "times"));
	sp_str_puts(out, "\n");
}

static void put_list(const struct sp_score *s, unsigned kind, struct sp_str *out)
{
	struct sp_str all;
	json_t *list, *item;
	uint64_t named = 0;
	size_t i;

	sp_str_init(&all, out->mem);
	sp_str_printf(&all, "[%s]", s->list[kind].text);
	list = all.failed ? NULL : json_loadb(all.text, all.len, 0, NULL);
	json_array_foreach(list, i, item)
	{
		put_item(item, kinds[kind], out);
		named += number(item, "times");
	}
	if (named < s->of[kind])
		sp_str_printf(out, "  %-8s %llu more; --all names them\n", kinds[kind],
			      (unsigned long long)(s->of[kind] - named));
	json_decref(list);
	sp_str_fini(&all);
}

void sp_score_text(const struct sp_score *s, struct sp_str *out)
{
	sp_str_printf(out, "expected   %llu %ss, by %s\n", (unsigned long long)s->expected,
		      s->unit, s->fields);
	put_count(s, "found", s->right, out);
	for (unsigned i = 0; i < SP_SCORE__N; i++)
		put_count(s, kinds[i], s->of[i], out);
	if (s->other_lines)
		sp_str_printf(out, "other      %llu lines\n",
			      (unsigned long long)s->other_lines);
	for (unsigned i = 0; i < SP_SCORE__N; i++)
		put_list(s, i, out);
}
