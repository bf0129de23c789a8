#include "cli/help.h"

#include <string.h>

#define COLUMNS	   80u
#define FLAG_TEXT  26u /* where the text of a flag begins */
#define NAME_WIDTH 10u

const struct sp_exit_text sp_exit_texts[] = {
	{ SP_EXIT_OK, "the result is valid" },
	{ SP_EXIT_FAILED, "the run failed" },
	{ SP_EXIT_USAGE, "an unknown command, option or value" },
	{ SP_EXIT_UNMET,
	  "ran, but less than 99 % of what was asked left; not with --best-effort" },
	{ SP_EXIT_UNTRUSTED, "ran, but its own counters disagree: the result is not trusted" },
	{ SP_EXIT_EXPECT, "ran, but an expectation was not met" },
	{ SP_EXIT_AGENTS, "ran, but some agents were lost" },
	{ SP_EXIT_DATA, "bad input data; the message names file and line" },
	{ SP_EXIT_NOINPUT, "an input file is missing" },
	{ SP_EXIT_UNAVAIL, "a name does not resolve, or the peer is not reached" },
	{ SP_EXIT_IO, "an output could not be written" },
	{ SP_EXIT_PERM, "a permission, consent, interface or kernel feature is missing; the "
			"message says which" },
	{ SP_EXIT_INTR, "interrupted; the report is complete up to then" },
	{ 0 },
};

const char *sp_cli_verb_name(const struct sp_cli_command *verb)
{
	const char *blank = strrchr(verb->name, ' ');

	return blank ? blank + 1 : verb->name;
}

/* Words of text from column at on, further lines at column indent; ends the line. A newline in
 * text begins a paragraph. */
static void wrap(struct sp_str *out, const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " \n");

		if (!first && at + 1 + n > COLUMNS) {
			sp_str_printf(out, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		if (!first)
			sp_str_puts(out, " ");
		sp_str_put(out, text, n);
		at += n + !first;
		first = false;
		text += n;
		if (*text == '\n') {
			sp_str_printf(out, "\n\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		text += *text != '\0';
	}
	sp_str_puts(out, "\n");
}

void sp_help_overview(struct sp_str *out, const struct sp_cli_command *table)
{
	sp_str_puts(out, "spate generates, receives and measures network traffic.\n\n"
			 "Usage: spate COMMAND [OPTIONS] ...\n\nCommands:\n");
	for (; table->name; table++) {
		sp_str_printf(out, "  %-*s", (int)NAME_WIDTH, table->name);
		wrap(out, table->summary, 2 + NAME_WIDTH, 2 + NAME_WIDTH);
	}
	sp_str_puts(out,
		    "\n'spate COMMAND --help' says more, 'spate --version' which one this is."
		    "\n");
}

static void put_usage(struct sp_str *out, const struct sp_cli_command *c)
{
	const char *line = c->usage, *lead = "Usage:";

	while (*line) {
		size_t n = strcspn(line, "\n");

		sp_str_printf(out, "%-6s spate %s %.*s\n", lead, c->name, (int)n, line);
		line += n + (line[n] == '\n');
		lead = "";
	}
}

static void put_flag(struct sp_str *out, const struct sp_flag *f)
{
	size_t before = out->len, at;

	sp_str_printf(out, "  %s%s%s", f->spell, f->meta ? " " : "", f->meta ? f->meta : "");
	at = out->len - before;
	if (at + 2 > FLAG_TEXT)
		sp_str_printf(out, "\n%*s", (int)FLAG_TEXT, "");
	else
		sp_str_printf(out, "%*s", (int)(FLAG_TEXT - at), "");
	wrap(out, f->help, FLAG_TEXT, FLAG_TEXT);
}

static void put_flags(struct sp_str *out, const struct sp_flag *f)
{
	const char *group = NULL;

	for (; f && f->spell; f++) {
		if (!group || strcmp(group, f->group) != 0)
			sp_str_printf(out, "\n%s:\n", f->group);
		group = f->group;
		put_flag(out, f);
	}
}

void sp_help_command(struct sp_str *out, const struct sp_cli_command *c)
{
	put_usage(out, c);
	sp_str_puts(out, "\n");
	wrap(out, c->text, 0, 0);
	put_flags(out, c->flags);
	for (const struct sp_flag *const *more = c->more; more && *more; more++)
		put_flags(out, *more);
	if (c->verbs)
		sp_str_puts(out, "\nVerbs:\n");
	for (size_t i = 0; c->verbs && c->verbs[i]; i++) {
		sp_str_printf(out, "  %-*s", (int)NAME_WIDTH, sp_cli_verb_name(c->verbs[i]));
		wrap(out, c->verbs[i]->summary, 2 + NAME_WIDTH, 2 + NAME_WIDTH);
	}
	if (c->examples)
		sp_str_puts(out, "\nExamples:\n");
	for (const struct sp_cli_example *e = c->examples; e && e->words; e++) {
		sp_str_printf(out, "  spate %s\n      ", e->words);
		wrap(out, e->what, 6, 6);
	}
}
