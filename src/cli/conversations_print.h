/* What became of conversations, for people and for programs. */
#ifndef SP_CLI_CONVERSATIONS_PRINT_H
#define SP_CLI_CONVERSATIONS_PRINT_H

#include "base/str.h"
#include "capture/conversations.h"

struct sp_conversations_sum {
	uint64_t all, equal, different, timeout, failed, not_played;
};

void sp_conversations_sum(const struct sp_conversations *, struct sp_conversations_sum *);
void sp_conversations_text(const struct sp_conversations *, struct sp_str *);
void sp_conversations_json(const struct sp_conversations *, struct sp_str *);

#endif
