/* The dialogue lane's parts to each other; nobody else includes this. A connection has a slot; what is
 * called with one may end the connection, and says so where the caller goes on. */
#ifndef SP_ENGINE_DIALOGUE_IMPL_H
#define SP_ENGINE_DIALOGUE_IMPL_H

#include "engine/lane_dialogue.h"

/* Bytes read at once. */
#define SP_DIALOGUE_READ 65536u

struct dialogue_conn {
	struct sp_dialogue_end *end;
	struct sp_dialogue_stream *s; /* client; NULL: a server's */
	struct sp_dialogue_server *v;
	struct sp_dialogue_session *session; /* client: of recorded messages; NULL: of none */
	uint32_t ep;			     /* server: of its source */
	struct sp_addr from;
	struct sp_wish wish;
	struct sp_dialogue_token token; /* client: the last one */
	uint64_t begun_ns, connect_by_ns;
	struct sp_again again; /* closed loop: its slot's */
	int error;	/* what ended it, a negative errno; 0: no error of the system's */
	uint64_t wrote; /* bytes */
	uint8_t *keep;	/* bytes shown and not taken */
	uint32_t keep_len;
	uint32_t idle_prev, idle_next;		       /* slot + 1 */
	bool idle, open, held, shut, eof, more, ended; /* ended: SP_TURN_END came */
	bool nudged;	/* its machine is to be asked for its wish again */
	bool good, bad; /* a unit came to its end; the last one failed */
};

/* A free buffer for what a connection keeps. */
struct dialogue_kept {
	struct dialogue_kept *next;
};

/* The machine's state stands behind it. */
#define STATE_AT ((sizeof(struct dialogue_conn) + 63) / 64 * 64)

static inline struct dialogue_conn *conn_of(const struct sp_dialogue *d, uint32_t slot)
{
	return sp_conns_room(d->conns, slot);
}

static inline void *state_of(const struct sp_dialogue *d, uint32_t slot)
{
	return (uint8_t *)sp_conns_room(d->conns, slot) + STATE_AT;
}

/* ---- dialogue_bytes.c: what a machine wants and is shown ---- */

extern const struct sp_conn_user sp_dialogue_user;
/* HOT. Does what the machine wants, and starts units as long as it takes them. */
void sp_dialogue_drive(struct sp_dialogue *, uint32_t slot, uint64_t now_ns);
/* Shows what has come in. False: the connection is gone. */
bool sp_dialogue_hear(struct sp_dialogue *, uint32_t slot, uint64_t now_ns);
/* Gives back the buffer of what was shown and not taken. */
void sp_dialogue_unkeep(struct sp_dialogue *, struct dialogue_conn *);

/* ---- dialogue_unit.c: from a token to its outcome ---- */

/* HOT. After each call into a machine, before the next: counts what came of it. True: something was
 * over. */
bool sp_dialogue_settle(struct sp_dialogue *, uint32_t slot, int error, uint64_t now_ns);
/* HOT. A token finds a connection, or waits, or fails. */
void sp_dialogue_serve(struct sp_dialogue *, struct sp_dialogue_stream *,
		       const struct sp_dialogue_token *, uint64_t now_ns);
/* HOT. It waits. */
void sp_dialogue_put(struct sp_dialogue *, struct sp_dialogue_stream *,
		     const struct sp_dialogue_token *);
/* HOT. The next unit of a connection that is ready: of the backlog, or the closed loop's own. False:
 * there is none, it is idle. */
bool sp_dialogue_next(struct sp_dialogue *, uint32_t slot, uint64_t now_ns);
/* A closed loop's connection that has none begins one, if there is still something to ask. */
void sp_dialogue_begin(struct sp_dialogue *, uint32_t slot, uint64_t now_ns);
bool sp_dialogue_goes_on(const struct sp_dialogue *, const struct sp_dialogue_stream *,
			 uint64_t now_ns);
/* A token is given up. */
void sp_dialogue_unsent(struct sp_dialogue_stream *);
/* A slot for a connection of the stream; SP_NO_SLOT: none is free. */
uint32_t sp_dialogue_client(struct sp_dialogue *, struct sp_dialogue_stream *);
/* The connection is over: drop, all is well; fail, its unit has failed. */
void sp_dialogue_drop(struct sp_dialogue *, uint32_t slot, bool reset, uint64_t now_ns);
void sp_dialogue_fail(struct sp_dialogue *, uint32_t slot, enum sp_why, int error,
		      uint64_t now_ns);
/* A new connection of a slot of the stream, whose machine is new, too. */
int sp_dialogue_connect(struct sp_dialogue *, uint32_t slot, uint64_t now_ns);

/* ---- dialogue_play.c: sessions of recorded messages ---- */

/* Its connection is over. */
void sp_play_gone(struct sp_dialogue *, uint32_t slot, bool reset, uint64_t now_ns);
/* It has none, and its time has come. */
void sp_play_begin(struct sp_dialogue *, uint32_t slot, uint64_t now_ns);
/* Once a tick, of one that has a slot. */
void sp_play_look(struct sp_dialogue *, uint32_t slot);
/* HOT. A unit has left. */
void sp_play_left(struct sp_dialogue *, struct dialogue_conn *, const struct sp_txn *);

/* ---- lane_dialogue.c ---- */

/* What the kernel knows of a connection; closing: for the last time. */
void sp_dialogue_ask(struct sp_dialogue_stream *, struct sp_conn *, bool closing);

#endif
