#include "cli/cmd_lab.h"

#include "base/str.h"
#include "lab/lab.h"

#include <stdio.h>
#include <string.h>

const struct sp_flag sp_cmd_lab_flags[] = {
	{ .spell = "--hosts",
	  .arg = SP_FLAG_VALUE,
	  .meta = "H1,H2,...",
	  .key = "hosts",
	  .group = "lab run [--hosts H1,H2,...] -- COMMAND...",
	  .help = "Names of the hosts, 1 to 64, default h1,h2. Host number n has eth0 with "
		  "10.99.0.n/24 and fd99::n/64 (hexadecimal: the tenth is fd99::a). Two are "
		  "joined by one veth, more by a bridge. COMMAND runs in the first; the lab "
		  "ends "
		  "with it, and its exit status is the lab's. 'spate lab exec HOST -- CMD', "
		  "called by COMMAND or anything it starts, runs CMD in another host." },
	{ 0 },
};

static int complain(const struct sp_err *err)
{
	fprintf(stderr, "spate lab: %s\n", err->text);
	return (int)err->exit;
}

static int usage(struct sp_err *err, const char *why)
{
	sp_fail(err, -1, SP_EXIT_USAGE, "%s", why);
	return complain(err);
}

/* The index of "--", or argc. */
static int command_at(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return i;
	return argc;
}

static int on_run_flag(void *arg, const struct sp_flag *flag, const char *value,
		       const char *spelling, struct sp_err *err)
{
	const char **hosts = arg;
	char shown[128];

	(void)spelling;
	if (!flag)
		return sp_fail(err, -1, SP_EXIT_USAGE,
			       "'%s' is unexpected; the command goes after --: spate lab run "
			       "[--hosts H1,H2,...] -- COMMAND...",
			       sp_str_printable(shown, sizeof shown, value));
	*hosts = value;
	return 0;
}

static int lab_run(int argc, char **argv)
{
	struct sp_err err = { 0 };
	struct sp_lab_hosts hosts;
	const char *names = "h1,h2";
	int status = 0, at = command_at(argc, argv);

	if (sp_flags_parse(sp_cmd_lab_flags, at, argv, on_run_flag, &names, &err) ||
	    sp_lab_hosts_parse(names, &hosts, &err))
		return complain(&err);
	if (at + 1 >= argc)
		return usage(&err,
			     "which command? spate lab run [--hosts H1,H2,...] -- COMMAND...");
	if (sp_lab_run(&hosts, argv + at + 1, &status, &err))
		return complain(&err);
	return status;
}

static int lab_exec(int argc, char **argv)
{
	struct sp_err err = { 0 };

	if (argc < 1 || !strcmp(argv[0], "--"))
		return usage(&err, "which host? spate lab exec HOST -- CMD...");
	if (argc < 3 || strcmp(argv[1], "--"))
		return usage(&err, "which command? spate lab exec HOST -- CMD...");
	sp_lab_exec(argv[0], argv + 2, &err);
	return complain(&err);
}

int sp_cmd_lab(int argc, char **argv)
{
	static const char *const words[] = { "run", "exec" };
	struct sp_err err = { 0 };
	char shown[128];

	if (argc < 1)
		return usage(&err,
			     "what? spate lab run -- COMMAND... makes a lab, spate lab exec "
			     "HOST -- CMD... runs something in it");
	if (!strcmp(argv[0], "run"))
		return lab_run(argc - 1, argv + 1);
	if (!strcmp(argv[0], "exec"))
		return lab_exec(argc - 1, argv + 1);
	const char *near = sp_str_nearest(argv[0], words, 2);
	sp_fail(&err, -1, SP_EXIT_USAGE, "unknown word '%s'; %s%s",
		sp_str_printable(shown, sizeof shown, argv[0]),
		near ? "did you mean " : "it is 'run' or 'exec'", near ? near : "");
	return complain(&err);
}
