/* The conversations over TCP in a capture, as books (plugin/conversation.h): one for each port
 * number of servers. Those whose beginning was not captured, or that have holes, are left out and
 * counted; so are datagrams. */
#ifndef SP_CAPTURE_CONVERSATIONS_H
#define SP_CAPTURE_CONVERSATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "plugin/conversation.h"

#define SP_CONVERSATION_PORTS 64u
#define SP_CONVERSATION_BYTES (UINT64_C(256) << 20) /* of all octets, at most */

struct sp_conversation_book {
	uint16_t port; /* of the servers; 0: of all */
	struct sp_book *book;
	uint32_t at_once; /* as many as went on at a time */
};

struct sp_conversations {
	struct sp_conversation_book books[SP_CONVERSATION_PORTS];
	uint32_t n;
	uint64_t begun_before, holes,
		silent; /* were left out; silent: the client said nothing */
	uint64_t datagrams;
};

struct sp_conversations_conf {
	uint16_t port; /* only those with servers of this port; 0: all */
	bool one_book; /* whatever their ports are */
};

/* 0, or an error: those of sp_cap_open and sp_cap_next; -ENOENT (65): none is left; -E2BIG (65):
 * too many ports or octets. Of an error nothing is to be freed. */
int sp_conversations_read(struct sp_conversations *, const char *path,
			  const struct sp_conversations_conf *, const struct sp_mem *,
			  struct sp_err *);
/* After they were played: was there no connection for any? */
bool sp_conversations_unreached(const struct sp_conversations *);
void sp_conversations_free(struct sp_conversations *, const struct sp_mem *);

#endif
