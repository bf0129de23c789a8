/* Namespaces: making them, entering them, and saying why that is not allowed. */
#ifndef SP_LAB_SPACE_H
#define SP_LAB_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Whether this process has a capability (CAP_...) in its effective set. */
bool sp_space_has_cap(unsigned cap);

/* Who the caller was before sp_space_fork(). */
struct sp_space {
	bool user; /* a user namespace was needed */
	uid_t uid;
	gid_t gid;
};
/* fork() into new namespaces: flags are of CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID. Without
 * CAP_SYS_ADMIN and CAP_NET_ADMIN a user namespace is put around them. Fills *s; returns the
 * child's pid, 0 in the child, or a negative errno with SP_EXIT_PERM and the remedy. */
pid_t sp_space_fork(int flags, struct sp_space *s, struct sp_err *err);
/* First call in the child: in a user namespace the caller becomes user and group 0, unless the
 * parent has mapped users already (sp_subid_map). */
int sp_space_become_root(const struct sp_space *s, struct sp_err *err);

/* Why this user cannot make user namespaces and which command changes that, as one sentence
 * without a full stop at its end; code is the errno that came back. */
void sp_space_why_not(int code, char *text, size_t cap);

/* Runs fn(arg) in a child with a network namespace of its own and returns what fn returned
 * (0 or a negative errno of at least -255), or the error of making the namespace. */
int sp_space_try(int (*fn)(void *), void *arg, struct sp_err *err);

/* Mounts that show this process's PID and network namespace. Both are attempts: where a
 * container forbids them the old mount stays, and only what reads these files sees other
 * processes or interfaces. The caller is in a mount namespace of its own. */
void sp_space_mount_proc(void);
void sp_space_mount_sys(void);

/* Moves this thread into the network namespace of process pid. */
int sp_space_enter_net(pid_t pid);
/* Moves this process (of one thread) into the network namespace of process pid and into a
 * mount namespace of its own where /sys shows it. Working directory and root stay. */
int sp_space_enter(pid_t pid);

#endif
