/* Leases of a run: filled into the permit, renewed, and the run's end when one is over. Control
 * thread; the worker that sends under a lease reads it. */
#include "engine/run_impl.h"

#include <errno.h>

#include "core/shared.h"
#include "engine/guard.h"

/* Beyond the rate: what catching up after a stall may take, and a control thread that is late. */
#define SLACK_NS (10 * SP_NS_PER_S)

/* A test segment's terms are made here: its ceiling was judged against what is asked for, so what
 * is asked for is the ceiling. */
static void segment_terms(const struct sp_run *r, const struct sp_lease *l, uint64_t now_ns,
			  struct sp_lease_terms *t)
{
	uint64_t since = r->t0_ns && now_ns > r->t0_ns ? now_ns - r->t0_ns : 0;
	int64_t left_s = l->segment->until_s -
			 sp_clock_real(r->env.clock) / (int64_t)SP_NS_PER_S;
	unsigned __int128 n = (unsigned __int128)l->pps * (since + SP_RUN_TICK_NS + SLACK_NS) /
			      SP_NS_PER_S;

	*t = (struct sp_lease_terms){ .packets = n > UINT64_MAX ? UINT64_MAX : (uint64_t)n,
				      .why = "is over: see its file" };
	if (left_s > 0)
		t->until_ns = now_ns + (left_s < 3600 ? (uint64_t)left_s : 3600) * SP_NS_PER_S;
}

static int terms_of(struct sp_run *r, uint32_t i, uint64_t now_ns, struct sp_lease_terms *t)
{
	const struct sp_lease *l = &r->permit.lease[i];

	*t = (struct sp_lease_terms){ 0 };
	if (!l->segment)
		return r->hooks.lease(r->hooks.arg, r->lease_ask[i], t);
	segment_terms(r, l, now_ns, t);
	return 0;
}

static void fill(struct sp_lease *l, const struct sp_lease_terms *t)
{
	SP_STORE(l->packets, t->packets);
	SP_STORE(l->until_ns, t->until_ns);
}

static void tell_segments(struct sp_run *r)
{
	for (unsigned i = 0; i < r->plan->n_ports; i++) {
		struct run_port *p = &r->ports[i];

		if (p->segment)
			sp_run_say(r, "test-segment", true,
				   "%s was used as a test segment (%s): what left there needed "
				   "nobody's consent",
				   p->segment->interface, p->segment->place);
	}
}

int sp_run_take_leases(struct sp_run *r, struct sp_err *err)
{
	uint64_t now = sp_clock_now(r->env.clock);
	struct sp_lease_terms t;
	char to[72];

	r->lease_ask = sp_arena_alloc(&r->arena, (r->permit.n_leases + 1) * sizeof(uint32_t));
	if (!r->lease_ask)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (uint32_t i = 0; i < r->permit.n_leases; i++) {
		struct sp_lease *l = &r->permit.lease[i];

		while (r->lease_ask[i] < r->n_asks &&
		       !sp_endpoint_eq(&r->asks[r->lease_ask[i]].ask.to, &l->to))
			r->lease_ask[i]++;
		if (terms_of(r, i, now, &t) || t.until_ns <= now)
			return sp_fail(err, -EACCES, SP_EXIT_PERM,
				       "%s: there is no lease for it",
				       sp_endpoint_format(to, sizeof to, &l->to));
		fill(l, &t);
	}
	tell_segments(r);
	return 0;
}

static void stop(struct sp_run *r, const struct sp_lease *l, const struct sp_lease_terms *t,
		 uint64_t now_ns)
{
	bool over = sp_guard_lease_over(l, now_ns);
	char to[72];

	sp_endpoint_format(to, sizeof to, &l->to);
	if (l->segment)
		sp_run_say(r, "lease-over", false,
			   "sending to %s stopped: the test segment %s %s", to,
			   l->segment->place,
			   over ? t->why : "allows no more than was asked for");
	else if (over)
		sp_run_say(
			r, "lease-over", false,
			"sending stopped: the lease for %s is over and the receiver there %s",
			to, t->why ? t->why : "did not renew it");
	else
		sp_run_say(
			r, "lease-ceiling", false,
			"sending stopped: the lease for %s allows %llu packets up to now, and "
			"they have been sent",
			to, (unsigned long long)t->packets);
	sp_run_exit_hint(r, SP_EXIT_UNMET);
	sp_run_request_stop(r, false);
	r->leases_over = true;
}

void sp_run_watch_leases(struct sp_run *r, uint64_t now_ns)
{
	/* Leased streams are all the first worker's. */
	if (__atomic_load_n(&r->workers[0].tx_done, __ATOMIC_ACQUIRE))
		return;
	for (uint32_t i = 0; i < r->permit.n_leases && !r->leases_over; i++) {
		struct sp_lease *l = &r->permit.lease[i];
		struct sp_lease_terms t;

		if (terms_of(r, i, now_ns, &t) == 0)
			fill(l, &t);
		if (SP_LOAD(l->refused) || (t.why && sp_guard_lease_over(l, now_ns)))
			stop(r, l, &t, now_ns);
	}
}
