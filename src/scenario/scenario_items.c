/* Ports, streams and receivers as written: who is meant, before any value is looked at. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "scenario/scenario_impl.h"

const char *sc_port_name(const struct sc_reader *r, unsigned i)
{
	return r->ports[i].name;
}

const char *sc_stream_name(const struct sc_reader *r, unsigned i)
{
	return r->streams[i].name;
}

const char *sc_host_name(const struct sc_reader *r, unsigned i)
{
	return r->s->hosts[i].name;
}

/* ---- ports ---- */

static int read_port(struct sc_reader *r, const struct sp_yaml_item *item, struct sc_port *p)
{
	const struct sp_yaml_node *host, *transport;
	const struct sp_transport_ops *ops;
	const char *word;
	int rc = sp_yaml_want(&r->s->doc, item->value, SP_YAML_MAP, item->key->text, r->err);

	*p = (struct sc_port){ .name = item->key->text, .node = item->key, .map = item->value };
	if (rc)
		return rc;
	transport = sp_yaml_get(p->map, "transport");
	if (transport) {
		rc = sc_text(r, transport, "transport", &word);
		ops = rc ? NULL : sp_catalog_transport(r->conf->catalog, word);
		p->echoes = ops && ops->echoes;
	}
	host = sp_yaml_get(p->map, "host");
	if (!rc && host) {
		rc = sc_text(r, host, "host", &word);
		return rc ? rc
			  : sc_find(r, host, "host", word, sc_host_name, r->s->n_hosts,
				    &p->host);
	}
	if (!rc && r->s->n_hosts > 1)
		rc = sp_yaml_fail(&r->s->doc, item->key, r->err,
				  "port %.40s: on which host? add 'host: NAME'", p->name);
	return rc;
}

static int read_ports(struct sc_reader *r)
{
	const struct sp_yaml_node *map = sp_yaml_get(r->root, "ports");
	int rc;

	r->ports = sc_alloc(r, map ? map->n : 1, sizeof *r->ports);
	if (!r->ports)
		return sc_no_memory(r);
	if (!map) {
		r->ports[r->n_ports++] = (struct sc_port){ .name = "tx0", .node = r->root };
		return 0;
	}
	rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "ports", r->err);
	for (const struct sp_yaml_item *i = rc ? NULL : map->items; i && !rc; i = i->next)
		rc = read_port(r, i, &r->ports[r->n_ports++]);
	return rc;
}

/* ---- streams ---- */

static int find_port(struct sc_reader *r, const struct sp_yaml_node *v, const char *what,
		     unsigned *at)
{
	const char *word;
	int rc = sc_text(r, v, what, &word);

	return rc ? rc : sc_find(r, v, "port", word, sc_port_name, r->n_ports, at);
}

static int name_stream(struct sc_reader *r, struct sc_stream *s)
{
	const struct sp_yaml_node *name = sp_yaml_get(s->map, "name");
	char buf[16];
	int rc = 0;

	if (name) {
		rc = sc_text(r, name, "name", &s->name);
	} else {
		snprintf(buf, sizeof buf, "s%u", r->n_streams);
		s->name = sp_arena_strdup(&r->s->doc.arena, buf);
		rc = s->name ? 0 : sc_no_memory(r);
	}
	for (unsigned i = 0; i + 1 < r->n_streams && !rc; i++)
		if (strcmp(r->streams[i].name, s->name) == 0)
			rc = sp_yaml_fail(&r->s->doc, name ? name : s->map, r->err,
					  "two streams are called '%.60s'", s->name);
	return rc;
}

/* A protocol may bring rows of its own: then the plan's builder knows which keys there are. */
static int check_keys(struct sc_reader *r, const struct sp_yaml_node *map,
		      const char *const *words, enum sp_plan_item item)
{
	const struct sp_yaml_node *v = sp_yaml_get(map, "protocol");

	if (v && v->kind == SP_YAML_SCALAR && strcmp(v->text, "udp") != 0)
		return 0;
	return sc_known(r, map, words, item, true);
}

static int check_profile(struct sc_reader *r, const struct sp_yaml_node *profile)
{
	int rc = sp_yaml_want(&r->s->doc, profile, SP_YAML_MAP, "profile", r->err);

	if (!rc)
		rc = check_keys(r, profile, sc_profile_words, SP_PLAN_STREAM);
	for (const struct sp_yaml_item *i = rc ? NULL : profile->items; i && !rc; i = i->next)
		if (strcmp(i->key->text, "name") == 0 || strcmp(i->key->text, "from") == 0)
			rc = sp_yaml_fail(&r->s->doc, i->key, r->err,
					  "'%s' stands beside the profile, not in it",
					  i->key->text);
	return rc;
}

static int read_stream(struct sc_reader *r, const struct sp_yaml_node *map)
{
	struct sc_stream *s = &r->streams[r->n_streams++];
	const struct sp_yaml_node *from, *to, *profile;
	unsigned at = 0;
	int rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "a stream", r->err);

	*s = (struct sc_stream){ .map = map, .to = -1 };
	if (!rc)
		rc = check_keys(r, map, sc_stream_words, SP_PLAN_STREAM);
	if (!rc)
		rc = name_stream(r, s);
	if (rc)
		return rc;
	from = sp_yaml_get(map, "from");
	to = sp_yaml_get(map, "to");
	profile = sp_yaml_get(map, "profile");
	if (from)
		rc = find_port(r, from, "from", &s->from);
	else if (r->n_ports != 1)
		rc = sp_yaml_fail(&r->s->doc, map, r->err,
				  "stream %.40s: from which port? add 'from: PORT'", s->name);
	if (!rc && to)
		rc = find_port(r, to, "to", &at);
	if (!rc && !to && !sp_yaml_get(map, "target"))
		rc = sp_yaml_fail(&r->s->doc, map, r->err,
				  "stream %.40s: where to? add 'to: PORT' or 'target: "
				  "HOST:NUMBER'",
				  s->name);
	if (!rc && profile)
		rc = check_profile(r, profile);
	if (rc)
		return rc;
	r->ports[s->from].tx = true;
	s->to = to ? (int)at : -1;
	return 0;
}

/* ---- receivers ---- */

static bool receives(const struct sc_reader *r, unsigned port)
{
	for (unsigned i = 0; i < r->n_receivers; i++)
		if (r->receivers[i].from == port)
			return true;
	return false;
}

static int read_receiver(struct sc_reader *r, const struct sp_yaml_node *map)
{
	struct sc_receiver v = { .map = map };
	const struct sp_yaml_node *from, *name;
	int rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "a receiver", r->err);

	if (!rc)
		rc = check_keys(r, map, NULL, SP_PLAN_RECV);
	if (rc)
		return rc;
	from = sp_yaml_get(map, "from");
	name = sp_yaml_get(map, "name");
	if (from)
		rc = find_port(r, from, "from", &v.from);
	else if (r->n_ports != 1)
		rc = sp_yaml_fail(&r->s->doc, map, r->err, "on which port? add 'from: PORT'");
	if (rc)
		return rc;
	v.name = r->ports[v.from].name;
	if (name)
		rc = sc_text(r, name, "name", &v.name);
	if (!rc && receives(r, v.from))
		rc = sp_yaml_fail(&r->s->doc, from ? from : map, r->err,
				  "port %.40s has a receiver already", r->ports[v.from].name);
	r->ports[v.from].rx = true;
	r->receivers[r->n_receivers++] = v;
	return rc;
}

/* A port that a stream goes to receives without being told. */
static void imply_receiver(struct sc_reader *r, unsigned port, const char *name)
{
	if (receives(r, port))
		return;
	r->ports[port].rx = true;
	r->receivers[r->n_receivers++] = (struct sc_receiver){ .name = name, .from = port };
}

/* So does one that hears itself; the names are those that send gives. */
static int imply_own_receiver(struct sc_reader *r, unsigned port, unsigned *n)
{
	char *name = sp_arena_printf(&r->s->doc.arena, "rx%u", *n);

	if (!name)
		return sc_no_memory(r);
	if (!receives(r, port))
		++*n;
	imply_receiver(r, port, name);
	return 0;
}

static int read_list(struct sc_reader *r, const char *key,
		     int (*read)(struct sc_reader *, const struct sp_yaml_node *))
{
	const struct sp_yaml_node *list = sp_yaml_get(r->root, key);
	int rc = list ? sp_yaml_want(&r->s->doc, list, SP_YAML_LIST, key, r->err) : 0;

	for (const struct sp_yaml_item *i = list && !rc ? list->items : NULL; i && !rc;
	     i = i->next)
		rc = read(r, i->value);
	return rc;
}

static uint32_t length(const struct sc_reader *r, const char *key)
{
	const struct sp_yaml_node *v = sp_yaml_get(r->root, key);

	return v ? v->n : 0;
}

int sc_read_items(struct sc_reader *r)
{
	unsigned own = 0;
	int rc = read_ports(r);

	if (rc)
		return rc;
	r->streams = sc_alloc(r, length(r, "streams"), sizeof *r->streams);
	r->receivers = sc_alloc(r, length(r, "receivers") + r->n_ports, sizeof *r->receivers);
	if (!r->streams || !r->receivers)
		return sc_no_memory(r);
	rc = read_list(r, "streams", read_stream);
	if (!rc)
		rc = read_list(r, "receivers", read_receiver);
	if (!rc && !r->n_streams && !r->n_receivers)
		rc = sp_yaml_fail(&r->s->doc, r->root, r->err,
				  "nothing to do: there are no streams and no receivers");
	for (unsigned i = 0; i < r->n_streams && !rc; i++) {
		unsigned from = r->streams[i].from;
		int to = r->streams[i].to;

		if (r->ports[from].echoes)
			rc = imply_own_receiver(r, from, &own);
		if (to >= 0 && !r->ports[to].echoes)
			imply_receiver(r, (unsigned)to, r->ports[to].name);
	}
	for (unsigned i = 0; i < r->n_ports && !rc; i++)
		if (r->ports[i].tx && r->ports[i].rx && !r->ports[i].echoes)
			rc = sp_yaml_fail(&r->s->doc, r->ports[i].node, r->err,
					  "port %.40s sends and receives; make it two ports",
					  r->ports[i].name);
	return rc;
}
