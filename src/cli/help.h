/* Texts made from the tables of commands and flags: help, man pages, completion. They only fill
 * a text; whoever asks prints it. */
#ifndef SP_CLI_HELP_H
#define SP_CLI_HELP_H

#include "base/str.h"
#include "cli/commands.h"

/* The list of commands; `spate help`. At most 80 columns, like the next one. */
void sp_help_overview(struct sp_str *, const struct sp_cli_command *table);
/* `spate help CMD`, `spate CMD --help`. */
void sp_help_command(struct sp_str *, const struct sp_cli_command *);

/* spate(1), and spate-CMD(1), in the macros of man(7). */
void sp_man_overview(struct sp_str *, const struct sp_cli_command *table, const char *version);
void sp_man_command(struct sp_str *, const struct sp_cli_command *, const char *version);

/* The word of a verb: "summary" of "capture summary". Else the name. */
const char *sp_cli_verb_name(const struct sp_cli_command *);

/* Completion for bash. values gives the words of a flag as "a|b|c", or NULL. */
void sp_completion_bash(struct sp_str *, const struct sp_cli_command *table,
			const char *(*values)(const struct sp_flag *));

/* What the exit codes mean, for spate(1); text NULL ends. */
struct sp_exit_text {
	enum sp_exit code;
	const char *text;
};
extern const struct sp_exit_text sp_exit_texts[];

#endif
