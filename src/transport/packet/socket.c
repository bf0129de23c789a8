#include "transport/packet/packet.h"

#include "transport/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static int open_socket(const struct sp_port *p, struct sp_err *err)
{
	int fd = sp_sock_open(AF_PACKET, SOCK_RAW, 0);

	if (fd == -EPERM || fd == -EACCES)
		return sp_fail(
			err, fd, SP_EXIT_PERM,
			"interface %s: raw frames need the capability CAP_NET_RAW; run it "
			"with `sudo`, or give it once by `sudo setcap cap_net_raw+ep "
			"$(command -v spate)`",
			p->iface.name);
	return fd < 0 ? sp_sock_fail(err, fd, "a packet socket") : fd;
}

static int bind_to(const struct sp_port *p, int fd, uint16_t protocol)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)p->iface.index,
				  .sll_protocol = htons(protocol) };

	return bind(fd, (struct sockaddr *)&ll, sizeof ll) ? -errno : 0;
}

static int cannot(const struct sp_port *p, int fd, int rc, const char *what, struct sp_err *err)
{
	close(fd);
	return sp_fail(err, rc, SP_EXIT_PERM, "interface %s: cannot %s: %s", p->iface.name,
		       what, strerror(-rc));
}

/* Protocol 0: it receives nothing. */
int sp_packet_tx_socket(struct sp_port *p, struct sp_err *err)
{
	int one = 1, rc, fd = open_socket(p, err);

	if (fd < 0)
		return fd;
	sp_sock_sndbuf(fd, p->conf.sndbuf);
	p->bypass = p->conf.bypass &&
		    !setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	rc = bind_to(p, fd, 0);
	return rc ? cannot(p, fd, rc, "bind to it", err) : fd;
}

/* Since Linux 6.2 the kernel says of all super-frames how they are cut; an older one would drop
 * UDP's for a socket that asks. */
static bool kernel_tells_segments(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	return !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 2));
}

static void set_rx(struct sp_port *p, int fd)
{
	struct packet_mreq promisc = { .mr_ifindex = (int)p->iface.index,
				       .mr_type = PACKET_MR_PROMISC };
	struct packet_mreq groups = { .mr_ifindex = promisc.mr_ifindex,
				      .mr_type = PACKET_MR_ALLMULTI };
	int one = 1;

	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	p->vnet = kernel_tells_segments() &&
		  !setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one);
	if (p->conf.promisc)
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof promisc);
	if (p->all) /* who asks for an IPv6 address asks a group */
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &groups, sizeof groups);
	if (p->rx_ring) {
		p->stamps = true;
		return;
	}
	sp_sock_rcvbuf(fd, p->conf.rcvbuf);
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one);
	p->stamps = !setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
}

/* Bound last, so that nothing of other interfaces, and nothing that the filter keeps out, is in
 * the socket. */
int sp_packet_rx_socket(struct sp_port *p, struct packet_rx_ring *ring, struct sp_err *err)
{
	int rc, fd = open_socket(p, err);

	if (fd < 0)
		return fd;
	set_rx(p, fd);
	rc = p->workers > 1 ? sp_packet_filter_close(fd) : sp_packet_filter_attach(p, fd);
	if (rc)
		return cannot(p, fd, rc, "attach the filter", err);
	rc = ring ? sp_packet_rx_ring_init(p, ring, fd) : 0;
	if (rc)
		return cannot(p, fd, rc, "make a receive ring (ring=no does without)", err);
	rc = bind_to(p, fd, ETH_P_ALL);
	if (rc)
		return cannot(p, fd, rc, "bind to it", err);
	rc = p->workers > 1 ? sp_packet_join(p, fd) : 0;
	return rc ? cannot(p, fd, rc, "share it between workers (--cores 1 does not)", err)
		  : fd;
}
