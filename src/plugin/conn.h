/* Byte streams: kernel TCP, TLS over it, streams in memory: all the same to a lane. Nothing here
 * blocks, and nothing but connect, accept and wrap takes memory (from pools of the queue or the
 * wrap).
 *
 * Readiness is edge-triggered: after an event the lane reads until -EAGAIN (or remembers that
 * it did not), and after -EAGAIN from write it waits for the next event. Events are hints: one
 * may come for a connection that has nothing to say, so every operation must stand being called
 * too often.
 *
 * Every operation that fails says why by a negative errno: -ECONNREFUSED, -ECONNRESET, -EPIPE,
 * -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH; -EPROTO: the layer itself went wrong (TLS).
 * -EADDRNOTAVAIL: no local port number is left; -EMFILE, -ENOBUFS: no room for one more. */
#ifndef SP_PLUGIN_CONN_H
#define SP_PLUGIN_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/address.h"
#include "base/err.h"
#include "base/options.h"
#include "core/env.h"

struct sp_queue; /* a transport's, plugin/transport.h */
struct sp_conn_ops;

/* Every plug-in's connection begins with this. */
struct sp_conn {
	const struct sp_conn_ops *ops; /* NULL once closed */
	uint32_t id; /* the lane's; whoever wraps a connection gives it the same one */
};

enum sp_conn_bit {
	SP_CONN_IN = 1u << 0,  /* a read may give something: bytes, end or error */
	SP_CONN_OUT = 1u << 1, /* the opening may have moved on, or a write find room */
	SP_CONN_END = 1u << 2, /* with IN: the far end has finished, or something failed */
};

/* conn NULL: somebody wants to be accepted. With a wrap, conn is the lowest one. */
struct sp_conn_event {
	struct sp_conn *conn;
	uint32_t bits;
};

#define SP_CONN_CONGESTION 16u

/* What a layer knows of the way; members that it does not know are 0. */
struct sp_conn_info {
	bool known;
	uint64_t retransmits; /* segments, since the opening */
	uint64_t rtt_ns, rtt_var_ns, min_rtt_ns;
	uint64_t cwnd_bytes;
	uint64_t acked_bytes; /* confirmed by the far end */
	uint32_t mss;
	char congestion[SP_CONN_CONGESTION]; /* control; "" unknown */
};

struct sp_conn_ops {
	/* Moves the opening on (connection, handshake): 0 open, -EAGAIN under way. read and write
	 * before that are -EAGAIN. */
	int (*open)(struct sp_conn *);
	/* HOT. Bytes read; 0 = the far end has finished; -EAGAIN. */
	ssize_t (*read)(struct sp_conn *, void *, size_t);
	/* A read that gives less than was asked has taken all that there is; what comes later has
	 * its own event. Not so once SP_CONN_END came: read on. */
	bool reads_all;
	/* HOT. Bytes taken, at least one; -EAGAIN: none. A layer that buffers (TLS) takes what is
	 * left over itself. */
	ssize_t (*write)(struct sp_conn *, const struct iovec *, int);
	/* HOT. Bulk: sends up to max bytes of the pattern (pkt/pattern.h), from where the last one
	 * ended; returns as write does. NULL: the lane writes it. */
	ssize_t (*blast)(struct sp_conn *, uint64_t max);
	/* HOT. Bulk: receives up to max bytes and discards them; returns as read does. NULL: the
	 * lane reads. */
	ssize_t (*drain)(struct sp_conn *, uint64_t max);
	/* Bulk: no event before so many bytes wait to be read (or the end, or an error), for a
	 * receiver that looks by itself now and then; 0: at the first byte again. NULL: there is no
	 * such thing. */
	void (*gather)(struct sp_conn *, uint32_t bytes);
	/* Says that nothing more will be written. 0, or -EAGAIN: call again after an event. */
	int (*shutdown)(struct sp_conn *);
	/* Who is at the far end, and by which address we talk to it. Either may be NULL. */
	int (*ends)(const struct sp_conn *, struct sp_endpoint *remote,
		    struct sp_endpoint *local);
	void (*info)(const struct sp_conn *, struct sp_conn_info *);
	/* After a failure that errno does not explain: what was wrong the first time that this
	 * layer failed, a part of a sentence, for as long as the layer is open. NULL, or a NULL
	 * operation: nothing to add. */
	const char *(*why)(const struct sp_conn *);
	/* Frees it and all below it. reset: at once and without a goodbye (RST); else what was
	 * written still leaves (FIN). */
	void (*close)(struct sp_conn *, bool reset);
};

/* How a transport with SP_T_CONN opens byte streams. On one worker's queue, by that worker. */
struct sp_conn_door {
	/* Not byte streams but conversations of datagrams: each is read and written behind its length
	 * (two octets, big-endian), a write is one whole datagram, and none ever ends. For machines
	 * that say they know (sp_proto_ops.datagrams). */
	bool datagrams;
	/* Begins a connection to an endpoint of the queue (which asked the permit). id is put into
	 * the connection before its first event can come. Whoever connects speaks first: a transport
	 * may keep the last step of its own handshake for the first bytes to carry. */
	int (*connect)(struct sp_queue *, uint32_t ep, uint32_t id, struct sp_conn **);
	/* The same from an address (and, unless 0, a port number) of its own instead of the port's:
	 * -EADDRNOTAVAIL, it is not this host's. NULL: there is no such thing. */
	int (*connect_from)(struct sp_queue *, const struct sp_endpoint *local, uint32_t ep,
			    uint32_t id, struct sp_conn **);
	/* Takes one that came in. -EAGAIN: none waits. -EMFILE, -ENOBUFS: it was turned away (and
	 * another one may wait). */
	int (*accept)(struct sp_queue *, uint32_t id, struct sp_conn **);
	/* HOT. Fills ev with what has become ready; returns how many. Never waits: the queue's fd
	 * is readable when there is something. */
	uint32_t (*ready)(struct sp_queue *, struct sp_conn_event *ev, uint32_t max);
};

/* A layer over another connection (TLS): a plug-in of the kind conn. Opened by the control thread,
 * once a worker; used by that worker. */
struct sp_wrap;
struct sp_wrap_args {
	const void *conf; /* its settings (opts) */
	bool server;
	const char *peer_name; /* client: the name that the target was written as */
	uint32_t max_conns;
};
struct sp_wrap_ops {
	SP_PLUGIN_HEAD;
	int (*open)(struct sp_wrap **, const struct sp_wrap_args *, const struct sp_env *,
		    struct sp_err *);
	/* Takes over lower, which may still be opening; on an error lower stays the caller's. */
	int (*wrap)(struct sp_wrap *, struct sp_conn *lower, struct sp_conn **);
	void (*close)(struct sp_wrap *); /* after its connections */
};

#endif
