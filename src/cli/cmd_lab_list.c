#include "cli/cmd_lab_list.h"

#include "base/json.h"
#include "lab/named.h"
#include "lab/show.h"
#include "report/fmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LABS_MAX 256u

struct list {
	struct sp_str text;
	struct sp_json json;
	bool as_json;
};

static int ask(const char *lab, enum sp_lab_what what, unsigned number,
	       struct sp_lab_note *note, struct sp_err *err)
{
	struct sp_lab_order o = { .what = what, .number = number };

	return sp_lab_named_ask(lab, &o, note, NULL, NULL, err);
}

static void show_head(struct list *l, const struct sp_lab_who *w)
{
	char started[32];

	sp_fmt_utc(started, sizeof started, w->started_ns, 0);
	if (!l->as_json) {
		sp_str_printf(&l->text, "lab %s: held by process %d since %s\n", w->name,
			      (int)w->holder, started);
		return;
	}
	sp_json_open(&l->json, NULL, '{');
	sp_json_str(&l->json, "name", w->name);
	sp_json_u64(&l->json, "holder", (uint64_t)w->holder);
	sp_json_str(&l->json, "started", started);
	sp_json_open(&l->json, "nodes", '[');
}

static void show_node(struct list *l, unsigned i, const struct sp_lab_who *w)
{
	if (!l->as_json) {
		sp_str_printf(&l->text, "%s%s %s", i ? ", " : "  ", sp_lab_kind_name(w->kind),
			      w->node);
		return;
	}
	sp_json_open(&l->json, NULL, '{');
	sp_json_str(&l->json, "name", w->node);
	sp_json_str(&l->json, "kind", sp_lab_kind_name(w->kind));
	sp_json_close(&l->json, '}');
}

static int show_lab(struct list *l, const char *name, struct sp_err *err)
{
	struct sp_lab_note note;
	unsigned n_links = 0;
	int rc = ask(name, SP_LAB_WHO, 0, &note, err);

	if (rc)
		return rc;
	show_head(l, &note.who);
	n_links = note.who.n_links;
	for (unsigned i = 0, n = note.who.n_nodes; i < n && !rc; i++) {
		rc = i ? ask(name, SP_LAB_WHO, i, &note, err) : 0;
		if (!rc)
			show_node(l, i, &note.who);
	}
	if (l->as_json) {
		sp_json_close(&l->json, ']');
		sp_json_open(&l->json, "links", '[');
	} else {
		sp_str_puts(&l->text, "\n");
	}
	for (unsigned i = 0; i < n_links && !rc; i++) {
		rc = ask(name, SP_LAB_STATE, i, &note, err);
		if (!rc && l->as_json)
			sp_lab_show_link_json(&l->json, &note.link);
		else if (!rc)
			sp_lab_show_link(&l->text, &note.link);
	}
	if (l->as_json) {
		sp_json_close(&l->json, ']');
		sp_json_close(&l->json, '}');
	}
	return rc;
}

static int print(struct list *l, struct sp_err *err)
{
	int rc = 0;

	if (l->text.failed)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else if (fputs(l->text.text, stdout) < 0 || fflush(stdout))
		rc = sp_fail(err, -EIO, SP_EXIT_IO, "cannot write the result: %s",
			     strerror(errno));
	sp_str_fini(&l->text);
	return rc;
}

static void begin(struct list *l, bool json)
{
	l->as_json = json;
	sp_str_init(&l->text, sp_mem_system());
	sp_json_init(&l->json, &l->text, 2);
}

int sp_cmd_lab_list(bool json, struct sp_err *err)
{
	char names[LABS_MAX][SP_LAB_NAME_LEN];
	struct list l;
	unsigned n;
	int rc = sp_lab_named_list(names, LABS_MAX, &n, err);

	if (rc)
		return rc;
	begin(&l, json);
	if (json) {
		sp_json_open(&l.json, NULL, '{');
		sp_json_u64(&l.json, "schema", 1);
		sp_json_open(&l.json, "labs", '[');
	}
	for (unsigned i = 0; i < n && !rc; i++) {
		size_t before = l.text.len;

		/* One that goes away meanwhile is not in the list. */
		if (show_lab(&l, names[i], err) && l.text.len == before)
			continue;
	}
	if (json) {
		sp_json_close(&l.json, ']');
		sp_json_close(&l.json, '}');
		sp_str_puts(&l.text, "\n");
	}
	return print(&l, err);
}

int sp_cmd_lab_show_link(const struct sp_lab_link_state *state, bool json)
{
	struct sp_err err = { 0 };
	struct list l;

	begin(&l, json);
	if (json)
		sp_lab_show_link_json(&l.json, state);
	else
		sp_lab_show_link(&l.text, state);
	if (json)
		sp_str_puts(&l.text, "\n");
	if (!print(&l, &err))
		return 0;
	fprintf(stderr, "spate lab: %s\n", err.text);
	return (int)err.exit;
}
