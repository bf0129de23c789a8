/* The machine's parts to each other; nobody else includes this. */
#ifndef SP_PROTO_CONVERSATION_MACHINE_H
#define SP_PROTO_CONVERSATION_MACHINE_H

#include "plugin/conversation.h"
#include "plugin/proto.h"

enum conversation_compare { COMPARE_BYTES, COMPARE_LENGTH, COMPARE_NONE };
enum conversation_pace { PACE_ANSWERS, PACE_RECORDED };
enum conversation_await { AWAIT_OCTETS, AWAIT_PAUSE, AWAIT_NONE };

struct conversation_conf {
	const char *book;
	int compare, pace, await;
	uint64_t timeout_ns;
};

struct sp_proto {
	const struct sp_mem *mem;
	struct conversation_conf conf;
	struct sp_book *book;
	size_t size;
};

#define CONVERSATION_HEAD 2u /* a datagram's length, big-endian (plugin/conn.h) */

enum phase { IDLE, BUSY, LAST, SPENT };

struct machine {
	const struct sp_proto *p;
	struct sp_book_conversation *c;
	enum phase phase;
	uint32_t say, hear;	    /* steps: the client's next, the server's present */
	uint64_t said, heard;	    /* octets of these */
	uint64_t got;		    /* of the server in all */
	uint64_t moved_ns, free_ns; /* the last progress; the client may go on */
	uint64_t start_ns, linger_ns;
	/* These octets were answers to what was said earlier: those that came, those that were
	 * recorded. */
	uint64_t from_got, from_before;
	uint64_t paused_ns; /* the server has paused by then, if it says no more; SP_NEVER */
	bool paused;	    /* free_ns is that of the present step */
	struct sp_txn txn;
	/* Datagrams: */
	uint32_t awaited; /* answers that were recorded before the client's next, and are due */
	uint8_t head[CONVERSATION_HEAD]; /* of the one that is said */
};

static inline struct sp_book_step *conversation_step(const struct machine *m, uint32_t i)
{
	return i < m->c->steps ? &sp_book_steps(m->p->book)[m->c->first + i] : NULL;
}

/* Is this the first difference? Then it is kept: in step i, from its octet off on, where these came. */
void sp_conversation_note(struct machine *, uint32_t i, uint64_t off, const uint8_t *came,
			  size_t n);

/* ---- book.c: maps conf.book, if it is one ---- */

int sp_conversation_map(struct sp_proto *, struct sp_err *);

/* ---- stream.c: octets of a byte stream against those of the server's steps ---- */

void sp_conversation_compare(struct machine *, const uint8_t *data, size_t len);

/* ---- datagrams.c ---- */

/* Takes the whole datagrams at the beginning of these octets, and says how many octets those are. */
size_t sp_conversation_datagrams(struct machine *, const uint8_t *data, size_t len);
/* The client's next step is m->say, which was from: what was recorded in between is due. */
void sp_conversation_await(struct machine *, uint32_t from);
/* Nobody waits any longer for those that are due. */
void sp_conversation_give_up(struct machine *);

#endif
