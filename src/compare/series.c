/* The seconds of a run, from its events. */
#include "compare/compare.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest line of events that is read: intervals with 256 flows have about 500 kB. */
#define LINE_MAX_BYTES (16u << 20)
/* Seconds that are kept: a day; a longer run is compared by its first day. */
#define SECONDS_MAX    86400u
/* A tick that came so late or early is no second. */
#define SHORTEST_S     0.5
#define LONGEST_S      1.5

struct reader {
	struct sp_compared_run *run;
	const struct sp_mem *mem;
	const char *path;
	size_t line;
	bool has_last;
	double last_s, last[SP_COMPARE_METRICS];
};

static int room(struct sp_series *s, const struct sp_mem *mem)
{
	double *v;

	if (s->n & (s->n - 1) || s->n == 1)
		return 0;
	v = sp_alloc_array(mem, s->n ? 2 * s->n : 2, sizeof *v);
	if (!v)
		return -ENOMEM;
	if (s->n)
		memcpy(v, s->v, s->n * sizeof *v);
	sp_free(mem, s->v);
	s->v = v;
	return 0;
}

static int add(struct sp_series *s, const struct sp_mem *mem, double value)
{
	if (s->n >= SECONDS_MAX)
		return 0;
	if (room(s, mem))
		return -ENOMEM;
	s->v[s->n++] = value;
	return 0;
}

static void header(struct sp_compared_run *run, const json_t *e)
{
	const char *v;

	if (run->plan[0])
		return;
	if ((v = json_string_value(json_object_get(e, "name"))))
		sp_strlcpy(run->name, v, sizeof run->name);
	if ((v = json_string_value(json_object_get(e, "command"))))
		sp_strlcpy(run->command, v, sizeof run->command);
	if ((v = json_string_value(json_object_get(e, "time"))))
		sp_strlcpy(run->started, v, sizeof run->started);
	if ((v = json_string_value(json_object_get(e, "spate"))))
		sp_strlcpy(run->version, v, sizeof run->version);
	if ((v = json_string_value(json_object_get(e, "plan_sha256"))))
		sp_strlcpy(run->plan, v, sizeof run->plan);
}

/* From the second tick on: the first second has the start in it. */
static int interval(struct reader *r, const json_t *e)
{
	const json_t *total = json_object_get(e, "total");
	double now_s = json_number_value(json_object_get(e, "t_ns")) / 1e9;
	double span = now_s - r->last_s;
	bool whole = r->has_last && span > SHORTEST_S && span < LONGEST_S;

	for (unsigned i = 0; i < SP_COMPARE_METRICS && sp_metrics[i].name; i++) {
		const struct sp_metric *m = &sp_metrics[i];
		const json_t *count = m->series ? json_object_get(total, m->series) : NULL;
		double now = json_is_number(count) ? json_number_value(count) : NAN;

		if (whole && !isnan(now) && !isnan(r->last[i]) &&
		    add(&r->run->series[i], r->mem, (now - r->last[i]) * m->scale / span))
			return -ENOMEM;
		r->last[i] = now;
		/* A killed run's figure is the mean of what it lived. */
		if (!r->run->ended && m->series && !isnan(now) && now_s > 0)
			r->run->value[i] = now * m->scale / now_s;
	}
	r->last_s = now_s;
	r->has_last = true;
	return 0;
}

static int one_line(struct reader *r, const char *text, size_t len, struct sp_err *err)
{
	json_error_t why;
	json_t *e = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	const char *kind = json_string_value(json_object_get(e, "event"));
	int rc = 0;

	if (!e)
		return sp_fail(err, -EBADMSG, SP_EXIT_DATA, "%s:%zu:%d: %s", r->path, r->line,
			       why.column, why.text);
	if (!kind)
		rc = sp_fail(err, -EBADMSG, SP_EXIT_DATA,
			     "%s:%zu:1: no event: \"event\" is "
			     "missing",
			     r->path, r->line);
	else if (strcmp(kind, "start") == 0)
		header(r->run, e);
	else if (strcmp(kind, "interval") == 0 && interval(r, e))
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	json_decref(e);
	return rc;
}

/* getline() with a bound. Returns the length with the newline, 0 at the end, -E2BIG. */
static ssize_t next_line(FILE *f, struct sp_str *line)
{
	int c;

	sp_str_clear(line);
	while ((c = getc_unlocked(f)) != EOF) {
		char byte = (char)c;

		sp_str_put(line, &byte, 1);
		if (c == '\n')
			break;
		if (line->len >= LINE_MAX_BYTES)
			return -E2BIG;
	}
	return line->failed ? -ENOMEM : (ssize_t)line->len;
}

int sp_compare_series(struct sp_compared_run *run, const char *path, const struct sp_mem *mem,
		      struct sp_err *err)
{
	struct reader r = { .run = run, .mem = mem, .path = path };
	struct sp_str line;
	ssize_t n;
	int rc = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return sp_fail(err, -errno, SP_EXIT_NOINPUT, "%s: %s", path, strerror(errno));
	sp_str_init(&line, mem);
	while (rc == 0 && (n = next_line(f, &line)) != 0) {
		r.line++;
		if (n == -ENOMEM)
			rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		else if (n < 0)
			rc = sp_fail(err, -E2BIG, SP_EXIT_DATA,
				     "%s:%zu: a line of over %u bytes is no event", path,
				     r.line, LINE_MAX_BYTES);
		else if (line.text[n - 1] == '\n')
			rc = one_line(&r, line.text, (size_t)n, err);
		/* Else the run was killed while it wrote. */
	}
	sp_str_fini(&line);
	fclose(f);
	return rc;
}
