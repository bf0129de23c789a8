/* A book of conversations, as somebody has recorded them and the client's machine
 * (proto/conversation) plays them: a piece of memory that both have mapped, made by one program for
 * itself. Behind the head stand the conversations, the steps and the octets; all numbers are the
 * host's. Results are written by the worker that plays and read when the run has ended.
 *
 * The conversations of a book are all over byte streams, or all of datagrams. */
#ifndef SP_PLUGIN_CONVERSATION_H
#define SP_PLUGIN_CONVERSATION_H

#include <stdint.h>

#include "base/address.h"

#define SP_BOOK_MAGIC UINT64_C(0x326b6f6f42657053)
#define SP_BOOK_NEVER UINT64_MAX
#define SP_BOOK_SHOWN 16u /* octets that are kept of a difference */

enum sp_book_state {
	SP_BOOK_WAITS, /* was not played */
	SP_BOOK_PLAYS,
	SP_BOOK_EQUAL, /* all was said, and the answers are as recorded (as far as compared) */
	SP_BOOK_DIFFERENT, /* an answer was another one, or one came that was not recorded */
	SP_BOOK_TIMEOUT, /* an answer did not come, or not all of it; what came was as recorded */
	SP_BOOK_FAILED, /* no connection, or it broke */
};

struct sp_book_conversation {
	struct sp_endpoint client, server; /* as recorded */
	uint32_t first, steps;		   /* of the book's */
	uint64_t start_ns;		   /* after the first conversation's start */
	uint64_t want;			   /* octets of the server, in all */
	uint64_t packet;		   /* its first, in the capture */
	/* results */
	uint64_t got; /* octets of the server */
	uint64_t
		differ_at; /* byte streams: of them, the first that was another; SP_BOOK_NEVER */
	uint32_t state;	   /* enum sp_book_state */
	uint32_t why;	   /* enum sp_why */
	/* The first difference: in which step, counted in the conversation (its number of steps:
	 * behind all that was recorded; UINT32_MAX: there is none), from which of its octets on, and what came there instead. */
	uint32_t differ_step, n_shown;
	uint64_t differ_off;
	uint8_t shown[SP_BOOK_SHOWN];
	/* Of datagrams: recorded answers that came as they were, otherwise, or not; those that came
	 * when nobody waited for them any more (they are alike or differing, too); and those that
	 * came beside the recorded ones. */
	uint32_t alike, differing, missing, late, extra;
};

/* What became of a datagram of the server. */
enum sp_book_answer {
	SP_ANSWER_AWAITED,
	SP_ANSWER_ALIKE,
	SP_ANSWER_DIFFERS,
	SP_ANSWER_MISSING
};

/* Octets that one side says; a datagram of it. */
struct sp_book_step {
	uint64_t at, len; /* in the book's octets */
	uint64_t
		before; /* client: so many octets (datagrams) of the server had come before it */
	uint64_t
		pause_ns; /* client: and so much time had passed since the last that was said */
	uint64_t t_ns;	  /* client: that was so long after the conversation's start */
	uint64_t packet;  /* its first, in the capture */
	uint32_t by_server; /* 0, 1 */
	uint32_t answer;    /* result: enum sp_book_answer */
};

struct sp_book {
	uint64_t magic, size; /* size: of all */
	uint32_t conversations, steps;
	uint64_t octets;    /* their length */
	uint64_t datagrams; /* 1: the steps are; 0: they are pieces of byte streams */
	uint64_t next;	    /* conversation that is played next; atomic */
};

static inline struct sp_book_conversation *sp_book_conversations(struct sp_book *b)
{
	return (struct sp_book_conversation *)(void *)(b + 1);
}

static inline struct sp_book_step *sp_book_steps(struct sp_book *b)
{
	return (struct sp_book_step *)(void *)(sp_book_conversations(b) + b->conversations);
}

static inline uint8_t *sp_book_octets(struct sp_book *b)
{
	return (uint8_t *)(sp_book_steps(b) + b->steps);
}

static inline uint64_t sp_book_size(uint32_t conversations, uint32_t steps, uint64_t octets)
{
	return sizeof(struct sp_book) + conversations * sizeof(struct sp_book_conversation) +
	       steps * sizeof(struct sp_book_step) + octets;
}

#endif
