/* A machine: one end of an application's conversation, without I/O, clock or allocation. Bytes
 * and time go in, bytes and wishes come out; the dialogue lane does the rest, over whatever conn
 * there is. So the same code runs over sockets, TLS, memory and in a fuzz target.
 *
 * Two objects: struct sp_proto is what a stream or receiver settles once (settings, prepared
 * bytes); it is read-only afterwards and may be shared by workers. The state is one connection's:
 * state_size bytes from the lane's pool, aligned to 16, and used by one worker.
 *
 * Times are those of the run's clock, never 0.
 *
 * The life of a state: init, then any of start, on_bytes, on_wrote, on_timer, on_eof in any
 * order, then at most one on_close (and of a session one loss). Init makes it new again for the next connection. */
#ifndef SP_PLUGIN_PROTO_H
#define SP_PLUGIN_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/prefix.h"
#include "pkt/batch.h"
#include "plugin/truth.h"

enum sp_role {
	SP_ROLE_CLIENT,	   /* begins at a token of the schedule */
	SP_ROLE_SERVER,	   /* begins when a connection was accepted */
	SP_ROLE_RESPONDER, /* answers datagrams or frames: on_msg */
};

/* Why something failed, in the words of the ledger's errors. */
enum sp_why {
	SP_WHY_NONE,	    /* it did not */
	SP_WHY_UNREACHABLE, /* ICMP */
	SP_WHY_REFUSED,	    /* the connection */
	SP_WHY_RESET,	    /* the connection, or it ended in mid-answer */
	SP_WHY_TIMEOUT,
	SP_WHY_STATUS, /* answered, with an error status */
	SP_WHY_TLS,
	SP_WHY_RESOLVE,
	SP_WHY_TOO_BIG, /* an answer beyond the machine's limits */
	SP_WHY_OTHER,	/* an answer that the protocol does not allow */
	SP_WHY_STOPPED, /* the run ended: not an error */
};

enum sp_wish_flag {
	SP_WISH_READY = 1u << 0, /* a client that can take another token: start may be called */
	SP_WISH_HOLD = 1u << 1,	 /* show no bytes until a wish comes without it: do not read */
	SP_WISH_SHUT = 1u << 2,	 /* end our direction once out is written; go on reading */
	SP_WISH_CLOSE = 1u << 3, /* close the connection once out is written */
	SP_WISH_RESET = 1u << 4, /* close it at once, by RST where there is one */
};

/* What a machine wants, complete after each call: a later wish replaces it. */
#define SP_WISH_OUT 4u
struct sp_wish {
	/* Bytes to write next, borrowed until the next call into this state. It may be less than
	 * all that there is: on_wrote brings more. */
	struct iovec out[SP_WISH_OUT];
	uint64_t timer_ns; /* call on_timer then (a little later is fine); SP_NEVER: none */
	uint8_t n_out;	   /* 0: nothing to write */
	uint8_t flags;	   /* enum sp_wish_flag */
	uint16_t sent;	   /* units that were sent in this call: their last byte was written, or
			    * the answer came whole before that */
	uint16_t done;	   /* outcomes to be fetched now, before the next call */
};

/* One departure. */
struct sp_token {
	uint64_t intended_ns; /* by the schedule */
	uint32_t size;	      /* drawn by the pacer, where the protocol sends one */
};

enum sp_txn_flag {
	SP_TXN_WHOLE = 1u << 0, /* the answer (server: the request) came to its end */
	/* A kept connection ended before one byte of the answer came, and the request may be
	 * repeated (RFC 9112 9.3.1): the same token may be started once on a new connection. */
	SP_TXN_RETRY = 1u << 1,
};

/* What became of a unit. Times are 0 where the event did not happen. A client's unit is its
 * request with the answer; a server's is a request that it took, with the status it gave. */
struct sp_txn {
	uint64_t intended_ns; /* client: the token's */
	uint64_t start_ns;    /* client: when start was called; server: first byte of it */
	uint64_t sent_ns;     /* client: last byte of the request was written */
	uint64_t first_ns;    /* client: first byte of the answer */
	uint64_t end_ns;      /* the answer (server: the request) was complete, or it failed */
	uint64_t tx_bytes;    /* client: written for it, headers included */
	uint64_t rx_bytes;    /* read for it, headers included */
	uint64_t body_bytes;  /* of rx_bytes: the body itself */
	uint16_t status;      /* the protocol's; 0: none came */
	uint8_t why;	      /* enum sp_why; SP_WHY_STATUS may come with SP_TXN_WHOLE */
	uint8_t flags;	      /* enum sp_txn_flag */
	const char *reason; /* what was wrong, a static part of a sentence; NULL when nothing */
};

/* How a session ended (sp_proto_ops.loss). text: part of a sentence that names the reason, in the
 * peer's own words where it said any; "": why says it all. */
#define SP_LOSS_TEXT 224u
struct sp_loss {
	enum sp_why why; /* SP_WHY_NONE: it stood, and was told to end */
	char text[SP_LOSS_TEXT];
};

struct sp_proto;

/* Responders: what they are shown, and answer with. */
enum sp_reply_unit {
	SP_REPLY_FRAME, /* whole Ethernet frames: it looks at addresses itself */
	SP_REPLY_PAYLOAD, /* payloads of UDP: sockets will do, and the engine looks at addresses */
};

/* How long may an answer be? A receiver is nobody's amplifier: it never answers a sender who may
 * be a pretended one with more bytes than came. */
enum sp_reply_growth {
	SP_GROWS_NEVER,
	SP_GROWS_OWN, /* longer ones to own networks (sp_addr_is_own), which is the engine's to see to */
	SP_GROWS_PROVEN, /* the machine makes sure that the sender is who he says */
};

/* Whom a responder of frames speaks for. */
struct sp_reply_own {
	uint8_t mac[6];
	struct sp_prefixes at;
};

/* What the engine knows when it opens a protocol. */
struct sp_proto_args {
	enum sp_role role;
	uint32_t size;	  /* --size, the largest one when it varies */
	bool size_given;  /* it was asked for */
	bool size_varies; /* each token brings its own */
	const char
		*authority; /* client: the target as the user wrote it, "host" or "host:port",
				* without the scheme's default port; may be NULL */
	const void *conf;   /* the protocol's own settings (opts); NULL: defaults */
	const struct sp_reply_own *own; /* responder; lives as long as the protocol */
	uint64_t seed;			/* of the stream's own series */
	int64_t real_offset_ns;		/* since 1970, of the run's clock's 0 */
	uint64_t secret[2];		/* responder: numbers that nobody outside can guess */
};

struct sp_proto_ops {
	SP_PLUGIN_HEAD;
	uint32_t roles;	   /* bits 1u << enum sp_role */
	size_t state_size; /* of a connection */
	/* Numbers that it is spoken on unless somebody says otherwise: as it is, and with tls
	 * under it. */
	uint16_t port, wrapped_port;
	/* Bytes that on_bytes may leave unread (without SP_WISH_HOLD) while it waits for more:
	 * what the lane's private buffer of a connection must be able to hold. */
	size_t keep_max;
	/* Client: it says all it has by one connection, which it keeps until the stream ends; its
	 * units are messages that nobody answers, and are started as fast as it takes them. The
	 * connection is made without a token, and again when it is lost. */
	bool session;
	/* Client: after a connection that came to nothing the next one waits, twice as long each
	 * time, but never longer than this; 0: what the engine does (engine/again.h). */
	uint64_t again_most_ns;
	/* Client: what it says may also be datagrams, over a transport whose door has them
	 * (plugin/conn.h). Targets are called by what carries it then, not by its own name. */
	bool datagrams;
	/* Responder: enum sp_reply_unit, enum sp_reply_growth. */
	uint8_t takes, grows;

	/* Cold. Prepared bytes are made here. */
	int (*open)(struct sp_proto **, const struct sp_proto_args *, const struct sp_mem *,
		    struct sp_err *);
	void (*close)(struct sp_proto *);
	/* Client, may be NULL: what the peer must have stored, by what the connections said: of a
	 * session, the messages that were written whole to the connection that stood until we
	 * closed it in order; none of one that was lost (plugin/truth.h). Cold, after the run. */
	int (*truth)(const struct sp_proto *, const struct sp_truth *);

	/* HOT, all of the rest: no allocation, no system call. */

	/* A new connection: client, it is being made; server, it was accepted. A client's output
	 * is written when the conn takes it; until then on_wrote is not called. */
	void (*init)(void *st, const struct sp_proto *, uint64_t now_ns, struct sp_wish *);
	/* Client: begins a unit. 0, or -EAGAIN when the last wish was without SP_WISH_READY (the
	 * token stays the caller's). */
	int (*start)(void *st, const struct sp_token *, uint64_t now_ns, struct sp_wish *);
	/* Takes a prefix and returns its length. What is left over is shown again: at once and
	 * before another start, if the wish has done and no SP_WISH_HOLD; with
	 * SP_WISH_HOLD as soon as a wish comes without it; else in front of the bytes that come
	 * next. Never called with 0 bytes. */
	size_t (*on_bytes)(void *st, const uint8_t *, size_t, uint64_t now_ns,
			   struct sp_wish *);
	/* n bytes of the last wish's out were written; 0: asks for the wish again. */
	void (*on_wrote)(void *st, size_t n, uint64_t now_ns, struct sp_wish *);
	/* At or after timer_ns. Called earlier it changes nothing. */
	void (*on_timer)(void *st, uint64_t now_ns, struct sp_wish *);
	/* The peer ended its direction and all its bytes were shown; left: those not taken. What
	 * is still to be written is written. */
	void (*on_eof)(void *st, size_t left, uint64_t now_ns, struct sp_wish *);
	/* The stream is over: what is to be said before a clean close, of which as much is written as
	 * the conn takes at once. May be NULL. */
	void (*on_end)(void *st, uint64_t now_ns, struct sp_wish *);
	/* Sessions: how it ended; asked once, after the last call into its state. Cold. */
	void (*loss)(const void *st, struct sp_loss *);
	/* The connection is gone, or never came. Only wish.done counts: a unit that was under
	 * way has failed with why. reason as in struct sp_txn, may be NULL. */
	void (*on_close)(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
			 struct sp_wish *);
	/* The next outcome, oldest first: exactly wish.done times after each call. */
	void (*outcome)(void *st, struct sp_txn *);
	/* Responder: reads msg and writes to reply->data, where reply->len bytes are room; sets len
	 * and returns 1, or 0: no answer. Its state begins as zeros, is one worker's, and sees all
	 * messages of a port. NULL for protocols over connections. */
	int (*on_msg)(void *st, const struct sp_msg *, struct sp_msg *reply, uint64_t now_ns);
};

/* A wish for nothing. */
static inline void sp_wish_clear(struct sp_wish *w)
{
	w->timer_ns = UINT64_MAX;
	w->n_out = 0;
	w->flags = 0;
	w->sent = 0;
	w->done = 0;
}

static inline void sp_wish_out(struct sp_wish *w, const void *data, size_t len)
{
	union {
		const void *in;
		void *out; /* iov_base is not const, but nobody writes there */
	} p = { data };

	w->out[w->n_out++] = (struct iovec){ p.out, len };
}

#endif
