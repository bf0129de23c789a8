/* Finding a receiver over TCP: the UDP sockets of engine/hello.h, both sides. */
#ifndef SP_CTL_GREET_H
#define SP_CTL_GREET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

/* A socket that has sent the question, or a negative errno. */
int sp_ctl_greet_ask(const struct sp_endpoint *to, uint64_t nonce);
/* The answer: control's port number; -EAGAIN: not here yet; another negative errno: nobody is
 * there. */
int sp_ctl_greet_answer(int fd, const struct sp_endpoint *to, uint64_t nonce);

/* The receiver's socket; any address takes both families where the kernel has IPv6. */
int sp_ctl_greet_listen(const struct sp_endpoint *);
/* Takes the next question; those from outside the own network only if public says so. 0, or
 * -EAGAIN. */
int sp_ctl_greet_take(int fd, bool public, struct sp_endpoint *from, uint64_t *nonce);
void sp_ctl_greet_reply(int fd, const struct sp_endpoint *to, uint64_t nonce, uint16_t port);

#endif
