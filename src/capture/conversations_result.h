/* What became of conversations that were played, in few words. */
#ifndef SP_CAPTURE_CONVERSATIONS_RESULT_H
#define SP_CAPTURE_CONVERSATIONS_RESULT_H

#include "capture/conversations.h"

enum sp_conversation_result {
	SP_CONVERSATION_NOT_PLAYED,
	SP_CONVERSATION_EQUAL,
	SP_CONVERSATION_DIFFERENT,
	SP_CONVERSATION_UNANSWERED, /* an answer did not come in time, or not all of it */
	SP_CONVERSATION_CUT,	    /* the connection ended or broke before its time */
	SP_CONVERSATION_REFUSED,    /* nobody was there */
	SP_CONVERSATION_RESULTS
};

struct sp_conversations_sum {
	uint64_t all, tcp, udp;
	uint64_t of[SP_CONVERSATION_RESULTS];
	/* Of UDP: answers that were recorded, and what became of those of conversations that were
	 * played; see struct sp_book_conversation. */
	uint64_t answers, alike, differing, missing, late, extra;
};

/* "equal", "not played", ...; as a key, "not_played". */
const char *sp_conversation_result_name(enum sp_conversation_result);
const char *sp_conversation_result_key(enum sp_conversation_result);
enum sp_conversation_result sp_conversation_result(const struct sp_book_conversation *);
/* Why it was cut or refused: a part of a sentence. */
const char *sp_conversation_why(const struct sp_book_conversation *);
/* Datagrams of the server that were recorded; 0 over TCP. */
uint32_t sp_conversation_answers(struct sp_book *, const struct sp_book_conversation *);
void sp_conversations_sum(const struct sp_conversations *, struct sp_conversations_sum *);

#endif
