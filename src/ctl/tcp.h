/* The sockets of the control channel: all of them non-blocking and close-on-exec. */
#ifndef SP_CTL_TCP_H
#define SP_CTL_TCP_H

#include <stdbool.h>

#include "base/address.h"

bool sp_ctl_tcp_is_any(const struct sp_addr *);
/* A listener; any address (family 0 or ::) takes both families where the kernel has IPv6, and
 * *dual says so. The descriptor or a negative errno. */
int sp_ctl_tcp_listen(const struct sp_endpoint *, int backlog, bool *dual);
/* The next connection and who it is (a mapped IPv4 address as IPv4), or a negative errno. */
int sp_ctl_tcp_accept(int listener, struct sp_endpoint *peer);
/* The address of ours that a connection came to (mapped likewise). 0 or a negative errno. */
int sp_ctl_tcp_local(int fd, struct sp_endpoint *local);
/* Bounds what the kernel buffers for the peer, and how long it holds on to a dead one. */
void sp_ctl_tcp_server_side(int fd);
/* A socket to connect to the endpoint, or a negative errno. */
int sp_ctl_tcp_socket(const struct sp_endpoint *);
/* A connect to a port of one's own host may meet itself, when the kernel picks that very number
 * as its source: nobody is there then. */
bool sp_ctl_tcp_is_self(int fd);

#endif
