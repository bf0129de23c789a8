/* What a report says of the lab in which a run took place. */
#ifndef SP_CLI_LAB_NOTES_H
#define SP_CLI_LAB_NOTES_H

#include "spate/spate.h"

/* Inside a lab: a note for each link that is no plain wire, with what carries it and its settings
 * now. Nothing elsewhere, or when the lab does not tell (its root asks only). Before the run is
 * confined. */
void sp_lab_notes(struct spate_run *);

#endif
