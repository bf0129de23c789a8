#include "cli/cmd_replay.h"

#include <stdbool.h>
#include <stddef.h>

#include "cli/cmd_conversations.h"
#include "cli/cmd_reproduce.h"
#include "cli/cmd_run.h"

static int packets(int argc, char **argv, struct sp_self *self)
{
	return sp_run_words("replay", argc, argv, self);
}

/* What a replay can be, by its words; the first that is meant. */
static const struct way {
	bool (*meant)(int argc, char **argv); /* NULL: whatever is left */
	int (*run)(int argc, char **argv, struct sp_self *);
} ways[] = {
	{ sp_reproduce_meant, sp_reproduce_words },
	{ sp_conversations_meant, sp_conversations_words },
	{ NULL, packets },
};

int sp_replay_words(int argc, char **argv, struct sp_self *self)
{
	const struct way *w = ways;

	while (w->meant && !w->meant(argc, argv))
		w++;
	return w->run(argc, argv, self);
}

int sp_cmd_replay(int argc, char **argv)
{
	return sp_replay_words(argc, argv, NULL);
}
