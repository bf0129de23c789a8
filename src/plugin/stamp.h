/* In-band sequence formats, and the two per-flow states that they and verify share. */
#ifndef SP_PLUGIN_STAMP_H
#define SP_PLUGIN_STAMP_H

#include <stdint.h>

#include "base/options.h"
#include "core/hist.h"
#include "pkt/batch.h"

/* Sender's state of a flow. One writer, its worker; others read relaxed. */
struct sp_flow_tx {
	uint64_t head;	   /* as the stamp format wants it: magic, kind, flow id */
	uint32_t seq;	   /* of the next unit */
	uint32_t crc_init; /* start value of the check (the payload's CRC with P, else 0) */
	uint64_t tx, tx_bytes;
	uint64_t first_tx, last_tx, last_due;
	uint32_t refused, tally;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct sp_flow_tx) == 64, "one cache line a flow");

/* Receiver's state of a flow. One writer, its worker. Sequence window of 1,024. */
#define SP_RX_WINDOW 1024u
struct sp_flow_rx {
	uint32_t tag;	  /* whose this is: set last and cleared first, atomic; 0 nobody's */
	uint16_t session; /* index of the control session */
	uint8_t tally;	  /* index of histograms; atomic */
	uint8_t timed;	  /* 1: newest_due, newest_rx and transit hold something */
	uint64_t next;	  /* highest sequence seen + 1, unwrapped to 64 bits */
	uint64_t rx, rx_bytes; /* everything */
	uint64_t duplicates, reordered, corrupted;
	uint64_t gaps;	  /* loss bursts as first seen: jumps of next */
	uint64_t last_rx; /* of everything */
	/* Of the newest by sequence, what it was due at and when it arrived; of the last unique
	 * one, how long it took from its actual departure, by the two clocks as they are. */
	uint64_t newest_due, newest_rx, transit;
	uint64_t jitter16;			 /* RFC 3550 jitter in ns, times 16 */
	int64_t delay_min, delay_max, delay_sum; /* of unique ones */
	uint64_t win[SP_RX_WINDOW / 64];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct sp_flow_rx) == 256, "four cache lines a flow");

enum sp_stamp_kind {
	SP_STAMP_REPLY = 8,   /* R: a responder flipped it */
	SP_STAMP_VARIES = 4,  /* V: the source address varies, key by flow alone */
	SP_STAMP_PAYLOAD = 2, /* P: the check covers the payload before the stamp too */
	SP_STAMP_LAST = 1,    /* E: last unit of the flow */
};

struct sp_stamp {
	uint64_t due_lo; /* intended departure, low 40 bits; formats without time: UINT64_MAX */
	uint32_t flow, seq;
	uint64_t late_ns; /* actual - intended */
	uint8_t kind;	  /* enum sp_stamp_kind bits */
	uint8_t seq_bits; /* 32, or 24 for the short form */
};

enum sp_stamp_check {
	SP_STAMP_NONE = 0, /* no stamp here */
	SP_STAMP_GOOD = 1,
	SP_STAMP_BAD = -1, /* magic right, check wrong */
};

struct sp_stamp_ops {
	SP_PLUGIN_HEAD;
	uint8_t len; /* bytes at the end of the L4 payload */
	bool has_time;
	/* The head of a flow: id is 24 bits. */
	uint64_t (*head)(uint32_t flow_id, uint8_t kind);
	uint64_t last; /* what to set in the head for the flow's last unit (SP_STAMP_LAST) */
	/* HOT. For m[from .. n): writes len bytes at m.data + m.stamp_off, with base[m.flow]'s head
	 * and seq (incremented), m.t_ns as intended and now_ns as actual departure. */
	void (*put)(const struct sp_batch *, uint32_t from, struct sp_flow_tx *base,
		    uint64_t now_ns);
	/* HOT. For m[0 .. n) with stamp_off != SP_NO_STAMP: out[i] and check[i]. init[i] is not
	 * needed: payload-covering checks recompute from m.data + payload_off. */
	void (*get)(const struct sp_batch *, uint32_t payload_off, struct sp_stamp *out,
		    int8_t *check);
	/* The end of payload covered by P: CRC start value for data[0 .. len). */
	uint32_t (*cover)(const uint8_t *data, uint32_t len);
};

/* The full 40-bit time nearest to ref_ns. */
static inline uint64_t sp_unwrap40(uint64_t lo, uint64_t ref_ns)
{
	int64_t d = (int64_t)((lo - ref_ns) << 24) >> 24;

	return ref_ns + (uint64_t)d;
}

#endif
