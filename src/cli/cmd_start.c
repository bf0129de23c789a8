#include "cli/cmd_start.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/cmd_replay.h"
#include "cli/cmd_run.h"
#include "cli/cmd_scenario.h"
#include "named/named.h"

const struct sp_flag sp_cmd_start_flags[] = {
	{ "-h, --help", SP_FLAG_NONE, NULL, "help", "yes", "Help", "this text" },
	{ 0 },
};

/* What can be started. */
static int run_send(int argc, char **argv, struct sp_self *self)
{
	return sp_run_words("send", argc, argv, self);
}

static int run_recv(int argc, char **argv, struct sp_self *self)
{
	return sp_run_words("recv", argc, argv, self);
}

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv, struct sp_self *);
} commands[] = {
	{ "send", run_send },
	{ "recv", run_recv },
	{ "replay", sp_replay_words },
	{ "run", sp_scenario_words },
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

struct words {
	const struct command *command;
	int argc;
	char **argv;
};

static int body(void *arg, struct sp_self *self)
{
	const struct words *w = arg;

	return w->command->run(w->argc, w->argv, self);
}

static int find_command(const char *word, const struct command **out, struct sp_err *err)
{
	const char *names[N_COMMANDS], *best;
	char shown[80];

	for (size_t i = 0; i < N_COMMANDS; i++) {
		names[i] = commands[i].name;
		if (strcmp(names[i], word) == 0) {
			*out = &commands[i];
			return 0;
		}
	}
	best = sp_str_nearest(word, names, N_COMMANDS);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "'%s' cannot be started; send, recv, replay and run can%s%s%s",
		       sp_str_printable(shown, sizeof shown, word),
		       best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

static int check(int argc, char **argv, struct words *w, struct sp_err *err)
{
	char shown[80];

	if (argc < 2)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "which run? spate start NAME send|recv|replay|run WORDS...");
	if (!sp_named_is_name(argv[0]))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "'%s' is not a name: letters, digits, '-' and '_', a letter or "
			       "digit first, %d at most",
			       sp_str_printable(shown, sizeof shown, argv[0]),
			       SP_NAMED_NAME_LEN - 1);
	*w = (struct words){ .argc = argc - 2, .argv = argv + 2 };
	for (int i = 0; i < w->argc; i++)
		if (strcmp(w->argv[i], "--dry-run") == 0)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "--dry-run starts nothing; leave 'start %s' out",
				       argv[0]);
	return find_command(argv[1], &w->command, err);
}

int sp_cmd_start(int argc, char **argv)
{
	struct sp_err err = { 0 };
	struct words w;
	int rc = check(argc, argv, &w, &err);

	if (!rc)
		rc = sp_named_start(argv[0], w.command->name, body, &w, &err);
	if (rc >= 0)
		return rc; /* 0, or as the run ended, which has said why */
	fprintf(stderr, "spate start: %s\n", err.text);
	if (err.exit == SP_EXIT_USAGE && rc != -EEXIST)
		fprintf(stderr, "See `spate help start`.\n");
	return (int)err.exit;
}
