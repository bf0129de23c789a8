/* The records of a control session: SP_CTL_RECORD bytes each, big-endian, one size for all
 * types. Pure: no I/O, no allocation.
 *
 *   0       4         5      6         8              16
 *   [magic 4][version 1][type 1][zero 2][cookie 8     ][body 192, rest zero]
 *
 * The session: hello, welcome (gives the cookie that every later record carries), ask, grant,
 * clock exchanges; samples and more clock exchanges during the run; stop, final (the sender's
 * counts), counts, flows, histograms, done; bye. A record names no path, command or address.
 *
 * With keys the client's first record is start_tls, in the clear; TLS 1.3 follows, and inside it
 * the same session. Two that pair exchange a pair record each before the hello. A lease is asked
 * for after the grant and again at half of its time. */
#ifndef SP_CTL_MESSAGES_H
#define SP_CTL_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hist.h"
#include "ctl/clock.h"
#include "ctl/limits.h"
#include "engine/run.h"
#include "keys/pair.h"

#define SP_CTL_MAGIC   SP_CONTROL_MAGIC
#define SP_CTL_VERSION 1u
#define SP_CTL_NAME    64u
#define SP_CTL_TXS     23u /* counts in one final record */
#define SP_CTL_PAIRS   18u /* buckets in one record of them */

enum sp_ctl_type {
	SP_CTL_HELLO = 1,   /* client: who am I (host), a nonce as cookie */
	SP_CTL_WELCOME,	    /* server: its host; the nonce back; from here on its cookie */
	SP_CTL_ASK,	    /* client: room for n flows */
	SP_CTL_GRANT,	    /* server: their ids, or why not */
	SP_CTL_CLOCK_ASK,   /* client: t1 */
	SP_CTL_CLOCK_REPLY, /* server: t1 t2 t3 */
	SP_CTL_CLOCK_SET,   /* client: what it makes of them */
	SP_CTL_SAMPLE,	    /* server, once a second: the session's totals */
	SP_CTL_STOP,	    /* client: nothing more will be sent; the drain may begin */
	SP_CTL_FINAL,	    /* client: SP_CTL_TXS final counts, in order */
	SP_CTL_COUNTS,	    /* server: facts of its socket; opens the counts */
	SP_CTL_FLOW,	    /* server: one flow, in order */
	SP_CTL_HIST,	    /* server: head of a histogram that is not empty */
	SP_CTL_BUCKETS,	    /* server: SP_CTL_PAIRS of its buckets that are not 0 */
	SP_CTL_DONE,	    /* server: that was all */
	SP_CTL_BYE,	    /* client: goodbye */
	SP_CTL_START_TLS,   /* client, before anything else: its key; TLS comes next */
	SP_CTL_PAIR,	    /* both: proof that it knows the code */
	SP_CTL_LEASE_ASK,   /* client: may I send so much? */
	SP_CTL_LEASE,	    /* server: so much and so long */
	SP_CTL_TYPE__N
};

enum sp_ctl_why { SP_CTL_GRANTED, SP_CTL_FULL, SP_CTL_REFUSED };

struct sp_ctl_hello {
	struct sp_ctl_host host;
	uint64_t nonce; /* WELCOME: the hello's cookie */
};
struct sp_ctl_ask {
	uint32_t n_flows;
	uint64_t planned_ns, max_packets;
	char name[SP_CTL_NAME]; /* terminated */
};
struct sp_ctl_grant {
	uint32_t why; /* enum sp_ctl_why; not GRANTED: the rest is 0 */
	uint32_t session, base, n;
	bool tally_each;
};
struct sp_ctl_clock {
	uint32_t seq;
	uint64_t t1, t2, t3; /* t1: the client's clock; t2, t3: the server's */
};
struct sp_ctl_clock_set {
	bool known;
	int64_t offset_ns;
	uint64_t error_ns;
};
struct sp_ctl_sample {
	uint64_t rx_unique, rx_bytes;
};
struct sp_ctl_final {
	uint32_t first, n; /* n: 1 .. SP_CTL_TXS */
	uint64_t tx[SP_CTL_TXS];
};
struct sp_ctl_counts {
	uint32_t n_flows, n_hists, max_seg;
	uint64_t dropped_units, rx_units, control_packets;
	bool dropped_known, exclusive, rx_clock_kernel;
};
struct sp_ctl_flow {
	uint32_t index;
	struct sp_peer_flow f;
};
enum sp_ctl_which { SP_CTL_DELAY, SP_CTL_DELAY_ACTUAL, SP_CTL_GAP_ERROR, SP_CTL_WHICH__N };
struct sp_ctl_hist {
	uint32_t index;
	uint8_t which; /* enum sp_ctl_which */
	uint64_t n, negative;
	int64_t min, max;
	__int128 sum;
};
struct sp_ctl_buckets {
	uint32_t index;
	uint8_t which, n;	       /* n: 1 .. SP_CTL_PAIRS */
	uint16_t bucket[SP_CTL_PAIRS]; /* below SP_HIST_BUCKETS, rising */
	uint64_t count[SP_CTL_PAIRS];
};

struct sp_ctl_start_tls {
	bool pair; /* the keys do not know each other yet: a code is to be proven */
	struct sp_pubkey key;
};
struct sp_ctl_pair {
	uint8_t proof[SP_PAIR_PROOF];
	char name[SP_CTL_NAME]; /* what it calls itself; terminated */
};
enum sp_ctl_lease_why { SP_CTL_LEASE_GIVEN, SP_CTL_LEASE_NO_KEY, SP_CTL_LEASE_NONE };
struct sp_ctl_lease_ask {
	uint32_t seq;
	uint64_t packets; /* in all since the session began, by the end of the term */
	uint64_t term_ns;
};
struct sp_ctl_lease {
	uint32_t seq, why;	   /* why: enum sp_ctl_lease_why; not GIVEN: the rest is 0 */
	uint64_t packets, term_ns; /* at most what was asked */
};

struct sp_ctl_msg {
	enum sp_ctl_type type;
	uint64_t cookie;
	union {
		struct sp_ctl_hello hello;
		struct sp_ctl_ask ask;
		struct sp_ctl_grant grant;
		struct sp_ctl_clock clock;
		struct sp_ctl_clock_set clock_set;
		struct sp_ctl_sample sample;
		struct sp_ctl_final final;
		struct sp_ctl_counts counts;
		struct sp_ctl_flow flow;
		struct sp_ctl_hist hist;
		struct sp_ctl_buckets buckets;
		struct sp_ctl_start_tls start_tls;
		struct sp_ctl_pair pair;
		struct sp_ctl_lease_ask lease_ask;
		struct sp_ctl_lease lease;
	};
};

/* Writes one record of SP_CTL_RECORD bytes; every byte of it is set. */
void sp_ctl_encode(const struct sp_ctl_msg *, uint8_t *out);
/* Reads one record of SP_CTL_RECORD bytes. 0; -EPROTONOSUPPORT: ours, of another version (then
 * nothing but that is known); -EBADMSG: anything else that encode would not have written. */
int sp_ctl_decode(const uint8_t *in, struct sp_ctl_msg *);

#endif
