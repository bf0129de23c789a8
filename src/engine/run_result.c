/* A run's result as it is at T0: what it is of, and room for what comes. */
#include "engine/run_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

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

int sp_run_make_results(struct sp_run *r, struct sp_err *err)
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

void sp_run_describe_clock(struct sp_run *r)
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
