#include "transport/iface.h"

#include "base/str.h"
#include "transport/sock.h"

#include <errno.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define CARRIER_POLL_NS (20 * SP_NS_PER_MS)

static bool ask(int fd, const struct sp_iface *i, unsigned long call, struct ifreq *ifr)
{
	*ifr = (struct ifreq){ 0 };
	memcpy(ifr->ifr_name, i->name, sizeof ifr->ifr_name);
	return !ioctl(fd, call, ifr);
}

static int not_there(const char *name, struct sp_err *err)
{
	return sp_fail(err, -ENODEV, SP_EXIT_PERM,
		       "there is no interface %s; `ip link` lists them", name);
}

static int not_ethernet(const struct sp_iface *i, struct sp_err *err)
{
	return sp_fail(
		err, -EINVAL, SP_EXIT_PERM,
		"interface %s does not carry Ethernet frames; use the udp transport there",
		i->name);
}

int sp_iface_open(struct sp_iface *i, const char *name, const char *what, struct sp_err *err)
{
	struct ifreq ifr;
	int rc = 0, fd;

	*i = (struct sp_iface){ 0 };
	if (!name || !name[0])
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s needs an interface; `ip link` lists them", what);
	if (strlen(name) >= IFNAMSIZ)
		return not_there(name, err);
	sp_strlcpy(i->name, name, sizeof i->name);
	fd = sp_sock_open(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return sp_sock_fail(err, fd, "a socket");
	if (!ask(fd, i, SIOCGIFINDEX, &ifr)) {
		rc = not_there(name, err);
		goto done;
	}
	i->index = (unsigned)ifr.ifr_ifindex;
	if (!ask(fd, i, SIOCGIFHWADDR, &ifr)) {
		rc = not_ethernet(i, err);
		goto done;
	}
	memcpy(i->mac, ifr.ifr_hwaddr.sa_data, sizeof i->mac);
	i->loopback = ifr.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	if (!i->loopback && ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
		rc = not_ethernet(i, err);
		goto done;
	}
	i->mtu = ask(fd, i, SIOCGIFMTU, &ifr) ? (uint32_t)ifr.ifr_mtu : 1500;
	if (!sp_iface_is_up(i))
		rc = sp_fail(err, -ENETDOWN, SP_EXIT_PERM,
			     "interface %s is down; `sudo ip link set %s up`", i->name,
			     i->name);
done:
	close(fd);
	return rc;
}

/* By index: the name may be another by now. */
static bool named(const struct sp_iface *i, int fd, struct ifreq *ifr)
{
	*ifr = (struct ifreq){ .ifr_ifindex = (int)i->index };
	return !ioctl(fd, SIOCGIFNAME, ifr);
}

bool sp_iface_is_up(const struct sp_iface *i)
{
	struct ifreq ifr;
	int fd = sp_sock_open(AF_INET, SOCK_DGRAM, 0);
	bool up;

	if (fd < 0)
		return true; /* not known: the next send or receive tells */
	up = named(i, fd, &ifr) && !ioctl(fd, SIOCGIFFLAGS, &ifr) && (ifr.ifr_flags & IFF_UP);
	close(fd);
	return up;
}

uint32_t sp_iface_mtu(const struct sp_iface *i, int fd)
{
	struct ifreq ifr;

	return named(i, fd, &ifr) && !ioctl(fd, SIOCGIFMTU, &ifr) ? (uint32_t)ifr.ifr_mtu : 0;
}

bool sp_iface_has_carrier(const struct sp_iface *i, int fd)
{
	struct ifreq ifr;

	return !named(i, fd, &ifr) || ioctl(fd, SIOCGIFFLAGS, &ifr) ||
	       (ifr.ifr_flags & IFF_RUNNING);
}

int sp_iface_await_carrier(const struct sp_iface *i, struct sp_err *err)
{
	const struct timespec moment = { .tv_nsec = CARRIER_POLL_NS };
	int fd = sp_sock_open(AF_INET, SOCK_DGRAM, 0);
	bool there = fd < 0;

	for (uint64_t ns = 0; !there && ns <= SP_IFACE_CARRIER_NS; ns += CARRIER_POLL_NS) {
		there = sp_iface_has_carrier(i, fd);
		if (!there)
			nanosleep(&moment, NULL);
	}
	if (fd >= 0)
		close(fd);
	return there ? 0
		     : sp_fail(err, -ENOLINK, SP_EXIT_PERM,
			       "interface %s has no carrier: nothing is behind it (the cable, or "
			       "the other end of the veth, which has to be up, too)",
			       i->name);
}

bool sp_iface_is_gone(int err)
{
	return err == ENETDOWN || err == ENXIO || err == ENODEV;
}
