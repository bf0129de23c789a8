/* From a plan to open ports, queues, sources and flows. Nothing is sent here. */
#include "engine/run_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/str.h"
#include "engine/lane_repeat.h"
#include "engine/lane_select.h"

/* More than any host has port numbers for. */
#define CONNS_MOST (1u << 20)

uint64_t sp_run_seed_of(const struct sp_run *r, const char *name)
{
	struct sp_rng rng;

	sp_rng_init(&rng, r->plan->run.seed, name);
	return sp_rng_u64(&rng);
}

/* Ungranted flow ids start at a place that differs between senders. */
static uint32_t own_id_base(const struct sp_run *r)
{
	struct sp_rng rng;

	sp_rng_init(&rng, r->plan->run.seed, r->plan->run.name);
	return (uint32_t)(sp_rng_u64(&rng) & (SP_FLOW_OWN_ID / 2 - 1));
}

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

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
static uint32_t max_sources(const struct sp_run *r)
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
				     .max_endpoints = max_sources(r) };
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
		return no_memory(err);
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

static int open_ports(struct sp_run *r, struct sp_err *err)
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

static int init_worker(struct sp_run *r, unsigned index, struct sp_err *err)
{
	struct sp_worker *w = &r->workers[index];
	const struct sp_mem *mem = r->env.mem;
	uint32_t n = 0, flows = (uint32_t)r->plan->run.max_flows;
	bool frames = false;
	int ret;

	for (unsigned i = 0; i < r->plan->n_streams; i++)
		n += r->streams[i].worker == index;
	ret = sp_worker_init(w, &r->env, index, err);
	if (ret)
		return ret;
	w->run_fd = r->run_fd;
	w->spin = (enum sp_spin)r->plan->run.spin;
	w->coalesce_ns = r->plan->run.coalesce_ns;
	w->sends = n > 0;
	/* Every worker's echoes come to the first. */
	w->receives = r->role != SP_ROLE_SEND || (r->echo && index == 0);
	w->lane.n_ports = r->plan->n_ports;
	w->lane.ports = sp_alloc_array(mem, r->plan->n_ports, sizeof *w->lane.ports);
	w->lane.streams = sp_alloc_array(mem, n + 1, sizeof *w->lane.streams);
	w->lane.flow = sp_alloc_array(mem, n + 1, sizeof *w->lane.flow);
	w->lane.tally = sp_alloc_array(mem, r->n_tallies, sizeof *w->lane.tally);
	w->given_up = sp_alloc_array(mem, n + 1, sizeof *w->given_up);
	if (!w->lane.ports || !w->lane.streams || !w->lane.flow || !w->lane.tally ||
	    !w->given_up)
		return no_memory(err);
	w->lane.sources = r->sources;
	for (unsigned i = 0; i < r->plan->n_ports; i++) {
		struct run_port *p = &r->ports[i];
		const struct sp_plan_recv *recv = sp_run_recv_of(r, i);
		uint64_t last = p->plan->port_last ? p->plan->port_last : p->plan->port;

		w->lane.ports[i] = (struct sp_lane_port){
			.ops = p->ops,
			.q = p->queues[index],
			.caps = p->caps,
			.tx = p->tx,
			.rx = p->rx || p->hears || (p->echo && index == 0),
			.echo = p->echo && index == 0 ? r->echo : NULL,
			.ear_ops = p->ear_ops,
			.ear = p->ear_queue,
			.accept_first = (uint16_t)p->plan->port,
			.accept_last = (uint16_t)last,
			.filter = p->filter,
			.checksum = recv && (recv->checksum || p->plan->port),
			.contrail = recv && recv->count_as && *recv->count_as
		};
		frames |= p->rx && (p->caps.bits & SP_T_FRAME);
	}
	if (!w->receives)
		return 0;
	w->lane.verifier = &w->verifier;
	w->rx_count_limit = r->plan->run.count;
	if (sp_verifier_init(&w->verifier, mem, &r->granted, r->rx_session,
			     sp_catalog_stamp(r->catalog, "native"),
			     sp_catalog_stamp(r->catalog, "short"), flows, max_sources(r),
			     r->plan->n_ports) ||
	    (frames && sp_verifier_frames(&w->verifier)))
		return no_memory(err);
	w->lane.limits = r->role == SP_ROLE_RECV ? &r->rx_limits : NULL;
	w->verifier.worker = index;
	for (unsigned i = 0; i < r->plan->n_ports && r->role == SP_ROLE_RECV; i++)
		if (r->ports[i].ops->reuse)
			r->ports[i].ops->reuse(r->ports[i].queues[index],
					       sp_verifier_held(&w->verifier, i));
	return 0;
}

/* ---- grants ---- */

static bool wants_control(const struct sp_run *r, const struct run_stream *s)
{
	if (s->lease && !s->lease->segment)
		return true;
	if (s->echo)
		return false;
	return r->plan->run.control && r->hooks.grant && s->stamped &&
	       !sp_run_nothing_leaves(r->ports[s->plan->from_port].ops) &&
	       (r->hooks.keyed || sp_addr_is_own(&s->to.addr));
}

struct by_target {
	const struct run_stream *s;
	uint32_t index;
};

static int compare_targets(const void *a, const void *b)
{
	const struct by_target *x = a, *y = b;
	int c = memcmp(x->s->to.addr.ip, y->s->to.addr.ip, sizeof x->s->to.addr.ip);

	if (!c)
		c = (int)x->s->to.addr.scope - (int)y->s->to.addr.scope;
	if (!c)
		c = x->s->to.port - y->s->to.port;
	return c ? c : (x->index > y->index) - (x->index < y->index);
}

/* Streams with one target make one ask. */
static int make_asks(struct sp_run *r, struct sp_err *err)
{
	uint32_t n = r->plan->n_streams, m = 0;
	struct by_target *order = sp_alloc_array(r->env.mem, n + 1, sizeof *order);

	r->ask_streams = sp_arena_alloc(&r->arena, (n + 1) * sizeof *r->ask_streams);
	r->asks = sp_arena_alloc(&r->arena, (n + 1) * sizeof *r->asks);
	if (!order || !r->ask_streams || !r->asks) {
		sp_free(r->env.mem, order);
		return no_memory(err);
	}
	for (uint32_t i = 0; i < n; i++)
		if (wants_control(r, &r->streams[i]))
			order[m++] = (struct by_target){ &r->streams[i], i };
	qsort(order, m, sizeof *order, compare_targets);
	for (uint32_t i = 0; i < m; i++) {
		struct run_stream *s = &r->streams[order[i].index];
		struct run_ask *a;

		if (i == 0 || !sp_endpoint_eq(&order[i].s->to, &order[i - 1].s->to)) {
			a = &r->asks[r->n_asks++];
			a->ask = (struct sp_ask){
				.to = s->to,
				.transport = r->ports[s->plan->from_port].ops->name,
				.streams = &r->ask_streams[i],
				.max_packets = UINT64_MAX
			};
		}
		a = &r->asks[r->n_asks - 1];
		/* Whoever is asked by a hello is found for datagrams, too. */
		if (r->ports[s->plan->from_port].ops->conn)
			a->ask.transport = r->ports[s->plan->from_port].ops->name;
		s->ask = r->n_asks - 1;
		s->ask_at = a->ask.n_flows++;
		r->ask_streams[i] = order[i].index;
		a->ask.lease = s->lease && !s->lease->segment;
		a->ask.lease_pps = a->ask.lease ? s->lease->pps : 0;
		if (s->plan->end_ns > a->ask.planned_ns)
			a->ask.planned_ns = s->plan->end_ns;
	}
	for (uint32_t i = 0; i < r->n_asks; i++)
		r->asks[i].alone = r->n_asks == 1 && m == n;
	sp_free(r->env.mem, order);
	return 0;
}

static int ask_for_grants(struct sp_run *r, struct sp_err *err)
{
	struct sp_ask *asks;
	struct sp_grant *grants;
	int ret;

	if (!r->n_asks)
		return 0;
	asks = sp_arena_alloc(&r->arena, r->n_asks * sizeof *asks);
	grants = sp_arena_alloc(&r->arena, r->n_asks * sizeof *grants);
	if (!asks || !grants)
		return no_memory(err);
	for (uint32_t i = 0; i < r->n_asks; i++)
		asks[i] = r->asks[i].ask;
	ret = r->hooks.grant(r->hooks.arg, asks, grants, r->n_asks, err);
	for (uint32_t i = 0; i < r->n_asks && ret == 0; i++) {
		r->asks[i].grant = grants[i];
		r->own_control += grants[i].control_packets;
	}
	return ret;
}

uint32_t sp_run_tally_of(const struct sp_run *r, unsigned i)
{
	if (r->plan->n_streams <= SP_TALLY_GRANTED || r->plan->run.tally == SP_TALLY_STREAM)
		return i;
	return 0;
}

/* Payloads up to this are covered by the stamp's check unless told otherwise: longer ones cost
 * the receiver more than the stamp itself. */
#define COVER_UP_TO 256u

/* The check's start value: the CRC of the payload before the stamp, which is the same in every
 * unit of the source. False: without memory, or not wanted. */
static bool cover_payload(struct sp_run *r, const struct run_stream *s,
			  const struct sp_lane_source *src, uint32_t *init)
{
	uint64_t payload = s->plan->size - s->headers;
	struct sp_msg m = { .len = src->ops->len(src->source, (uint32_t)s->plan->size),
			    .stamp_off = SP_NO_STAMP };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	/* Of units that differ in size no two have the same bytes before the stamp. */
	if (!src->stamp->cover || src->varies || *s->plan->packet || *s->plan->fill ||
	    (payload > COVER_UP_TO && r->plan->run.verify != SP_VERIFY_FULL))
		return false;
	m.data = sp_alloc(r->env.mem, m.len);
	if (!m.data)
		return false;
	src->ops->fill(src->source, &b, 0);
	*init = src->stamp->cover(m.data + s->headers, m.stamp_off - s->headers);
	sp_free(r->env.mem, m.data);
	return true;
}

static void head_flows(struct sp_run *r)
{
	uint32_t base = own_id_base(r), covered_source = UINT32_MAX, init = 0;
	bool covered = false;

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		struct run_stream *s = &r->streams[i];
		struct sp_worker *w = &r->workers[s->worker];
		struct sp_flow_tx *f = &w->lane.flow[s->local];
		uint32_t source = w->lane.streams[s->local].source;
		const struct sp_lane_source *src = &w->lane.sources[source];

		if (s->ask != SP_NO_FLOW && r->asks[s->ask].grant.peer)
			s->flow_id = r->asks[s->ask].grant.flow_base + s->ask_at;
		else if (!r->self && !s->echo)
			s->flow_id = SP_FLOW_OWN_ID + base + i;
		f->tally = sp_run_tally_of(r, i);
		if (w->lane.streams[s->local].lane != SP_LANE_PACKET) {
			sp_run_conn_flow(r, i,
					 r->self || (s->ask != SP_NO_FLOW &&
						     r->asks[s->ask].grant.peer));
			continue;
		}
		if (!src->stamp)
			continue;
		/* Streams of one source follow each other. */
		if (source != covered_source) {
			covered = cover_payload(r, s, src, &init);
			covered_source = source;
		}
		f->head = src->stamp->head(s->flow_id & 0xffffff,
					   (uint8_t)((covered ? SP_STAMP_PAYLOAD : 0) |
						     (s->src_varies ? SP_STAMP_VARIES : 0)));
		f->crc_init = covered ? init : 0;
	}
}

/* Where the ids that a receiver grants begin: a sender that an earlier receiver on this port granted
 * some, and that does not know of its end, must not come in between. */
static uint32_t first_id(const struct sp_run *r)
{
	uint32_t id = 0;

	/* In virtual time, and to itself, the same run sends the same bytes. */
	if ((r->role != SP_ROLE_RECV && !r->echo) || r->env.clock->is_virtual)
		return 1;
	/* Early in a boot there may be none. */
	(void)!getrandom(&id, sizeof id, GRND_NONBLOCK);
	return 1 + id % (SP_FLOW_OWN_ID - 1);
}

static int allocate(struct sp_run *r, struct sp_err *err)
{
	const struct sp_plan *plan = r->plan;
	uint32_t flows = (uint32_t)plan->run.max_flows;

	r->n_workers = plan->run.cores ? (unsigned)plan->run.cores : 1;
	r->n_tallies = plan->run.tally == SP_TALLY_STREAM && plan->n_streams > SP_TALLY_GRANTED
			       ? plan->n_streams
			       : SP_TALLY_GRANTED;
	r->ports = sp_arena_alloc(&r->arena, plan->n_ports * sizeof *r->ports);
	r->streams = sp_arena_alloc(&r->arena, (plan->n_streams + 1) * sizeof *r->streams);
	r->sources = sp_arena_alloc(&r->arena, (plan->n_streams + 1) * sizeof *r->sources);
	r->workers = sp_alloc_array(r->env.mem, r->n_workers, sizeof *r->workers);
	r->rx_session = sp_alloc_array(r->env.mem, SP_RUN_MAX_SESSIONS, sizeof *r->rx_session);
	r->sessions = sp_alloc_array(r->env.mem, SP_RUN_MAX_SESSIONS, sizeof *r->sessions);
	if (!r->ports || !r->streams || !r->sources || !r->workers || !r->rx_session ||
	    !r->sessions)
		return no_memory(err);
	if (r->role != SP_ROLE_SEND && sp_flow_table_init(&r->granted, r->env.mem, flows))
		return no_memory(err);
	r->n_sessions = 1; /* 0 stands for senders without one */
	r->rx_limits = (struct sp_rx_limits){ .left = plan->run.count ? plan->run.count
								      : UINT64_MAX,
					      .until_ns = SP_NEVER };
	r->folded.clock_error = -1;
	for (unsigned i = 0; i < plan->n_ports; i++) {
		r->ports[i].plan = &plan->ports[i];
		r->ports[i].ops = sp_catalog_transport(r->catalog, plan->ports[i].transport);
		r->ports[i].any_frame = r->ports[i].ops->any_frame;
		if (r->ports[i].any_frame)
			r->ports[i].ops = sp_lane_fastest(r->catalog, NULL);
	}
	for (unsigned i = 0; i < plan->n_streams; i++)
		r->streams[i] = (struct run_stream){ .plan = &plan->streams[i],
						     .worker = i % r->n_workers,
						     .ask = SP_NO_FLOW };
	r->run_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->run_fd < 0)
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot make a descriptor: %s (raise `ulimit -n`)",
			       strerror(errno));
	/* A stop that came before found nothing to write to. */
	if (__atomic_load_n(&r->stop_requested, __ATOMIC_ACQUIRE))
		(void)!write(r->run_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
	return 0;
}

int sp_run_prepare(struct sp_run *r, struct sp_err *err)
{
	int ret = allocate(r, err);
	bool leases;

	if (ret == 0)
		ret = sp_run_resolve_and_judge(r, err);
	if (ret == 0)
		sp_run_foresee_stamps(r);
	if (ret == 0)
		ret = sp_run_echo_prepare(r, err);
	r->next_id = r->granted.first_id = first_id(r);
	/* Consent comes before any socket; counts can wait until they are open. */
	leases = ret == 0 && sp_run_asks_for_leases(r);
	if (ret == 0 && leases)
		ret = make_asks(r, err);
	if (ret == 0 && leases)
		ret = ask_for_grants(r, err);
	if (ret == 0)
		ret = sp_run_take_leases(r, err);
	if (ret == 0)
		ret = open_ports(r, err);
	for (unsigned i = 0; i < r->n_workers && ret == 0; i++) {
		ret = init_worker(r, i, err);
		r->n_workers_ready = i + 1;
	}
	if (ret == 0)
		ret = sp_run_place_streams(r, err);
	if (ret == 0)
		ret = sp_run_prepare_conns(r, err);
	if (ret == 0)
		ret = sp_run_prepare_replies(r, err);
	if (ret == 0 && !leases)
		ret = make_asks(r, err);
	if (ret == 0 && !leases)
		ret = ask_for_grants(r, err);
	if (ret == 0 && r->role == SP_ROLE_BOTH)
		ret = sp_run_self_grant(r, err);
	if (ret == 0)
		ret = sp_run_echo_grant(r, err);
	if (ret)
		return ret;
	head_flows(r);
	ret = sp_run_prepare_repeats(r, err);
	if (ret == 0)
		r->phase = RUN_PREPARED;
	return ret;
}

void sp_run_release(struct sp_run *r)
{
	const struct sp_mem *mem = r->env.mem;

	for (unsigned i = 0; i < r->n_workers_ready; i++)
		sp_worker_quit(&r->workers[i]);
	sp_run_close_asks(r);
	sp_run_echo_close(r);
	for (unsigned i = 0; i < r->n_workers_ready; i++)
		sp_worker_fini(&r->workers[i]);
	sp_run_close_protocols(r);
	sp_run_close_replies(r);
	sp_run_close_sources(r);
	for (unsigned i = 0; r->streams && i < r->plan->n_streams; i++)
		sp_schedule_free(r->streams[i].schedule);
	for (unsigned i = 0; r->ports && i < r->plan->n_ports; i++) {
		if (r->ports[i].port)
			r->ports[i].ops->close(r->ports[i].port);
		if (r->ports[i].ear)
			r->ports[i].ear_ops->close(r->ports[i].ear);
		sp_listener_close(r->ports[i].listener);
		sp_filter_free(r->ports[i].filter);
	}
	for (uint32_t i = 1; r->sessions && i < r->n_sessions; i++)
		sp_run_session_release(r, i);
	sp_free(mem, r->folded.tally);
	sp_marks_free(r->marks, mem);
	sp_flow_table_fini(&r->granted, mem);
	sp_free(mem, r->hists);
	sp_free(mem, r->listed);
	sp_free(mem, r->self_flows);
	sp_free(mem, r->workers);
	sp_free(mem, r->rx_session);
	sp_free(mem, r->sessions);
	if (r->run_fd >= 0)
		close(r->run_fd);
	sp_host_close(r);
}
