/* The verdict: may the numbers be trusted, what bounded the result, and the exit code. */
#include "engine/run_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/errors.h"

#define UNMET_SHARE   0.99  /* exit 3 below this share of what was asked */
#define KERNEL_SHARE  0.999 /* own and kernel counters may differ by so much */
#define SHORT_RUN_NS  (SP_NS_PER_S / 2)
#define NEAR_CATCH_UP (100 * SP_NS_PER_MS)

static uint64_t value(const struct sp_run *r, enum sp_counter c)
{
	return r->result.total.c.v[c];
}

static bool known(const struct sp_run *r, enum sp_counter c)
{
	return sp_counts_has(&r->result.total.c, c);
}

static const char *grouped(char buf[32], uint64_t v)
{
	return sp_str_grouped(buf, 32, v);
}

static void remark_nobody(struct sp_run *r)
{
	char a[32], to[320];
	bool all = r->n_asks > 0;

	for (unsigned i = 0; i < r->n_asks; i++)
		all &= r->asks[i].grant.peer;
	if (!value(r, SP_C_error_unreachable) || all)
		return;
	sp_run_name_unreachable(r, to, sizeof to);
	sp_run_say(r, "nobody-listens", false,
		   "nobody listens on %s: %s ICMP unreachable answer%s came back (every "
		   "datagram was sent all the same)",
		   to, grouped(a, value(r, SP_C_error_unreachable)),
		   value(r, SP_C_error_unreachable) == 1 ? "" : "s");
}

static void remark_sender(struct sp_run *r)
{
	char why[96];
	uint64_t late = value(r, SP_C_not_sent_late), asked = value(r, SP_C_asked_packets);
	uint64_t refused = value(r, SP_C_tx_refused);
	char a[32], b[32];

	if (late)
		sp_run_say(r, "fell-behind", false,
			   "sender fell behind: %s of %s departures (%.3g %%) were given up "
			   "because "
			   "they were due too long ago",
			   grouped(a, late), grouped(b, asked),
			   100.0 * (double)late / (double)asked);
	if (value(r, SP_C_catch_up))
		sp_run_say(
			r, "caught-up", false,
			"%s unit%s left late while the sender caught up after a stall; loss at "
			"that time may be its doing",
			grouped(a, value(r, SP_C_catch_up)),
			value(r, SP_C_catch_up) == 1 ? "" : "s");
	for (unsigned w = 0; refused && w < r->n_workers; w++)
		for (unsigned p = 0; p < r->plan->n_ports; p++) {
			const struct sp_lane_port *lp = &r->workers[w].lane.ports[p];
			const struct sp_plan_port *port = r->ports[p].plan;

			if (lp->tx_error)
				sp_run_say(r, "refused", false,
					   "%s refused units on port %s: %s (last at %.3f s)",
					   lp->ops->name, port->name,
					   sp_error_of_port(lp->tx_error, port->interface, why,
							    sizeof why),
					   (double)(lp->tx_error_ns - r->t0_ns) / 1e9);
		}
	if (value(r, SP_C_error_too_big))
		sp_run_say(r, "too-big", false,
			   "%s units were larger than the path takes and were refused",
			   grouped(a, value(r, SP_C_error_too_big)));
	remark_nobody(r);
}

static void remark_peers(struct sp_run *r)
{
	unsigned silent = 0, vanished = 0, unstamped = 0, frames = 0;

	for (unsigned i = 0; i < r->plan->n_streams; i++)
		unstamped += !r->streams[i].stamped && !r->streams[i].answers;
	for (unsigned i = 0; i < r->n_asks; i++) {
		const struct run_stream *s = &r->streams[r->asks[i].ask.streams[0]];

		silent += !r->asks[i].grant.peer;
		frames += !r->asks[i].grant.peer &&
			  r->ports[s->plan->from_port].caps.bits & SP_T_FRAME;
		vanished += r->asks[i].grant.peer && !r->asks[i].counts_known;
	}
	if (vanished)
		sp_run_say(r, "receiver-lost", false,
			   "%u of %u receivers did not report their counts at the end: "
			   "received is "
			   "unknown there",
			   vanished, r->n_asks);
	if (silent && silent == frames)
		sp_run_say(r, "one-sided", false,
			   "received: unknown (senders of frames ask no receiver; `spate recv` "
			   "there counts, and says so itself)");
	else if (silent)
		sp_run_say(r, "one-sided", false,
			   "received: unknown (no spate receiver answered at %u of %u targets; "
			   "`spate recv` there would count)",
			   silent, r->n_asks);
	if (unstamped)
		sp_run_say(r, "no-stamp", true,
			   "received: unknown of %u of %u streams, which carry no stamp",
			   unstamped, r->plan->n_streams);
	else if (r->role == SP_ROLE_SEND && !r->n_asks && r->plan->n_streams &&
		 !r->streams[0].answers)
		sp_run_say(r, "one-sided", true, "received: unknown (no receiver was asked)");
}

/* They took nothing from anybody: no fault of the result. */
static void remark_strangers(struct sp_run *r)
{
	const struct sp_run_strangers *s = &r->strange;
	char a[32], b[32], from[80];

	if (!s->silent && !s->nonsense)
		return;
	sp_endpoint_format(from, sizeof from, &s->from);
	sp_run_say(r, "strangers", true,
		   "%s connections to the control port said nothing, and %s made no sense or "
		   "showed no trusted key; they were closed (the last was from %s)",
		   grouped(a, s->silent), grouped(b, s->nonsense), from);
}

/* What the limits of a receiver left out of the list. */
static void remark_limits(struct sp_run *r)
{
	uint64_t nameless = 0, flows = 0;
	char a[32];

	for (unsigned i = 0; r->receivers && i < r->plan->n_recvs; i++)
		flows += r->receivers[i].flows;
	for (unsigned w = 0; w < r->n_workers; w++)
		nameless += r->workers[w].verifier.nameless;
	if (r->role == SP_ROLE_RECV && flows > r->result.n_flows)
		sp_run_say(
			r, "flows-folded", true,
			"%s flows are in the totals and are not listed: there were more than "
			"--max-flows",
			grouped(a, flows - r->result.n_flows));
	if (nameless)
		sp_run_say(r, "sources", false,
			   "%s received units came from more sources than there is room for: "
			   "they are counted without their addresses, and flows with equal ids "
			   "among them as one",
			   grouped(a, nameless));
}

static void remark_receiver(struct sp_run *r)
{
	char a[32];
	unsigned lost = r->folded.lost, open_ended = r->folded.open_ended;
	unsigned senders = r->folded.sessions;

	for (uint32_t i = 1; i < r->n_sessions && r->role == SP_ROLE_RECV; i++) {
		if (!r->sessions[i].used)
			continue;
		senders++;
		lost += r->sessions[i].lost;
		open_ended += !r->sessions[i].final;
	}
	remark_limits(r);
	if (r->role == SP_ROLE_RECV && !value(r, SP_C_rx_packets) && !value(r, SP_C_rx_bytes) &&
	    !r->n_reply_results)
		sp_run_say(r, "nothing-received", false, "nothing was received");
	if (lost)
		sp_run_say(r, "sender-lost", false,
			   "%u of %u senders vanished without a goodbye", lost, senders);
	if (r->role == SP_ROLE_RECV && value(r, SP_C_rx_packets) &&
	    (open_ended || senders == 0) && !known(r, SP_C_tx_packets))
		sp_run_say(
			r, "unknown-tail", true,
			"some senders did not say how much they sent: what was lost after the "
			"last received packet is unknown");
	if (r->role == SP_ROLE_RECV && value(r, SP_C_untracked))
		sp_run_say(
			r, "unstamped", true,
			"%s received units carried no stamp of spate's: counted, not verified",
			grouped(a, value(r, SP_C_untracked)));
	if (known(r, SP_C_dropped_receiver) && value(r, SP_C_dropped_receiver))
		sp_run_say(r, "receiver-dropped", false,
			   "the receiving host dropped %s units because its socket buffer was "
			   "full",
			   grouped(a, value(r, SP_C_dropped_receiver)));
	if (value(r, SP_C_too_old) && known(r, SP_C_too_old))
		sp_run_say(r, "too-old", false,
			   "%s units arrived 1,024 or more behind the newest: counted as late, "
			   "though a copy cannot be told from a late one there",
			   grouped(a, value(r, SP_C_too_old)));
	if (known(r, SP_C_negative_delay) && value(r, SP_C_negative_delay))
		sp_run_say(r, "negative-delay", false,
			   "%s one-way delays came out below zero: the clocks are further "
			   "apart than "
			   "their stated error",
			   grouped(a, value(r, SP_C_negative_delay)));
}

static void remark_dropped(struct sp_run *r, const struct sp_plan_port *port, uint64_t n)
{
	if (port->interface && *port->interface)
		sp_run_say(r, "tx-dropped", false,
			   "interface %s threw away %llu of the frames that it was handed: "
			   "what is behind it was full",
			   port->interface, (unsigned long long)n);
	else
		sp_run_say(r, "tx-dropped", false,
			   "port %s: %llu of the frames that count as sent are missing in its "
			   "file, which could not be written",
			   port->name, (unsigned long long)n);
}

static void remark_transports(struct sp_run *r)
{
	char why[96];

	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		const struct sp_transport_result *t = &r->transport_results[p];

		if (t->offloaded)
			sp_run_say(r, "offloaded", true,
				   "segments crossed inside super-packets (up to %u in one): "
				   "on this "
				   "path they were never single packets on a wire",
				   t->s.max_seg);
		if (t->s.rx_truncated)
			sp_run_say(
				r, "truncated", false,
				"%llu received units were larger than the buffer and were cut",
				(unsigned long long)t->s.rx_truncated);
		if (t->s.tx_dropped)
			remark_dropped(r, r->ports[p].plan, t->s.tx_dropped);
		for (unsigned w = 0; w < r->n_workers; w++)
			if (sp_error_is_final(r->workers[w].lane.ports[p].tx_error))
				sp_run_exit_hint(r, SP_EXIT_IO);
		for (unsigned w = 0; w < r->n_workers; w++)
			if (r->workers[w].lane.ports[p].rx_error)
				sp_run_say(
					r, "receive-error", false, "receiving on port %s: %s",
					t->name,
					sp_error_of_port(r->workers[w].lane.ports[p].rx_error,
							 r->ports[p].plan->interface, why,
							 sizeof why));
	}
	if (r->result.duration_ns < SHORT_RUN_NS && !r->env.clock->is_virtual)
		sp_run_say(r, "short", true,
			   "the run lasted %.0f ms: too short for its rates to say much",
			   (double)r->result.duration_ns / 1e6);
}

/* Own counters against the kernel's, like with like: system-wide ones can only be larger. */
static bool kernel_agrees(struct sp_run *r)
{
	struct sp_kernel_counts now;
	uint64_t tx = 0, rx = 0;
	bool ok = true;

	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		if (strcmp(r->ports[p].ops->name, "udp") != 0)
			continue;
		tx += r->transport_results[p].s.tx_units;
		rx += r->transport_results[p].s.rx_units;
	}
	sp_host_udp(r, &now);
	if ((double)(now.out - r->kernel0.out) < KERNEL_SHARE * (double)tx) {
		sp_run_say(r, "kernel-disagrees", false,
			   "spate counted %llu datagrams handed to the kernel, the kernel %llu",
			   (unsigned long long)tx,
			   (unsigned long long)(now.out - r->kernel0.out));
		ok = false;
	}
	if ((double)(now.in - r->kernel0.in) < KERNEL_SHARE * (double)rx) {
		sp_run_say(r, "kernel-disagrees", false,
			   "spate counted %llu datagrams received from the kernel, the kernel "
			   "%llu",
			   (unsigned long long)rx,
			   (unsigned long long)(now.in - r->kernel0.in));
		ok = false;
	}
	return ok;
}

/* Rates that change are no reason: only who is to send as much as can be is bounded by that. */
static bool asks_max(const struct sp_run *r)
{
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		if (r->plan->streams[i].top.kind == SP_RATE_MAX ||
		    r->streams[i].rate.kind == SP_RATE_MAX ||
		    (r->plan->streams[i].recorded && r->streams[i].only_max &&
		     !r->streams[i].played))
			return true;
	return false;
}

static void bound(struct sp_run *r)
{
	struct sp_result *res = &r->result;
	uint64_t asked = value(r, SP_C_asked_packets) - value(r, SP_C_not_sent_unfit);
	uint64_t tx = value(r, SP_C_tx_packets), blocked = 0, calls = 0;
	char a[32], b[32];

	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		blocked += r->transport_results[p].s.tx_blocked;
		calls += r->transport_results[p].s.tx_calls;
	}
	res->bound = SP_BOUND_NONE;
	r->evidence[0] = '\0';
	if (known(r, SP_C_dropped_receiver) && value(r, SP_C_dropped_receiver)) {
		res->bound = SP_BOUND_RECEIVER_BUFFER;
		snprintf(r->evidence, sizeof r->evidence,
			 "the receiving socket's buffer overflowed: %s of %s lost units",
			 grouped(a, value(r, SP_C_dropped_receiver)),
			 grouped(b, value(r, SP_C_lost)));
	} else if (known(r, SP_C_tx_packets) && known(r, SP_C_asked_packets) && asked > tx &&
		   (double)tx < 0.999 * (double)asked) {
		res->bound = blocked * 4 > calls ||
					     value(r, SP_C_tx_refused) > asked - tx - 1 ||
					     (blocked && sp_run_conns_idle(r))
				     ? SP_BOUND_TRANSPORT
				     : SP_BOUND_SENDER_CPU;
		snprintf(r->evidence, sizeof r->evidence,
			 "%s of %s units left; the sender used %.1f CPU s in %.1f s, the "
			 "transport "
			 "was full %s times",
			 grouped(a, tx), grouped(b, asked), res->host.cpu_self,
			 (double)res->duration_ns / 1e9, blocked ? "some" : "0");
	} else if (known(r, SP_C_lost_network) && value(r, SP_C_lost_network)) {
		res->bound = SP_BOUND_PATH;
		snprintf(r->evidence, sizeof r->evidence,
			 "%s units were lost between the hosts",
			 grouped(a, value(r, SP_C_lost_network)));
	} else if (known(r, SP_C_lost_unknown) && value(r, SP_C_lost_unknown)) {
		res->bound = SP_BOUND_UNKNOWN;
		snprintf(r->evidence, sizeof r->evidence,
			 "no counter says where %s units were lost",
			 grouped(a, value(r, SP_C_lost_unknown)));
	} else if (sp_run_bound_conns(r, blocked)) {
		/* said */
	} else if (r->role == SP_ROLE_SEND && asks_max(r) && tx) {
		res->bound = SP_BOUND_SENDER_CPU;
		snprintf(r->evidence, sizeof r->evidence,
			 "asked for as much as possible: %u worker%s sent without a pause",
			 r->n_workers, r->n_workers == 1 ? "" : "s");
	}
	res->evidence = *r->evidence ? r->evidence : NULL;
}

static bool unmet(const struct sp_run *r)
{
	uint64_t asked = value(r, SP_C_asked_packets), tx = value(r, SP_C_tx_packets);

	/* Who ends a run without calling it an interruption is content with what there is. */
	if (r->plan->run.best_effort || (r->stop_ns != SP_NEVER && !r->interrupted))
		return false;
	if (sp_run_bulk_unmet(r))
		return true;
	if (!known(r, SP_C_asked_packets) || !known(r, SP_C_tx_packets))
		return false;
	return (double)tx < UNMET_SHARE * (double)asked;
}

static int exit_code(const struct sp_run *r, bool trusted)
{
	if (r->exit_hint == SP_EXIT_FAILED)
		return SP_EXIT_FAILED;
	if (!trusted)
		return SP_EXIT_UNTRUSTED;
	if (r->exit_hint == SP_EXIT_IO)
		return SP_EXIT_IO;
	if (r->interrupted)
		return SP_EXIT_INTR;
	if (r->exit_hint == SP_EXIT_UNAVAIL)
		return SP_EXIT_UNAVAIL;
	if (unmet(r))
		return SP_EXIT_UNMET;
	return (int)r->exit_hint;
}

void sp_run_judge(struct sp_run *r)
{
	struct sp_result *res = &r->result;
	bool trusted = res->violated == 0, remarked = false;

	remark_sender(r);
	remark_peers(r);
	remark_receiver(r);
	remark_strangers(r);
	remark_transports(r);
	sp_run_judge_conns(r);
	sp_run_judge_recorded(r);
	for (unsigned i = 0; i < SP_IDENTITIES; i++)
		if (res->violated >> i & 1)
			sp_run_say(r, "ledger", false, "the ledger does not add up: %s",
				   sp_identity_text(i));
	trusted &= kernel_agrees(r);
	for (size_t i = 0; i < res->n_remarks; i++)
		remarked |= !r->remarks[i].neutral;
	bound(r);
	res->result = !trusted ? SP_NOT_TRUSTED : remarked ? SP_VALID_REMARKS : SP_VALID;
	res->exit_code = exit_code(r, trusted);
}
