/* `spate replay FILE --as client`: the client's side of recorded conversations over sockets. */
#ifndef SP_CLI_CMD_CONVERSATIONS_H
#define SP_CLI_CMD_CONVERSATIONS_H

#include <stdbool.h>

#include "base/options.h"

struct sp_self;

extern const struct sp_flag sp_conversations_flags[];
/* Do these words of `spate replay` mean conversations? */
bool sp_conversations_meant(int argc, char **argv);
int sp_conversations_words(int argc, char **argv, struct sp_self *);

#endif
