/* The bulk lane, sending end: one connection a stream, as many bytes as it takes, or so many a
 * second; its unit is the byte. (The receiving end is engine/sink.h.) One a worker. Each turn
 * sends a quantum, so that departures of the same worker's other streams stay on time. */
#ifndef SP_ENGINE_LANE_BULK_H
#define SP_ENGINE_LANE_BULK_H

#include "core/pacer.h"
#include "engine/conns.h"
#include "engine/errors.h"
#include "engine/guard.h"
#include "plugin/stamp.h"

#define SP_BULK_QUANTUM (256u << 10)

struct sp_bulk_stream {
	/* Set by the caller. */
	unsigned port;
	uint32_t ep;
	uint64_t start_ns, end_ns; /* absolute; end SP_NEVER: none */
	uint64_t bytes;		   /* at most so many; UINT64_MAX */
	double bytes_per_ns;	   /* 0: as many as possible */
	uint32_t granted;	   /* flow id, for the opener; 0: no spate receiver there */
	struct sp_guard_stream guard;
	struct sp_flow_tx *flow;   /* tx_bytes, first_tx, last_tx are counted there */
	struct sp_change *changes; /* to come; those of sp_bulk_change */
	/* The lane's. Read by control: conn_info and error. */
	uint32_t slot;
	uint64_t pace_ns; /* the rate counts from here: start, moved by what is not made up */
	double paced;	  /* of the bytes, what was due until then */
	uint64_t first;	  /* what was sent before this start: the limit counts from there */
	uint64_t linger_ns;
	uint64_t chase_ns; /* catching up: nothing before */
	/* After the last byte: since when, and what the far end has confirmed, last when. */
	uint64_t closing_ns, confirmed, confirmed_ns;
	uint8_t state;
	uint8_t opener_left;
	int error; /* why it ended early, negative errno; 0: it did not */
	struct sp_conn_info info;
	uint64_t opened;	     /* connections */
	uint64_t retransmits, acked; /* of those that are closed */
};

/* After the end, what is under way may arrive for so long. */
#define SP_BULK_GRACE_NS (2 * SP_NS_PER_S)

struct sp_bulk {
	struct sp_conns *conns;
	const struct sp_env *env;
	struct sp_bulk_stream *stream;
	uint32_t n, busy; /* busy: not ended yet */
	struct sp_errors *errors;
	struct sp_guard_meter *meter;
	struct sp_catch_up_conf catch_up;
	bool armed;
	uint8_t *period; /* where a conn cannot blast */
};

size_t sp_bulk_room(void);
int sp_bulk_init(struct sp_bulk *, struct sp_conns *, uint32_t streams);
void sp_bulk_fini(struct sp_bulk *);
/* At T0: every stream waits for its start. -ENOBUFS: more streams than slots. */
int sp_bulk_arm(struct sp_bulk *);
/* Notes what will change at c->at_ns, which is not before what was noted earlier: its pace is of
 * bytes. c is borrowed. 0, or -ENOBUFS: the stream has ended, and no slot is free. */
int sp_bulk_change(struct sp_bulk *, uint32_t stream, struct sp_change *c);
/* No byte at or after at_ns any more. */
void sp_bulk_stop(struct sp_bulk *, uint64_t at_ns);
/* Ends whatever has not ended. */
void sp_bulk_give_up(struct sp_bulk *);
/* HOT enough: once a tick. Asks the kernel about each connection. */
void sp_bulk_sample(struct sp_bulk *);

#endif
