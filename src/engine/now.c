/* What a run has done up to now, for whoever asks between its events. */
#include "engine/run_impl.h"

static int64_t of(const struct sp_run *r, enum sp_counter c)
{
	const struct sp_counts *t = &r->result.total.c;

	return sp_counts_has(t, c) ? (int64_t)t->v[c] : -1;
}

/* What came back to the sender itself; what a receiver counted is not the sender's. -1: nothing of it
 * is answered. */
static int64_t answers(const struct sp_run *r)
{
	struct sp_counts one;
	int64_t n = -1;

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		if (!r->streams[i].answers)
			continue;
		sp_run_parts.stream_counts(r, i, &one);
		n = (n < 0 ? 0 : n) +
		    (sp_counts_has(&one, SP_C_rx_unique) ? (int64_t)one.v[SP_C_rx_unique] : 0);
	}
	return n;
}

void sp_run_now(struct sp_run *r, struct sp_run_figures *out)
{
	*out = (struct sp_run_figures){ -1, -1, -1 };
	if (r->phase != RUN_ARMED && r->phase != RUN_FINISHED)
		return;
	if (r->phase == RUN_ARMED && !r->ending)
		sp_run_collect(r, sp_clock_now(r->env.clock), false);
	if (r->role != SP_ROLE_RECV)
		out->sent = of(r, SP_C_tx_packets);
	out->received = r->role == SP_ROLE_SEND ? answers(r) : of(r, SP_C_rx_packets);
	if (r->role != SP_ROLE_SEND)
		out->corrupted = of(r, SP_C_corrupted);
}
