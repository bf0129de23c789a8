/* A plan's streams: checks that need the whole, and defaults that depend on other settings. */
#include <string.h>

#include "base/address.h"
#include "core/clock.h"
#include "engine/modes/modes.h"
#include "engine/opener.h"
#include "engine/plan_check.h"
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

static int check_size(struct plan_check *c, const struct sp_plan_stream *s, bool frame,
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
static int check_sizes(struct plan_check *c, struct sp_plan_stream *s,
		       const struct sp_protocol *p, bool frame, const char *place)
{
	bool v4 = is_v4(s->host), v6 = is_v6(s->host);
	struct sp_plan_sizes r = { .native = SP_PLAN_NATIVE, .brief = SP_PLAN_BRIEF };

	if (p->source)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a %s of %s has the size that it has: leave packet_size out",
			       place, sp_protocol_unit(p->source), s->protocol);
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
static int check_stamp(struct plan_check *c, struct sp_plan_stream *s, bool frame,
		       const char *place)
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

static int check_rate(struct plan_check *c, const struct sp_plan_stream *s, const char *place)
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
static int check_conn_stream(struct plan_check *c, struct sp_plan_stream *s,
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
static int check_asking(struct plan_check *c, struct sp_plan_stream *s,
			const struct sp_protocol *p, const struct sp_plan_port *port,
			bool sized, const char *place)
{
	if (plan_of_frames(sp_catalog_transport(c->b->catalog, port->transport)))
		return sp_fail(
			c->err, -EINVAL, SP_EXIT_USAGE,
			"%s: protocol %s goes over datagrams (transport %s), not over the "
			"transport '%s'",
			place, s->protocol, p->transport, port->transport);
	if (sized && s->size)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a %s of %s has the size that it has: leave size out", place,
			       sp_protocol_unit(p->source), s->protocol);
	if (s->stamp == SP_STAMP_NATIVE || s->stamp == SP_STAMP_SHORT)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s has its own numbers, and no room for a stamp", place,
			       s->protocol);
	s->size = 0;
	s->stamp = SP_STAMP_OFF;
	return 0;
}

/* What was recorded is as it is: its source knows when units leave, and how long each is. */
static int check_recorded(struct plan_check *c, struct sp_plan_stream *s, bool sized,
			  const char *place)
{
	const char *what = NULL;

	if (s->rate.kind != SP_RATE_NONE)
		what = "leaves at its own times: leave the rate out";
	else if (s->profile || strcmp(s->departure, "constant") != 0)
		what = "leaves at its own times: leave mode and departure out";
	else if ((sized && s->size) || s->packet_size)
		what = "has the sizes that it has: leave size and packet_size out";
	else if (s->stamp == SP_STAMP_NATIVE || s->stamp == SP_STAMP_SHORT)
		what = "stays as it is: there is no room for a stamp";
	else if (s->deal_of > 1)
		what = "has no schedule of which a part could be taken";
	if (what)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: what was recorded %s",
			       place, what);
	s->recorded = true;
	s->stamp = SP_STAMP_OFF;
	s->size = 0;
	s->mean_size = 0;
	if (s->duration_ns == SP_PLAN_UNSET)
		s->duration_ns = 0;
	return 0;
}

/* What is more than a text is made where units are datagrams or frames. */
static int check_fill_kind(struct plan_check *c, const struct sp_plan_stream *s,
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

static int check_deal(struct plan_check *c, const struct sp_plan_stream *s, const char *place)
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

/* A session says what it has, and stays until the end. */
static int settle_session(struct plan_check *c, struct sp_plan_stream *s,
			  const struct sp_protocol *p, const char *place)
{
	if (!p->proto || !p->proto->session)
		return 0;
	if (s->rate.kind != SP_RATE_MAX && s->rate.kind != SP_RATE_NONE)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a session of %s has no rate of departures; update_rate "
			       "(--update-rate) is the pace of its messages",
			       place, s->protocol);
	s->rate = (struct sp_rate){ .kind = SP_RATE_MAX };
	s->connections = 1;
	return 0;
}

static int check_limits(struct plan_check *c, struct sp_plan_stream *s, const char *place)
{
	if (s->duration_ns == SP_PLAN_UNSET)
		s->duration_ns = s->count || s->bytes ? 0 : DEFAULT_DURATION_NS;
	if (s->bytes && s->bytes < sp_mode_least_size(s))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: bytes %llu is less than one packet of size %llu", place,
			       (unsigned long long)s->bytes, (unsigned long long)s->size);
	if (s->bytes && !s->size && !s->bulk && !s->recorded)
		return sp_fail(
			c->err, -EINVAL, SP_EXIT_USAGE,
			"%s: with size 0 a limit of bytes is never reached; give a count",
			place);
	if (s->duration_ns > INT64_MAX || s->start_ns > INT64_MAX)
		return sp_fail(c->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: more than 292 years is too long", place);
	return 0;
}

/* In virtual time only pauses take time: what has none is ended by how much it is. */
static int check_virtual(struct plan_check *c, const struct sp_plan_stream *s,
			 const struct sp_protocol *p, const struct sp_transport_ops *ops,
			 const char *place)
{
	bool at_once = s->rate.kind == SP_RATE_MAX && !sp_mode_has_own(s);

	if (p->recorded)
		at_once = p->source->endless && p->source->endless(s->conf);
	if (!at_once || !c->b->plan->run.is_virtual || s->count || s->bytes || ops->conn ||
	    (p->source && p->source->asks))
		return 0;
	return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: in virtual time (--out) nothing takes time that leaves as fast as "
		       "may be, and no duration ever ends it: say how much it is, by %s",
		       place,
		       p->recorded ? "loops (--loop) or a limit (--limit)"
				   : "a count (--count) or bytes (--bytes)");
}

static int check_stream(struct plan_check *c, struct sp_names *names, unsigned i)
{
	struct sp_plan_stream *s = (struct sp_plan_stream *)plan_items(c, SP_PLAN_STREAM) + i;
	const char *place = plan_place(c, SP_PLAN_STREAM, i, s->name);
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
	rc = sp_plan_find_port(c, s->from, place, &s->from_port);
	if (rc)
		return rc;
	port = (struct sp_plan_port *)plan_items(c, SP_PLAN_PORT) + s->from_port;
	ops = sp_catalog_transport(c->b->catalog, port->transport);
	frame = plan_of_frames(ops);
	any_unit = ops->any_unit;
	if (!*s->entry)
		s->entry = s->name;
	rc = sp_protocol_need(c->b->catalog, s->protocol, SP_ROLE_CLIENT, place, &p, c->err);
	if (!rc && p.frames && !*s->packet)
		rc = sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			     "%s: protocol %s needs a packet expression", place, s->protocol);
	if (!rc && !*s->host && !*s->packet && !p.recorded)
		rc = sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: no target is given", place);
	if (!rc && !*s->packet)
		rc = sp_plan_check_carrier(c, s->protocol, &p, port, place);
	if (!rc)
		rc = sp_plan_check_settings(c, &p, s->conf, s->wrap_conf, place);
	if (!rc)
		rc = settle_session(c, s, &p, place);
	if (!rc)
		rc = check_fill_kind(c, s, port, place);
	sized = s->size != SP_PLAN_UNSET;
	if (!rc && p.recorded) {
		rc = check_recorded(c, s, sized, place);
		if (!rc)
			rc = check_limits(c, s, place);
		return rc ? rc : check_virtual(c, s, &p, ops, place);
	}
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
	if (!rc)
		rc = check_virtual(c, s, &p, ops, place);
	return rc;
}

int sp_plan_check_streams(struct plan_check *c)
{
	unsigned n = c->b->list[SP_PLAN_STREAM].n;
	struct sp_names names;
	int rc = 0;

	if (sp_names_init(&names, c->b->mem, n))
		return plan_no_memory(c->err);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = check_stream(c, &names, i);
	sp_names_fini(&names);
	return rc;
}
