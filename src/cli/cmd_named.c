#include "cli/cmd_named.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "named/named.h"
#include "report/fmt.h"

#define RUNS_MAX 256u

const struct sp_flag sp_cmd_poll_flags[] = {
	{ "--plain", SP_FLAG_NONE, NULL, "plain", "yes", "Output",
	  "two lines: Sent=N and Received=N of a sender, Received=N and Corrupted=N of a "
	  "receiver; all three of run" },
	{ "--json", SP_FLAG_NONE, NULL, "json", "yes", "Output",
	  "one JSON document (the default)" },
	{ "-h, --help", SP_FLAG_NONE, NULL, "help", "yes", "Output", "this text" },
	{ 0 },
};

const struct sp_flag sp_cmd_list_flags[] = {
	{ "--json", SP_FLAG_NONE, NULL, "json", "yes", "Output", "one JSON document" },
	{ "-h, --help", SP_FLAG_NONE, NULL, "help", "yes", "Output", "this text" },
	{ 0 },
};

struct words {
	const char *name;
	bool plain, json;
};

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct words *w = arg;

	(void)spelling;
	if (flag && strcmp(flag->key, "plain") == 0)
		w->plain = true;
	else if (flag)
		w->json = true;
	else if (w->name)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "one name at a time");
	else
		w->name = value;
	return 0;
}

/* ---- what a run is ---- */

static const char *const phases[] = { [SP_NAMED_STARTING] = "starting",
				      [SP_NAMED_RUNNING] = "running",
				      [SP_NAMED_ENDED] = "ended",
				      [SP_NAMED_KILLED] = "killed" };

static void put_count(struct sp_str *out, const char *word, int64_t n)
{
	if (n < 0)
		sp_str_printf(out, "%s=unknown\n", word);
	else
		sp_str_printf(out, "%s=%lld\n", word, (long long)n);
}

/* Two lines, as Contrail's tool has them: a sender that nobody answers received 0 there. */
static void put_plain(struct sp_str *out, const struct sp_named_state *s)
{
	bool receives = strcmp(s->command, "recv") == 0,
	     sends = !receives && strcmp(s->command, "run") != 0;

	if (!receives)
		put_count(out, "Sent", s->counts.sent);
	put_count(out, "Received", sends && s->counts.received < 0 ? 0 : s->counts.received);
	if (!sends)
		put_count(out, "Corrupted", s->counts.corrupted);
}

static void put_known(struct sp_json *j, const char *key, int64_t n)
{
	if (n < 0)
		sp_json_null(j, key);
	else
		sp_json_u64(j, key, (uint64_t)n);
}

static void put_json(struct sp_json *j, const struct sp_named_state *s)
{
	char started[32];

	sp_json_open(j, NULL, '{');
	sp_json_str(j, "name", s->name);
	sp_json_str(j, "state", phases[s->phase]);
	sp_json_str(j, "command", s->command);
	sp_json_u64(j, "pid", (uint64_t)s->pid);
	sp_json_str(j, "started", sp_fmt_utc(started, sizeof started, s->started_ns, 0));
	sp_json_str(j, "folder", *s->folder ? s->folder : NULL);
	put_known(j, "sent", s->counts.sent);
	put_known(j, "received", s->counts.received);
	put_known(j, "corrupted", s->counts.corrupted);
	put_known(j, "exit_code", s->phase == SP_NAMED_ENDED ? s->exit_code : -1);
	sp_json_close(j, '}');
}

static int print(struct sp_str *out, const char *command)
{
	int code = SP_EXIT_OK;

	if (out->failed) {
		fprintf(stderr, "spate %s: out of memory\n", command);
		code = SP_EXIT_FAILED;
	} else if (fputs(out->text ? out->text : "", stdout) < 0 || fflush(stdout)) {
		fprintf(stderr, "spate %s: cannot write the result: %s\n", command,
			strerror(errno));
		code = SP_EXIT_IO;
	}
	sp_str_fini(out);
	return code;
}

/* ---- one ---- */

static int show(const char *command, const struct words *w, const struct sp_named_state *s)
{
	struct sp_json j;
	struct sp_str out;
	int code;

	sp_str_init(&out, sp_mem_system());
	if (w->plain) {
		put_plain(&out, s);
	} else {
		sp_json_init(&j, &out, 0);
		put_json(&j, s);
		sp_str_puts(&out, "\n");
	}
	code = print(&out, command);
	if (s->phase != SP_NAMED_KILLED)
		return code ? code : s->phase == SP_NAMED_ENDED ? s->exit_code : SP_EXIT_OK;
	fprintf(stderr,
		"spate %s: run %s was killed; these are the counts that it told last%s\n",
		command, s->name,
		strcmp(command, "stop") == 0 ? "" : "; 'spate stop' takes them away");
	return SP_EXIT_FAILED;
}

static int complain(const char *command, const struct sp_err *err)
{
	fprintf(stderr, "spate %s: %s\n", command, err->text);
	return (int)err->exit;
}

static int read_words(const char *command, int argc, char **argv, struct words *w)
{
	struct sp_err err = { 0 };

	*w = (struct words){ 0 };
	if (sp_flags_parse(sp_cmd_poll_flags, argc, argv, on_word, w, &err))
		return complain(command, &err);
	if (!w->name)
		sp_fail(&err, -EINVAL, SP_EXIT_USAGE, "which run? 'spate list' shows them");
	else if (w->plain && w->json)
		sp_fail(&err, -EINVAL, SP_EXIT_USAGE, "--plain and --json do not go together");
	return err.code ? complain(command, &err) : 0;
}

static int one(const char *command, int argc, char **argv,
	       int (*do_it)(const char *, struct sp_named_state *, struct sp_err *))
{
	struct sp_named_state s;
	struct sp_err err = { 0 };
	struct words w;
	int rc = read_words(command, argc, argv, &w);

	if (rc)
		return rc;
	rc = do_it(w.name, &s, &err);
	return rc ? complain(command, &err) : show(command, &w, &s);
}

int sp_cmd_poll(int argc, char **argv)
{
	return one("poll", argc, argv, sp_named_poll);
}

int sp_cmd_stop(int argc, char **argv)
{
	return one("stop", argc, argv, sp_named_stop);
}

/* ---- all ---- */

static void put_line(struct sp_str *out, const struct sp_named_state *s)
{
	char started[32], end[32] = "";

	if (s->phase == SP_NAMED_ENDED)
		snprintf(end, sizeof end, " (exit %d)", (int)s->exit_code);
	sp_str_printf(out, "%-16s %s%s: %s, process %d, since %s", s->name, phases[s->phase],
		      end, *s->command ? s->command : "?", (int)s->pid,
		      sp_fmt_utc(started, sizeof started, s->started_ns, 0));
	if (s->counts.sent >= 0)
		sp_str_printf(out, ", sent %lld", (long long)s->counts.sent);
	if (s->counts.received >= 0)
		sp_str_printf(out, ", received %lld", (long long)s->counts.received);
	if (s->counts.corrupted >= 0)
		sp_str_printf(out, ", corrupted %lld", (long long)s->counts.corrupted);
	sp_str_printf(out, "%s%s\n", *s->folder ? ", in " : "", s->folder);
}

static void put_all(struct sp_str *out, const struct sp_named_state *s, int n, bool json)
{
	struct sp_json j;

	if (json) {
		sp_json_init(&j, out, 2);
		sp_json_open(&j, NULL, '{');
		sp_json_u64(&j, "schema", 1);
		sp_json_open(&j, "runs", '[');
	}
	for (int i = 0; i < n; i++) {
		if (json)
			put_json(&j, &s[i]);
		else
			put_line(out, &s[i]);
	}
	if (json) {
		sp_json_close(&j, ']');
		sp_json_close(&j, '}');
		sp_str_puts(out, "\n");
	}
}

int sp_cmd_list(int argc, char **argv)
{
	struct sp_named_state *all;
	struct sp_err err = { 0 };
	struct words w = { 0 };
	struct sp_str out;
	int n;

	if (sp_flags_parse(sp_cmd_list_flags, argc, argv, on_word, &w, &err))
		return complain("list", &err);
	if (w.name) {
		sp_fail(&err, -EINVAL, SP_EXIT_USAGE,
			"it lists all; 'spate poll %.40s' asks one", w.name);
		return complain("list", &err);
	}
	all = sp_alloc_array(sp_mem_system(), RUNS_MAX, sizeof *all);
	if (!all)
		sp_fail(&err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	n = all ? sp_named_list(all, RUNS_MAX, &err) : -ENOMEM;
	if (n >= 0) {
		sp_str_init(&out, sp_mem_system());
		put_all(&out, all, n, w.json);
	}
	sp_free(sp_mem_system(), all);
	return n < 0 ? complain("list", &err) : print(&out, "list");
}
