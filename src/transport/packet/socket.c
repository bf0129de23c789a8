#include "transport/packet/packet.h"

#include "transport/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static bool ask(int fd, const struct sp_port *p, unsigned long call, struct ifreq *ifr)
{
	*ifr = (struct ifreq){ 0 };
	memcpy(ifr->ifr_name, p->interface, sizeof ifr->ifr_name);
	return !ioctl(fd, call, ifr);
}

static int not_ethernet(const struct sp_port *p, struct sp_err *err)
{
	return sp_fail(
		err, -EINVAL, SP_EXIT_PERM,
		"interface %s does not carry Ethernet frames; use the udp transport there",
		p->interface);
}

int sp_packet_interface(struct sp_port *p, struct sp_err *err)
{
	struct ifreq ifr;
	int rc = 0, fd = sp_sock_open(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		return sp_sock_fail(err, fd, "a socket");
	if (!ask(fd, p, SIOCGIFINDEX, &ifr)) {
		rc = sp_fail(err, -ENODEV, SP_EXIT_PERM,
			     "there is no interface %s; `ip link` lists them", p->interface);
		goto done;
	}
	p->ifindex = (unsigned)ifr.ifr_ifindex;
	if (!ask(fd, p, SIOCGIFHWADDR, &ifr)) {
		rc = not_ethernet(p, err);
		goto done;
	}
	memcpy(p->mac, ifr.ifr_hwaddr.sa_data, sizeof p->mac);
	p->loopback = ifr.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	if (!p->loopback && ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
		rc = not_ethernet(p, err);
		goto done;
	}
	p->mtu = ask(fd, p, SIOCGIFMTU, &ifr) ? (uint32_t)ifr.ifr_mtu : 1500;
	if (!sp_packet_is_up(p))
		rc = sp_fail(err, -ENETDOWN, SP_EXIT_PERM,
			     "interface %s is down; `sudo ip link set %s up`", p->interface,
			     p->interface);
done:
	close(fd);
	return rc;
}

bool sp_packet_is_up(const struct sp_port *p)
{
	struct ifreq ifr;
	int fd = sp_sock_open(AF_INET, SOCK_DGRAM, 0);
	bool up;

	if (fd < 0)
		return true; /* not known: the next send or receive tells */
	up = ask(fd, p, SIOCGIFINDEX, &ifr) && (unsigned)ifr.ifr_ifindex == p->ifindex &&
	     ask(fd, p, SIOCGIFFLAGS, &ifr) && (ifr.ifr_flags & IFF_UP);
	close(fd);
	return up;
}

static void set_rx(struct sp_port *p, int fd)
{
	struct packet_mreq promisc = { .mr_ifindex = (int)p->ifindex,
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
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = (int)p->ifindex };
	int one = 1, fd = sp_sock_open(AF_PACKET, SOCK_RAW, 0);

	if (fd == -EPERM || fd == -EACCES)
		return sp_fail(
			err, fd, SP_EXIT_PERM,
			"interface %s: raw frames need the capability CAP_NET_RAW; run it "
			"with `sudo`, or give it once by `sudo setcap cap_net_raw+ep "
			"$(command -v spate)`",
			p->interface);
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
	return sp_fail(err, -one, SP_EXIT_PERM, "cannot bind to interface %s: %s", p->interface,
		       strerror(one));
}
