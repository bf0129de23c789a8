/* For tests: batches made by hand against the receiver's numbers. */
#ifndef SP_ENGINE_VERIFY_TESTING_H
#define SP_ENGINE_VERIFY_TESTING_H

#include "base/mem.h"
#include "core/clock.h"
#include "engine/verify.h"

#define ID    (SP_FLOW_OWN_ID + 7)
#define MS    SP_NS_PER_MS
#define START (100 * SP_NS_PER_S)

/* A receiver, and a sender of 1 packet a millisecond whose clock is the receiver's. */
struct rx {
	struct sp_mem_test mem;
	struct sp_flow_table granted;
	struct sp_rx_session session[2];
	struct sp_verifier v;
	const struct sp_stamp_ops *ops;
	uint64_t origin; /* the sender's time at its sequence zero */
	uint32_t zero;
	uint64_t delay;
};

struct packet {
	uint32_t id, seq;
	uint64_t due, late, at; /* times of the sender, of the receiver */
	uint8_t kind, flip;	/* flip: of which byte from the end, 0 none */
	uint32_t len;
};

/* With one flow under control, id 1; end fails the test when something leaked. */
void rx_begin(struct rx *);
void rx_end(struct rx *);
void rx_receive(struct rx *, const struct packet *);
/* Of a sender who is on time; then it can be changed. */
struct packet rx_packet(const struct rx *, uint32_t id, uint32_t seq);
void rx_in_time(struct rx *, uint32_t id, uint32_t seq);
/* seq arrives once more, or late, that much after its time. */
void rx_arrive_late(struct rx *, uint32_t id, uint32_t seq, uint64_t by);
/* from .. to - 1, in time. */
void rx_many(struct rx *, uint32_t id, uint32_t from, uint32_t to);
uint64_t rx_unique(const struct sp_flow_rx *);
/* Of the table's first flow. */
uint64_t rx_lost(const struct sp_flow_table *);

#endif
