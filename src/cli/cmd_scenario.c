/* `spate run`: a scenario's parts to agents, their result to the outputs; as often as it says. */
#include "cli/cmd_scenario.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/captures.h"
#include "cli/outputs.h"
#include "cli/places.h"
#include "cli/repeats.h"
#include "cli/truth_file.h"
#include "named/self.h"
#include "spate/spate.h"

/* The run that a signal ends: handlers get no argument. */
static struct sp_fleet *volatile signalled;
static volatile sig_atomic_t signals_seen;

static void on_signal(int sig)
{
	struct sp_fleet *fleet = signalled;

	(void)sig;
	if (++signals_seen > 2)
		_exit(SP_EXIT_INTR);
	if (fleet)
		sp_fleet_stop(fleet);
}

static void catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_signal };

	sigemptyset(&stop.sa_mask);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
}

struct job {
	const struct sp_words_run *words;
	const struct sp_scenario *scenario;
	struct sp_fleet_part *parts;
	struct sp_fleet_stage *stages;
	struct sp_str *plans; /* texts of the parts' plans, and one of all */
	struct sp_outputs *outputs;
	struct sp_fleet *fleet;
	struct sp_arena arena; /* of the repetition */
	struct sp_repeats *repeats;
	struct sp_places *places;
	struct sp_captures *captures; /* NULL: none */
	struct sp_self *self;	      /* NULL: the run has no name */
	bool finished;		      /* by its name */
	const char *truth;	      /* the repetition's file; NULL: none */
	struct sp_out truth_file;
};

static int complain(const struct sp_err *err)
{
	fprintf(stderr, "spate run: %s\n", err->text);
	if (err->exit == SP_EXIT_USAGE)
		fprintf(stderr, "See `spate help run`.\n");
	return (int)err->exit;
}

/* ---- the fleet's questions ---- */

static int64_t known(const struct sp_result *r, enum sp_counter c)
{
	return sp_counts_has(&r->total.c, c) ? (int64_t)r->total.c.v[c] : -1;
}

/* While the run goes on its receivers' own counts are all that is known of what arrived. */
static int64_t received(const struct sp_result *r)
{
	int64_t sum = known(r, SP_C_rx_packets);
	bool told = sum >= 0;

	for (size_t i = 0; !told && i < r->n_hosts; i++)
		if (r->hosts[i].rx_known)
			sum = (sum < 0 ? 0 : sum) + (int64_t)r->hosts[i].rx_packets;
	return sum;
}

/* Whoever asks for the run by its name hears what the last event said. */
static void note_counts(const struct job *j, const struct sp_result *r)
{
	const struct sp_named_counts counts = { known(r, SP_C_tx_packets), received(r),
						known(r, SP_C_corrupted) };

	sp_self_note(j->self, &counts);
}

static void on_asked(void *arg)
{
	struct job *j = arg;

	if (!sp_self_serve(j->self))
		return;
	j->finished = true;
	sp_fleet_finish(j->fleet);
}

static void on_event(void *arg, const struct sp_event *e)
{
	struct job *j = arg;

	if (sp_outputs_failed(j->outputs) && e->kind != SP_EVENT_START)
		sp_fleet_output_failed(j->fleet);
	sp_outputs_event(j->outputs, e);
	if (j->self)
		note_counts(j, e->result);
	if (e->kind == SP_EVENT_START && j->self)
		sp_self_ready(j->self, sp_outputs_folder(j->outputs));
	if (e->kind == SP_EVENT_START && j->captures)
		sp_captures_write_to(j->captures, sp_outputs_folder(j->outputs));
	if (e->kind == SP_EVENT_END)
		sp_repeats_add(j->repeats, e->result);
}

static int on_truth(void *arg, const char *text, size_t len)
{
	struct job *j = arg;
	struct sp_err err = { 0 };
	int rc = j->truth ? sp_truth_add(&j->truth_file, j->truth, text, len, &err) : 0;

	if (!rc)
		return 0;
	fprintf(stderr, "spate run: %s\n", err.text);
	j->truth = NULL;
	return rc;
}

static void on_log(void *arg, int level, const char *line)
{
	const struct job *j = arg;

	if (level <= 1 || j->words->out.verbose)
		fprintf(stderr, "spate: %s%s\n", level == 0 ? "error: " : "warning: ", line);
}

static void on_ready(void *arg, const char *host, const char *where)
{
	const struct job *j = arg;

	if (j->words->out.verbose)
		fprintf(stderr, "ready %s %s\n", host, where);
}

static int on_stage(void *arg, unsigned what, struct sp_err *err)
{
	const struct job *j = arg;
	const struct sp_scenario_link *l = &j->scenario->links[what];
	char text[500], words[400];
	int rc = sp_places_change_link(j->places, l, words, sizeof words, err);

	snprintf(text, sizeof text, "link %s: %s from here on", l->link, words);
	if (!rc)
		sp_fleet_remark(j->fleet, "stage", true, text);
	return rc;
}

static void tell_link(void *arg, const char *text)
{
	const struct job *j = arg;

	sp_fleet_remark(j->fleet, "lab-link", true, text);
}

static void tell_capture(void *arg, bool ok, const char *text)
{
	const struct job *j = arg;

	sp_fleet_remark(j->fleet, "capture", ok, text);
}

/* What is in the captures, what carried each link, and what it did to frames. */
static void on_closing(void *arg)
{
	const struct job *j = arg;

	if (j->captures && !sp_captures_stop(j->captures, tell_capture, arg))
		sp_fleet_output_failed(j->fleet);
	sp_places_tell_links(j->places, tell_link, arg);
}

static int on_spawn(void *arg, const struct sp_fleet_part *part, char *const argv[],
		    const int stdio[2], pid_t *pid, struct sp_err *err)
{
	const struct job *j = arg;

	return sp_places_spawn(j->places, part, argv, stdio, pid, err);
}

static void on_judge(void *arg, struct sp_result *r)
{
	struct job *j = arg;
	const struct sp_scenario *s = j->scenario;
	struct sp_expectation *all = sp_arena_alloc(&j->arena,
						    (s->n_expects + 1) * sizeof *all);
	bool met = true;

	for (unsigned i = 0; all && i < s->n_expects; i++) {
		sp_expect_check(&s->expects[i], r, &j->arena, &all[i]);
		met &= all[i].met;
	}
	r->expectations = all;
	r->n_expectations = all ? s->n_expects : 0;
	if (!met)
		r->exit_code = (int)sp_exit_worse((enum sp_exit)r->exit_code, SP_EXIT_EXPECT);
}

/* ---- plans ---- */

/* All plans as one document, for the run folder and --dry-run. */
static void all_plans(struct job *j)
{
	const struct sp_scenario *s = j->scenario;
	struct sp_str *out = &j->plans[s->n_parts];

	sp_str_printf(out, "{\"scenario\":1,\"sha256\":\"%s\",\"parts\":[", s->sha256);
	for (unsigned i = 0; i < s->n_parts; i++)
		sp_str_printf(out, "%s{\"host\":\"%s\",\"sends\":%s,\"plan\":%s}", i ? "," : "",
			      s->hosts[s->parts[i].host].name,
			      s->parts[i].sends ? "true" : "false", j->plans[i].text);
	sp_str_puts(out, "]}");
}

static int make_parts(struct job *j)
{
	const struct sp_scenario *s = j->scenario;
	const struct sp_mem *mem = sp_mem_system();

	j->parts = sp_alloc_array(mem, s->n_parts, sizeof *j->parts);
	j->stages = sp_alloc_array(mem, s->n_links + 1, sizeof *j->stages);
	j->plans = sp_alloc_array(mem, s->n_parts + 1, sizeof *j->plans);
	if (!j->parts || !j->stages || !j->plans)
		return -ENOMEM;
	for (unsigned i = 0; i <= s->n_parts; i++)
		sp_str_init(&j->plans[i], mem);
	for (unsigned i = 0; i < s->n_parts; i++) {
		const struct sp_scenario_host *h = &s->hosts[s->parts[i].host];

		sp_scenario_plan_text(&s->parts[i], &j->plans[i]);
		j->parts[i] = (struct sp_fleet_part){ .host = h->name,
						      .where = h->where,
						      .kind = h->place,
						      .sends = s->parts[i].sends,
						      .plan = j->plans[i].text,
						      .sha256 = sp_scenario_plan_sha256(
							      &s->parts[i]) };
		if (j->plans[i].failed)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < s->n_links; i++)
		j->stages[i] = (struct sp_fleet_stage){ s->links[i].at_ns, i };
	all_plans(j);
	return j->plans[s->n_parts].failed ? -ENOMEM : 0;
}

static void free_parts(struct job *j)
{
	const struct sp_mem *mem = sp_mem_system();

	for (unsigned i = 0; j->plans && i <= j->scenario->n_parts; i++)
		sp_str_fini(&j->plans[i]);
	sp_free(mem, j->plans);
	sp_free(mem, j->parts);
	sp_free(mem, j->stages);
}

/* ---- running ---- */

static struct sp_fleet_conf fleet_conf(struct job *j)
{
	const struct sp_scenario *s = j->scenario;
	bool abort = j->words->on_loss ? !strcmp(j->words->on_loss, "abort") : s->abort_on_loss;

	return (struct sp_fleet_conf){ .parts = j->parts,
				       .n_parts = s->n_parts,
				       .stages = j->stages,
				       .n_stages = s->n_links,
				       .on_loss = abort ? SP_FLEET_ABORT : SP_FLEET_CONTINUE,
				       .no_sandbox = j->words->out.no_sandbox,
				       .name = j->words->out.name ? j->words->out.name
								  : s->name,
				       .plan_sha256 = s->sha256,
				       .seed = s->seed,
				       .arg = j,
				       .spawn = on_spawn,
				       .act = on_stage,
				       .event = on_event,
				       .log = on_log,
				       .closing = on_closing,
				       .judge = on_judge,
				       .truth = j->words->out.truth ? on_truth : NULL,
				       .also_fd = j->self ? sp_self_fd(j->self) : -1,
				       .also = j->self ? on_asked : NULL,
				       .ready = on_ready };
}

static int write_plans(const void *arg, int (*take)(void *, const char *, size_t),
		       void *take_arg)
{
	const struct sp_str *all = arg;

	return take(take_arg, all->text, all->len);
}

static int run_agents(struct job *j, struct sp_err *err)
{
	const struct sp_fleet_conf conf = fleet_conf(j);
	int rc = sp_places_open(j->places, err);

	if (!rc && j->scenario->n_captures)
		rc = sp_captures_start(&j->captures, j->scenario, j->places, err);
	if (!rc)
		rc = sp_fleet_new(&j->fleet, &conf, sp_mem_system(), err);
	signalled = j->fleet;
	if (!rc && signals_seen)
		sp_fleet_stop(j->fleet);
	while (rc == 0)
		rc = sp_fleet_step(j->fleet, err);
	if (rc > 0 && sp_outputs_failed(j->outputs))
		sp_fleet_output_failed(j->fleet);
	signalled = NULL;
	return rc;
}

static int open_truth(struct job *j, const char *path, struct sp_err *err)
{
	int rc = sp_truth_open(&j->truth_file, path, err);

	j->truth = rc ? NULL : path;
	return rc;
}

static int run_once(struct job *j, const struct sp_words_output *out)
{
	struct sp_err err = { 0 };
	int code;

	j->fleet = NULL;
	if (sp_outputs_new(&j->outputs, out, write_plans, &j->plans[j->scenario->n_parts])) {
		fprintf(stderr, "spate run: out of memory\n");
		return SP_EXIT_FAILED;
	}
	sp_arena_init(&j->arena, sp_mem_system());
	if ((out->truth && open_truth(j, out->truth, &err)) || run_agents(j, &err) < 0) {
		sp_repeats_add_failed(j->repeats, j->scenario->name, err.text);
		code = complain(&err);
	} else {
		code = sp_fleet_exit_code(j->fleet);
		if (j->truth && sp_truth_finish(&j->truth_file, j->truth, &err))
			code = complain(&err);
	}
	sp_out_drop(&j->truth_file);
	j->truth = NULL;
	sp_captures_free(j->captures);
	j->captures = NULL;
	sp_fleet_free(j->fleet);
	sp_places_leave(j->places);
	sp_arena_fini(&j->arena);
	sp_outputs_free(j->outputs);
	return code;
}

static int run_all(struct job *j, uint64_t repeats)
{
	struct sp_words_output out = j->words->out;
	enum sp_exit code = SP_EXIT_OK;
	char dir[4096], truth[4096];

	if (repeats == 1)
		return run_once(j, &out);
	/* One document at the end; each repetition's own is in its folder. */
	out.json = out.csv = false;
	out.quiet |= j->words->out.json || j->words->out.csv;
	for (uint64_t i = 0; i < repeats && signals_seen == 0 && !j->finished; i++) {
		if (j->words->out.run_dir) {
			snprintf(dir, sizeof dir, "%s/%llu", j->words->out.run_dir,
				 (unsigned long long)i + 1);
			out.run_dir = dir;
		}
		if (j->words->out.truth) {
			snprintf(truth, sizeof truth, "%s.%llu", j->words->out.truth,
				 (unsigned long long)i + 1);
			out.truth = truth;
		}
		code = sp_exit_worse(code, (enum sp_exit)run_once(j, &out));
	}
	if (sp_repeats_any(j->repeats) && sp_repeats_print(j->repeats, j->words->out.json))
		code = sp_exit_worse(code, SP_EXIT_IO);
	return (int)code;
}

static int write_junit(const struct job *j)
{
	struct sp_err err = { 0 };

	return sp_outputs_file(j->words->junit, sp_repeats_junit(j->repeats), &err)
		       ? complain(&err)
		       : SP_EXIT_OK;
}

static int execute(const struct sp_scenario *s, const struct sp_words_run *w,
		   struct sp_places *places, struct sp_self *self)
{
	struct job j = { .words = w,
			 .scenario = s,
			 .places = places,
			 .self = self,
			 .truth_file = { .fd = -1, .dir = -1 } };
	const uint64_t repeats = w->repeats ? w->repeats : s->repeats;
	int code = SP_EXIT_FAILED;

	if (make_parts(&j) || sp_repeats_new(&j.repeats, repeats > 1, sp_mem_system())) {
		fprintf(stderr, "spate run: out of memory\n");
	} else if (w->out.dry_run) {
		printf("%s\nsha256 %s\n", j.plans[s->n_parts].text, s->sha256);
		code = fflush(stdout) ? SP_EXIT_IO : SP_EXIT_OK;
	} else {
		code = run_all(&j, repeats);
		if (w->junit)
			code = (int)sp_exit_worse((enum sp_exit)code,
						  (enum sp_exit)write_junit(&j));
	}
	if (self)
		sp_self_end(self, &self->state.counts, code);
	sp_repeats_free(j.repeats);
	free_parts(&j);
	return code;
}

int sp_scenario_words(int argc, char **argv, struct sp_self *self)
{
	struct sp_places places = { 0 };
	const struct sp_scenario_conf conf = { .mem = sp_mem_system(),
					       .catalog = sp_scenario_catalog(),
					       .arg = &places,
					       .lab = sp_places_lab,
					       .lab_address = sp_places_address,
					       .lab_link = sp_places_check_link };
	struct sp_words_run w;
	struct sp_scenario s;
	struct sp_err err = { 0 };
	int code;

	if (sp_words_run_parse(argc, argv, conf.mem, &w, &err) ||
	    sp_scenario_read(&s, w.file, &conf, &err)) {
		code = complain(&err);
	} else if (w.out.truth && !sp_scenario_has_truth(&s, conf.catalog)) {
		sp_fail(&err, -EINVAL, SP_EXIT_USAGE,
			"--truth: what this scenario sends is stored by nobody; " SP_TRUTH_OF
			" have a truth");
		code = complain(&err);
		sp_scenario_free(&s);
	} else if (s.n_captures && w.out.no_run_dir) {
		sp_fail(&err, -EINVAL, SP_EXIT_USAGE,
			"--no-run-dir: the scenario's captures are written to the run folder");
		code = complain(&err);
		sp_scenario_free(&s);
	} else {
		catch_signals();
		code = execute(&s, &w, &places, self);
		sp_scenario_free(&s);
	}
	sp_places_fini(&places);
	return code;
}

int sp_cmd_scenario(int argc, char **argv)
{
	return sp_scenario_words(argc, argv, NULL);
}
