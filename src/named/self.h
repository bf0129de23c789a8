/* The run's own side of its name: it says how it is doing, to whoever asks. The thread that steps the
 * run uses it; after sp_self_ready() it needs no file and no folder, so that the run can be
 * confined. */
#ifndef SP_NAMED_SELF_H
#define SP_NAMED_SELF_H

#include <stdbool.h>

#include "named/state.h"

struct sp_self {
	struct sp_named_state state;
	int file, listening, ready; /* descriptors; ready -1: was told */
};

/* It runs, and anybody may ask. folder: NULL: none. */
void sp_self_ready(struct sp_self *, const char *folder);
/* Readable when somebody asks. */
int sp_self_fd(const struct sp_self *);
/* What holds now; for those who ask, and in the file for when it is killed. */
void sp_self_note(struct sp_self *, const struct sp_named_counts *);
/* Answers one who asks. True: the run is to end. Waits for a slow one 100 ms at most; others than
 * the owner and root are not heard. */
bool sp_self_serve(struct sp_self *);
/* It is over, and so were its counts. */
void sp_self_end(struct sp_self *, const struct sp_named_counts *, int exit_code);

/* What is asked: one letter in one packet; the answer is a struct sp_named_state. */
#define SP_SELF_POLL 'p'
#define SP_SELF_STOP 's'

#endif
