/* spate key: the user's own key and those of others. */
#ifndef SP_CLI_CMD_KEY_H
#define SP_CLI_CMD_KEY_H

#include "base/options.h"

extern const struct sp_flag sp_cmd_key_flags[];
int sp_cmd_key(int argc, char **argv);

#endif
