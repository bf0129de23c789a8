/* Ethernet frames over AF_PACKET. Inside the folder only.
 *
 * A queue sends by one of two roads, and receives by one of two. Sending: a TPACKET_V2 ring whose
 * frames the kernel copies whole (a virtio_net header says so), or sendmmsg. The ring's own way,
 * fragments that point into it, is slower: they are copied later, into pages. Receiving: a
 * TPACKET_V3 ring, whose blocks come when they are full or a millisecond old, or recvmmsg, which
 * wakes for each frame. */
#ifndef SP_TRANSPORT_PACKET_PACKET_H
#define SP_TRANSPORT_PACKET_PACKET_H

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <linux/filter.h>
#include <linux/virtio_net.h>

#include "pkt/endpoints.h"
#include "pkt/slot_bank.h"
#include "plugin/transport.h"
#include "transport/ends.h"
#include "transport/iface.h"
#include "transport/kstamp.h"

#define PACKET_BURST	  1024u
#define PACKET_RING_FRAME 4096u	     /* rings of longer frames are slower than sendmmsg */
#define PACKET_SLOT_BYTES (8u << 20) /* where a burst is more, fewer slots are lent */
#define PACKET_TX_UNITS	  128u	     /* frames a system call */
#define PACKET_RX_UNITS	  32u
#define PACKET_ETH	  SP_FRAME_ETH
#define PACKET_VLAN	  SP_FRAME_VLAN
#define PACKET_VNET	  ((uint32_t)sizeof(struct virtio_net_hdr))

enum packet_ring { PACKET_RING_AUTO, PACKET_RING_YES, PACKET_RING_NO };

struct sp_packet_conf {
	bool bypass, promisc;
	int ring; /* enum packet_ring */
	uint64_t sndbuf, rcvbuf;
	const char *filter; /* as in pcap-filter(7); NULL or "": everything */
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_packet_conf conf;
	struct sp_endpoint bind;
	uint16_t port_last;
	struct sp_iface iface;
	bool tx, rx, stamps, bypass;
	bool all;	       /* takes every frame, whatever it is bound to */
	bool tx_ring, rx_ring; /* the roads that were taken */
	bool vnet;	       /* received frames have a virtio_net header in front */
	unsigned workers;
	uint32_t max_endpoints;
	int group;		  /* the fanout's id, -1: none yet */
	struct sock_fprog filter; /* what the kernel lets through; len 0: everything */
	char road[112];
	struct sp_queue **queues; /* [workers] */
};

struct packet_tx {
	struct mmsghdr mm[PACKET_TX_UNITS];
	struct iovec iov[PACKET_TX_UNITS];
};

/* A slot of the ring: tpacket2_hdr, virtio_net_hdr, frame. What it holds; tmpl 0: nothing. */
struct packet_slot {
	uint8_t *at;
	uint32_t tmpl, len;
};

struct packet_tx_ring {
	uint8_t *map;
	size_t bytes;
	struct packet_slot *slot; /* [n] */
	uint32_t n, head;	  /* head: the slot that the kernel looks at next */
	uint32_t tmpl;		  /* that was asked for last */
	bool spilled;		  /* no slot was free: the bank lent instead */
	uint32_t mtu;		  /* now; frames in a ring are not measured by the kernel */
	uint64_t look_ns;	  /* when it is looked at again */
};

struct packet_rx {
	struct mmsghdr mm[PACKET_RX_UNITS];
	struct iovec iov[PACKET_RX_UNITS];
	struct sockaddr_ll name[PACKET_RX_UNITS];
	uint8_t ctl[PACKET_RX_UNITS][128] __attribute__((aligned(8)));
	uint8_t *buf;
	uint32_t n, at; /* units that were received, and the next of them to be handed on */
};

struct packet_rx_ring {
	uint8_t *map;
	size_t bytes;
	uint32_t blocks, block; /* how many, and the one that is read */
	struct tpacket3_hdr *next;
	uint32_t left; /* frames of the block from next on; 0: begin with the block */
};

struct sp_queue {
	struct sp_port *port;
	unsigned worker;
	int fd, tx_fd;	  /* to receive (-1: this queue does not) and to send */
	bool down;	  /* the interface, when last seen */
	bool lent;	  /* a batch of received frames is out */
	uint64_t look_ns; /* when it is looked at again */
	bool cut_off;	  /* there was no carrier, when last seen */
	uint64_t carrier_ns;
	struct sp_endpoints peers;
	struct sp_slot_bank slots;
	struct sp_kstamp stamp;
	struct packet_tx *txb;
	struct packet_tx_ring *txr;
	struct packet_rx *rxb;
	struct packet_rx_ring *rxr;
	uint8_t *split; /* frames that were made of super-frames */
	uint32_t split_used;
	struct sp_tstats stats;
	uint64_t dropped_sum, frozen_sum; /* PACKET_STATISTICS forgets what it has told */
	uint64_t *dropped, *frozen;	  /* = &..._sum, any thread adds */
};

/* queue.c: the transport's operation, which finds out whether the roads that were chosen are open;
 * and its undoing. */
int sp_packet_queue(struct sp_port *, unsigned worker, struct sp_queue **, struct sp_err *);
void sp_packet_queue_free(struct sp_queue *);

/* socket.c: a descriptor, or -errno. One that only sends, and one that receives, into a ring or
 * not; of several workers it joins the group, and nothing comes until sp_packet_steer. */
int sp_packet_tx_socket(struct sp_port *, struct sp_err *);
int sp_packet_rx_socket(struct sp_port *, struct packet_rx_ring *, struct sp_err *);

/* fanout.c: one source's frames come to one worker, in order: by address and, of UDP and TCP,
 * port number; numbers in a row go to workers in a row. */
int sp_packet_join(struct sp_port *, int fd);
int sp_packet_steer(struct sp_port *, unsigned workers);

/* filter.c: compiles conf.filter, and what the port is bound to, into port->filter; and lets it go
 * again. */
int sp_packet_filter(struct sp_port *, struct sp_err *);
void sp_packet_filter_free(struct sp_port *);
/* 0 or -errno: what the port wants to receive; or nothing at all. */
int sp_packet_filter_attach(const struct sp_port *, int fd);
int sp_packet_filter_close(int fd);

/* tx.c */
void sp_packet_tx_init(struct packet_tx *);
int sp_packet_tx_burst(struct sp_queue *, struct sp_batch *, uint32_t from, bool join);
/* What a burst returns for an error of which nothing left. */
int sp_packet_tx_error(struct sp_queue *, int error);

/* tx_ring.c: 0 or -errno; without sentence, as sendmmsg can do the same. */
int sp_packet_tx_ring_init(struct sp_queue *);
void sp_packet_tx_ring_fini(struct sp_queue *);
uint32_t sp_packet_tx_ring_slots(struct sp_queue *, struct sp_batch *, uint32_t n, uint32_t len,
				 uint32_t tmpl);
int sp_packet_tx_ring_burst(struct sp_queue *, struct sp_batch *, uint32_t from);

/* rx.c: recvmmsg. */
#define PACKET_RX_ROOM	 (65536u + PACKET_ETH + PACKET_VLAN + PACKET_VNET)
#define PACKET_RX_STRIDE (65536u + 4096u + 192u)
void sp_packet_rx_init(struct packet_rx *);
int sp_packet_rx_burst(struct sp_queue *, struct sp_batch *);
/* What an empty queue says: 0, or -ENETDOWN while the interface is away. error: of the socket. */
int sp_packet_rx_nothing(struct sp_queue *, int error);

/* rx_ring.c */
int sp_packet_rx_ring_init(const struct sp_port *, struct packet_rx_ring *, int fd);
void sp_packet_rx_ring_fini(struct packet_rx_ring *);
int sp_packet_rx_ring_burst(struct sp_queue *, struct sp_batch *);
void sp_packet_rx_ring_release(struct sp_queue *);

/* frame.c: what the kernel says of a frame, from whichever road. */
struct packet_frame {
	uint8_t *data; /* PACKET_VLAN bytes in front are free to be written */
	uint32_t len;
	bool cut, outgoing;
	uint32_t status; /* TP_STATUS_* */
	uint16_t vlan_tci, vlan_tpid;
	struct virtio_net_hdr vnet;
	struct timespec at; /* 0: not told */
};
/* Puts it at the end of the batch: one message, or those that a UDP super-frame is made of, or none
 * where it is not for us. false: the batch has no room for all of it. */
bool sp_packet_put(struct sp_queue *, struct packet_frame *, uint64_t now_ns,
		   struct sp_batch *);
/* Counts what was put since the batch began. */
void sp_packet_count(struct sp_queue *, const struct sp_batch *);

/* super.c: the UDP super-frame in m as frames of seg payload bytes each, the last may be shorter;
 * into room bytes at to. Returns how many, their messages from m on; 0: it is not one, or there is
 * no room for them in max messages. */
#define PACKET_SPLIT_ROOM (1u << 18)
uint32_t sp_packet_split(struct sp_msg *m, uint32_t max, uint32_t seg, uint8_t *to,
			 uint32_t room);

#endif
