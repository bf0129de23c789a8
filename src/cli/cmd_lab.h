/* spate lab run, up, exec, link, list, down. */
#ifndef SP_CLI_CMD_LAB_H
#define SP_CLI_CMD_LAB_H

#include "base/options.h"

/* argv[0] is the word after "lab". Returns the program's exit status. */
int sp_cmd_lab(int argc, char **argv);

extern const struct sp_flag sp_cmd_lab_flags[];

#endif
