/* Leases of a run: filled into the permit, renewed, and the run's end when one is over. Control
 * thread; the worker that sends under a lease reads it. */
#include "engine/run_impl.h"

#include <errno.h>

#include "core/shared.h"
#include "engine/guard.h"

static void fill(struct sp_lease *l, const struct sp_lease_terms *t)
{
	SP_STORE(l->packets, t->packets);
	SP_STORE(l->until_ns, t->until_ns);
}

int sp_run_take_leases(struct sp_run *r, struct sp_err *err)
{
	struct sp_lease_terms t;
	char to[72];

	r->lease_ask = sp_arena_alloc(&r->arena, r->permit.n_leases * sizeof *r->lease_ask);
	if (!r->lease_ask)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (uint32_t i = 0; i < r->permit.n_leases; i++) {
		struct sp_lease *l = &r->permit.lease[i];

		while (r->lease_ask[i] < r->n_asks &&
		       !sp_endpoint_eq(&r->asks[r->lease_ask[i]].ask.to, &l->to))
			r->lease_ask[i]++;
		if (r->hooks.lease(r->hooks.arg, r->lease_ask[i], &t) || !t.until_ns)
			return sp_fail(err, -EACCES, SP_EXIT_PERM, "%s gave no lease",
				       sp_endpoint_format(to, sizeof to, &l->to));
		fill(l, &t);
	}
	return 0;
}

static void stop(struct sp_run *r, const struct sp_lease *l, const struct sp_lease_terms *t,
		 uint64_t now_ns)
{
	bool over = sp_guard_lease_over(l, now_ns);
	char to[72];

	sp_endpoint_format(to, sizeof to, &l->to);
	if (over)
		sp_run_say(r, "lease-over", false,
			   "sending stopped: the lease for %s is over and the receiver there %s",
			   to, t->why ? t->why : "did not renew it");
	else
		sp_run_say(r, "lease-ceiling", false,
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
		struct sp_lease_terms t = { 0 };

		if (r->hooks.lease(r->hooks.arg, r->lease_ask[i], &t) == 0)
			fill(l, &t);
		if (SP_LOAD(l->refused) || (t.why && sp_guard_lease_over(l, now_ns)))
			stop(r, l, &t, now_ns);
	}
}
