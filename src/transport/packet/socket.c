#include "transport/packet/packet.h"

#include "transport/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
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

/* By index: the name may be another by now. */
static bool named(const struct sp_port *p, int fd, struct ifreq *ifr)
{
	*ifr = (struct ifreq){ .ifr_ifindex = (int)p->ifindex };
	return !ioctl(fd, SIOCGIFNAME, ifr);
}

bool sp_packet_is_up(const struct sp_port *p)
{
	struct ifreq ifr;
	int fd = sp_sock_open(AF_INET, SOCK_DGRAM, 0);
	bool up;

	if (fd < 0)
		return true; /* not known: the next send or receive tells */
	up = named(p, fd, &ifr) && !ioctl(fd, SIOCGIFFLAGS, &ifr) && (ifr.ifr_flags & IFF_UP);
	close(fd);
	return up;
}

uint32_t sp_packet_mtu(const struct sp_port *p, int fd)
{
	struct ifreq ifr;

	return named(p, fd, &ifr) && !ioctl(fd, SIOCGIFMTU, &ifr) ? (uint32_t)ifr.ifr_mtu : 0;
}

static int open_socket(const struct sp_port *p, struct sp_err *err)
{
	int fd = sp_sock_open(AF_PACKET, SOCK_RAW, 0);

	if (fd == -EPERM || fd == -EACCES)
		return sp_fail(
			err, fd, SP_EXIT_PERM,
			"interface %s: raw frames need the capability CAP_NET_RAW; run it "
			"with `sudo`, or give it once by `sudo setcap cap_net_raw+ep "
			"$(command -v spate)`",
			p->interface);
	return fd < 0 ? sp_sock_fail(err, fd, "a packet socket") : fd;
}

static int bind_to(const struct sp_port *p, int fd, uint16_t protocol)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)p->ifindex,
				  .sll_protocol = htons(protocol) };

	return bind(fd, (struct sockaddr *)&ll, sizeof ll) ? -errno : 0;
}

static int cannot(const struct sp_port *p, int fd, int rc, const char *what, struct sp_err *err)
{
	close(fd);
	return sp_fail(err, rc, SP_EXIT_PERM, "interface %s: cannot %s: %s", p->interface, what,
		       strerror(-rc));
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
	struct packet_mreq promisc = { .mr_ifindex = (int)p->ifindex,
				       .mr_type = PACKET_MR_PROMISC };
	int one = 1;

	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	p->vnet = kernel_tells_segments() &&
		  !setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one);
	if (p->conf.promisc)
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof promisc);
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
