#include "cli/cmd_agent.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/str.h"
#include "cli/capture_child.h"
#include "cli/confine.h"

const struct sp_flag sp_cmd_agent_flags[] = {
	{ .spell = "--stdio",
	  .arg = SP_FLAG_NONE,
	  .key = "stdio",
	  .value = "yes",
	  .group = "Carrier",
	  .help = "messages on standard input and output: whoever started it is the "
		  "controller" },
	{ .spell = "--no-sandbox",
	  .arg = SP_FLAG_NONE,
	  .key = "no_sandbox",
	  .value = "yes",
	  .group = "Carrier",
	  .help = "keep capabilities, system calls and files that the run does not need" },
	{ .spell = "--capture",
	  .arg = SP_FLAG_VALUE,
	  .meta = "INTERFACE",
	  .key = "capture",
	  .group = "Carrier",
	  .help = "instead: record what crosses the interface, for a controller's 'capture:', until "
		  "standard input ends; its one line is the path of the file" },
	{ .spell = "--filter",
	  .arg = SP_FLAG_VALUE,
	  .meta = "FILTER",
	  .key = "filter",
	  .group = "Carrier",
	  .help = "--capture: only what this takes, see pcap-filter(7)" },
	{ 0 },
};

struct words {
	bool stdio, no_sandbox;
	const char *capture, *filter;
};

static int on_flag(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct words *w = arg;
	char shown[80];

	(void)spelling;
	if (!flag)
		return sp_fail(err, -1, SP_EXIT_USAGE, "'%s' is unexpected",
			       sp_str_printable(shown, sizeof shown, value));
	if (strcmp(flag->key, "capture") == 0)
		w->capture = value;
	else if (strcmp(flag->key, "filter") == 0)
		w->filter = value;
	else if (strcmp(flag->key, "no_sandbox") == 0)
		w->no_sandbox = true;
	else
		w->stdio = true;
	return 0;
}

static void confine(struct spate_run *run)
{
	sp_cli_confine(run, NULL, 0);
}

int sp_cmd_agent(int argc, char **argv)
{
	struct sp_err err = { 0 };
	struct words w = { .filter = "" };

	if (sp_flags_parse(sp_cmd_agent_flags, argc, argv, on_flag, &w, &err) ||
	    w.stdio == (w.capture != NULL)) {
		fprintf(stderr, "spate agent: %s\n",
			err.code ? err.text : "how is it reached? spate agent --stdio");
		return SP_EXIT_USAGE;
	}
	if (w.capture)
		return sp_capture_child(w.capture, w.filter);
	sp_cli_allow_descriptors();
	return sp_agent_serve(STDIN_FILENO, STDOUT_FILENO, w.no_sandbox ? NULL : confine);
}
