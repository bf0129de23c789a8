/* Init's own parts: what it makes (init_build.c) and what it answers (init_serve.c). */
#ifndef SP_LAB_INIT_IMPL_H
#define SP_LAB_INIT_IMPL_H

#include <signal.h>

#include "lab/init.h"
#include "lab/talk.h"

/* In the network namespace of every place: `spate lab link` inside a lab finds it there. */
#define SP_LAB_SOCKET "spate-lab"

struct lab_forwarder {
	pid_t pid; /* 0: none, or gone */
	int fd;
	uint32_t serial; /* of the last order */
	bool unsure;	 /* it was not answered */
};

struct lab_init {
	const struct sp_init_conf *conf;
	struct sp_lab_spec *spec; /* its own */
	struct sp_lab_map map;
	int64_t started_ns;
	pid_t command;
	int signals;		      /* signalfd */
	int64_t got_at[NSIG];	      /* ms, when init itself got this signal */
	int inside[SP_LAB_MAX_HOSTS]; /* listening sockets; -1: none */
	struct lab_forwarder forwarder[SP_LAB_MAX_LINKS];
	bool over;
	struct sp_lab_note result;
};

/* Namespaces, links, forwarders: all but COMMAND. Fills result.err on failure. */
int sp_init_build(struct lab_init *);
/* The places' holders and the forwarders get SIGKILL. */
void sp_init_kill_own(struct lab_init *);
/* One of them has ended: fills result.err; false when it is none of them. */
bool sp_init_note_end(struct lab_init *, pid_t pid);

/* Answers an order; DOOR only when doors says so. */
void sp_init_answer(struct lab_init *, int fd, const struct sp_lab_order *, bool doors);
/* One order of somebody who has connected to a listening socket. */
void sp_init_accept(struct lab_init *, int listening);

#endif
