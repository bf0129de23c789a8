/* Words to a plan, the plan to a run, the run's events to the outputs. */
#include "cli/cmd_run.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/confine.h"
#include "cli/lab_notes.h"
#include "cli/outputs.h"
#include "named/self.h"
#include "cli/recv_capture.h"
#include "cli/truth_file.h"
#include "report/plain.h"
#include "spate/spate.h"

/* The run that a signal ends. The only mutable file-scope object: handlers get no argument. */
static struct spate_run *volatile signalled_run;
static volatile sig_atomic_t signals_seen;

static void on_signal(int sig)
{
	struct spate_run *run = signalled_run;

	(void)sig;
	/* The first stops, the second ends at once; a third one is for whatever hangs: a name
	 * server, a pipe that nobody reads. */
	if (++signals_seen > 2)
		_exit(SP_EXIT_INTR);
	if (run)
		spate_run_stop(run, 1);
}

static void catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
	struct sigaction was;

	sigemptyset(&stop.sa_mask);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	/* A terminal that goes away; not under nohup. */
	if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

static void write_log(void *arg, int level, const char *line)
{
	(void)arg;
	fprintf(stderr, "spate: %s%s\n", level <= 1 ? (level ? "warning: " : "error: ") : "",
		line);
}

struct context {
	struct sp_outputs *outputs;
	struct spate_run *run;
	struct sp_self *self;		 /* NULL: the run has no name */
	uint64_t noted_ms;		 /* when its counts were told last */
	struct sp_recv_capture *capture; /* NULL: none */
	const struct sp_run_how *how;
	const char *truth; /* NULL: none */
	struct sp_out truth_file;
};

static void write_truth(struct context *c)
{
	struct sp_err err = { 0 };

	if (!sp_truth_write(&c->truth_file, c->truth, c->run, &err))
		return;
	fprintf(stderr, "spate: error: %s\n", err.text);
	spate_run_output_failed(c->run);
}

static void tell_capture(void *arg, bool ok, const char *text)
{
	struct context *c = arg;

	spate_run_note(c->run, "capture", text);
	if (!ok)
		fprintf(stderr, "spate: warning: %s\n", text);
}

/* A remark for each line; NULL: there is none. */
static void note_lines(struct context *c, const char *code, const char *lines)
{
	char line[512];

	for (const char *p = lines; p && *p;) {
		size_t n = strcspn(p, "\n");

		snprintf(line, sizeof line, "%.*s", (int)n, p);
		spate_run_note(c->run, code, line);
		p += n + (p[n] == '\n');
	}
}

static void confine(void *arg, int run_folder)
{
	struct context *c = arg;

	sp_cli_confine(c->run, (const int[]){ run_folder, c->truth_file.dir }, 2);
}

/* Where no report says it: what may be the reason of an exit status that is not 0. */
static void say_why(const struct context *c, const struct sp_result *r)
{
	const struct sp_words_output *out = c->how->out;

	if (!r->exit_code || !(out->plain || out->quiet) || out->json)
		return;
	for (size_t i = 0; i < r->n_remarks; i++)
		if (!r->remarks[i].neutral)
			fprintf(stderr, "spate %s: %s\n", c->how->command, r->remarks[i].text);
}

static void on_event(void *arg, const struct sp_event *e)
{
	struct context *c = arg;

	/* Before the end's report is made: its exit code is in it. */
	if (e->kind == SP_EVENT_END && c->capture &&
	    !sp_recv_capture_stop(c->capture, tell_capture, c))
		spate_run_output_failed(c->run);
	if (e->kind == SP_EVENT_END && c->truth)
		write_truth(c);
	if (sp_outputs_failed(c->outputs))
		spate_run_output_failed(c->run);
	/* Before the program confines itself, and with it the lab's answers. */
	if (e->kind == SP_EVENT_START) {
		sp_lab_notes(c->run);
		note_lines(c, "file", c->how->remarks); /* odd in what was read */
	}
	if (e->kind == SP_EVENT_END && c->how->last)
		note_lines(c, "result", c->how->last(c->how->event_arg));
	if (c->how->event)
		c->how->event(c->how->event_arg, e);
	sp_outputs_event(c->outputs, e);
	if (e->kind == SP_EVENT_END)
		say_why(c, e->result);
}

static int complain(const struct spate_error *err, const char *command)
{
	fprintf(stderr, "spate %s: %s\n", command, err->text);
	if (err->exit_code == SP_EXIT_USAGE)
		fprintf(stderr, "See `spate help %s`.\n", command);
	return err->exit_code;
}

static void say_ready(struct spate_run *run)
{
	char where[96];

	for (unsigned i = 0; spate_run_listening(run, i, where, sizeof where) == 0; i++)
		fprintf(stderr, "ready %s\n", where);
}

static void say_code(struct spate_run *run)
{
	char code[32];

	if (spate_run_pairing_code(run, code, sizeof code) == 0)
		fprintf(stderr,
			"pairing code %s (one try within ten minutes): spate send --pair "
			"%s TARGET\n",
			code, code);
}

/* ---- a run with a name ---- */

#define NOTE_MS 1000u /* what is known of a run that is killed is not older */

static struct sp_named_counts counts_of(struct spate_run *run)
{
	struct spate_counts c;

	spate_run_counts(run, &c);
	return (struct sp_named_counts){ c.sent, c.received, c.corrupted };
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* As spate_run_step, and whoever asks is answered. */
static int step_named(struct context *c)
{
	struct pollfd p[] = { { .fd = spate_run_fd(c->run), .events = POLLIN },
			      { .fd = sp_self_fd(c->self), .events = POLLIN } };
	struct sp_named_counts counts;
	bool asked;

	poll(p, 2, spate_run_wait_ms(c->run));
	asked = p[1].revents != 0;
	if (asked || now_ms() >= c->noted_ms + NOTE_MS) {
		counts = counts_of(c->run);
		sp_self_note(c->self, &counts);
		c->noted_ms = now_ms();
	}
	if (asked && sp_self_serve(c->self))
		spate_run_stop(c->run, 0);
	return spate_run_step(c->run, 0);
}

static void end_named(struct context *c, int code)
{
	const struct sp_named_counts counts = counts_of(c->run);

	sp_self_end(c->self, &counts, code);
}

static void take_answer(struct context *c)
{
	struct spate_error err = { 0 };
	int yes = c->how->answer ? c->how->answer(c->how->event_arg) : -1;

	if (yes >= 0 && spate_run_answer(c->run, yes, &err))
		fprintf(stderr, "spate %s: %s\n", c->how->command, err.text);
}

static int steps(struct context *c, const char *command)
{
	int r = 0, code;

	if (!strcmp(command, "recv"))
		say_ready(c->run);
	say_code(c->run);
	if (c->self)
		sp_self_ready(c->self, sp_outputs_folder(c->outputs));
	while (r == 0) {
		r = c->self ? step_named(c) : spate_run_step(c->run, -1);
		take_answer(c);
	}
	if (sp_outputs_failed(c->outputs))
		spate_run_output_failed(c->run);
	code = r < 0 ? SP_EXIT_FAILED : spate_run_exit_code(c->run);
	if (c->self)
		end_named(c, code);
	return code;
}

static int write_plan(const void *plan, int (*take)(void *, const char *, size_t), void *arg)
{
	return spate_plan_write(plan, take, arg);
}

/* The capture begins first, so that nothing that counts is missing in it. */
static int start(struct context *c, const struct sp_words_output *out, struct spate_error *err)
{
	struct sp_err why = { 0 };
	int rc = out->capture ? sp_recv_capture_start(&c->capture, out, &why) : 0;

	if (!rc && out->truth) {
		rc = sp_truth_open(&c->truth_file, out->truth, &why);
		c->truth = out->truth;
	}
	if (rc) {
		snprintf(err->text, sizeof err->text, "%s", why.text);
		err->exit_code = (int)why.exit;
		return why.code;
	}
	return spate_run_start(c->run, err);
}

int sp_run_plan(struct spate_plan *plan, const struct sp_run_how *how, struct sp_self *self)
{
	const struct sp_words_output *out = how->out;
	const char *command = how->command;
	struct spate_run_options options = { .log = write_log, .event = on_event };
	struct spate_error err = { 0 };
	struct context c = { .self = self, .how = how, .truth_file = { .fd = -1, .dir = -1 } };
	int code;

	catch_signals();

	if (out->drawn && !out->quiet)
		fprintf(stderr, "spate %s: %s\n", command, out->drawn);
	options.log_level = out->quiet ? 0 : out->verbose ? 3 : how->tell ? 2 : 1;
	options.event_arg = &c;
	options.mark_every = out->plain ? SP_PLAIN_EVERY : 0;
	if (sp_outputs_new(&c.outputs, out, write_plan, plan) ||
	    spate_run_new(&c.run, plan, &options, &err)) {
		fprintf(stderr, "spate %s: out of memory\n", command);
		sp_outputs_free(c.outputs);
		return SP_EXIT_FAILED;
	}
	if (!out->no_sandbox)
		sp_outputs_on_open(c.outputs, confine, &c);
	signalled_run = c.run;
	if (signals_seen)
		spate_run_stop(c.run, 1);
	code = start(&c, out, &err) ? complain(&err, command) : steps(&c, command);
	signalled_run = NULL;
	sp_recv_capture_free(c.capture);
	spate_run_free(c.run);
	sp_out_drop(&c.truth_file);
	sp_outputs_free(c.outputs);
	return code;
}

/* What the words said that changes nothing. */
static void tell_notes(const char *command, const struct sp_words_output *out)
{
	const char *p = out->quiet ? NULL : out->notes;

	while (p && *p) {
		size_t n = strcspn(p, "\n");

		fprintf(stderr, "spate %s: %.*s\n", command, (int)n, p);
		p += n + (p[n] == '\n');
	}
}

int sp_run_words(const char *command, int argc, char **argv, struct sp_self *self)
{
	struct spate_error err = { 0 };
	struct spate_plan *plan;
	struct sp_run_how how = { .command = command };
	const char *laws;
	int code = SP_EXIT_OK;

	sp_cli_allow_descriptors();
	catch_signals();
	if (spate_plan_parse(&plan, command, argc, (const char *const *)argv, &err))
		return complain(&err, command);
	how.out = spate_plan_output(plan);
	tell_notes(command, how.out);
	if (spate_plan_output(plan)->dry_run) {
		if (spate_plan_output(plan)->drawn)
			fprintf(stderr, "spate %s: %s\n", command,
				spate_plan_output(plan)->drawn);
		laws = spate_plan_laws(plan);
		printf("%s\n%ssha256 %s\n", spate_plan_json(plan), laws ? laws : "",
		       spate_plan_sha256(plan));
		code = fflush(stdout) ? SP_EXIT_IO : SP_EXIT_OK;
	} else {
		code = sp_run_plan(plan, &how, self);
	}
	spate_plan_free(plan);
	return code;
}

int sp_cmd_send(int argc, char **argv)
{
	return sp_run_words("send", argc, argv, NULL);
}

int sp_cmd_recv(int argc, char **argv)
{
	return sp_run_words("recv", argc, argv, NULL);
}
