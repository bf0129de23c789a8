/* A law that was read, as text again, and as something to draw from. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "engine/law.h"

/* The value of one row as a user writes it, "" where it is not set. The row printer writes
 * {"key":value}: what is wanted stands between the first ':' and the last '}'. */
static void put_value(const struct sp_opt *row, const void *conf, struct sp_str *out,
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
			sp_str_printf(out, "%.*s", (int)len, value);
	}
	sp_str_fini(&s);
}

static void put_rows(const struct sp_law *law, struct sp_str *out, const struct sp_mem *mem)
{
	const struct sp_opt *rows = law->ops->opts;
	struct sp_str value;
	bool list = rows->name && rows->type == SP_OPT_TEXT;

	for (const struct sp_opt *o = rows; o->name; o++) {
		sp_str_init(&value, mem);
		put_value(o, law->conf, &value, mem);
		out->failed |= value.failed;
		if (value.len && list && o == rows)
			sp_str_puts(out, value.text);
		else if (value.len)
			sp_str_printf(out, "%s%s=%s", out->len ? "," : "", o->name, value.text);
		sp_str_fini(&value);
	}
}

const char *sp_law_text(const struct sp_law *law, struct sp_arena *arena)
{
	const char *text = NULL, *part;
	struct sp_str args;
	char weight[32];

	if (!law->ops)
		return "constant";
	sp_str_init(&args, arena->mem);
	if (law->conf)
		put_rows(law, &args, arena->mem);
	for (unsigned i = 0; i < law->n_parts; i++) {
		const struct sp_law_part *p = &law->parts[i];

		if (!p->law.ops)
			continue;
		part = sp_law_text(&p->law, arena);
		if (!part)
			args.failed = true;
		else if (law->ops->mixes)
			sp_str_printf(&args, "%s%s*%s", args.len ? "+" : "",
				      sp_format_real(weight, sizeof weight, p->weight), part);
		else
			sp_str_printf(&args, "%s%s=%s", args.len ? "," : "", law->ops->parts[i],
				      part);
	}
	if (!args.failed)
		text = args.len ? sp_arena_printf(arena, "%s(%s)", law->ops->name, args.text)
				: law->ops->name;
	sp_str_fini(&args);
	return text;
}

/* ---- to draw from ---- */

/* In front of a law's state: what it is made of. */
struct made {
	struct sp_dist_part *parts;
	uint32_t n_parts;
};
#define HEAD 16u
_Static_assert(sizeof(struct made) <= HEAD, "the state behind it stays aligned");

static struct made *made_of(const struct sp_dist *d)
{
	return (struct made *)(void *)((char *)d->state - HEAD);
}

void sp_law_free(struct sp_dist *d, const struct sp_mem *mem)
{
	struct made *m;

	if (!d->state)
		return;
	m = made_of(d);
	if (d->ops->fini)
		d->ops->fini(d->state);
	for (uint32_t i = 0; m->parts && i < m->n_parts; i++)
		sp_law_free(&m->parts[i].dist, mem);
	sp_free(mem, m->parts);
	sp_free(mem, m);
	*d = (struct sp_dist){ 0 };
}

static int make_parts(const struct sp_law *law, const struct sp_mem *mem, struct made *m,
		      struct sp_err *err)
{
	int rc = 0;

	if (!law->n_parts)
		return 0;
	m->parts = sp_alloc_array(mem, law->n_parts, sizeof *m->parts);
	if (!m->parts)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	m->n_parts = law->n_parts;
	for (unsigned i = 0; i < law->n_parts && !rc; i++) {
		m->parts[i].weight = law->parts[i].weight;
		if (law->parts[i].law.ops)
			rc = sp_law_make(&law->parts[i].law, mem, &m->parts[i].dist, err);
	}
	return rc;
}

int sp_law_make(const struct sp_law *law, const struct sp_mem *mem, struct sp_dist *d,
		struct sp_err *err)
{
	char *p = sp_alloc(mem, HEAD + (law->ops->state_size ? law->ops->state_size : 1));
	struct sp_dist_args args = { .conf = law->conf, .mem = mem };
	struct made *m;
	int rc;

	*d = (struct sp_dist){ 0 };
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*d = (struct sp_dist){ law->ops, p + HEAD };
	m = made_of(d);
	rc = make_parts(law, mem, m, err);
	if (!rc) {
		args.parts = m->parts;
		args.n_parts = m->n_parts;
		rc = law->ops->init(d->state, &args, err);
	}
	if (rc) {
		if (rc != -ENOMEM)
			sp_err_prefix(err, "%s", law->ops->name);
		sp_law_free(d, mem);
	}
	return rc;
}
