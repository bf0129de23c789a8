/* spate send, spate recv. */
#ifndef SP_CLI_CMD_RUN_H
#define SP_CLI_CMD_RUN_H

/* argv[0] is the word after the command. Return the program's exit status. */
int sp_cmd_send(int argc, char **argv);
int sp_cmd_recv(int argc, char **argv);

#endif
