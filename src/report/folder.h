/* The run folder: plan.json, events.jsonl, report.json, report.txt, *.hgrm. Events are written
 * by a thread of the folder's own, one write a line, synced each second, so that the control
 * thread never waits for a disk and a killed process loses at most the last second.
 *
 * All calls from one thread. What goes wrong is told once, by sp_folder_error; the run goes on. */
#ifndef SP_REPORT_FOLDER_H
#define SP_REPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "core/hist.h"
#include "core/result.h"
#include "report/json.h"

typedef int sp_folder_take(void *arg, const char *text, size_t len);

struct sp_folder_conf {
	const char *dir; /* --run-dir: this very folder; NULL: a new one under the runs' root */
	/* Values of the environment, NULL when not set; used without dir. */
	const char *spate_runs, *xdg_state_home, *home;
	const char *name; /* the run's, made harmless here; NULL: "run" */
	int64_t started_real_ns;
	/* Gives plan.json's text in pieces, on the writer's thread; NULL: no such file. It stops
	 * when take returns other than 0, and returns that. plan_arg lives until the end of
	 * sp_folder_finish. */
	int (*plan)(const void *plan_arg, sp_folder_take *take, void *arg);
	const void *plan_arg;
	const char *version;
};

struct sp_folder;

/* Makes the folder and opens events.jsonl. On failure (-errno, exit SP_EXIT_IO) err says what
 * could not be made, why and the way out; the run can go on without. */
int sp_folder_open(struct sp_folder **, const struct sp_folder_conf *, const struct sp_mem *mem,
		   struct sp_err *);
/* Absolute path, good until sp_folder_finish. */
const char *sp_folder_path(const struct sp_folder *);
/* The open folder: whoever gives up rights to files keeps those to it. The writer starts with the
 * first event, so until then there is no other thread. */
int sp_folder_dir(const struct sp_folder *);
/* Appends the event to events.jsonl; never waits. When the disk is so slow that the queue is
 * full, intervals are left out and their number is written when there is room again. */
void sp_folder_event(struct sp_folder *, const struct sp_event *);
/* True when something could not be written so far; err (may be NULL) gets the first failure,
 * exit SP_EXIT_IO. */
bool sp_folder_error(struct sp_folder *, struct sp_err *);

/* A histogram to be written as NAME.hgrm. */
struct sp_folder_hist {
	const char *name;
	const struct sp_hist *hist;
};
/* Waits for the queue (at most 2 s), writes the reports of the end event and frees the folder.
 * Returns 0, or -EIO when anything of it failed, err as from sp_folder_error. ev may be NULL: no
 * reports (the run never started). */
int sp_folder_finish(struct sp_folder *, const struct sp_event *ev,
		     const struct sp_folder_hist *hists, size_t n_hists, struct sp_err *);

#endif
