/* Routes and neighbours, as the kernel knows them: rtnetlink. 0 or -errno. */
#ifndef SP_TRANSPORT_NEIGH_H
#define SP_TRANSPORT_NEIGH_H

#include <stdint.h>

#include "base/address.h"

struct sp_neigh_route {
	struct sp_addr hop; /* the gateway, or the target itself */
	struct sp_addr src; /* family 0: the route names none */
	unsigned ifindex;   /* that it leads out of */
};
/* ifindex 0: over whatever interface. */
int sp_neigh_route(unsigned ifindex, const struct sp_addr *to, struct sp_neigh_route *);
/* The hardware address of a neighbour that the kernel knows; -ENOENT: not (yet). */
int sp_neigh_mac(unsigned ifindex, const struct sp_addr *, uint8_t mac[6]);
/* Has the kernel ask for it (ARP, ND). -EPERM: that is root's. */
int sp_neigh_ask(unsigned ifindex, const struct sp_addr *);

#endif
