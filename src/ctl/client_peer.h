/* One receiver as its sender's control client sees it. */
#ifndef SP_CTL_CLIENT_PEER_H
#define SP_CTL_CLIENT_PEER_H

#include "ctl/channel.h"
#include "ctl/client.h"
#include "ctl/client_counts.h"
#include "ctl/clock.h"

enum sp_ctl_peer_state {
	SP_CTL_P_IDLE,	  /* not asked */
	SP_CTL_P_FINDING, /* over TCP: where is its control port? */
	SP_CTL_P_CONNECTING,
	SP_CTL_P_SHAKING,  /* TLS */
	SP_CTL_P_PAIRING,  /* our proof is out */
	SP_CTL_P_GREETING, /* hello is out */
	SP_CTL_P_ASKING,   /* ask is out */
	SP_CTL_P_CLOCK,	   /* first clock exchanges */
	SP_CTL_P_LIVE,
	SP_CTL_P_ENDING, /* final counts are out or on their way */
	SP_CTL_P_DONE,	 /* its counts are here */
	SP_CTL_P_GONE,
};

/* Why it is gone, or was never there. */
enum sp_ctl_peer_why {
	SP_CTL_W_NOBODY,  /* nobody there, or not to be asked: no remark */
	SP_CTL_W_FOREIGN, /* speaks, but not this */
	SP_CTL_W_HALF,	  /* broke off in the middle of its answer */
	SP_CTL_W_SILENT,  /* accepts and says nothing */
	SP_CTL_W_CLOSED,  /* accepts and closes */
	SP_CTL_W_VERSION,
	SP_CTL_W_FULL,
	SP_CTL_W_LOST,	    /* closed during the run */
	SP_CTL_W_GARBLED,   /* nonsense during the run */
	SP_CTL_W_NO_COUNTS, /* did not tell in time */
	SP_CTL_W_LOCAL,	    /* no descriptor or memory on this side */
	SP_CTL_W_STRANGER,  /* it does not know our key, or wants none */
	SP_CTL_W_UNTRUSTED, /* its key is not one of ours */
	SP_CTL_W_CODE,	    /* the pairing code is not right, there or here */
	SP_CTL_W_STORE,	    /* paired, but its key could not be kept here */
	SP_CTL_W__N
};

/* The lease of a peer. */
struct sp_ctl_peer_lease {
	bool wanted, asked, given; /* asked: an answer is awaited */
	uint32_t refused;	   /* enum sp_ctl_lease_why of the last answer */
	uint32_t seq;
	uint64_t pps, began_ns, asked_ns;
	uint64_t packets, until_ns, term_ns; /* when given */
};

struct sp_ctl_peer {
	struct sp_ctl_chan ch;
	enum sp_ctl_peer_state state;
	enum sp_ctl_peer_why why;
	uint32_t events; /* that epoll watches; client.c's */
	struct sp_endpoint to;
	struct sp_endpoint control; /* where its control port is */
	bool moved;		    /* it has told us so itself */
	struct sp_ctl_ask ask;
	struct sp_ctl_grant grant;
	struct sp_ctl_host host; /* its */
	uint64_t cookie;	 /* the nonce until it gave one */
	struct sp_ctl_estimate clock;
	unsigned exchanges; /* answered */
	bool clock_asked;   /* one is under way */
	uint32_t clock_seq;
	uint64_t clock_t1;
	bool sampled;
	bool fresh; /* the sample came since it was last asked for */
	struct sp_ctl_sample sample;
	bool keyed;	      /* TLS first */
	struct sp_tls *shake; /* becomes ch.tls when the handshake is done */
	struct sp_ctl_peer_lease lease;
	uint64_t *tx; /* final counts to be told; tx_at of them are */
	uint32_t tx_at;
	struct sp_ctl_gather gather;
};

struct sp_ctl_peer_ctx {
	const struct sp_env *env;
	struct sp_ctl_host host;	    /* ours */
	unsigned exchanges;		    /* of the first estimate */
	struct sp_ctl_client_secure secure; /* ring NULL: no keys */
	uint8_t pair_secret[SP_PAIR_SECRET];
	uint64_t lease_ns; /* the term that is asked for */
	uint8_t scratch[SP_CTL_OUT_RECORDS * SP_CTL_RECORD];
};

/* The connect has succeeded: says hello, or begins TLS. Like all below: 0, or negative when the peer has gone
 * (state and why say it; the owner closes). */
int sp_ctl_peer_begin(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
int sp_ctl_peer_greet(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
/* client_keys.c: TLS begins; it goes on, and a hello or a proof follows it; the other's proof. */
int sp_ctl_peer_start_tls(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
int sp_ctl_peer_shake(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
int sp_ctl_peer_on_pair(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *,
			const struct sp_ctl_msg *);
/* Asks for the lease when it is time to. */
int sp_ctl_peer_ask_lease(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
int sp_ctl_peer_on_lease(struct sp_ctl_peer *, const struct sp_ctl_lease *);
/* Why there is no lease, or no pairing: a phrase that continues "the receiver at X ...". */
const char *sp_ctl_peer_no_lease(const struct sp_ctl_peer *);
int sp_ctl_peer_record(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *,
		       const uint8_t *rec);
int sp_ctl_peer_readable(struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
/* Makes and sends what can be sent. */
int sp_ctl_peer_writable(struct sp_ctl_peer *);
/* Starts a clock exchange unless one is under way. */
int sp_ctl_peer_ask_clock(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
/* The first exchanges are over: tells the receiver what came out. */
int sp_ctl_peer_go_live(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
/* Puts a record and sends it, unless the peer does not read: then it is left out. */
int sp_ctl_peer_say(struct sp_ctl_peer *, struct sp_ctl_msg *);
int sp_ctl_peer_stop(struct sp_ctl_peer *);
/* Takes over tx (grant.n counts, from the allocator of env). */
int sp_ctl_peer_final(struct sp_ctl_peer *, uint64_t *tx);
/* Goodbye without an end: the run failed before it had one. */
void sp_ctl_peer_bye(struct sp_ctl_peer *);
/* Time is up for what it should have said. */
void sp_ctl_peer_expire(struct sp_ctl_peer *);
void sp_ctl_peer_fail(struct sp_ctl_peer *, enum sp_ctl_peer_why);
void sp_ctl_peer_fini(struct sp_ctl_peer *, const struct sp_mem *);
/* What happened, as a phrase that continues "the receiver at X ...". */
const char *sp_ctl_peer_phrase(enum sp_ctl_peer_why);
/* One sentence into buf, or NULL. */
const char *sp_ctl_peer_remark(const struct sp_ctl_peer *, char *buf, size_t cap);

#endif
