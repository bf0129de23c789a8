/* UDP over kernel sockets. Inside the folder only. */
#ifndef SP_TRANSPORT_UDP_UDP_H
#define SP_TRANSPORT_UDP_UDP_H

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "pkt/endpoints.h"
#include "pkt/slot_bank.h"
#include "plugin/transport.h"
#include "transport/kstamp.h"

#define UDP_MAX_LEN    65507u /* payload of the largest IPv4 datagram */
#define UDP_BURST      1024u
#define UDP_SLOT_BYTES (8u << 20) /* where a burst is more, fewer slots are lent */
#define UDP_CONNECTED  256u	  /* targets of a queue with a socket of their own */
#define UDP_TX_UNITS   128u	  /* datagrams or super-datagrams a system call */
#define UDP_RX_UNITS   32u

struct sp_udp_conf {
	bool gso, gro, connect;
	uint64_t sndbuf, rcvbuf, ttl, tos;
};

struct udp_sock {
	int fd;
	uint8_t family; /* 4, 6 */
	bool rx, connected;
	uint16_t gso_limit; /* longest segment that may be joined; 0 none */
	uint32_t ep;	    /* of a connected one */
	uint32_t lane;	    /* 0 for those that send, 1 + listener's index */
	uint32_t sndbuf;
	struct sp_endpoint local;
	uint64_t unreachable; /* answers of the network that it reported */
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_udp_conf conf;
	struct sp_endpoint bind;
	uint16_t port_last;
	char interface[IFNAMSIZ];
	bool tx, rx, gso, gro, stamps, v6;
	bool noted_rcvbuf;
	unsigned workers;
	uint32_t max_endpoints, max_seg;
	uint32_t n_listen;	  /* of each worker */
	struct udp_sock *listen;  /* [workers][n_listen] */
	struct sp_queue **queues; /* [workers] */
	int snmp[2];		  /* the host's counters, open as long as the port is */
	uint64_t csum_base;	  /* the host's counter at open */
};

/* What a target needs beside its place in peers. */
struct udp_target {
	int32_t sock; /* index + 1 in socks; 0: a source, nothing may be sent to it */
	socklen_t to_len;
	struct sockaddr_in6 to; /* of an unconnected socket */
};

union udp_cmsg {
	struct cmsghdr h;
	uint8_t room[CMSG_SPACE(sizeof(uint16_t))];
};

struct udp_tx {
	struct mmsghdr mm[UDP_TX_UNITS];
	struct iovec iov[UDP_TX_UNITS];
	union udp_cmsg ctl[UDP_TX_UNITS];
	uint32_t count[UDP_TX_UNITS]; /* messages in the unit */
};

struct udp_rx {
	struct mmsghdr mm[UDP_RX_UNITS];
	struct iovec iov[UDP_RX_UNITS];
	struct sockaddr_in6 name[UDP_RX_UNITS];
	uint8_t ctl[UDP_RX_UNITS][64] __attribute__((aligned(8)));
	uint32_t sock[UDP_RX_UNITS];
	/* The unconnected source that was looked up last, as the kernel gave it. */
	struct sockaddr_in6 last_name;
	uint32_t last_len, last_sock, last_ep; /* last_len 0: none yet */
	uint8_t *buf;
	uint32_t n, cur;   /* received units, the one that is being delivered */
	uint32_t off, seg; /* how far it is delivered, its segment size */
	uint32_t ep, lent;
	uint64_t t_ns, now_ns;
	uint16_t flags;
	int n_ready, ready;
	uint32_t ready_sock[64];
};

struct sp_queue {
	struct sp_port *port;
	unsigned worker;
	struct udp_sock *socks; /* listeners first, then those that send */
	uint32_t n_socks, cap_socks;
	uint32_t n_connected;
	int32_t plain4, plain6; /* unconnected ones, index + 1 */
	bool noted_join;
	int epoll; /* -1: none */
	struct sp_endpoints peers;
	struct udp_target *target; /* [max_endpoints], NULL when it only receives */
	struct sp_slot_bank slots;
	struct sp_kstamp stamp;
	struct udp_tx *txb;
	struct udp_rx *rxb;
	struct sp_tstats stats;
};

/* sock.c. bind says family, address and port; opens, sets and binds. share: SO_REUSEPORT or
 * SO_REUSEADDR or 0. Unbound when the address is any, the port is 0 and listen is false. */
int sp_udp_sock_open(struct sp_port *, const struct sp_endpoint *bind, int share, bool listen,
		     struct udp_sock *, struct sp_err *);
void sp_udp_sock_close(struct udp_sock *);
/* v4-mapped addresses become the IPv4 address inside. */
struct sp_endpoint sp_udp_plain(const struct sp_endpoint *);
/* Largest number of segments in a super-datagram; 1 without UDP_SEGMENT. */
uint32_t sp_udp_probe_segments(void);

/* listen.c: every socket of a receiver. */
int sp_udp_listen(struct sp_port *, struct sp_err *);
int sp_udp_steer(struct sp_port *, unsigned workers);

/* queue.c */
int sp_udp_queue(struct sp_port *, unsigned worker, struct sp_queue **, struct sp_err *);
void sp_udp_queue_free(struct sp_queue *);
int sp_udp_watch(struct sp_queue *, uint32_t sock); /* 0 or -errno */

/* target.c */
int sp_udp_endpoint(struct sp_queue *, const struct sp_endpoint *, uint32_t *ep,
		    struct sp_err *);
int sp_udp_endpoint_from(struct sp_queue *, const struct sp_endpoint *local,
			 const struct sp_endpoint *, uint32_t *ep, struct sp_err *);
int sp_udp_peer(const struct sp_queue *, uint32_t ep, struct sp_endpoint *remote,
		struct sp_endpoint *local);

/* tx.c */
void sp_udp_tx_init(struct udp_tx *);
int sp_udp_tx_burst(struct sp_queue *, struct sp_batch *, uint32_t from, bool join);
int sp_udp_flush(struct sp_queue *);
void sp_udp_count_unreachable(struct sp_queue *, struct udp_sock *, uint64_t answers);
/* An answer of the network to an earlier datagram, not a failure of this one. */
bool sp_udp_is_unreachable(int err);

/* answer.c */
uint32_t sp_udp_answer(struct sp_queue *, const struct sp_batch *);

/* rx.c */
void sp_udp_rx_init(struct udp_rx *);
#define UDP_RX_STRIDE (65536u + 4096u + 192u)
int sp_udp_rx_burst(struct sp_queue *, struct sp_batch *);
void sp_udp_rx_release(struct sp_queue *, struct sp_batch *);

/* stats.c */
void sp_udp_snmp_open(struct sp_port *);
void sp_udp_snmp_close(struct sp_port *);
uint64_t sp_udp_csum_errors(const struct sp_port *);
void sp_udp_stats(const struct sp_queue *, struct sp_tstats *);
uint64_t sp_udp_unreachable(const struct sp_queue *, uint32_t ep);

#endif
