/* For the tests of this folder: a run that is made up, a server on a thread of its own, and a
 * peer that says what it is told to. */
#ifndef SP_CTL_TESTING_H
#define SP_CTL_TESTING_H

#include "base/mem.h"
#include "ctl/messages.h"
#include "ctl/server.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define T_SESSIONS 2048

/* What the made-up run saw of a session. */
struct t_session {
	struct sp_endpoint peer, local;
	char name[260];
	uint32_t base, n;
	unsigned clocks, samples, finals, ends;
	bool clock_known, lost;
	int64_t offset_ns;
	uint64_t error_ns, tx_sum, rx_unique;
};

struct t_run {
	pthread_mutex_t lock;
	struct sp_endpoint at[4];
	unsigned n_at;
	int udp[4]; /* hold the numbers, as a receiver does */
	uint32_t max_flows, used, n_sessions;
	bool tally_each, no_counts, no_hists;
	unsigned grows;	  /* so many samples still find more than the one before */
	uint64_t arrived; /* units that a new session has at once */
	struct t_session s[T_SESSIONS + 1];
};

/* n loopback ports that are free over UDP and TCP. */
void t_run_init(struct t_run *, unsigned n);
void t_run_fini(struct t_run *);
const struct sp_ctl_ops *t_run_ops(void);
/* A copy of session i (from 1), consistent. */
struct t_session t_run_session(struct t_run *, uint32_t i);
uint32_t t_run_sessions(struct t_run *);
/* Waits until n sessions have ended. false: not within 5 s. */
bool t_run_wait_ended(struct t_run *, uint32_t n);

/* What every session's counts are: a function of its flow ids alone. */
void t_flow(uint32_t id, struct sp_peer_flow *);
/* Is all that is told of them the same? */
bool t_same_flow(const struct sp_peer_flow *, const struct sp_peer_flow *);
void t_hist(uint32_t seed, struct sp_hist *);

/* The server, stepped by a thread. */
struct t_server {
	struct sp_ctl_server *s;
	pthread_t thread;
	int stop[2];
	uint32_t sessions, conns, most_conns; /* relaxed */
};
void t_server_start(struct t_server *, struct t_run *, const struct sp_ctl_limits *,
		    const struct sp_env *);
void t_server_start_secure(struct t_server *, struct t_run *, const struct sp_ctl_limits *,
			   const struct sp_env *, const struct sp_ctl_secure *);
void t_server_stop(struct t_server *);
/* Waits for a state of the server; false: not within 5 s. */
bool t_server_wait(const struct t_server *, uint32_t conns, uint32_t sessions);

/* A raw peer: blocking, with a deadline of 5 s for each call. */
int t_connect(uint16_t port);
bool t_say(int fd, uint64_t cookie, struct sp_ctl_msg *);
/* false: the other side closed (or nothing came). */
bool t_hear(int fd, struct sp_ctl_msg *);
/* true: it closed without a byte. */
bool t_closed_silently(int fd);
/* Up to a session of n flows; its cookie. host as given, or none. */
uint64_t t_open_session(int fd, uint32_t n, uint64_t planned_ns, const struct sp_ctl_host *);
void t_say_final(int fd, uint64_t cookie, uint32_t n);

struct sp_ctl_limits t_limits(void); /* as default, and short where a test waits */
void t_env(struct sp_env *, struct sp_clock *, const struct sp_mem *);

#endif
