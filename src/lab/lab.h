/* Labs: hosts made of network namespaces on one machine, for as long as one command runs.
 *
 * Host number n (from 1) has lo and eth0 with 10.99.0.n/24 and fd99::n/64 (n in hexadecimal
 * there: the tenth is fd99::a) and the MAC 02:00:0a:63:00:n. Two hosts are joined by one veth;
 * more by a bridge in a namespace of its own.
 *
 *   caller -- lab (sp_lab_run) ---- init (PID 1 of a PID namespace) -+- COMMAND, in host 1
 *                                                                    +- holder of host 1
 *                                                                    +- holder of host 2 ...
 *
 * Nothing has a name in a file system: when init goes, the kernel ends every process of the
 * PID namespace, and with its last process each network namespace. Init goes with COMMAND,
 * with the lab process (PR_SET_PDEATHSIG), with any holder, and by SIGKILL. */
#ifndef SP_LAB_LAB_H
#define SP_LAB_LAB_H

#include "base/err.h"
#include "lab/hosts.h"

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
int sp_lab_run(const struct sp_lab_hosts *hosts, char *const argv[], int *status,
	       struct sp_err *err);

/* Called inside COMMAND's process tree: turns the calling process into argv on that host of the
 * lab that $SPATE_LAB names; stdio, signals, working directory and exit status are then those of
 * an ordinary exec. Returns only on failure: -ENOENT (no such host, or no such program with exit
 * 127), -ESRCH (not inside a lab), -EPERM. */
int sp_lab_exec(const char *host, char *const argv[], struct sp_err *err);

#endif
