/* The way into a lab from outside: a child of the lab's PID namespace, so that it ends with it. */
#ifndef SP_LAB_DOOR_H
#define SP_LAB_DOOR_H

#include "base/err.h"

struct sp_door {
	int fd[4];	 /* namespaces: user, PID, mount, network (as SP_LAB_DOOR answers) */
	const char *map; /* for SPATE_LAB */
};

/* Runs argv there and waits; call it from a process with one thread, which is spoiled for anything
 * else afterwards. The caller's working directory is kept as far as its path exists there. Signals
 * TERM, HUP, INT and QUIT that the caller gets are passed on; what a terminal sends reaches the
 * command by itself. *status is as a shell shows it. started is called, when not NULL, as soon as
 * argv runs. Errors: exit 127 or 126 when argv cannot be started; -EPERM. */
int sp_door_run(const struct sp_door *, char *const argv[], void (*started)(void *), void *arg,
		int *status, struct sp_err *err);
void sp_door_close(struct sp_door *);

#endif
