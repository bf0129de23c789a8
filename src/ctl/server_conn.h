/* One connection of the control server: records in, records out. Knows no listener and no
 * epoll; server.c drives it. */
#ifndef SP_CTL_SERVER_CONN_H
#define SP_CTL_SERVER_CONN_H

#include "ctl/channel.h"
#include "ctl/server.h"

/* What all connections of a server share. */
struct sp_ctl_shared {
	const struct sp_ctl_ops *ops;
	void *arg;
	const struct sp_env *env;
	struct sp_ctl_limits limits;
	struct sp_ctl_host host;
	struct sp_ctl_secure secure; /* ring NULL: no keys */
	uint32_t handshakes;	     /* under way */
	bool crowded;		     /* an ask found no room in the run */
	uint64_t pair_until_ns;	     /* 0: nobody can pair (any more) */
	uint8_t pair_secret[SP_PAIR_SECRET];
	uint8_t scratch[SP_CTL_OUT_RECORDS * SP_CTL_RECORD]; /* what one read brings */
};

enum sp_ctl_stage {
	SP_CTL_LIVE,	 /* the sender sends */
	SP_CTL_DRAINING, /* it has stopped; what is under way is still being counted */
	SP_CTL_COUNTING, /* counts go out */
	SP_CTL_TOLD,	 /* they are out: a goodbye is all that is missing */
};

/* Where the counts are that come next. */
struct sp_ctl_cursor {
	enum { SP_CTL_AT_FLOWS, SP_CTL_AT_HISTS, SP_CTL_AT_BUCKETS, SP_CTL_AT_END } at;
	uint32_t flow, hist;
	unsigned which, bucket;
};

/* Allocated when an ask is granted. */
struct sp_ctl_session {
	struct sp_flow_grant grant;
	enum sp_ctl_stage stage;
	uint64_t began_ns, planned_end_ns, sample_at_ns;
	uint64_t *tx; /* final counts so far: n_tx of grant.n */
	uint32_t n_tx;
	uint64_t tx_sum;
	uint64_t drain_end_ns, poll_at_ns, told_by_ns;
	uint64_t rx_unique, rx_bytes;
	unsigned quiet; /* polls without a change */
	struct sp_peer_counts counts;
	bool has_counts;
	struct sp_ctl_cursor cursor;
	uint8_t out[SP_CTL_OUT_RECORDS * SP_CTL_RECORD];
};

/* How much of TLS has been done. */
enum sp_ctl_tls { SP_CTL_CLEAR, SP_CTL_SHAKING, SP_CTL_PAIRING, SP_CTL_KEYED };

struct sp_ctl_conn {
	struct sp_ctl_conn *prev, *next;
	struct sp_ctl_chan ch;
	struct sp_endpoint peer;
	uint64_t cookie;
	uint64_t deadline_ns; /* for the ask to come; SP_NEVER in a session */
	uint64_t heard_ns;    /* when it last said something */
	uint32_t events;      /* that epoll watches; server.c's */
	bool greeted, dead;
	bool bye; /* said goodbye, or was told why not: close when all is sent */
	enum sp_ctl_tls tls;
	bool pairs;	      /* it wants to pair */
	struct sp_tls *shake; /* becomes ch.tls when the handshake is done */
	char who[SP_TRUST_NAME];
	struct sp_ctl_session *session;
	uint8_t small[SP_CTL_RECORD]; /* out buffer until there is a session */
};
_Static_assert(sizeof(struct sp_ctl_conn) <= SP_CTL_CONN_BYTES, "what a stranger may cost");

void sp_ctl_conn_init(struct sp_ctl_conn *, int fd, const struct sp_endpoint *peer,
		      uint64_t cookie, uint64_t deadline_ns);
/* One record of SP_CTL_RECORD bytes; needs room for one in ch. Negative: not a spate peer or
 * not as agreed; the connection is to be closed without a word. */
int sp_ctl_conn_record(struct sp_ctl_shared *, struct sp_ctl_conn *, const uint8_t *rec);
/* Reads and handles what is there, within SP_CTL_TURN. Negative: to be closed. */
int sp_ctl_conn_readable(struct sp_ctl_shared *, struct sp_ctl_conn *);
/* Makes and sends what can be sent, within SP_CTL_TURN. Negative: to be closed. */
int sp_ctl_conn_writable(struct sp_ctl_conn *);
/* Timers: samples, the drain, silence. *next is lowered to when it wants to be called again.
 * Negative: to be closed. */
int sp_ctl_conn_tick(struct sp_ctl_shared *, struct sp_ctl_conn *, uint64_t now_ns,
		     uint64_t *next);
/* Ends the session, if any, and closes. lost: no goodbye was said. */
void sp_ctl_conn_fini(struct sp_ctl_shared *, struct sp_ctl_conn *, bool lost);

/* server_keys.c: the first record was start_tls. Like all below: 0 or negative, to be closed. */
int sp_ctl_conn_start_tls(struct sp_ctl_shared *, struct sp_ctl_conn *,
			  const struct sp_ctl_start_tls *);
/* Goes on with the handshake. 1: done; 0: not yet. */
int sp_ctl_conn_shake(struct sp_ctl_shared *, struct sp_ctl_conn *);
int sp_ctl_conn_pair(struct sp_ctl_shared *, struct sp_ctl_conn *, const struct sp_ctl_pair *);
/* May this one have a session at all? */
bool sp_ctl_conn_welcome(const struct sp_ctl_shared *, const struct sp_ctl_conn *);
void sp_ctl_conn_lease(struct sp_ctl_shared *, struct sp_ctl_conn *,
		       const struct sp_ctl_lease_ask *, uint64_t now_ns);

/* server_counts.c: fills ch's room with the counts that come next; at the end stage is TOLD. */
void sp_ctl_counts_begin(struct sp_ctl_shared *, struct sp_ctl_conn *);
void sp_ctl_counts_put(struct sp_ctl_conn *);

#endif
