/* One receiver as its sender's control client sees it. */
#ifndef SP_CTL_CLIENT_PEER_H
#define SP_CTL_CLIENT_PEER_H

#include "ctl/channel.h"
#include "ctl/client_counts.h"
#include "ctl/clock.h"

enum sp_ctl_peer_state {
	SP_CTL_P_IDLE,	  /* not asked */
	SP_CTL_P_FINDING, /* over TCP: where is its control port? */
	SP_CTL_P_CONNECTING,
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
	SP_CTL_W__N
};

struct sp_ctl_peer {
	struct sp_ctl_chan ch;
	enum sp_ctl_peer_state state;
	enum sp_ctl_peer_why why;
	uint32_t events; /* that epoll watches; client.c's */
	struct sp_endpoint to;
	struct sp_endpoint control; /* where its control port is */
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
	uint64_t *tx; /* final counts to be told; tx_at of them are */
	uint32_t tx_at;
	struct sp_ctl_gather gather;
};

struct sp_ctl_peer_ctx {
	const struct sp_env *env;
	struct sp_ctl_host host; /* ours */
	unsigned exchanges;	 /* of the first estimate */
	uint8_t scratch[SP_CTL_OUT_RECORDS * SP_CTL_RECORD];
};

/* The connect has succeeded: says hello. Like all below: 0, or negative when the peer has gone
 * (state and why say it; the owner closes). */
int sp_ctl_peer_greet(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
int sp_ctl_peer_record(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *,
		       const uint8_t *rec);
int sp_ctl_peer_readable(struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
/* Makes and sends what can be sent. */
int sp_ctl_peer_writable(struct sp_ctl_peer *);
/* Starts a clock exchange unless one is under way. */
int sp_ctl_peer_ask_clock(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
/* The first exchanges are over: tells the receiver what came out. */
int sp_ctl_peer_go_live(const struct sp_ctl_peer_ctx *, struct sp_ctl_peer *);
int sp_ctl_peer_stop(struct sp_ctl_peer *);
/* Takes over tx (grant.n counts, from the allocator of env). */
int sp_ctl_peer_final(struct sp_ctl_peer *, uint64_t *tx);
/* Goodbye without an end: the run failed before it had one. */
void sp_ctl_peer_bye(struct sp_ctl_peer *);
/* Time is up for what it should have said. */
void sp_ctl_peer_expire(struct sp_ctl_peer *);
void sp_ctl_peer_fail(struct sp_ctl_peer *, enum sp_ctl_peer_why);
void sp_ctl_peer_fini(struct sp_ctl_peer *, const struct sp_mem *);
/* One sentence into buf, or NULL. */
const char *sp_ctl_peer_remark(const struct sp_ctl_peer *, char *buf, size_t cap);

#endif
