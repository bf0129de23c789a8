/* A socket beside a receiver of frames, so that the kernel answers what is sent there: no ICMP
 * unreachable for UDP; handshakes and acknowledgements for TCP, whose bytes are discarded. Nothing
 * is counted here: the frames are. */
#ifndef SP_ENGINE_LISTENER_H
#define SP_ENGINE_LISTENER_H

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"

struct sp_listener;

/* "udp://10.0.0.2:8000", "tcp://[::]:8000". -EINVAL with SP_EXIT_USAGE. */
int sp_listener_parse(const char *text, bool *tcp, struct sp_endpoint *at, struct sp_err *);
/* Binds. SP_EXIT_PERM when that is not possible. */
int sp_listener_open(struct sp_listener **, const char *text, const struct sp_mem *,
		     struct sp_err *);
/* From now on connections are accepted, by a thread of its own where there can be any. 0 or
 * -errno. */
int sp_listener_start(struct sp_listener *);
void sp_listener_close(struct sp_listener *); /* may be NULL */

#endif
