/* Room for newcomers in a receiver that lives for long: sessions that have ended and flows that are
 * silent are counted into the totals (folded), and their places are used again. Control thread.
 *
 * A flow has one writer, its worker. So each time: withdraw the places, let the workers pass, and
 * only then read and clear what they held. A worker that is kept from its core for long leaves all
 * as it was. */
#include <stdlib.h>
#include <string.h>

#include "core/shared.h"
#include "engine/run_impl.h"

/* An ended session's flows are left alone while late units may still come. */
#define QUIET_NS     (2 * SP_NS_PER_S)
/* A flow without a session says nothing of its end. */
#define SILENT_NS    (10 * SP_NS_PER_S)
/* Own flows of a worker: from so many eighths of the limit on the oldest go, down to LEAVE. */
#define CROWDED	     7u
#define LEAVE	     6u
/* At a tick: so that the hour in which all go silent costs no second of the control thread. */
#define FOLD_AT_ONCE 2048u

static bool may_fold(const struct sp_run *r)
{
	return r->phase == RUN_ARMED && r->role == SP_ROLE_RECV && !r->ending;
}

/* Flows that were withdrawn leave the list. */
static void unlist(struct sp_run *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_listed; i++)
		if (sp_flow_live(r->listed[i].table, r->listed[i].index))
			r->listed[n++] = r->listed[i];
	if (n == r->n_listed)
		return;
	r->n_listed = n;
	r->result.n_flows = n;
	r->result.relisted++;
}

/* ---- tallies ---- */

static uint64_t tally_bits(uint32_t first, uint32_t n)
{
	return (n < 64 ? (1ull << n) - 1 : UINT64_MAX) << (first - 1);
}

static void return_tallies(struct sp_run *r, struct run_session *s)
{
	struct sp_tally_rx *to = r->folded.tally;

	for (uint32_t i = 0; s->tally_each && i < s->n; i++) {
		for (unsigned w = 0; w < r->n_workers; w++) {
			struct sp_tally_rx *t =
				&r->workers[w].verifier.tally[s->first_tally + i];

			sp_hist_merge(&to->delay, &t->delay);
			sp_hist_merge(&to->delay_actual, &t->delay_actual);
			sp_hist_merge(&to->gap_error, &t->gap_error);
			if (t->delay.n || t->gap_error.n)
				memset(t, 0, sizeof *t);
		}
	}
	if (s->tally_each)
		r->tallies &= ~tally_bits(s->first_tally, s->n);
	s->tally_each = false;
}

/* What comes late for an ended session goes to the shared tally. */
static void return_ended_tallies(struct sp_run *r)
{
	struct run_session *s;
	bool any = false;

	for (s = &r->sessions[1]; s < &r->sessions[r->n_sessions]; s++) {
		for (uint32_t i = 0; s->ended && s->tally_each && i < s->n; i++) {
			SP_STORE(sp_run_granted(r, s, i)->tally, 0);
			any = true;
		}
	}
	if (!any || !sp_workers_pass(r->workers, r->n_workers))
		return;
	for (s = &r->sessions[1]; s < &r->sessions[r->n_sessions]; s++)
		if (s->ended)
			return_tallies(r, s);
}

static uint32_t free_tallies(const struct sp_run *r, uint32_t n)
{
	uint64_t run = ~r->tallies;

	for (uint32_t k = 1; k < n; k++)
		run &= run >> 1;
	return run ? 1 + (uint32_t)__builtin_ctzll(run) : 0;
}

uint32_t sp_run_take_tallies(struct sp_run *r, uint32_t n)
{
	uint32_t first = n <= SP_TALLY_GRANTED ? free_tallies(r, n) : 0;

	if (!first && n <= SP_TALLY_GRANTED && may_fold(r)) {
		return_ended_tallies(r);
		first = free_tallies(r, n);
	}
	if (first)
		r->tallies |= tally_bits(first, n);
	return first;
}

/* ---- sessions ---- */

static bool session_quiet(const struct sp_run *r, const struct run_session *s, uint64_t now_ns)
{
	if (!s->ended || now_ns < s->ended_ns + QUIET_NS)
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		if (now_ns < SP_LOAD(sp_run_granted(r, s, i)->last_rx) + QUIET_NS)
			return false;
	return true;
}

static int by_end(const void *a, const void *b, void *arg)
{
	const struct run_session *s = arg;
	uint64_t x = s[*(const uint32_t *)a].ended_ns, y = s[*(const uint32_t *)b].ended_ns;

	return (x > y) - (x < y);
}

static void fold_session(struct sp_run *r, uint32_t session)
{
	struct run_session *s = &r->sessions[session];
	const struct sp_rx_session *clock = &r->rx_session[session];
	struct run_folded *to = &r->folded;

	for (uint32_t i = 0; i < s->n; i++)
		sp_run_fold_flow(r, &r->granted, sp_flow_place(&r->granted, s->base + i));
	return_tallies(r, s);
	to->sessions++;
	to->lost += s->lost;
	to->open_ended += !s->final;
	if (clock->clock_known && (int64_t)clock->error_ns > to->clock_error)
		to->clock_error = (int64_t)clock->error_ns;
}

static void clear_session(struct sp_run *r, uint32_t session)
{
	struct run_session *s = &r->sessions[session];

	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t at = sp_flow_place(&r->granted, s->base + i);
		uint32_t owner = r->granted.meta[at].owner;

		sp_verifier_clear(&r->workers[owner ? owner - 1 : 0].verifier, false, at);
	}
	r->n_granted -= s->n;
	r->rx_session[session] = (struct sp_rx_session){ 0 };
	sp_run_session_release(r, session);
}

static bool fold_sessions(struct sp_run *r, const uint32_t *list, uint32_t n)
{
	bool passed;

	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < r->sessions[list[k]].n; i++)
			sp_flow_withdraw(
				&r->granted,
				sp_flow_place(&r->granted, r->sessions[list[k]].base + i));
	passed = sp_workers_pass(r->workers, r->n_workers);
	for (uint32_t k = 0; k < n; k++) {
		for (uint32_t i = 0; !passed && i < r->sessions[list[k]].n; i++)
			sp_flow_give_back(
				&r->granted,
				sp_flow_place(&r->granted, r->sessions[list[k]].base + i),
				true);
		if (passed)
			fold_session(r, list[k]);
	}
	if (!passed)
		return false;
	unlist(r);
	for (uint32_t k = 0; k < n; k++)
		clear_session(r, list[k]);
	return true;
}

/* The oldest of those that have ended, so many that n flows go, and one at least. */
static bool fold_ended(struct sp_run *r, uint32_t n)
{
	uint64_t now = sp_clock_now(r->env.clock);
	uint32_t *list = sp_alloc_array(r->env.mem, r->n_sessions, sizeof *list);
	uint32_t found = 0, take = 0, flows = 0;
	bool done;

	for (uint32_t i = 1; list && i < r->n_sessions; i++)
		if (session_quiet(r, &r->sessions[i], now))
			list[found++] = i;
	if (found)
		qsort_r(list, found, sizeof *list, by_end, r->sessions);
	for (; take < found && (!take || flows < n); take++)
		flows += r->sessions[list[take]].n;
	done = take && fold_sessions(r, list, take);
	sp_free(r->env.mem, list);
	return done;
}

/* n ids in a row whose places are free. They rise, so that one is not used again soon. */
static uint32_t free_ids(const struct sp_run *r, uint32_t n)
{
	uint32_t id = r->next_id, run = 0;

	for (uint64_t seen = 0; seen <= (uint64_t)r->granted.mask + n; seen++, id++) {
		if (id == SP_FLOW_OWN_ID) {
			id = 1;
			run = 0;
		}
		run = sp_flow_live(&r->granted, sp_flow_place(&r->granted, id)) ? 0 : run + 1;
		if (run == n)
			return id - n + 1;
	}
	return 0;
}

static uint32_t free_session(const struct sp_run *r)
{
	for (uint32_t i = 1; i < SP_RUN_MAX_SESSIONS; i++)
		if (!r->sessions[i].used)
			return i;
	return 0;
}

bool sp_run_make_room(struct sp_run *r, uint32_t n, uint32_t *session, uint32_t *base)
{
	do {
		*session = free_session(r);
		*base = n <= r->granted.cap - r->n_granted ? free_ids(r, n) : 0;
		if (*session && *base)
			return true;
	} while (may_fold(r) && fold_ended(r, n));
	return false;
}

/* ---- flows without a session ---- */

static int by_arrival(const void *a, const void *b, void *arg)
{
	const struct sp_flow_rx *rx = arg;
	uint64_t x = SP_LOAD(rx[*(const uint32_t *)a].last_rx);
	uint64_t y = SP_LOAD(rx[*(const uint32_t *)b].last_rx);

	return (x > y) - (x < y);
}

static void fold_own(struct sp_run *r, struct sp_verifier *v, const uint32_t *list, uint32_t n)
{
	bool passed;

	for (uint32_t k = 0; k < n; k++)
		sp_flow_withdraw(&v->own, list[k]);
	passed = sp_workers_pass(r->workers, r->n_workers);
	for (uint32_t k = 0; k < n; k++) {
		if (passed)
			sp_run_fold_flow(r, &v->own, list[k]);
		else
			sp_flow_give_back(&v->own, list[k], false);
	}
	unlist(r);
	for (uint32_t k = 0; passed && k < n; k++)
		sp_verifier_clear(v, true, list[k]);
}

static void fold_silent(struct sp_run *r, struct sp_verifier *v, uint64_t now_ns)
{
	const struct sp_flow_table *t = &v->own;
	uint32_t used = __atomic_load_n(&t->used, __ATOMIC_ACQUIRE), live = 0, found = 0;
	uint32_t *list, crowded = (uint32_t)((uint64_t)t->cap * CROWDED / 8);
	uint32_t too_many;

	if (used <= crowded)
		return;
	list = sp_alloc_array(r->env.mem, used, sizeof *list);
	for (uint32_t i = 0; list && i < used; i++) {
		if (!sp_flow_live(t, i))
			continue;
		live++;
		if (SP_LOAD(t->rx[i].last_rx) + SILENT_NS <= now_ns)
			list[found++] = i;
	}
	if (live > crowded && found) {
		too_many = live - (uint32_t)((uint64_t)t->cap * LEAVE / 8);
		too_many = too_many < found ? too_many : found;
		qsort_r(list, found, sizeof *list, by_arrival, t->rx);
		fold_own(r, v, list, too_many < FOLD_AT_ONCE ? too_many : FOLD_AT_ONCE);
	}
	sp_free(r->env.mem, list);
}

void sp_run_fold_silent(struct sp_run *r, uint64_t now_ns)
{
	for (unsigned w = 0; w < r->n_workers && may_fold(r); w++)
		fold_silent(r, &r->workers[w].verifier, now_ns);
}
