/* A scenario's captures: a process where each host is, its file in the run folder. */
#ifndef SP_CLI_CAPTURES_H
#define SP_CLI_CAPTURES_H

#include "cli/places.h"

struct sp_captures;

/* Starts them and waits until all gather frames; the files come later. On failure nothing is left.
 * The scenario and the places outlive them. */
int sp_captures_start(struct sp_captures **, const struct sp_scenario *, struct sp_places *,
		      struct sp_err *);
/* The folder is there. */
void sp_captures_write_to(struct sp_captures *, const char *folder);
/* Ends them. For each, one sentence on what is in its file; ok: everything is. False: a file could
 * not be written. */
bool sp_captures_stop(struct sp_captures *, void (*tell)(void *arg, bool ok, const char *text),
		      void *arg);
void sp_captures_free(struct sp_captures *);

#endif
