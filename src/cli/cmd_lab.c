#include "cli/cmd_lab.h"

#include "base/str.h"
#include "cli/cmd_lab_list.h"
#include "lab/door.h"
#include "lab/lab.h"
#include "lab/named.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct sp_flag sp_cmd_lab_flags[] = {
	{ .spell = "--hosts",
	  .arg = SP_FLAG_VALUE,
	  .meta = "H1,H2,...",
	  .key = "hosts",
	  .group = "lab run",
	  .help = "Instead of a FILE: names of the hosts, 1 to 64, default h1,h2. Host number n "
		  "has eth0 with 10.99.0.n/24 and fd99::n/64 (hexadecimal: the tenth is fd99::a). "
		  "Two are joined by one veth, more by a bridge." },
	{ .spell = "--name",
	  .arg = SP_FLAG_VALUE,
	  .meta = "NAME",
	  .key = "name",
	  .group = "lab up",
	  .help = "The lab's name; default: 'name' of the file, or the file's own name without "
		  "folder and suffix." },
	{ .spell = "--json",
	  .key = "json",
	  .value = "true",
	  .group = "lab list, lab link",
	  .help = "One JSON document: labs, each with name, holder, started, nodes and links; a "
		  "link has name, ends, via, and the settings and counts of both ways. After a "
		  "change of a link: at_ns, the monotonic time when the forwarder took it." },
	{ .spell = "--all",
	  .key = "all",
	  .value = "true",
	  .group = "lab down",
	  .help = "Every lab that is up." },
	{ 0 },
};

#define WORDS_MAX 40

struct words {
	const char *hosts, *name;
	bool json, all;
	const char *word[WORDS_MAX];
	unsigned n;
	char **command; /* behind "--", NULL-terminated; NULL: no "--" */
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

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct words *w = arg;
	char shown[128];

	(void)spelling;
	if (flag && !strcmp(flag->key, "hosts"))
		w->hosts = value;
	else if (flag && !strcmp(flag->key, "name"))
		w->name = value;
	else if (flag && !strcmp(flag->key, "json"))
		w->json = true;
	else if (flag)
		w->all = true;
	else if (w->n == WORDS_MAX)
		return sp_fail(err, -1, SP_EXIT_USAGE,
			       "'%s' is one too many; a command goes after --",
			       sp_str_printable(shown, sizeof shown, value));
	else
		w->word[w->n++] = value;
	return 0;
}

static int read_words(int argc, char **argv, struct words *w, struct sp_err *err)
{
	int at = 0;

	*w = (struct words){ 0 };
	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	if (at < argc)
		w->command = argv + at + 1;
	return sp_flags_parse(sp_cmd_lab_flags, at, argv, on_word, w, err);
}

static int too_many(const struct words *w, unsigned max, const char *form, struct sp_err *err)
{
	char shown[128];

	if (w->n <= max)
		return 0;
	return sp_fail(err, -1, SP_EXIT_USAGE,
		       "'%s' is unexpected; the command goes after --: %s",
		       sp_str_printable(shown, sizeof shown, w->word[max]), form);
}

/* ---- run, up ---- */

static int read_spec(const struct words *w, struct sp_lab_spec *spec, struct sp_err *err)
{
	struct sp_lab_hosts hosts;
	int rc;

	if (w->n)
		rc = sp_lab_spec_read(spec, w->word[0], sp_mem_system(), err);
	else if (!(rc = sp_lab_hosts_parse(w->hosts ? w->hosts : "h1,h2", &hosts, err)))
		sp_lab_spec_of_hosts(spec, &hosts);
	if (rc || !w->name)
		return rc;
	if (!sp_lab_is_name(w->name, strlen(w->name)))
		return sp_fail(err, -1, SP_EXIT_USAGE,
			       "--name: 1 to 31 letters, digits, '-', '_' or '.', a letter or "
			       "digit first");
	sp_strlcpy(spec->name, w->name, sizeof spec->name);
	return 0;
}

static int lab_run(const struct words *w, struct sp_err *err)
{
	static const char form[] = "spate lab run [FILE | --hosts H1,H2,...] -- COMMAND...";
	struct sp_lab_spec spec;
	int status = 0;

	if (too_many(w, 1, form, err))
		return complain(err);
	if (w->n && w->hosts)
		return usage(err,
			     "--hosts and a FILE both say what the lab is; give one of them");
	/* A word without a command is rather a command without "--". */
	if (!w->command && w->n && too_many(w, 0, form, err))
		return complain(err);
	if (read_spec(w, &spec, err))
		return complain(err);
	if (!w->command || !*w->command)
		return usage(err, "which command? spate lab run [FILE | --hosts H1,H2,...] -- "
				  "COMMAND...");
	return sp_lab_run(&spec, w->command, &status, err) ? complain(err) : status;
}

static int lab_up(const struct words *w, struct sp_err *err)
{
	struct sp_lab_spec spec;
	pid_t holder;

	if (w->command || too_many(w, 1, "spate lab up FILE takes none", err))
		return err->code ? complain(err)
				 : usage(err, "'lab up' runs no command; 'lab run FILE -- "
					      "COMMAND' does");
	if (!w->n && !w->hosts)
		return usage(err, "which file? spate lab up FILE");
	if (read_spec(w, &spec, err) || sp_lab_named_up(&spec, &holder, err))
		return complain(err);
	printf("lab %s is up, held by process %d\n", spec.name, (int)holder);
	return 0;
}

/* ---- exec ---- */

static int exec_named(const char *lab, const char *host, char **command, struct sp_err *err)
{
	struct sp_lab_order o = { .what = SP_LAB_DOOR };
	struct sp_lab_note note;
	struct sp_door door = { .map = note.map };
	unsigned n = 4;
	int status = 0;

	sp_strlcpy(o.name, host, sizeof o.name);
	if (!*host || strlen(host) >= sizeof o.name)
		return usage(err,
			     "that is not the name of a host; 'spate lab list' shows them");
	if (sp_lab_named_ask(lab, &o, &note, door.fd, &n, err))
		return complain(err);
	if (n != 4)
		return usage(err, "the lab did not let us in");
	return sp_door_run(&door, command, NULL, NULL, &status, err) ? complain(err) : status;
}

static int lab_exec(const struct words *w, struct sp_err *err)
{
	static const char form[] = "spate lab exec [LAB] HOST -- COMMAND...";

	if (!w->n)
		return usage(err, "which host? spate lab exec [LAB] HOST -- COMMAND...");
	if (too_many(w, 2, form, err))
		return complain(err);
	if (!w->command || !*w->command)
		return usage(err, "which command? spate lab exec [LAB] HOST -- COMMAND...");
	if (w->n == 2)
		return exec_named(w->word[0], w->word[1], w->command, err);
	if (!sp_lab_is_inside())
		return exec_named(NULL, w->word[0], w->command, err);
	sp_lab_exec(w->word[0], w->command, err);
	return complain(err);
}

/* ---- link ---- */

static int ask_link(const char *lab, bool inside, struct sp_lab_order *o,
		    struct sp_lab_note *note, struct sp_err *err)
{
	return inside ? sp_lab_named_ask_inside(o, note, err)
		      : sp_lab_named_ask(lab, o, note, NULL, NULL, err);
}

static int lab_link(const struct words *w, struct sp_err *err)
{
	const char *lab = NULL, *link;
	struct sp_lab_order o = { .what = SP_LAB_STATE };
	struct sp_lab_note note;
	unsigned at = 0;

	while (at < w->n && !strchr(w->word[at], '='))
		at++;
	if (at < 1 || at > 2 || w->command)
		return usage(err, "which link? spate lab link [LAB] LINK [KEY=VALUE...]");
	link = w->word[at - 1];
	if (at == 2)
		lab = w->word[0];
	if (sp_strlcpy(o.name, link, sizeof o.name) >= sizeof o.name)
		return usage(err,
			     "that is not the name of a link; 'spate lab list' shows them");
	for (; at < w->n; at++) {
		size_t n = strlen(o.text);

		o.what = SP_LAB_CHANGE;
		if (snprintf(o.text + n, sizeof o.text - n, "%s%s", n ? "," : "",
			     w->word[at]) >= (int)(sizeof o.text - n))
			return usage(err, "these are too many settings for one time");
	}
	if (ask_link(lab, !lab && sp_lab_is_inside(), &o, &note, err))
		return complain(err);
	if (o.what == SP_LAB_STATE)
		return sp_cmd_lab_show_link(&note.link, w->json);
	if (w->json)
		printf("{\"at_ns\": %" PRIu64 "}\n", note.at_ns);
	return 0;
}

/* ---- down ---- */

static int down(const char *lab, struct sp_err *err)
{
	struct sp_lab_order o = { .what = SP_LAB_DOWN };
	struct sp_lab_note note;

	return sp_lab_named_ask(lab, &o, &note, NULL, NULL, err) ? complain(err) : 0;
}

static int lab_down(const struct words *w, struct sp_err *err)
{
	char names[64][SP_LAB_NAME_LEN];
	unsigned n;
	int rc = 0;

	if (w->n > 1 || w->command || (w->n && w->all))
		return usage(err, "spate lab down [LAB | --all] takes one name at most");
	if (!w->all)
		return down(w->n ? w->word[0] : NULL, err);
	if (sp_lab_named_list(names, 64, &n, err))
		return complain(err);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = down(names[i], err);
	return rc;
}

static int lab_list(const struct words *w, struct sp_err *err)
{
	if (w->n || w->command)
		return usage(err, "spate lab list [--json] takes no names");
	return sp_cmd_lab_list(w->json, err) ? complain(err) : 0;
}

/* ---- */

static const struct {
	const char *name;
	int (*run)(const struct words *, struct sp_err *);
} parts[] = {
	{ "run", lab_run },   { "up", lab_up },	    { "exec", lab_exec },
	{ "link", lab_link }, { "list", lab_list }, { "down", lab_down },
};

int sp_cmd_lab(int argc, char **argv)
{
	const char *names[sizeof parts / sizeof *parts], *near;
	struct sp_err err = { 0 };
	struct words w;
	char shown[128];

	if (argc < 1)
		return usage(&err,
			     "what? spate lab run -- COMMAND... makes a lab, spate lab up "
			     "FILE one that stays, spate lab exec HOST -- CMD... runs "
			     "something in it; also link, list and down");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		names[i] = parts[i].name;
		if (strcmp(argv[0], parts[i].name) != 0)
			continue;
		if (read_words(argc - 1, argv + 1, &w, &err))
			return complain(&err);
		return parts[i].run(&w, &err);
	}
	near = sp_str_nearest(argv[0], names, sizeof parts / sizeof *parts);
	sp_fail(&err, -1, SP_EXIT_USAGE, "unknown word '%s'; %s%s",
		sp_str_printable(shown, sizeof shown, argv[0]),
		near ? "did you mean " : "it is one of run, up, exec, link, list and down",
		near ? near : "");
	return complain(&err);
}
