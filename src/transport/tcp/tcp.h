/* TCP over kernel sockets. Inside the folder only. */
#ifndef SP_TRANSPORT_TCP_TCP_H
#define SP_TRANSPORT_TCP_TCP_H

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "pkt/endpoints.h"
#include "plugin/transport.h"

#define TCP_EVENTS		256u
#define TCP_CONNS_DFLT		1024u
/* What one discarding receive takes at most: the longest time that it holds up the worker. */
#define TCP_DRAIN_MAX		(4u << 20)
#define TCP_SPARE_FDS		64u
/* Within a host there is nothing to be gentle with, and a control that paces (bbr) wakes a timer for
 * each 64 KiB: that halves what loopback carries, or worse. Every kernel has this one, and everybody
 * may choose it. */
#define TCP_LOOPBACK_CONGESTION "reno"

enum tcp_blast { TCP_BLAST_SENDFILE, TCP_BLAST_WRITE };

struct sp_tcp_conf {
	bool nodelay, lazy_ack;
	const char *congestion;
	uint64_t sndbuf, rcvbuf, mss, tos, ttl, backlog;
	int blast; /* enum tcp_blast */
};

struct tcp_listener {
	int fd;
	struct sp_endpoint at;
};

struct tcp_conn {
	struct sp_conn conn; /* first */
	struct sp_queue *q;
	int fd;
	uint32_t ep;	    /* of those that were begun here */
	uint32_t next_free; /* index + 1 */
	bool ready, trouble, open;
	uint64_t offset; /* of the pattern, sent so far */
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_tcp_conf conf;
	struct sp_endpoint bind;
	uint16_t port_last;
	uint16_t auto_first, auto_last; /* numbers that the kernel chooses from */
	char interface[IFNAMSIZ];
	bool tx, rx, v6;
	unsigned workers;
	uint32_t max_endpoints, max_conns;
	uint32_t n_listen;	     /* of each worker */
	struct tcp_listener *listen; /* [workers][n_listen] */
	struct sp_queue **queues;
	int pattern_fd;	  /* the bulk pattern in memory; -1 */
	uint8_t *pattern; /* mapped */
	void *nowhere;	  /* TCP_DRAIN_MAX bytes of address space without memory */
};

struct sp_queue {
	struct sp_port *port;
	unsigned worker;
	int epoll;
	int spare; /* a descriptor to give up when there is no other */
	struct sp_endpoints ends;
	struct tcp_conn *conns; /* [max_conns] */
	uint32_t used, free;	/* free: index + 1 */
	struct sp_tstats stats;
};

/* sock.c: opens a socket of the family and sets what the port wants; tied to its interface.
 * listen: what only a listener wants. The descriptor or a negative errno; err may be NULL. */
int sp_tcp_sock_open(const struct sp_port *, uint8_t family, bool listen, struct sp_err *);
/* What bulk data wants, depending on where it goes. */
void sp_tcp_sock_bulk(const struct sp_port *, int fd, const struct sp_addr *to);
/* Binds as the port says, with this number. 0 or -errno. */
int sp_tcp_sock_bind(const struct sp_port *, int fd, const struct sp_endpoint *, bool listen);
int sp_tcp_bind_fail(const struct sp_endpoint *, int code, struct sp_err *);
/* Is this congestion control there? Else a sentence with those that are. */
int sp_tcp_check_congestion(const struct sp_port *, struct sp_err *);
/* The numbers that this kernel gives to those who name none; all, where it does not say. */
void sp_tcp_auto_ports(uint16_t *first, uint16_t *last);
/* Raises the soft limit of descriptors to what n connections need, as far as it may. An error if not
 * even need are possible. */
int sp_tcp_raise_limit(uint64_t n, uint64_t need, struct sp_err *);

/* listen.c */
int sp_tcp_listen(struct sp_port *, struct sp_err *);

/* door.c */
/* Takes the descriptor that is there to be given up. 0 or -errno. */
int sp_tcp_spare(struct sp_queue *);
extern const struct sp_conn_door sp_tcp_door;
struct tcp_conn *sp_tcp_conn_new(struct sp_queue *, uint32_t id, int fd);
void sp_tcp_conn_free(struct tcp_conn *);

/* conn.c */
extern const struct sp_conn_ops sp_tcp_conn_ops;

#endif
