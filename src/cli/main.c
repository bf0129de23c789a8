#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/cmd_help.h"
#include "cli/commands.h"
#include "spate/spate.h"

static int unknown(const char *word)
{
	const char *best = sp_cli_nearest(sp_cli_commands, word);
	char shown[80];

	sp_str_printable(shown, sizeof shown, word);
	fprintf(stderr, "spate: no such %s '%s'%s%s%s; 'spate help' lists the commands\n",
		*word == '-' ? "option" : "command", shown, best ? "; did you mean '" : "",
		best ? best : "", best ? "'?" : "");
	return SP_EXIT_USAGE;
}

static int version(void)
{
	if (puts("spate " SPATE_VERSION) != EOF && fflush(stdout) != EOF)
		return SP_EXIT_OK;
	fprintf(stderr, "spate: standard output: %s\n", strerror(errno));
	return SP_EXIT_IO;
}

/* What follows "--" is somebody else's. */
static bool asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct sp_cli_command *c, *verb;

	if (argc < 2) {
		fputs("spate: which command? 'spate help' lists them\n", stderr);
		return SP_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return sp_cmd_help_on(NULL);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return version();
	c = sp_cli_find(sp_cli_commands, argv[1]);
	if (!c)
		return unknown(argv[1]);
	if (asks_for_help(argc - 2, argv + 2)) {
		verb = sp_cli_verb(c->verbs, argv[2], NULL);
		return sp_cmd_help_on(verb ? verb : c);
	}
	if (!c->run) {
		fprintf(stderr, "spate: %s is not in this build\n", c->name);
		return SP_EXIT_PERM;
	}
	return c->run(argc - 2, argv + 2);
}
