/* The checks that need the whole plan, and the defaults that depend on other settings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/str.h"
#include "core/clock.h"
#include "engine/listener.h"
#include "engine/modes/modes.h"
#include "engine/names.h"
#include "engine/opener.h"
#include "engine/plan_impl.h"
#include "engine/protocol.h"
#include "engine/reply_words.h"
#include "pkt/filter.h"
#include "plugin/proto.h"

#define DEFAULT_DURATION_NS (10 * SP_NS_PER_S)
#define DEFAULT_SIZE	    1024u
#define BODY_MAX	    (1u << 30)
#define UDP4_MAX	    65507u /* 65535 less the IPv4 and UDP headers */
#define UDP6_MAX	    65527u /* 65535 less the UDP header */
#define FRAME4_HEADERS	    42u	   /* Ethernet, IPv4, UDP */
#define FRAME6_HEADERS	    62u
#define FCS		    4u
#define TCP4_LESS	    58u /* Ethernet with FCS, IPv4, TCP */
#define TCP6_LESS	    78u

struct check {
	struct sp_plan_build *b;
	struct sp_names ports;
	struct sp_err *err;
};

static void *items(const struct check *c, enum sp_plan_item item)
{
	return c->b->list[item].items;
}

static const char *place_of(const struct check *c, enum sp_plan_item item, unsigned i,
			    const char *name)
{
	const char *place = c->b->list[item].places[i];

	return place ? place : name;
}

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "the plan: out of memory");
}

static bool is_given(const char *text)
{
	return text && *text;
}

/* What the operations say of a transport before it is opened. */
static bool is_frame(const struct sp_transport_ops *ops)
{
	return ops->link != NULL;
}

static bool is_virtual(const struct sp_transport_ops *ops)
{
	return ops->next_ns != NULL;
}

/* ---- ports ---- */

static int keep_text(struct check *c, const char **member, const char *text)
{
	*member = sp_arena_strdup(&c->b->plan->arena, text);
	return *member ? 0 : no_memory(c->err);
}

/* "10.1.1.1%eth1:5000" says address, interface and port number: each goes to its own row, so
 * that there is one way to say it. */
static int split_bind(struct check *c, struct sp_plan_port *port, const char *place)
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
	return port->bind ? 0 : no_memory(c->err);
}

static int virtual_list(struct check *c, const char *transport, const char *place)
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

static int check_port(struct check *c, unsigned i)
{
	struct sp_plan_port *port = (struct sp_plan_port *)items(c, SP_PLAN_PORT) + i;
	const char *place = place_of(c, SP_PLAN_PORT, i, port->name);
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
static int find_port(struct check *c, const char *from, const char *place, unsigned *index)
{
	const struct sp_plan_port *ports = items(c, SP_PLAN_PORT);
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

/* A protocol that is a dialogue or a byte stream needs connections under it, and udp none. */
static int check_carrier(struct check *c, const char *word, const struct sp_protocol *p,
			 const struct sp_plan_port *port, const char *place)
{
	const struct sp_transport_ops *ops = sp_catalog_transport(c->b->catalog,
								  port->transport);
	bool stream = strcmp(p->transport, "udp") != 0;

	if (!ops || stream == (ops->conn != NULL))
		return 0;
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: protocol %s goes over %s, not over the transport '%s'", place, word,
		       stream ? "connections (transport tcp)" : "datagrams or frames",
		       port->transport);
}

static int check_settings(struct check *c, const struct sp_protocol *p, const void *conf,
			  const void *wrap_conf, const char *place)
{
	int rc = p->check && conf ? p->check(conf, c->err) : 0;

	if (!rc && p->wrap && p->wrap->check && wrap_conf)
		rc = p->wrap->check(wrap_conf, c->err);
	if (rc)
		sp_err_prefix(c->err, "%s", place);
	return rc;
}

/* ---- streams ---- */

static bool is_v4(const char *host)
{
	struct sp_addr a;

	return sp_addr_parse(host, &a) == 0 && a.family == 4;
}

/* A scope behind '%' is an interface that need not exist where the plan is made. */
static bool is_v6(const char *host)
{
	return strchr(host, ':') != NULL;
}

static int check_size(struct check *c, const struct sp_plan_stream *s, bool frame,
		      const char *place)
{
	uint64_t max = frame ? 65535u : is_v6(s->host) ? UDP6_MAX : UDP4_MAX;
	uint64_t min = !frame ? 0 : is_v4(s->host) ? FRAME4_HEADERS : FRAME6_HEADERS;
	uint64_t least = sp_mode_least_size(s);

	if (s->size > max)
		return sp_fail(c->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: size %llu is too large: %s holds at most %llu bytes", place,
			       (unsigned long long)s->size,
			       frame		? "a frame"
			       : is_v6(s->host) ? "a UDP datagram over IPv6"
						: "a UDP datagram over IPv4",
			       (unsigned long long)max);
	if (least < min)
		return sp_fail(c->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: size %llu is too small: over this transport it is the "
			       "frame's, whose headers alone are %llu bytes",
			       place, (unsigned long long)least, (unsigned long long)min);
	return 0;
}

/* Sizes by a law: what a unit may be here. */
static int check_sizes(struct check *c, struct sp_plan_stream *s, const struct sp_protocol *p,
		       bool frame, const char *place)
{
	bool v4 = is_v4(s->host), v6 = is_v6(s->host);
	struct sp_plan_sizes r = { .native = SP_PLAN_NATIVE, .brief = SP_PLAN_BRIEF };

	if (p->source)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a %s of %s has the size that it has: leave packet_size out",
			       place, p->source->asks->unit, s->protocol);
	if (strcmp(p->transport, "udp") != 0) {
		r.stamps = !p->proto;
		r.native = SP_MESSAGE_HEAD;
		r.brief = 0;
		r.least = p->proto ? 0 : 1;
		r.max = p->proto ? BODY_MAX : SP_MESSAGE_MAX;
		r.less = v6 ? TCP6_LESS : TCP4_LESS;
	} else {
		r.stamps = true;
		r.headers = !frame ? 0 : v4 ? FRAME4_HEADERS : FRAME6_HEADERS;
		r.max = frame ? 65535u : v6 ? UDP6_MAX : UDP4_MAX;
		r.less = frame ? FCS : v6 ? FRAME6_HEADERS + FCS : FRAME4_HEADERS + FCS;
	}
	if (strcmp(p->transport, "udp") != 0 && !p->proto && s->rate.kind == SP_RATE_MAX)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: at rate max %s is bulk data, which has no sizes; leave "
			       "packet_size out, or give a rate",
			       place, s->protocol);
	return sp_plan_settle_sizes(c->b, s, &r, place, c->err);
}

/* auto: the best that fits. */
static int check_stamp(struct check *c, struct sp_plan_stream *s, bool frame, const char *place)
{
	/* A name may turn out to be IPv6: what fits there fits IPv4 too. */
	uint64_t headers = !frame ? 0 : is_v4(s->host) ? FRAME4_HEADERS : FRAME6_HEADERS;
	uint64_t room = sp_mode_least_size(s) - headers;
	uint32_t need = sp_plan_settle_stamp(s, room, SP_PLAN_NATIVE, SP_PLAN_BRIEF);

	if (room >= need)
		return 0;
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: the %s stamp needs size %llu at least, but size is %llu", place,
		       s->stamp == SP_STAMP_NATIVE ? "native" : "short",
		       (unsigned long long)(headers + need),
		       (unsigned long long)(headers + room));
}

static int check_rate(struct check *c, const struct sp_plan_stream *s, const char *place)
{
	enum sp_layer layer = s->rate.layer;

	if (s->rate.kind == SP_RATE_BPS && !s->size && !s->bulk &&
	    (layer == SP_LAYER_DEFAULT || layer == SP_LAYER_L7))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a rate in bit/s has no meaning with size 0; give it in "
			       "packets a second",
			       place);
	if (s->rate.kind == SP_RATE_MAX && strcmp(s->departure, "constant") != 0)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: rate max leaves no gaps for the law '%s'; give a rate",
			       place, s->departure);
	return 0;
}

/* What a stream over connections may be, and what it is when it does not say. */
static int check_conn_stream(struct check *c, struct sp_plan_stream *s,
			     const struct sp_protocol *p, bool sized, const char *place)
{
	uint64_t max = p->proto ? BODY_MAX : SP_MESSAGE_MAX;

	s->bulk = !p->proto && !s->per_message &&
		  (s->rate.kind == SP_RATE_MAX ||
		   (s->rate.kind == SP_RATE_BPS && (!sized || !s->size)));
	if (!sized)
		s->size = s->bulk || p->proto ? 0 : DEFAULT_SIZE;
	if (s->bulk)
		s->size = 0;
	if (!s->bulk && s->size > max)
		return sp_fail(c->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: size %llu is too large: %s has at most %llu bytes", place,
			       (unsigned long long)s->size,
			       p->proto ? "a body" : "a message over tcp",
			       (unsigned long long)max);
	if (!s->bulk && !p->proto && !s->size)
		return sp_fail(c->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: size 0 is no message over tcp; give at least 1", place);
	if (s->bulk && s->count)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: bulk data has no units to count; limit it by bytes or "
			       "duration",
			       place);
	if (s->bulk && s->connections > 1)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: bulk data has one connection a stream; give it more "
			       "streams",
			       place);
	if (p->proto && s->per_message && s->deal_of <= 1)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: per_message is tcp's; over %s a connection each is close",
			       place, s->protocol);
	if (s->stamp == SP_STAMP_SHORT)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the short stamp is for datagrams and frames", place);
	if (p->proto || s->bulk || s->size < SP_MESSAGE_HEAD) {
		if (s->stamp == SP_STAMP_NATIVE)
			return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: no stamp fits there: over tcp it needs messages of "
				       "%u bytes at least",
				       place, SP_MESSAGE_HEAD);
		s->stamp = SP_STAMP_OFF;
	} else if (s->stamp == SP_STAMP_AUTO) {
		s->stamp = SP_STAMP_NATIVE;
	}
	return 0;
}

/* A protocol whose units are what it makes them. */
static int check_asking(struct check *c, struct sp_plan_stream *s, const struct sp_protocol *p,
			const struct sp_plan_port *port, bool sized, const char *place)
{
	if (is_frame(sp_catalog_transport(c->b->catalog, port->transport)))
		return sp_fail(
			c->err, -EINVAL, SP_EXIT_USAGE,
			"%s: protocol %s goes over datagrams (transport %s), not over the "
			"transport '%s'",
			place, s->protocol, p->transport, port->transport);
	if (sized && s->size)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a %s of %s has the size that it has: leave size out", place,
			       p->source->asks->unit, s->protocol);
	if (s->stamp == SP_STAMP_NATIVE || s->stamp == SP_STAMP_SHORT)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s has its own numbers, and no room for a stamp", place,
			       s->protocol);
	s->size = 0;
	s->stamp = SP_STAMP_OFF;
	return 0;
}

/* What is more than a text is made where units are datagrams or frames. */
static int check_fill_kind(struct check *c, const struct sp_plan_stream *s,
			   const struct sp_plan_port *port, const char *place)
{
	const struct sp_transport_ops *ops = sp_catalog_transport(c->b->catalog,
								  port->transport);

	if (!*s->fill || !ops || !ops->conn)
		return 0;
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: a payload of the kind %s is for datagrams and frames, not for "
		       "connections",
		       place, s->fill);
}

static int check_deal(struct check *c, const struct sp_plan_stream *s, const char *place)
{
	if (s->deal_at + s->deal_n > s->deal_of)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: deal_at %llu and deal_n %llu pass deal_of %llu", place,
			       (unsigned long long)s->deal_at, (unsigned long long)s->deal_n,
			       (unsigned long long)s->deal_of);
	if (s->deal_of > 1 && s->rate.kind == SP_RATE_MAX)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: rate max has no schedule of which a part could be taken",
			       place);
	return 0;
}

static int check_limits(struct check *c, struct sp_plan_stream *s, const char *place)
{
	if (s->duration_ns == SP_PLAN_UNSET)
		s->duration_ns = s->count || s->bytes ? 0 : DEFAULT_DURATION_NS;
	if (s->bytes && s->bytes < sp_mode_least_size(s))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: bytes %llu is less than one packet of size %llu", place,
			       (unsigned long long)s->bytes, (unsigned long long)s->size);
	if (s->bytes && !s->size && !s->bulk)
		return sp_fail(
			c->err, -EINVAL, SP_EXIT_USAGE,
			"%s: with size 0 a limit of bytes is never reached; give a count",
			place);
	if (s->duration_ns > INT64_MAX || s->start_ns > INT64_MAX)
		return sp_fail(c->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: more than 292 years is too long", place);
	return 0;
}

static int check_stream(struct check *c, struct sp_names *names, unsigned i)
{
	struct sp_plan_stream *s = (struct sp_plan_stream *)items(c, SP_PLAN_STREAM) + i;
	const char *place = place_of(c, SP_PLAN_STREAM, i, s->name);
	bool frame, any_unit, sized;
	const struct sp_transport_ops *ops;
	const struct sp_plan_port *port;
	struct sp_protocol p;
	unsigned before;
	int rc;

	if (!*s->name)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: the stream has no name",
			       place);
	if (!sp_names_add(names, s->name, i, &before))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: two streams are called '%s'", place, s->name);
	if (!*s->host && !*s->packet)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: no target is given", place);
	rc = find_port(c, s->from, place, &s->from_port);
	if (rc)
		return rc;
	port = (struct sp_plan_port *)items(c, SP_PLAN_PORT) + s->from_port;
	ops = sp_catalog_transport(c->b->catalog, port->transport);
	frame = is_frame(ops);
	any_unit = ops->any_unit;
	if (!*s->entry)
		s->entry = s->name;
	rc = sp_protocol_need(c->b->catalog, s->protocol, SP_ROLE_CLIENT, place, &p, c->err);
	if (!rc && p.frames && !*s->packet)
		rc = sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			     "%s: protocol %s needs a packet expression", place, s->protocol);
	if (!rc && !*s->packet)
		rc = check_carrier(c, s->protocol, &p, port, place);
	if (!rc)
		rc = check_settings(c, &p, s->conf, s->wrap_conf, place);
	if (!rc)
		rc = check_fill_kind(c, s, port, place);
	if (!rc)
		rc = sp_plan_settle_gaps(c->b, s, place, c->err);
	if (!rc && s->packet_size && !*s->packet)
		rc = check_sizes(c, s, &p, frame, place);
	if (!rc)
		rc = sp_mode_settle(s, place, &c->b->plan->arena, c->err);
	if (rc)
		return rc;
	sized = s->size != SP_PLAN_UNSET;
	if (*s->packet) {
		rc = frame || any_unit
			     ? sp_plan_check_packet(c->b, s, sized, place, c->err)
			     : sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: a packet expression makes frames, and the transport "
				       "'%s' takes none; use packet or pcap",
				       place, port->transport);
	} else if (p.source) {
		rc = check_asking(c, s, &p, port, sized, place);
	} else if (strcmp(p.transport, "udp") != 0) {
		rc = check_conn_stream(c, s, &p, sized, place);
	} else {
		s->size = sized ? s->size : DEFAULT_SIZE;
		rc = check_size(c, s, frame, place);
		if (!rc)
			rc = check_stamp(c, s, frame, place);
	}
	if (!s->packet_size)
		s->mean_size = (double)s->size;
	if (!rc)
		rc = check_deal(c, s, place);
	if (!rc)
		rc = check_rate(c, s, place);
	if (!rc)
		rc = sp_mode_check(s, place, &c->b->plan->arena, c->err);
	if (!rc)
		rc = check_limits(c, s, place);
	return rc;
}

static int check_streams(struct check *c)
{
	unsigned n = c->b->list[SP_PLAN_STREAM].n;
	struct sp_names names;
	int rc = 0;

	if (sp_names_init(&names, c->b->mem, n))
		return no_memory(c->err);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = check_stream(c, &names, i);
	sp_names_fini(&names);
	return rc;
}

/* ---- receivers ---- */

static int by_number(const void *a, const void *b)
{
	const struct sp_plan_port *x = *(const struct sp_plan_port *const *)a;
	const struct sp_plan_port *y = *(const struct sp_plan_port *const *)b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool same_place(const struct sp_plan_port *a, const struct sp_plan_port *b)
{
	bool address = !*a->bind || !*b->bind || strcmp(a->bind, b->bind) == 0;
	bool interface = !*a->interface || !*b->interface ||
			 strcmp(a->interface, b->interface) == 0;

	return address && interface && strcmp(a->transport, b->transport) == 0;
}

/* Two sockets on one number would share its traffic between them, silently. */
static int check_overlap(struct check *c, const struct sp_plan_port **p, unsigned n)
{
	const struct sp_plan_port *ports = items(c, SP_PLAN_PORT);

	qsort(p, n, sizeof *p, by_number);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = i + 1; k < n && p[k]->port <= p[i]->port_last; k++) {
			if (!same_place(p[i], p[k]))
				continue;
			return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: port number %llu is listened on twice",
				       place_of(c, SP_PLAN_PORT, (unsigned)(p[k] - ports),
						"receivers"),
				       (unsigned long long)p[k]->port);
		}
	}
	return 0;
}

/* Machines of frames need a transport of frames, and addresses to speak for. */
static int check_reply(struct check *c, const struct sp_plan_recv *r,
		       const struct sp_plan_port *port, const struct sp_transport_ops *ops,
		       const char *place)
{
	struct sp_prefixes all = { 0 };
	struct sp_reply_words words;
	int rc;

	rc = sp_reply_words(r->reply, c->b->catalog, place, &c->b->plan->arena, &words, c->err);
	if (!rc && r->address)
		rc = sp_reply_addresses(r->address, place, &all, c->err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < words.n; i++) {
		const struct sp_reply_word *w = &words.w[i];

		if (w->names_file && c->b->distrust)
			return sp_fail(c->err, -EPERM, SP_EXIT_PERM,
				       "%s: %s: a peer may not name a file of this host", place,
				       w->ops->name);
		if (w->ops->takes == SP_REPLY_FRAME && !is_frame(ops))
			return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: %s answers frames; give --interface DEV and "
				       "--transport packet",
				       place, w->ops->name);
		if (is_frame(ops) && !w->at.n && !all.n && !*port->bind)
			return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: %s has no address to answer for; give --address "
				       "10.0.0.5 (or a prefix), --bind, or %s(10.0.0.5)",
				       place, w->ops->name, w->ops->name);
	}
	for (uint32_t i = 0; i < words.n && !is_frame(ops); i++)
		if (words.w[i].at.n || all.n)
			return sp_fail(
				c->err, -EINVAL, SP_EXIT_USAGE,
				"%s: over '%s' the kernel says which addresses are answered; "
				"say where to listen by a URL or --bind",
				place, ops->name);
	if (is_frame(ops) ? !ops->mac : !ops->answer)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: nothing is answered over the transport '%s'; udp does, "
			       "and packet",
			       place, ops->name);
	return 0;
}

/* Where the transport has a filter of its own, it is that one's. */
static int check_filter(struct check *c, const struct sp_plan_recv *r,
			struct sp_plan_port *port, const char *place)
{
	const struct sp_transport_ops *ops = sp_catalog_transport(c->b->catalog,
								  port->transport);
	int rc = sp_filter_check(r->filter, SP_EXIT_USAGE, c->err);

	if (rc)
		sp_err_prefix(c->err, "%s", place);
	if (rc || !ops->opts || !sp_opt_find(ops->opts, "filter"))
		return rc;
	return sp_opts_set(ops->opts, (void *)(uintptr_t)port->conf, "filter", r->filter, place,
			   &c->b->plan->arena, c->err);
}

static int check_listener(struct check *c, const struct sp_plan_recv *r, const char *place)
{
	struct sp_endpoint at;
	bool tcp;
	int rc = sp_listener_parse(r->listener, &tcp, &at, c->err);

	if (rc)
		sp_err_prefix(c->err, "%s", place);
	return rc;
}

/* What only receivers of frames have. */
static int check_frames(struct check *c, struct sp_plan_recv *r, struct sp_plan_port *port,
			const char *place)
{
	const char *set = is_given(r->filter)	  ? "filter"
			  : r->checksum		  ? "checksum"
			  : is_given(r->count_as) ? "count_as"
			  : is_given(r->listener) ? "listener"
						  : NULL;

	if (!is_frame(sp_catalog_transport(c->b->catalog, port->transport)))
		return set ? sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				     "%s: %s is for frames, and '%s' carries none; add "
				     "--transport packet --interface DEV",
				     place, set, port->transport)
			   : 0;
	if (is_given(r->count_as) && strcmp(r->count_as, "all") == 0)
		r->count_as = NULL;
	if (is_given(r->count_as) && strcmp(r->count_as, "contrail") != 0)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: count_as: '%.40s' is none of all, contrail", place,
			       r->count_as);
	if (is_given(r->listener) && check_listener(c, r, place))
		return -EINVAL;
	return is_given(r->filter) ? check_filter(c, r, port, place) : 0;
}

static int check_recv(struct check *c, struct sp_names *names, unsigned i,
		      const struct sp_plan_port **port)
{
	struct sp_plan_recv *r = (struct sp_plan_recv *)items(c, SP_PLAN_RECV) + i;
	const char *place = place_of(c, SP_PLAN_RECV, i, r->name);
	const struct sp_transport_ops *ops;
	struct sp_protocol p;
	unsigned before;
	int rc;

	if (!*r->name)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: the receiver has no name",
			       place);
	if (!sp_names_add(names, r->name, i, &before))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: two receivers are called '%s'", place, r->name);
	rc = find_port(c, r->from, place, &r->from_port);
	if (rc)
		return rc;
	*port = (struct sp_plan_port *)items(c, SP_PLAN_PORT) + r->from_port;
	rc = sp_protocol_need(c->b->catalog, r->protocol, SP_ROLE_SERVER, place, &p, c->err);
	if (!rc)
		rc = check_carrier(c, r->protocol, &p, *port, place);
	if (!rc)
		rc = check_settings(c, &p, r->conf, r->wrap_conf, place);
	if (rc)
		return rc;
	ops = sp_catalog_transport(c->b->catalog, (*port)->transport);
	rc = check_frames(c, r, (struct sp_plan_port *)(uintptr_t)*port, place);
	if (rc)
		return rc;
	if (!(*port)->port && !(ops && (ops->echoes || is_frame(ops))))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: no port number is given to listen on", place);
	if (r->address && !r->reply)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: address: nothing answers there; give --reply", place);
	return r->reply && ops ? check_reply(c, r, *port, ops, place) : 0;
}

static int check_recvs(struct check *c)
{
	unsigned n = c->b->list[SP_PLAN_RECV].n;
	const struct sp_plan_port **used;
	struct sp_names names;
	int rc = 0;

	if (!n)
		return 0;
	if (sp_names_init(&names, c->b->mem, n))
		return no_memory(c->err);
	used = sp_alloc_array(c->b->mem, n, sizeof(struct sp_plan_port *));
	if (!used)
		rc = no_memory(c->err);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = check_recv(c, &names, i, &used[i]);
	if (!rc)
		rc = check_overlap(c, used, n);
	sp_free(c->b->mem, used);
	sp_names_fini(&names);
	return rc;
}

int sp_plan_check(struct sp_plan_build *b, struct sp_err *err)
{
	struct check c = { .b = b, .err = err };
	int rc = 0;

	if (!b->list[SP_PLAN_STREAM].n && !b->list[SP_PLAN_RECV].n)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "nothing to do: the plan has no stream and no receiver");
	if (sp_names_init(&c.ports, b->mem, b->list[SP_PLAN_PORT].n))
		return no_memory(err);
	for (unsigned i = 0; i < b->list[SP_PLAN_PORT].n && !rc; i++)
		rc = check_port(&c, i);
	if (!rc)
		rc = check_streams(&c);
	if (!rc)
		rc = check_recvs(&c);
	if (!rc)
		rc = sp_plan_check_stages(b, err);
	sp_names_fini(&c.ports);
	return rc;
}
