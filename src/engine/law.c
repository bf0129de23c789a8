#include "engine/law.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define CONSTANT "constant"

static int fail_unknown(const char *name, const struct sp_catalog *catalog, const char *place,
			struct sp_err *err)
{
	const char *best = NULL;
	char list[300] = CONSTANT;
	size_t len = strlen(list);
	const char *const first[] = { CONSTANT };

	best = sp_str_nearest(name, first, 1);
	for (const struct sp_dist_ops *const *p = catalog->dist; *p; p++) {
		const char *pair[] = { best ? best : (*p)->name, (*p)->name };

		best = sp_str_nearest(name, pair, 2);
		if (strcmp((*p)->name, CONSTANT) != 0 && len < sizeof list)
			len += (size_t)snprintf(list + len, sizeof list - len, ", %s",
						(*p)->name);
	}
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: no such law '%s'; there are: %s%s%s%s",
		       place, name, list, best ? "; did you mean '" : "", best ? best : "",
		       best ? "'?" : "");
}

int sp_law_parse(const char *text, const struct sp_catalog *catalog, const char *place,
		 struct sp_arena *arena, struct sp_law *law, struct sp_err *err)
{
	struct sp_call call;
	int rc = sp_call_parse(text, &call, place, err);

	*law = (struct sp_law){ 0 };
	if (rc)
		return rc;
	if (strcmp(call.name, CONSTANT) == 0) {
		if (*call.args)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "%s: the law 'constant' takes no settings", place);
		return 0;
	}
	law->ops = sp_catalog_dist(catalog, call.name);
	if (!law->ops)
		return fail_unknown(call.name, catalog, place, err);
	if (!law->ops->opts) {
		if (*call.args)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "%s: the law '%s' takes no settings", place, call.name);
		return 0;
	}
	law->conf = sp_arena_alloc(arena, law->ops->conf_size);
	if (!law->conf)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	rc = sp_opts_default(law->ops->opts, law->conf, arena, err);
	if (!rc)
		rc = sp_call_args(&call, law->ops->opts, law->conf, place, arena, err);
	if (!rc && law->ops->check) {
		rc = law->ops->check(law->conf, err);
		if (rc)
			sp_err_prefix(err, "%s", place);
	}
	return rc;
}

/* Appends "key=value" of one row; rows that are not set are left out. The row printer writes
 * {"key":value}: what is wanted stands between the first ':' and the last '}'. */
static void put_row(const struct sp_opt *row, const void *conf, struct sp_str *out, bool first,
		    const struct sp_mem *mem)
{
	struct sp_opt one[2] = { *row };
	struct sp_str s;
	struct sp_json j;
	char *value;
	size_t len;

	sp_str_init(&s, mem);
	sp_json_init(&j, &s, 0);
	sp_json_open(&j, NULL, '{');
	sp_opts_print(one, conf, &j);
	sp_json_close(&j, '}');
	value = s.failed ? NULL : strchr(s.text, ':');
	if (!value) {
		out->failed = true;
	} else {
		value += 1 + strspn(value + 1, " \"");
		len = strcspn(value, "\"}");
		if (strncmp(value, "null", len) != 0)
			sp_str_printf(out, "%s%s=%.*s", first ? "" : ",", row->name, (int)len,
				      value);
	}
	sp_str_fini(&s);
}

const char *sp_law_text(const struct sp_law *law, struct sp_arena *arena)
{
	const struct sp_opt *row;
	const char *text = NULL;
	struct sp_str args;

	if (!law->ops)
		return CONSTANT;
	if (!law->conf)
		return law->ops->name;
	sp_str_init(&args, arena->mem);
	for (row = law->ops->opts; row->name; row++)
		put_row(row, law->conf, &args, args.len == 0, arena->mem);
	if (!args.failed)
		text = args.len ? sp_arena_printf(arena, "%s(%s)", law->ops->name, args.text)
				: law->ops->name;
	sp_str_fini(&args);
	return text;
}
