/* The lab's init: PID 1 of its PID namespace, parent of COMMAND, the holders and the forwarders. */
#ifndef SP_LAB_INIT_H
#define SP_LAB_INIT_H

#include <signal.h>

#include "lab/space.h"
#include "lab/spec.h"

struct sp_init_conf {
	const struct sp_lab_spec *spec; /* sealed */
	char *const
		*argv; /* COMMAND, in the first host; NULL: the lab lives until it is ended */
	const struct sp_space *space;
	const sigset_t *mask; /* COMMAND's signal mask; init runs with its signals blocked */
	int control;	      /* talk.h, to the lab process */
};

/* Never returns. Over control it gets SP_LAB_BEGIN first; it says READY when COMMAND runs (or, without
 * one, when the lab is made), then answers each order, and says OVER once, at its end. */
void sp_init_main(const struct sp_init_conf *) __attribute__((noreturn));

/* The signals that a lab passes on, and SIGCHLD. */
void sp_init_signals(sigset_t *);

#endif
