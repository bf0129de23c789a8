/* The receiver's side of control: a TCP listener on the number of each UDP port that the run
 * receives on, serving counts-only sessions to loopback and private peers, and counts and leases
 * to whoever shows a key that is trusted. Control thread only; nothing here blocks. */
#ifndef SP_CTL_SERVER_H
#define SP_CTL_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/env.h"
#include "ctl/limits.h"
#include "engine/hello.h"
#include "engine/run.h"
#include "keys/ring.h"

struct sp_ctl_server;

/* What the server wants of a run: the receiver's calls of engine/run.h with the run as arg.
 * Tests give their own. */
struct sp_ctl_ops {
	int (*listening)(void *arg, unsigned i, struct sp_endpoint *, const char **transport);
	int (*grant_flows)(void *arg, const struct sp_endpoint *peer, const char *name,
			   uint32_t n, struct sp_flow_grant *);
	/* Which address of ours the sender asked: it sends to that one. May be NULL. */
	void (*session_local)(void *arg, uint32_t session, const struct sp_endpoint *local);
	void (*session_clock)(void *arg, uint32_t session, bool known, int64_t offset_ns,
			      uint64_t error_ns);
	void (*session_sample)(void *arg, uint32_t session, uint64_t *rx_unique,
			       uint64_t *rx_bytes);
	void (*session_final)(void *arg, uint32_t session, const uint64_t *tx, uint32_t n);
	int (*session_counts)(void *arg, uint32_t session, const struct sp_mem *mem,
			      struct sp_peer_counts *);
	void (*counts_fini)(struct sp_peer_counts *, const struct sp_mem *mem);
	void (*session_end)(void *arg, uint32_t session, bool lost);
	/* A hello that came among the data of a UDP port; false: none. May be NULL. */
	bool (*next_hello)(void *arg, struct sp_hello *);
	/* Control for TCP data port `number` is at `port`. May be NULL. */
	void (*control_at)(void *arg, uint16_t number, uint16_t port);
};

/* After sp_run_prepare, so that the ports are bound. A control port that cannot be had is
 * said in the log, and its senders stay one-sided; that is no error. Errors: -ENOMEM, and
 * what epoll and timerfd return (descriptors), exit 77. */
int sp_ctl_server_new(struct sp_ctl_server **, struct sp_run *, const struct sp_env *,
		      struct sp_err *);
/* The same with ops and limits of the caller's; ops must outlive the server, limits are
 * copied. */
int sp_ctl_server_new_ops(struct sp_ctl_server **, const struct sp_ctl_ops *, void *arg,
			  const struct sp_ctl_limits *, const struct sp_env *, struct sp_err *);
/* What a receiver with keys does. */
struct sp_ctl_secure {
	struct sp_keyring *ring; /* the caller's, with a key; grows by pairing */
	bool keyed_only;	 /* no session without a key, not even in own networks */
	uint64_t lease_pps;	 /* most that a lease allows a second; 0: none is given */
	const char *code;	 /* of pairing, good from now on; NULL: none */
};
/* Before the first step. -EINVAL: the code is none. */
int sp_ctl_server_secure(struct sp_ctl_server *, const struct sp_ctl_secure *);
/* Readable when step has something to do, timers included. */
int sp_ctl_server_fd(const struct sp_ctl_server *);
/* Does what is ready. */
void sp_ctl_server_step(struct sp_ctl_server *);
/* Sessions that are open: while there are any, a run that has ended should go on stepping for a
 * while (its senders still want the counts). */
uint32_t sp_ctl_server_sessions(const struct sp_ctl_server *);
/* Connections at all, ports listened on, and control packets so far (own_control, roughly: one
 * for each call that moved bytes, and one a connection). */
uint32_t sp_ctl_server_conns(const struct sp_ctl_server *);
uint32_t sp_ctl_server_listeners(const struct sp_ctl_server *);
uint64_t sp_ctl_server_packets(const struct sp_ctl_server *);
/* Closes everything; sessions still open end (not lost: it is we who go). Before
 * sp_run_free. */
void sp_ctl_server_free(struct sp_ctl_server *);

#endif
