/* Where a run's events go: live table, plain lines, CSV, JSON, text report, run folder. */
#ifndef SP_CLI_OUTPUTS_H
#define SP_CLI_OUTPUTS_H

#include <stdbool.h>

#include "base/err.h"
#include "scenario/words.h"

struct sp_event;
struct sp_outputs;

/* The plan's text in pieces, for the run folder; NULL: none. See sp_folder_conf. */
typedef int sp_outputs_plan(const void *arg,
			    int (*take)(void *arg, const char *text, size_t len),
			    void *take_arg);
/* plan_arg outlives the outputs. Prints a warning when the
 * folder cannot be made (the run goes on; failed() says so). 0 or -ENOMEM. */
int sp_outputs_new(struct sp_outputs **, const struct sp_words_output *, sp_outputs_plan *plan,
		   const void *plan_arg);
/* Who is told at the start event, when everything that will be written to is open and before any
 * thread has started: folder is the run folder's descriptor, or -1. */
void sp_outputs_on_open(struct sp_outputs *, void (*opened)(void *arg, int folder), void *arg);
void sp_outputs_event(struct sp_outputs *, const struct sp_event *);
/* Makes the file, or replaces what is in it. 0, or -errno with a sentence. */
int sp_outputs_file(const char *path, const struct sp_str *text, struct sp_err *);
/* The run folder, from the start event on; NULL: there is none. */
const char *sp_outputs_folder(const struct sp_outputs *);
/* Something could not be written: exit code 74. */
bool sp_outputs_failed(const struct sp_outputs *);
void sp_outputs_free(struct sp_outputs *);

#endif
