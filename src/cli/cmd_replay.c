#include "cli/cmd_replay.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd_conversations.h"
#include "cli/cmd_reproduce.h"
#include "cli/cmd_run.h"
#include "cli/replay_ways.h"
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

static int complain(const struct sp_err *err)
{
	fprintf(stderr, "spate replay: %s\n", err->text);
	if (err->exit == SP_EXIT_USAGE)
		fprintf(stderr, "See `spate help replay`.\n");
	return (int)err->exit;
}

/* A capture is judged before it is sent: what can be read once only is kept. */
static int packets(int argc, char **argv, struct sp_self *self)
{
	struct sp_err err = { 0 };
	bool from_stdin = false;

	/* What else is wrong with the words is said by who reads them. */
	switch (sp_flags_parse(sp_replay_flags, argc, argv, is_stdin, &from_stdin, &err)) {
	case 0:
		if (from_stdin && sp_spool_stdin(&err))
			return complain(&err);
		break;
	case -ENOENT:
		sp_replay_explain(SP_REPLAY_PACKETS, &err);
		return complain(&err);
	default:
		break;
	}
	return sp_run_words("replay", argc, argv, self);
}

/* tcpreplay's -t, by mistake: no file follows, or a capture. */
static bool is_theirs(int argc, char **argv)
{
	static const char *const ends[] = { ".pcap", ".pcapng", ".cap", ".gz", ".zst" };
	const char *next;
	size_t len;

	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "-t") != 0)
			continue;
		next = i + 1 < argc ? argv[i + 1] : "-";
		len = strlen(next);
		if (*next == '-')
			return true;
		for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
			if (len > strlen(ends[k]) &&
			    !strcmp(next + len - strlen(ends[k]), ends[k]))
				return true;
	}
	return false;
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

	if (is_theirs(argc, argv))
		return packets(argc, argv, self);
	while (w->meant && !w->meant(argc, argv))
		w++;
	return w->run(argc, argv, self);
}

int sp_cmd_replay(int argc, char **argv)
{
	return sp_replay_words(argc, argv, NULL);
}
