/* How traffic leaves and enters. The control thread opens a port; one queue a worker, used by it
 * only. HOT functions do not allocate, lock, log or format. */
#ifndef SP_PLUGIN_TRANSPORT_H
#define SP_PLUGIN_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/options.h"
#include "core/env.h"
#include "core/pacer.h"
#include "core/result.h"
#include "pkt/batch.h"
#include "plugin/conn.h"
#include "plugin/permit.h"

enum sp_tbits {
	SP_T_DATAGRAM = 1u << 0, /* messages are payloads */
	SP_T_CONN = 1u << 1,	 /* byte streams (the dialogue and bulk lanes) */
	SP_T_FRAME = 1u << 2,	 /* messages are Ethernet frames without FCS */
	SP_T_SEGMENT = 1u << 3,	 /* joins equal-sized neighbours into one super-datagram */
	SP_T_REPEAT = 1u << 4,	 /* the kernel or NIC makes the packets */
	SP_T_BULK = 1u << 5,
	SP_T_CSUM = 1u << 6,	/* fills L4 checksums itself */
	SP_T_RX_TIME = 1u << 7, /* arrival times are the kernel's */
	SP_T_STEER = 1u << 8,	/* can steer sources to workers */
	SP_T_VIRTUAL = 1u << 9, /* lives on the run's clock: may run in virtual time */
	SP_T_LISTEN = 1u << 10, /* can receive */
};

struct sp_tcaps {
	uint32_t bits;
	uint32_t burst;	      /* largest batch, 32 .. SP_BATCH_MAX */
	uint32_t max_len;     /* largest message */
	uint32_t max_seg;     /* messages in one super-packet; 1 without SP_T_SEGMENT */
	const char *road;     /* "sendmmsg + UDP_SEGMENT", for the report */
	const char *rx_clock; /* "kernel", "user", "virtual" */
};

struct sp_port_conf {
	const char *name;
	struct sp_endpoint bind; /* local address and port; family 0 and port 0: any */
	const char *interface;	 /* SO_BINDTODEVICE or the frame interface; NULL */
	uint16_t port_last;	 /* a receiver's range bind.port .. port_last; 0 = one */
	unsigned workers;	 /* number of queues that will be asked for */
	bool tx, rx;
	bool answers; /* SP_T_FRAME: machines answer here. All frames are wanted, whatever bind says,
		       * and a port that receives sends, too */
	uint32_t max_endpoints; /* how many different sources or targets to have room for */
	uint32_t max_conns;	/* SP_T_CONN: how many connections to have room for, a queue */
	uint32_t need_conns; /* so many at a time were asked for: exit 77 if they cannot be */
	const void *conf;    /* the transport's own settings (opts), may be NULL = defaults */
};

/* What a frame needs to reach a target: asked by the engine when it builds frame sources. */
struct sp_link {
	uint8_t src_mac[6], dst_mac[6];
	struct sp_addr src;
	uint32_t mtu;
};

/* SP_T_REPEAT: what the units of a stream are, so that they can be made where they leave; each is
 * due when it does. */
struct sp_template;
struct sp_repeat_form {
	const struct sp_template *tmpl; /* what varies, and the checksums */
	uint32_t prefix_len;		/* octets of the frame before the template's */
	const uint8_t *frame;		/* unit 0, whole, for a stamp of zeros */
	uint32_t len;			/* of every unit */
	uint16_t stamp_off;		/* of the native stamp; SP_NO_STAMP */
	uint32_t crc_init;		/* its check's start value */
};
/* Some of them, now. */
struct sp_repeat_call {
	const struct sp_repeat *run;
	uint64_t head;	    /* of the stamp */
	uint64_t seq, unit; /* the first one's: by the stamp, by the template */
	/* What came of it: units that were made, in order; those of them that left; when the first
	 * was made, and the last, to 64 units. */
	uint32_t made, left;
	uint64_t first_ns, last_ns;
};

struct sp_port;
struct sp_queue;

struct sp_transport_ops {
	SP_PLUGIN_HEAD;
	/* Of those that carry frames, what --transport auto tries first: the highest, as measured
	 * (bench/rows/raw.py, xdp.py). 0: never. any_frame: it is that word itself. */
	uint8_t rank;
	bool any_frame;
	bool any_source; /* may send from addresses that are not this host's; frames always may */
	bool echoes; /* what is sent on a port arrives on it: a sender is its own receiver */
	bool any_unit; /* in memory: it looks into nothing, and carries frames as it does datagrams */
	/* Cold. Addresses were resolved and permitted before: open never resolves. Errors: a
	 * sentence in err; exit 77 for privileges, interfaces and descriptor limits. */
	int (*open)(struct sp_port **, const struct sp_port_conf *, const struct sp_permit *,
		    const struct sp_env *, struct sp_err *);
	int (*queue)(struct sp_port *, unsigned worker, struct sp_queue **, struct sp_err *);
	void (*caps)(const struct sp_port *, struct sp_tcaps *); /* after open, for good */
	/* A target; asks the permit (-EACCES). Same endpoint, same index. */
	int (*endpoint)(struct sp_queue *, const struct sp_endpoint *, uint32_t *ep,
			struct sp_err *);
	/* The same from an address of its own (port 0: a number of the system's choice) instead of the
	 * port's; every call makes another index, even where both are as before. Family 0: the
	 * port's address, but a socket of its own. NULL: a port has one address. Over connections the
	 * address is only tried, and the index is the target's: connect_from says it again. */
	int (*endpoint_from)(struct sp_queue *, const struct sp_endpoint *local,
			     const struct sp_endpoint *to, uint32_t *ep, struct sp_err *);
	/* Who is behind an index: the source (rx) or target (tx), and the local side if known. */
	int (*peer)(const struct sp_queue *, uint32_t ep, struct sp_endpoint *remote,
		    struct sp_endpoint *local);
	/* SP_T_FRAME only. The port's own hardware address; NULL: it has none. */
	void (*mac)(const struct sp_port *, uint8_t mac[6]);
	/* SP_T_FRAME only. to of family 0: no target is meant, and only what the interface
	 * itself is called is filled in (src: family 0 if it has no address). */
	int (*link)(struct sp_port *, const struct sp_endpoint *to, struct sp_link *,
		    struct sp_err *);
	/* The address that the port is bound to, with the number the kernel chose. i counts the
	 * ports of a range; -ENOENT past the last. */
	int (*local)(const struct sp_port *, unsigned i, struct sp_endpoint *);
	void (*close)(struct sp_port *); /* its queues too */

	const struct sp_conn_door
		*conn; /* SP_T_CONN: then none of the operations below but flush,
					    fd, next_ns and stats need exist */

	/* HOT. Lends n buffers of len bytes, contiguous at stride len where possible; sets b->n (at
	 * most n and b->cap), m[i].data and m[i].len, and SP_M_HELD in m[i].flags where the slot
	 * still holds template tmpl of this length. The rest of m[i] is the caller's. */
	uint32_t (*tx_slots)(struct sp_queue *, struct sp_batch *b, uint32_t n, uint32_t len,
			     uint32_t tmpl);
	/* HOT. Takes a prefix of b->m[from .. b->n) and returns its length (super-datagrams are
	 * all or nothing), or -EAGAIN, -ENOBUFS (try again), -EMSGSIZE (the first does not fit),
	 * or another negative errno for the first message; the rest stays the caller's. join says
	 * that neighbours may share a super-packet. */
	int (*tx_burst)(struct sp_queue *, struct sp_batch *b, uint32_t from, bool join);
	/* SP_T_REPEAT. Cold: gets ready to make a stream's units; one stream a queue. -ENOTSUP and
	 * the reason in err, when these cannot be made there. What the form points to is borrowed
	 * during the call, but for the template: until close. */
	int (*repeat)(struct sp_queue *, const struct sp_repeat_form *, struct sp_err *);
	/* HOT. Makes call->run->n units, or fewer when the time is over: 0, or a negative errno as
	 * tx_burst. */
	int (*tx_repeat)(struct sp_queue *, struct sp_repeat_call *);
	/* HOT. SP_T_DATAGRAM: answers to sources: m.ep is an index as rx_burst gave it, of a batch
	 * that was not released yet. Returns how many left, a prefix; the rest is dropped. NULL: it
	 * cannot. */
	uint32_t (*answer)(struct sp_queue *, const struct sp_batch *b);
	/* HOT. Fills b (b->n = 0 .. cap): data, t_ns, len, ep, flags; stamp_off SP_NO_STAMP.
	 * Frame transports give frames whole. Borrowed until rx_release. Returns b->n or -errno
	 * (-ENETDOWN when the interface is gone). */
	int (*rx_burst)(struct sp_queue *, struct sp_batch *b);
	void (*rx_release)(struct sp_queue *, struct sp_batch *b);
	/* What is held leaves. The first time before any burst, while paths may still be used: what
	 * there is to be made beside the queue is made. 0 or -errno. */
	int (*flush)(struct sp_queue *);
	int (*fd)(const struct sp_queue
			  *); /* readable when rx_burst has something; -1: poll only */
	/* Virtual time: when rx_burst will next have something; SP_NEVER: nothing on its way.
	 * NULL for transports that live on the kernel's clock. */
	uint64_t (*next_ns)(const struct sp_queue *);
	/* Spreads sources over the queues 0 .. workers - 1. NULL where one queue receives all. Either
	 * way everything from one source arrives in one queue, in order. */
	int (*steer)(struct sp_port *, unsigned workers);
	/* From now on a source (rx) whose count in held, by its index, is 0 after a burst was
	 * released may be forgotten, and its index be another's. Of queues that only receive; see
	 * pkt/endpoints.h. NULL: sources are kept for ever. */
	void (*reuse)(struct sp_queue *, const uint32_t *held);
	/* ICMP unreachable answers of target ep, of those in stats. NULL, or 0 for targets of
	 * which it is not told: nobody knows. Any thread, relaxed loads. */
	uint64_t (*unreachable)(const struct sp_queue *, uint32_t ep);
	/* Any thread, relaxed loads. */
	void (*stats)(const struct sp_queue *, struct sp_tstats *);
};

#endif
