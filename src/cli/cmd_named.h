/* spate poll, spate stop, spate list: runs with a name. */
#ifndef SP_CLI_CMD_NAMED_H
#define SP_CLI_CMD_NAMED_H

#include "base/options.h"

extern const struct sp_flag sp_cmd_poll_flags[], sp_cmd_list_flags[];
/* argv[0] is the word after the command. Return the program's exit status. */
int sp_cmd_poll(int argc, char **argv);
int sp_cmd_stop(int argc, char **argv);
int sp_cmd_list(int argc, char **argv);

#endif
