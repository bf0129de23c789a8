/* spate replay: captures at packet level, or (-t FILE, --cfg FILE) sessions of a reproduction. */
#ifndef SP_CLI_CMD_REPLAY_H
#define SP_CLI_CMD_REPLAY_H

struct sp_self;

/* argv[0] is the word after the command. Returns the program's exit status. */
int sp_cmd_replay(int argc, char **argv);
/* self: of a run with a name; NULL: it has none. */
int sp_replay_words(int argc, char **argv, struct sp_self *self);

#endif
