/* What the kernel says of an interface, over rtnetlink. Control thread. */
#ifndef SP_ENGINE_NETDEV_H
#define SP_ENGINE_NETDEV_H

#include <net/if.h>
#include <stdbool.h>

#include "base/address.h"

/* The interface by which the kernel would send to an address; false: there is no route. */
bool sp_netdev_towards(const struct sp_addr *to, char name[IFNAMSIZ]);

/* Does a default route of any table leave by it? When the kernel does not say: true. */
bool sp_netdev_default_route(const char *interface);
/* Is it a veth whose other end is in a network namespace of this host that we can see a process
 * of, and that is not the host's own (process 1's)? In a container the other end is with
 * processes that cannot be seen: false. */
bool sp_netdev_inner_veth(const char *interface);

#endif
