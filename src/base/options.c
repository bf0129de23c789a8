#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* ---- sentences ---- */

static const char *kind_of(enum sp_opt_type type)
{
	switch (type) {
	case SP_OPT_BOOL:
		return "yes or no";
	case SP_OPT_U64:
		return "a count (such as 1000, 50k or 1.5M)";
	case SP_OPT_SIZE:
		return "a size (such as 1400, 64K or 10MiB)";
	case SP_OPT_TIME:
		return "a time (such as 500ms, 10 or 2m)";
	case SP_OPT_RATE:
		return "a rate (such as 100pps, 50kpps, 2Gbit/s or max)";
	case SP_OPT_RATIO:
		return "a share (such as 1% or 0.01)";
	case SP_OPT_REAL:
		return "a number (such as 0.7)";
	case SP_OPT_QUANTITY:
		return "a number or a time (such as 1400, 64Ki or 2.5ms)";
	default:
		return "a text";
	}
}

/* What is being set: "--rate" says it already, "x.yaml:3:5" does not. */
struct where {
	char text[200];
};

static struct where where_of(const char *place, const char *key)
{
	struct where w;
	size_t n = place ? strlen(place) : 0, k = strlen(key);

	if (!n)
		snprintf(w.text, sizeof w.text, "%s", key);
	else if (n >= k && strcmp(place + n - k, key) == 0)
		snprintf(w.text, sizeof w.text, "%s", place);
	else
		snprintf(w.text, sizeof w.text, "%s: %s", place, key);
	return w;
}

struct quote {
	char text[100];
};

static struct quote quote_of(const char *s)
{
	struct quote q;

	sp_str_printable(q.text, sizeof q.text, s);
	return q;
}

static int fail_value(const struct sp_opt *o, int rc, const char *value, const char *place,
		      struct sp_err *e)
{
	struct where w = where_of(place, o->name);
	struct quote q = quote_of(value);

	if (rc == -ENOMEM)
		return sp_fail(e, rc, SP_EXIT_FAILED, "%s: out of memory", w.text);
	if (rc == -ERANGE && o->type == SP_OPT_RATIO)
		return sp_fail(e, rc, SP_EXIT_USAGE, "%s: '%s' is not between 0 and 1 (100%%)",
			       w.text, q.text);
	if (rc == -ERANGE)
		return sp_fail(e, rc, SP_EXIT_USAGE, "%s: '%s' is too large", w.text, q.text);
	if (!*value)
		return sp_fail(e, rc, SP_EXIT_USAGE, "%s: needs a value: %s", w.text,
			       kind_of(o->type));
	return sp_fail(e, rc, SP_EXIT_USAGE, "%s: '%s' is not %s", w.text, q.text,
		       kind_of(o->type));
}

/* ---- rows ---- */

const struct sp_opt *sp_opt_find(const struct sp_opt *rows, const char *name)
{
	for (; rows->name; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

static int fail_unknown(const struct sp_opt *rows, const char *key, const char *place,
			struct sp_err *e)
{
	struct quote q = quote_of(key);
	const char *best = NULL;

	for (; rows->name; rows++) {
		const char *pair[] = { best ? best : rows->name, rows->name };

		best = sp_str_nearest(key, pair, 2);
	}
	return sp_fail(e, -ENOENT, SP_EXIT_USAGE, "%s%sno such setting '%s'%s%s%s",
		       place ? place : "", place ? ": " : "", q.text,
		       best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

static int parse_bool(const char *value, bool *out)
{
	static const char *const yes[] = { "", "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (sp_str_ieq(value, yes[i])) {
			*out = true;
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
		if (sp_str_ieq(value, no[i])) {
			*out = false;
			return 0;
		}
	}
	return -EINVAL;
}

/* Copies the word at *p up to '|' and moves behind it; false at the end. */
static bool next_word(const char **p, char *word, size_t cap)
{
	size_t n = strcspn(*p, "|");

	if (**p == '\0')
		return false;
	snprintf(word, cap, "%.*s", (int)n, *p);
	*p += n + ((*p)[n] == '|');
	return true;
}

static int set_enum(const struct sp_opt *o, void *at, const char *value, const char *place,
		    struct sp_err *e)
{
	char word[48], best[48] = "", list[200] = "";
	const char *p = o->values;
	size_t len = 0;

	for (int i = 0; next_word(&p, word, sizeof word); i++) {
		const char *pair[] = { *best ? best : word, word };
		const char *nearest = sp_str_nearest(value, pair, 2);

		if (sp_str_ieq(word, value)) {
			memcpy(at, &i, sizeof i);
			return 0;
		}
		if (nearest == word)
			sp_strlcpy(best, word, sizeof best);
		if (len < sizeof list)
			len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
						i ? ", " : "", word);
	}
	return sp_fail(e, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is none of %s%s%s%s",
		       where_of(place, o->name).text, quote_of(value).text, list,
		       *best ? "; did you mean '" : "", best, *best ? "'?" : "");
}

static int check_bounds(const struct sp_opt *o, uint64_t v, const char *place, struct sp_err *e)
{
	bool low = v < o->min;
	char limit[48];

	if (!low && (!o->max || v <= o->max))
		return 0;
	if (o->type == SP_OPT_TIME)
		sp_format_time(limit, sizeof limit, low ? o->min : o->max);
	else
		snprintf(limit, sizeof limit, "%llu",
			 (unsigned long long)(low ? o->min : o->max));
	return sp_fail(e, -ERANGE, SP_EXIT_USAGE, "%s: %s %s%s", where_of(place, o->name).text,
		       low ? "must be at least" : "must be at most", limit,
		       o->type == SP_OPT_SIZE ? " bytes" : "");
}

static int set_u64(const struct sp_opt *o, void *at, const char *value, const char *place,
		   struct sp_err *e)
{
	uint64_t v = 0;
	int rc;

	if (o->type == SP_OPT_TIME)
		rc = sp_parse_time(value, &v);
	else if (o->type == SP_OPT_SIZE)
		rc = sp_parse_size(value, &v);
	else
		rc = sp_parse_u64(value, &v);
	if (rc)
		return fail_value(o, rc, value, place, e);
	rc = check_bounds(o, v, place, e);
	if (!rc)
		memcpy(at, &v, sizeof v);
	return rc;
}

static int set_row(const struct sp_opt *o, void *conf, const char *value, const char *place,
		   struct sp_arena *arena, struct sp_err *e)
{
	void *at = (char *)conf + o->off;
	const char *text;
	int rc = 0;

	switch (o->type) {
	case SP_OPT_BOOL:
		rc = parse_bool(value, at);
		break;
	case SP_OPT_U64:
	case SP_OPT_SIZE:
	case SP_OPT_TIME:
		return set_u64(o, at, value, place, e);
	case SP_OPT_RATE:
		rc = sp_parse_rate(value, at);
		break;
	case SP_OPT_RATIO:
		rc = sp_parse_ratio(value, at);
		break;
	case SP_OPT_REAL:
		rc = sp_parse_real(value, at);
		break;
	case SP_OPT_QUANTITY:
		rc = sp_parse_quantity(value, at);
		break;
	case SP_OPT_TEXT:
	case SP_OPT_PATH:
		text = sp_arena_strdup(arena, value);
		if (text)
			memcpy(at, &text, sizeof text);
		else
			rc = -ENOMEM;
		break;
	case SP_OPT_ENUM:
		return set_enum(o, at, value, place, e);
	}
	return rc ? fail_value(o, rc, value, place, e) : 0;
}

int sp_opts_set(const struct sp_opt *rows, void *conf, const char *key, const char *value,
		const char *place, struct sp_arena *arena, struct sp_err *e)
{
	const struct sp_opt *o = sp_opt_find(rows, key);

	if (!o)
		return fail_unknown(rows, key, place, e);
	if (!value && o->type != SP_OPT_BOOL)
		return fail_value(o, -EINVAL, "", place, e);
	return set_row(o, conf, value ? value : "", place, arena, e);
}

int sp_opts_default(const struct sp_opt *rows, void *conf, struct sp_arena *arena,
		    struct sp_err *e)
{
	int rc;

	for (; rows->name; rows++) {
		if (!rows->dflt)
			continue;
		rc = set_row(rows, conf, rows->dflt, "default", arena, e);
		if (rc)
			return rc;
	}
	return 0;
}

static void print_enum(const struct sp_opt *o, int index, struct sp_json *j)
{
	const char *p = o->values;
	char word[48];

	for (int i = 0; next_word(&p, word, sizeof word); i++) {
		if (i == index) {
			sp_json_str(j, o->name, word);
			return;
		}
	}
	sp_json_null(j, o->name);
}

/* Readers of JSON take no larger integers: those are texts. */
static void print_u64(const struct sp_opt *o, uint64_t v, struct sp_json *j)
{
	char text[24];

	if (v <= INT64_MAX) {
		sp_json_u64(j, o->name, v);
		return;
	}
	snprintf(text, sizeof text, "%llu", (unsigned long long)v);
	sp_json_str(j, o->name, text);
}

static bool is_zero(const struct sp_opt *o, const void *at)
{
	const char *text;
	uint64_t v;
	int word;

	switch (o->type) {
	case SP_OPT_ENUM:
		memcpy(&word, at, sizeof word);
		return word == 0;
	case SP_OPT_BOOL:
		return !*(const bool *)at;
	case SP_OPT_U64:
	case SP_OPT_SIZE:
	case SP_OPT_TIME:
		memcpy(&v, at, sizeof v);
		return v == 0;
	case SP_OPT_TEXT:
	case SP_OPT_PATH:
		memcpy(&text, at, sizeof text);
		return !text || !*text;
	default:
		return false;
	}
}

static bool is_left_out(const struct sp_opt *o, const void *at)
{
	return (o->type == SP_OPT_ENUM ? o->min == 1 : o->values != NULL) && is_zero(o, at);
}

void sp_opts_print(const struct sp_opt *rows, const void *conf, struct sp_json *j)
{
	char buf[48];

	for (; rows->name; rows++) {
		const void *at = (const char *)conf + rows->off;

		if (is_left_out(rows, at))
			continue;
		switch (rows->type) {
		case SP_OPT_BOOL:
			sp_json_bool(j, rows->name, *(const bool *)at);
			break;
		case SP_OPT_U64:
		case SP_OPT_SIZE:
			print_u64(rows, *(const uint64_t *)at, j);
			break;
		case SP_OPT_TIME:
			sp_format_time(buf, sizeof buf, *(const uint64_t *)at);
			sp_json_str(j, rows->name, buf);
			break;
		case SP_OPT_RATE:
			sp_format_rate(buf, sizeof buf, at);
			sp_json_str(j, rows->name,
				    ((const struct sp_rate *)at)->kind ? buf : NULL);
			break;
		case SP_OPT_RATIO:
		case SP_OPT_REAL:
			sp_json_real(j, rows->name, *(const double *)at);
			break;
		case SP_OPT_QUANTITY:
			sp_format_quantity(buf, sizeof buf, at);
			sp_json_str(j, rows->name,
				    ((const struct sp_quantity *)at)->unit ? buf : NULL);
			break;
		case SP_OPT_TEXT:
		case SP_OPT_PATH:
			sp_json_str(j, rows->name, *(const char *const *)at);
			break;
		case SP_OPT_ENUM:
			print_enum(rows, *(const int *)at, j);
			break;
		}
	}
}

/* ---- name(key=value, ...) ---- */

#define BLANKS " \t"

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* The bracket that closes the one at p, or NULL. */
static const char *closing(const char *p)
{
	unsigned depth = 0;

	for (; *p; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p;
	}
	return NULL;
}

int sp_call_parse(const char *text, struct sp_call *call, const char *place, struct sp_err *e)
{
	const char *from = text + strspn(text, BLANKS), *p = from, *end = NULL;
	struct sp_call c = { 0 };
	size_t name_len, args_len = 0;
	struct quote q = quote_of(text);

	while (is_name_char(*p))
		p++;
	name_len = (size_t)(p - from);
	if (*p == '(') {
		end = closing(p);
		if (!end)
			return sp_fail(e, -EINVAL, SP_EXIT_USAGE,
				       "%s: in '%s' a bracket is not closed", place, q.text);
		from = p + 1;
		args_len = (size_t)(end - from);
		p = end + 1;
	}
	p += strspn(p, BLANKS);
	if (!name_len || *p != '\0')
		return sp_fail(e, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%s' is not of the form name or name(key=value,...)", place,
			       q.text);
	if (name_len >= sizeof c.name || args_len >= sizeof c.args)
		return sp_fail(e, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is too long", place,
			       q.text);
	memcpy(c.name, text + strspn(text, BLANKS), name_len);
	if (end)
		memcpy(c.args, from, args_len);
	*call = c;
	return 0;
}

/* Length up to the comma that is in no bracket, or to the end. */
static size_t item_len(const char *p)
{
	size_t n = 0;
	unsigned depth = 0;

	for (; p[n] && (depth || p[n] != ','); n++) {
		if (p[n] == '(')
			depth++;
		else if (p[n] == ')' && depth)
			depth--;
	}
	return n;
}

/* Cuts the blanks off both ends, in place. */
static char *trim(char *s)
{
	size_t n;

	s += strspn(s, BLANKS);
	n = strlen(s);
	while (n && strchr(BLANKS, s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static int set_item(char *item, const struct sp_opt *rows, void *conf, uint64_t *seen,
		    const char *place, struct sp_arena *arena, struct sp_err *e)
{
	char *value = strchr(item, '=');
	const struct sp_opt *o;
	const char *key;
	size_t row;

	if (value) {
		*value++ = '\0';
		value = trim(value);
	}
	key = trim(item);
	if (!*key)
		return sp_fail(e, -EINVAL, SP_EXIT_USAGE, "%s: key=value is expected%s%s%s",
			       place, value ? " before '" : "",
			       value ? quote_of(value).text : "", value ? "'" : "");
	o = sp_opt_find(rows, key);
	row = o ? (size_t)(o - rows) : 64;
	if (row < 64) {
		if (*seen >> row & 1)
			return sp_fail(e, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is given twice",
				       place, key);
		*seen |= 1ull << row;
	}
	return sp_opts_set(rows, conf, key, value, place, arena, e);
}

int sp_call_args(const struct sp_call *call, const struct sp_opt *rows, void *conf,
		 const char *place, struct sp_arena *arena, struct sp_err *e)
{
	char item[sizeof call->args], inner[160];
	const char *p = call->args;
	uint64_t seen = 0;
	int rc;

	if (p[strspn(p, BLANKS)] == '\0')
		return 0;
	snprintf(inner, sizeof inner, "%s: %s", place, call->name);
	for (;;) {
		size_t n = item_len(p);

		memcpy(item, p, n);
		item[n] = '\0';
		rc = set_item(item, rows, conf, &seen, inner, arena, e);
		if (rc || p[n] == '\0')
			return rc;
		p += n + 1;
	}
}
