/* spate capture VERB: one file a verb (capture_VERB.c), whose row has its flags, texts and function.
 * A new one is such a file, a line here, one in cmd_capture.c, and its page in meson.build. */
#ifndef SP_CLI_CMD_CAPTURE_H
#define SP_CLI_CMD_CAPTURE_H

#include "base/str.h"
#include "cli/commands.h"

extern const struct sp_cli_command *const sp_capture_verbs[]; /* NULL ends */
int sp_cmd_capture(int argc, char **argv);

extern const struct sp_cli_command sp_cmd_capture_summary;
extern const struct sp_cli_command sp_cmd_capture_extract;
extern const struct sp_cli_command sp_cmd_capture_rewrite;
extern const struct sp_cli_command sp_cmd_capture_record;
extern const struct sp_cli_command sp_cmd_capture_score;

/* The language of capio/select.h. */
#define SP_CAPTURE_WHERE_HELP                                                                     \
	"HEADER.FIELD=VALUE, joined by commas (all must hold); VALUE is a number or a word, a "   \
	"range a..b, a prefix 10.0.0.0/8, or several joined by |; != says none of them. `spate "  \
	"fields` lists headers and fields; ip is either family, and a header inside of a tunnel " \
	"counts, too."

/* For verbs: "spate capture VERB: what", and the exit status. */
int sp_capture_complain(const struct sp_cli_command *verb, const struct sp_err *);
/* Everything is open: no file of foreign bytes is looked into before. Files can still be made in
 * folder, and empty folders removed beneath parent; -1: nowhere. */
void sp_capture_confine(int folder, int parent);
/* Prints the text and frees it. The exit status. */
int sp_capture_print(const struct sp_cli_command *verb, struct sp_str *);

#endif
