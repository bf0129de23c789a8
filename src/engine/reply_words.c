#include "engine/reply_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* Up to the comma that is in no bracket and no quotes, or the end; blanks around are not copied.
 * The rest, behind the comma, or NULL. */
static const char *next_item(const char *p, char *item, size_t cap)
{
	const char *from = p + strspn(p, " \t");
	unsigned depth = 0;
	bool quoted = false;
	size_t n = 0;

	for (; from[n] && (depth || quoted || from[n] != ','); n++) {
		quoted ^= from[n] == '"';
		if (!quoted && from[n] == '(')
			depth++;
		else if (!quoted && from[n] == ')' && depth)
			depth--;
	}
	p = from[n] ? from + n + 1 : NULL;
	while (n && (from[n - 1] == ' ' || from[n - 1] == '\t'))
		n--;
	sp_strlcpy(item, from, n + 1 < cap ? n + 1 : cap);
	return p;
}

static bool answers(const struct sp_proto_ops *p)
{
	return p && p->roles & 1u << SP_ROLE_RESPONDER;
}

static int fail_unknown(const char *name, const struct sp_catalog *catalog, const char *place,
			struct sp_err *err)
{
	const char *best = NULL;
	char list[200] = "", shown[48];
	size_t len = 0;

	for (const struct sp_proto_ops *const *p = catalog->proto; *p; p++) {
		const char *pair[] = { best ? best : (*p)->name, (*p)->name };

		if (!answers(*p))
			continue;
		best = sp_str_nearest(name, pair, 2);
		if (len < sizeof list)
			len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
						len ? ", " : "", (*p)->name);
	}
	sp_str_printable(shown, sizeof shown, name);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: nothing answers as '%s'; there are: %s%s%s%s", place, shown, list,
		       best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

static int add_address(struct sp_prefixes *at, const char *text, const char *place,
		       struct sp_err *err)
{
	int rc = sp_prefixes_add(at, text);
	char shown[80];

	if (!rc)
		return 0;
	sp_str_printable(shown, sizeof shown, text);
	if (rc == -ENOSPC)
		return sp_fail(err, rc, SP_EXIT_USAGE, "%s: more than %u addresses", place,
			       SP_PREFIXES);
	return sp_fail(err, rc, SP_EXIT_USAGE,
		       "%s: '%s' is not an address, and no prefix such as 10.0.0.0/24", place,
		       shown);
}

int sp_reply_addresses(const char *text, const char *place, struct sp_prefixes *at,
		       struct sp_err *err)
{
	char item[80];
	int rc = 0;

	while (text && !rc) {
		text = next_item(text, item, sizeof item);
		rc = add_address(at, item, place, err);
	}
	return rc;
}

static int read_port(struct sp_reply_word *w, const char *text, const char *place,
		     struct sp_err *err)
{
	char *end;
	unsigned long first = strtoul(text, &end, 10), last = first;

	if (*end == '-' && end != text)
		last = strtoul(end + 1, &end, 10);
	if (*text < '0' || *text > '9' || *end || !first || last > 65535 || last < first)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: port '%s' is not a number such as 53, or a range", place,
			       text);
	if (w->ops->takes != SP_REPLY_PAYLOAD)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: it has no port numbers",
			       place);
	w->first = (uint16_t)first;
	w->last = (uint16_t)last;
	return 0;
}

/* key=value of the machine's own; a value in quotes may hold commas. */
static int set_own(struct sp_reply_word *w, void *conf, char *item, const char *place,
		   struct sp_arena *arena, struct sp_err *err)
{
	const struct sp_opt *row;
	char *value = strchr(item, '=') + 1;
	size_t len = strlen(value);

	value[-1] = '\0';
	if (len > 1 && value[0] == '"' && value[len - 1] == '"') {
		value[len - 1] = '\0';
		value++;
	}
	if (!w->ops->opts)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: it has no setting '%s'", place,
			       item);
	row = sp_opt_find(w->ops->opts, item);
	w->names_file |= row && row->type == SP_OPT_PATH;
	return sp_opts_set(w->ops->opts, conf, item, value, place, arena, err);
}

static int read_args(struct sp_reply_word *w, void *conf, const struct sp_call *call,
		     const char *place, struct sp_arena *arena, struct sp_err *err)
{
	const char *p = *call->args ? call->args : NULL;
	char item[sizeof call->args];
	int rc = 0;

	while (p && !rc) {
		p = next_item(p, item, sizeof item);
		if (!strchr(item, '='))
			rc = add_address(&w->at, item, place, err);
		else if (strncmp(item, "port=", 5) == 0)
			rc = read_port(w, item + 5, place, err);
		else
			rc = set_own(w, conf, item, place, arena, err);
	}
	return rc;
}

static int read_word(const char *text, const struct sp_catalog *catalog, const char *place,
		     struct sp_arena *arena, struct sp_reply_word *w, struct sp_err *err)
{
	struct sp_call call;
	char at[120];
	void *conf;
	int rc = sp_call_parse(text, &call, place, err);

	if (rc)
		return rc;
	*w = (struct sp_reply_word){ .ops = sp_catalog_proto(catalog, call.name) };
	if (!answers(w->ops))
		return fail_unknown(call.name, catalog, place, err);
	snprintf(at, sizeof at, "%.80s: %s", place, call.name);
	conf = sp_arena_alloc(arena, w->ops->conf_size + 1);
	if (!conf)
		return no_memory(err);
	w->conf = conf;
	if (w->ops->opts)
		rc = sp_opts_default(w->ops->opts, conf, arena, err);
	if (!rc)
		rc = read_args(w, conf, &call, at, arena, err);
	if (!rc && w->ops->check) {
		rc = w->ops->check(conf, err);
		if (rc)
			sp_err_prefix(err, "%s", place);
	}
	return rc;
}

int sp_reply_words(const char *text, const struct sp_catalog *catalog, const char *place,
		   struct sp_arena *arena, struct sp_reply_words *out, struct sp_err *err)
{
	char item[sizeof((struct sp_call *)0)->args + 40];
	int rc = 0;

	out->n = 0;
	while (text && !rc) {
		text = next_item(text, item, sizeof item);
		if (out->n == SP_REPLY_WORDS)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: more than %u machines",
				       place, SP_REPLY_WORDS);
		rc = read_word(item, catalog, place, arena, &out->w[out->n++], err);
	}
	return rc;
}

bool sp_reply_needs_frames(const struct sp_reply_words *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->w[i].ops->takes == SP_REPLY_FRAME)
			return true;
	return false;
}
