/* Where a run's events go: live table, plain lines, CSV, JSON, text report, run folder. */
#ifndef SP_CLI_OUTPUTS_H
#define SP_CLI_OUTPUTS_H

#include <stdbool.h>

#include "base/err.h"
#include "scenario/words.h"

struct sp_event;
struct spate_plan;
struct sp_outputs;

/* The plan, which outlives the outputs, is written into the run folder. Prints a warning when the
 * folder cannot be made (the run goes on; failed() says so). 0 or -ENOMEM. */
int sp_outputs_new(struct sp_outputs **, const struct sp_words_output *,
		   const struct spate_plan *);
/* Who is told at the start event, when everything that will be written to is open and before any
 * thread has started: folder is the run folder's descriptor, or -1. */
void sp_outputs_on_open(struct sp_outputs *, void (*opened)(void *arg, int folder), void *arg);
void sp_outputs_event(struct sp_outputs *, const struct sp_event *);
/* Something could not be written: exit code 74. */
bool sp_outputs_failed(const struct sp_outputs *);
void sp_outputs_free(struct sp_outputs *);

#endif
