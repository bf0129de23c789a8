#include "cli/cmd_agent.h"

#include <stdio.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/str.h"
#include "cli/confine.h"

const struct sp_flag sp_cmd_agent_flags[] = {
	{ .spell = "--stdio",
	  .arg = SP_FLAG_NONE,
	  .key = "stdio",
	  .value = "yes",
	  .group = "Carrier",
	  .help = "messages on standard input and output: whoever started it is the "
		  "controller" },
	{ 0 },
};

static int on_flag(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	char shown[80];

	(void)spelling;
	if (!flag)
		return sp_fail(err, -1, SP_EXIT_USAGE, "'%s' is unexpected",
			       sp_str_printable(shown, sizeof shown, value));
	*(bool *)arg = true;
	return 0;
}

static void confine(struct spate_run *run)
{
	sp_cli_confine(run, -1);
}

int sp_cmd_agent(int argc, char **argv)
{
	struct sp_err err = { 0 };
	bool stdio = false;

	if (sp_flags_parse(sp_cmd_agent_flags, argc, argv, on_flag, &stdio, &err) || !stdio) {
		fprintf(stderr, "spate agent: %s\n",
			err.code ? err.text : "how is it reached? spate agent --stdio");
		return SP_EXIT_USAGE;
	}
	sp_cli_allow_descriptors();
	return sp_agent_serve(STDIN_FILENO, STDOUT_FILENO, confine);
}
