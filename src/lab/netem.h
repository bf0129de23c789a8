/* The kernel's netem queueing discipline, for links whose impairments it knows how to make. */
#ifndef SP_LAB_NETEM_H
#define SP_LAB_NETEM_H

#include "forward/impair.h"

struct mnl_socket;
struct nlmsghdr;

#define SP_NETEM_BYTES 512u

/* Whether netem can do it: no exact counts (NAME_every), no bucket, no choice of protocols, no
 * repaired checksums, rates at the frame's layer, reordering only together with a delay, and jitter
 * only together with a rate (alone it would reorder, and jitter is to keep the order). */
bool sp_netem_can(const struct sp_impair_conf *);
/* The request that puts it (or replaces it) at the root of an interface; buf has SP_NETEM_BYTES and
 * is aligned. Returns buf as a message. */
struct nlmsghdr *sp_netem_request(void *buf, unsigned index, const struct sp_impair_conf *);
/* Sends it, in the network namespace of the socket. -ENOENT: the kernel has no netem. */
int sp_netem_set(struct mnl_socket *, unsigned index, const struct sp_impair_conf *);

#endif
