/* Gives up what a run does not need any more. For good: there is no way back, for children
 * either. */
#ifndef SP_SANDBOX_SANDBOX_H
#define SP_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#define SP_SANDBOX_DIRS 6u

struct sp_sandbox_conf {
	/* Open folders in which files may still be made, replaced and read; all else that has a
	 * path is out of reach. */
	int dirs[SP_SANDBOX_DIRS];
	unsigned n_dirs;
	/* Open folders in which, besides, empty folders may be removed. */
	int emptied[SP_SANDBOX_DIRS];
	unsigned n_emptied;
	bool runs_bpf; /* programs that are loaded may still be run (BPF_PROG_TEST_RUN) */
};

/* What is on. */
struct sp_sandbox_state {
	bool no_capabilities, no_new_privs, seccomp;
	int landlock; /* its ABI; 0: off */
};

/* Capabilities and Landlock are the calling thread's and those of threads that it starts later, so
 * the process should have one; seccomp is for all. Parts that cannot be had are left out. */
void sp_sandbox_enter(const struct sp_sandbox_conf *, struct sp_sandbox_state *);
/* "no capabilities, no new privileges, seccomp, landlock 7" or "off". Returns buf; 128 bytes are
 * enough. */
const char *sp_sandbox_format(char *buf, size_t cap, const struct sp_sandbox_state *);

/* The same questions without doing anything: 0 or why not, as a negative errno; the ABI of
 * Landlock. Is the program built so that it cannot be confined (sanitizers)? */
int sp_sandbox_has_seccomp(void);
int sp_sandbox_has_landlock(void);
bool sp_sandbox_built_without(void);

#endif
