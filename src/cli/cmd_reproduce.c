#include "cli/cmd_reproduce.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "cli/cmd_run.h"
#include "cli/confine.h"
#include "cli/replay_ways.h"
#include "compat/reproducer/plan.h"
#include "compat/reproducer/process.h"
#include "compat/reproducer/table.h"
#include "scenario/scenario.h"
#include "scenario/words.h"
#include "spate/spate.h"

struct words {
	const char *cfg;
	bool process, ask;
	struct sp_repro_words plan;
	struct sp_words_output out;
};

static int complain(const struct sp_err *err)
{
	fprintf(stderr, "spate replay: %s\n", err->text);
	if (err->exit == SP_EXIT_USAGE)
		fprintf(stderr, "See `spate help replay`.\n");
	return (int)err->exit;
}

/* ---- words ---- */

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

bool sp_reproduce_meant(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--test") || !strcmp(argv[i], "--cfg") ||
		    begins(argv[i], "--test=") || begins(argv[i], "--cfg=") ||
		    begins(argv[i], "-t"))
			return true;
	return false;
}

static int take_number(uint64_t *out, const char *what, const char *value, const char *spelling,
		       struct sp_err *err)
{
	char shown[80];

	if (sp_parse_u64(value, out) == 0 && *out)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is not a number of %s", spelling,
		       sp_str_printable(shown, sizeof shown, value), what);
}

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct words *w = arg;
	const struct {
		const char *key;
		bool *yes;
	} rows[] = {
		{ "process", &w->process },	      { "no_sync", &w->plan.no_sync },
		{ "keep_open", &w->plan.keep_open },  { "ask", &w->ask },
		{ "verbose", &w->out.verbose },	      { "debug", &w->out.verbose },
		{ "quiet", &w->out.quiet },	      { "json", &w->out.json },
		{ "dry_run", &w->out.dry_run },	      { "no_run_dir", &w->out.no_run_dir },
		{ "no_sandbox", &w->out.no_sandbox }, { "preload", &w->plan.preload },
	};
	const struct {
		const char *key;
		const char **text;
	} texts[] = {
		{ "cfg", &w->cfg },
		{ "from", &w->plan.from },
		{ "spread", &w->plan.spread },
		{ "reconnect", &w->plan.reconnect },
		{ "run_dir", &w->out.run_dir },
	};
	char shown[80];

	sp_str_printable(shown, sizeof shown, flag ? value : spelling);
	if (!flag)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "'%s' is too much: with -t the file says what is replayed",
			       shown);
	if (strcmp(flag->key, "exporters") == 0)
		return take_number(&w->plan.exporters, flag->key, value, spelling, err);
	if (strcmp(flag->key, "connections") == 0)
		return take_number(&w->plan.connections, flag->key, value, spelling, err);
	if (strcmp(flag->key, "retime") == 0) {
		w->plan.retime = true;
		return strcmp(value, "now") == 0
			       ? 0
			       : sp_fail(err, -EINVAL, SP_EXIT_USAGE,
					 "%s: '%s' is not the one word there is: now", spelling,
					 shown);
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].key, flag->key) == 0)
			*rows[i].yes = true;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(texts[i].key, flag->key) == 0)
			*texts[i].text = value;
	return 0;
}

static int read_words(struct words *w, int argc, char **argv, struct sp_err *err)
{
	int rc = sp_flags_parse(sp_reproduce_flags, argc, argv, on_word, w, err);

	if (rc == -ENOENT)
		rc = sp_replay_explain(SP_REPLAY_SESSIONS, err);
	if (!rc && !*w->cfg)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "-t: the name of the file is empty");
	if (!rc && w->plan.from && !w->plan.exporters)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "--from is for the addresses of --exporters N");
	if (!rc && w->out.verbose && w->out.quiet)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "-v and -q do not go together");
	if (!rc && w->out.run_dir && w->out.no_run_dir)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "--run-dir and --no-run-dir do not go together");
	w->plan.name = w->out.name = "replay";
	return rc;
}

/* ---- the run ---- */

struct showing {
	struct sp_repro_table table;
	struct sp_str text;
	char nothing[300]; /* why none of a stream's messages left */
};

static void on_event(void *arg, const struct sp_event *e)
{
	struct showing *s = arg;

	if (e->kind == SP_EVENT_REMARK && strcmp(e->remark->code, "nothing") == 0)
		sp_strlcpy(s->nothing, e->remark->text, sizeof s->nothing);
	sp_repro_table(&s->table, e, &s->text);
	if (s->text.len)
		fputs(s->text.text, stderr);
	sp_str_clear(&s->text);
}

static int run(const struct words *w, struct spate_plan *plan, const char *remarks,
	       struct sp_self *self)
{
	struct showing show = { .table.on = w->out.verbose };
	const struct sp_run_how how = { .command = "replay",
					.out = &w->out,
					.event = on_event,
					.event_arg = &show,
					.remarks = remarks,
					.tell = true };
	int code;

	if (w->out.dry_run) {
		printf("%s\nsha256 %s\n", spate_plan_json(plan), spate_plan_sha256(plan));
		return fflush(stdout) ? SP_EXIT_IO : SP_EXIT_OK;
	}
	sp_str_init(&show.text, sp_mem_system());
	code = sp_run_plan(plan, &how, self);
	if (code == SP_EXIT_FAILED && *show.nothing)
		fprintf(stderr, "spate replay: %s\n", show.nothing);
	sp_str_fini(&show.text);
	return code;
}

/* "y" plays it. */
static bool asked(void *arg, const char *path)
{
	char answer[80] = "", shown[200];

	(void)arg;
	fprintf(stderr, "play %s? [y/n] ", sp_str_printable(shown, sizeof shown, path));
	return fgets(answer, sizeof answer, stdin) &&
	       (!strcmp(answer, "y\n") || !strcmp(answer, "y"));
}

static int replay(struct words *w, const struct sp_repro *r, struct sp_self *self)
{
	struct sp_err err = { 0 };
	struct spate_error error = { 0 };
	struct spate_plan *plan = NULL;
	struct sp_str text;
	int code;

	w->plan.play = w->ask ? asked : NULL;
	sp_str_init(&text, sp_mem_system());
	if (sp_repro_plan_text(&text, r, &w->plan, &err)) {
		code = complain(&err);
	} else if (spate_plan_read(&plan, text.text, text.len, 0, &error)) {
		fprintf(stderr, "spate replay: %s\n", error.text);
		code = error.exit_code;
	} else {
		code = run(w, plan, r->remarks.text, self);
	}
	spate_plan_free(plan);
	sp_str_fini(&text);
	return code;
}

/* ---- the file ---- */

static void warn(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "spate: %s\n", text);
}

static void tell_remarks(const struct sp_repro *r)
{
	for (const char *p = r->remarks.text; p && *p;) {
		size_t n = strcspn(p, "\n");

		fprintf(stderr, "spate: warning: %.*s\n", (int)n, p);
		p += n + (p[n] == '\n');
	}
}

static int open_file(struct sp_repro *r, const char *path, bool for_replay, struct sp_err *err)
{
	int rc = sp_repro_read(r, path, for_replay, sp_scenario_catalog(), sp_mem_system(),
			       err);

	if (rc)
		return rc;
	tell_remarks(r);
	rc = sp_repro_find(r, err);
	if (rc)
		sp_repro_free(r);
	return rc;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static int process(const struct sp_repro *r, const struct sp_str *folder)
{
	struct sp_extract_result result = { 0 };
	struct sp_err err = { 0 };
	int rc = sp_repro_process(r, warn, NULL, folder, &result, &err);

	if (rc && !result.packets)
		return complain(&err);
	fprintf(stderr,
		"spate: %s: %" PRIu64 " packet%s of %" PRIu64 ", %" PRIu64
		" message%s of %" PRIu32 " session%s\n",
		folder->text, result.packets, plural(result.packets), result.read,
		result.messages, plural(result.messages), result.sessions,
		plural(result.sessions));
	return rc ? complain(&err) : SP_EXIT_OK;
}

/* A dry run: what would be written, and what would be done with it. */
static int tell_outputs(const struct sp_repro *r, const struct sp_str *folder)
{
	for (unsigned i = 0; i < SP_REPRO_OUTPUTS; i++)
		printf("would write %s/%s\n", folder->text, sp_repro_output[i]);
	if (r->processing.go_on)
		printf("would replay %s/%s\n", folder->text, sp_repro_output[SP_REPRO_CONFIG]);
	return fflush(stdout) ? SP_EXIT_IO : SP_EXIT_OK;
}

/* -p: then the result is what is replayed, if the file says so. */
static int process_first(struct words *w, const struct sp_repro *r, struct sp_self *self)
{
	struct sp_str folder, made;
	struct sp_err err = { 0 };
	struct sp_repro result;
	int code;

	sp_str_init(&folder, sp_mem_system());
	sp_str_init(&made, sp_mem_system());
	if (sp_repro_process_check(r, &folder, &err))
		code = complain(&err);
	else if (w->out.dry_run)
		code = tell_outputs(r, &folder);
	else
		code = process(r, &folder);
	sp_str_printf(&made, "%s/traffic-reproducer.yml", folder.text ? folder.text : "");
	if (!code && r->processing.go_on && !w->out.dry_run) {
		if (open_file(&result, made.text, true, &err)) {
			code = complain(&err);
		} else {
			code = replay(w, &result, self);
			sp_repro_free(&result);
		}
	}
	sp_str_fini(&folder);
	sp_str_fini(&made);
	return code;
}

int sp_reproduce_words(int argc, char **argv, struct sp_self *self)
{
	struct words w = { 0 };
	struct sp_err err = { 0 };
	struct sp_repro r;
	int code;

	sp_cli_allow_descriptors();
	if (read_words(&w, argc, argv, &err) || open_file(&r, w.cfg, !w.process, &err))
		return complain(&err);
	code = w.process ? process_first(&w, &r, self) : replay(&w, &r, self);
	sp_repro_free(&r);
	return code;
}
