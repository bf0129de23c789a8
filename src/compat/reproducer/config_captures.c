/* Captures: which, how often, where they are. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "capio/read.h"
#include "compat/reproducer/config_impl.h"

static int add_pcap(struct sp_repro *r, const struct sp_yaml_node *v, struct sp_err *err)
{
	char shown[80];
	int rc = sp_yaml_want(&r->doc, v, SP_YAML_SCALAR, "pcap", err);

	if (!rc && (!*v->text || strchr(v->text, '\n')))
		rc = sp_yaml_fail(&r->doc, v, err, "pcap: '%s' is no path",
				  *v->text ? sp_str_printable(shown, sizeof shown, v->text)
					   : "");
	if (!rc)
		r->pcaps[r->n_pcaps++] = (struct sp_repro_pcap){ .path = v->text,
								 .at = v,
								 .count = 1 };
	return rc;
}

int sp_repro_pcaps(struct sp_repro *r, struct sp_err *err)
{
	const struct sp_yaml_node *v = sp_repro_value(r->doc.root, "pcap");
	int rc = 0;

	if (!v)
		return sp_yaml_fail(&r->doc, r->doc.root, err,
				    "pcap: no capture is given (a path, or a list of them)");
	r->pcaps = sp_arena_alloc(&r->doc.arena, (v->n + 1) * sizeof *r->pcaps);
	if (!r->pcaps)
		return sp_repro_no_memory(err);
	if (v->kind != SP_YAML_LIST)
		return add_pcap(r, v, err);
	for (const struct sp_yaml_item *i = v->items; i && !rc; i = i->next)
		rc = add_pcap(r, i->value, err);
	if (!rc && !r->n_pcaps)
		rc = sp_yaml_fail(&r->doc, v, err, "pcap: the list is empty");
	return rc;
}

static int read_counts(struct sp_repro *r, const struct sp_yaml_node *v, struct sp_err *err)
{
	uint64_t sum = 0;
	unsigned k = 0;
	int rc = 0;

	if (v->kind == SP_YAML_SCALAR && r->n_pcaps == 1) {
		sp_repro_say(r, v,
			     "repeat.count: one number instead of a list; read as a list "
			     "of it");
		rc = sp_yaml_value(&r->doc, v, "repeat.count", SP_OPT_U64, &r->pcaps[0].count,
				   err);
		sum = r->pcaps[0].count;
	} else {
		rc = sp_yaml_want(&r->doc, v, SP_YAML_LIST, "repeat.count", err);
		if (!rc && v->n != r->n_pcaps)
			rc = sp_yaml_fail(&r->doc, v, err,
					  "repeat.count has %u numbers, but there %s %u "
					  "capture%s: one for each is needed",
					  v->n, r->n_pcaps == 1 ? "is" : "are", r->n_pcaps,
					  r->n_pcaps == 1 ? "" : "s");
		for (const struct sp_yaml_item *i = rc ? NULL : v->items; i && !rc;
		     i = i->next) {
			rc = sp_yaml_value(&r->doc, i->value, "repeat.count", SP_OPT_U64,
					   &r->pcaps[k].count, err);
			if (!rc && r->pcaps[k].count > SP_REPRO_PLAYS)
				sum = SP_REPRO_PLAYS;
			sum += rc ? 0 : r->pcaps[k++].count;
		}
	}
	if (!rc && sum > SP_REPRO_PLAYS)
		rc = sp_yaml_fail(&r->doc, v, err,
				  "repeat.count: captures would be played more than %u times",
				  SP_REPRO_PLAYS);
	if (!rc && !sum)
		rc = sp_yaml_fail(&r->doc, v, err, "repeat.count: nothing would be played");
	return rc;
}

int sp_repro_repeat(struct sp_repro *r, struct sp_err *err)
{
	static const char *const keys[] = { "count", "pattern", NULL };
	const struct sp_yaml_node *repeat, *count, *pattern;
	char shown[80];
	int rc = sp_repro_map(r, r->doc.root, "repeat", "repeat", &repeat, err);

	if (rc || !repeat)
		return rc;
	r->repeated = true;
	sp_repro_unknown(r, repeat, "repeat", keys);
	count = sp_repro_value(repeat, "count");
	pattern = sp_repro_value(repeat, "pattern");
	if (!count)
		return sp_yaml_fail(&r->doc, repeat, err,
				    "repeat.count: how often each capture is played is "
				    "missing");
	rc = read_counts(r, count, err);
	if (rc || !pattern)
		return rc;
	rc = sp_yaml_want(&r->doc, pattern, SP_YAML_SCALAR, "repeat.pattern", err);
	if (rc)
		return rc;
	r->bulk = strcmp(pattern->text, "bulk") == 0;
	if (!r->bulk && strcmp(pattern->text, "round-robin") != 0)
		return sp_yaml_fail(&r->doc, pattern, err,
				    "repeat.pattern: '%s' is neither round-robin nor bulk",
				    sp_str_printable(shown, sizeof shown, pattern->text));
	return 0;
}

/* What is no capture, or cannot be read, is told here, where its line is known. A pipe can be read
 * but once. */
static int look_at(const struct sp_repro *r, const struct sp_repro_pcap *p, struct sp_err *err)
{
	char shown[200], place[256];
	struct sp_cap *cap;
	struct stat st;
	int rc;

	sp_yaml_place(&r->doc, p->at, place, sizeof place);
	if (stat(p->path, &st) == 0 && S_ISDIR(st.st_mode))
		return sp_fail(err, -EISDIR, SP_EXIT_NOINPUT,
			       "%s: %s is a directory; name the captures in it one by one",
			       place, sp_str_printable(shown, sizeof shown, p->path));
	if (!sp_file_is_regular(p->path))
		return 0;
	rc = sp_cap_open(&cap, p->path, r->mem, err);
	if (rc)
		sp_err_prefix(err, "%s", place);
	else
		sp_cap_close(cap);
	return rc;
}

/* The path as it is, or beside the file. */
static int place_one(struct sp_repro *r, struct sp_repro_pcap *p, struct sp_err *err)
{
	const char *slash = strrchr(r->doc.name, '/'), *beside = p->path;
	char shown[200], place[256];

	if (access(p->path, F_OK) == 0)
		return 0;
	if (slash && *p->path != '/')
		beside = sp_arena_printf(&r->doc.arena, "%.*s/%s", (int)(slash - r->doc.name),
					 r->doc.name, p->path);
	if (!beside)
		return sp_repro_no_memory(err);
	if (access(beside, F_OK))
		return sp_fail(err, -ENOENT, SP_EXIT_NOINPUT,
			       "%s: the capture %s is not there, neither as seen from the "
			       "working directory nor beside this file",
			       sp_yaml_place(&r->doc, p->at, place, sizeof place),
			       sp_str_printable(shown, sizeof shown, p->path));
	p->path = beside;
	return 0;
}

int sp_repro_find(struct sp_repro *r, struct sp_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < r->n_pcaps && !rc; i++) {
		rc = place_one(r, &r->pcaps[i], err);
		if (!rc)
			rc = look_at(r, &r->pcaps[i], err);
	}
	return rc;
}
