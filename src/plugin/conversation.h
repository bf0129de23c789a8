/* A book of conversations over byte streams, as somebody has recorded them and the client's machine
 * (proto/conversation) plays them: a piece of memory that both have mapped, made by one program for
 * itself. Behind the head stand the conversations, the steps and the octets; all numbers are the
 * host's. Results are written by the worker that plays and read when the run has ended. */
#ifndef SP_PLUGIN_CONVERSATION_H
#define SP_PLUGIN_CONVERSATION_H

#include <stdint.h>

#define SP_BOOK_MAGIC UINT64_C(0x316b6f6f42657053)
#define SP_BOOK_NEVER UINT64_MAX

enum sp_book_state {
	SP_BOOK_WAITS, /* was not played */
	SP_BOOK_PLAYS,
	SP_BOOK_EQUAL, /* all was said, and what was answered is as recorded (as far as compared) */
	SP_BOOK_DIFFERENT,
	SP_BOOK_TIMEOUT, /* an answer did not come, or not all of it */
	SP_BOOK_FAILED,	 /* no connection, or it broke */
};

struct sp_book_conversation {
	uint32_t first, steps; /* of the book's */
	uint64_t start_ns;     /* after the first conversation's start */
	uint64_t want;	       /* octets of the server, in all */
	uint64_t packet;       /* its first, in the capture */
	/* results */
	uint64_t got;	    /* octets of the server */
	uint64_t differ_at; /* of them, the first that was another; SP_BOOK_NEVER */
	uint32_t state;	    /* enum sp_book_state */
	uint32_t why;	    /* enum sp_why */
};

/* Octets that one side says. */
struct sp_book_step {
	uint64_t at, len; /* in the book's octets */
	uint64_t before;  /* client: so many octets of the server had come before it */
	uint64_t
		pause_ns; /* client: and so much time had passed since the last that was said */
	uint64_t by_server; /* 0, 1 */
};

struct sp_book {
	uint64_t magic, size; /* size: of all */
	uint32_t conversations, steps;
	uint64_t octets; /* their length */
	uint64_t next;	 /* conversation that is played next; atomic */
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
