/* Labs: hosts made of network namespaces on one machine, for as long as a process holds them.
 *
 * What a lab has is in spec.h. Interfaces are eth0, eth1 ... in the order of links; the end number
 * n of network number s has 10.99.s.n/24, fd99:0:0:s::n/64 (hexadecimal there) unless addresses
 * were written, and the MAC 02:00:0a:63:s:n. Hosts and routers have a route to every network.
 *
 *   holder (sp_lab_run, sp_lab_open) -- init (PID 1 of a PID namespace) -+- COMMAND, in host 1
 *                                                                        +- holder of host 1 ...
 *                                                                        +- forwarder of a link ...
 *
 * Bridges and the forwarders' ends of links are in a namespace of init's own, the switch. Nothing
 * is in /run/netns: when init goes, the kernel ends every process of the PID namespace, and with
 * its last process each network namespace. Init goes with COMMAND, with its holder
 * (PR_SET_PDEATHSIG), with any process that holds a host or forwards a link, and by SIGKILL. */
#ifndef SP_LAB_LAB_H
#define SP_LAB_LAB_H

#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"
#include "lab/spec.h"
#include "lab/talk.h"

/* Makes the lab, runs argv (NULL-terminated, looked up in PATH) in the first host with the
 * caller's stdio, working directory and environment (plus SPATE_LAB), and waits. On success
 * *status is what a shell would show: COMMAND's exit status, or 128 + the signal's number.
 * Signals INT, QUIT, TERM and HUP that reach the caller alone are passed on to all processes
 * of the lab; after TERM or HUP the lab ends within two seconds even if they are ignored.
 * What COMMAND leaves running gets SIGTERM and half a second. Call it from a process with one
 * thread; SIGCHLD and these four are blocked meanwhile.
 * Errors: -EPERM, -ENOSPC, ... with SP_EXIT_PERM and the remedy when namespaces cannot be had;
 * -ENOENT or -EACCES with exit 127 or 126 when COMMAND cannot be started; -ECANCELED when the
 * lab was killed from outside. */
int sp_lab_run(const struct sp_lab_spec *, char *const argv[], int *status, struct sp_err *err);

/* Called inside COMMAND's process tree: turns the calling process into argv on that host of the
 * lab that $SPATE_LAB names; stdio, signals, working directory and exit status are then those of
 * an ordinary exec. Returns only on failure: -ENOENT (no such host, or no such program with exit
 * 127), -ESRCH (not inside a lab), -EPERM. */
int sp_lab_exec(const char *host, char *const argv[], struct sp_err *err);
/* Whether $SPATE_LAB names the lab in which the caller is. */
bool sp_lab_is_inside(void);

/* ---- a lab that this process holds ---- */
struct sp_lab;

/* Returns when every host, link and forwarder is there. The lab is gone when this process or its
 * calling thread ends, however that happens. Errors as of sp_lab_run. */
int sp_lab_open(struct sp_lab **, const struct sp_lab_spec *, const struct sp_mem *,
		struct sp_err *err);
/* Ends every process of the lab (SIGTERM, half a second) and waits until all of it is gone. */
void sp_lab_close(struct sp_lab *);
/* A descriptor that becomes readable when the lab has ended without sp_lab_close, or may have:
 * sp_lab_is_over tells. */
int sp_lab_fd(const struct sp_lab *);
bool sp_lab_is_over(struct sp_lab *);
/* Starts argv in a host (or router): stdio holds descriptors for 0, 1 and 2 (-1: /dev/null); every
 * other descriptor of the caller is closed in it. *pid is a child of the caller that waits for it,
 * ends with its exit status (128 + n after signal n), passes TERM, INT, HUP and QUIT on to it, and
 * takes it along when it is killed. SPATE_LAB is set. Errors: -ENOENT (no such host; exit 127: no
 * such program), -EACCES (exit 126), -ECANCELED (the lab is gone). */
int sp_lab_spawn(struct sp_lab *, const char *host, char *const argv[], const int stdio[3],
		 pid_t *pid, struct sp_err *err);
/* Changes a link while the lab runs: "down=true", "loss=1%,delay=20ms", "back.rate=1Mbit/s": the
 * words of a link in the lab's file, see sp_lab_link_change. *at_ns, when not NULL, is the
 * CLOCK_MONOTONIC time at which it took effect. Takes well below a millisecond on a quiet machine.
 * -ENOENT: no such link; -EOPNOTSUPP: it is a plain veth. */
int sp_lab_link_set(struct sp_lab *, const char *link, const char *words, uint64_t *at_ns,
		    struct sp_err *err);
/* Link number i (below spec's n_links): its settings, and the forwarder's counts of each way. */
int sp_lab_link_state(struct sp_lab *, unsigned i, struct sp_lab_link_state *,
		      struct sp_err *err);

/* Asks the lab one thing (talk.h). Descriptors that come back go to fds (n_fds in: room, out: how
 * many; both may be NULL). -ECANCELED: the lab is gone; -ETIMEDOUT: no answer in five seconds. */
int sp_lab_ask(struct sp_lab *, const struct sp_lab_order *, struct sp_lab_note *, int *fds,
	       unsigned *n_fds, struct sp_err *err);

#endif
