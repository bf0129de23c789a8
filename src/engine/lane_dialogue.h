/* The dialogue lane: machines (plugin/proto.h) over byte streams. One a worker.
 *
 * Client streams take tokens of the pacer (open loop): an idle connection takes one, else a new
 * connection does, up to the stream's limit; else the token waits, which is lateness and not
 * loss. Or each connection takes its next token when it can (closed loop). Servers have a machine
 * for each connection that comes in. Latency counts from the intended and the actual start. */
#ifndef SP_ENGINE_LANE_DIALOGUE_H
#define SP_ENGINE_LANE_DIALOGUE_H

#include "core/pacer.h"
#include "engine/again.h"
#include "engine/asks.h"
#include "engine/conns.h"
#include "engine/dialogue_play.h"
#include "engine/errors.h"
#include "engine/guard.h"
#include "engine/marks.h"
#include "engine/schedule.h"
#include "engine/statuses.h"
#include "engine/verify.h"
#include "pkt/endpoints.h"
#include "plugin/proto.h"

/* A connection that is not open after so long never will be. */
#define SP_DIALOGUE_CONNECT_NS (5 * SP_NS_PER_S)
/* Answers that are under way at the end may take so long to come. */
#define SP_DIALOGUE_GRACE_NS   (2 * SP_NS_PER_S)
/* Sessions of recorded messages that are open at a stop may take so long to end. */
#define SP_DIALOGUE_PARTING_NS (6 * SP_NS_PER_S)
/* A token that waits longer for a connection is given up. */
#define SP_DIALOGUE_CREDIT_NS  SP_NS_PER_S

struct sp_dialogue_token {
	struct sp_token t;
	bool retried;
};

/* What client streams and servers have in common. */
struct sp_dialogue_end {
	const struct sp_proto_ops *ops;
	const struct sp_proto *proto;
	const struct sp_wrap_ops *wrap_ops; /* NULL: none */
	struct sp_wrap *wrap;
};

struct sp_dialogue_stream {
	/* Set by the caller. */
	struct sp_dialogue_end end; /* first */
	struct sp_dialogue_play
		*play;		   /* recorded messages: its sessions; NULL: there are none */
	struct sp_proto *messages; /* the engine's own machine's settings; NULL: another's */
	unsigned port;
	uint32_t ep, max_conns, size;
	bool closed, answers;
	bool session; /* its machine's; closed, one connection */
	struct sp_guard_stream guard;
	uint64_t start_ns, end_ns, count; /* closed loop */
	uint32_t backlog_cap;		  /* open loop: tokens that may wait */
	struct sp_flow_tx *flow;
	struct sp_tally_tx *tally;
	struct sp_tally_rtt *rtt;
	struct sp_schedule *schedule;
	struct sp_pacer *wants_replies; /* whose schedule hears of answers; NULL: none does */
	uint32_t paced_as;		/* its number there */
	uint64_t *given_up;
	struct sp_change *changes; /* to come, of a closed loop; those of sp_dialogue_change */
	/* The lane's. */
	uint32_t alarm;			   /* slot + 1 whose timer is for them; 0: none */
	struct sp_dialogue_token *backlog; /* a ring */
	uint32_t backlog_at, backlog_n;
	uint32_t conns, idle; /* idle: slot + 1 */
	uint64_t issued;
	uint64_t last_start_ns;
	/* Read by control. */
	uint64_t unique, failed, rx_bytes, opened; /* failed: sent, and no answer came */
	uint64_t first_rx, last_rx;
	struct sp_errors errors;
	uint64_t held, lost;	   /* sessions that stood when they were told to end; others */
	struct sp_loss first_loss; /* once lost is not 0 */
	struct sp_loss loss;	   /* of the last other, once nothing is sent any more */
	struct sp_status_counts statuses;
	struct sp_conn_info info;	     /* of the connection that was asked last */
	uint64_t retransmits;		     /* of those that are closed */
	uint64_t open_retransmits, sampling; /* of those that were open at the last look */
};

struct sp_dialogue_server {
	struct sp_dialogue_end end; /* first */
	struct sp_verifier *verifier;
	struct sp_endpoints from; /* source addresses, without their port numbers */
	unsigned port;
	/* Read by control. */
	uint64_t accepted, units;
	struct sp_errors errors;
	struct sp_status_counts statuses;
};

struct sp_dialogue {
	struct sp_conns *conns;
	const struct sp_env *env;
	struct sp_dialogue_stream *stream;
	uint32_t n;
	struct sp_dialogue_server *server; /* one a port of the plan; ops NULL: none */
	unsigned n_servers;
	struct sp_guard_meter *meter;
	struct sp_marker *tx_marker, *rx_marker; /* NULL: nobody wants marks of these */
	uint8_t *buf;				 /* what was read, behind what was kept */
	size_t keep_max;
	void *kept;		     /* free buffers for what connections keep */
	uint64_t under_way, waiting; /* tokens started and not over; in backlogs */
	bool stopping, armed;
};

/* Room that a connection of this machine needs. */
size_t sp_dialogue_room(size_t state_size);
int sp_dialogue_init(struct sp_dialogue *, struct sp_conns *, uint32_t streams,
		     unsigned servers, size_t keep_max);
/* Closes nothing: before sp_conns_fini. */
void sp_dialogue_fini(struct sp_dialogue *);
/* At T0; closed loops begin by themselves. -ENOBUFS, -ENOMEM. */
int sp_dialogue_arm(struct sp_dialogue *);
/* HOT. A departure of stream s. */
void sp_dialogue_token(struct sp_dialogue *, uint32_t s, const struct sp_due *,
		       uint64_t now_ns);
/* A closed loop starts (anew) or stops at c->at_ns, which is not before what was noted earlier. c is
 * borrowed. 0, or -ENOBUFS: no slot is free. */
int sp_dialogue_change(struct sp_dialogue *, uint32_t s, struct sp_change *c);
/* Everything that others had to send has left. */
void sp_dialogue_last(struct sp_dialogue *);
/* Nothing new begins at or after at_ns. */
void sp_dialogue_stop(struct sp_dialogue *, uint64_t at_ns);
/* Is everything over that was begun? */
bool sp_dialogue_over(const struct sp_dialogue *, uint64_t now_ns);
/* Are sessions of recorded messages open? */
bool sp_dialogue_plays(const struct sp_dialogue *);
/* Tokens that still wait are given up; with all, what is under way is, too. */
void sp_dialogue_give_up(struct sp_dialogue *, bool all, uint64_t now_ns);
/* Once a tick. */
void sp_dialogue_sample(struct sp_dialogue *);
/* For sp_conns_port.accepted; arg is the lane. */
void sp_dialogue_accepted(void *arg, unsigned port, uint32_t slot, uint64_t now_ns);

#endif
