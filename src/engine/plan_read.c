/* The canonical text back into a plan. Every value goes through the option rows, as a user's does:
 * there is no second parser of rates or names, and the plan is sealed like any other. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/str.h"
#include "engine/plan.h"
#include "engine/plan_impl.h"

struct reading {
	struct sp_plan_build *b;
	struct sp_err *err;
};

static int bad(const struct reading *r, const char *place, const char *what)
{
	return sp_fail(r->err, -EINVAL, SP_EXIT_DATA, "the plan: %s: %s", place, what);
}

/* A value as a user would write it; NULL: not one that a row can hold. */
static const char *word_of(const json_t *v, char *buf, size_t cap)
{
	if (json_is_string(v))
		return strlen(json_string_value(v)) == json_string_length(v)
			       ? json_string_value(v)
			       : NULL;
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		snprintf(buf, cap, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(buf, cap, "%.17g", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(buf, cap, "%s", json_is_true(v) ? "yes" : "no");
	else
		return NULL;
	return buf;
}

static int set_one(const struct reading *r, const char *key, const json_t *v, const char *place)
{
	char buf[40], shown[48], at[160];
	const char *word = word_of(v, buf, sizeof buf);

	if (json_is_null(v))
		return 0;
	snprintf(at, sizeof at, "%s.%s", place, sp_str_printable(shown, sizeof shown, key));
	if (!word)
		return bad(r, at, "a text, a number, true or false is expected");
	return sp_plan_set(r->b, key, word, at, r->err);
}

/* All members but those that the caller reads itself. */
static int set_members(const struct reading *r, json_t *object, const char *place,
		       const char *skip1, const char *skip2)
{
	const char *key;
	json_t *v;
	int rc;

	if (!json_is_object(object))
		return bad(r, place, "an object is expected");
	json_object_foreach(object, key, v)
	{
		if (strcmp(key, skip1) == 0 || strcmp(key, skip2) == 0)
			continue;
		rc = set_one(r, key, v, place);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_item(const struct reading *r, enum sp_plan_item item, json_t *o,
		     const char *place)
{
	/* What comes first brings the settings' rows. */
	static const char *const first[SP_PLAN_ITEMS] = { [SP_PLAN_PORT] = "transport",
							  [SP_PLAN_STREAM] = "protocol",
							  [SP_PLAN_RECV] = "protocol" };
	json_t *v;
	int rc = sp_plan_add(r->b, item, place, r->err);

	if (rc || !first[item])
		return rc ? rc : set_members(r, o, place, "", "");
	v = json_object_get(o, first[item]);
	if (v)
		rc = set_one(r, first[item], v, place);
	if (!rc)
		rc = set_members(r, o, place, first[item], "settings");
	v = json_object_get(o, "settings");
	return rc || !v ? rc : set_members(r, v, place, "", "");
}

static const char *const lists[SP_PLAN_ITEMS] = {
	[SP_PLAN_PORT] = "ports",
	[SP_PLAN_STREAM] = "streams",
	[SP_PLAN_RECV] = "recvs",
	[SP_PLAN_STAGE] = "stages",
};

static int read_list(const struct reading *r, enum sp_plan_item item, json_t *list)
{
	char place[48];
	json_t *o;
	size_t i;
	int rc;

	if (!json_is_array(list))
		return bad(r, lists[item], "a list is expected");
	json_array_foreach(list, i, o)
	{
		snprintf(place, sizeof place, "%s[%zu]", lists[item], i);
		rc = read_item(r, item, o, place);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_key(const struct reading *r, const char *key, json_t *v)
{
	char shown[60];
	int rc;

	if (strcmp(key, "plan") == 0)
		return json_integer_value(v) == 1
			       ? 0
			       : bad(r, key, "this version reads plans of version 1");
	if (strcmp(key, "run") == 0) {
		rc = sp_plan_add(r->b, SP_PLAN_RUN, key, r->err);
		return rc ? rc : set_members(r, v, key, "", "");
	}
	for (unsigned i = 0; i < SP_PLAN_ITEMS; i++)
		if (lists[i] && strcmp(lists[i], key) == 0)
			return read_list(r, (enum sp_plan_item)i, v);
	return bad(r, sp_str_printable(shown, sizeof shown, key), "a plan has no such part");
}

static int read_all(const struct reading *r, json_t *root)
{
	const char *key;
	json_t *v;
	int rc = 0;

	if (!json_is_object(root) || !json_object_get(root, "plan"))
		return bad(r, "text", "it is not a plan");
	json_object_foreach(root, key, v)
	{
		rc = read_key(r, key, v);
		if (rc)
			return rc;
	}
	return 0;
}

int sp_plan_read(struct sp_plan **out, const char *text, size_t len, bool distrust,
		 const struct sp_mem *mem, const struct sp_catalog *catalog, struct sp_err *err)
{
	struct reading r = { .err = err };
	json_error_t why;
	char shown[JSON_ERROR_TEXT_LENGTH];
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	int rc;

	*out = NULL;
	if (!root)
		return sp_fail(err, -EINVAL, SP_EXIT_DATA, "the plan: %d:%d: %s", why.line,
			       why.column, sp_str_printable(shown, sizeof shown, why.text));
	rc = sp_plan_build_new(&r.b, mem, catalog);
	if (rc) {
		sp_fail(err, rc, SP_EXIT_FAILED, "the plan: out of memory");
	} else {
		if (distrust)
			sp_plan_build_distrust(r.b);
		rc = read_all(&r, root);
	}
	if (!rc)
		rc = sp_plan_seal(r.b, out, err);
	/* To the reader of a text a wrong value is bad data. */
	if (rc && err && err->exit == SP_EXIT_USAGE)
		err->exit = SP_EXIT_DATA;
	sp_plan_build_free(r.b);
	json_decref(root);
	return rc;
}
