/* Ethernet frames over AF_PACKET. Inside the folder only. */
#ifndef SP_TRANSPORT_PACKET_PACKET_H
#define SP_TRANSPORT_PACKET_PACKET_H

#include <linux/if_packet.h>
#include <sys/socket.h>

#include "pkt/endpoints.h"
#include "pkt/slot_bank.h"
#include "plugin/transport.h"
#include "transport/ends.h"
#include "transport/iface.h"
#include "transport/kstamp.h"

#define PACKET_BURST	  1024u
#define PACKET_SLOT_BYTES (8u << 20) /* where a burst is more, fewer slots are lent */
#define PACKET_TX_UNITS	  128u	     /* frames a system call */
#define PACKET_RX_UNITS	  32u
#define PACKET_ETH	  SP_FRAME_ETH
#define PACKET_VLAN	  SP_FRAME_VLAN

struct sp_packet_conf {
	bool bypass, promisc;
	uint64_t sndbuf, rcvbuf;
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_packet_conf conf;
	struct sp_endpoint bind;
	uint16_t port_last;
	struct sp_iface iface;
	bool tx, rx, stamps, bypass;
	bool all; /* takes every frame, whatever it is bound to */
	unsigned workers;
	uint32_t max_endpoints;
	struct sp_queue **queues; /* [workers] */
};

struct packet_tx {
	struct mmsghdr mm[PACKET_TX_UNITS];
	struct iovec iov[PACKET_TX_UNITS];
};

struct packet_rx {
	struct mmsghdr mm[PACKET_RX_UNITS];
	struct iovec iov[PACKET_RX_UNITS];
	struct sockaddr_ll name[PACKET_RX_UNITS];
	uint8_t ctl[PACKET_RX_UNITS][128] __attribute__((aligned(8)));
	uint8_t *buf;
	uint32_t lent;
};

struct sp_queue {
	struct sp_port *port;
	unsigned worker;
	int fd;
	bool down;	  /* the interface, when last seen */
	uint64_t look_ns; /* when it is looked at again */
	struct sp_endpoints peers;
	struct sp_slot_bank slots;
	struct sp_kstamp stamp;
	struct packet_tx *txb;
	struct packet_rx *rxb;
	struct sp_tstats stats;
	uint64_t dropped_sum; /* PACKET_STATISTICS forgets what it has told */
	uint64_t *dropped;    /* = &dropped_sum, any thread adds */
};

/* socket.c: of the queue's worker; only worker 0 receives. A descriptor, or -errno. */
int sp_packet_socket(struct sp_port *, bool rx, struct sp_err *);

/* tx.c */
void sp_packet_tx_init(struct packet_tx *);
int sp_packet_tx_burst(struct sp_queue *, struct sp_batch *, uint32_t from, bool join);

/* rx.c */
#define PACKET_RX_ROOM	 (65536u + PACKET_ETH + PACKET_VLAN)
#define PACKET_RX_STRIDE (65536u + 4096u + 192u)
void sp_packet_rx_init(struct packet_rx *);
int sp_packet_rx_burst(struct sp_queue *, struct sp_batch *);
void sp_packet_rx_release(struct sp_queue *, struct sp_batch *);

#endif
