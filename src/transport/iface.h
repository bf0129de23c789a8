/* An Ethernet interface, as transports of frames need it. */
#ifndef SP_TRANSPORT_IFACE_H
#define SP_TRANSPORT_IFACE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "plugin/transport.h"

struct sp_iface {
	char name[IFNAMSIZ];
	unsigned index;
	uint8_t mac[6];
	uint32_t mtu;
	bool loopback;
};

/* Name, index, address and MTU; it is Ethernet (or lo) and up. what: "the packet transport", for
 * the sentence. */
int sp_iface_open(struct sp_iface *, const char *name, const char *what, struct sp_err *);
/* It is there, the same one whatever its name is by now, and up. */
bool sp_iface_is_up(const struct sp_iface *);
/* Its MTU now, asked by way of any socket; 0: it is gone. */
uint32_t sp_iface_mtu(const struct sp_iface *, int fd);
/* Is there something behind it, asked by way of any socket? Without that the kernel throws away what is
 * sent, or says that it has no room. */
bool sp_iface_has_carrier(const struct sp_iface *, int fd);
/* A moment for an interface that was just set up. -ENOLINK, exit 77: there is nothing behind it. */
#define SP_IFACE_CARRIER_NS (2 * SP_NS_PER_S)
int sp_iface_await_carrier(const struct sp_iface *, struct sp_err *);
/* The errors (positive errno) of an interface that is down or gone. */
bool sp_iface_is_gone(int err);

/* link.c: what a frame to a target needs: route, next hop and hardware address. bind: the address
 * to send from; family 0: the route's. As the transport's operation link. */
int sp_iface_link(const struct sp_iface *, const struct sp_addr *bind, const struct sp_permit *,
		  const struct sp_endpoint *to, struct sp_link *, struct sp_err *);

#endif
