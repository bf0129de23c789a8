/* `spate run`. */
#ifndef SP_CLI_CMD_SCENARIO_H
#define SP_CLI_CMD_SCENARIO_H

struct sp_self;

int sp_cmd_scenario(int argc, char **argv);
/* The same of a run with a name. */
int sp_scenario_words(int argc, char **argv, struct sp_self *);

#endif
