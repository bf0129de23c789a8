#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "compat/reproducer/config_impl.h"

#define WORDS_MAX 64u

int sp_repro_no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

void sp_repro_say(struct sp_repro *r, const struct sp_yaml_node *at, const char *fmt, ...)
{
	char place[256], text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sp_str_printf(&r->remarks, "%s: %s\n", sp_yaml_place(&r->doc, at, place, sizeof place),
		      text);
}

/* By letters, or because one is part of the other. */
static const char *nearest(const char *word, const char *const *words)
{
	size_t n = 0;
	const char *best;

	while (words[n])
		n++;
	best = sp_str_nearest(word, words, n);
	for (size_t i = 0; !best && i < n; i++)
		if (strlen(word) > 3 && (strstr(words[i], word) || strstr(word, words[i])))
			best = words[i];
	return best;
}

static bool is_known(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

void sp_repro_unknown(struct sp_repro *r, const struct sp_yaml_node *map, const char *what,
		      const char *const *words)
{
	char shown[80];
	const char *best;

	if (map->kind != SP_YAML_MAP)
		return;
	for (const struct sp_yaml_item *i = map->items; i; i = i->next) {
		if (is_known(i->key->text, words))
			continue;
		best = nearest(i->key->text, words);
		sp_repro_say(
			r, i->key, "unknown key '%s%s%s' has no effect%s%s%s", what,
			*what ? "." : "", sp_str_printable(shown, sizeof shown, i->key->text),
			best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
	}
}

const struct sp_yaml_node *sp_repro_value(const struct sp_yaml_node *map, const char *key)
{
	const struct sp_yaml_node *v = map ? sp_yaml_get(map, key) : NULL;

	return v && !sp_yaml_is_null(v) ? v : NULL;
}

int sp_repro_map(struct sp_repro *r, const struct sp_yaml_node *map, const char *key,
		 const char *what, const struct sp_yaml_node **out, struct sp_err *err)
{
	*out = sp_repro_value(map, key);
	return *out ? sp_yaml_want(&r->doc, *out, SP_YAML_MAP, what, err) : 0;
}

int sp_repro_take(struct sp_repro *r, const struct sp_yaml_node *map, const char *key,
		  const char *what, enum sp_opt_type type, void *out, struct sp_err *err)
{
	const struct sp_yaml_node *v = sp_repro_value(map, key);

	if (!v)
		return 0;
	/* On a command line a word alone is a yes; a text that is empty says nothing. */
	if (type == SP_OPT_BOOL && v->kind == SP_YAML_SCALAR && !*v->text)
		return sp_yaml_fail(&r->doc, v, err, "%s: '' is not yes or no", what);
	return sp_yaml_value(&r->doc, v, what, type, out, err);
}

int sp_repro_number(struct sp_repro *r, const struct sp_yaml_node *v, const char *what,
		    const char *is, uint64_t least, uint64_t most, uint64_t *out,
		    struct sp_err *err)
{
	char shown[80];
	uint64_t n = 0;
	int rc = sp_yaml_want(&r->doc, v, SP_YAML_SCALAR, what, err);
	bool digits = !rc && *v->text && v->text[strspn(v->text, "0123456789")] == '\0';

	if (rc)
		return rc;
	if (!digits || sp_parse_u64(v->text, &n) || n < least || n > most)
		return sp_yaml_fail(
			&r->doc, v, err, "%s: '%s' is not %s from %" PRIu64 " to %" PRIu64,
			what, sp_str_printable(shown, sizeof shown, v->text), is, least, most);
	*out = n;
	return 0;
}

int sp_repro_take_seconds(struct sp_repro *r, const struct sp_yaml_node *map, const char *key,
			  const char *what, uint64_t *ns, bool *given, struct sp_err *err)
{
	*given = sp_repro_value(map, key) != NULL;
	return sp_repro_take(r, map, key, what, SP_OPT_TIME, ns, err);
}
