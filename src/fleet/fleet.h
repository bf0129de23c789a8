/* A controller: starts an agent for each part of a run, brings them to one start, and makes one
 * result of what they say. One thread; nothing here prints.
 *
 *   start all -> hello, clocks -> receivers prepare -> senders prepare -> arm all at T0 -> run,
 *   with stages -> senders are done -> receivers stop -> all done -> one end
 *
 * An agent that goes before T0 ends the run before anything was sent; one that goes later is named,
 * and the policy decides. */
#ifndef SP_FLEET_FLEET_H
#define SP_FLEET_FLEET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"
#include "ctl/agent_msg.h"

/* One agent's part. */
struct sp_fleet_part {
	const char *host;  /* as reports name it */
	const char *where; /* for spawn(): what it needs to get there */
	unsigned kind;	   /* the same */
	bool sends;
	const char *plan, *sha256;
};

/* Something that the controller itself does at a set time (a link that changes). */
struct sp_fleet_stage {
	uint64_t at_ns; /* after T0 */
	unsigned what;	/* for act() */
};

enum sp_fleet_policy { SP_FLEET_CONTINUE, SP_FLEET_ABORT };

struct sp_fleet_conf {
	const struct sp_fleet_part *parts;
	unsigned n_parts;
	const struct sp_fleet_stage *stages; /* in order of time */
	unsigned n_stages;
	enum sp_fleet_policy on_loss;
	bool no_sandbox; /* agents keep what they do not need */
	const char *name, *plan_sha256;
	uint64_t seed;
	void *arg;
	/* Starts argv where the part's host is; stdio holds descriptors for 0 and 1. *pid is a
	 * child of ours that ends with it. */
	int (*spawn)(void *arg, const struct sp_fleet_part *, char *const argv[],
		     const int stdio[2], pid_t *pid, struct sp_err *);
	/* 0, or -errno with a sentence, which becomes a remark, and the run's exit status is that of
	 * a request that was not met. NULL: no stages. */
	int (*act)(void *arg, unsigned what, struct sp_err *);
	void (*event)(void *arg, const struct sp_event *);
	void (*log)(void *arg, int level, const char *line);
	/* All is over but the last account: may say remarks. NULL: nothing. */
	void (*closing)(void *arg);
	/* Before the end event: may add expectations and change the exit code. NULL: nothing. */
	void (*judge)(void *arg, struct sp_result *);
	/* What else is waited for: called when the descriptor is readable. also NULL: nothing. */
	int also_fd;
	void (*also)(void *arg);
	/* Whole lines of what collectors must have stored (plugin/truth.h), of any host, before the
	 * end; 0, or -errno: no more is wanted. NULL: nobody asks for it. */
	int (*truth)(void *arg, const char *text, size_t len);
	/* An agent that listens somewhere: told when all are ready. NULL: nobody wants to know. */
	void (*ready)(void *arg, const char *host, const char *where);
};

struct sp_fleet;

/* conf and what it points at live until free. Starts the agents. */
int sp_fleet_new(struct sp_fleet **, const struct sp_fleet_conf *, const struct sp_mem *,
		 struct sp_err *);
/* Waits for and does what comes next. 0: it goes on; 1: over, the end event was given out;
 * negative: nothing was run, err says why. */
int sp_fleet_step(struct sp_fleet *, struct sp_err *);
/* Async-signal-safe: the first ends the run with its report, a second one at once. */
void sp_fleet_stop(struct sp_fleet *);
/* The same of somebody who is content with what there is: it is no interruption. */
void sp_fleet_finish(struct sp_fleet *);
/* Adds a remark, of now. Of neutral ones the first 32, all in all 64. code is a constant. */
void sp_fleet_remark(struct sp_fleet *, const char *code, bool neutral, const char *text);
/* After the end. */
int sp_fleet_exit_code(const struct sp_fleet *);
/* Something outside went wrong (an output): after the end, too. */
void sp_fleet_output_failed(struct sp_fleet *);
/* Ends what still runs; waits for it. */
void sp_fleet_free(struct sp_fleet *);

#endif
