/* `spate run`. */
#ifndef SP_CLI_CMD_SCENARIO_H
#define SP_CLI_CMD_SCENARIO_H

int sp_cmd_scenario(int argc, char **argv);

#endif
