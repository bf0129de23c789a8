#include "engine/law.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define CONSTANT  "constant"
#define DEPTH_MAX 4u
#define BLANKS	  " \t"

struct reader {
	const struct sp_law_conf *conf;
	struct sp_arena *arena;
	struct sp_err *err;
};

static int parse(const struct reader *r, const char *text, unsigned depth, struct sp_law *law);

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int fail_unknown(const struct reader *r, const char *name)
{
	char list[400] = CONSTANT, shown[60];
	const struct sp_catalog *catalog = r->conf->catalog;
	const char *best = NULL;
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
	return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: no such law '%s'; there are: %s%s%s%s", r->conf->place,
		       sp_str_printable(shown, sizeof shown, name), list,
		       best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

/* ---- the text's parts ---- */

/* A copy of text[0 .. len) without blanks at its ends; NULL: out of memory. */
static char *piece(const struct reader *r, const char *text, size_t len)
{
	char *s;

	while (len && strchr(BLANKS, text[len - 1]))
		len--;
	while (len && strchr(BLANKS, *text)) {
		text++;
		len--;
	}
	s = sp_arena_alloc(r->arena, len + 1);
	if (s)
		memcpy(s, text, len);
	return s;
}

/* Is this sign part of a number, as in 1e+5? */
static bool is_exponent(const char *text, size_t at)
{
	return at > 1 && (text[at - 1] == 'e' || text[at - 1] == 'E') && text[at - 2] >= '0' &&
	       text[at - 2] <= '9';
}

/* Length up to the separator that is in no bracket, or to the end. */
static size_t item_len(const char *p, bool mixes)
{
	unsigned depth = 0;
	size_t n = 0;

	for (; p[n]; n++) {
		if (p[n] == '(')
			depth++;
		else if (p[n] == ')' && depth)
			depth--;
		else if (!depth &&
			 (p[n] == ',' || (mixes && p[n] == '+' && !is_exponent(p, n))))
			break;
	}
	return n;
}

/* name(args): the name's length; *args is inside the brackets, NULL when there are none. */
static int split(const struct reader *r, char *text, char **args)
{
	size_t n = strcspn(text, "( \t"), len = strlen(text);
	unsigned depth = 0;
	char shown[100];

	sp_str_printable(shown, sizeof shown, text);
	*args = NULL;
	for (const char *p = text; *p; p++) {
		depth += *p == '(';
		if (*p == ')' && depth-- == 0)
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: in '%s' a bracket is not opened", r->conf->place,
				       shown);
		if (*p == ')' && !depth && p[1])
			break;
	}
	if (depth)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: in '%s' a bracket is not closed", r->conf->place, shown);
	if (!n || (text[n] && (text[n] != '(' || text[len - 1] != ')')))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%s' is not of the form name or name(key=value,...)",
			       r->conf->place, shown);
	if (text[n] == '(') {
		text[len - 1] = '\0';
		*args = text + n + 1;
	}
	text[n] = '\0';
	return 0;
}

/* ---- settings ---- */

struct args {
	const struct reader *r;
	struct sp_law *law;
	const char *where;    /* "--departure: weibull" */
	unsigned depth, next; /* next row for a value without its name */
	uint64_t seen;	      /* rows that were set */
	struct sp_str joined; /* of a law whose first row is a list */
};

static int set_row(struct args *a, const struct sp_opt *row, const char *key, const char *value)
{
	const struct sp_opt *opts = a->law->ops->opts;
	size_t at = row ? (size_t)(row - opts) : 64;

	if (row && row->type == SP_OPT_PATH && a->r->conf->distrust)
		return sp_fail(a->r->err, -EPERM, SP_EXIT_PERM,
			       "%s: %s: a peer may not name a file of this host", a->where,
			       key);
	if (at < 64 && a->seen >> at & 1)
		return sp_fail(a->r->err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is given twice",
			       a->where, key);
	if (at < 64)
		a->seen |= 1ull << at;
	return sp_opts_set(opts, a->law->conf, key, value, a->where, a->r->arena, a->r->err);
}

static bool is_list(const struct sp_dist_ops *ops)
{
	return ops->opts && ops->opts->name && ops->opts->type == SP_OPT_TEXT;
}

/* A value without a name. */
static int set_next(struct args *a, const char *value)
{
	const struct sp_dist_ops *ops = a->law->ops;
	const struct sp_opt *row = ops->opts + a->next;

	if (is_list(ops)) {
		sp_str_printf(&a->joined, "%s%s", a->joined.len ? "," : "", value);
		return 0;
	}
	if (!row->name)
		return sp_fail(a->r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: it has %u settings, and '%.40s' is one too many", a->where,
			       a->next, value);
	a->next++;
	return set_row(a, row, row->name, value);
}

static int add_weighted(struct args *a, char *item)
{
	struct sp_law *law = a->law;
	struct sp_law_part *part = &law->parts[law->n_parts];
	char *star = item + strcspn(item, "*("), shown[60];

	if (law->n_parts == SP_DIST_PARTS)
		return sp_fail(a->r->err, -EINVAL, SP_EXIT_USAGE, "%s: more than %u laws",
			       a->where, SP_DIST_PARTS);
	part->weight = 1;
	if (*star == '*') {
		*star = '\0';
		if (sp_parse_real(item, &part->weight) || !(part->weight >= 0))
			return sp_fail(a->r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: '%s' is not a weight, a number from 0 up", a->where,
				       sp_str_printable(shown, sizeof shown, item));
		item = star + 1;
	}
	law->n_parts++;
	return parse(a->r, item, a->depth + 1, &part->law);
}

static int part_index(const struct sp_dist_ops *ops, const char *key)
{
	for (int i = 0; ops->parts && ops->parts[i]; i++)
		if (strcmp(ops->parts[i], key) == 0)
			return i;
	return -1;
}

static int read_item(struct args *a, char *item)
{
	const struct sp_dist_ops *ops = a->law->ops;
	char *eq = item + strcspn(item, "=(");
	int at;

	if (!*item)
		return sp_fail(a->r->err, -EINVAL, SP_EXIT_USAGE, "%s: key=value is expected",
			       a->where);
	if (*eq != '=')
		return ops->mixes   ? add_weighted(a, item)
		       : ops->parts ? sp_fail(a->r->err, -EINVAL, SP_EXIT_USAGE,
					      "%s: '%.40s': say which law it is, such as "
					      "%s=%.40s",
					      a->where, item, ops->parts[0], item)
				    : set_next(a, item);
	*eq++ = '\0';
	item = piece(a->r, item, strlen(item));
	eq = piece(a->r, eq, strlen(eq));
	if (!item || !eq)
		return no_memory(a->r->err);
	at = part_index(ops, item);
	if (at >= 0) {
		if (a->law->parts[at].law.ops)
			return sp_fail(a->r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: '%s' is given twice", a->where, item);
		return parse(a->r, eq, a->depth + 1, &a->law->parts[at].law);
	}
	if (is_list(ops) && strcmp(ops->opts->name, item) == 0)
		return set_next(a, eq);
	return set_row(a, sp_opt_find(ops->opts, item), item, eq);
}

static int read_args(struct args *a, const char *text)
{
	bool mixes = a->law->ops->mixes;
	int rc = 0;

	while (text && !rc) {
		size_t n = item_len(text, mixes);
		char *item = piece(a->r, text, n);

		rc = item ? read_item(a, item) : no_memory(a->r->err);
		text = text[n] ? text + n + 1 : NULL;
	}
	if (!rc && a->joined.failed)
		rc = no_memory(a->r->err);
	if (!rc && a->joined.len)
		rc = sp_opts_set(a->law->ops->opts, a->law->conf, a->law->ops->opts->name,
				 a->joined.text, a->where, a->r->arena, a->r->err);
	return rc;
}

/* Room for settings and parts, the settings at their defaults. */
static int prepare(const struct reader *r, struct sp_law *law)
{
	const struct sp_dist_ops *ops = law->ops;
	unsigned n = ops->mixes ? SP_DIST_PARTS : 0;

	while (ops->parts && ops->parts[n])
		n++;
	if (n) {
		law->parts = sp_arena_alloc(r->arena, n * sizeof *law->parts);
		if (!law->parts)
			return no_memory(r->err);
	}
	for (unsigned i = 0; ops->parts && i < n; i++)
		law->parts[i].weight = 1;
	law->n_parts = ops->parts ? n : 0;
	if (!ops->opts || !ops->conf_size)
		return 0;
	law->conf = sp_arena_alloc(r->arena, ops->conf_size);
	return law->conf ? sp_opts_default(ops->opts, law->conf, r->arena, r->err)
			 : no_memory(r->err);
}

/* ---- units ---- */

static int mixed_units(const struct reader *r, const struct sp_law *law)
{
	return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: %s: some of its numbers are times and some are not", r->conf->place,
		       law->ops->name);
}

/* All that is given is of one unit: times, or plain numbers. */
static int find_unit(const struct reader *r, struct sp_law *law)
{
	const struct sp_dist_ops *ops = law->ops;
	enum sp_quantity_unit unit = SP_QUANTITY_UNSET;

	for (const struct sp_opt *o = ops->opts; law->conf && o->name; o++) {
		const struct sp_quantity *q = (const void *)((char *)law->conf + o->off);

		/* 0 is no time, and every time. */
		if (o->type != SP_OPT_QUANTITY || !q->unit ||
		    (q->unit == SP_QUANTITY_NUMBER && !(q->v < 0) && !(q->v > 0)))
			continue;
		if (unit && q->unit != unit)
			return mixed_units(r, law);
		unit = q->unit;
	}
	for (unsigned i = 0; i < law->n_parts; i++) {
		enum sp_quantity_unit part = law->parts[i].law.unit;

		if (i && (part == SP_QUANTITY_TIME) != (unit == SP_QUANTITY_TIME))
			return mixed_units(r, law);
		if (i == 0 || part == SP_QUANTITY_UNSET)
			unit = part;
	}
	law->unit = !unit && ops->bare ? SP_QUANTITY_NUMBER : unit;
	return 0;
}

/* ---- a law ---- */

static int parse_number(const struct reader *r, const char *text, struct sp_law *law)
{
	char *call = sp_arena_printf(r->arena, CONSTANT "(value=%s)", text);

	return call ? parse(r, call, 0, law) : no_memory(r->err);
}

static int parse_known(const struct reader *r, char *args, unsigned depth, struct sp_law *law)
{
	struct args a = { .r = r, .law = law, .depth = depth };
	const char *text;
	int rc = prepare(r, law);

	if (rc)
		return rc;
	a.where = sp_arena_printf(r->arena, "%s: %s", r->conf->place, law->ops->name);
	if (!a.where)
		return no_memory(r->err);
	if (args && args[strspn(args, BLANKS)] == '\0')
		args = NULL;
	if (args && !law->parts && (!law->ops->opts || !law->ops->opts->name))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the law '%s' takes no settings", r->conf->place,
			       law->ops->name);
	sp_str_init(&a.joined, r->arena->mem);
	rc = read_args(&a, args);
	sp_str_fini(&a.joined);
	if (!rc && law->ops->check)
		rc = law->ops->check(law->conf, r->err);
	if (!rc && law->ops->expand) {
		rc = law->ops->expand(law->conf, &text, r->arena, r->err);
		if (!rc)
			return parse(r, text, depth + 1, law);
	}
	if (!rc)
		return find_unit(r, law);
	if (r->err && strncmp(r->err->text, r->conf->place, strlen(r->conf->place)) != 0)
		sp_err_prefix(r->err, "%s", a.where);
	return rc;
}

static int parse(const struct reader *r, const char *text, unsigned depth, struct sp_law *law)
{
	char *copy = piece(r, text, strlen(text)), *args;
	struct sp_quantity q;
	int rc;

	*law = (struct sp_law){ 0 };
	if (!copy)
		return no_memory(r->err);
	if (depth > DEPTH_MAX)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: laws in laws in laws: %u deep is the most", r->conf->place,
			       DEPTH_MAX);
	if (sp_parse_quantity(copy, &q) == 0)
		return parse_number(r, copy, law);
	rc = split(r, copy, &args);
	if (rc)
		return rc;
	if (!args && !depth && strcmp(copy, CONSTANT) == 0 && r->conf->use == SP_LAW_GAPS)
		return 0;
	law->ops = sp_catalog_dist(r->conf->catalog, copy);
	return law->ops ? parse_known(r, args, depth, law) : fail_unknown(r, copy);
}

/* ---- its use ---- */

static int check_use(const struct reader *r, const struct sp_law *law)
{
	const char *place = r->conf->place, *name = law->ops->name;

	if (r->conf->use == SP_LAW_GAPS && law->ops->frames)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s is a law of sizes, not of gaps", place, name);
	if (r->conf->use == SP_LAW_SIZES && law->unit == SP_QUANTITY_TIME)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s: a size is a number of bytes, not a time", place, name);
	if (r->conf->use == SP_LAW_SIZES && law->unit == SP_QUANTITY_UNSET)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s: give its settings in bytes (spate help laws lists "
			       "them)",
			       place, name);
	return 0;
}

/* Settings that do not fit each other are found here, before anything runs. */
static int check_values(const struct reader *r, const struct sp_law *law)
{
	struct sp_dist d;
	double mean, var;
	int rc = sp_law_make(law, r->arena->mem, &d, r->err);

	if (rc) {
		sp_err_prefix(r->err, "%s", r->conf->place);
		return rc;
	}
	if (r->conf->use == SP_LAW_GAPS &&
	    (!d.ops->moments(d.state, &mean, &var) || !(mean > 0) || !isfinite(mean)))
		rc = sp_fail(
			r->err, -EINVAL, SP_EXIT_USAGE,
			"%s: the law '%s' has no mean above zero, so there is no rate; give it "
			"a max, if it takes one",
			r->conf->place, law->ops->name);
	else if (r->conf->use == SP_LAW_GAPS && d.ops->cdf(d.state, -1e-9) > 1e-3)
		rc = sp_fail(
			r->err, -EINVAL, SP_EXIT_USAGE,
			"%s: %.3g %% of the gaps of this law are below zero; give it min=0",
			r->conf->place, 100 * d.ops->cdf(d.state, -1e-9));
	sp_law_free(&d, r->arena->mem);
	return rc;
}

int sp_law_parse(const char *text, const struct sp_law_conf *conf, struct sp_arena *arena,
		 struct sp_law *law, struct sp_err *err)
{
	struct reader r = { conf, arena, err };
	int rc = parse(&r, text, 0, law);

	if (rc || !law->ops)
		return rc;
	rc = check_use(&r, law);
	return rc ? rc : check_values(&r, law);
}
