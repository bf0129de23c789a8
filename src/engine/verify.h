/* Which flow a received message belongs to, and what its stamp says.
 *
 * Ids on the wire: 1 .. 0x7fffff were granted by a control session and lead to a place in one table
 * that all workers share (each flow is written by one worker, the first to see it: transports give
 * all that is from one source to one worker);
 * 0x800000 .. are the sender's own choice and are looked up by (source endpoint, id) in the
 * worker's own table, as are ids that nobody was granted. Both tables are pre-sized, nothing is
 * allocated here.
 *
 * A place is used again: the control thread clears its tag, waits until no worker uses what it
 * found before, counts the flow elsewhere and clears the place. Granted ids go on rising meanwhile,
 * so that a late unit of the old owner does not count for the new one. */
#ifndef SP_ENGINE_VERIFY_H
#define SP_ENGINE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/mem.h"
#include "core/hist.h"
#include "engine/tuple.h"
#include "pkt/batch.h"
#include "plugin/stamp.h"

/* In place of a transport's index, which is below what that has room for. */
#define SP_EP_CLAIMED	(UINT32_MAX - 1)
#define SP_FLOW_OWN_ID	0x800000u /* ids from here on are the sender's own choice */
/* Tags of places: an id that was granted or is the sender's own choice; an id below
 * SP_FLOW_OWN_ID that was not granted to who uses it. */
#define SP_FLOW_LIVE	0x80000000u
#define SP_FLOW_FOREIGN 0x40000000u

/* Histograms that several flows share. One writer: a worker. */
struct sp_tally_rx {
	struct sp_hist delay, delay_actual, gap_error;
};
/* Index 0 is shared by whatever has none of its own. */
#define SP_TALLY_GRANTED 64u /* 1 .. 64: flows of control sessions */
#define SP_TALLY_OWN	 64u /* 65 .. 128: flows without */
#define SP_TALLIES	 (1 + SP_TALLY_GRANTED + SP_TALLY_OWN)
_Static_assert(SP_TALLIES <= UINT8_MAX, "index of a tally");

/* A sender as a control session knows it; index 0 stands for all without one. Written by the
 * control thread, read by workers. */
struct sp_rx_session {
	int64_t offset_ns; /* add to the sender's clock to get ours */
	uint64_t error_ns;
	bool clock_known;
};

/* What one unit of a received flow is. */
enum sp_flow_unit {
	SP_UNIT_DATAGRAM,
	SP_UNIT_MESSAGE,
	SP_UNIT_CONNECTION,
	SP_UNIT_REQUEST,
	SP_UNIT_BYTE
};

/* Cold side of a received flow. */
struct sp_flow_meta {
	uint64_t start;	    /* what the sender's sequence 0 is, on the scale of next */
	uint64_t base;	    /* lowest sequence that was expected or seen */
	uint64_t first_rx;  /* arrival of the first of everything */
	uint64_t too_old;   /* arrived 1,024 or more behind the newest */
	uint64_t negative;  /* delays below zero */
	uint64_t outage_ns; /* longest time without an arrival in which something was missed */
	uint64_t restarts;  /* its sender began again at sequence 0 without telling us so */
	uint32_t id;	    /* on the wire; SP_NO_FLOW: not stamped */
	uint32_t hash;	    /* of an own flow's key */
	uint32_t ep, queue; /* its source, as this queue numbers it; SP_NO_FLOW not yet; the
			     * number of endpoints: one for which there was no room */
	uint32_t owner;	    /* 1 + the worker that writes it; 0 none yet. Atomic */
	bool stamped, has_time;
	uint8_t unit;	     /* enum sp_flow_unit */
	struct sp_addr from; /* over connections: whose flow it is; family 0: nobody's yet */
	bool listed;	     /* the control thread's: it is in the report */
	bool parted;	     /* before a restart a beginning or an end was not seen */
	uint64_t last; /* next, as it was behind the unit that said it was the flow's last */
	uint64_t csum_bad; /* damaged by a checksum outside the stamp */
	uint64_t zero_due; /* low 40 bits of sequence 0's due time; UINT64_MAX not seen */
	/* Messages that look like a new beginning: n in a row while next stood still, the
	 * sequence that is to follow, and the counts before them. */
	struct sp_flow_again {
		uint64_t next, base, reordered, duplicates, too_old, due;
		uint32_t n, seq;
	} again;
};
/* How many units the sender of a flow says that it sent, by its last one; false: not known. */
bool sp_flow_told(const struct sp_flow_rx *, const struct sp_flow_meta *, uint64_t *tx);

struct sp_flow_table {
	uint32_t busy;		 /* atomic: a sink that shares the table with others' writes */
	uint32_t cap;		 /* so many flows at a time */
	uint32_t used;		 /* places from here on were never used. Atomic */
	uint32_t mask, first_id; /* of granted ones: where an id has its place */
	struct sp_flow_rx *rx;
	struct sp_sketch *sketch; /* delay where the clock is known, else gap error */
	struct sp_flow_meta *meta;
};
/* Room for cap flows, in mask + 1 places. */
int sp_flow_table_init(struct sp_flow_table *, const struct sp_mem *, uint32_t cap);
void sp_flow_table_fini(struct sp_flow_table *, const struct sp_mem *);
/* The place of an id that was or could be granted. */
static inline uint32_t sp_flow_place(const struct sp_flow_table *t, uint32_t id)
{
	return (id - t->first_id) & t->mask;
}
/* Any thread: is place i somebody's? What it holds can then be read. */
static inline bool sp_flow_live(const struct sp_flow_table *t, uint32_t i)
{
	return __atomic_load_n(&t->rx[i].tag, __ATOMIC_ACQUIRE) != 0;
}
/* Control thread: gives an id, whose place is nobody's, to a session. */
void sp_flow_grant(struct sp_flow_table *, uint32_t id, uint16_t session, uint8_t tally);
/* Control thread: makes place i nobody's, so that no burst finds it any more that begins from
 * then on; undoes that. granted: the table is the granted ones'. */
void sp_flow_withdraw(struct sp_flow_table *, uint32_t i);
void sp_flow_give_back(struct sp_flow_table *, uint32_t i, bool granted);

/* One worker's view. */
struct sp_verifier {
	const struct sp_mem *mem;
	struct sp_flow_table *granted; /* shared, may be NULL */
	uint32_t n_granted;	       /* its places */
	struct sp_flow_table own;
	struct sp_rx_session *session; /* shared, indexed by sp_flow_rx.session */
	struct sp_tally_rx *tally;     /* SP_TALLIES, this worker's */
	uint32_t own_tallies;	       /* how many of 65 .. 128 are taken */
	struct sp_tuple *tuple;	   /* own flows', of frames; NULL: there are only datagrams */
	uint32_t *hash, hash_mask; /* of own: index + 1 */
	uint32_t freed;		   /* index + 1 of own places to be used again, see below */
	uint32_t spare;		   /* the same, taken over by the worker */
	uint64_t key[2];	   /* of the hash: nobody outside can choose who collides */
	/* Last good flow (index + 1) of each queue's endpoints, and of all for which the queue's
	 * transport had no room: those count as one more endpoint, ep_cap. */
	uint32_t *ep_flow, ep_cap;
	uint32_t *ep_held; /* in the same order: how many flows are theirs. Atomic */
	const struct sp_stamp_ops *native, *shorter;
	uint32_t worker;		     /* whose this is; set after init */
	uint64_t untracked, untracked_bytes; /* no room in a table */
	uint64_t nameless;	/* of all: the transport had no room for their source */
	struct sp_stamp *stamp; /* scratch, SP_BATCH_MAX */
	int8_t *check;
};

int sp_verifier_init(struct sp_verifier *, const struct sp_mem *, struct sp_flow_table *granted,
		     struct sp_rx_session *, const struct sp_stamp_ops *native,
		     const struct sp_stamp_ops *shorter, uint32_t max_flows,
		     uint32_t max_endpoints, uint32_t queues);
void sp_verifier_fini(struct sp_verifier *);
/* Frames will come, too: without a stamp their 5-tuple is the flow. 0 or -1. */
int sp_verifier_frames(struct sp_verifier *);
/* How many flows are whose, by the index that the transport gave a queue's endpoint. Atomic. */
static inline const uint32_t *sp_verifier_held(const struct sp_verifier *v, uint32_t queue)
{
	return &v->ep_held[(size_t)queue * (v->ep_cap + 1)];
}
/* Control thread, when no worker uses place i any more, which was withdrawn from the granted
 * (own false) or the verifier's own flows: clears it. An own one is its worker's to use again. */
void sp_verifier_clear(struct sp_verifier *, bool own, uint32_t i);
/* Over connections nobody but who opened one knows whose bytes come. Both give what is to be counted
 * into for this turn of the worker, and are asked again in the next: places are used again.
 *
 * The flow of a granted id that a connection from this address (port numbers do not matter) says
 * that it carries; the first one says what its units are. False: it is not this one's. */
bool sp_verifier_claim(struct sp_verifier *, uint32_t id, uint32_t queue, uint8_t unit,
		       const struct sp_addr *from, struct sp_flow_rx **,
		       struct sp_flow_meta **);
/* HOT. The same flow later on. False: it was taken away. */
bool sp_verifier_granted(const struct sp_verifier *, uint32_t id, struct sp_flow_rx **,
			 struct sp_flow_meta **);
/* What a message was before it was narrowed to its payload. */
struct sp_whole {
	const uint8_t *data;
	uint32_t len;
};
/* HOT. Matches and verifies a burst of one queue: finds stamps at the end of each message, counts.
 * What comes by a connection that has claimed a flow has that flow's id in flow and SP_EP_CLAIMED in
 * ep.
 * data and len are the L4 payload's (of frames too: the lane has narrowed them); stamp_off is, on
 * entry, how many bytes around the payload count as received with it. frame: the frames, in the
 * batch's order; NULL: they are datagrams. */
void sp_verify_burst(struct sp_verifier *, struct sp_batch *, uint32_t queue,
		     const struct sp_whole *frame);

/* Cold. The flow of whatever has no stamp and comes from ep, made when there is room. False: there
 * is none (counted by the caller as untracked). The pointers are good during the worker's turn. */
bool sp_verifier_plain(struct sp_verifier *, uint32_t queue, uint32_t ep, struct sp_flow_rx **,
		       struct sp_flow_meta **);

/* Sender's side of the same: what was taken by the transport. */
struct sp_tally_tx {
	struct sp_hist late, gap_error;
};
/* HOT. Accounts m[from .. from+n) as departed at now_ns. */
void sp_account_tx(struct sp_flow_tx *base, struct sp_tally_tx *, const struct sp_batch *,
		   uint32_t from, uint32_t n, uint64_t now_ns);

#endif
