/* spate send, spate recv. */
#ifndef SP_CLI_CMD_RUN_H
#define SP_CLI_CMD_RUN_H

struct sp_self;

/* argv[0] is the word after the command. Return the program's exit status. */
int sp_cmd_send(int argc, char **argv);
int sp_cmd_recv(int argc, char **argv);
/* command is "send" or "recv". self: of a run with a name; NULL: it has none. */
int sp_run_words(const char *command, int argc, char **argv, struct sp_self *);

#endif
