/* From what was written to plans: what a host sends is one, what it receives another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/str.h"
#include "engine/plan.h"
#include "engine/packet.h"
#include "engine/protocol.h"
#include "plugin/proto.h"
#include "scenario/presets.h"
#include "scenario/scenario_impl.h"
#include "scenario/traffic.h"

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

static int set_number(const struct part *p, const char *key, uint32_t n,
		      const struct sp_yaml_node *at)
{
	char text[16];

	snprintf(text, sizeof text, "%u", n);
	return set_text(p, key, text, at);
}

/* The number that goes without saying. */
static uint16_t number_of(const struct part *p, const char *word, int role)
{
	struct sp_protocol found;

	sp_protocol_find(p->r->conf->catalog, word, role, &found);
	return found.port;
}

/* Every key of the map but those in words. */
static int set_all(const struct part *p, const struct sp_yaml_node *map,
		   const char *const *words)
{
	int rc = 0;

	for (const struct sp_yaml_item *i = map->items; i && !rc; i = i->next) {
		const char *const *w = words;

		while (*w && strcmp(*w, i->key->text) != 0)
			w++;
		if (!*w)
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
		rc = sc_known(p->r, run, NULL, SP_PLAN_RUN);
	return rc ? rc : set_all(p, run, none);
}

/* ---- ports ---- */

/* Is it sent as frames of its own making? */
static bool crafts(const struct sc_stream *s)
{
	return sp_preset_is(s->word) || strcmp(s->word, "packet") == 0 ||
	       sc_stream_get(s->map, s->outer, "source_ports");
}

/* Does anything say which frames are taken off this port? As with recv, no number does then. */
static bool takes_frames(const struct part *p, const struct sc_port *port)
{
	static const char *const words[] = { "filter", "checksum", "count_as", "listener",
					     "reply" };
	const struct sp_yaml_node *v = port->map ? sp_yaml_get(port->map, "transport") : NULL;
	const struct sc_reader *r = p->r;

	if (!v || v->kind != SP_YAML_SCALAR ||
	    (strcmp(v->text, "packet") != 0 && strcmp(v->text, "xdp") != 0))
		return false;
	if (sp_yaml_get(port->map, "filter"))
		return true;
	for (unsigned i = 0; i < r->n_receivers; i++)
		for (size_t k = 0; k < sizeof words / sizeof *words; k++)
			if (&r->ports[r->receivers[i].from] == port && r->receivers[i].map &&
			    sp_yaml_get(r->receivers[i].map, words[k]))
				return true;
	for (unsigned i = 0; i < r->n_streams; i++)
		if (r->streams[i].to >= 0 && &r->ports[r->streams[i].to] == port &&
		    crafts(&r->streams[i]))
			return true;
	return false;
}

/* A number to listen on, as recv has it. */
static int listen_somewhere(const struct part *p, const struct sc_port *port)
{
	const struct sp_yaml_node *bind = port->map ? sp_yaml_get(port->map, "bind") : NULL;
	struct sp_url u;

	if (!port->rx || port->echoes || (port->map && sp_yaml_get(port->map, "port")) ||
	    takes_frames(p, port))
		return 0;
	if (bind && sp_url_parse(bind->text, &u, NULL) == 0 && u.port)
		return 0;
	return set_number(p, "port", number_of(p, port->word, SP_ROLE_SERVER), port->node);
}

/* As those that use it need it. */
static int set_transport(const struct part *p, const struct sc_port *port)
{
	return port->transport ? set_text(p, "transport", port->transport, port->node) : 0;
}

static int add_port(const struct part *p, const struct sc_port *port)
{
	static const char *const skip[] = { "host", "transport", NULL };
	const struct sp_yaml_node *v;
	int rc = begin(p, SP_PLAN_PORT, port->node);

	if (!rc)
		rc = set_text(p, "name", port->name, port->node);
	if (!rc && !port->map)
		rc = set_transport(p, port);
	if (rc || !port->map)
		return rc ? rc : listen_somewhere(p, port);
	v = sp_yaml_get(port->map, "name");
	if (v)
		return sp_yaml_fail(&p->r->s->doc, v, p->r->err,
				    "a port's name is the key in front of it");
	v = sp_yaml_get(port->map, "transport");
	if (v)
		rc = sc_set(p->r, p->b, "transport", v);
	else
		rc = set_transport(p, port);
	if (!rc)
		rc = set_all(p, port->map, skip);
	return rc ? rc : listen_somewhere(p, port);
}

static bool port_is_ours(const struct part *p, const struct sc_port *port)
{
	if (port->host != p->host)
		return false;
	return p->sends ? port->tx : port->rx && !port->tx;
}

/* ---- streams ---- */

/* ---- what is sent as frames ---- */

/* An expression may say itself to whom it goes. */
static bool names_target(const struct part *p, const struct sc_stream *s)
{
	const struct sp_yaml_node *v = sc_stream_get(s->map, s->outer, "packet");

	return v && v->kind == SP_YAML_SCALAR &&
	       sp_packet_names_target(v->text, p->r->conf->catalog, p->r->conf->mem);
}

static int read_source_ports(const struct part *p, const struct sc_stream *s,
			     struct sp_preset_args *a)
{
	const struct sp_yaml_node *v = sc_stream_get(s->map, s->outer, "source_ports");
	char place[256];
	const char *text;
	int rc = v ? sc_text(p->r, v, "source_ports", &text) : 0;

	if (rc || !v)
		return rc;
	return sp_ports_parse(text, sp_yaml_place(&p->r->s->doc, v, place, sizeof place),
			      &a->source_first, &a->source_last, p->r->err);
}

static bool says_size(const struct sc_stream *s)
{
	const struct sp_yaml_node *payload = sc_stream_get(s->map, s->outer, "payload");

	return sc_stream_get(s->map, s->outer, "size") ||
	       sc_stream_get(s->map, s->outer, "packet_size") ||
	       sc_stream_get(s->map, s->outer, "model") ||
	       (payload && payload->kind == SP_YAML_MAP && sp_yaml_get(payload, "size"));
}

/* The expression that a word stands for. */
static int set_preset(const struct part *p, const struct sc_stream *s, const char *host,
		      uint16_t first, uint16_t last, const struct sp_yaml_node *at)
{
	struct sp_preset_args a = { .v6 = strchr(host, ':') != NULL,
				    .port_first = first,
				    .port_last = last };
	struct sp_preset preset;
	int rc = read_source_ports(p, s, &a);

	if (rc || strcmp(s->word, "packet") == 0)
		return rc;
	rc = sp_preset_of(s->word, &a, &p->r->s->doc.arena, &preset);
	if (rc == -ENOENT)
		return sp_yaml_fail(&p->r->s->doc, at, p->r->err,
				    "source_ports are for udp, tcp and syn, not for %s",
				    s->word);
	if (rc)
		return sc_no_memory(p->r);
	if (a.source_first && !preset.takes_source)
		return sp_yaml_fail(&p->r->s->doc, at, p->r->err,
				    "source_ports are for udp, tcp and syn, not for %s",
				    s->word);
	rc = set_text(p, "packet", preset.packet, at);
	if (rc || !preset.size || says_size(s))
		return rc;
	return set_number(p, "size", preset.size, at);
}

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

/* As `to` says: the number of its port, or that of the receiver there. */
static int set_to_number(const struct part *p, const struct sc_stream *s,
			 const struct sp_yaml_node *at)
{
	const struct sc_port *to = &p->r->ports[s->to];
	const struct sp_yaml_node *v = to->map ? sp_yaml_get(to->map, "port") : NULL;
	const struct sp_yaml_node *bind = to->map ? sp_yaml_get(to->map, "bind") : NULL;
	const char *number;
	struct sp_url u;
	int rc;

	if (v) {
		rc = sc_text(p->r, v, "port", &number);
		return rc ? rc : set_text(p, "port", number, at);
	}
	if (!bind || bind->kind != SP_YAML_SCALAR || sp_url_parse(bind->text, &u, NULL))
		u.port = 0;
	return set_number(p, "port",
			  u.port     ? u.port
			  : to->word ? number_of(p, to->word, SP_ROLE_SERVER)
				     : number_of(p, s->word, SP_ROLE_CLIENT),
			  at);
}

static int set_to(const struct part *p, const struct sc_stream *s)
{
	const struct sp_yaml_node *at = sc_stream_get(s->map, s->outer, "to");
	char host[300];
	int rc = address_of(p, s, host, sizeof host);

	if (rc || names_target(p, s))
		return rc;
	rc = set_text(p, "host", host, at);
	if (rc || crafts(s))
		return rc ? rc : set_preset(p, s, host, 0, 0, at);
	return set_to_number(p, s, at);
}

/* HOST, HOST:NUMBER or PROTOCOL://HOST:NUMBER/PATH. */
static int set_target(const struct part *p, const struct sc_stream *s,
		      const struct sp_yaml_node *at)
{
	const struct sp_yaml_node *path = sc_stream_get(s->map, s->outer, "path");
	const char *text;
	struct sp_url u;
	char place[256];
	int rc = sc_text(p->r, at, "target", &text);

	if (rc)
		return rc;
	rc = sp_url_parse(text, &u, p->r->err);
	if (!rc && (*u.query || !*u.host || (u.port != u.port_last && !sp_preset_is(s->word))))
		rc = sp_fail(p->r->err, -EINVAL, SP_EXIT_DATA,
			     "target: it is written HOST, HOST:NUMBER or udp://HOST:NUMBER");
	if (rc) {
		sp_err_prefix(p->r->err, "%s",
			      sp_yaml_place(&p->r->s->doc, at, place, sizeof place));
		return rc;
	}
	if (*u.path && path)
		return sp_yaml_fail(&p->r->s->doc, path, p->r->err,
				    "target and path both name a path; leave one out");
	rc = set_text(p, "host", u.host, at);
	if (!rc && *u.path)
		rc = set_text(p, "path", u.path, at);
	if (rc || crafts(s))
		return rc ? rc : set_preset(p, s, u.host, u.port, u.port_last, at);
	return set_number(p, "port", u.port ? u.port : number_of(p, s->word, SP_ROLE_CLIENT),
			  at);
}

/* What stands in one of the maps that a stream's settings come from, unless a nearer one says it, too,
 * or it is another's. */
static int set_some(const struct part *p, const struct sc_stream *s,
		    const struct sp_yaml_node *map)
{
	static const char *const skip[] = { "name",    "from",	  "to",
					    "target",  "profile", "protocol",
					    "streams", "share",	  "source_ports" };
	int rc = 0;

	for (const struct sp_yaml_item *i = map ? map->items : NULL; i && !rc; i = i->next) {
		const char *key = i->key->text;
		size_t k = 0;

		while (k < sizeof skip / sizeof *skip && strcmp(skip[k], key) != 0)
			k++;
		if (k < sizeof skip / sizeof *skip ||
		    sc_stream_get(s->map, s->outer, key) != i->value ||
		    sc_lacks(p->r, SP_PLAN_STREAM, s->word, key))
			continue;
		rc = sc_set(p->r, p->b, key, i->value);
	}
	return rc;
}

/* A model says when packets leave and how long they are; so nothing else does. */
static int check_model(const struct part *p, const struct sc_stream *s)
{
	const struct sp_yaml_node *other;

	for (const char *const *row = sp_traffic_rows; *row; row++) {
		other = sc_stream_get(s->map, s->outer, *row);
		if (other)
			return sp_yaml_fail(&p->r->s->doc, other, p->r->err,
					    "a model has its own %s; leave it out", *row);
	}
	return 0;
}

static int set_settings(const struct part *p, const struct sc_stream *s)
{
	int rc = sc_stream_get(s->map, s->outer, "model") ? check_model(p, s) : 0;

	if (!rc && s->outer) {
		rc = set_some(p, s, s->outer);
		if (!rc)
			rc = set_some(p, s, sp_yaml_get(s->outer, "profile"));
	}
	if (!rc)
		rc = set_some(p, s, s->map);
	return rc ? rc : set_some(p, s, sp_yaml_get(s->map, "profile"));
}

/* Its part of a schedule that it shares. */
static int set_deal(const struct part *p, const struct sc_stream *s)
{
	int rc = set_text(p, "entry", s->whole, s->map);

	if (!rc)
		rc = set_number(p, "deal_of", s->deal_of, s->map);
	if (!rc)
		rc = set_number(p, "deal_at", s->deal_at, s->map);
	return rc ? rc : set_number(p, "deal_n", s->deal_n, s->map);
}

static int add_stream(const struct part *p, const struct sc_stream *s)
{
	const struct sp_yaml_node *target = sc_stream_get(s->map, s->outer, "target");
	const struct sp_yaml_node *name = sp_yaml_get(s->map, "name");
	char entry[16];
	int rc = begin(p, SP_PLAN_STREAM, s->map);

	snprintf(entry, sizeof entry, "t%u", s->entry);
	/* The protocol comes first: it brings rows of its own. */
	if (!rc)
		rc = set_text(p, "protocol", s->word, s->map);
	if (!rc)
		rc = set_text(p, "name", s->name, name ? name : s->map);
	if (!rc)
		rc = set_text(p, "from", p->r->ports[s->from].name, s->map);
	if (!rc)
		rc = s->whole ? set_deal(p, s) : set_text(p, "entry", entry, s->map);
	if (!rc)
		rc = target ? set_target(p, s, target) : s->to >= 0 ? set_to(p, s) : 0;
	return rc ? rc : set_settings(p, s);
}

static int add_receiver(const struct part *p, const struct sc_receiver *v)
{
	const struct sp_yaml_node *at = v->map ? v->map : p->r->ports[v->from].node;
	int rc = begin(p, SP_PLAN_RECV, at);

	if (!rc)
		rc = set_text(p, "protocol", v->word, at);
	if (!rc)
		rc = set_text(p, "name", v->name, at);
	if (!rc)
		rc = set_text(p, "from", p->r->ports[v->from].name, at);
	for (const struct sp_yaml_item *i = v->map && !rc ? v->map->items : NULL; i && !rc;
	     i = i->next) {
		const char *key = i->key->text;

		if (strcmp(key, "name") != 0 && strcmp(key, "from") != 0 &&
		    strcmp(key, "protocol") != 0 && !sc_lacks(p->r, SP_PLAN_RECV, v->word, key))
			rc = sc_set(p->r, p->b, key, i->value);
	}
	return rc;
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
			rc = add_stream(p, &r->streams[i]);
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
