#include "cli/replay_ways.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cli/cmd_conversations.h"
#include "cli/cmd_reproduce.h"
#include "scenario/words.h"

static const struct way {
	const struct sp_flag *rows;
	const char *what, *with;
} ways[SP_REPLAY_WAYS] = {
	[SP_REPLAY_PACKETS] = { sp_replay_flags,
				"the replay of packets (FILE... --interface DEV)",
				"without -t and --as" },
	[SP_REPLAY_SESSIONS] = { sp_reproduce_flags,
				 "the replay of telemetry sessions (-t FILE)", "with -t" },
	[SP_REPLAY_CONVERSATIONS] = { sp_conversations_flags,
				      "the replay of conversations (--as client)",
				      "with --as client" },
};

/* What says nearly the same there. */
static const struct instead {
	enum sp_replay_way way;
	const char *spelling, *text;
} insteads[] = {
	{ SP_REPLAY_SESSIONS, "--interface", "network.interface in the file" },
	{ SP_REPLAY_SESSIONS, "-i", "network.interface in the file" },
	{ SP_REPLAY_SESSIONS, "--multiplier", "time_factor in the file (its inverse)" },
	{ SP_REPLAY_SESSIONS, "-x", "time_factor in the file (its inverse)" },
	{ SP_REPLAY_SESSIONS, "--loop", "repeat.count in the file" },
	{ SP_REPLAY_SESSIONS, "-l", "repeat.count in the file" },
	{ SP_REPLAY_SESSIONS, "--preload-pcap", "optimize.preload in the file" },
	{ SP_REPLAY_SESSIONS, "--target", "collector in each section of the file" },
	{ SP_REPLAY_SESSIONS, "--filter", "select in each section of the file" },
	{ SP_REPLAY_CONVERSATIONS, "--topspeed", "--times answers, which is the default" },
	{ SP_REPLAY_CONVERSATIONS, "--filter", "--server-port and --protocol" },
};

static const char *instead_of(enum sp_replay_way way, const char *spelling)
{
	for (size_t i = 0; i < sizeof insteads / sizeof *insteads; i++)
		if (insteads[i].way == way && !strcmp(insteads[i].spelling, spelling))
			return insteads[i].text;
	return NULL;
}

int sp_replay_explain(enum sp_replay_way meant, struct sp_err *err)
{
	const char *instead;
	char spelling[64];

	if (err->code != -ENOENT)
		return err->code;
	sp_strlcpy(spelling, err->text, sizeof spelling);
	spelling[strcspn(spelling, ":")] = '\0';
	for (unsigned i = 0; i < SP_REPLAY_WAYS; i++) {
		if (i == (unsigned)meant || !sp_flag_find(ways[i].rows, spelling))
			continue;
		instead = instead_of(meant, spelling);
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s belongs to %s; %s %s%s",
			       spelling, ways[i].what, ways[meant].with,
			       instead ? "that is " : "it has no meaning",
			       instead ? instead : "");
	}
	return err->code;
}
