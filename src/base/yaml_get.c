/* What front ends ask a document for, and the sentences when it is something else. */
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *sp_yaml_file(const struct sp_yaml *doc, const struct sp_yaml_node *node)
{
	return node->file ? doc->files[node->file - 1] : doc->name;
}

const char *sp_yaml_place(const struct sp_yaml *doc, const struct sp_yaml_node *node, char *buf,
			  size_t cap)
{
	char shown[200];

	sp_str_printable(shown, sizeof shown, sp_yaml_file(doc, node));
	snprintf(buf, cap, "%s:%u:%u", shown, (unsigned)node->line, (unsigned)node->column);
	return buf;
}

int sp_yaml_fail(const struct sp_yaml *doc, const struct sp_yaml_node *node, struct sp_err *err,
		 const char *fmt, ...)
{
	char place[256], why[SP_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	/* Words of the file may hold anything; a sentence is one line. */
	for (char *c = why; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: %s",
		       sp_yaml_place(doc, node, place, sizeof place), why);
}

const struct sp_yaml_node *sp_yaml_get(const struct sp_yaml_node *map, const char *key)
{
	if (map->kind != SP_YAML_MAP)
		return NULL;
	for (const struct sp_yaml_item *i = map->items; i; i = i->next)
		if (!strcmp(i->key->text, key))
			return i->value;
	return NULL;
}

bool sp_yaml_is_null(const struct sp_yaml_node *node)
{
	return !node ||
	       (node->kind == SP_YAML_SCALAR && node->plain &&
		(!*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null")));
}

int sp_yaml_want(const struct sp_yaml *doc, const struct sp_yaml_node *node,
		 enum sp_yaml_kind kind, const char *what, struct sp_err *err)
{
	static const char *const wanted[] = { "a value", "a list ([a, b], or lines with '- ')",
					      "a map (lines with 'key: value')" };
	static const char *const found[] = { "a value", "a list", "a map" };
	bool null = sp_yaml_is_null(node);

	if (node->kind == kind && !null)
		return 0;
	return sp_yaml_fail(doc, node, err, "%s: %s is expected here, not %s", what,
			    wanted[kind], null ? "nothing" : found[node->kind]);
}

/* ---- known keys ---- */

struct known {
	const char *const *words;
	const struct sp_opt *rows;
};

static const char *next_known(struct known *k)
{
	if (k->words && *k->words)
		return *k->words++;
	return k->rows && k->rows->name ? (k->rows++)->name : NULL;
}

static int fail_unknown(const struct sp_yaml *doc, const struct sp_yaml_node *key,
			struct known known, struct sp_err *err)
{
	const char *best = NULL;
	char shown[100], all[300] = "";
	struct known k = known;

	sp_str_printable(shown, sizeof shown, key->text);
	for (const char *word; (word = next_known(&k));) {
		const char *pair[] = { best ? best : word, word };

		best = sp_str_nearest(key->text, pair, 2);
	}
	if (best)
		return sp_yaml_fail(doc, key, err, "unknown key '%s'; did you mean '%s'?",
				    shown, best);
	for (const char *word; (word = next_known(&known));) {
		size_t n = strlen(all);

		snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", word);
	}
	return sp_yaml_fail(doc, key, err, "unknown key '%s'; there are: %s", shown, all);
}

int sp_yaml_known(const struct sp_yaml *doc, const struct sp_yaml_node *map,
		  const char *const *words, const struct sp_opt *rows, struct sp_err *err)
{
	const struct known known = { words, rows };

	for (const struct sp_yaml_item *i = map->items; i; i = i->next) {
		struct known k = known;
		const char *word;

		while ((word = next_known(&k)) && strcmp(word, i->key->text) != 0)
			;
		if (!word)
			return fail_unknown(doc, i->key, known, err);
	}
	return 0;
}

/* ---- values ---- */

int sp_yaml_set(const struct sp_yaml *doc, const struct sp_yaml_node *value,
		const struct sp_opt *rows, const char *key, void *conf, struct sp_arena *arena,
		struct sp_err *err)
{
	char place[256];
	int rc = sp_yaml_want(doc, value, SP_YAML_SCALAR, key, err);

	if (rc)
		return rc;
	rc = sp_opts_set(rows, conf, key, value->text,
			 sp_yaml_place(doc, value, place, sizeof place), arena, err);
	if (rc && err && err->exit == SP_EXIT_USAGE)
		err->exit = SP_EXIT_DATA;
	return rc;
}

int sp_yaml_set_all(const struct sp_yaml *doc, const struct sp_yaml_node *map,
		    const struct sp_opt *rows, void *conf, struct sp_arena *arena,
		    struct sp_err *err)
{
	int rc = 0;

	for (const struct sp_yaml_item *i = map->items; i && !rc; i = i->next)
		if (sp_opt_find(rows, i->key->text))
			rc = sp_yaml_set(doc, i->value, rows, i->key->text, conf, arena, err);
	return rc;
}

int sp_yaml_value(const struct sp_yaml *doc, const struct sp_yaml_node *value, const char *what,
		  enum sp_opt_type type, void *out, struct sp_err *err)
{
	const struct sp_opt rows[] = { { .name = what, .type = type }, { .name = NULL } };
	int rc;

	if (type != SP_OPT_TEXT)
		return sp_yaml_set(doc, value, rows, what, out, NULL, err);
	rc = sp_yaml_want(doc, value, SP_YAML_SCALAR, what, err);
	if (!rc)
		*(const char **)out = value->text;
	return rc;
}
