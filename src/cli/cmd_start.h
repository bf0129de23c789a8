/* spate start. */
#ifndef SP_CLI_CMD_START_H
#define SP_CLI_CMD_START_H

#include "base/options.h"

extern const struct sp_flag sp_cmd_start_flags[];
/* argv[0] is the word after the command. Returns the program's exit status. */
int sp_cmd_start(int argc, char **argv);

#endif
