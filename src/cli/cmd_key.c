#include "cli/cmd_key.h"

#include "base/str.h"
#include "keys/ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The words have no options; these rows are their help. */
const struct sp_flag sp_cmd_key_flags[] = {
	{ .spell = "-h, --help",
	  .arg = SP_FLAG_NONE,
	  .key = "help",
	  .value = "yes",
	  .group = "make, show, list, trust NAME KEY, forget NAME",
	  .help = "this text" },
	{ 0 },
};

struct command {
	const char *word, *usage;
	int n_args;
	bool make_folder;
	int (*run)(struct sp_keyring *, char **args, struct sp_err *);
};

static int print_own(const struct sp_keyring *r)
{
	char text[SP_PUBKEY_TEXT];

	return printf("%s\n", sp_pubkey_format(text, sp_key_public(r->key))) < 0 ? -EIO : 0;
}

static int key_make(struct sp_keyring *r, char **args, struct sp_err *err)
{
	int rc;

	(void)args;
	if (r->key)
		return sp_fail(
			err, -EEXIST, SP_EXIT_USAGE,
			"there is a key already (%s); `spate key show` prints its public "
			"half; to begin anew, remove the file: who trusts the old key must "
			"be told the new one",
			r->key_path);
	rc = sp_keyring_make_key(r, err);
	return rc ? rc : print_own(r);
}

static int key_show(struct sp_keyring *r, char **args, struct sp_err *err)
{
	int rc = sp_keyring_need_key(r, err);

	(void)args;
	return rc ? rc : print_own(r);
}

static int key_list(struct sp_keyring *r, char **args, struct sp_err *err)
{
	char text[SP_PUBKEY_TEXT];
	int width = 0;

	(void)args;
	(void)err;
	for (uint32_t i = 0; i < r->trust.n; i++)
		width = (int)strlen(r->trust.list[i].name) > width
				? (int)strlen(r->trust.list[i].name)
				: width;
	for (uint32_t i = 0; i < r->trust.n; i++)
		if (printf("%-*s  %s\n", width, r->trust.list[i].name,
			   sp_pubkey_format(text, &r->trust.list[i].key)) < 0)
			return -EIO;
	return 0;
}

static int key_trust(struct sp_keyring *r, char **args, struct sp_err *err)
{
	char name[SP_TRUST_NAME], shown[100];
	struct sp_pubkey key;

	if (!sp_trust_name_ok(args[0]))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "'%s' is not a name (letters, digits, '.', '_' and '-', at most "
			       "63)",
			       sp_str_printable(shown, sizeof shown, args[0]));
	if (sp_pubkey_parse(args[1], &key))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "'%s' is not a public key (44 characters, as `spate key show` "
			       "prints there)",
			       sp_str_printable(shown, sizeof shown, args[1]));
	if (r->key && sp_pubkey_eq(&key, sp_key_public(r->key)))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "that is this user's own key");
	sp_strlcpy(name, args[0], sizeof name);
	return sp_keyring_add(r, name, false, &key, err);
}

static int key_forget(struct sp_keyring *r, char **args, struct sp_err *err)
{
	char shown[100];

	return sp_keyring_remove(r, sp_str_printable(shown, sizeof shown, args[0]), err);
}

static const struct command commands[] = {
	{ "make", "spate key make", 0, true, key_make },
	{ "show", "spate key show", 0, false, key_show },
	{ "list", "spate key list", 0, false, key_list },
	{ "trust", "spate key trust NAME KEY", 2, true, key_trust },
	{ "forget", "spate key forget NAME", 1, false, key_forget },
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static int complain(const struct sp_err *err)
{
	fprintf(stderr, "spate key: %s\n", err->text);
	return (int)err->exit;
}

static const struct command *find(const char *word, struct sp_err *err)
{
	const char *words[N_COMMANDS], *near;
	char shown[100];

	for (size_t i = 0; i < N_COMMANDS; i++) {
		words[i] = commands[i].word;
		if (strcmp(words[i], word) == 0)
			return &commands[i];
	}
	near = sp_str_nearest(word, words, N_COMMANDS);
	sp_fail(err, -EINVAL, SP_EXIT_USAGE, "unknown word '%s'; %s%s",
		sp_str_printable(shown, sizeof shown, word), near ? "did you mean " : "",
		near ? near : "it is make, show, list, trust or forget");
	return NULL;
}

int sp_cmd_key(int argc, char **argv)
{
	struct sp_keyring_conf conf = { .xdg_config_home = getenv("XDG_CONFIG_HOME"),
					.home = getenv("HOME") };
	struct sp_err err = { 0 };
	const struct command *c;
	struct sp_keyring ring;
	int rc;

	if (argc < 1) {
		sp_fail(&err, -EINVAL, SP_EXIT_USAGE,
			"what? make, show, list, trust NAME KEY or forget NAME");
		return complain(&err);
	}
	c = find(argv[0], &err);
	if (!c)
		return complain(&err);
	if (argc - 1 != c->n_args) {
		sp_fail(&err, -EINVAL, SP_EXIT_USAGE, "it is: %s", c->usage);
		return complain(&err);
	}
	conf.make_folder = c->make_folder;
	rc = sp_keyring_open(&ring, &conf, sp_mem_system(), &err);
	if (!rc)
		rc = c->run(&ring, argv + 1, &err);
	sp_keyring_close(&ring);
	if (rc && err.text[0])
		return complain(&err);
	if (!rc && fflush(stdout) == 0)
		return SP_EXIT_OK;
	fprintf(stderr, "spate key: standard output: %s\n", strerror(errno));
	return SP_EXIT_IO;
}
