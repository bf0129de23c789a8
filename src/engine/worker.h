/* A worker: one thread (or, in virtual time, the control thread's hand) that runs the lanes. */
#ifndef SP_ENGINE_WORKER_H
#define SP_ENGINE_WORKER_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/lane_bulk.h"
#include "engine/lane_dialogue.h"
#include "core/margin.h"
#include "engine/lane_packet.h"
#include "engine/plan.h"
#include "engine/sink.h"

/* After the last planned end, late departures may still leave for so long. */
#define SP_WORKER_GRACE_NS (200 * SP_NS_PER_MS)

/* What control tells a worker while it runs: a stream's pace changes. */
struct sp_order {
	struct sp_change *change; /* lives until the worker ends; its time may be moved to when
				the worker could still obey */
	uint32_t stream;	  /* the lane's */
	bool *noted;		  /* atomic: set when it will be done */
};
#define SP_WORKER_ORDERS 64u

struct sp_worker {
	const struct sp_env *env;
	unsigned index;
	struct sp_lane lane;
	struct sp_verifier verifier;
	uint32_t lane_streams
		[3]; /* by enum sp_lane_kind: how many of this worker's are placed */
	struct sp_hello_ring hellos;
	uint32_t hellos_told;
	bool has_conns; /* of the four below, those that the plan needs */
	struct sp_conns conns;
	struct sp_bulk bulk;
	struct sp_dialogue dialogue;
	struct sp_sink sink;
	struct sp_tally_rtt *rtt; /* as lane.tally; NULL without answers */
	struct sp_errors bulk_errors;
	uint64_t conn_units; /* received over connections, seen so far */
	uint64_t lane_units; /* the same of the packet lane's */
	uint64_t sampled_ns;
	uint64_t *given_up; /* per lane stream: taken from the pacer, never sent */
	enum sp_spin spin;
	struct sp_margin margin; /* gets up so long before a departure, then spins */
	double asked_pps;
	uint64_t coalesce_ns;
	uint64_t last_end_ns; /* latest planned end of its streams; SP_NEVER none */
	bool sends, receives;
	bool hears; /* answers to what it sends come to its queues */
	/* What it sleeps on: wake, then its queues. By poll: an epoll over the queues' own would be
	 * told of each packet by whoever brings it, asleep or not. */
	struct pollfd *fds;
	nfds_t n_fds;
	int wake;   /* eventfd: the control thread wants something */
	int run_fd; /* eventfd of the control thread: told when tx is done */
	pthread_t thread;
	bool started;
	uint64_t stop_seen, taken_at; /* taken_at: departures up to then were taken */
	/* Shared with control. */
	uint64_t stop_at;    /* atomic: no departure from then on; SP_NEVER none */
	uint64_t stopped_at; /* atomic: where this worker's schedules really ended */
	bool quit;	     /* atomic */
	uint64_t
		drain_ns; /* atomic: once it is to quit, it reads what is left, but not past then */
	struct sp_order orders[SP_WORKER_ORDERS];
	uint32_t orders_in, orders_out; /* atomic: of control, of the worker */
	bool tx_done;			/* atomic: every departure is accounted for */
	uint64_t turns;			/* atomic: turns begun, of a worker that receives */
	uint64_t turns_seen;		/* control's */
	uint64_t
		rx_count_limit; /* 0 none; the worker tells control when it has received so many */
	uint64_t rx_seen;
};

int sp_worker_init(struct sp_worker *, const struct sp_env *, unsigned index, struct sp_err *);
void sp_worker_fini(struct sp_worker *);
/* Starts the thread; queues and pacer are in place. */
int sp_worker_start(struct sp_worker *, struct sp_err *);
/* HOT. One turn of every lane; true when something was done. */
bool sp_worker_turn(struct sp_worker *, uint64_t now_ns);
/* When the next turn will have something to do (virtual time); SP_NEVER: nothing by itself. */
uint64_t sp_worker_next(struct sp_worker *);
/* Control thread. */
/* -EAGAIN: it has not read so many others yet; -EALREADY: it has sent all. */
int sp_worker_order(struct sp_worker *, const struct sp_order *);
/* The worker's own hand, or before it runs: notes a change of a stream with whoever paces it. As
 * sp_pacer_change. */
int sp_worker_change(struct sp_worker *, uint32_t stream, struct sp_change *);
void sp_worker_stop_tx(struct sp_worker *, uint64_t at_ns);
void sp_worker_quit(struct sp_worker *); /* and waits for the thread */
/* Waits, for a few ms at most, until every turn has ended that a receiving worker was in at the
 * call: what was withdrawn from it before is in no use any more. False: one takes longer. */
bool sp_workers_pass(struct sp_worker *, unsigned n);

#endif
