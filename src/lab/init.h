/* The lab's init: PID 1 of its PID namespace, parent of COMMAND and of the holders. */
#ifndef SP_LAB_INIT_H
#define SP_LAB_INIT_H

#include <signal.h>

#include "base/err.h"
#include "lab/hosts.h"
#include "lab/space.h"

/* What init tells the lab process: exactly one, when everything is over. */
struct sp_init_result {
	int status;	   /* COMMAND's, as a shell shows it */
	struct sp_err err; /* code != 0: the lab failed with this */
};

/* What the lab process tells init: one empty message when it may begin, then the numbers of
 * signals to pass on. */
struct sp_init_order {
	int signal; /* 0: begin */
};

struct sp_init_conf {
	const struct sp_lab_hosts *hosts;
	char *const *argv;
	const struct sp_space *space;
	const sigset_t *mask; /* COMMAND's signal mask; init runs with its signals blocked */
	int control;	      /* SOCK_SEQPACKET to the lab process */
};

/* Never returns. */
void sp_init_main(const struct sp_init_conf *) __attribute__((noreturn));

/* The signals that a lab passes on, and SIGCHLD. */
void sp_init_signals(sigset_t *);

#endif
