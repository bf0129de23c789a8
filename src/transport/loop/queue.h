/* A loop port and its queues, shared by the cold and the hot half. */
#ifndef SP_TRANSPORT_LOOP_QUEUE_H
#define SP_TRANSPORT_LOOP_QUEUE_H

#include "base/rng.h"
#include "pkt/endpoints.h"
#include "pkt/slot_bank.h"
#include "plugin/tstats.h"
#include "transport/loop/flight.h"
#include "transport/loop/loop.h"

/* What a stage asks for each message that reaches it. */
struct sp_loop_stage {
	double ratio;
	uint64_t every, seen;
	struct sp_rng rng; /* its own, so that one setting does not move another's hits */
};

/* A message that waits to be passed by others of its flow. */
struct sp_loop_held {
	struct sp_flight_rec *rec; /* rec->t_ns: until when at the latest */
	uint32_t flow, wait;
	bool passed;
};
#define SP_LOOP_HELD 1024u

struct sp_queue {
	struct sp_port *port;
	const struct sp_clock *clock;
	bool plain; /* nothing is done to messages: they are there at once */
	bool rx;
	struct sp_flight flight;
	struct sp_slot_bank slots;
	struct sp_endpoints targets;
	struct sp_tstats stats __attribute__((aligned(64)));
	struct sp_loop_stage loss, corrupt, duplicate, reorder;
	struct sp_rng bit_rng, jitter_rng;
	uint64_t last_ns; /* newest arrival: jitter does not reorder */
	struct sp_loop_held *held;
	uint32_t n_held;
	struct sp_loop_truth truth;
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	char name[64];
	struct sp_loop_conf conf;
	struct sp_endpoint local;
	uint16_t port_last;
	bool rx;
	uint32_t max_endpoints;
	unsigned workers;
	struct sp_queue **queue; /* workers of them, NULL until asked for */
};

/* The hot operations, path.c. */
uint32_t sp_loop_tx_slots(struct sp_queue *, struct sp_batch *, uint32_t n, uint32_t len,
			  uint32_t tmpl);
int sp_loop_tx_burst(struct sp_queue *, struct sp_batch *, uint32_t from, bool join);
int sp_loop_rx_burst(struct sp_queue *, struct sp_batch *);
void sp_loop_rx_release(struct sp_queue *, struct sp_batch *);
uint64_t sp_loop_next_ns(const struct sp_queue *);

#define SP_LOOP_MAX_LEN 65507u

#endif
