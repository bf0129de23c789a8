/* Values that pre-processing has left open, all of them named at once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compat/reproducer/config_impl.h"

struct missing {
	char text[360]; /* "bgp.collector.ip (line 4), network.map.repro_ip (line 23, 25)" */
	char last[160]; /* path */
	unsigned n, shown;
};

static void add_missing(struct missing *m, const struct sp_yaml_node *node, const char *path)
{
	bool again = m->shown && m->shown == m->n && strcmp(path, m->last) == 0;
	size_t at = strlen(m->text) - again; /* another line instead of the ) */
	int n;

	m->n++;
	if (again)
		n = snprintf(m->text + at, sizeof m->text - at, ", %u)", node->line);
	else
		n = snprintf(m->text + at, sizeof m->text - at, "%s%s (line %u)",
			     at ? ", " : "", path, node->line);
	if (n < 0 || (size_t)n >= sizeof m->text - at) {
		m->text[at] = '\0';
		if (again)
			strcpy(m->text + at, ")");
		return;
	}
	sp_strlcpy(m->last, path, sizeof m->last);
	m->shown++;
}

/* The tree is at most SP_YAML_DEPTH deep. */
static void find_missing(struct missing *m, const struct sp_yaml_node *node, const char *path)
{
	char below[160];

	if (node->kind == SP_YAML_SCALAR) {
		if (strstr(node->text, SP_REPRO_MISSING))
			add_missing(m, node, path);
		return;
	}
	for (const struct sp_yaml_item *i = node->items; i; i = i->next) {
		snprintf(below, sizeof below, "%s%s%.60s", path, *path && i->key ? "." : "",
			 i->key ? i->key->text : "");
		find_missing(m, i->value, below);
	}
}

int sp_repro_refuse_missing(struct sp_repro *r, struct sp_err *err)
{
	struct missing m = { .n = 0 };
	char more[40] = "";

	find_missing(&m, r->doc.root, "");
	if (!m.n)
		return 0;
	if (m.shown < m.n)
		snprintf(more, sizeof more, ", and %u more", m.n - m.shown);
	return sp_fail(err, -EINVAL, SP_EXIT_DATA,
		       "%s: values are missing (%s stands for them): %s%s", r->doc.name,
		       SP_REPRO_MISSING, m.text, more);
}
