/* spate as a library: a plan from words, a run of it, its report. Compiles as C11 and C++17.
 *
 *     struct spate_error err = { 0 };
 *     const char *words[] = { "udp://127.0.0.1:5001", "--rate", "1kpps", "-D", "2" };
 *     struct spate_plan *plan;
 *     struct spate_run *run;
 *     if (spate_plan_parse(&plan, "send", 5, words, &err) ||
 *         spate_run_new(&run, plan, NULL, &err) || spate_run_start(run, &err))
 *             fprintf(stderr, "%s\n", err.text);
 *     while (spate_run_step(run, 1000) == 0)
 *             ;
 *     puts(spate_run_json(run));
 *     spate_run_free(run);
 *     spate_plan_free(plan);
 *
 * Several runs may live in one process; each belongs to the thread that steps it. Nothing here
 * prints, exits or installs a signal handler. */
#ifndef SPATE_SPATE_H
#define SPATE_SPATE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPATE_VERSION "0.1.0"

/* Zero-initialise. code is a negative errno value, exit_code what a program should exit with (see
 * EXIT STATUS in spate(1)), text one sentence. */
struct spate_error {
	int code, exit_code;
	char text[512];
};

struct spate_plan;
struct spate_run;
struct sp_event; /* inside; library users read spate_run_json instead */
struct sp_words_output;

/* The version of the library that is linked. */
const char *spate_version(void);
/* What this build has: its transports, then its laws; NULL past the last. */
const char *spate_feature(unsigned i);

/* Builds the plan that `spate COMMAND WORDS...` would run; command is "send" or "recv". 0 or a
 * negative errno with *err filled. */
int spate_plan_parse(struct spate_plan **plan, const char *command, int argc,
		     const char *const argv[], struct spate_error *err);
/* The plan of a canonical text, as spate_plan_json gives it. distrust: the text came from a peer, and
 * may not name files of this host. */
int spate_plan_read(struct spate_plan **plan, const char *text, size_t len, int distrust,
		    struct spate_error *err);
/* The canonical plan as one line of JSON (NULL: no memory), and its SHA-256 in hexadecimal. Owned
 * by the plan. */
const char *spate_plan_json(struct spate_plan *plan);
const char *spate_plan_sha256(const struct spate_plan *plan);
/* What the laws of its streams come to, a line each: mean, standard deviation, bounds; "" when there are
 * none, NULL: no memory. Owned by the plan. */
const char *spate_plan_laws(struct spate_plan *plan);
/* The canonical plan in pieces: of 100,000 streams the whole is 35 MB. take returns 0 to go on.
 * Returns what take did, or a negative errno. Any thread. */
int spate_plan_write(const struct spate_plan *plan,
		     int (*take)(void *arg, const char *text, size_t len), void *arg);
/* The words that say what to print (--json, --run-dir, ...), for the command line. */
const struct sp_words_output *spate_plan_output(const struct spate_plan *plan);
void spate_plan_free(struct spate_plan *plan);

/* log_level: 0 errors, 1 warnings, 2 information, 3 everything. */
struct spate_run_options {
	void (*log)(void *arg, int level, const char *line); /* any thread; NULL: none */
	void *log_arg;
	int log_level;
	void (*event)(void *arg, const struct sp_event *event); /* the stepping thread; NULL */
	void *event_arg;
	unsigned mark_every; /* an event, with exact counts, for each so many packets; 0 none */
};

/* The plan must outlive the run. options may be NULL and is copied. */
int spate_run_new(struct spate_run **run, const struct spate_plan *plan,
		  const struct spate_run_options *options, struct spate_error *err);
/* Resolves, checks consent, opens, asks receivers, and starts: prepare, and arm for at once. When it
 * fails nothing was sent. */
int spate_run_start(struct spate_run *run, struct spate_error *err);
/* The same in two parts: all but the start; then the start at t0_ns of CLOCK_MONOTONIC (of a
 * virtual plan's own clock: at once). Between them a receiver counts already, and has to be
 * stepped for its senders' questions. */
int spate_run_prepare(struct spate_run *run, struct spate_error *err);
int spate_run_arm(struct spate_run *run, uint64_t t0_ns, struct spate_error *err);
/* While it runs: action "start" (anew), "stop" or "set", the latter with a rate as a user writes it.
 * after_ns: since the run's start; 0: now. */
int spate_run_command(struct spate_run *run, const char *action, const char *stream,
		      const char *rate, uint64_t after_ns, struct spate_error *err);
/* To a run whose recorded streams ask, each time, whether the next capture is to be played ("asks" of
 * their results): yes plays it from now on, no leaves it out. */
int spate_run_answer(struct spate_run *run, int yes, struct spate_error *err);
/* For callers with a loop of their own: a descriptor that is readable, and the time in ms after
 * which the run has something to do even so. */
int spate_run_fd(struct spate_run *run);
int spate_run_wait_ms(const struct spate_run *run);
/* Address number i that the run listens on ("udp://0.0.0.0:5001") into buf; -ENOENT past the
 * last. After start. */
int spate_run_listening(const struct spate_run *run, unsigned i, char *buf, size_t cap);
/* The one-time code of `recv --pair` into buf; -ENOENT: none was asked for. After start. */
int spate_run_pairing_code(const struct spate_run *run, char *buf, size_t cap);
/* For a program that wants to confine itself: open folders in which the run may still make files
 * (recv --pair keeps a key), at most n into dirs. Returns their number. The moment for it is the
 * START event, when everything is open and there are no threads yet; what says then, for the
 * report, what was given up. */
int spate_run_folders(const struct spate_run *run, int *dirs, int n);
/* For the same: 1 when the run goes on running a program that it has loaded into the kernel
 * (bpf(2), BPF_PROG_TEST_RUN), else 0. */
int spate_run_needs_bpf(const struct spate_run *run);
void spate_run_confined(struct spate_run *run, const char *what);
/* Puts a sentence about the surroundings into the report, as a remark that takes nothing from the
 * result. code is a stable word; both are copied. From the START event on. */
void spate_run_note(struct spate_run *run, const char *code, const char *text);
/* What was sent, received (corrupted ones too) and corrupted up to now; -1: not known, or not this
 * side's. Each only grows. A sender's received are answers that came back to it. */
struct spate_counts {
	int64_t sent, received, corrupted;
};
void spate_run_counts(struct spate_run *run, struct spate_counts *counts);
/* Waits at most timeout_ms (-1: until something happens) and does what is to be done. 1: the run
 * is over; 0: it goes on; negative: errno. */
int spate_run_step(struct spate_run *run, int timeout_ms);
/* Ends the run soon; its report is complete. interrupted: exit code 130. Async-signal-safe. */
void spate_run_stop(struct spate_run *run, int interrupted);
/* Raises the exit code when an output of the caller's could not be written (74). */
void spate_run_output_failed(struct spate_run *run);
/* After the end: what the collectors that were sent to must have stored, as whole JSON lines; 0, or
 * what take said (negative), which ends it. Streams of other protocols add nothing. */
int spate_run_truth(const struct spate_run *run,
		    int (*take)(void *arg, const char *text, size_t len), void *arg);
/* After the end. */
int spate_run_exit_code(const struct spate_run *run);
/* The report as JSON, or NULL without memory. Owned by the run. */
const char *spate_run_json(struct spate_run *run);
void spate_run_free(struct spate_run *run);

#ifdef __cplusplus
}
#endif

#endif
