#include "compat/reproducer/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/factor.h"
#include "compat/reproducer/config_impl.h"

/* ---- what is still missing ---- */

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

static int refuse_missing(struct sp_repro *r, struct sp_err *err)
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

/* ---- captures ---- */

static int add_pcap(struct sp_repro *r, const struct sp_yaml_node *v, struct sp_err *err)
{
	int rc = sp_yaml_want(&r->doc, v, SP_YAML_SCALAR, "pcap", err);

	if (!rc && (!*v->text || strchr(v->text, '\n')))
		rc = sp_yaml_fail(&r->doc, v, err, "pcap: that is no path");
	if (!rc)
		r->pcaps[r->n_pcaps++] = (struct sp_repro_pcap){ .path = v->text,
								 .at = v,
								 .count = 1 };
	return rc;
}

static int read_pcaps(struct sp_repro *r, struct sp_err *err)
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

static int read_repeat(struct sp_repro *r, struct sp_err *err)
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

/* ---- network ---- */

static int add_map(struct sp_repro *r, const struct sp_yaml_node *v, struct sp_err *err)
{
	static const char *const keys[] = { "src_ip", "repro_ip", NULL };
	struct sp_repro_map *m = &r->map[r->n_map];
	const struct sp_yaml_node *from, *to;
	char shown[80];
	int rc = sp_yaml_want(&r->doc, v, SP_YAML_MAP, "network.map", err);

	if (rc)
		return rc;
	sp_repro_unknown(r, v, "network.map", keys);
	from = sp_repro_value(v, "src_ip");
	to = sp_repro_value(v, "repro_ip");
	if (!from)
		return sp_yaml_fail(&r->doc, v, err, "network.map: src_ip is missing");
	rc = sp_yaml_want(&r->doc, from, SP_YAML_SCALAR, "network.map.src_ip", err);
	if (!rc && to)
		rc = sp_yaml_want(&r->doc, to, SP_YAML_SCALAR, "network.map.repro_ip", err);
	if (rc)
		return rc;
	if (sp_addr_parse(from->text, &m->from))
		return sp_yaml_fail(&r->doc, from, err,
				    "network.map.src_ip: '%s' is not an address",
				    sp_str_printable(shown, sizeof shown, from->text));
	if (to && *to->text && sp_addr_parse(to->text, &m->to))
		return sp_yaml_fail(&r->doc, to, err,
				    "network.map.repro_ip: '%s' is not an address",
				    sp_str_printable(shown, sizeof shown, to->text));
	for (unsigned i = 0; i < r->n_map; i++)
		if (sp_addr_eq(&r->map[i].from, &m->from))
			return sp_yaml_fail(&r->doc, from, err,
					    "network.map: %s is there twice",
					    sp_addr_format(shown, sizeof shown, &m->from));
	r->n_map++;
	return 0;
}

static int read_map(struct sp_repro *r, const struct sp_yaml_node *network, struct sp_err *err)
{
	const struct sp_yaml_node *v = sp_repro_value(network, "map");
	int rc = 0;

	if (!v)
		return 0;
	r->mapped = true;
	r->map = sp_arena_alloc(&r->doc.arena, (v->n + 1) * sizeof *r->map);
	if (!r->map)
		return sp_repro_no_memory(err);
	if (v->kind == SP_YAML_MAP) {
		sp_repro_say(r, v,
			     "network.map: one pair instead of a list of them (as the "
			     "pre-processor of traffic-reproducer writes it); read as a "
			     "list of it");
		return add_map(r, v, err);
	}
	rc = sp_yaml_want(&r->doc, v, SP_YAML_LIST, "network.map", err);
	for (const struct sp_yaml_item *i = rc ? NULL : v->items; i && !rc; i = i->next)
		rc = add_map(r, i->value, err);
	return rc;
}

static int read_network(struct sp_repro *r, struct sp_err *err)
{
	static const char *const keys[] = { "map", "interface", NULL };
	const struct sp_yaml_node *network;
	int rc = sp_repro_map(r, r->doc.root, "network", "network", &network, err);

	if (rc || !network)
		return rc;
	sp_repro_unknown(r, network, "network", keys);
	rc = sp_repro_take(r, network, "interface", "network.interface", SP_OPT_TEXT,
			   &r->interface, err);
	if (r->interface && !*r->interface)
		r->interface = NULL;
	return rc ? rc : read_map(r, network, err);
}

static int read_optimize(struct sp_repro *r, struct sp_err *err)
{
	static const char *const keys[] = { "threading", "preload", "network", NULL };
	static const char *const network_keys[] = { "so_sndbuf", "so_rcvbuf", NULL };
	const struct sp_yaml_node *o, *network = NULL;
	int rc = sp_repro_map(r, r->doc.root, "optimize", "optimize", &o, err);

	if (rc || !o)
		return rc;
	sp_repro_unknown(r, o, "optimize", keys);
	rc = sp_repro_take(r, o, "threading", "optimize.threading", SP_OPT_BOOL, &r->threading,
			   err);
	if (!rc)
		rc = sp_repro_take(r, o, "preload", "optimize.preload", SP_OPT_BOOL,
				   &r->preload, err);
	if (!rc)
		rc = sp_repro_map(r, o, "network", "optimize.network", &network, err);
	if (rc || !network)
		return rc;
	sp_repro_unknown(r, network, "optimize.network", network_keys);
	rc = sp_repro_take(r, network, "so_sndbuf", "optimize.network.so_sndbuf", SP_OPT_SIZE,
			   &r->sndbuf, err);
	if (!rc)
		rc = sp_repro_take(r, network, "so_rcvbuf", "optimize.network.so_rcvbuf",
				   SP_OPT_SIZE, &r->rcvbuf, err);
	return rc;
}

/* ---- the rest ---- */

static int read_factor(struct sp_repro *r, struct sp_err *err)
{
	const struct sp_yaml_node *v = sp_repro_value(r->doc.root, "time_factor");
	struct sp_factor f;
	char shown[80];
	int rc;

	r->time_factor = "1";
	if (!v)
		return 0;
	rc = sp_yaml_want(&r->doc, v, SP_YAML_SCALAR, "time_factor", err);
	if (rc)
		return rc;
	rc = sp_factor_parse(v->text, &f);
	sp_str_printable(shown, sizeof shown, v->text);
	if (rc == -ERANGE)
		return sp_yaml_fail(
			&r->doc, v, err,
			"time_factor: gaps cannot be multiplied by %s: it is above 0 "
			"and at most a million (0.01 is a hundred times as fast)",
			shown);
	if (rc)
		return sp_yaml_fail(&r->doc, v, err, "time_factor: '%s' is not a number",
				    shown);
	r->time_factor = v->text;
	return 0;
}

static int read_processing(struct sp_repro *r, struct sp_err *err)
{
	static const char *const keys[] = { "initial_delay",
					    "inter_packet_delay",
					    "inter_protocol_delay",
					    "output_folder",
					    "desired_tcp_payload_size",
					    "exit",
					    NULL };
	struct sp_repro_processing *p = &r->processing;
	const struct sp_yaml_node *m;
	bool leave = true;
	int rc = sp_repro_map(r, r->doc.root, "pcap_processing", "pcap_processing", &m, err);

	if (rc || !m)
		return rc;
	p->given = true;
	sp_repro_unknown(r, m, "pcap_processing", keys);
	rc = sp_repro_take_seconds(r, m, "initial_delay", "initial_delay", &p->initial_ns,
				   &p->initial_given, err);
	if (!rc)
		rc = sp_repro_take_seconds(r, m, "inter_packet_delay", "inter_packet_delay",
					   &p->inter_packet_ns, &p->inter_packet_given, err);
	if (!rc)
		rc = sp_repro_take_seconds(r, m, "inter_protocol_delay", "inter_protocol_delay",
					   &p->inter_protocol_ns, &p->inter_protocol_given,
					   err);
	if (!rc)
		rc = sp_repro_take(r, m, "output_folder", "output_folder", SP_OPT_TEXT,
				   &p->folder, err);
	if (!rc)
		rc = sp_repro_take(r, m, "desired_tcp_payload_size", "desired_tcp_payload_size",
				   SP_OPT_SIZE, &p->payload_size, err);
	if (!rc)
		rc = sp_repro_take(r, m, "exit", "pcap_processing.exit", SP_OPT_BOOL, &leave,
				   err);
	p->go_on = !leave;
	return rc;
}

static void tell_unknown(struct sp_repro *r)
{
	const char *words[16 + SP_REPRO_SECTIONS] = {
		"pcap",	    "repeat",  "time_factor",	  "keep_open",	 "no_sync",
		"optimize", "network", "pcap_processing", "udp_generic", "tcp_generic"
	};
	unsigned n = 10;

	for (const struct sp_codec_ops *const *c = r->catalog->codec;
	     *c && n < 15 + SP_REPRO_SECTIONS; c++)
		if ((*c)->section)
			words[n++] = (*c)->section;
	sp_repro_unknown(r, r->doc.root, "", words);
}

static int read_all(struct sp_repro *r, bool for_replay, struct sp_err *err)
{
	int rc = sp_yaml_want(&r->doc, r->doc.root, SP_YAML_MAP, "the file", err);

	if (!rc && for_replay)
		rc = refuse_missing(r, err);
	if (rc)
		return rc;
	tell_unknown(r);
	rc = read_pcaps(r, err);
	if (!rc)
		rc = read_repeat(r, err);
	if (!rc)
		rc = read_factor(r, err);
	if (!rc)
		rc = sp_repro_take(r, r->doc.root, "keep_open", "keep_open", SP_OPT_BOOL,
				   &r->keep_open, err);
	if (!rc)
		rc = sp_repro_take(r, r->doc.root, "no_sync", "no_sync", SP_OPT_BOOL,
				   &r->no_sync, err);
	if (!rc)
		rc = read_optimize(r, err);
	if (!rc)
		rc = read_network(r, err);
	if (!rc)
		rc = read_processing(r, err);
	if (!rc)
		rc = sp_repro_sections(r, for_replay, err);
	if (!rc && r->remarks.failed)
		rc = sp_repro_no_memory(err);
	return rc;
}

static int finish(struct sp_repro *r, bool for_replay, struct sp_err *err)
{
	int rc = read_all(r, for_replay, err);

	if (rc)
		sp_repro_free(r);
	return rc;
}

int sp_repro_parse(struct sp_repro *r, const char *name, const char *text, size_t len,
		   bool for_replay, const struct sp_catalog *catalog, const struct sp_mem *mem,
		   struct sp_err *err)
{
	int rc;

	*r = (struct sp_repro){ .catalog = catalog, .mem = mem };
	sp_str_init(&r->remarks, mem);
	rc = sp_yaml_parse(&r->doc, name, text, len, mem, err);
	return rc ? rc : finish(r, for_replay, err);
}

int sp_repro_read(struct sp_repro *r, const char *path, bool for_replay,
		  const struct sp_catalog *catalog, const struct sp_mem *mem,
		  struct sp_err *err)
{
	int rc;

	*r = (struct sp_repro){ .catalog = catalog, .mem = mem };
	sp_str_init(&r->remarks, mem);
	rc = sp_yaml_read(&r->doc, path, mem, err);
	return rc ? rc : finish(r, for_replay, err);
}

void sp_repro_free(struct sp_repro *r)
{
	for (unsigned i = 0; i < r->n_sections; i++)
		sp_str_fini(&r->sections[i].words);
	sp_str_fini(&r->remarks);
	sp_yaml_free(&r->doc);
}

/* ---- files ---- */

int sp_repro_find(struct sp_repro *r, struct sp_err *err)
{
	const char *slash = strrchr(r->doc.name, '/');
	char shown[200], place[256];

	for (unsigned i = 0; i < r->n_pcaps; i++) {
		struct sp_repro_pcap *p = &r->pcaps[i];
		const char *beside = p->path;

		if (access(p->path, F_OK) == 0)
			continue;
		if (slash && *p->path != '/')
			beside = sp_arena_printf(&r->doc.arena, "%.*s/%s",
						 (int)(slash - r->doc.name), r->doc.name,
						 p->path);
		if (!beside)
			return sp_repro_no_memory(err);
		if (access(beside, F_OK))
			return sp_fail(err, -ENOENT, SP_EXIT_NOINPUT,
				       "%s: the capture %s is not there, neither as seen from "
				       "the working directory nor beside this file",
				       sp_yaml_place(&r->doc, p->at, place, sizeof place),
				       sp_str_printable(shown, sizeof shown, p->path));
		p->path = beside;
	}
	return 0;
}
