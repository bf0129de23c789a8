/* TCP in user space over frames: a client's connections. Inside the folder only. */
#ifndef SP_TRANSPORT_UTCP_UTCP_H
#define SP_TRANSPORT_UTCP_UTCP_H

#include "base/prefix.h"
#include "pkt/endpoints.h"
#include "plugin/transport.h"
#include "transport/iface.h"
#include "transport/utcp/nft.h"
#include "transport/utcp/tcb.h"

#define UTCP_CONNS_DFLT 64u
#define UTCP_FRAME_MAX	(14u + 40u + 65535u + 64u)
#define UTCP_OUT_MAX	(14u + 40u + 24u + 65535u)

struct sp_utcp_conf {
	uint64_t first, last; /* own port numbers */
	uint64_t mss, ring;
	bool guard;
};

struct utcp_target {
	struct sp_link link;
	struct sp_prefixes
		own; /* the address that we send from, where no kernel owns it; else none */
};

struct utcp_conn {
	struct sp_conn conn; /* first */
	struct sp_queue *q;
	struct sp_tcb tcb;
	uint32_t ep;
	uint32_t next_free;	  /* index + 1 */
	uint32_t next_ready;	  /* index + 1, in the queue's list */
	bool used, ready, orphan; /* orphan: closed by the lane, its end is still under way */
	bool opened;
	uint64_t orphan_ns; /* when it is given up */
	uint8_t *rings;
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_utcp_conf conf;
	struct sp_endpoint bind;
	char interface[IFNAMSIZ];
	struct sp_iface iface; /* of the first target */
	bool has_iface;
	unsigned workers;
	uint32_t max_endpoints, max_conns;
	struct sp_nft *nft; /* keeps the kernel from resetting; NULL: it need not be kept */
	struct sp_queue **queues;
};

struct sp_queue {
	struct sp_port *port;
	unsigned worker;
	int fd, epoll, timer; /* fd: the packet socket, -1 until there is a target */
	uint16_t first, last; /* this worker's port numbers */
	uint16_t next_port;
	struct sp_endpoints ends;
	struct utcp_target *target; /* [max_endpoints] */
	struct utcp_conn *conns;    /* [max_conns] */
	uint32_t used, free, n_live;
	uint32_t *by_port;	    /* [last - first + 1], index + 1 */
	uint32_t ready, ready_last; /* list of connections with events, index + 1 */
	uint64_t timer_ns;	    /* what the timer is set to; UINT64_MAX: nothing */
	uint8_t *in, *out;	    /* a frame each */
	uint64_t seed;
	struct sp_tstats stats;
};

/* socket.c: the packet socket, which takes what is for our port numbers and, where own is said, who
 * asks for our address. A descriptor or -errno with a sentence. */
int sp_utcp_socket(struct sp_queue *, struct sp_err *);
/* May this process have one? 0, or a sentence. */
int sp_utcp_may(struct sp_err *);

/* target.c */
int sp_utcp_endpoint(struct sp_queue *, const struct sp_endpoint *, uint32_t *ep,
		     struct sp_err *);

/* pump.c. HOT. Takes in what has come, runs timers, sends what is due. */
void sp_utcp_pump(struct sp_queue *);
/* Sends what one connection has to send, and sees to its timer and events. */
void sp_utcp_push(struct utcp_conn *, uint64_t now_ns);

/* conn.c */
extern const struct sp_conn_ops sp_utcp_conn_ops;
extern const struct sp_conn_door sp_utcp_door;
void sp_utcp_conn_free(struct utcp_conn *);

#endif
