/* A run's life: new, arm, step by step through its ticks, the end. */
#include "engine/run.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "core/shared.h"
#include "engine/errors.h"
#include "engine/modes/modes.h"
#include "engine/run_impl.h"

/* How long a receiver that has its --count waits for its senders' last words. */
#define GOODBYE_NS     (300 * SP_NS_PER_MS)
/* Silence after which nothing more is expected on a run's own sockets. */
#define DRAIN_NS       (50 * SP_NS_PER_MS)
/* So long may frames lie in a ring before the kernel shows them: a jiffy or two. */
#define FRAMES_NS      (20 * SP_NS_PER_MS)
#define FRAMES_MOST_NS SP_NS_PER_S

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

static uint64_t planned_end(const struct sp_run *r)
{
	uint64_t end = 0;

	if (r->role == SP_ROLE_RECV)
		return r->plan->run.duration_ns ? r->plan->run.duration_ns : SP_NEVER;
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		if (r->plan->streams[i].end_ns > end)
			end = r->plan->streams[i].end_ns;
	}
	return end;
}

/* A slow stream's packets stay single ones, as somebody who captures them expects, unless a stall
 * has left many to be made up; from JOIN_PPS on a worker needs super-packets to keep up. */
#define JOIN_PPS   200000.0
#define JOIN_AFTER 16u

static void choose_joining(struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		r->workers[w].asked_pps = 0;
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct sp_plan_stream *s = &r->plan->streams[i];
		double pps = sp_run_asked_pps(s, &s->top);

		r->workers[r->streams[i].worker].asked_pps += isnan(pps) ? INFINITY : pps;
	}
	for (unsigned w = 0; w < r->n_workers; w++)
		r->workers[w].lane.join_from = r->workers[w].asked_pps > JOIN_PPS ? 2
										  : JOIN_AFTER;
}

/* Bulk data and closed loops have no departures. */
static bool self_paced(const struct sp_worker *w, const struct run_stream *s)
{
	const struct sp_lane_stream *ls = &w->lane.streams[s->local];

	return ls->lane == SP_LANE_BULK || s->played ||
	       (ls->lane == SP_LANE_DIALOGUE && s->plan->rate.kind == SP_RATE_MAX);
}

/* Whoever sees answers tells a schedule that wants to hear of them; a dialogue's starts are counted
 * where they happen. */
static void tell_of_schedule(struct sp_worker *w, const struct run_stream *s)
{
	const struct sp_lane_stream *ls = &w->lane.streams[s->local];
	struct sp_pacer *hears = sp_mode_hears_replies(s->plan) ? w->lane.pacer : NULL;
	struct sp_dialogue_stream *d;

	if (ls->asks)
		w->lane.ports[ls->port].asks->stream[s->local].wants_replies = hears;
	if (ls->lane != SP_LANE_DIALOGUE)
		return;
	d = &w->dialogue.stream[ls->index];
	d->schedule = s->schedule;
	d->wants_replies = hears;
	d->paced_as = s->local;
}

/* The stream as its port takes it: a law of sizes ends at the largest there. */
static int make_schedule(struct sp_run *r, unsigned stream, struct sp_err *err)
{
	struct run_stream *s = &r->streams[stream];
	struct sp_plan_stream as = *s->plan;
	struct sp_pace pace;

	if (sp_run_recorded(r, stream)) {
		const struct sp_lane_source *src = sp_run_recorded(r, stream);

		sp_schedule_recorded(s->plan, src->ops, src->source, r->t0_ns, &s->pace);
		return 0;
	}
	as.size = s->largest;
	return sp_schedule_make(&as, r->catalog, &r->env, r->t0_ns, 0,
				s->self_paced ? &pace : &s->pace, &s->schedule, err);
}

/* What has no departures still has sizes. */
static int pace_itself(struct sp_run *r, unsigned stream, uint64_t end_ns, struct sp_err *err)
{
	struct run_stream *s = &r->streams[stream];
	struct sp_worker *wk = &r->workers[s->worker];
	const struct sp_lane_stream *ls = &wk->lane.streams[s->local];
	int rc = 0;

	if (end_ns > wk->last_end_ns)
		wk->last_end_ns = end_ns;
	s->pace = (struct sp_pace){ .kind = SP_PACE_MAX, .gap_den = 1 };
	s->only_max = true;
	if (s->plan->packet_size && ls->lane == SP_LANE_DIALOGUE) {
		rc = make_schedule(r, stream, err);
		wk->dialogue.stream[ls->index].schedule = s->schedule;
	}
	return rc;
}

static int make_pacers(struct sp_run *r, struct sp_err *err)
{
	struct sp_catch_up_conf catch_up;
	int ret = sp_catch_up_parse(r->plan->run.catch_up, &catch_up, err);
	uint64_t end;

	for (unsigned w = 0; w < r->n_workers && ret == 0; w++) {
		struct sp_worker *wk = &r->workers[w];

		if (!wk->sends)
			continue;
		ret = sp_pacer_new(&wk->lane.pacer, r->env.mem, wk->lane.n_streams, r->t0_ns,
				   &catch_up);
		if (ret)
			return sp_fail(err, ret, SP_EXIT_FAILED, "out of memory");
		sp_pacer_prefetch(wk->lane.pacer, wk->lane.flow, sizeof *wk->lane.flow);
		sp_pacer_prefetch(wk->lane.pacer, wk->lane.streams, sizeof *wk->lane.streams);
	}
	for (unsigned i = 0; i < r->plan->n_streams && ret == 0; i++) {
		struct run_stream *s = &r->streams[i];
		struct sp_worker *wk = &r->workers[s->worker];

		s->rate = s->plan->rate;
		end = s->plan->end_ns < SP_NEVER - r->t0_ns ? r->t0_ns + s->plan->end_ns
							    : SP_NEVER;
		s->self_paced = self_paced(wk, s);
		if (s->self_paced) {
			ret = pace_itself(r, i, end, err);
			continue;
		}
		ret = make_schedule(r, i, err);
		if (ret)
			return ret;
		if (!s->pace.count) /* all of its shared schedule's are the others' */
			continue;
		wk->lane.streams[s->local].schedule = s->schedule;
		tell_of_schedule(wk, s);
		if (end > wk->last_end_ns)
			wk->last_end_ns = end;
		s->only_max = s->pace.kind == SP_PACE_MAX;
		if (s->plan->waits)
			s->pace.count = 0;
		ret = sp_pacer_add(wk->lane.pacer, s->local, &s->pace);
		if (ret)
			return sp_fail(err, ret, SP_EXIT_USAGE,
				       "stream %s: its schedule is empty", s->plan->name);
	}
	return ret ? ret : sp_run_make_stages(r, err);
}

/* What a receiver's units are is seen flow by flow where they come over connections. */
static const char *unit_of_streams(const struct sp_run *r)
{
	for (unsigned i = 1; i < r->plan->n_streams; i++)
		if (strcmp(sp_run_stream_unit(r, i), sp_run_stream_unit(r, 0)) != 0)
			return NULL;
	return sp_run_stream_unit(r, 0);
}

/* What the units of all ports are; NULL: different things. */
static const char *unit_of_all(const struct sp_run *r)
{
	if (r->plan->n_streams)
		return unit_of_streams(r);
	for (unsigned p = 0; p < r->plan->n_ports; p++)
		if (r->ports[p].ops->conn)
			return NULL;
	for (unsigned p = 1; p < r->plan->n_ports; p++)
		if (strcmp(sp_run_unit(r, p), sp_run_unit(r, 0)) != 0)
			return NULL;
	return sp_run_unit(r, 0);
}

static bool allocate_results(struct sp_run *r)
{
	struct sp_arena *a = &r->arena;

	r->transport_results = sp_arena_alloc(a,
					      r->plan->n_ports * sizeof *r->transport_results);
	r->hists = sp_alloc_array(r->env.mem, RUN_HIST__N, sizeof *r->hists);
	if (!r->transport_results || !r->hists)
		return false;
	if (r->role != SP_ROLE_RECV)
		return true;
	r->max_listed = (uint32_t)r->plan->run.max_flows;
	r->receivers = sp_arena_alloc(a, r->plan->n_recvs * sizeof *r->receivers);
	r->listed = sp_alloc_array(r->env.mem, r->max_listed, sizeof *r->listed);
	r->folded.receivers = sp_arena_alloc(a, r->plan->n_recvs * sizeof *r->folded.receivers);
	r->folded.tally = sp_alloc_array(r->env.mem, 1, sizeof *r->folded.tally);
	if (!r->receivers || !r->listed || !r->folded.receivers || !r->folded.tally)
		return false;
	sp_run_folded_begin(r);
	return true;
}

/* What was asked for, in the words of the command line. */
static const char *command_of(const struct sp_run *r)
{
	if (r->role == SP_ROLE_RECV)
		return "recv";
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		if (r->plan->streams[i].recorded)
			return "replay";
	return "send";
}

static int make_results(struct sp_run *r, struct sp_err *err)
{
	struct sp_result *res = &r->result;
	uint32_t streams = r->plan->n_streams, flows = 0;

	if (!allocate_results(r))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (r->role != SP_ROLE_RECV)
		flows = streams < r->plan->run.max_flows ? streams
							 : (uint32_t)r->plan->run.max_flows;
	for (unsigned i = 0; r->receivers && i < r->plan->n_recvs; i++)
		sp_measure_clear(&r->receivers[i].m);
	*res = (struct sp_result){ .name = r->plan->run.name,
				   .command = command_of(r),
				   .plan_sha256 = r->plan->sha256,
				   .seed = r->plan->run.seed,
				   .role = r->role,
				   .started_real_ns = r->started_real_ns,
				   .planned_ns = planned_end(r),
				   .remarks = r->remarks,
				   .n_remarks = res->n_remarks,
				   .parts = &sp_run_parts,
				   .parts_arg = r,
				   .n_streams = streams ? streams : r->plan->n_recvs,
				   .n_flows = flows,
				   .unit = unit_of_all(r),
				   .transports = r->transport_results,
				   .n_transports = r->plan->n_ports };
	sp_host_describe(&res->host);
	return 0;
}

static void describe_clock(struct sp_run *r)
{
	const struct sp_grant *g;

	if (r->self)
		r->result.clock = "one clock: the run sends to itself";
	for (uint32_t i = 0; i < r->n_asks; i++) {
		g = &r->asks[i].grant;
		if (!g->peer)
			continue;
		if (g->same_host)
			sp_strlcpy(r->clock_text, "same host and clock: offset exactly 0",
				   sizeof r->clock_text);
		else if (g->clock_known)
			snprintf(r->clock_text, sizeof r->clock_text,
				 "offset by four time stamps, error at most %llu ns",
				 (unsigned long long)g->clock_error_ns);
		else
			sp_strlcpy(r->clock_text, "unknown: one-way delay is not measured",
				   sizeof r->clock_text);
		r->result.clock = r->clock_text;
	}
}

static void give_event(struct sp_run *r, enum sp_event_kind kind,
		       const struct sp_remark *remark)
{
	uint64_t now = sp_clock_now(r->env.clock);
	struct sp_event e = { .kind = kind,
			      .t_ns = now > r->t0_ns ? now - r->t0_ns : 0,
			      .real_ns = sp_clock_real(r->env.clock),
			      .result = &r->result,
			      .remark = remark };

	if (r->hooks.event)
		r->hooks.event(r->hooks.arg, &e);
}

int sp_run_want_marks(struct sp_run *r, uint32_t every, struct sp_err *err)
{
	if (sp_marks_new(&r->marks, r->env.mem, r->n_workers, every))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (unsigned w = 0; w < r->n_workers; w++) {
		struct sp_worker *k = &r->workers[w];
		struct sp_marker *m = sp_marks_marker(r->marks, w);
		bool receives = r->role == SP_ROLE_RECV;

		*(receives ? &k->lane.rx_marker : &k->lane.tx_marker) = m;
		*(receives ? &k->dialogue.rx_marker : &k->dialogue.tx_marker) = m;
		k->sink.marker = receives ? m : NULL;
	}
	return 0;
}

static void give_marks(struct sp_run *r)
{
	struct sp_mark m;

	while (r->marks && sp_marks_next(r->marks, r->t0_ns, &m)) {
		uint64_t t_ns = m.t_ns > r->t0_ns ? m.t_ns - r->t0_ns : 0;
		struct sp_event e = { .kind = SP_EVENT_MARK,
				      .t_ns = t_ns,
				      .real_ns = r->started_real_ns + (int64_t)t_ns,
				      .result = &r->result,
				      .mark = &m };

		if (r->hooks.event)
			r->hooks.event(r->hooks.arg, &e);
	}
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
	ret = make_results(r, err);
	if (ret == 0)
		ret = make_pacers(r, err);
	if (ret == 0)
		ret = sp_run_arm_conns(r, err);
	if (ret)
		return ret;
	r->end_ns = r->result.planned_ns == SP_NEVER ? SP_NEVER : t0_ns + r->result.planned_ns;
	r->rx_limits.until_ns = r->end_ns;
	choose_joining(r);
	describe_clock(r);
	sp_host_usage_start(r);
	r->phase = RUN_ARMED;
	give_event(r, SP_EVENT_START, NULL);
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

void sp_run_say(struct sp_run *r, const char *code, bool neutral, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sp_run_remark(r, code, neutral, text);
}

void sp_run_remark(struct sp_run *r, const char *code, bool neutral, const char *text)
{
	struct sp_remark *m;
	size_t n = r->result.n_remarks;
	uint64_t now = sp_clock_now(r->env.clock);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(r->remarks[i].code, code) && !strcmp(r->remarks[i].text, text))
			return;
	if (n == SP_RUN_MAX_REMARKS)
		return;
	m = &r->remarks[n];
	*m = (struct sp_remark){ .code = sp_arena_strdup(&r->arena, code),
				 .at_ns = r->t0_ns && now > r->t0_ns ? now - r->t0_ns : 0,
				 .neutral = neutral,
				 .text = sp_arena_strdup(&r->arena, text) };
	if (!m->code || !m->text)
		return;
	r->result.remarks = r->remarks;
	r->result.n_remarks = n + 1;
}

void sp_run_confined(struct sp_run *r, const char *what)
{
	sp_strlcpy(r->result.host.sandbox, what, sizeof r->result.host.sandbox);
}

/* Remarks that events have not told yet. Only between the start and the end event. */
static void tell_remarks(struct sp_run *r)
{
	for (; r->n_remarks_told < r->result.n_remarks; r->n_remarks_told++)
		give_event(r, SP_EVENT_REMARK, &r->remarks[r->n_remarks_told]);
}

void sp_run_exit_hint(struct sp_run *r, enum sp_exit code)
{
	if (r->exit_hint == SP_EXIT_OK || code == SP_EXIT_FAILED)
		r->exit_hint = code;
	if (r->phase == RUN_FINISHED && code == SP_EXIT_IO &&
	    r->result.exit_code != SP_EXIT_FAILED && r->result.exit_code != SP_EXIT_UNTRUSTED)
		r->result.exit_code = SP_EXIT_IO;
}

void sp_run_set_strangers(struct sp_run *r, const struct sp_run_strangers *s)
{
	r->strange = *s;
}

void sp_run_own_control(struct sp_run *r, uint64_t packets)
{
	r->own_control = packets;
}

static void watch_ports(struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		for (unsigned p = 0; p < r->plan->n_ports; p++) {
			const struct sp_lane_port *lp = &r->workers[w].lane.ports[p];
			int e = SP_LOAD(lp->tx_error) ? SP_LOAD(lp->tx_error)
						      : SP_LOAD(lp->rx_error);
			const struct sp_plan_port *port = r->ports[p].plan;
			char why[96];

			if (e)
				sp_run_say(
					r, "port-error", false, "port %s: %s", port->name,
					sp_error_of_port(e, port->interface, why, sizeof why));
		}
}

/* No word is not the same as no packets: the host may be stopped or busy, or the control
 * connection slow. Said once for each time. */
static void watch_mute(struct sp_run *r, double at)
{
	const struct run_ask *a = &r->asks[r->mute - 1];
	char to[96];

	if (!r->muted)
		sp_run_say(r, "mute", true,
			   "no word from the receiver at %s from %.0f s on: its live counts "
			   "stand still",
			   sp_run_target_text(r, a->ask.streams[0], to, sizeof to), at);
}

/* A second without traffic in the middle of a run is named, with its time. */
static void watch_stalls(struct sp_run *r, uint64_t now_ns)
{
	const struct sp_counts *c = &r->result.total.c;
	uint64_t tx = c->v[SP_C_tx_packets], rx = c->v[SP_C_rx_unique];
	bool tx_known = sp_counts_has(c, SP_C_tx_packets);
	bool rx_known = sp_counts_has(c, SP_C_rx_unique) && r->role == SP_ROLE_SEND;
	bool sent = tx > r->last_tx_total + 1;
	bool due = sp_counts_has(c, SP_C_pending) && c->v[SP_C_pending] > 1;
	bool stalled = tx_known && due && tx == r->last_tx_total && tx;
	double at = (double)(now_ns - r->t0_ns) / 1e9 - 1;

	if (stalled && !r->stalled)
		sp_run_say(r, "stall", false,
			   "nothing was sent from %.0f s on, though departures were "
			   "due",
			   at);
	else if (stalled)
		; /* said once for each time */
	else if (rx_known && r->mute)
		watch_mute(r, at);
	else if (rx_known && r->last_rx_total && rx == r->last_rx_total && sent &&
		 r->sent_before)
		sp_run_say(r, "silence", false,
			   "nothing arrived at the receiver from %.0f s on", at);
	r->muted = r->mute;
	r->stalled = stalled;
	r->sent_before = sent;
	watch_ports(r);
	r->last_tx_total = tx;
	r->last_rx_total = rx;
}

/* Somebody set the time of day: the dates in the events are not evenly spaced then. */
static void watch_clock(struct sp_run *r, uint64_t now_ns)
{
	int64_t offset = sp_clock_real_offset(r->env.clock), jump = offset - r->real_offset_ns;

	r->real_offset_ns = offset;
	if (jump < (int64_t)SP_NS_PER_MS && jump > -(int64_t)SP_NS_PER_MS)
		return;
	sp_run_say(
		r, "clock-step", false,
		"clock step: this host's time of day was set by %+.3f s before %.0f s; rates, "
		"delays and the schedule are by the monotonic clock and go on",
		(double)jump / 1e9, ceil((double)(now_ns - r->t0_ns) / 1e9));
}

/* What the sender of a flow without control did not tell, but its sequence and times show. */
static void remark_restarts(struct sp_run *r)
{
	uint64_t restarts = r->folded.restarts;

	for (unsigned w = 0; w < r->n_workers; w++) {
		const struct sp_verifier *v = &r->workers[w].verifier;

		for (uint32_t i = 0; i < v->own.used; i++)
			if (sp_flow_live(&v->own, i))
				restarts += v->own.meta[i].restarts;
	}
	if (restarts)
		sp_run_say(r, "sender-restarted", false,
			   "a sender began again at sequence 0 from the same port %llu time%s: "
			   "its runs are counted as one flow, without the pauses between",
			   (unsigned long long)restarts, restarts == 1 ? "" : "s");
}

static void tick(struct sp_run *r, uint64_t now_ns)
{
	if (r->role == SP_ROLE_RECV)
		sp_run_fold_silent(r, now_ns);
	sp_run_collect(r, now_ns, false);
	watch_stalls(r, now_ns);
	sp_run_watch_bulk(r, now_ns);
	watch_clock(r, now_ns);
	tell_remarks(r);
	give_event(r, SP_EVENT_INTERVAL, NULL);
	while (r->next_tick_ns <= now_ns)
		r->next_tick_ns += SP_RUN_TICK_NS;
}

static bool all_sent(const struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		if (r->workers[w].sends &&
		    !__atomic_load_n(&r->workers[w].tx_done, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

static bool rx_complete(const struct sp_run *r)
{
	uint64_t seen = 0;

	for (unsigned w = 0; w < r->n_workers; w++)
		seen += SP_LOAD(r->workers[w].rx_seen);
	return r->plan->run.count && seen >= r->plan->run.count;
}

/* Enough was received; senders that are about to say goodbye get a moment for it. */
static bool rx_settled(struct sp_run *r, uint64_t now_ns)
{
	bool open = false;

	if (!rx_complete(r))
		return false;
	if (!r->complete_ns)
		r->complete_ns = now_ns;
	for (uint32_t i = 1; i < r->n_sessions; i++)
		open |= r->sessions[i].used && !r->sessions[i].ended && !r->sessions[i].final;
	return !open || now_ns > r->complete_ns + GOODBYE_NS;
}

/* Tells ask i's receiver what was sent (pc NULL), or asks it for its counts. */
static int exchange_counts(struct sp_run *r, uint32_t i, struct sp_peer_counts *pc)
{
	struct run_ask *a = &r->asks[i];
	uint64_t *tx = sp_alloc_array(r->env.mem, a->ask.n_flows, sizeof *tx);
	int ret;

	if (!tx)
		return -ENOMEM;
	for (uint32_t k = 0; k < a->ask.n_flows; k++)
		tx[k] = run_flow_tx(r, a->ask.streams[k])->tx;
	ret = r->hooks.peer_counts(r->hooks.arg, i, tx, pc);
	sp_free(r->env.mem, tx);
	return ret;
}

static void fetch_peer_counts(struct sp_run *r)
{
	if (!r->hooks.peer_counts)
		return;
	/* All are told before any is waited for. */
	for (uint32_t i = 0; i < r->n_asks && r->n_asks > 1; i++)
		if (r->asks[i].grant.peer)
			exchange_counts(r, i, NULL);
	for (uint32_t i = 0; i < r->n_asks; i++) {
		struct run_ask *a = &r->asks[i];

		if (!a->grant.peer || exchange_counts(r, i, &a->counts))
			continue;
		a->counts_known = true;
		r->own_control += a->counts.control_packets - a->grant.control_packets;
	}
}

static bool takes_frames(const struct sp_run *r)
{
	for (unsigned i = 0; i < r->plan->n_ports; i++)
		if (r->ports[i].rx && (r->ports[i].caps.bits & SP_T_FRAME))
			return true;
	return false;
}

/* What has arrived by now counts, and nothing later; a kernel that gathers frames hands them over a
 * moment after they came, and a worker may be behind. */
static void settle_frames(struct sp_run *r, uint64_t now_ns)
{
	const struct timespec moment = { .tv_nsec = FRAMES_NS };

	if (r->role != SP_ROLE_RECV || r->env.clock->is_virtual || !takes_frames(r))
		return;
	if (now_ns < r->rx_limits.until_ns)
		SP_STORE(r->rx_limits.until_ns, now_ns);
	nanosleep(&moment, NULL);
	for (unsigned w = 0; w < r->n_workers; w++)
		SP_STORE(r->workers[w].drain_ns, sp_clock_now(r->env.clock) + FRAMES_MOST_NS);
}

static void finish(struct sp_run *r, uint64_t now_ns)
{
	r->ending = true;
	fetch_peer_counts(r);
	settle_frames(r, now_ns);
	for (unsigned w = 0; w < r->n_workers; w++)
		sp_worker_quit(&r->workers[w]);
	give_marks(r);
	r->result.interrupted = r->interrupted;
	sp_run_collect(r, now_ns, true);
	watch_clock(r, now_ns);
	remark_restarts(r);
	sp_run_judge(r);
	r->result.finished = true;
	r->phase = RUN_FINISHED;
	tell_remarks(r);
	give_event(r, SP_EVENT_END, NULL);
}

/* A run that sends to itself over real sockets waits until what it sent was read. */
static bool drained(struct sp_run *r, uint64_t now_ns)
{
	uint64_t seen = 0, tx = 0;

	if (r->echo)
		return sp_run_echo_drained(r, now_ns);
	if (r->role != SP_ROLE_BOTH || r->env.clock->is_virtual)
		return true;
	for (unsigned w = 0; w < r->n_workers; w++)
		seen += SP_LOAD(r->workers[w].rx_seen);
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		tx += SP_LOAD(run_flow_tx(r, i)->tx);
	if (seen != r->drain_seen || !r->drain_ns) {
		r->drain_seen = seen;
		r->drain_ns = now_ns;
	}
	return seen >= tx || now_ns > r->drain_ns + DRAIN_NS;
}

/* Is there a reason to end now? */
static bool over(struct sp_run *r, uint64_t now_ns)
{
	int stops = __atomic_load_n(&r->stop_requested, __ATOMIC_ACQUIRE);

	if (stops && r->stop_ns == SP_NEVER) {
		r->stop_ns = now_ns > r->t0_ns ? now_ns : r->t0_ns;
		for (unsigned w = 0; w < r->n_workers; w++)
			sp_worker_stop_tx(&r->workers[w], r->stop_ns);
	}
	if (stops > 1)
		return true;
	if (r->role == SP_ROLE_RECV)
		return stops || now_ns >= r->end_ns || rx_settled(r, now_ns);
	return all_sent(r) && drained(r, now_ns);
}

/* ---- real time ---- */

int sp_run_wait_ms(const struct sp_run *r)
{
	uint64_t now = sp_clock_now(r->env.clock), next = r->next_tick_ns;

	if (r->env.clock->is_virtual || r->phase != RUN_ARMED)
		return 0;
	if (r->role == SP_ROLE_RECV && r->end_ns < next)
		next = r->end_ns;
	if (r->complete_ns && r->complete_ns + GOODBYE_NS / 16 < next)
		next = now + GOODBYE_NS / 16;
	if (r->drain_ns)
		next = now + DRAIN_NS / 10;
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
	give_marks(r);
	now = sp_clock_now(r->env.clock);
	sp_run_watch_leases(r, now);
	if (over(r, now)) {
		finish(r, now);
		return 1;
	}
	if (now >= r->next_tick_ns)
		tick(r, now);
	return 0;
}

/* ---- virtual time ---- */

static void turn_all(struct sp_run *r)
{
	bool did = true;

	while (did) {
		did = false;
		for (unsigned w = 0; w < r->n_workers; w++)
			did |= sp_worker_turn(&r->workers[w], r->env.clock->virtual_ns);
		give_marks(r);
	}
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
		if (over(r, r->env.clock->virtual_ns) &&
		    (next == SP_NEVER || r->stop_ns != SP_NEVER || r->role == SP_ROLE_RECV)) {
			finish(r, r->env.clock->virtual_ns);
			return 1;
		}
		if (r->role == SP_ROLE_RECV && r->end_ns < next)
			next = r->end_ns;
		if (next >= r->next_tick_ns && !all_sent(r)) {
			sp_clock_advance(r->env.clock, r->next_tick_ns);
			turn_all(r);
			tick(r, r->env.clock->virtual_ns);
			return 0;
		}
		if (next == SP_NEVER) {
			finish(r, r->env.clock->virtual_ns);
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
