#include "cli/outputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/out_file.h"
#include "base/str.h"
#include "report/csv.h"
#include "report/folder.h"
#include "report/json.h"
#include "report/live.h"
#include "report/plain.h"
#include "report/text.h"
#include "spate/spate.h"

struct sp_outputs {
	const struct sp_words_output *want;
	sp_outputs_plan *plan;
	const void *plan_arg;
	void (*opened)(void *arg, int folder);
	void *opened_arg;
	struct sp_folder *folder;
	char *folder_path;
	struct sp_live *live;
	int live_fd;
	bool color;
	struct sp_plain plain;
	struct sp_csv csv;
	struct sp_str text; /* of one event, for one descriptor */
	bool failed;
};

/* Writes what has gathered and clears it. */
static void put(struct sp_outputs *o, int fd)
{
	const char *p = o->text.text;
	size_t left = o->text.len;
	ssize_t n;

	while (left) {
		n = write(fd, p, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!o->failed && errno != EPIPE)
				fprintf(stderr, "spate: cannot write the output: %s\n",
					strerror(errno));
			o->failed = true;
			break;
		}
		p += n;
		left -= (size_t)n;
	}
	sp_str_clear(&o->text);
}

static void drain_to_stdout(void *arg, struct sp_str *out)
{
	struct sp_outputs *o = arg;

	(void)out; /* it is o->text */
	put(o, STDOUT_FILENO);
}

/* The table where somebody looks, lines elsewhere; on stderr when stdout carries a document. */
static int open_live(struct sp_outputs *o)
{
	struct sp_live_conf conf = { 0 };
	struct winsize ws = { 0 };

	o->live_fd = o->want->json || o->want->csv ? STDERR_FILENO : STDOUT_FILENO;
	conf.terminal = isatty(o->live_fd);
	conf.every_s = o->want->live_every;
	if (o->want->plain || o->want->live == SP_LIVE_OFF || o->want->quiet ||
	    (o->want->live == SP_LIVE_AUTO && o->live_fd == STDERR_FILENO && !conf.terminal))
		return 0;
	conf.color = sp_live_color(conf.terminal, getenv("NO_COLOR"), getenv("TERM"));
	o->color = conf.color;
	if (conf.terminal && ioctl(o->live_fd, TIOCGWINSZ, &ws) == 0) {
		conf.rows = ws.ws_row;
		conf.cols = ws.ws_col;
	}
	return sp_live_new(&o->live, &conf, sp_mem_system());
}

int sp_outputs_new(struct sp_outputs **out, const struct sp_words_output *want,
		   sp_outputs_plan *plan, const void *plan_arg)
{
	struct sp_outputs *o = sp_alloc(sp_mem_system(), sizeof *o);

	if (!o)
		return -ENOMEM;
	o->want = want;
	o->plan = plan;
	o->plan_arg = plan_arg;
	sp_str_init(&o->text, sp_mem_system());
	sp_csv_init(&o->csv, sp_mem_system());
	*out = o;
	return open_live(o);
}

static void open_folder(struct sp_outputs *o, const struct sp_event *e)
{
	struct sp_folder_conf conf = { .dir = o->want->run_dir,
				       .spate_runs = getenv("SPATE_RUNS"),
				       .xdg_state_home = getenv("XDG_STATE_HOME"),
				       .home = getenv("HOME"),
				       .name = e->result->name,
				       .started_real_ns = e->result->started_real_ns,
				       .plan = o->plan,
				       .plan_arg = o->plan_arg,
				       .version = SPATE_VERSION };
	struct sp_err err = { 0 };

	if (o->want->no_run_dir)
		return;
	if (sp_folder_open(&o->folder, &conf, sp_mem_system(), &err)) {
		fprintf(stderr, "spate: %s\n", err.text);
		o->failed = true;
		return;
	}
	o->folder_path = strdup(sp_folder_path(o->folder));
}

static void finish_folder(struct sp_outputs *o, const struct sp_event *e)
{
	struct sp_folder_hist hists[8];
	struct sp_err err = { 0 };
	size_t n = 0;

	for (; n < e->result->n_hists && n < 8; n++)
		hists[n] = (struct sp_folder_hist){ e->result->hists[n].name,
						    e->result->hists[n].hist };
	if (sp_folder_finish(o->folder, e, hists, n, &err)) {
		fprintf(stderr, "spate: %s\n", err.text);
		o->failed = true;
	}
	o->folder = NULL;
}

static void final_report(struct sp_outputs *o, const struct sp_event *e)
{
	struct sp_report_env env = { .version = SPATE_VERSION, .folder = o->folder_path };
	struct sp_report_drain drain = { .arg = o, .take = drain_to_stdout };

	if (o->want->json)
		sp_report_json(&o->text, e, &env, &drain);
	else if (!o->want->csv && !o->want->plain && !o->want->quiet)
		sp_report_text(&o->text, e, &env, o->color);
	put(o, STDOUT_FILENO);
}

void sp_outputs_on_open(struct sp_outputs *o, void (*opened)(void *arg, int folder), void *arg)
{
	o->opened = opened;
	o->opened_arg = arg;
}

static void start(struct sp_outputs *o, const struct sp_event *e)
{
	open_folder(o, e);
	if (o->opened)
		o->opened(o->opened_arg, o->folder ? sp_folder_dir(o->folder) : -1);
}

void sp_outputs_event(struct sp_outputs *o, const struct sp_event *e)
{
	struct winsize ws;

	if (e->kind == SP_EVENT_MARK) {
		sp_plain_event(&o->plain, e, &o->text);
		put(o, STDOUT_FILENO);
		return;
	}
	if (e->kind == SP_EVENT_START)
		start(o, e);
	if (o->folder)
		sp_folder_event(o->folder, e);
	if (o->live) {
		if (ioctl(o->live_fd, TIOCGWINSZ, &ws) == 0 && ws.ws_row)
			sp_live_resize(o->live, ws.ws_row, ws.ws_col);
		sp_live_event(o->live, e, &o->text);
		put(o, o->live_fd);
	}
	if (o->want->plain) {
		sp_plain_event(&o->plain, e, &o->text);
		put(o, STDOUT_FILENO);
	}
	if (o->want->csv) {
		sp_csv_event(&o->csv, e, &o->text);
		put(o, STDOUT_FILENO);
	}
	if (e->kind != SP_EVENT_END)
		return;
	if (o->folder)
		finish_folder(o, e);
	final_report(o, e);
}

int sp_outputs_file(const char *path, const struct sp_str *text, struct sp_err *err)
{
	int rc;

	if (text->failed)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	rc = sp_out_put(path, text->text, text->len);
	return rc ? sp_fail(err, rc, SP_EXIT_IO, "cannot write %s: %s; check the path", path,
			    strerror(-rc))
		  : 0;
}

const char *sp_outputs_folder(const struct sp_outputs *o)
{
	return o->folder_path;
}

bool sp_outputs_failed(const struct sp_outputs *o)
{
	return o->failed || (o->folder && sp_folder_error(o->folder, NULL));
}

void sp_outputs_free(struct sp_outputs *o)
{
	if (!o)
		return;
	if (o->folder)
		sp_folder_finish(o->folder, NULL, NULL, 0, NULL);
	sp_live_free(o->live);
	sp_csv_fini(&o->csv);
	sp_str_fini(&o->text);
	free(o->folder_path);
	sp_free(sp_mem_system(), o);
}
