/* The conversations of a capture, as books (plugin/conversation.h): one for each port number of
 * servers, over TCP and of UDP apart.
 *
 * Over TCP a conversation begins with its SYN: those whose beginning was not captured, or that have
 * holes, are left out and counted. Of UDP all between two endpoints is one conversation, and the one
 * who spoke first is the client; unless his number is a server's (below 1024) and the other's is not:
 * then the question was not captured, and what comes before the client's first datagram is left out.
 * Datagrams to groups, and conversations with one that the capture cut, are left out, too. Every
 * datagram counts, equal ones and empty ones. */
#ifndef SP_CAPTURE_CONVERSATIONS_H
#define SP_CAPTURE_CONVERSATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "plugin/conversation.h"

#define SP_CONVERSATION_BOOKS 64u
#define SP_CONVERSATION_BYTES (UINT64_C(256) << 20) /* of all that is said, at most */

struct sp_conversation_book {
	uint16_t port; /* of the servers; 0: of all */
	bool udp;
	struct sp_book *book;
	uint32_t at_once; /* as many as went on at a time */
};

struct sp_conversations {
	struct sp_conversation_book books[SP_CONVERSATION_BOOKS];
	uint32_t n;
	/* Conversations that were left out; holes: octets are not in the capture; silent: the client
	 * said nothing; others: they were not asked for. */
	uint64_t begun_before, holes, silent, others;
	/* Datagrams that were: before the first question; to groups. */
	uint64_t unasked, groups;
	char damage[SP_ERR_TEXT]; /* where the file is damaged, a sentence; "": nowhere */
};

struct sp_conversations_conf {
	uint16_t port; /* only those with servers of this port; 0: all */
	bool one_book; /* whatever their ports are (one of each protocol) */
	bool tcp, udp; /* those that are asked for */
};

/* 0, or an error: those of sp_cap_open and sp_cap_next, but for damage behind the first packet (what
 * is before it is read, then); -ENOENT (65): none is left; -E2BIG (65): too many ports or octets. Of
 * an error nothing is to be freed. */
int sp_conversations_read(struct sp_conversations *, const char *path,
			  const struct sp_conversations_conf *, const struct sp_mem *,
			  struct sp_err *);
void sp_conversations_free(struct sp_conversations *, const struct sp_mem *);

#endif
