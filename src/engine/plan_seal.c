/* The checks that need the whole plan, and the defaults that depend on other settings: ports, and the
 * order of them all. */
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/str.h"
#include "engine/plan_check.h"

/* What the operations say of a transport before it is opened. */
static bool is_virtual(const struct sp_transport_ops *ops)
{
	return ops->next_ns != NULL;
}

/* ---- ports ---- */

static int keep_text(struct plan_check *c, const char **member, const char *text)
{
	*member = sp_arena_strdup(&c->b->plan->arena, text);
	return *member ? 0 : plan_no_memory(c->err);
}

/* "10.1.1.1%eth1:5000" says address, interface and port number: each goes to its own row, so
 * that there is one way to say it. */
static int split_bind(struct plan_check *c, struct sp_plan_port *port, const char *place)
{
	struct sp_url u;
	char *dev;
	int rc;

	if (!*port->bind)
		return 0;
	rc = sp_url_parse(port->bind, &u, c->err);
	if (rc) {
		sp_err_prefix(c->err, "%s: bind", place);
		return rc;
	}
	if (*u.scheme || *u.query)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: bind: '%s' is not ADDR, ADDR%%DEV or ADDR:PORT", place,
			       port->bind);
	dev = strchr(u.host, '%');
	if (dev)
		*dev++ = '\0';
	if (dev && *port->interface && strcmp(port->interface, dev) != 0)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: bind names the interface %s, but it is to be %s", place,
			       dev, port->interface);
	if (u.port && port->port &&
	    (port->port != u.port || (port->port_last && port->port_last != u.port_last)))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: bind names port %u, but it is to be %llu", place,
			       (unsigned)u.port, (unsigned long long)port->port);
	if (u.port) {
		port->port = u.port;
		port->port_last = u.port_last;
	}
	if (dev && keep_text(c, &port->interface, dev))
		return -ENOMEM;
	port->bind = sp_plan_host(u.host, &c->b->plan->arena);
	return port->bind ? 0 : plan_no_memory(c->err);
}

static int virtual_list(struct plan_check *c, const char *transport, const char *place)
{
	char list[200] = "";
	size_t len = 0;

	for (const struct sp_transport_ops *const *p = c->b->catalog->transport; *p; p++)
		if (is_virtual(*p) && len < sizeof list)
			len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
						len ? ", " : "", (*p)->name);
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: virtual time is not possible over '%s'; it is over: %s", place,
		       transport, list);
}

static int check_port(struct plan_check *c, unsigned i)
{
	struct sp_plan_port *port = (struct sp_plan_port *)plan_items(c, SP_PLAN_PORT) + i;
	const char *place = plan_place(c, SP_PLAN_PORT, i, port->name);
	const struct sp_transport_ops *ops;
	unsigned before;
	int rc;

	if (!*port->name)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: the port has no name",
			       place);
	if (!sp_names_add(&c->ports, port->name, i, &before))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: two ports are called '%s'",
			       place, port->name);
	ops = sp_plan_transport(c->b->catalog, port->transport, place, c->err);
	if (!ops)
		return -EINVAL;
	if (c->b->plan->run.is_virtual && !is_virtual(ops))
		return virtual_list(c, ops->name, place);
	rc = split_bind(c, port, place);
	if (rc)
		return rc;
	if (!port->port_last)
		port->port_last = port->port;
	if (port->port_last < port->port || (port->port_last && !port->port))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the range of ports %llu-%llu runs backwards", place,
			       (unsigned long long)port->port,
			       (unsigned long long)port->port_last);
	rc = ops->check && port->conf ? ops->check(port->conf, c->err) : 0;
	if (rc)
		sp_err_prefix(c->err, "%s: transport %s", place, ops->name);
	return rc;
}

/* The port that an item names, or the nearest one in a sentence. */
int sp_plan_find_port(struct plan_check *c, const char *from, const char *place,
		      unsigned *index)
{
	const struct sp_plan_port *ports = plan_items(c, SP_PLAN_PORT);
	const char *best = NULL;

	if (sp_names_find(&c->ports, from, index))
		return 0;
	for (unsigned i = 0; i < c->b->list[SP_PLAN_PORT].n; i++) {
		const char *pair[] = { best ? best : ports[i].name, ports[i].name };

		best = sp_str_nearest(from, pair, 2);
	}
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: no such port '%s'%s%s%s", place,
		       from, best ? "; did you mean '" : "", best ? best : "",
		       best ? "'?" : "");
}

/* Frames go over transports of frames; messages over any of datagrams or connections. */
static int check_recorded(struct plan_check *c, const char *word,
			  const struct sp_source_ops *source,
			  const struct sp_transport_ops *ops, const char *place)
{
	bool frames = source->makes & SP_T_FRAME;

	if (ops->any_unit || frames == plan_of_frames(ops))
		return 0;
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: %s makes %s, which the transport '%s' does not take", place, word,
		       frames ? "frames" : "messages", ops->name);
}

int sp_plan_check_carrier(struct plan_check *c, const char *word, const struct sp_protocol *p,
			  const struct sp_plan_port *port, const char *place)
{
	const struct sp_transport_ops *ops = sp_catalog_transport(c->b->catalog,
								  port->transport);
	bool stream = strcmp(p->transport, "udp") != 0;

	if (ops &&
	    p->recorded) /* one source feeds what it makes, and connections by their lane */
		return check_recorded(c, word, p->source, ops, place);
	if (ops && ops->conn && ops->conn->datagrams && !(p->proto && p->proto->datagrams))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: protocol %s is one of byte streams, and the transport '%s' "
			       "carries datagrams",
			       place, word, port->transport);
	if (!ops || stream == (ops->conn != NULL))
		return 0;
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: protocol %s goes over %s, not over the transport '%s'", place, word,
		       stream ? "connections (transport tcp)" : "datagrams or frames",
		       port->transport);
}

int sp_plan_check_settings(struct plan_check *c, const struct sp_protocol *p, const void *conf,
			   const void *wrap_conf, const char *place)
{
	int rc = p->check && conf ? p->check(conf, c->err) : 0;

	if (!rc && p->wrap && p->wrap->check && wrap_conf)
		rc = p->wrap->check(wrap_conf, c->err);
	if (rc)
		sp_err_prefix(c->err, "%s", place);
	return rc;
}

int sp_plan_check(struct sp_plan_build *b, struct sp_err *err)
{
	struct plan_check c = { .b = b, .err = err };
	int rc = 0;

	if (!b->list[SP_PLAN_STREAM].n && !b->list[SP_PLAN_RECV].n)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "nothing to do: the plan has no stream and no receiver");
	if (sp_names_init(&c.ports, b->mem, b->list[SP_PLAN_PORT].n))
		return plan_no_memory(err);
	for (unsigned i = 0; i < b->list[SP_PLAN_PORT].n && !rc; i++)
		rc = check_port(&c, i);
	if (!rc)
		rc = sp_plan_check_streams(&c);
	if (!rc)
		rc = sp_plan_check_recvs(&c);
	if (!rc)
		rc = sp_plan_check_stages(b, err);
	sp_names_fini(&c.ports);
	return rc;
}
