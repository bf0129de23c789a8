/* The parts; internal to this folder. 0 (Landlock: its ABI) or a negative errno. */
#ifndef SP_SANDBOX_PART_H
#define SP_SANDBOX_PART_H

#include "sandbox/sandbox.h"

int sp_sandbox_seccomp(const struct sp_sandbox_conf *);
int sp_sandbox_landlock(const struct sp_sandbox_conf *);

#endif
