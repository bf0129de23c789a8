/* `spate agent`. */
#ifndef SP_CLI_CMD_AGENT_H
#define SP_CLI_CMD_AGENT_H

#include "base/options.h"

extern const struct sp_flag sp_cmd_agent_flags[];
int sp_cmd_agent(int argc, char **argv);

#endif
