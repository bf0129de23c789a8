/* What became of conversations, for people and for programs. */
#ifndef SP_CLI_CONVERSATIONS_PRINT_H
#define SP_CLI_CONVERSATIONS_PRINT_H

#include "base/str.h"
#include "capture/conversations.h"

/* What is not in the books. */
struct sp_conversations_run {
	const char *remarks; /* of the engine, a line each; "": none */
	int exit_code;
};

void sp_conversations_text(const struct sp_conversations *, const struct sp_conversations_run *,
			   struct sp_str *);
/* The same in lines of one sentence each, without the engine's remarks. */
void sp_conversations_lines(const struct sp_conversations *, struct sp_str *);
void sp_conversations_json(const struct sp_conversations *, const struct sp_conversations_run *,
			   struct sp_str *);

#endif
