/* spate help [CMD], spate help --man [CMD], spate help --completion bash. */
#ifndef SP_CLI_CMD_HELP_H
#define SP_CLI_CMD_HELP_H

#include "cli/commands.h"

/* argv[0] is the word after "help". Returns the program's exit status. */
int sp_cmd_help(int argc, char **argv);
/* `spate CMD --help`, `spate CMD VERB --help`; NULL: `spate --help`. */
int sp_cmd_help_on(const struct sp_cli_command *);

extern const struct sp_flag sp_cmd_help_flags[];

#endif
