/* Senders of captures whose messages are a section's, and who are not in its map: who they are, and how
 * much of theirs is left out. So many are kept one by one; of the others there are counts. */
#ifndef SP_SOURCE_MESSAGES_STRANGERS_H
#define SP_SOURCE_MESSAGES_STRANGERS_H

#include <stdbool.h>

#include "base/address.h"
#include "base/mem.h"

#define MSG_STRANGERS	   32u	  /* with their names */
#define MSG_STRANGERS_MOST 65536u /* that are told apart; a power of two */

/* Of one capture. */
struct msg_stranger_part {
	struct msg_stranger_part *next;
	uint32_t capture;
	uint64_t packets;
};

struct msg_stranger {
	struct sp_addr addr;
	struct msg_stranger_part *parts, *last;
	bool collector; /* the recorded far end of sessions that are played */
};

struct msg_strangers {
	struct msg_stranger named[MSG_STRANGERS];
	struct msg_stranger rest; /* all that are not named, together */
	uint32_t n, more;	  /* named; and others, up to MSG_STRANGERS_MOST in all */
	struct sp_addr
		*seen; /* [2 * MSG_STRANGERS_MOST] family 0: free; only once there are more */
	struct sp_arena arena; /* of the parts */
};

void sp_msg_strangers_init(struct msg_strangers *, const struct sp_mem *);

/* A packet of a sender in a capture; captures come one after the other. 0 or -ENOMEM. */
int sp_msg_strangers_add(struct msg_strangers *, const struct sp_addr *, uint32_t capture,
			 const struct sp_mem *);
/* It is where recorded sessions that are played went to. */
void sp_msg_strangers_collector(struct msg_strangers *, const struct sp_addr *);
/* Packets of one in all captures, each as often as it is played. */
uint64_t sp_msg_stranger_packets(const struct msg_stranger *, const uint32_t *plays);
void sp_msg_strangers_free(struct msg_strangers *, const struct sp_mem *);

#endif
