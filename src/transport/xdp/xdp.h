/* Ethernet frames past the kernel's stack: AF_XDP and programs in XDP. Inside the folder only. */
#ifndef SP_TRANSPORT_XDP_XDP_H
#define SP_TRANSPORT_XDP_XDP_H

#include "pkt/endpoints.h"
#include "plugin/transport.h"
#include "transport/ends.h"
#include "transport/iface.h"
#include "transport/xdp/sock.h"

#define XDP_BURST     SP_BATCH_MAX
#define XDP_TX_CHUNKS 2048u
#define XDP_RX_CHUNKS 8192u
#define XDP_TX_BUDGET 64u /* frames a system call */
#define XDP_KICKS     8u  /* system calls for what one of them left over */
#define XDP_QUEUES    16u /* of an interface, that one worker receives from */

enum xdp_mode { XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_GENERIC };
enum xdp_zerocopy { XDP_ZC_AUTO, XDP_ZC_NO, XDP_ZC_YES };
enum xdp_takes { XDP_TAKE_UDP, XDP_TAKE_ALL };
enum xdp_receives { XDP_RX_AF_XDP, XDP_RX_COUNT };

struct xdp_conf {
	int mode, zerocopy, take, rx;
	bool live;
	uint64_t frames; /* received ones that wait for the program, a queue */
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct xdp_conf conf;
	struct sp_endpoint bind;
	uint16_t port_last;
	struct sp_iface iface;
	bool tx, rx, native, may_repeat;
	unsigned workers, rx_queues; /* of the interface */
	uint32_t max_endpoints;
	struct sp_queue **queues; /* [workers] */
	int prog, link, xsks;	  /* -1: none */
	int tables, flows;	  /* of a program that counts, -1 */
};

/* What a chunk for sending holds, and where it is. */
struct xdp_chunk {
	uint32_t tmpl, len; /* tmpl 0: nothing */
	bool busy;	    /* the kernel has it */
};

struct sp_queue {
	struct sp_port *port;
	unsigned worker;
	struct xdp_sock sock[XDP_QUEUES]; /* the first sends */
	unsigned n_socks, turn;
	int fd; /* to wait on: the socket's, or an epoll of several */
	bool down, taken;
	uint64_t look_ns;
	struct sp_endpoints peers;
	struct sp_tstats stats;
	/* tx */
	struct xdp_chunk *chunk; /* [XDP_TX_CHUNKS] */
	uint32_t *free, n_free;	 /* chunks, the last used on top */
	uint32_t *lent, n_lent;
	uint32_t tmpl, len;    /* of what is lent */
	struct xdp_live *live; /* makes a stream's units; NULL: none does */
	/* rx */
	struct xdp_counter *counter; /* NULL: all frames come up */
	uint64_t *borrowed;	     /* [XDP_BURST] chunk addresses */
	uint32_t n_borrowed;
	unsigned lender; /* whose they are */
};

/* queue.c: a queue with its sockets bound, not yet fed by the program. */
int xdp_queue_new(struct sp_port *, unsigned worker, struct sp_queue **, struct sp_err *);
void xdp_queue_free(struct sp_queue *);
/* The number of queues that an interface receives by; 1 when nobody says. */
unsigned xdp_iface_queues(const struct sp_iface *);

/* tx.c */
uint32_t xdp_tx_slots(struct sp_queue *, struct sp_batch *, uint32_t n, uint32_t len,
		      uint32_t tmpl);
int xdp_tx_burst(struct sp_queue *, struct sp_batch *, uint32_t from, bool join);
int xdp_flush(struct sp_queue *);
int xdp_repeat(struct sp_queue *, const struct sp_repeat_form *, struct sp_err *);
int xdp_tx_repeat(struct sp_queue *, struct sp_repeat_call *);

/* rx.c */
int xdp_rx_burst(struct sp_queue *, struct sp_batch *);
void xdp_rx_release(struct sp_queue *, struct sp_batch *);

#endif
