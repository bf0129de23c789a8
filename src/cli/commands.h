/* The subcommands. Adding one is a row in commands.c: help, man page, completion and main all
 * read this table. */
#ifndef SP_CLI_COMMANDS_H
#define SP_CLI_COMMANDS_H

#include "base/options.h"

struct sp_cli_example {
	const char *words; /* after "spate "; NULL ends */
	const char *what;  /* one sentence without a full stop */
};

struct sp_cli_command {
	const char *name;    /* NULL ends a table */
	const char *summary; /* one line, no full stop */
	const char *usage;   /* lines after "spate NAME ", separated by newlines */
	const char *text;    /* description: paragraphs separated by newlines */
	const struct sp_flag *flags;
	const struct sp_flag *const *more; /* those of other ways to use it, NULL ends; NULL */
	const struct sp_cli_example *examples;
	/* argv[0] is the word after the command's. Returns the exit status. NULL: this build
	 * has the command's documentation only. */
	int (*run)(int argc, char **argv);
	/* What it can do, each with flags and help of its own; NULL ends. Their names have the
	 * command's in front ("capture summary"); run has argv[0] behind the verb. NULL: one thing. */
	const struct sp_cli_command *const *verbs;
};

extern const struct sp_cli_command sp_cli_commands[];

const struct sp_cli_command *sp_cli_find(const struct sp_cli_command *table, const char *name);
/* A verb by its own word; NULL: there is none (or verbs is NULL), then *near, if near is not NULL,
 * is the nearest word or NULL. */
const struct sp_cli_command *sp_cli_verb(const struct sp_cli_command *const *verbs,
					 const char *word, const char **near);
/* The nearest name; NULL: none is near. */
const char *sp_cli_nearest(const struct sp_cli_command *table, const char *word);

#endif
