/* The sender's side of control: asks every target for a session, estimates its clock, reads
 * its live totals and, at the end, its counts. Implements the hooks of a run. Control thread
 * only.
 *
 * Without keys only loopback and private targets are ever contacted, in the clear. With them TLS
 * comes first, and public targets can be asked for a lease. A target that refuses, is silent or
 * talks nonsense costs time within the limits and a remark; the run only where a lease is needed
 * or a pairing was asked for. */
#ifndef SP_CTL_CLIENT_H
#define SP_CTL_CLIENT_H

#include <stdint.h>

#include "base/err.h"
#include "core/env.h"
#include "ctl/limits.h"
#include "engine/run.h"
#include "keys/ring.h"

struct sockaddr;
struct sp_ctl_client;

/* What a test may put in place of the default. */
struct sp_ctl_client_conf {
	struct sp_ctl_limits limits;
	const char *name; /* how the receiver's log names us; NULL: the host's name */
	/* NULL: connect(2). */
	int (*connect)(void *arg, int fd, const struct sockaddr *, unsigned len);
	void *connect_arg;
};

/* What a sender with keys does. */
struct sp_ctl_client_secure {
	struct sp_keyring *ring; /* the caller's, with a key; grows by pairing */
	bool always;	  /* own networks too; else only asks that need a lease show a key */
	const char *code; /* pair with the one target that there is; NULL: do not */
};

/* Errors: -ENOMEM; what epoll and timerfd return (descriptors), exit 77. */
int sp_ctl_client_new(struct sp_ctl_client **, const struct sp_env *, struct sp_err *);
int sp_ctl_client_new_conf(struct sp_ctl_client **, const struct sp_ctl_client_conf *,
			   const struct sp_env *, struct sp_err *);
/* Before grant. -EINVAL: the code is none. */
int sp_ctl_client_secure(struct sp_ctl_client *, const struct sp_ctl_client_secure *);
/* Fills grant, lease, keyed, peer_sample, peer_counts and arg. An event member that is there already is
 * called as before, with the arg that was there.
 * - grant blocks for discovery (300 ms where anybody is silent) and the first clock
 *   exchanges (a few ms on a LAN). In virtual time nobody is asked.
 * - peer_counts: the first call tells all receivers that nothing more will come, so that
 *   they drain at once; each call gives ask i's final counts and waits for what the receiver
 *   counted. All calls together end 600 ms after the first. With pc NULL it only gives the
 *   final counts and returns: a caller with many asks goes over all of them twice, and none
 *   waits for another. pc->control_packets is what this side's channel has cost since the
 *   start, grant included. */
void sp_ctl_client_hooks(struct sp_ctl_client *, struct sp_run_hooks *);
/* Readable when step has something to do: between grant and peer_counts it must be called then
 * (live totals, and a clock exchange once a second). Never blocks. */
int sp_ctl_client_fd(const struct sp_ctl_client *);
void sp_ctl_client_step(struct sp_ctl_client *);
/* Why ask i's counts are or will be unknown, one sentence, valid until the next call; NULL:
 * they are known, or nobody listens there for control. */
const char *sp_ctl_client_remark(struct sp_ctl_client *, uint32_t i);
/* How many asks grant was given. */
uint32_t sp_ctl_client_asks(const struct sp_ctl_client *);
/* Control packets so far (own_control, roughly): one for each call that moved bytes, and one a
 * connect. */
uint64_t sp_ctl_client_packets(const struct sp_ctl_client *);
/* Says goodbye to whom it still can. After sp_run_free: the counts live here. */
void sp_ctl_client_free(struct sp_ctl_client *);

#endif
