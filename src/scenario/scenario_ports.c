/* Ports: those that are written, and in a file without any those that its streams and receivers
 * need. What goes over a port tells its transport, unless the port says so itself. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "engine/protocol.h"
#include "plugin/proto.h"
#include "scenario/scenario_impl.h"

const char *sc_port_name(const struct sc_reader *r, unsigned i)
{
	return r->ports[i].name;
}

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

int sc_read_ports(struct sc_reader *r, size_t room)
{
	const struct sp_yaml_node *map = sp_yaml_get(r->root, "ports");
	int rc;

	r->implied = !map;
	r->ports = sc_alloc(r, map ? map->n : room, sizeof *r->ports);
	if (!r->ports)
		return sc_no_memory(r);
	rc = map ? sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "ports", r->err) : 0;
	for (const struct sp_yaml_item *i = map && !rc ? map->items : NULL; i && !rc;
	     i = i->next)
		rc = read_port(r, i, &r->ports[r->n_ports++]);
	return rc;
}

int sc_find_port(struct sc_reader *r, const struct sp_yaml_node *v, const char *what,
		 unsigned *at)
{
	const char *word;
	int rc = sc_text(r, v, what, &word);

	return rc ? rc : sc_find(r, v, "port", word, sc_port_name, r->n_ports, at);
}

/* ---- what goes over a port ---- */

int sc_use_port(struct sc_reader *r, unsigned i, bool sends, const char *who, const char *word,
		const struct sp_yaml_node *at)
{
	struct sc_port *port = &r->ports[i];
	struct sp_protocol p;

	if ((port->map && sp_yaml_get(port->map, "transport")) ||
	    sp_protocol_find(r->conf->catalog, word, sends ? SP_ROLE_CLIENT : SP_ROLE_SERVER,
			     &p))
		return 0;
	if (!port->transport) {
		port->user = who;
		port->transport = p.transport;
		return 0;
	}
	if (strcmp(port->transport, p.transport) == 0)
		return 0;
	return sp_yaml_fail(&r->s->doc, at, r->err,
			    "%s goes over %s, but port %.40s is one of %s, because of %s; give "
			    "it a port of its own",
			    who, p.transport, port->name, port->transport, port->user);
}

/* ---- ports that are not written: tx0, tx1, one a transport; rx0, rx1, one a receiver ---- */

static int add_implied(struct sc_reader *r, bool sends, unsigned number, unsigned *at)
{
	struct sc_port *p = &r->ports[r->n_ports];
	char *name = sp_arena_printf(&r->s->doc.arena, "%s%u", sends ? "tx" : "rx", number);

	if (!name)
		return sc_no_memory(r);
	*p = (struct sc_port){ .name = name, .node = r->root, .tx = sends, .rx = !sends };
	*at = r->n_ports++;
	return 0;
}

static int imply(struct sc_reader *r, bool sends, const char *word, unsigned *at)
{
	unsigned n = 0;
	struct sp_protocol p;

	sp_protocol_find(r->conf->catalog, word, sends ? SP_ROLE_CLIENT : SP_ROLE_SERVER, &p);
	for (*at = 0; *at < r->n_ports; ++*at) {
		const struct sc_port *port = &r->ports[*at];

		if (port->tx != sends)
			continue;
		if (sends && strcmp(port->transport, p.transport) == 0)
			return 0;
		n++;
	}
	return add_implied(r, sends, n, at);
}

static bool exists(const struct sc_reader *r, const char *name)
{
	for (unsigned i = 0; i < r->n_ports; i++)
		if (strcmp(r->ports[i].name, name) == 0)
			return true;
	return false;
}

int sc_port_of(struct sc_reader *r, bool sends, const char *who, const char *word,
	       const struct sp_yaml_node *map, const struct sp_yaml_node *from, unsigned *at)
{
	const char *name = NULL;
	int rc = from ? sc_text(r, from, "from", &name) : 0;

	if (rc)
		return rc;
	if (name && (!r->implied || exists(r, name)))
		rc = sc_find_port(r, from, "from", at);
	else if (r->implied)
		rc = imply(r, sends, word, at);
	else if (r->n_ports == 1)
		*at = 0;
	else
		rc = sp_yaml_fail(&r->s->doc, map, r->err,
				  "%s: %s which port? add 'from: PORT'", who,
				  sends ? "from" : "on");
	if (!rc && name && strcmp(r->ports[*at].name, name) != 0)
		rc = sc_find_port(r, from, "from", at); /* there is none */
	return rc ? rc : sc_use_port(r, *at, sends, who, word, from ? from : map);
}

int sc_check_ports(struct sc_reader *r)
{
	for (unsigned i = 0; i < r->n_ports; i++)
		if (r->ports[i].tx && r->ports[i].rx && !r->ports[i].echoes)
			return sp_yaml_fail(&r->s->doc, r->ports[i].node, r->err,
					    "port %.40s sends and receives; make it two ports",
					    r->ports[i].name);
	return 0;
}
