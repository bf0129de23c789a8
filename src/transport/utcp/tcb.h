/* One end of a TCP connection, as a machine: segments, bytes and time go in, segments, bytes and
 * wishes come out (RFC 9293; timers by RFC 6298, congestion by RFC 5681). A client's: it opens, and
 * nobody opens to it. Without I/O, clock or allocation; HOT throughout.
 *
 * After every call but read-only ones: ask for segments (sp_tcb_output) until there are none. Then
 * timer_ns says when sp_tcb_tick is due. What is new to the reader or writer is in events, which he
 * clears. */
#ifndef SP_TRANSPORT_UTCP_TCB_H
#define SP_TRANSPORT_UTCP_TCB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "pkt/tcpseg.h"

#define SP_TCB_GAPS 4u /* pieces behind a gap that are kept; more are dropped, and come again */

enum sp_tcb_state {
	SP_TCB_CLOSED, /* never opened, over, or failed: error says */
	SP_TCB_SYN_SENT,
	SP_TCB_OPEN,	  /* bytes go both ways, until either side has finished */
	SP_TCB_TIME_WAIT, /* both have; a moment longer, to confirm the far end's last word again */
};

enum sp_tcb_event {
	SP_TCB_IN = 1u << 0,
	SP_TCB_OUT = 1u << 1,
	SP_TCB_END = 1u << 2,
};

struct sp_tcb_ring {
	uint8_t *at;
	uint32_t cap; /* a power of two */
};

struct sp_tcb_piece {
	uint32_t from, to; /* sequence numbers */
};

struct sp_tcb {
	enum sp_tcb_state state;
	int error; /* negative errno, of one that failed */
	uint32_t events;
	uint16_t sport, dport;
	uint16_t mss, own_mss; /* largest payload that we send; that we take */
	/* What we send: [una, una + n_snd) are in the ring, our FIN behind them. */
	struct sp_tcb_ring snd;
	uint32_t una, nxt,
		max; /* unconfirmed from; next to send; behind the highest ever sent */
	uint32_t snd_at, n_snd;	   /* place of una in the ring, bytes */
	uint32_t wnd, wl1, wl2;	   /* the far end's window, and which segment said so */
	bool fin_wanted, fin_done; /* done: confirmed, too */
	bool full;		   /* a write found no room */
	bool resend;		   /* the segment at una, once */
	bool reset;		   /* a RST is to be sent */
	bool probe;		   /* the window is shut: one byte all the same */
	/* What we receive: [rcv_nxt - n_rcv, rcv_nxt) wait for the reader. */
	struct sp_tcb_ring rcv;
	uint32_t rcv_nxt, rcv_at, n_rcv; /* rcv_at: place of the reader's next byte */
	uint32_t rcv_edge;		 /* end of the window that was last told */
	struct sp_tcb_piece piece[SP_TCB_GAPS];
	uint32_t n_pieces;
	uint32_t fin_seq;
	bool fin_seen, got_fin; /* a FIN came, perhaps ahead of what is before it; all came */
	uint32_t acks;		/* that are due */
	/* congestion */
	uint32_t cwnd, ssthresh, dup_acks, recover;
	bool recovering;
	/* time */
	uint64_t timer_ns; /* UINT64_MAX: none */
	uint64_t rto_ns, srtt_ns, rttvar_ns, min_rtt_ns;
	uint64_t timed_ns;  /* when the segment that is being timed left; 0: none is */
	uint32_t timed_seq; /* its end */
	unsigned tries;	    /* of the timer, in a row */
	uint64_t retransmits, acked_bytes;
};

struct sp_tcb_conf {
	uint16_t sport, dport;
	uint16_t mss; /* that the path takes, in both directions */
	uint32_t iss; /* drawn at random */
	struct sp_tcb_ring snd, rcv;
};

/* Begins to open. */
void sp_tcb_connect(struct sp_tcb *, const struct sp_tcb_conf *);
/* A segment of this connection came, whole and with a good checksum. */
void sp_tcb_input(struct sp_tcb *, const struct sp_tcp_seg *, uint64_t now_ns);
/* The next segment to send, its payload copied to data (room for mss bytes). False: none now. One that
 * is lost on its way out is as one lost on the way. */
bool sp_tcb_output(struct sp_tcb *, uint64_t now_ns, struct sp_tcp_seg *, uint8_t *data);
/* At or after timer_ns. */
void sp_tcb_tick(struct sp_tcb *, uint64_t now_ns);
/* As of plugin/conn.h. */
ssize_t sp_tcb_read(struct sp_tcb *, void *, size_t);
ssize_t sp_tcb_write(struct sp_tcb *, const struct iovec *, int);
/* Nothing more will be written. */
void sp_tcb_finish(struct sp_tcb *);
/* At once, by RST where somebody is to be told. */
void sp_tcb_abort(struct sp_tcb *);

#endif
