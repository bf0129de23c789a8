/* A run's life: new, arm, step by step through its ticks to the end. */
#include "engine/run.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "engine/run_impl.h"

int sp_run_new(struct sp_run **out, const struct sp_plan *plan,
	       const struct sp_catalog *catalog, const struct sp_env *env,
	       const struct sp_run_hooks *hooks, struct sp_err *err)
{
	struct sp_run *r = sp_alloc(env->mem, sizeof *r);

	if (!r)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	r->plan = plan;
	r->catalog = catalog;
	r->env = *env;
	r->env.seed = plan->run.seed;
	if (hooks)
		r->hooks = *hooks;
	r->run_fd = -1;
	for (unsigned i = 0; i < RUN_PROC__N; i++)
		r->proc[i] = -1;
	r->stop_ns = SP_NEVER;
	r->role = !plan->n_recvs ? SP_ROLE_SEND : plan->n_streams ? SP_ROLE_BOTH : SP_ROLE_RECV;
	sp_arena_init(&r->arena, env->mem);
	*out = r;
	return 0;
}

void sp_run_free(struct sp_run *r)
{
	if (!r)
		return;
	sp_run_release(r);
	sp_arena_fini(&r->arena);
	sp_free(r->env.mem, r);
}

static int start_listeners(const struct sp_run *r, struct sp_err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < r->plan->n_ports && ret == 0; i++)
		if (r->ports[i].listener)
			ret = sp_listener_start(r->ports[i].listener);
	return ret ? sp_fail(err, ret, SP_EXIT_PERM, "cannot start a listener: %s",
			     strerror(-ret))
		   : 0;
}

/* From here on nothing is prepared any more, and after the next event files may be out of reach. */
static int begin_ports(struct sp_run *r, struct sp_err *err)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		for (unsigned i = 0; i < r->workers[w].lane.n_ports; i++) {
			const struct sp_lane_port *port = &r->workers[w].lane.ports[i];
			int rc = port->tx ? port->ops->flush(port->q) : 0;

			if (sp_error_is_final(rc))
				return sp_fail(err, rc, SP_EXIT_IO, "port %s: %s",
					       r->ports[i].plan->name, strerror(-rc));
		}
	return 0;
}

int sp_run_arm(struct sp_run *r, uint64_t t0_ns, struct sp_err *err)
{
	int ret;

	if (r->phase != RUN_PREPARED)
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED, "the run is not prepared");
	r->t0_ns = t0_ns;
	r->started_real_ns = sp_clock_real(r->env.clock) +
			     (int64_t)(t0_ns - sp_clock_now(r->env.clock));
	r->real_offset_ns = sp_clock_real_offset(r->env.clock);
	r->next_tick_ns = t0_ns + SP_RUN_TICK_NS;
	ret = sp_run_make_results(r, err);
	if (ret == 0)
		ret = sp_run_make_pacers(r, err);
	if (ret == 0)
		ret = sp_run_arm_conns(r, err);
	if (ret == 0)
		ret = begin_ports(r, err);
	if (ret)
		return ret;
	r->end_ns = r->result.planned_ns == SP_NEVER ? SP_NEVER : t0_ns + r->result.planned_ns;
	r->rx_limits.until_ns = r->end_ns;
	sp_run_choose_joining(r);
	sp_run_describe_clock(r);
	sp_host_usage_start(r);
	r->phase = RUN_ARMED;
	sp_run_give_event(r, SP_EVENT_START, NULL);
	for (unsigned i = 0; i < r->n_sources && !r->env.clock->is_virtual && ret == 0; i++)
		if (r->sources[i].ops->run)
			ret = r->sources[i].ops->run(r->sources[i].source, err);
	for (unsigned w = 0; w < r->n_workers && !r->env.clock->is_virtual && ret == 0; w++)
		ret = sp_worker_start(&r->workers[w], err);
	return ret ? ret : start_listeners(r, err);
}

void sp_run_request_stop(struct sp_run *r, bool interrupted)
{
	uint64_t one = 1;

	if (interrupted)
		__atomic_store_n(&r->interrupted, true, __ATOMIC_RELAXED);
	__atomic_add_fetch(&r->stop_requested, 1, __ATOMIC_RELEASE);
	if (r->run_fd >= 0)
		(void)!write(r->run_fd, &one, sizeof one);
}

static void tick(struct sp_run *r, uint64_t now_ns)
{
	if (r->role == SP_ROLE_RECV)
		sp_run_fold_silent(r, now_ns);
	sp_run_collect(r, now_ns, false);
	sp_run_watch_stalls(r, now_ns);
	sp_run_watch_bulk(r, now_ns);
	sp_run_watch_sessions(r);
	sp_run_watch_clock(r, now_ns);
	sp_run_tell_remarks(r);
	sp_run_give_event(r, SP_EVENT_INTERVAL, NULL);
	while (r->next_tick_ns <= now_ns)
		r->next_tick_ns += SP_RUN_TICK_NS;
}

/* ---- real time ---- */

int sp_run_wait_ms(const struct sp_run *r)
{
	uint64_t now = sp_clock_now(r->env.clock), next = r->next_tick_ns;

	if (r->env.clock->is_virtual || r->phase != RUN_ARMED)
		return 0;
	if (r->role == SP_ROLE_RECV && r->end_ns < next)
		next = r->end_ns;
	next = sp_run_look_again(r, now, next);
	if (r->marks && now + SP_MARKS_POLL_NS < next)
		next = now + SP_MARKS_POLL_NS;
	return next > now ? (int)((next - now + SP_NS_PER_MS - 1) / SP_NS_PER_MS) : 0;
}

static int step_real(struct sp_run *r, int timeout_ms)
{
	struct pollfd pfd = { .fd = r->run_fd, .events = POLLIN };
	int wait = sp_run_wait_ms(r);
	uint64_t now, word;

	if (timeout_ms >= 0 && wait > timeout_ms)
		wait = timeout_ms;
	if (poll(&pfd, 1, wait) > 0)
		(void)!read(r->run_fd, &word, sizeof word);
	sp_run_give_marks(r);
	now = sp_clock_now(r->env.clock);
	sp_run_watch_leases(r, now);
	if (sp_run_over(r, now)) {
		sp_run_finish(r, now);
		return 1;
	}
	if (now >= r->next_tick_ns)
		tick(r, now);
	return 0;
}

/* ---- virtual time ---- */

/* A stop that came while all this was done in no time: then it is over by the next moment. */
static bool stopped_now(struct sp_run *r)
{
	bool before = r->stop_ns != SP_NEVER;
	int stops = sp_run_take_stops(r, r->env.clock->virtual_ns);

	if (stops && !before)
		sp_clock_advance(r->env.clock, r->env.clock->virtual_ns + 1);
	return stops > 1;
}

/* Until nothing is left to do now. What has no pauses may go on for ever. */
static void turn_all(struct sp_run *r)
{
	bool did;

	do {
		did = false;
		for (unsigned w = 0; w < r->n_workers; w++)
			did |= sp_worker_turn(&r->workers[w], r->env.clock->virtual_ns);
		sp_run_give_marks(r);
	} while (did && !stopped_now(r));
}

static uint64_t next_of_all(struct sp_run *r)
{
	uint64_t next = SP_NEVER, t;

	for (unsigned w = 0; w < r->n_workers; w++) {
		t = sp_worker_next(&r->workers[w]);
		next = t < next ? t : next;
	}
	return next;
}

static int step_virtual(struct sp_run *r)
{
	uint64_t next;

	sp_run_watch_leases(r, r->env.clock->virtual_ns);
	for (;;) {
		turn_all(r);
		next = next_of_all(r);
		if (sp_run_over(r, r->env.clock->virtual_ns) &&
		    (next == SP_NEVER || r->stop_ns != SP_NEVER || r->role == SP_ROLE_RECV)) {
			sp_run_finish(r, r->env.clock->virtual_ns);
			return 1;
		}
		if (r->role == SP_ROLE_RECV && r->end_ns < next)
			next = r->end_ns;
		if (next >= r->next_tick_ns && !sp_run_all_sent(r)) {
			sp_clock_advance(r->env.clock, r->next_tick_ns);
			turn_all(r);
			tick(r, r->env.clock->virtual_ns);
			return 0;
		}
		if (next == SP_NEVER) {
			sp_run_finish(r, r->env.clock->virtual_ns);
			return 1;
		}
		sp_clock_advance(r->env.clock, next);
	}
}

int sp_run_step(struct sp_run *r, int timeout_ms)
{
	if (r->phase == RUN_FINISHED)
		return 1;
	if (r->phase != RUN_ARMED)
		return -EINVAL;
	return r->env.clock->is_virtual ? step_virtual(r) : step_real(r, timeout_ms);
}

int sp_run_fd(const struct sp_run *r)
{
	return r->run_fd;
}

const struct sp_result *sp_run_result(const struct sp_run *r)
{
	return &r->result;
}
