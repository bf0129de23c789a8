/* The lab process's end of a lab, shared by run and open. */
#ifndef SP_LAB_LAB_IMPL_H
#define SP_LAB_LAB_IMPL_H

#include "lab/lab.h"

/* Forks init and lets it begin. All signals of sp_init_signals are blocked, and *mask is what was
 * before; control is the socket to init, or -1. Returns init's pid or a negative errno. */
pid_t sp_lab_fork(const struct sp_lab_spec *, char *const argv[], const sigset_t *mask,
		  int *control, struct sp_err *err);
/* Kills init and waits: it is reaped only when every process of its PID namespace is. */
void sp_lab_reap(pid_t init);

#endif
