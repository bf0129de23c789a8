#include "plugin/dist.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/lines.h"
#include "base/str.h"

/* A file of values, one a line, or VALUE WEIGHT. It becomes a law of these values where the plan is
 * made, so that the plan holds it and other hosts need no file. More than MOST different values
 * become that many quantiles: no probability is off by more than 1 / (2 MOST). */
struct empirical_conf {
	const char *file;
};

#define MOST	   4096u
#define FILE_BYTES (64u << 20)

struct pair {
	double value, weight;
};

struct list {
	const struct sp_mem *mem;
	struct pair *p;
	size_t n, cap;
	enum sp_quantity_unit unit;
};

static int add(struct list *l, const struct pair *p)
{
	struct pair *more;

	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 1024;
		more = sp_alloc_array(l->mem, l->cap, sizeof *more);
		if (!more)
			return -ENOMEM;
		if (l->n)
			memcpy(more, l->p, l->n * sizeof *more);
		sp_free(l->mem, l->p);
		l->p = more;
	}
	l->p[l->n++] = *p;
	return 0;
}

static int read_line(struct list *l, struct sp_line *line, struct sp_err *err)
{
	struct pair p = { .weight = 1 };
	struct sp_quantity q;
	char word[64];
	const char *at = sp_line_word(line, word, sizeof word);

	if (!*word)
		return 0;
	if (sp_parse_quantity(word, &q))
		return sp_line_bad(line, at, "a value is expected, such as 1400 or 2.5ms", err);
	if (l->n && q.unit != l->unit)
		return sp_line_bad(line, at, "some values are times and some are not", err);
	l->unit = q.unit;
	p.value = q.v;
	at = sp_line_word(line, word, sizeof word);
	if (*word && (sp_parse_real(word, &p.weight) || p.weight < 0))
		return sp_line_bad(line, at, "a weight is a number from 0 up", err);
	at = sp_line_word(line, word, sizeof word);
	if (*word)
		return sp_line_bad(line, at, "a line holds a value and a weight", err);
	return add(l, &p) ? sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory") : 0;
}

static int by_value(const void *a, const void *b)
{
	double x = ((const struct pair *)a)->value, y = ((const struct pair *)b)->value;

	return (x > y) - (x < y);
}

/* Equal values become one. */
static double merge(struct list *l)
{
	double sum = 0;
	size_t n = 0;

	qsort(l->p, l->n, sizeof *l->p, by_value);
	for (size_t i = 0; i < l->n; i++) {
		sum += l->p[i].weight;
		if (n && !(l->p[n - 1].value < l->p[i].value))
			l->p[n - 1].weight += l->p[i].weight;
		else
			l->p[n++] = l->p[i];
	}
	l->n = n;
	return sum;
}

/* The middle of each of MOST equal parts of the probability. */
static void thin(struct list *l, double sum)
{
	double so_far = l->p[0].weight;
	size_t from = 0;

	for (size_t k = 0; k < MOST; k++) {
		double at = sum * ((double)k + 0.5) / MOST;

		while (so_far < at && from + 1 < l->n)
			so_far += l->p[++from].weight;
		l->p[k] = (struct pair){ l->p[from].value, 1 };
	}
	l->n = MOST;
	merge(l);
}

static int write_law(const struct list *l, struct sp_arena *arena, const char **text)
{
	char value[32], weight[32];
	struct sp_str s;

	sp_str_init(&s, arena->mem);
	sp_str_puts(&s, "values(");
	for (size_t i = 0; i < l->n; i++)
		sp_str_printf(&s, "%s%s:%s", i ? "," : "",
			      sp_format_real(value, sizeof value, l->p[i].value),
			      sp_format_real(weight, sizeof weight, l->p[i].weight));
	sp_str_puts(&s, l->unit == SP_QUANTITY_TIME ? ",unit=1ns)" : ")");
	*text = s.failed ? NULL : sp_arena_strdup(arena, s.text);
	sp_str_fini(&s);
	return *text ? 0 : -ENOMEM;
}

static int read_all(struct list *l, const struct sp_str *text, const char *name,
		    struct sp_err *err)
{
	struct sp_line line;
	int rc;

	sp_line_init(&line, text->text, text->len, name, NULL);
	while ((rc = sp_line_next(&line, err)) > 0) {
		rc = read_line(l, &line, err);
		if (rc)
			return rc;
	}
	if (!rc && !l->n)
		rc = sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: the file holds no value", name);
	return rc;
}

static int expand(const void *conf, const char **text, struct sp_arena *arena,
		  struct sp_err *err)
{
	const struct empirical_conf *c = conf;
	struct list l = { .mem = arena->mem };
	struct sp_str s;
	double sum;
	int rc;

	if (!c->file || !*c->file)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "no file is given");
	sp_str_init(&s, arena->mem);
	rc = sp_file_read(&s, c->file, FILE_BYTES, err);
	if (!rc)
		rc = read_all(&l, &s, c->file, err);
	if (!rc) {
		sum = merge(&l);
		if (!(sum > 0) || !isfinite(sum))
			rc = sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: the weights add up to %g",
				     c->file, sum);
		else if (l.n > MOST)
			thin(&l, sum);
	}
	if (!rc && write_law(&l, arena, text))
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	sp_free(l.mem, l.p);
	sp_str_fini(&s);
	return rc;
}

static const struct sp_opt opts[] = {
	{ "file", SP_OPT_PATH, offsetof(struct empirical_conf, file), NULL, NULL, 0, 0,
	  "a value a line, or VALUE WEIGHT" },
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_empirical = {
	.name = "empirical",
	.summary = "the values of a file",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct empirical_conf),
	.bare = true,
	.expand = expand,
};
