/* What two plans ask differently. */
#include "compare/compare.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "report/fmt.h"

#define DEPTH_MAX 16u

struct walk {
	struct sp_str *out;
	unsigned limit, found;
	char path[256];
};

static void value(struct sp_str *out, const json_t *v)
{
	char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (text && strlen(text) > 60)
		strcpy(text + 56, "...");
	sp_fmt_safe(out, json_is_string(v) ? json_string_value(v) : text ? text : "absent");
	free(text);
}

static void found(struct walk *w, const json_t *a, const json_t *b)
{
	if (w->found++ >= w->limit)
		return;
	sp_fmt_safe(w->out, w->path);
	sp_str_puts(w->out, ": ");
	value(w->out, a);
	sp_str_puts(w->out, " | ");
	value(w->out, b);
	sp_str_puts(w->out, "\n");
}

static void differ(struct walk *w, const json_t *a, const json_t *b, unsigned depth);

static void into(struct walk *w, const char *key, size_t index, const json_t *a,
		 const json_t *b, unsigned depth)
{
	size_t len = strlen(w->path);

	if (key)
		snprintf(w->path + len, sizeof w->path - len, "%s%s", len ? "." : "", key);
	else
		snprintf(w->path + len, sizeof w->path - len, "[%zu]", index);
	differ(w, a, b, depth + 1);
	w->path[len] = '\0';
}

static void objects(struct walk *w, const json_t *a, const json_t *b, unsigned depth)
{
	const char *key;
	json_t *v;

	/* The iterators of jansson do not change what they walk. */
	json_object_foreach((json_t *)(uintptr_t)a, key, v)
		into(w, key, 0, v, json_object_get(b, key), depth);
	json_object_foreach((json_t *)(uintptr_t)b, key, v) if (!json_object_get(a, key))
		into(w, key, 0, NULL, v, depth);
}

static void differ(struct walk *w, const json_t *a, const json_t *b, unsigned depth)
{
	size_t n;

	if (json_is_object(a) && json_is_object(b) && depth < DEPTH_MAX) {
		objects(w, a, b, depth);
	} else if (json_is_array(a) && json_is_array(b) && depth < DEPTH_MAX) {
		n = json_array_size(a) > json_array_size(b) ? json_array_size(a)
							    : json_array_size(b);
		for (size_t i = 0; i < n; i++)
			into(w, NULL, i, json_array_get(a, i), json_array_get(b, i), depth);
	} else if (!a || !b || !json_equal(a, b)) {
		found(w, a, b);
	}
}

void sp_compare_plans(struct sp_str *out, const struct sp_compared_run *a,
		      const struct sp_compared_run *b, unsigned limit)
{
	struct walk w = { .out = out, .limit = limit };

	if (!a->plan_json || !b->plan_json)
		return;
	differ(&w, a->plan_json, b->plan_json, 0);
	if (w.found > limit)
		sp_str_printf(out, "and %u more\n", w.found - limit);
}
