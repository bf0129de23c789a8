/* What is known of a named run: what its file holds and what it answers. Written by the run itself;
 * one host, one user, one version of spate. */
#ifndef SP_NAMED_STATE_H
#define SP_NAMED_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SP_NAMED_NAME_LEN 33 /* with its end */

enum sp_named_phase {
	SP_NAMED_STARTING,
	SP_NAMED_RUNNING,
	SP_NAMED_ENDED,
	SP_NAMED_KILLED, /* never written: the file says STARTING or RUNNING, and nobody holds it */
};

/* -1: not known, or not this side's. */
struct sp_named_counts {
	int64_t sent, received, corrupted;
};

struct sp_named_state {
	uint32_t magic, bytes; /* of this struct */
	int32_t phase;	       /* enum sp_named_phase */
	int32_t exit_code;     /* ENDED */
	int32_t pid;
	uint64_t
		start_ticks; /* of that process since the restart: with pid it is no other one */
	int64_t started_ns;  /* UTC */
	struct sp_named_counts counts;
	char name[SP_NAMED_NAME_LEN];
	char command[16];
	char folder[1024]; /* the run folder; "" none, or not yet */
};

/* A letter or digit, then letters, digits, '-' and '_'. */
bool sp_named_is_name(const char *text);
void sp_named_state_init(struct sp_named_state *, const char *name, const char *command);
/* Is it whole, and are its texts? */
bool sp_named_state_ok(const struct sp_named_state *, size_t bytes);
/* Of a process, by /proc/PID/stat; 0: there is none. */
uint64_t sp_named_start_ticks(pid_t pid);

#endif
