/* What is recorded, and on which host. */
#include <stddef.h>
#include <string.h>

#include "pkt/filter.h"
#include "scenario/scenario_impl.h"

#define AT(member) offsetof(struct sp_scenario_capture, member)
const struct sp_opt sc_capture_rows[] = {
	{ "interface", SP_OPT_TEXT, AT(interface), "", NULL, 0, 0, "what to record" },
	{ "filter", SP_OPT_TEXT, AT(filter), "", NULL, 0, 0,
	  "only what this takes (pcap-filter(7)), such as udp port 5001; empty: all" },
	{ "file", SP_OPT_TEXT, AT(file), "", NULL, 0, 0,
	  "name of the file in the run folder, NAME.pcapng or NAME.pcap" },
	{ 0 },
};

static int read_host(struct sc_reader *r, const struct sp_yaml_node *map,
		     struct sp_scenario_capture *c)
{
	const struct sp_yaml_node *host = sp_yaml_get(map, "host");
	const char *word;
	int rc;

	if (!host && r->s->n_hosts > 1)
		return sp_yaml_fail(&r->s->doc, map, r->err, "on which host? add 'host: NAME'");
	if (!host)
		return 0;
	rc = sc_text(r, host, "host", &word);
	return rc ? rc : sc_find(r, host, "host", word, sc_host_name, r->s->n_hosts, &c->host);
}

static bool ends_so(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n > e && strcmp(name + n - e, end) == 0;
}

/* A name of its own among the captures', and none that leads elsewhere. */
static int check_file(struct sc_reader *r, const struct sp_yaml_node *map,
		      const struct sp_scenario_capture *c)
{
	const struct sp_yaml_node *at = sp_yaml_get(map, "file");

	if (!at)
		return sp_yaml_fail(&r->s->doc, map, r->err,
				    "into which file? add 'file: NAME.pcap'");
	if ((!ends_so(c->file, ".pcap") && !ends_so(c->file, ".pcapng")) ||
	    strlen(c->file) > 100 || *c->file == '.' || strpbrk(c->file, "/\n\r\t"))
		return sp_yaml_fail(&r->s->doc, at, r->err,
				    "file: a name in the run folder that ends in .pcapng or "
				    ".pcap is expected, without a folder");
	for (const struct sp_scenario_capture *o = r->s->captures; o < c; o++)
		if (strcmp(o->file, c->file) == 0)
			return sp_yaml_fail(&r->s->doc, at, r->err,
					    "two captures write to '%.60s'", c->file);
	return 0;
}

static int check_filter(struct sc_reader *r, const struct sp_yaml_node *map,
			const struct sp_scenario_capture *c)
{
	const struct sp_yaml_node *at = sp_yaml_get(map, "filter");
	char place[256];
	int rc;

	if (!at)
		return 0;
	rc = sp_filter_check(c->filter, SP_EXIT_DATA, r->err);
	if (rc)
		sp_err_prefix(r->err, "%s", sp_yaml_place(&r->s->doc, at, place, sizeof place));
	return rc;
}

static int read_capture(struct sc_reader *r, const struct sp_yaml_node *map,
			struct sp_scenario_capture *c)
{
	static const char *const words[] = { "host", NULL };
	int rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "a capture", r->err);

	*c = (struct sp_scenario_capture){ .filter = "", .interface = "", .file = "" };
	if (!rc)
		rc = sp_yaml_known(&r->s->doc, map, words, sc_capture_rows, r->err);
	for (const struct sp_opt *o = sc_capture_rows; o->name && !rc; o++) {
		const struct sp_yaml_node *v = sp_yaml_get(map, o->name);

		if (v)
			rc = sc_text(r, v, o->name,
				     (const char **)(void *)((char *)c + o->off));
	}
	if (!rc)
		rc = read_host(r, map, c);
	if (!rc && !*c->interface)
		rc = sp_yaml_fail(&r->s->doc, map, r->err,
				  "what is to be recorded? add 'interface: NAME'");
	if (!rc)
		rc = check_file(r, map, c);
	return rc ? rc : check_filter(r, map, c);
}

int sc_read_captures(struct sc_reader *r)
{
	const struct sp_yaml_node *list = sp_yaml_get(r->root, "capture");
	struct sp_scenario *s = r->s;
	int rc;

	if (!list)
		return 0;
	rc = sp_yaml_want(&s->doc, list, SP_YAML_LIST, "capture", r->err);
	if (rc)
		return rc;
	if (list->n > SP_SCENARIO_HOSTS)
		return sp_yaml_fail(&s->doc, list, r->err, "capture: at most %u are possible",
				    SP_SCENARIO_HOSTS);
	s->captures = sc_alloc(r, list->n, sizeof *s->captures);
	if (!s->captures)
		return sc_no_memory(r);
	for (const struct sp_yaml_item *i = list->items; i && !rc; i = i->next)
		rc = read_capture(r, i->value, &s->captures[s->n_captures++]);
	return rc;
}
