/* One execution of a plan. Control thread only, except sp_run_request_stop. Two runs in one
 * process are independent. Life: new, prepare (resolve, permit, open, grant), arm at an absolute
 * T0, step until it says finished, result, free. */
#ifndef SP_ENGINE_RUN_H
#define SP_ENGINE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "core/env.h"
#include "core/result.h"
#include "engine/hello.h"
#include "engine/plan.h"
#include "plugin/catalog.h"
#include "plugin/stamp.h"
#include "plugin/truth.h"

struct sp_run;

/* ---- what a sender learns from a receiver, and the other way round ---- */

/* Streams with the same target are asked for together. */
struct sp_ask {
	struct sp_endpoint to;
	const char *transport;	 /* "udp" */
	uint32_t n_flows;	 /* wanted, one per stream of streams[] */
	const uint32_t *streams; /* their indices in the plan */
	uint64_t max_packets;	 /* ceiling of the whole run, UINT64_MAX none */
	uint64_t planned_ns;	 /* SP_NEVER: until stopped */
	bool lease;		 /* nothing may be sent there without one */
	uint64_t lease_pps; /* units a second that it is wanted for; UINT64_MAX: any number */
};
/* What a lease allows (plugin/permit.h). why: there will be no other, one phrase that continues
 * "the receiver at X ..."; NULL: it may still be renewed. */
struct sp_lease_terms {
	uint64_t packets, until_ns;
	const char *why;
};
struct sp_grant {
	bool peer;	    /* a spate receiver answered; else the rest is to be ignored */
	uint32_t flow_base; /* ids flow_base .. flow_base + n_flows - 1 */
	bool tally_each;    /* each flow has histograms of its own there */
	bool clock_known;
	int64_t offset_ns; /* receiver's clock - ours */
	uint64_t clock_error_ns;
	bool same_host;		  /* same boot and clock: the offset is exactly 0 */
	uint32_t control_packets; /* spent on discovery and control so far */
};

/* A flow as its receiver counted it. */
struct sp_peer_flow {
	uint64_t rx, rx_bytes, unique, duplicates, reordered, corrupted, too_old, gaps;
	uint64_t first_rx_ns, last_rx_ns; /* receiver's clock */
	uint64_t jitter_ns, negative, outage_ns;
	struct sp_summary delay; /* coarse: from the flow's sketch; known only with a clock */
};
/* What a receiver knows of one grant at its end. */
struct sp_peer_counts {
	uint32_t n_flows;
	struct sp_peer_flow *flows; /* in the order of the ask's streams; the run may settle
				     * corrupted ones between them */
	uint32_t n_hists;	    /* n_flows when tally_each, else 1, or 0: none of its own */
	struct sp_hist *delay, *delay_actual, *gap_error; /* n_hists each, allocated */
	uint64_t dropped_units;	       /* by the receiving socket, in kernel units */
	uint64_t rx_units;	       /* units that its socket delivered */
	uint32_t max_seg;	       /* largest number of segments in one of them */
	bool dropped_known, exclusive; /* exclusive: this grant was the port's only traffic,
					* from the grant on; all counts are since then */
	bool rx_clock_kernel;
	uint64_t control_packets; /* since the start, those of the grant included */
};

/* Implemented by ctl, an agent or tests; any member may be NULL. Called on the control thread. */
struct sp_run_hooks {
	void *arg;
	/* Asks all targets at once (so that silence costs one timeout). g has n members. An error
	 * ends the run; "nobody there" is not an error, but no lease for an ask that needs one
	 * is: -EACCES, exit 77. */
	int (*grant)(void *arg, const struct sp_ask *, struct sp_grant *, uint32_t n,
		     struct sp_err *);
	void (*event)(void *arg, const struct sp_event *);
	/* The terms of ask i's lease as they are now, whoever renews it. Asked at every step. NULL:
	 * no lease can be had. */
	int (*lease)(void *arg, uint32_t i, struct sp_lease_terms *);
	bool keyed; /* grant may ask outside the own networks, too: it shows keys */
	/* Live: how many unique units ask i's receiver has so far. 0: by its latest word; 1: it has
	 * said nothing since the last call, whose figures are given again; -ENODATA: not known. */
	int (*peer_sample)(void *arg, uint32_t i, uint64_t *rx_unique, uint64_t *rx_bytes);
	/* At the end: tx[] are the final counts of ask i's flows. With pc NULL they are only told
	 * (all receivers, before any is waited for); else pc is filled, its arrays living until the
	 * run is freed. All calls together take well below a second. -ENODATA: not known. */
	int (*peer_counts)(void *arg, uint32_t i, const uint64_t *tx,
			   struct sp_peer_counts *pc);
};

int sp_run_new(struct sp_run **, const struct sp_plan *, const struct sp_catalog *,
	       const struct sp_env *, const struct sp_run_hooks *, struct sp_err *);
/* Resolves, asks for permits, opens ports, asks for grants, builds sources. Nothing is sent. On
 * failure err says why (exit classes 2, 69, 77) and the run can only be freed. */
int sp_run_prepare(struct sp_run *, struct sp_err *);
/* Between prepare and arm: an event for every so many units that leave (a receiver's: arrive), with the counts
 * and rates at exactly that unit. Where more than 1,000 a second would come, about ten a second
 * do. 0 or -ENOMEM. */
int sp_run_want_marks(struct sp_run *, uint32_t every, struct sp_err *);
/* The whole run's T0, absolute. Starts the workers (not in virtual time). */
int sp_run_arm(struct sp_run *, uint64_t t0_ns, struct sp_err *);
/* Async-signal-safe. The first ends the run as soon as counts are in; a second one at once. */
void sp_run_request_stop(struct sp_run *, bool interrupted);
/* Does what the control thread has to do: ticks, events, the end. Waits up to timeout_ms for the
 * next thing. 1: finished, the end event was given out; 0: goes on. In virtual time this runs
 * the workers too, in this thread, up to the next tick. */
int sp_run_step(struct sp_run *, int timeout_ms);
/* While it runs: a stream starts (anew), stops, or gets another rate, its phase kept. */
struct sp_cmd {
	int action;	     /* enum sp_plan_do */
	const char *stream;  /* name */
	uint64_t at_ns;	     /* absolute; what has passed (0): as soon as possible */
	struct sp_rate rate; /* SET */
};
/* -ENOENT (no such stream), -EINVAL, -ERANGE (a later change is set already), -EAGAIN (64 wait),
 * -EALREADY (all has been sent). The ledger counts by the moment at which it took effect. */
int sp_run_command(struct sp_run *, const struct sp_cmd *, struct sp_err *);
/* To all streams whose sources ask whether they are to go on (sp_recorded_result's asks); for when all
 * of them do, or are over. They go on at one time. Errors as sp_run_command. */
int sp_run_answer(struct sp_run *, bool yes, struct sp_err *);
/* After prepare: are units of some stream made where they leave (SP_T_REPEAT)? */
bool sp_run_repeats(const struct sp_run *);
/* A descriptor that becomes readable when sp_run_step has something to do. */
int sp_run_fd(const struct sp_run *);
/* How long until sp_run_step has something to do by the clock alone, at most 1000 ms. */
int sp_run_wait_ms(const struct sp_run *);
const struct sp_result *sp_run_result(const struct sp_run *);
/* After the end event: what whoever was sent to must have stored, of the streams that know it. 0, or
 * what take() said. */
int sp_run_truth(const struct sp_run *, const struct sp_truth *);
/* What was sent, received and corrupted up to now, between events too; -1: not known, or not this
 * side's. A sender's received are the answers that came back to it, where its units are answered.
 * Each only grows, up to the end, from which on they are the result's. */
struct sp_run_figures {
	int64_t sent, received, corrupted;
};
void sp_run_now(struct sp_run *, struct sp_run_figures *);
/* Adds a remark (its event follows at once); code and text are copied. Used by the hooks' owner
 * too. The same code and text is said once only. */
void sp_run_remark(struct sp_run *, const char *code, bool neutral, const char *text);
/* What the program gave up before the workers started, for the report; from a START event. */
void sp_run_confined(struct sp_run *, const char *what);
/* Something outside went wrong that the exit code must say (an output could not be written). */
void sp_run_exit_hint(struct sp_run *, enum sp_exit code);
void sp_run_free(struct sp_run *);

/* Packets that control has cost so far, where it is not the hooks that say so (a receiver's
 * server). */
void sp_run_own_control(struct sp_run *, uint64_t packets);
/* Connections to the control port that were nobody's session: those that said nothing in time, or
 * gave way to others, and those that made no sense (or showed no key that is trusted). */
struct sp_run_strangers {
	uint64_t silent, nonsense;
	struct sp_endpoint from; /* the last */
};
/* For a remark at the end; so far. */
void sp_run_set_strangers(struct sp_run *, const struct sp_run_strangers *);

/* ---- the receiver's side of control: called by the control server ---- */

/* The address of local port number i of all that the run receives on; -ENOENT past the last. */
int sp_run_listening(const struct sp_run *, unsigned i, struct sp_endpoint *,
		     const char **transport);
/* A hello that came among the data of a UDP port of the run; false: none. */
bool sp_run_next_hello(struct sp_run *, struct sp_hello *);
/* Before the start: control for TCP data port `number` is at `port`. */
void sp_run_control_at(struct sp_run *, uint16_t number, uint16_t port);
/* The interface, where it is all frames on one; else NULL. */
const char *sp_run_listening_on(const struct sp_run *, unsigned i);
/* The protocol that is spoken there, as the plan names it. */
const char *sp_run_listening_word(const struct sp_run *, unsigned i);
struct sp_flow_grant {
	uint32_t session; /* 1 .. ; index to pass to the calls below */
	uint32_t base, n; /* ids */
	bool tally_each;
};
/* Room for n flows of one sender. -ENOSPC: the flow or session limit is reached. */
int sp_run_grant_flows(struct sp_run *, const struct sp_endpoint *peer, const char *name,
		       uint32_t n, struct sp_flow_grant *);
/* The local address that the session's sender asked at, and so sends to: its flows are counted
 * with the receiver of that port from the start, also those of which nothing ever comes. */
void sp_run_session_local(struct sp_run *, uint32_t session, const struct sp_endpoint *local);
/* The sender's clock: add offset_ns to it to get ours. */
void sp_run_session_clock(struct sp_run *, uint32_t session, bool known, int64_t offset_ns,
			  uint64_t error_ns);
/* Live totals of a session. */
void sp_run_session_sample(const struct sp_run *, uint32_t session, uint64_t *rx_unique,
			   uint64_t *rx_bytes);
/* The sender has finished; tx[n] are its final counts (they complete our own ledger). */
void sp_run_session_final(struct sp_run *, uint32_t session, const uint64_t *tx, uint32_t n);
/* Fills pc (n_flows, arrays and histograms allocated from mem, freed by sp_peer_counts_fini) with
 * what was received so far. */
int sp_run_session_counts(const struct sp_run *, uint32_t session, const struct sp_mem *mem,
			  struct sp_peer_counts *pc);
void sp_peer_counts_fini(struct sp_peer_counts *, const struct sp_mem *mem);
/* The session is over (its flows stay in the report). lost: it vanished without a goodbye. */
void sp_run_session_end(struct sp_run *, uint32_t session, bool lost);

#endif
