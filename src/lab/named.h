/* Labs with a name: each is held by a process of its own, which listens on a socket NAME in the
 * folder "labs" (place/place.h) and nowhere else. A socket on which nobody listens is left over from a holder that was killed
 * (and took its lab along); whoever finds it takes it away. */
#ifndef SP_LAB_NAMED_H
#define SP_LAB_NAMED_H

#include <sys/types.h>

#include "base/err.h"
#include "lab/spec.h"
#include "lab/talk.h"

/* Starts the holder of spec->name and returns when the lab is there. *holder is its pid; it is in a
 * session of its own, and nobody's child that has to be waited for. -EEXIST (SP_EXIT_USAGE): there
 * is such a lab already; else as sp_lab_open, or SP_EXIT_IO for the folder. */
int sp_lab_named_up(const struct sp_lab_spec *, pid_t *holder, struct sp_err *);

/* One order to the lab of that name; NULL or "": the only one there is. Descriptors that come back
 * go to fds. -ENOENT (SP_EXIT_USAGE) when there is none, or several and no name. SP_LAB_DOWN is
 * answered when the lab is gone. */
int sp_lab_named_ask(const char *name, const struct sp_lab_order *, struct sp_lab_note *,
		     int *fds, unsigned *n_fds, struct sp_err *);

/* One order to the lab that the caller is in (it is asked in the caller's network namespace). */
int sp_lab_named_ask_inside(const struct sp_lab_order *, struct sp_lab_note *, struct sp_err *);

/* The names of the labs that are up, in order; *n of them, at most max. 0, or SP_EXIT_IO. */
int sp_lab_named_list(char (*names)[SP_LAB_NAME_LEN], unsigned max, unsigned *n,
		      struct sp_err *);

#endif
