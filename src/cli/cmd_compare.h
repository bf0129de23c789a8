/* spate compare: runs against each other. */
#ifndef SP_CLI_CMD_COMPARE_H
#define SP_CLI_CMD_COMPARE_H

#include "base/options.h"

extern const struct sp_flag sp_cmd_compare_flags[];
/* argv[0] is the word after "compare". Returns the exit status. */
int sp_cmd_compare(int argc, char **argv);

#endif
