/* Options of `spate replay` that belong to another way of replaying than the one that is meant. */
#ifndef SP_CLI_REPLAY_WAYS_H
#define SP_CLI_REPLAY_WAYS_H

#include "base/options.h"

enum sp_replay_way {
	SP_REPLAY_PACKETS,	 /* spate replay FILE... --interface DEV */
	SP_REPLAY_SESSIONS,	 /* -t FILE */
	SP_REPLAY_CONVERSATIONS, /* --as client */
	SP_REPLAY_WAYS
};

/* After sp_flags_parse said -ENOENT (the way's own rows have no such option): where another way has
 * it, the sentence says which, and what the meant way has instead. Returns err->code. */
int sp_replay_explain(enum sp_replay_way, struct sp_err *);

#endif
