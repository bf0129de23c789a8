#include "cli/cmd_capture.h"

#include <errno.h>
#include <stdio.h>

#include "cli/help.h"
#include "sandbox/sandbox.h"

/* In the order in which help shows them. */
const struct sp_cli_command *const sp_capture_verbs[] = {
	&sp_cmd_capture_summary, &sp_cmd_capture_extract, &sp_cmd_capture_rewrite,
	&sp_cmd_capture_record,	 &sp_cmd_capture_score,	  NULL,
};

int sp_capture_complain(const struct sp_cli_command *verb, const struct sp_err *err)
{
	fprintf(stderr, "spate %s: %s\n", verb->name, err->text);
	return (int)err->exit;
}

void sp_capture_confine(int folder, int parent)
{
	struct sp_sandbox_conf conf = { .dirs = { folder },
					.n_dirs = folder >= 0,
					.emptied = { parent },
					.n_emptied = parent >= 0 };
	struct sp_sandbox_state state;

	sp_sandbox_enter(&conf, &state);
}

int sp_capture_print(const struct sp_cli_command *verb, struct sp_str *text)
{
	struct sp_err err = { 0 };

	if (text->failed)
		sp_fail(&err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else if (fputs(text->text, stdout) == EOF || fflush(stdout) == EOF)
		sp_fail(&err, -EIO, SP_EXIT_IO, "cannot write to standard output");
	sp_str_fini(text);
	return err.code ? sp_capture_complain(verb, &err) : SP_EXIT_OK;
}

static void put_words(struct sp_str *out)
{
	for (size_t i = 0; sp_capture_verbs[i]; i++)
		sp_str_printf(out, "%s%s",
			      !i			? ""
			      : sp_capture_verbs[i + 1] ? ", "
							: " and ",
			      sp_cli_verb_name(sp_capture_verbs[i]));
}

int sp_cmd_capture(int argc, char **argv)
{
	const struct sp_cli_command *verb = NULL;
	const char *near = NULL;
	struct sp_str words;
	char shown[80];

	if (argc > 0)
		verb = sp_cli_verb(sp_capture_verbs, argv[0], &near);
	if (verb)
		return verb->run(argc - 1, argv + 1);
	sp_str_init(&words, sp_mem_system());
	put_words(&words);
	if (argc < 1)
		fprintf(stderr, "spate capture: do what? There is %s\n", words.text);
	else
		fprintf(stderr, "spate capture: there is no '%s'%s%s%s; there is %s\n",
			sp_str_printable(shown, sizeof shown, argv[0]),
			near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "",
			words.text);
	sp_str_fini(&words);
	return SP_EXIT_USAGE;
}
