/* From a plan to open ports, queues, sources and flows. Nothing is sent here. */
#include "engine/run_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/lane_repeat.h"
#include "engine/lane_select.h"

uint64_t sp_run_seed_of(const struct sp_run *r, const char *name)
{
	struct sp_rng rng;

	sp_rng_init(&rng, r->plan->run.seed, name);
	return sp_rng_u64(&rng);
}

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
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
			     sp_catalog_stamp(r->catalog, "short"), flows,
			     sp_run_max_sources(r), r->plan->n_ports) ||
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
		ret = sp_run_make_asks(r, err);
	if (ret == 0 && leases)
		ret = sp_run_ask_for_grants(r, err);
	if (ret == 0)
		ret = sp_run_take_leases(r, err);
	if (ret == 0)
		ret = sp_run_open_ports(r, err);
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
		ret = sp_run_make_asks(r, err);
	if (ret == 0 && !leases)
		ret = sp_run_ask_for_grants(r, err);
	if (ret == 0 && r->role == SP_ROLE_BOTH)
		ret = sp_run_self_grant(r, err);
	if (ret == 0)
		ret = sp_run_echo_grant(r, err);
	if (ret)
		return ret;
	sp_run_head_flows(r);
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
