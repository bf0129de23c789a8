/* `spate replay -t FILE`: the telemetry sessions of a reproduction. */
#ifndef SP_CLI_CMD_REPRODUCE_H
#define SP_CLI_CMD_REPRODUCE_H

#include <stdbool.h>

#include "base/options.h"

struct sp_self;

extern const struct sp_flag sp_reproduce_flags[];
/* Do these words of `spate replay` mean a reproduction? */
bool sp_reproduce_meant(int argc, char **argv);
int sp_reproduce_words(int argc, char **argv, struct sp_self *);

#endif
