/* What a run sees by itself at its ticks and names: stalls, silence, ports that fail, clocks that
 * are set, senders that began again. */
#include "engine/run_impl.h"

#include <math.h>

#include "core/shared.h"
#include "engine/errors.h"

static void watch_ports(struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		for (unsigned p = 0; p < r->plan->n_ports; p++) {
			const struct sp_lane_port *lp = &r->workers[w].lane.ports[p];
			int e = SP_LOAD(lp->tx_error) ? SP_LOAD(lp->tx_error)
						      : SP_LOAD(lp->rx_error);
			const struct sp_plan_port *port = r->ports[p].plan;
			char why[96];

			if (!e)
				continue;
			sp_run_say(r, "port-error", false, "port %s: %s", port->name,
				   sp_error_of_port(e, port->interface, why, sizeof why));
			/* A file that takes no more: there is nothing to go on for. */
			if (sp_error_is_final(e) && r->stop_ns == SP_NEVER) {
				sp_run_exit_hint(r, SP_EXIT_IO);
				sp_run_request_stop(r, false);
			}
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

/* Recorded sessions whose peers have not answered yet hold what is due: that is no stall of ours. False:
 * there is none. */
static bool say_waiting(struct sp_run *r, double at)
{
	bool any = false;
	char to[96];

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct sp_dialogue_play *p = sp_run_play_of(r, i);
		uint32_t waiting = 0;

		for (uint32_t k = 0; p && k < p->n; k++)
			waiting += SP_LOAD(p->session[k].rec.blocked_ns) != 0;
		if (!waiting)
			continue;
		any = true;
		sp_run_say(
			r, "waiting", true,
			"%s: from %.0f s on %u session%s wait%s for the peer's answer, and what "
			"is due with %s",
			sp_run_target_text(r, i, to, sizeof to), at, waiting,
			waiting == 1 ? "" : "s", waiting == 1 ? "s" : "",
			waiting == 1 ? "it" : "them");
	}
	return any;
}

void sp_run_watch_stalls(struct sp_run *r, uint64_t now_ns)
{
	const struct sp_counts *c = &r->result.total.c;
	uint64_t tx = c->v[SP_C_tx_packets], rx = c->v[SP_C_rx_unique];
	bool tx_known = sp_counts_has(c, SP_C_tx_packets);
	bool rx_known = sp_counts_has(c, SP_C_rx_unique) && r->role == SP_ROLE_SEND;
	bool sent = tx > r->last_tx_total + 1;
	bool due = sp_counts_has(c, SP_C_pending) && c->v[SP_C_pending] > 1;
	bool stalled = tx_known && due && tx == r->last_tx_total && tx;
	double at = (double)(now_ns - r->t0_ns) / 1e9 - 1;

	if (stalled && !r->stalled && say_waiting(r, at))
		;
	else if (stalled && !r->stalled)
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
void sp_run_watch_clock(struct sp_run *r, uint64_t now_ns)
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
void sp_run_remark_restarts(struct sp_run *r)
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
