/* Runs with a name, in the background. In the folder "named" (place/place.h) a run NAME has
 *
 *   NAME        a socket of its own, mode 0600, that its owner may ask by one letter
 *   NAME.state  what it said last; locked (fcntl) by its process as long as that lives
 *   NAME.log    what it printed on standard error
 *
 * The lock is how a run is known to be alive: it goes with the process, however that ends, and
 * nothing else has it. So nobody is taken for a run because of a name, or of a number that was used
 * again. */
#ifndef SP_NAMED_NAMED_H
#define SP_NAMED_NAMED_H

#include "base/err.h"
#include "named/self.h"
#include "named/state.h"

/* Starts body(arg, self) in a process of its own: a session of its own, nothing on 0 and 1, its log
 * on 2. Returns when it has said sp_self_ready(), or has ended: 0, or its exit status (> 0). What it
 * logged until then is on the caller's standard error. Of two that start one name one wins.
 * -EEXIST (SP_EXIT_USAGE): there is such a run already; or another -errno, with a sentence. */
int sp_named_start(const char *name, const char *command,
		   int (*body)(void *arg, struct sp_self *), void *arg, struct sp_err *);

/* What it is doing (its counts are those of the moment), or how it ended. -ENOENT (SP_EXIT_USAGE):
 * there is none; -ETIMEDOUT: it does not answer, and *out is what it said last. */
int sp_named_poll(const char *name, struct sp_named_state *out, struct sp_err *);
/* Ends it, waits until it has ended, and takes away what is left of it; *out is how it ended. As
 * sp_named_poll; -ETIMEDOUT: it ends neither by its socket nor by SIGTERM. */
int sp_named_stop(const char *name, struct sp_named_state *out, struct sp_err *);
/* All there are, by name, at most max into out; those that do not answer as they said last. Returns
 * how many, or -errno with a sentence. */
int sp_named_list(struct sp_named_state *out, unsigned max, struct sp_err *);

#endif
