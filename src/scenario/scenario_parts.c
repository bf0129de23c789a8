/* From what was written to plans: what a host sends is one, what it receives another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/str.h"
#include "engine/plan.h"
#include "scenario/scenario_impl.h"

#define DEFAULT_PORT "5001"

/* The part that is being made. */
struct part {
	struct sc_reader *r;
	struct sp_plan_build *b;
	unsigned host;
	bool sends;
};

static int set_text(const struct part *p, const char *key, const char *value,
		    const struct sp_yaml_node *at)
{
	char place[256];

	return sp_plan_set(p->b, key, value,
			   sp_yaml_place(&p->r->s->doc, at, place, sizeof place), p->r->err);
}

/* {weibull: {shape: 0.7}} is "weibull(shape=0.7)". */
static int law_text(struct sc_reader *r, const struct sp_yaml_node *map, const char **out)
{
	const struct sp_yaml_node *args;
	struct sp_str s;
	int rc = 0;

	if (map->n != 1)
		return sp_yaml_fail(&r->s->doc, map, r->err,
				    "a law is written {NAME: {KEY: VALUE}}, one at a time");
	args = map->items->value;
	if (!sp_yaml_is_null(args))
		rc = sp_yaml_want(&r->s->doc, args, SP_YAML_MAP, map->items->key->text, r->err);
	if (rc)
		return rc;
	sp_str_init(&s, r->conf->mem);
	sp_str_printf(&s, "%s(", map->items->key->text);
	for (const struct sp_yaml_item *i = args->kind == SP_YAML_MAP ? args->items : NULL;
	     i && !rc; i = i->next) {
		rc = sp_yaml_want(&r->s->doc, i->value, SP_YAML_SCALAR, i->key->text, r->err);
		if (!rc)
			sp_str_printf(&s, "%s%s=%s", i == args->items ? "" : ",", i->key->text,
				      i->value->text);
	}
	sp_str_puts(&s, ")");
	*out = rc || s.failed ? NULL : sp_arena_strdup(&r->s->doc.arena, s.text);
	sp_str_fini(&s);
	return rc || *out ? rc : sc_no_memory(r);
}

int sc_set(struct sc_reader *r, struct sp_plan_build *b, const char *key,
	   const struct sp_yaml_node *value)
{
	const char *text = value->kind == SP_YAML_SCALAR ? value->text : NULL;
	char place[256];
	int rc = 0;

	if (value->kind == SP_YAML_MAP && strcmp(key, "departure") == 0)
		rc = law_text(r, value, &text);
	else
		rc = sp_yaml_want(&r->s->doc, value, SP_YAML_SCALAR, key, r->err);
	return rc ? rc
		  : sp_plan_set(b, key, text,
				sp_yaml_place(&r->s->doc, value, place, sizeof place), r->err);
}

/* Every key of the map but those in words. */
static int set_all(const struct part *p, enum sp_plan_item item, const struct sp_yaml_node *map,
		   const char *const *words)
{
	int rc = 0;

	for (const struct sp_yaml_item *i = map->items; i && !rc; i = i->next) {
		const char *const *w = words;

		while (*w && strcmp(*w, i->key->text) != 0)
			w++;
		if (!*w && !sc_row_is_ours(item, i->key->text))
			rc = sc_known(p->r, map, words, item, true);
		else if (!*w)
			rc = sc_set(p->r, p->b, i->key->text, i->value);
	}
	return rc;
}

static int begin(const struct part *p, enum sp_plan_item item, const struct sp_yaml_node *at)
{
	char place[256];

	return sp_plan_add(p->b, item, sp_yaml_place(&p->r->s->doc, at, place, sizeof place),
			   p->r->err);
}

/* ---- the run ---- */

static int add_run(const struct part *p)
{
	static const char *const none[] = { NULL };
	const struct sp_yaml_node *run = sp_yaml_get(p->r->root, "run");
	const struct sp_yaml_node *name = sp_yaml_get(p->r->root, "name");
	char seed[24];
	int rc = begin(p, SP_PLAN_RUN, p->r->root);

	snprintf(seed, sizeof seed, "%llu", (unsigned long long)p->r->s->seed);
	if (!rc)
		rc = set_text(p, "name", p->r->s->name, name ? name : p->r->root);
	if (!rc)
		rc = set_text(p, "seed", seed, p->r->root);
	if (rc || !run)
		return rc;
	rc = sp_yaml_want(&p->r->s->doc, run, SP_YAML_MAP, "run", p->r->err);
	if (!rc)
		rc = sc_known(p->r, run, NULL, SP_PLAN_RUN, true);
	return rc ? rc : set_all(p, SP_PLAN_RUN, run, none);
}

/* ---- ports ---- */

/* A number to listen on, as recv has it. */
static int listen_somewhere(const struct part *p, const struct sc_port *port)
{
	const struct sp_yaml_node *bind = port->map ? sp_yaml_get(port->map, "bind") : NULL;
	struct sp_url u;

	if (!port->rx || port->echoes || (port->map && sp_yaml_get(port->map, "port")))
		return 0;
	if (bind && sp_url_parse(bind->text, &u, NULL) == 0 && u.port)
		return 0;
	return set_text(p, "port", DEFAULT_PORT, port->node);
}

static int add_port(const struct part *p, const struct sc_port *port)
{
	static const char *const skip[] = { "host", "transport", NULL };
	const struct sp_yaml_node *v;
	int rc = begin(p, SP_PLAN_PORT, port->node);

	if (!rc)
		rc = set_text(p, "name", port->name, port->node);
	if (rc || !port->map)
		return rc ? rc : listen_somewhere(p, port);
	v = sp_yaml_get(port->map, "name");
	if (v)
		return sp_yaml_fail(&p->r->s->doc, v, p->r->err,
				    "a port's name is the key in front of it");
	v = sp_yaml_get(port->map, "transport");
	if (v)
		rc = sc_set(p->r, p->b, "transport", v);
	if (!rc)
		rc = set_all(p, SP_PLAN_PORT, port->map, skip);
	return rc ? rc : listen_somewhere(p, port);
}

static bool port_is_ours(const struct part *p, const struct sc_port *port)
{
	if (port->host != p->host)
		return false;
	return p->sends ? port->tx : port->rx && !port->tx;
}

/* ---- streams ---- */

/* The address of a port that a stream goes to. */
static int address_of(const struct part *p, const struct sc_stream *s, char *buf, size_t cap)
{
	const struct sc_port *to = &p->r->ports[s->to];
	const struct sp_scenario_host *host = &p->r->s->hosts[to->host];
	const struct sp_scenario_host *from = &p->r->s->hosts[p->host];
	const struct sp_yaml_node *bind = to->map ? sp_yaml_get(to->map, "bind") : NULL;
	const char *address = NULL;
	struct sp_url u;
	int rc;

	if (bind && bind->kind == SP_YAML_SCALAR && *bind->text) {
		rc = sp_url_parse(bind->text, &u, p->r->err);
		if (rc)
			return sp_yaml_fail(&p->r->s->doc, bind, p->r->err,
					    "bind: '%.60s' is no address", bind->text);
		u.host[strcspn(u.host, "%")] = '\0';
		sp_strlcpy(buf, u.host, cap);
		if (*u.host)
			return 0;
	}
	if (host->place == SP_HOST_LAB && p->r->conf->lab_address)
		address = p->r->conf->lab_address(p->r->conf->arg, host->where,
						  from->place == SP_HOST_LAB ? from->where
									     : NULL);
	else if (host->place == SP_HOST_LOCAL && from->place == SP_HOST_LOCAL)
		address = "127.0.0.1";
	if (!address || !*address)
		return sp_yaml_fail(&p->r->s->doc, to->node, p->r->err,
				    "port %.40s: the address of its host is not known; add "
				    "'bind: ADDRESS' here, or 'target:' to stream %.40s",
				    to->name, s->name);
	sp_strlcpy(buf, address, cap);
	return 0;
}

static int port_number(const struct part *p, const struct sc_stream *s, const char **out)
{
	const struct sc_port *to = &p->r->ports[s->to];
	const struct sp_yaml_node *v = to->map ? sp_yaml_get(to->map, "port") : NULL;
	const struct sp_yaml_node *bind = to->map ? sp_yaml_get(to->map, "bind") : NULL;
	struct sp_url u;

	*out = DEFAULT_PORT;
	if (v)
		return sc_text(p->r, v, "port", out);
	if (!bind || bind->kind != SP_YAML_SCALAR || sp_url_parse(bind->text, &u, NULL) ||
	    !u.port)
		return 0;
	*out = sp_arena_printf(&p->r->s->doc.arena, "%u", (unsigned)u.port);
	return *out ? 0 : sc_no_memory(p->r);
}

/* As `to` says. */
static int set_to(const struct part *p, const struct sc_stream *s)
{
	const struct sp_yaml_node *at = sp_yaml_get(s->map, "to");
	const char *number;
	char host[300];
	int rc = address_of(p, s, host, sizeof host);

	if (!rc)
		rc = port_number(p, s, &number);
	if (!rc)
		rc = set_text(p, "host", host, at);
	return rc ? rc : set_text(p, "port", number, at);
}

/* HOST, HOST:NUMBER or PROTOCOL://HOST:NUMBER. */
static int set_target(const struct part *p, const struct sc_stream *s,
		      const struct sp_yaml_node *at)
{
	const char *text;
	struct sp_url u;
	char number[8], place[256];
	int rc = sc_text(p->r, at, "target", &text);

	if (rc)
		return rc;
	rc = sp_url_parse(text, &u, p->r->err);
	if (!rc && (*u.query || !*u.host || u.port != u.port_last))
		rc = sp_fail(p->r->err, -EINVAL, SP_EXIT_DATA,
			     "target: it is written HOST, HOST:NUMBER or udp://HOST:NUMBER");
	if (rc) {
		sp_err_prefix(p->r->err, "%s",
			      sp_yaml_place(&p->r->s->doc, at, place, sizeof place));
		return rc;
	}
	if (*u.scheme && sp_yaml_get(s->map, "protocol"))
		return sp_yaml_fail(&p->r->s->doc, at, p->r->err,
				    "target and protocol both name a protocol; leave one out");
	snprintf(number, sizeof number, "%u", (unsigned)u.port);
	if (*u.scheme)
		rc = set_text(p, "protocol", u.scheme, at);
	if (!rc)
		rc = set_text(p, "host", u.host, at);
	return rc ? rc : set_text(p, "port", u.port ? number : DEFAULT_PORT, at);
}

/* It comes first: it may bring rows of its own. */
static int set_protocol(const struct part *p, const struct sp_yaml_node *map,
			const struct sp_yaml_node *profile)
{
	const struct sp_yaml_node *v = sp_yaml_get(map, "protocol");

	if (!v && profile)
		v = sp_yaml_get(profile, "protocol");
	return v ? sc_set(p->r, p->b, "protocol", v) : 0;
}

static int add_stream(const struct part *p, unsigned i)
{
	static const char *const skip[] = { "name",    "from",	   "to", "target",
					    "profile", "protocol", NULL };
	static const char *const said[] = { "protocol", NULL };
	const struct sc_stream *s = &p->r->streams[i];
	const struct sp_yaml_node *profile = sp_yaml_get(s->map, "profile");
	const struct sp_yaml_node *target = sp_yaml_get(s->map, "target");
	const struct sp_yaml_node *name = sp_yaml_get(s->map, "name");
	char entry[16];
	int rc = begin(p, SP_PLAN_STREAM, s->map);

	snprintf(entry, sizeof entry, "t%u", i + 1);
	if (!rc)
		rc = set_text(p, "name", s->name, name ? name : s->map);
	if (!rc)
		rc = set_text(p, "from", p->r->ports[s->from].name, s->map);
	if (!rc)
		rc = set_text(p, "entry", entry, s->map);
	if (!rc)
		rc = set_protocol(p, s->map, profile);
	if (!rc)
		rc = target ? set_target(p, s, target) : set_to(p, s);
	if (!rc)
		rc = set_all(p, SP_PLAN_STREAM, s->map, skip);
	for (const struct sp_yaml_item *k = profile && !rc ? profile->items : NULL; k;
	     k = k->next)
		if (sp_yaml_get(s->map, k->key->text))
			return sp_yaml_fail(
				&p->r->s->doc, k->key, p->r->err,
				"'%.40s' is given twice: here and beside the profile",
				k->key->text);
	return rc || !profile ? rc : set_all(p, SP_PLAN_STREAM, profile, said);
}

static int add_receiver(const struct part *p, const struct sc_receiver *v)
{
	static const char *const skip[] = { "name", "from", "protocol", NULL };
	const struct sp_yaml_node *at = v->map ? v->map : p->r->ports[v->from].node;
	int rc = begin(p, SP_PLAN_RECV, at);

	if (!rc)
		rc = set_text(p, "name", v->name, at);
	if (!rc)
		rc = set_text(p, "from", p->r->ports[v->from].name, at);
	if (!rc && v->map)
		rc = set_protocol(p, v->map, NULL);
	return rc || !v->map ? rc : set_all(p, SP_PLAN_RECV, v->map, skip);
}

/* ---- parts ---- */

static bool stream_is_ours(const struct part *p, unsigned i)
{
	return p->sends && p->r->ports[p->r->streams[i].from].host == p->host;
}

/* What hears itself is received by who sends. */
static bool receiver_is_ours(const struct part *p, const struct sc_receiver *v)
{
	const struct sc_port *port = &p->r->ports[v->from];

	return port->host == p->host && p->sends == (port->echoes && port->tx);
}

static int fill(const struct part *p)
{
	struct sc_reader *r = p->r;
	int rc = add_run(p);

	for (unsigned i = 0; i < r->n_ports && !rc; i++)
		if (port_is_ours(p, &r->ports[i]))
			rc = add_port(p, &r->ports[i]);
	for (unsigned i = 0; i < r->n_streams && !rc; i++)
		if (stream_is_ours(p, i))
			rc = add_stream(p, i);
	for (unsigned i = 0; i < r->n_receivers && !rc; i++)
		if (receiver_is_ours(p, &r->receivers[i]))
			rc = add_receiver(p, &r->receivers[i]);
	return rc || !p->sends ? rc : sc_add_stages(r, p->b, p->host);
}

static bool is_empty(const struct part *p)
{
	for (unsigned i = 0; i < p->r->n_streams; i++)
		if (stream_is_ours(p, i))
			return false;
	for (unsigned i = 0; i < p->r->n_receivers; i++)
		if (receiver_is_ours(p, &p->r->receivers[i]))
			return false;
	return true;
}

static int make_part(struct sc_reader *r, unsigned host, bool sends)
{
	struct part p = { .r = r, .host = host, .sends = sends };
	struct sp_scenario_part *out = &r->s->parts[r->s->n_parts];
	int rc;

	if (is_empty(&p))
		return 0;
	rc = sp_plan_build_new(&p.b, r->conf->mem, r->conf->catalog);
	if (rc)
		return sc_no_memory(r);
	rc = fill(&p);
	*out = (struct sp_scenario_part){ .host = host, .sends = sends };
	if (!rc)
		rc = sp_plan_seal(p.b, &out->plan, r->err);
	if (!rc)
		r->s->n_parts++;
	sp_plan_build_free(p.b);
	return rc;
}

/* Without a sender nobody says when it is over. */
static int check_end(struct sc_reader *r)
{
	for (unsigned i = 0; i < r->s->n_parts; i++)
		if (r->s->parts[i].sends || r->s->parts[i].plan->run.duration_ns ||
		    r->s->parts[i].plan->run.count)
			return 0;
	return sp_yaml_fail(
		&r->s->doc, r->root, r->err,
		"nobody sends, so nothing ends the run; add 'run: {duration: 10s}'");
}

int sc_make_parts(struct sc_reader *r)
{
	int rc = 0;

	r->s->parts = sc_alloc(r, 2 * r->s->n_hosts, sizeof *r->s->parts);
	if (!r->s->parts)
		return sc_no_memory(r);
	for (unsigned sends = 0; sends < 2; sends++)
		for (unsigned i = 0; i < r->s->n_hosts && !rc; i++)
			rc = make_part(r, i, sends != 0);
	return rc ? rc : check_end(r);
}
