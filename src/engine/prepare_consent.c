/* Who is meant by each stream, and whether he may be sent that. No socket is open yet. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "engine/guard.h"
#include "engine/lane_select.h"
#include "engine/netdev.h"
#include "engine/packet.h"
#include "engine/run_impl.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* "10.0.0.1", "10.0.0.1:5000", "[::1]:5000", "fe80::1%eth0" */
static int bind_address(const struct sp_plan_port *p, struct sp_port_conf *conf,
			struct sp_arena *arena, struct sp_err *err)
{
	struct sp_url url;
	char *device;
	int r;

	conf->bind.port = (uint16_t)p->port;
	conf->port_last = (uint16_t)p->port_last;
	conf->interface = p->interface && *p->interface ? p->interface : NULL;
	if (!p->bind || !*p->bind)
		return 0;
	r = sp_url_parse(p->bind, &url, err);
	if (r)
		return r;
	device = strchr(url.host, '%');
	if (device && strncmp(url.host, "fe80", 4) != 0) {
		*device = '\0';
		conf->interface = sp_arena_strdup(arena, device + 1);
		if (!conf->interface)
			return no_memory(err);
	}
	if (url.port)
		conf->bind.port = url.port;
	if (*url.host && sp_addr_parse(url.host, &conf->bind.addr))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "port %s: %s is not an address of an interface of this host",
			       p->name, url.host);
	return 0;
}

int sp_run_port_address(const struct run_port *p, struct sp_port_conf *conf,
			struct sp_arena *arena, struct sp_err *err)
{
	int rc = bind_address(p->plan, conf, arena, err);

	if (!conf->interface && *p->by_route)
		conf->interface = p->by_route;
	return rc;
}

static int bind_family(const struct sp_run *r, const struct sp_plan_port *p)
{
	struct sp_port_conf conf = { 0 };
	struct sp_arena scratch;
	int family = 0;

	sp_arena_init(&scratch, r->env.mem);
	if (bind_address(p, &conf, &scratch, NULL) == 0)
		family = conf.bind.addr.family;
	sp_arena_fini(&scratch);
	return family;
}

bool sp_run_nothing_leaves(const struct sp_transport_ops *ops)
{
	return ops->next_ns || !ops->fd;
}

/* In packets, and in bits of payload. */
static void asked_rate(const struct sp_plan_stream *s, bool conns, double *pps, double *bps)
{
	double bits = 8.0 * s->mean_size;
	double part = s->deal_of > 1 ? (double)s->deal_of / (double)s->deal_n : 1;

	if (s->bulk)
		bits = 8.0 * SP_GUARD_SEGMENT;
	if (s->top.kind == SP_RATE_MAX || s->top.kind == SP_RATE_NONE) {
		*pps = INFINITY;
		*bps = INFINITY;
	} else if (s->top.kind == SP_RATE_PPS) {
		*pps = (double)s->top.micro / 1e6 / part;
		*bps = *pps * bits;
	} else {
		*bps = (double)s->top.micro / 1e6 / part;
		*pps = bits > 0 ? *bps / bits : INFINITY;
	}
	if (conns && !s->bulk)
		*pps *= (double)sp_guard_packets(s->size);
}

/* Is the source that a port is bound to another host's? Only frames can have one. */
static bool binds_foreign(const struct sp_run *r, const struct sp_plan_port *p,
			  const struct sp_local *local)
{
	struct sp_port_conf conf = { 0 };
	struct sp_arena scratch;
	bool foreign;

	sp_arena_init(&scratch, r->env.mem);
	foreign = bind_address(p, &conf, &scratch, NULL) == 0 && conf.bind.addr.family &&
		  !sp_local_is_own(local, &conf.bind.addr);
	sp_arena_fini(&scratch);
	return foreign;
}

static bool may_reach(const struct sp_segment *s, const struct sp_guard_ask *ask)
{
	for (unsigned i = 0; i < ask->n_ranges; i++)
		if (!sp_segment_has_range(s, &ask->range[i].first, &ask->range[i].last))
			return false;
	return ask->no_ip || ask->n_ranges || sp_segment_has_addr(s, &ask->to.addr);
}

/* Looked for once a port, where it matters. */
int sp_run_find_segment(struct sp_run *r, struct run_port *p, struct sp_err *err)
{
	struct sp_port_conf conf = { 0 };
	int ret = 0;

	if (!p->segment_known)
		ret = sp_run_port_address(p, &conf, &r->arena, err);
	if (ret == 0 && !p->segment_known && conf.interface)
		ret = sp_segment_find(SP_SEGMENT_DIR, conf.interface,
				      sp_clock_real(r->env.clock) / (int64_t)SP_NS_PER_S,
				      &r->arena, &p->segment, err);
	p->segment_known = true;
	return ret < 0 ? ret : 0;
}

/* The test segment that a port's frames leave into, if they may. */
static int segment_of(struct sp_run *r, struct run_port *p, const struct sp_guard_ask *ask,
		      const struct sp_segment **out, struct sp_err *err)
{
	int ret = sp_run_find_segment(r, p, err);

	if (ret)
		return ret;
	if (p->segment && may_reach(p->segment, ask))
		*out = p->segment;
	return 0;
}

/* What its expression says of a stream: all whom it is for, and in whose name. */
static int ask_for_packet(struct sp_run *r, const struct sp_plan_stream *s,
			  const char *interface, const struct sp_local *local,
			  struct sp_guard_ask *ask, struct sp_packet_facts *f,
			  struct sp_err *err)
{
	int ret = sp_packet_look(s->packet, s->name, &ask->to, r->catalog, &r->arena, f, err);

	if (ret)
		return ret;
	ask->no_ip = !f->ip;
	ask->syn = f->syn;
	ask->range = f->to;
	ask->n_ranges = f->n_to > 1 || (f->n_to && (!f->ip || sp_addr_compare(&f->to->first,
									      &f->to->last)))
				? f->n_to
				: 0;
	if (ask->no_ip)
		ask->own_link = sp_local_is_own_link(local, interface);
	for (unsigned i = 0; i < f->n_src; i++)
		ask->foreign_source |= sp_addr_compare(&f->src[i].first, &f->src[i].last) ||
				       !sp_local_is_own(local, &f->src[i].first);
	for (unsigned i = 0; i < ask->n_ranges; i++)
		ask->subnet_broadcast |= sp_local_has_broadcast(local, &f->to[i].first,
								&f->to[i].last);
	return 0;
}

/* Who is behind a name, or (frames that are not IP) nobody. */
static int find_target(const struct sp_run *r, const struct sp_plan_stream *s,
		       const struct sp_plan_port *p, struct sp_endpoint *to, struct sp_err *err)
{
	struct sp_resolve_conf conf = { .family = (uint8_t)bind_family(r, p),
					.interface = p->interface };

	if (!*s->host)
		return 0;
	if (*s->packet)
		conf.family = sp_packet_family(s->packet, r->catalog, r->env.mem);
	return sp_resolve(s->host, (uint16_t)s->port, &conf, to, err);
}

static const char *interface_of(const struct run_port *p)
{
	return p->plan->interface && *p->plan->interface ? p->plan->interface : p->by_route;
}

/* Frames leave by an interface: where none is named, by that of the route. */
static void find_way(struct run_port *p, const struct sp_endpoint *to)
{
	if (p->ops->link && !sp_run_nothing_leaves(p->ops) && !*interface_of(p))
		sp_netdev_towards(&to->addr, p->by_route);
}

/* Before anybody is asked for consent to what could not leave anyway. */
static int check_interface(const struct run_port *p, struct sp_err *err)
{
	const char *name = interface_of(p);

	if (!p->ops->link || sp_run_nothing_leaves(p->ops) || !*name || if_nametoindex(name))
		return 0;
	return sp_fail(err, -ENODEV, SP_EXIT_PERM,
		       "there is no interface %s; `ip link` lists them", name);
}

static int ask_for_stream(struct sp_run *r, unsigned i, const struct sp_local *local,
			  const struct sp_guard_conf *guard, struct sp_guard_ask *ask,
			  struct sp_err *err)
{
	const struct sp_plan_stream *s = &r->plan->streams[i];
	const struct sp_plan_port *p = &r->plan->ports[s->from_port];
	bool frames = r->ports[s->from_port].ops->link != NULL;
	struct sp_packet_facts facts = { 0 };
	int ret = find_target(r, s, p, &ask->to, err);

	if (ret)
		return ret;
	find_way(&r->ports[s->from_port], &ask->to);
	ret = check_interface(&r->ports[s->from_port], err);
	if (ret)
		return ret;
	/* Tied to an interface, what is for this host may leave by it all the same. */
	ask->own_host = !frames && !(p->interface && *p->interface) &&
			sp_local_is_own(local, &ask->to.addr);
	ask->subnet_broadcast = sp_local_is_broadcast(local, &ask->to.addr);
	ask->public_link = sp_local_is_public(local, interface_of(&r->ports[s->from_port]));
	ask->unbounded = s->end_ns == SP_NEVER && !s->count && !s->bytes;
	ask->foreign_source = (frames || r->ports[s->from_port].ops->any_source) &&
			      binds_foreign(r, p, local);
	if (s->recorded && !*s->host) {
		ask->no_ip = true;
		ask->own_link = sp_local_is_own_link(local,
						     interface_of(&r->ports[s->from_port]));
	}
	if (s->recorded)
		ret = sp_run_look_at_recorded(r, i, local, ask, guard->allow_broadcast, err);
	if (ret)
		return ret;
	if (*s->packet)
		ret = ask_for_packet(r, s, interface_of(&r->ports[s->from_port]), local, ask,
				     &facts, err);
	if (ret)
		return ret;
	r->streams[i].mac_given = facts.mac_given;
	r->streams[i].echo = facts.echo;
	r->streams[i].src_varies = facts.src_varies;
	r->streams[i].no_number = (*s->packet && !facts.dst.port) || (s->recorded && !*s->host);
	if (!s->recorded)
		asked_rate(s, r->ports[s->from_port].ops->conn, &ask->pps, &ask->bps);
	if (frames && sp_guard_needs_segment(ask, guard))
		ret = segment_of(r, &r->ports[s->from_port], ask, &ask->segment, err);
	return ret;
}

struct sp_lease *sp_run_lease_of(const struct sp_run *r, const struct sp_endpoint *to)
{
	for (uint32_t i = 0; i < r->permit.n_leases; i++)
		if (sp_endpoint_eq(&r->permit.lease[i].to, to))
			return &r->permit.lease[i];
	return NULL;
}

int sp_run_resolve_and_judge(struct sp_run *r, struct sp_err *err)
{
	const struct sp_plan *plan = r->plan;
	struct sp_guard_conf conf = { .allow_broadcast = plan->run.allow_broadcast,
				      .listen = plan->n_recvs > 0,
				      .nothing_leaves = true,
				      .may_lease = r->hooks.grant && r->hooks.lease &&
						   plan->run.control };
	struct sp_guard_ask *asks;
	struct sp_local *local = NULL;
	int ret;

	asks = sp_alloc_array(r->env.mem, plan->n_streams + 1, sizeof *asks);
	ret = asks ? sp_local_new(&local, r->env.mem, err) : no_memory(err);
	for (unsigned i = 0; i < plan->n_streams && ret == 0; i++) {
		if (!sp_run_nothing_leaves(r->ports[plan->streams[i].from_port].ops))
			conf.nothing_leaves = false;
		ret = ask_for_stream(r, i, local, &conf, &asks[i], err);
		r->streams[i].to = asks[i].to;
		conf.listen |= r->streams[i].echo;
	}
	if (ret == 0)
		ret = sp_guard_judge(asks, plan->n_streams, &conf, &r->arena, &r->permit, err);
	for (unsigned i = 0; i < plan->n_streams && ret == 0; i++) {
		/* All that counts against the run's limits is counted by one worker. */
		r->streams[i].metered = sp_guard_is_metered(&asks[i], &conf);
		if (r->streams[i].metered || asks[i].segment)
			r->streams[i].worker = 0;
		if (r->streams[i].metered || asks[i].segment)
			r->streams[i].lease = sp_run_lease_of(r, &asks[i].to);
	}
	sp_local_free(local);
	sp_free(r->env.mem, asks);
	return ret;
}

void sp_run_foresee_stamps(struct sp_run *r)
{
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		struct run_stream *s = &r->streams[i];
		bool frames = r->ports[s->plan->from_port].ops->link != NULL;

		s->stamped = s->plan->bulk || sp_lane_stamp(s->plan, frames, s->to.addr.family,
							    r->catalog, &s->headers) != NULL;
	}
}

bool sp_run_asks_for_leases(const struct sp_run *r)
{
	for (uint32_t i = 0; i < r->permit.n_leases; i++)
		if (!r->permit.lease[i].segment)
			return true;
	return false;
}
