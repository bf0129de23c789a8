/* What every kernel socket of a transport needs: buffers, the interface, sentences. */
#ifndef SP_TRANSPORT_SOCK_H
#define SP_TRANSPORT_SOCK_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

/* Asks for bytes; privileged sockets pass the system's limit. Returns what the kernel keeps,
 * in its own count (twice what was asked). */
uint64_t sp_sock_sndbuf(int fd, uint64_t bytes);
uint64_t sp_sock_rcvbuf(int fd, uint64_t bytes);

/* socket(2), non-blocking and close-on-exec. A descriptor, or a negative errno and no sentence. */
int sp_sock_open(int family, int type, int protocol);

/* The sentence for a socket that could not be opened, code being the negative errno: exit 77
 * for the descriptor limit. what is "a UDP socket". */
int sp_sock_fail(struct sp_err *, int code, const char *what);

/* Ties a socket to an interface. */
int sp_sock_device(int fd, const char *interface, struct sp_err *);

/* HOT. Readies unit u of a struct with mm, iov, name and ctl arrays to be received into again: the
 * kernel writes over the lengths. */
#define SP_MMSG_RESET(r, u)                                                                    \
	((r)->mm[u].msg_hdr = (struct msghdr){ .msg_name = &(r)->name[u],                      \
					       .msg_namelen = sizeof(r)->name[u],              \
					       .msg_iov = &(r)->iov[u],                        \
					       .msg_iovlen = 1,                                \
					       .msg_control = (r)->ctl[u],                     \
					       .msg_controllen = sizeof(r)->ctl[u] })

#endif
