/* The run of several agents, phase by phase. */
#include "fleet/fleet.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "fleet/fleet_impl.h"

/* From the order to start until T0. */
#define AHEAD_NS      (100 * FLEET_MS)
/* A phase before the run may take so long. */
#define PATIENCE_NS   (15 * FLEET_S)
/* Silence of an agent that is remarked on, and that counts as its loss. */
#define MUTE_NS	      (2500 * FLEET_MS)
#define SILENCE_NS    (8 * FLEET_S)
/* What receivers get to tell their counts after the stop. */
#define LAST_WORDS_NS (5 * FLEET_S)
/* Samples of one second come at about the same time: the tick waits for them. */
#define TICK_AFTER_NS (60 * FLEET_MS)

uint64_t sp_fleet_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * FLEET_S + (uint64_t)ts.tv_nsec;
}

/* ---- life ---- */

int sp_fleet_new(struct sp_fleet **out, const struct sp_fleet_conf *conf,
		 const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_fleet *f = sp_alloc(mem, sizeof *f);
	int rc = 0;

	*out = NULL;
	if (!f)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	f->conf = *conf;
	f->mem = mem;
	f->phase_ns = sp_fleet_now();
	sp_arena_init(&f->kept, mem);
	sp_arena_init(&f->merged[0], mem);
	sp_arena_init(&f->merged[1], mem);
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->members = sp_alloc_array(mem, conf->n_parts, sizeof *f->members);
	if (f->wake < 0 || !f->members)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < conf->n_parts && !rc; i++) {
		f->members[i].part = &conf->parts[i];
		sp_arena_init(&f->members[i].words[0], mem);
		sp_arena_init(&f->members[i].words[1], mem);
		rc = sp_member_start(f, &f->members[i], err);
	}
	*out = f;
	if (!rc)
		return 0;
	sp_fleet_free(f);
	*out = NULL;
	return rc;
}

void sp_fleet_free(struct sp_fleet *f)
{
	if (!f)
		return;
	/* All hear of the end before any is waited for. */
	for (unsigned i = 0; f->members && i < f->conf.n_parts; i++)
		sp_member_say(f, &f->members[i],
			      &(struct sp_agent_msg){ .type = SP_AGENT_QUIT });
	for (unsigned i = 0; f->members && i < f->conf.n_parts; i++) {
		if (!f->members[i].part)
			continue;
		sp_member_end(&f->members[i]);
		sp_arena_fini(&f->members[i].words[0]);
		sp_arena_fini(&f->members[i].words[1]);
	}
	if (f->wake >= 0)
		close(f->wake);
	sp_arena_fini(&f->merged[0]);
	sp_arena_fini(&f->merged[1]);
	sp_arena_fini(&f->kept);
	sp_free(f->mem, f->members);
	sp_free(f->mem, f);
}

void sp_fleet_stop(struct sp_fleet *f)
{
	uint64_t one = 1;

	__atomic_add_fetch(&f->stops, 1, __ATOMIC_RELEASE);
	(void)!write(f->wake, &one, sizeof one);
}

void sp_fleet_finish(struct sp_fleet *f)
{
	f->finishes = true;
	sp_fleet_stop(f);
}

int sp_fleet_exit_code(const struct sp_fleet *f)
{
	return f->result.exit_code;
}

void sp_fleet_output_failed(struct sp_fleet *f)
{
	f->output_failed = true;
	if (f->phase == PHASE_OVER)
		f->result.exit_code = (int)sp_exit_worse((enum sp_exit)f->result.exit_code,
							 SP_EXIT_IO);
}

/* ---- phases ---- */

static void enter_phase(struct sp_fleet *f, enum fleet_phase phase)
{
	f->phase = phase;
	f->phase_ns = sp_fleet_now();
}

/* Are all agents (of one kind, when senders or receivers are meant) at least that far? */
static bool all_at(const struct sp_fleet *f, enum member_state state, bool senders,
		   bool receivers)
{
	for (unsigned i = 0; i < f->conf.n_parts; i++) {
		const struct member *m = &f->members[i];

		if ((m->part->sends ? senders : receivers) && m->state < state)
			return false;
	}
	return true;
}

static void prepare(struct sp_fleet *f, bool senders)
{
	for (unsigned i = 0; i < f->conf.n_parts; i++) {
		struct member *m = &f->members[i];
		struct sp_agent_msg msg = { .type = SP_AGENT_PREPARE,
					    .plan = m->part->plan,
					    .sha256 = m->part->sha256,
					    .truth = senders && f->conf.truth };

		if (m->part->sends != senders)
			continue;
		m->state = MEMBER_PREPARING;
		sp_member_say(f, m, &msg);
	}
}

static void arm(struct sp_fleet *f)
{
	f->t0_ns = sp_fleet_now() + AHEAD_NS;
	f->next_tick_ns = f->t0_ns + FLEET_S + TICK_AFTER_NS;
	for (unsigned i = 0; i < f->conf.n_parts; i++) {
		struct member *m = &f->members[i];
		uint64_t t0 = f->t0_ns + (uint64_t)m->clock.offset_ns;

		m->state = MEMBER_ARMING;
		sp_member_say(f, m,
			      &(struct sp_agent_msg){ .type = SP_AGENT_ARM, .t0_ns = t0 });
	}
}

static void begin_run(struct sp_fleet *f)
{
	f->result = (struct sp_result){
		.name = f->conf.name,
		.command = "run",
		.plan_sha256 = f->conf.plan_sha256,
		.seed = f->conf.seed,
		.started_real_ns = sp_fleet_real_now() + (int64_t)(f->t0_ns - sp_fleet_now())
	};
	sp_fleet_merge(f);
	sp_fleet_give(f, SP_EVENT_START, NULL);
}

static void next_phase(struct sp_fleet *f)
{
	switch (f->phase) {
	case PHASE_MEET:
		if (!all_at(f, MEMBER_IDLE, true, true))
			return;
		prepare(f, false);
		enter_phase(f, PHASE_RECEIVERS);
		return;
	case PHASE_RECEIVERS:
		if (!all_at(f, MEMBER_READY, false, true))
			return;
		prepare(f, true);
		enter_phase(f, PHASE_SENDERS);
		return;
	case PHASE_SENDERS:
		if (!all_at(f, MEMBER_READY, true, true))
			return;
		arm(f);
		enter_phase(f, PHASE_ARM);
		return;
	case PHASE_ARM:
		if (!all_at(f, MEMBER_RUNNING, true, true))
			return;
		enter_phase(f, PHASE_RUN);
		begin_run(f);
		if (sp_fleet_now() > f->t0_ns)
			sp_fleet_say(f, "late-start", false,
				     "some agents were armed after the start");
		return;
	default:
		return;
	}
}

/* Before the run: nobody may be missing, and nothing may take for ever. */
static int check_before(struct sp_fleet *f, struct sp_err *err)
{
	uint64_t now = sp_fleet_now();

	if (!f->failed.code && f->stops)
		sp_fail(&f->failed, -EINTR, SP_EXIT_INTR, "interrupted before the start");
	for (unsigned i = 0; i < f->conf.n_parts && now > f->phase_ns + PATIENCE_NS; i++) {
		const struct member *m = &f->members[i];

		if (!f->failed.code && m->state < MEMBER_READY && m->state != MEMBER_IDLE)
			sp_fail(&f->failed, -ETIMEDOUT, SP_EXIT_AGENTS,
				"host %s: its agent does not answer", m->part->host);
	}
	if (!f->failed.code && now > f->phase_ns + PATIENCE_NS)
		sp_fail(&f->failed, -ETIMEDOUT, SP_EXIT_AGENTS, "some agent does not answer");
	if (!f->failed.code)
		return 0;
	*err = f->failed;
	return err->code;
}

static void stop_members(struct sp_fleet *f, bool senders, bool interrupted)
{
	for (unsigned i = 0; i < f->conf.n_parts; i++) {
		struct member *m = &f->members[i];

		if (m->state != MEMBER_RUNNING || m->part->sends != senders)
			continue;
		m->stopping = true;
		sp_member_say(f, m,
			      &(struct sp_agent_msg){ .type = SP_AGENT_STOP,
						      .interrupted = interrupted });
	}
}

static bool any_sends(const struct sp_fleet *f)
{
	for (unsigned i = 0; i < f->conf.n_parts; i++)
		if (f->members[i].part->sends)
			return true;
	return false;
}

/* Silence is remarked on, then taken for the end. */
static void watch_silence(struct sp_fleet *f, uint64_t now)
{
	for (unsigned i = 0; i < f->conf.n_parts; i++) {
		struct member *m = &f->members[i];
		uint64_t silent = now > m->last_word_ns ? now - m->last_word_ns : 0;

		if (m->state != MEMBER_RUNNING || now < f->t0_ns + MUTE_NS)
			continue;
		if (silent > SILENCE_NS ||
		    (f->ending_ns && m->stopping && silent > LAST_WORDS_NS &&
		     now > f->ending_ns + LAST_WORDS_NS)) {
			sp_member_lose(f, m,
				       "its agent says nothing any more; it may be stopped");
		} else if (silent > MUTE_NS && !m->muted) {
			m->muted = true;
			sp_fleet_say(f, "mute", false, "no word from host %s since %.1f s",
				     m->part->host, (double)(m->last_word_ns - f->t0_ns) / 1e9);
		}
	}
}

static void do_stages(struct sp_fleet *f, uint64_t now)
{
	while (f->next_stage < f->conf.n_stages &&
	       f->t0_ns + f->conf.stages[f->next_stage].at_ns <= now) {
		const struct sp_fleet_stage *s = &f->conf.stages[f->next_stage++];
		struct sp_err err = { 0 };

		if (!f->conf.act(f->conf.arg, s->what, &err))
			continue;
		f->stage_failed = true;
		sp_fleet_say(f, "stage", false, "at %.3f s: %s", (double)s->at_ns / 1e9,
			     err.text);
	}
}

static bool lost_one(const struct sp_fleet *f)
{
	for (unsigned i = 0; i < f->conf.n_parts; i++)
		if (f->members[i].state == MEMBER_LOST)
			return true;
	return false;
}

static void end_run(struct sp_fleet *f)
{
	bool lost = lost_one(f);

	enter_phase(f, PHASE_OVER);
	if (f->conf.closing)
		f->conf.closing(f->conf.arg);
	sp_fleet_merge(f);
	f->result.finished = true;
	if (f->result.n_remarks && f->result.result == SP_VALID)
		for (size_t i = 0; i < f->n_own; i++)
			if (!f->own[i].neutral)
				f->result.result = SP_VALID_REMARKS;
	if (lost)
		f->result.exit_code = (int)sp_exit_worse((enum sp_exit)f->result.exit_code,
							 SP_EXIT_AGENTS);
	if (f->stage_failed)
		f->result.exit_code = (int)sp_exit_worse((enum sp_exit)f->result.exit_code,
							 SP_EXIT_UNMET);
	if (f->conf.judge)
		f->conf.judge(f->conf.arg, &f->result);
	if (f->output_failed)
		sp_fleet_output_failed(f);
	sp_fleet_tell_remarks(f);
	sp_fleet_give(f, SP_EVENT_END, NULL);
}

/* What the moment asks for. */
static bool run(struct sp_fleet *f)
{
	uint64_t now = sp_fleet_now();
	int stops = __atomic_load_n(&f->stops, __ATOMIC_ACQUIRE);

	for (; f->stops_seen < stops && f->stops_seen < 2; f->stops_seen++) {
		stop_members(f, true, !f->finishes);
		if (!any_sends(f) || f->stops_seen)
			stop_members(f, false, !f->finishes);
	}
	if (!f->ending_ns)
		do_stages(f, now);
	watch_silence(f, now);
	if (f->conf.on_loss == SP_FLEET_ABORT && lost_one(f) && !f->ending_ns)
		stop_members(f, true, false);
	if (!f->ending_ns && all_at(f, MEMBER_DONE, true, !any_sends(f))) {
		f->ending_ns = now;
		stop_members(f, false, false);
	}
	sp_fleet_tell_remarks(f);
	if (all_at(f, MEMBER_DONE, true, true))
		return true;
	if (now >= f->next_tick_ns) {
		sp_fleet_merge(f);
		sp_fleet_give(f, SP_EVENT_INTERVAL, NULL);
		while (f->next_tick_ns <= now)
			f->next_tick_ns += FLEET_S;
	}
	return false;
}

/* ---- one step ---- */

static int wait_ms(const struct sp_fleet *f)
{
	uint64_t now = sp_fleet_now(), next = now + 250 * FLEET_MS;

	if (f->phase != PHASE_RUN)
		return 100;
	if (f->next_tick_ns < next)
		next = f->next_tick_ns;
	if (f->next_stage < f->conf.n_stages &&
	    f->t0_ns + f->conf.stages[f->next_stage].at_ns < next)
		next = f->t0_ns + f->conf.stages[f->next_stage].at_ns;
	return next > now ? (int)((next - now + FLEET_MS - 1) / FLEET_MS) : 0;
}

static int wait_for_any(struct sp_fleet *f)
{
	unsigned n = f->conf.n_parts;
	struct pollfd *fds = sp_alloc_array(f->mem, 2 * n + 2, sizeof *fds);
	uint64_t word;

	if (!fds)
		return -ENOMEM;
	fds[2 * n] = (struct pollfd){ .fd = f->wake, .events = POLLIN };
	fds[2 * n + 1] = (struct pollfd){ .fd = f->conf.also ? f->conf.also_fd : -1,
					  .events = POLLIN };
	for (unsigned i = 0; i < n; i++) {
		const struct member *m = &f->members[i];

		fds[2 * i] = (struct pollfd){ .fd = m->open ? m->lines.in : -1,
					      .events = POLLIN };
		fds[2 * i + 1] = (struct pollfd){ .fd = m->open && m->lines.pending.len
								? m->lines.out
								: -1,
						  .events = POLLOUT };
	}
	if (poll(fds, 2 * n + 2, wait_ms(f)) > 0) {
		(void)!read(f->wake, &word, sizeof word);
		for (unsigned i = 0; i < n; i++) {
			if (fds[2 * i + 1].revents && f->members[i].open)
				(void)sp_lines_flush(&f->members[i].lines);
			if (fds[2 * i].revents)
				sp_member_read(f, &f->members[i]);
		}
		if (fds[2 * n + 1].revents)
			f->conf.also(f->conf.arg);
	}
	sp_free(f->mem, fds);
	return 0;
}

int sp_fleet_step(struct sp_fleet *f, struct sp_err *err)
{
	int rc = f->phase == PHASE_OVER ? 1 : wait_for_any(f);

	if (rc)
		return rc < 0 ? sp_fail(err, rc, SP_EXIT_FAILED, "out of memory") : rc;
	if (f->phase < PHASE_RUN) {
		rc = check_before(f, err);
		if (!rc)
			next_phase(f);
		return rc;
	}
	if (!run(f))
		return 0;
	end_run(f);
	return 1;
}
