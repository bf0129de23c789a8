/* The few rtnetlink requests a lab needs. Each acts in the network namespace in which the
 * socket was opened, waits for the kernel's answer and returns 0 or a negative errno. */
#ifndef SP_LAB_LINK_H
#define SP_LAB_LINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mnl_socket;
struct nlmsghdr;

struct mnl_socket *sp_link_open(void); /* NULL: errno says why */
void sp_link_close(struct mnl_socket *);

/* Sends a request that asks for an acknowledgement, and waits for it. */
int sp_link_ask(struct mnl_socket *, const struct nlmsghdr *);

/* A pair of connected interfaces: `name` here, set up; `peer` in the network namespace of the
 * process peer_pid, down. master: index of a bridge here, or 0. */
struct sp_link_veth {
	const char *name, *peer;
	pid_t peer_pid;
	uint8_t mac[6], peer_mac[6];
	unsigned master;
};
int sp_link_add_veth(struct mnl_socket *, const struct sp_link_veth *);
/* A bridge that is up, without STP and multicast snooping. */
int sp_link_add_bridge(struct mnl_socket *, const char *name);
int sp_link_up(struct mnl_socket *, unsigned index);
int sp_link_set_mtu(struct mnl_socket *, unsigned index, uint32_t mtu);
int sp_link_set_master(struct mnl_socket *, unsigned index, unsigned master);
/* The kernel notes a new carrier up to a second late, and until then the operational state is
 * down and there is no link-local address. This makes it look now. */
void sp_link_settle(const char *name);
/* len 4 or 16. IPv6 addresses are usable at once (no duplicate address detection). */
int sp_link_add_addr(struct mnl_socket *, unsigned index, const uint8_t *ip, size_t len,
		     uint8_t prefix);
/* A route to a network through a gateway on this interface. len as above. */
int sp_link_add_route(struct mnl_socket *, unsigned index, const uint8_t *net, size_t len,
		      uint8_t prefix, const uint8_t *gateway);
/* Every frame that leaves this interface of the caller's network namespace is one packet with its
 * checksum and VLAN tag in it, as on a wire: segmentation and checksums are done before. */
int sp_link_plain_frames(const char *name);

#endif
