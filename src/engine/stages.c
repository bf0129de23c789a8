/* Streams that change while they run: the plan's stages, noted before the start, and commands. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "core/shared.h"
#include "engine/modes/modes.h"
#include "engine/run_impl.h"

/* A command takes effect this much later, so that no worker is past it already. */
#define COMMAND_AHEAD_NS (2 * SP_NS_PER_MS)

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* The gap of the stream's present rate, of bulk data that between two bytes; laws keep their own
 * kind. */
static int set_gap(const struct run_stream *s, struct sp_pace *pace, struct sp_err *err)
{
	int rc = sp_mode_has_own(s->plan) || s->plan->recorded
			 ? 0 /* as it is */
			 : sp_schedule_gap(s->plan, &s->rate, s->plan->bulk ? 1 : 0, pace, err);

	if (s->schedule && pace->kind != SP_PACE_MAX)
		pace->kind = SP_PACE_OPS;
	return rc;
}

static uint64_t add_time(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? SP_NEVER : sum;
}

static int make_change(struct sp_run *r, struct run_stream *s, int action, uint64_t at_ns,
		       struct run_change **out, struct sp_err *err)
{
	static const enum sp_change_kind kinds[] = { [SP_DO_START] = SP_CHANGE_START,
						     [SP_DO_STOP] = SP_CHANGE_STOP,
						     [SP_DO_SET] = SP_CHANGE_RATE };
	struct run_change *m = sp_arena_alloc(&r->arena, sizeof *m);

	if (!m)
		return no_memory(err);
	m->c = (struct sp_change){ .kind = kinds[action], .at_ns = at_ns, .pace = s->pace };
	m->rate = s->rate;
	m->c.pace.start_ns = at_ns;
	m->c.pace.count = sp_schedule_count(s->plan);
	m->c.pace.end_ns = s->plan->duration_ns ? add_time(at_ns, s->plan->duration_ns)
						: SP_NEVER;
	*out = m;
	return set_gap(s, &m->c.pace, err);
}

static void append(struct run_stream *s, struct run_change *m)
{
	if (s->last_change)
		s->last_change->next = m;
	else
		s->changes = m;
	s->last_change = m;
	if (!s->self_paced && m->c.kind == SP_CHANGE_RATE && m->c.pace.kind != SP_PACE_MAX)
		s->only_max = false;
}

int sp_run_make_stages(struct sp_run *r, struct sp_err *err)
{
	for (unsigned i = 0; i < r->plan->n_stages; i++) {
		const struct sp_plan_stage *g = &r->plan->stages[i];
		struct run_stream *s = &r->streams[g->stream_at];
		struct run_change *m;
		int rc;

		if (!sp_schedule_count(s->plan)) /* all departures are the others' */
			continue;
		if (g->action == SP_DO_SET)
			s->rate = g->rate;
		rc = make_change(r, s, g->action, add_time(r->t0_ns, g->at_ns), &m, err);
		if (!rc)
			rc = sp_worker_change(&r->workers[s->worker], s->local, &m->c);
		if (rc)
			return rc == -ENOMEM ? no_memory(err)
					     : sp_fail(err, rc, SP_EXIT_USAGE,
						       "stream %s: its schedule cannot change",
						       s->plan->name);
		m->noted = true;
		append(s, m);
	}
	return 0;
}

uint64_t sp_run_stream_asked(const struct run_stream *s, uint64_t at_ns)
{
	struct sp_pace pace = s->pace;
	uint64_t total = 0, n;

	for (const struct run_change *m = s->changes; m; m = m->next) {
		struct sp_change c = m->c;

		if (!__atomic_load_n(&m->noted, __ATOMIC_ACQUIRE))
			continue;
		c.at_ns = SP_LOAD(m->c.at_ns);
		if (c.at_ns > at_ns)
			break;
		n = sp_pace_change(&pace, &c);
		if (n == UINT64_MAX)
			return n;
		total += n;
	}
	n = sp_pace_limit(&pace) ? sp_pace_asked(&pace, at_ns) : 0;
	return n == UINT64_MAX ? n : total + n;
}

/* ---- bulk data: what its rates ask for ---- */

/* A stream's start, end and rate, while its changes are walked through. */
struct span {
	uint64_t from_ns, to_ns;
	struct sp_rate rate;
};

static struct span first_span(const struct sp_run *r, const struct run_stream *s)
{
	struct span x = { SP_NEVER, SP_NEVER, s->plan->rate };

	if (s->plan->waits)
		return x;
	x.from_ns = add_time(r->t0_ns, s->plan->start_ns);
	if (s->plan->duration_ns)
		x.to_ns = add_time(x.from_ns, s->plan->duration_ns);
	return x;
}

static void next_span(struct span *x, const struct run_change *m, uint64_t at_ns)
{
	if (m->c.kind == SP_CHANGE_START)
		*x = (struct span){ at_ns, m->c.pace.end_ns, x->rate };
	else if (m->c.kind == SP_CHANGE_STOP)
		x->to_ns = at_ns < x->to_ns ? at_ns : x->to_ns;
	else if (x->from_ns < at_ns)
		x->from_ns = at_ns;
	x->rate = m->rate;
}

static double bytes_in(const struct span *x, uint64_t until_ns)
{
	uint64_t to = x->to_ns < until_ns ? x->to_ns : until_ns;

	if (x->rate.kind != SP_RATE_BPS || to <= x->from_ns)
		return 0;
	return (double)x->rate.micro / 8e15 * (double)(to - x->from_ns);
}

double sp_run_bulk_asked(const struct sp_run *r, const struct run_stream *s, uint64_t at_ns)
{
	struct span x = first_span(r, s);
	double most = s->plan->bytes ? (double)s->plan->bytes : INFINITY, total = 0, now = 0;

	for (const struct run_change *m = s->changes; m; m = m->next) {
		uint64_t at = SP_LOAD(m->c.at_ns);

		if (!__atomic_load_n(&m->noted, __ATOMIC_ACQUIRE) || at > at_ns)
			continue;
		now += bytes_in(&x, at);
		if (m->c.kind == SP_CHANGE_START) {
			total += now < most ? now : most;
			now = 0;
		}
		next_span(&x, m, at);
	}
	now += bytes_in(&x, at_ns);
	return total + (now < most ? now : most);
}

bool sp_run_bulk_active(const struct sp_run *r, const struct run_stream *s, uint64_t from_ns,
			uint64_t to_ns)
{
	struct span x = first_span(r, s);

	for (const struct run_change *m = s->changes; m; m = m->next)
		if (__atomic_load_n(&m->noted, __ATOMIC_ACQUIRE) &&
		    SP_LOAD(m->c.at_ns) <= to_ns)
			next_span(&x, m, SP_LOAD(m->c.at_ns));
	return x.from_ns <= from_ns && x.to_ns > to_ns;
}

/* ---- commands ---- */

static struct run_stream *find_stream(struct sp_run *r, const char *name, struct sp_err *err)
{
	const char *best = NULL;
	char shown[80];

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const char *pair[] = { best ? best : r->plan->streams[i].name,
				       r->plan->streams[i].name };

		if (strcmp(pair[1], name) == 0)
			return &r->streams[i];
		best = sp_str_nearest(name, pair, 2);
	}
	sp_fail(err, -ENOENT, SP_EXIT_USAGE, "no such stream '%s'%s%s%s",
		sp_str_printable(shown, sizeof shown, name), best ? "; did you mean '" : "",
		best ? best : "", best ? "'?" : "");
	return NULL;
}

static int check_command(const struct sp_run *r, const struct run_stream *s,
			 const struct sp_cmd *cmd, struct sp_err *err)
{
	if (r->phase != RUN_ARMED)
		return sp_fail(err, -EALREADY, SP_EXIT_FAILED, "the run does not run");
	if (cmd->action == SP_DO_SET && cmd->rate.kind == SP_RATE_NONE)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "stream %s: no rate is given",
			       s->plan->name);
	return cmd->action == SP_DO_SET
		       ? sp_schedule_may_set(s->plan, &cmd->rate, s->plan->name, err)
		       : 0;
}

static int send_order(struct sp_run *r, struct run_stream *s, struct run_change *m,
		      struct sp_err *err)
{
	const struct sp_order order = { .change = &m->c,
					.stream = s->local,
					.noted = &m->noted };
	int rc = sp_worker_order(&r->workers[s->worker], &order);

	if (rc == -EALREADY)
		return sp_fail(err, rc, SP_EXIT_FAILED,
			       "stream %s: everything has been sent already", s->plan->name);
	if (rc)
		return sp_fail(err, rc, SP_EXIT_FAILED, "stream %s: too many commands at once",
			       s->plan->name);
	append(s, m);
	return 0;
}

int sp_run_command(struct sp_run *r, const struct sp_cmd *cmd, struct sp_err *err)
{
	struct run_stream *s = find_stream(r, cmd->stream, err);
	uint64_t now = sp_clock_now(r->env.clock), at = cmd->at_ns;
	struct run_change *m;
	struct sp_rate before;
	int rc;

	if (!s)
		return -ENOENT;
	rc = check_command(r, s, cmd, err);
	if (rc)
		return rc;
	now += r->env.clock->is_virtual ? 0 : COMMAND_AHEAD_NS;
	if (at < now)
		at = now;
	if (at < r->t0_ns)
		at = r->t0_ns;
	if (s->last_change && at < SP_LOAD(s->last_change->c.at_ns))
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "stream %s: something later is set already", s->plan->name);
	before = s->rate;
	if (cmd->action == SP_DO_SET)
		s->rate = cmd->rate;
	rc = make_change(r, s, cmd->action, at, &m, err);
	if (!rc)
		rc = send_order(r, s, m, err);
	if (rc)
		s->rate = before;
	return rc;
}

int sp_run_answer(struct sp_run *r, bool yes, struct sp_err *err)
{
	uint64_t at = sp_clock_now(r->env.clock) +
		      (r->env.clock->is_virtual ? 0 : COMMAND_AHEAD_NS);
	int rc = 0;

	if (r->phase != RUN_ARMED)
		return sp_fail(err, -EALREADY, SP_EXIT_FAILED, "the run does not run");
	for (unsigned i = 0; i < r->plan->n_streams && !rc; i++) {
		struct sp_source *source;
		const struct sp_source_ops *ops = sp_run_recorded_source(r, i, &source);
		struct run_change *m;

		if (!ops || !ops->answer || !ops->answer(source, yes))
			continue;
		rc = make_change(r, &r->streams[i], SP_DO_START, at < r->t0_ns ? r->t0_ns : at,
				 &m, err);
		if (!rc)
			rc = send_order(r, &r->streams[i], m, err);
	}
	return rc;
}
