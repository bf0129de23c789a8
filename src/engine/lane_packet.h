/* The packet lane: departures that are due become messages and leave; what arrives is
 * lane_rx.h's. One a worker. Knows transports and sources by their operations only. */
#ifndef SP_ENGINE_LANE_PACKET_H
#define SP_ENGINE_LANE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/env.h"
#include "core/pacer.h"
#include "engine/asks.h"
#include "engine/echo.h"
#include "engine/guard.h"
#include "engine/hello.h"
#include "engine/marks.h"
#include "engine/reply.h"
#include "engine/schedule.h"
#include "engine/verify.h"
#include "pkt/filter.h"
#include "plugin/source.h"
#include "plugin/stamp.h"
#include "plugin/transport.h"

enum sp_lane_kind { SP_LANE_PACKET, SP_LANE_DIALOGUE, SP_LANE_BULK };

/* One queue of one port, as this worker has it. */
struct sp_lane_port {
	const struct sp_transport_ops *ops;
	struct sp_queue *q;
	struct sp_tcaps caps;
	bool tx, rx;
	struct sp_echo *echo; /* answers to echo requests arrive; NULL: they do not */
	const struct sp_transport_ops *ear_ops; /* by which, and where from, instead of q */
	struct sp_queue *ear;
	struct sp_asks
		*asks; /* what arrives answers units that left here; NULL: nothing does */
	/* Frames: the UDP port numbers that count, 0: anything does; the filter that is run here,
	 * NULL: none; checksums are verified; only what Contrail's tool counts does. */
	uint16_t accept_first, accept_last;
	struct sp_addr accept;	    /* with machines that answer: the address; family 0: any */
	struct sp_replies *replies; /* machines that answer; NULL: none */
	const struct sp_filter *filter;
	bool checksum, contrail;
	uint64_t ignored;	/* frames that were not for us */
	int tx_error, rx_error; /* last hard error, 0 none; read by control */
	uint64_t tx_error_ns;
};

struct run_source;
/* How it receives, and what from. */
static inline const struct sp_transport_ops *sp_lane_rx_ops(const struct sp_lane_port *p)
{
	return p->echo ? p->ear_ops : p->ops;
}

static inline struct sp_queue *sp_lane_rx_queue(const struct sp_lane_port *p)
{
	return p->echo ? p->ear : p->q;
}

/* Of a worker whose only stream's units can be made where they leave. */
struct sp_lane_repeat {
	bool on;
	uint32_t stream, most; /* units at a time */
	uint32_t len;
};

struct sp_lane_source {
	const struct sp_source_ops *ops;
	struct sp_source *source;
	const struct sp_stamp_ops *stamp; /* NULL: none */
	uint32_t tmpl;
	bool varies;		/* units of different sizes are of one batch */
	struct run_source *own; /* what it is made of; control's */
	const uint32_t *ep_of; /* of its sessions: which endpoint each has; NULL: it has none */
};

struct sp_lane_stream {
	uint32_t ep, source;
	uint16_t port;
	bool metered;		      /* outside the own network */
	struct sp_echo_plain *plain;  /* echo requests without a stamp; NULL: it sends none */
	bool asks;		      /* its units are answered, by the port's asks */
	uint8_t lane;		      /* enum sp_lane_kind */
	uint32_t index;		      /* in the other lane, where it is one of another's */
	struct sp_lease *lease;	      /* instead of the small limits there; NULL: none */
	struct sp_schedule *schedule; /* for the departure law's check, may be NULL */
};

/* What ends a receiver, for all workers: units that it still takes (UINT64_MAX: no limit), and the
 * arrival time from which on none counts. Atomic. */
struct sp_rx_limits {
	uint64_t left, until_ns;
};

struct sp_lane {
	const struct sp_env *env;
	struct sp_lane_port *ports;
	unsigned n_ports;
	struct sp_lane_source *sources;
	struct sp_lane_stream *streams;
	uint32_t n_streams;
	struct sp_flow_tx *flow; /* one a stream, same index */
	struct sp_tally_tx *tally;
	struct sp_pacer *pacer;
	bool asks;    /* some of the streams are answered */
	bool plain;   /* some have echo requests without a stamp */
	bool metered; /* one of the streams at least, or leased */
	bool leased;  /* the same for leases */
	struct sp_guard_meter meter;
	/* Takes the departures of streams that are the dialogue lane's. NULL: there are none. */
	void (*divert)(void *arg, uint32_t index, const struct sp_due *, uint64_t now_ns);
	void *divert_arg;
	struct sp_lane_repeat repeat;
	struct sp_hello_ring *hellos;		 /* NULL: nobody would answer */
	struct sp_verifier *verifier;		 /* NULL: this worker receives nothing */
	struct sp_marker *tx_marker, *rx_marker; /* NULL: nobody wants marks of these */
	struct sp_rx_limits *limits;		 /* NULL: none */
	uint64_t received;			 /* units that were counted */
	struct sp_batch tx, rx;
	struct sp_whole *frame; /* what rx was before it was narrowed */
	struct sp_due *due;	/* taken from the pacer, not yet sent: [due_i, due_n) */
	uint32_t due_i, due_n;
	uint32_t tx_from; /* tx.m[tx_from .. tx.n) still waits for the transport */
	uint32_t tx_source;
	uint16_t tx_port;
	uint32_t blocked;   /* consecutive refusals to take anything */
	uint32_t join_from; /* shortest run of messages that may share super-packets */
	uint64_t too_big, other_errors; /* units refused by the transport, by reason */
};

/* Without super-packets a long burst spends its time in the kernel: its stamps would be stale. */
#define SP_LANE_SINGLE_BURST 64u
/* Messages that are filled and stamped together. */
static inline uint32_t sp_lane_burst(const struct sp_tcaps *caps)
{
	return caps->bits & SP_T_SEGMENT || caps->burst < SP_LANE_SINGLE_BURST
		       ? caps->burst
		       : SP_LANE_SINGLE_BURST;
}

/* Scratch memory; the arrays of ports, sources and streams are the caller's. 0 or -ENOMEM. */
int sp_lane_init(struct sp_lane *, const struct sp_env *);
void sp_lane_fini(struct sp_lane *);
/* HOT. Sends what is due at now_ns; returns how many units left. */
uint32_t sp_lane_tx(struct sp_lane *, uint64_t now_ns);
/* Something taken from the pacer waits for the transport. */
static inline bool sp_lane_waiting(const struct sp_lane *l)
{
	return l->tx_from < l->tx.n || l->due_i < l->due_n;
}
/* Gives up what waits: returns how many units; each is counted by give_up(arg, stream). */
void sp_lane_give_up(struct sp_lane *, void (*give_up)(void *arg, uint32_t stream), void *arg);

#endif
