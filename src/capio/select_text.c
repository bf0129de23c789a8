/* Conditions as a text: HEADER.FIELD=VALUE|VALUE,HEADER.FIELD!=VALUE. */
#include "capio/select_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "pkt/build.h"

/* What is read. */
struct reader {
	struct sp_selector *w;
	const struct sp_select_others *others;
	const char *what;
	const char *text; /* of the user */
	const char *at;	  /* the condition in it that is read */
	char *header, *field;
	bool not ;
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int bad(const struct reader *r, const char *why, struct sp_err *err)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s:%zu: %s", r->what,
		       (size_t)(r->at - r->text) + 1, why);
}

static int no_condition(const struct reader *r, const char *text, struct sp_err *err)
{
	char why[SP_ERR_TEXT], shown[80];

	snprintf(why, sizeof why, "'%s' is not HEADER.FIELD=VALUE, such as ip.src=10.0.0.0/8",
		 sp_str_printable(shown, sizeof shown, text));
	return bad(r, why, err);
}

/* A name that is neither a header nor another's, and is like one of the latter. */
static const char *near_other(const struct reader *r)
{
	size_t n = 0;

	while (r->others && r->others->names && r->others->names[n])
		n++;
	return n ? sp_str_nearest(r->header, r->others->names, n) : NULL;
}

static int add_value(struct reader *r, const char *value, struct sp_err *err)
{
	const struct sp_select_others *o = r->others;
	struct sp_err why = { 0 };
	char text[SP_ERR_TEXT], shown[80];
	const char *near;
	int rc;

	if (o && o->is(o->arg, r->header))
		rc = o->add(o->arg, r->header, r->field, r->not, value, &why);
	else
		rc = (r->not ? sp_select_add_not : sp_select_add)(
			&r->w->select, r->w->hdr, r->header, r->field, value, &why);
	if (!rc || rc == -ENOMEM)
		return rc ? no_memory(err) : 0;
	near = rc == -ENOENT && !strstr(why.text, "did you mean") ? near_other(r) : NULL;
	if (!near)
		return bad(r, why.text, err);
	snprintf(text, sizeof text, "%s: there is no such header; did you mean '%s'?",
		 sp_str_printable(shown, sizeof shown, r->header), near);
	return bad(r, text, err);
}

/* All values of it; text is ours to cut. */
static int add_values(struct reader *r, char *text, struct sp_err *err)
{
	char *next;
	int rc = 0;

	for (; text && !rc; text = next) {
		next = strchr(text, '|');
		if (next)
			*next++ = '\0';
		rc = add_value(r, text, err);
	}
	return rc;
}

/* Between two commas. */
static int read_word(struct reader *r, char *word, struct sp_err *err)
{
	char *value = strchr(word, '='), *dot = strchr(word, '.');

	if (!value && r->header)
		return add_values(r, word, err);
	if (!value || !dot || dot > value || dot == word)
		return no_condition(r, word, err);
	*dot = '\0';
	r->not = value > dot + 1 && value[-1] == '!';
	value[r->not ? -1 : 0] = '\0';
	r->header = word;
	r->field = dot + 1;
	return add_values(r, value + 1, err);
}

static int read_all(struct reader *r, struct sp_err *err)
{
	char *words = sp_arena_strdup(&r->w->arena, r->text), *all = words, *next;
	int rc = words ? 0 : no_memory(err);

	for (; words && !rc; words = next) {
		next = strchr(words, ',');
		if (next)
			*next++ = '\0';
		r->at = r->text + (words - all);
		rc = read_word(r, words, err);
	}
	return rc;
}

int sp_selector_new(struct sp_selector **out, const char *what, const char *text,
		    const struct sp_hdr_ops *const *hdr, const struct sp_select_others *others,
		    const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_selector *w = sp_alloc(mem, sizeof *w);
	struct reader r = { .w = w, .others = others, .what = what, .text = text, .at = text };
	int rc;

	*out = NULL;
	if (!w)
		return no_memory(err);
	w->mem = mem;
	w->hdr = hdr;
	sp_arena_init(&w->arena, mem);
	w->select = (struct sp_select){ .arena = &w->arena, .deep = true };
	w->build = sp_alloc(mem, sizeof *w->build);
	rc = w->build ? read_all(&r, err) : no_memory(err);
	if (rc)
		sp_selector_free(w);
	else
		*out = w;
	return rc;
}

void sp_selector_free(struct sp_selector *w)
{
	if (!w)
		return;
	sp_free(w->mem, w->build);
	sp_arena_fini(&w->arena);
	sp_free(w->mem, w);
}
