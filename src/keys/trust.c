#include "keys/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/lines.h"

void sp_trust_init(struct sp_trust *t, const struct sp_mem *mem)
{
	*t = (struct sp_trust){ .mem = mem };
}

void sp_trust_fini(struct sp_trust *t)
{
	sp_free(t->mem, t->list);
	*t = (struct sp_trust){ .mem = t->mem };
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

bool sp_trust_name_ok(const char *name)
{
	size_t n = 0;

	while (name_char(name[n]))
		n++;
	return n > 0 && n < SP_TRUST_NAME && name[n] == '\0' && name[0] != '-';
}

const struct sp_trusted *sp_trust_by_key(const struct sp_trust *t, const struct sp_pubkey *key)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (sp_pubkey_eq(&t->list[i].key, key))
			return &t->list[i];
	return NULL;
}

const struct sp_trusted *sp_trust_by_name(const struct sp_trust *t, const char *name)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (strcmp(t->list[i].name, name) == 0)
			return &t->list[i];
	return NULL;
}

static int grow(struct sp_trust *t)
{
	uint32_t cap = t->cap ? 2 * t->cap : 8;
	struct sp_trusted *list;

	if (t->n < t->cap)
		return 0;
	list = sp_alloc_array(t->mem, cap, sizeof *list);
	if (!list)
		return -ENOMEM;
	if (t->n)
		memcpy(list, t->list, t->n * sizeof *list);
	sp_free(t->mem, t->list);
	t->list = list;
	t->cap = cap;
	return 0;
}

int sp_trust_add(struct sp_trust *t, const char *name, const struct sp_pubkey *key)
{
	const struct sp_trusted *same = sp_trust_by_key(t, key);
	int rc;

	if (!sp_trust_name_ok(name))
		return -EINVAL;
	if (same)
		return strcmp(same->name, name) == 0 ? 0 : -EEXIST;
	if (sp_trust_by_name(t, name))
		return -EEXIST;
	if (t->n == SP_TRUST_MAX)
		return -ENOSPC;
	rc = grow(t);
	if (rc)
		return rc;
	sp_strlcpy(t->list[t->n].name, name, SP_TRUST_NAME);
	t->list[t->n++].key = *key;
	return 0;
}

int sp_trust_remove(struct sp_trust *t, const char *name)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (strcmp(t->list[i].name, name) != 0)
			continue;
		memmove(&t->list[i], &t->list[i + 1], (t->n - i - 1) * sizeof *t->list);
		t->n--;
		return 0;
	}
	return -ENOENT;
}

void sp_trust_new_name(const struct sp_trust *t, const char *wish, char name[SP_TRUST_NAME])
{
	char base[SP_TRUST_NAME - 8];
	size_t n = 0;

	for (; *wish && n < sizeof base - 1; wish++)
		if (name_char(*wish) && (n || *wish != '-'))
			base[n++] = *wish;
	base[n] = '\0';
	sp_strlcpy(name, n ? base : "peer", SP_TRUST_NAME);
	for (unsigned i = 2; sp_trust_by_name(t, name); i++)
		snprintf(name, SP_TRUST_NAME, "%s-%u", n ? base : "peer", i);
}

/* ---- text ---- */

static int parse_line(struct sp_trust *t, struct sp_line *l, struct sp_err *err)
{
	char name[SP_TRUST_NAME + 1], key[SP_PUBKEY_TEXT + 1], rest[2];
	const char *name_at = sp_line_word(l, name, sizeof name), *at;
	struct sp_pubkey pub;
	int rc;

	if (!*name)
		return 0;
	if (!sp_trust_name_ok(name))
		return sp_line_bad(l, name_at,
				   "not a name (letters, digits, '.', '_' and '-', at most 63)",
				   err);
	at = sp_line_word(l, key, sizeof key);
	if (sp_pubkey_parse(key, &pub))
		return sp_line_bad(
			l, at, "not a public key (44 characters, as `spate key show` prints)",
			err);
	at = sp_line_word(l, rest, sizeof rest);
	if (*rest)
		return sp_line_bad(l, at, "something stands behind the key; a line is NAME KEY",
				   err);
	if (sp_trust_by_name(t, name) || sp_trust_by_key(t, &pub))
		return sp_line_bad(l, name_at, "this name or key has a line already", err);
	rc = sp_trust_add(t, name, &pub);
	if (rc == -ENOSPC)
		return sp_line_bad(l, name_at, "more than 4,096 keys", err);
	return rc ? sp_fail(err, rc, SP_EXIT_FAILED, "out of memory") : 0;
}

int sp_trust_parse(struct sp_trust *t, const char *text, size_t len, const char *place,
		   struct sp_err *err)
{
	struct sp_line l;
	int rc;

	if (len > SP_TRUST_BYTES)
		return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: larger than 512 KiB", place);
	sp_line_init(&l, text, len, place, NULL);
	while ((rc = sp_line_next(&l, err)) > 0 && !(rc = parse_line(t, &l, err)))
		;
	return rc;
}

void sp_trust_print(const struct sp_trust *t, struct sp_str *out)
{
	char key[SP_PUBKEY_TEXT];

	for (uint32_t i = 0; i < t->n; i++)
		sp_str_printf(out, "%s %s\n", t->list[i].name,
			      sp_pubkey_format(key, &t->list[i].key));
}
