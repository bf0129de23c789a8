/* Ports: as many queues as there are workers, and what each is bound to. */
#include "engine/run_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/lane_select.h"

/* More than any host has port numbers for. */
#define CONNS_MOST (1u << 20)

/* "eth0 10.0.0.1:5001", ":5001-5002" on all addresses, "" when nothing is bound. */
static void describe_local(struct run_port *p, size_t at, const struct sp_endpoint *local)
{
	char text[96] = "";
	size_t len;

	/* Any address and any port says nothing: each connection or session has its own. */
	if (local->addr.family &&
	    (local->port || sp_addr_class(&local->addr) != SP_ADDR_UNSPECIFIED))
		sp_endpoint_format(text, sizeof text, local);
	else if (local->port)
		snprintf(text, sizeof text, ":%u", local->port);
	len = strlen(text);
	if (len && p->plan->port_last > p->plan->port)
		snprintf(text + len, sizeof text - len, "-%u", (unsigned)p->plan->port_last);
	snprintf(p->where + at, sizeof p->where - at, "%s%s", at && *text ? " " : "", text);
}

/* Connections of all a port's streams, and those that come in. */
static uint32_t conns_of(const struct sp_run *r, unsigned port)
{
	uint64_t n = r->ports[port].rx ? SP_RUN_MAX_CONNS : 0;

	for (unsigned i = 0; i < r->plan->n_streams; i++)
		if (r->plan->streams[i].from_port == port)
			n += sp_run_connections(r, &r->plan->streams[i]);
	return n < CONNS_MOST ? (uint32_t)n : CONNS_MOST;
}

/* Where somebody said how many. */
static uint32_t said_conns(const struct sp_run *r, unsigned port)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->plan->n_streams; i++)
		if (r->plan->streams[i].from_port == port)
			n += r->plan->streams[i].connections;
	return n < CONNS_MOST ? (uint32_t)n : CONNS_MOST;
}

/* Every run of a sender may come from another port, so that a receiver that lives long sees many
 * more sources than flows at a time. */
uint32_t sp_run_max_sources(const struct sp_run *r)
{
	uint32_t flows = (uint32_t)r->plan->run.max_flows, many = 65536 / r->plan->n_ports;

	return r->role == SP_ROLE_RECV && many > flows ? many : flows;
}

static int open_listener(const struct sp_run *r, struct run_port *p,
			 const struct sp_plan_recv *recv, struct sp_err *err)
{
	if (!recv || !recv->listener || !*recv->listener)
		return 0;
	return sp_listener_open(&p->listener, recv->listener, r->env.mem, err);
}

/* A filter is run here where the transport has none, or gives machines that answer all there is. */
static int own_filter(const struct sp_run *r, struct run_port *p,
		      const struct sp_plan_recv *recv, struct sp_err *err)
{
	if (!recv || !recv->filter || !*recv->filter ||
	    (!p->answers && p->ops->opts && sp_opt_find(p->ops->opts, "filter")))
		return 0;
	return sp_filter_new(&p->filter, recv->filter, SP_EXIT_USAGE, r->env.mem, err);
}

/* Of transport auto, what the interface and this user's rights allow. */
static int open_fastest(struct sp_run *r, struct run_port *p, struct sp_port_conf *conf,
			struct sp_err *err)
{
	const struct sp_transport_ops *next;
	struct sp_err why = { 0 };
	int ret;

	if (!p->any_frame)
		return p->ops->open(&p->port, conf, &r->permit, &r->env, err);
	conf->conf = NULL;
	for (;;) {
		ret = p->ops->open(&p->port, conf, &r->permit, &r->env, &why);
		next = sp_lane_fastest(r->catalog, p->ops);
		if (!ret || !next || why.exit != SP_EXIT_PERM)
			break;
		sp_log(r->env.log, SP_LOG_WARN, "port %s: transport %s instead of %s: %s",
		       p->plan->name, next->name, p->ops->name, why.text);
		p->ops = next;
	}
	if (ret && err)
		*err = why;
	else if (!ret)
		sp_log(r->env.log, SP_LOG_INFO, "port %s: transport %s, the fastest for frames",
		       p->plan->name, p->ops->name);
	return ret;
}

static int open_port(struct sp_run *r, unsigned i, struct sp_err *err)
{
	struct run_port *p = &r->ports[i];
	struct sp_port_conf conf = { .name = p->plan->name,
				     .workers = r->n_workers,
				     .tx = p->tx,
				     .rx = p->rx || p->hears,
				     .answers = p->answers,
				     .conf = p->plan->conf,
				     .max_endpoints = sp_run_max_sources(r) };
	struct sp_endpoint local;
	size_t at;
	int ret;

	if (p->ops->conn)
		conf.max_conns = conns_of(r, i);
	if (p->ops->conn)
		conf.need_conns = said_conns(r, i);
	if (p->n_targets > conf.max_endpoints)
		conf.max_endpoints = p->n_targets;
	ret = sp_run_port_address(p, &conf, &r->arena, err);
	if (ret == 0)
		ret = own_filter(r, p, sp_run_recv_of(r, i), err);
	if (ret == 0)
		ret = open_listener(r, p, sp_run_recv_of(r, i), err);
	if (ret == 0)
		ret = open_fastest(r, p, &conf, err);
	if (ret == 0)
		ret = sp_run_echo_open(r, p, &conf, err);
	if (ret)
		return ret;
	p->ops->caps(p->port, &p->caps);
	p->queues = sp_arena_alloc(&r->arena, r->n_workers * sizeof *p->queues);
	if (!p->queues)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (unsigned w = 0; w < r->n_workers && ret == 0; w++)
		ret = p->ops->queue(p->port, w, &p->queues[w], err);
	if (ret)
		return ret;
	if (p->rx && r->n_workers > 1 && (p->caps.bits & SP_T_STEER) && p->ops->steer)
		ret = p->ops->steer(p->port, r->n_workers);
	if (ret)
		return sp_fail(
			err, ret, SP_EXIT_PERM,
			"port %s: sources cannot be steered to %u workers (%s): use --cores 1",
			p->plan->name, r->n_workers, strerror(-ret));
	at = conf.interface ? sp_strlcpy(p->where, conf.interface, sizeof p->where - 1) : 0;
	if (p->ops->local && p->ops->local(p->port, 0, &local) == 0)
		describe_local(p, at, &local);
	return 0;
}

int sp_run_open_ports(struct sp_run *r, struct sp_err *err)
{
	const struct sp_plan *plan = r->plan;
	int ret = 0;

	for (unsigned i = 0; i < plan->n_streams; i++) {
		r->ports[plan->streams[i].from_port].tx = true;
		r->ports[plan->streams[i].from_port].n_targets++;
		r->ports[plan->streams[i].from_port].hears |= sp_run_hears(r,
									   &plan->streams[i]);
	}
	for (unsigned i = 0; i < plan->n_recvs; i++)
		r->ports[plan->recvs[i].from_port].rx = true;
	ret = sp_run_find_replies(r, err);
	for (unsigned i = 0; i < plan->n_ports && ret == 0; i++)
		ret = open_port(r, i, err);
	return ret;
}
