#include "cli/cmd_replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd_conversations.h"
#include "cli/cmd_reproduce.h"
#include "cli/cmd_run.h"
#include "cli/spool.h"
#include "scenario/words.h"

static int is_stdin(void *arg, const struct sp_flag *flag, const char *value,
		    const char *spelling, struct sp_err *err)
{
	(void)spelling;
	(void)err;
	*(bool *)arg |= !flag && !strcmp(value, "-");
	return 0;
}

/* A capture is judged before it is sent: what can be read once only is kept. */
static int packets(int argc, char **argv, struct sp_self *self)
{
	struct sp_err err = { 0 };
	bool from_stdin = false;

	/* What is wrong with the words is said by who reads them. */
	if (!sp_flags_parse(sp_replay_flags, argc, argv, is_stdin, &from_stdin, &err) &&
	    from_stdin && sp_spool_stdin(&err)) {
		fprintf(stderr, "spate replay: %s\n", err.text);
		return (int)err.exit;
	}
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
