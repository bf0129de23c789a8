#include "transport/packet/packet.h"

#include "transport/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <string.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static void set_rx(struct sp_port *p, int fd)
{
	struct packet_mreq promisc = { .mr_ifindex = (int)p->iface.index,
				       .mr_type = PACKET_MR_PROMISC };
	int one = 1;

	sp_sock_rcvbuf(fd, p->conf.rcvbuf);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one);
	p->stamps = !setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
	if (p->conf.promisc)
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof promisc);
}

/* Protocol 0 until bound: nothing of other interfaces slips in between. */
int sp_packet_socket(struct sp_port *p, bool rx, struct sp_err *err)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = (int)p->iface.index };
	int one = 1, fd = sp_sock_open(AF_PACKET, SOCK_RAW, 0);

	if (fd == -EPERM || fd == -EACCES)
		return sp_fail(
			err, fd, SP_EXIT_PERM,
			"interface %s: raw frames need the capability CAP_NET_RAW; run it "
			"with `sudo`, or give it once by `sudo setcap cap_net_raw+ep "
			"$(command -v spate)`",
			p->iface.name);
	if (fd < 0)
		return sp_sock_fail(err, fd, "a packet socket");
	if (p->tx) {
		sp_sock_sndbuf(fd, p->conf.sndbuf);
		p->bypass = p->conf.bypass &&
			    !setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	}
	if (rx) {
		set_rx(p, fd);
		ll.sll_protocol = htons(ETH_P_ALL);
	}
	if (!bind(fd, (struct sockaddr *)&ll, sizeof ll))
		return fd;
	one = errno;
	close(fd);
	return sp_fail(err, -one, SP_EXIT_PERM, "cannot bind to interface %s: %s",
		       p->iface.name, strerror(one));
}
