/* From everything as it is now to the run's total: at a tick and at the end. */
#include <string.h>

#include "core/shared.h"
#include "engine/run_impl.h"

static void collect_errors(struct sp_run *r)
{
	struct sp_counts *c = &r->result.total.c;
	uint64_t unreachable = 0, too_big = 0, other = 0;

	for (unsigned p = 0; p < r->plan->n_ports; p++)
		unreachable += r->transport_results[p].s.tx_unreachable;
	for (unsigned w = 0; w < r->n_workers; w++) {
		too_big += SP_LOAD(r->workers[w].lane.too_big);
		other += SP_LOAD(r->workers[w].lane.other_errors);
	}
	sp_counts_set(c, SP_C_error_unreachable, unreachable);
	sp_counts_set(c, SP_C_error_too_big, too_big);
	sp_counts_set(c, SP_C_error_other, other);
	sp_counts_set(c, SP_C_own_control, r->own_control);
}

/* The end's histograms stay for the run folder. */
static void name_hists(struct sp_run *r)
{
	static const char *const name[RUN_HIST__N] = {
		[RUN_DELAY] = "delay",
		[RUN_DELAY_ACTUAL] = "delay_actual",
		[RUN_RX_GAP_ERROR] = "rx_gap_error",
		[RUN_LATE] = "late",
		[RUN_GAP_ERROR] = "gap_error",
		[RUN_RTT] = "rtt",
		[RUN_RTT_ACTUAL] = "rtt_actual",
	};

	for (unsigned i = 0; i < RUN_HIST__N; i++)
		if (r->hists[i].n)
			r->named_hists[r->result.n_hists++] = (struct sp_named_hist){
				name[i], &r->hists[i]
			};
	r->result.hists = r->named_hists;
}

void sp_run_collect(struct sp_run *r, uint64_t now_ns, bool final)
{
	struct sp_result *res = &r->result;

	res->duration_ns = now_ns > r->t0_ns ? now_ns - r->t0_ns : 0;
	/* The workers have ended: what left while they did was due by now. */
	r->final_ns = final ? sp_clock_now(r->env.clock) : 0;
	memset(r->hists, 0, RUN_HIST__N * sizeof *r->hists);
	sp_run_collect_ports(r);
	sp_run_collect_replies(r);
	if (r->role == SP_ROLE_RECV)
		sp_run_collect_recv(r);
	else
		sp_run_collect_send(r);
	collect_errors(r);
	sp_run_collect_rtt(r);
	sp_run_collect_conn_errors(r);
	sp_host_usage(r, &res->host);
	/* What did not add up once is not trusted at the end either. */
	res->violated |= sp_counts_check(&res->total.c, &res->unknown_identities);
	if (final)
		name_hists(r);
}
