/* Connected UDP sockets as connections. Inside the folder only. */
#ifndef SP_TRANSPORT_UDP_CONN_UDP_CONN_H
#define SP_TRANSPORT_UDP_CONN_UDP_CONN_H

#include <net/if.h>

#include "pkt/endpoints.h"
#include "plugin/transport.h"

#define UDP_CONN_EVENTS	   256u
#define UDP_CONN_DFLT	   1024u
#define UDP_CONN_SPARE_FDS 64u
#define UDP_CONN_HEAD	   2u	  /* the length, big-endian */
#define UDP_CONN_PIECES	   4u	  /* of one datagram */
#define UDP_CONN_RCVBUF	   262144 /* bytes: an answer of many datagrams at once */

struct sp_udp_conn_conf {
	uint64_t sndbuf, rcvbuf, tos, ttl;
};

struct udp_conn {
	struct sp_conn conn; /* first */
	struct sp_queue *q;
	int fd;
	uint32_t next_free; /* index + 1 */
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_udp_conn_conf conf;
	struct sp_endpoint bind;
	char interface[IFNAMSIZ];
	unsigned workers;
	uint32_t max_endpoints, max_conns;
	struct sp_queue **queues;
};

struct sp_queue {
	struct sp_port *port;
	int epoll;
	struct sp_endpoints ends;
	struct udp_conn *conns; /* [max_conns] */
	uint32_t used, free;	/* free: index + 1 */
	struct sp_tstats stats;
};

extern const struct sp_conn_door sp_udp_conn_door;

#endif
