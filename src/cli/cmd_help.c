#include "cli/cmd_help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "report/json.h"
#include "scenario/scenario.h"
#include "scenario/traffic.h"
#include "scenario/words.h"
#include "spate/spate.h"

const struct sp_flag sp_cmd_help_flags[] = {
	{ "--man", SP_FLAG_NONE, NULL, "man", "yes", "Form", "a man page, for man -l -" },
	{ "--completion", SP_FLAG_VALUE, "SHELL", "completion", NULL, "Form",
	  "completion for a shell: bash" },
	{ "--schema", SP_FLAG_VALUE, "WHAT", "schema", NULL, "Form",
	  "JSON Schema: of 'scenario' files, or of the 'report' that --json prints" },
	{ "-h, --help", SP_FLAG_NONE, NULL, "help", "yes", "Form", "this text" },
	{ 0 },
};

struct asked {
	const char *command, *verb, *completion, *schema;
	bool man;
};

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct asked *a = arg;

	(void)spelling;
	if (flag && strcmp(flag->key, "man") == 0)
		a->man = true;
	else if (flag && strcmp(flag->key, "completion") == 0)
		a->completion = value;
	else if (flag && strcmp(flag->key, "schema") == 0)
		a->schema = value;
	else if (!flag && a->verb)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "one command at a time");
	else if (!flag && a->command)
		a->verb = value;
	else if (!flag)
		a->command = value;
	return 0;
}

static int print(struct sp_str *text)
{
	bool bad = text->failed;

	if (!bad)
		bad = fputs(text->text, stdout) == EOF || fflush(stdout) == EOF;
	sp_str_fini(text);
	if (bad)
		fprintf(stderr, "spate: standard output: %s\n", strerror(errno));
	return bad ? SP_EXIT_IO : SP_EXIT_OK;
}

static int complain(const struct sp_err *err)
{
	fprintf(stderr, "spate help: %s\n", err->text);
	return (int)err->exit;
}

static int write_schema(const char *what, struct sp_str *out, struct sp_err *err)
{
	char shown[80];

	if (strcmp(what, "scenario") == 0)
		sp_scenario_schema(out);
	else if (strcmp(what, "report") == 0)
		sp_report_schema(out);
	else
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "there is no schema of '%s'; there are scenario and report",
			       sp_str_printable(shown, sizeof shown, what));
	return 0;
}

/* What there is help on beside commands. */
static const struct {
	const char *name;
	void (*text)(struct sp_str *out);
} topics[] = {
	{ "laws", sp_laws_text },
	{ "replies", sp_replies_text },
	{ "transports", sp_transports_text },
};

static int no_such(const char *what, const char *word, const char *near, struct sp_err *err)
{
	char shown[80];

	sp_str_printable(shown, sizeof shown, word);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "no such %s '%s'%s%s%s", what, shown,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int find(const struct asked *a, const struct sp_cli_command **found, struct sp_err *err)
{
	const struct sp_cli_command *c = sp_cli_find(sp_cli_commands, a->command);
	const char *near = NULL;

	if (!c)
		return no_such("command", a->command,
			       sp_cli_nearest(sp_cli_commands, a->command), err);
	*found = a->verb ? sp_cli_verb(c->verbs, a->verb, &near) : c;
	if (*found)
		return 0;
	return c->verbs ? no_such("verb", a->verb, near, err)
			: sp_fail(err, -EINVAL, SP_EXIT_USAGE, "one command at a time");
}

static int write_text(const struct asked *a, struct sp_str *out, struct sp_err *err)
{
	const struct sp_cli_command *c = NULL;
	char shown[80];

	if (a->completion) {
		if (strcmp(a->completion, "bash") == 0) {
			sp_completion_bash(out, sp_cli_commands, sp_words_values);
			return 0;
		}
		sp_str_printable(shown, sizeof shown, a->completion);
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "there is no completion for '%s'; there is one for bash", shown);
	}
	if (a->schema)
		return write_schema(a->schema, out, err);
	for (size_t i = 0; a->command && i < sizeof topics / sizeof *topics; i++)
		if (strcmp(a->command, topics[i].name) == 0) {
			topics[i].text(out);
			return 0;
		}
	if (a->command && find(a, &c, err))
		return err->code;
	if (a->man && c)
		sp_man_command(out, c, SPATE_VERSION);
	else if (a->man)
		sp_man_overview(out, sp_cli_commands, SPATE_VERSION);
	else if (c)
		sp_help_command(out, c);
	else
		sp_help_overview(out, sp_cli_commands);
	return 0;
}

int sp_cmd_help(int argc, char **argv)
{
	struct asked a = { 0 };
	struct sp_err err = { 0 };
	struct sp_str out;

	if (sp_flags_parse(sp_cmd_help_flags, argc, argv, on_word, &a, &err))
		return complain(&err);
	sp_str_init(&out, sp_mem_system());
	if (write_text(&a, &out, &err)) {
		sp_str_fini(&out);
		return complain(&err);
	}
	return print(&out);
}

int sp_cmd_help_on(const struct sp_cli_command *command)
{
	struct sp_str out;

	sp_str_init(&out, sp_mem_system());
	if (command)
		sp_help_command(&out, command);
	else
		sp_help_overview(&out, sp_cli_commands);
	return print(&out);
}
