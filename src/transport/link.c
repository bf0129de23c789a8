#include "transport/iface.h"

#include "transport/neigh.h"

#include <errno.h>
#include <ifaddrs.h>
#include <string.h>
#include <time.h>

/* A neighbour has a second to answer; with IPv6 three, because an interface that has just come
 * up does not ask before its own address is confirmed (RFC 4862, 5.4). */
#define WAIT_TRIES_V4 50u
#define WAIT_TRIES_V6 150u
#define WAIT_NS	      (20 * 1000 * 1000)
#define ASK_EACH      10u

/* The interface's first address of a family; link-local ones only for link-local targets. */
static bool interface_address(const struct sp_iface *i, const struct sp_addr *to,
			      struct sp_addr *src)
{
	bool local = sp_addr_class(to) == SP_ADDR_LINK_LOCAL;
	struct ifaddrs *all = NULL;
	struct sp_endpoint e;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
		if (!a->ifa_addr || strcmp(a->ifa_name, i->name) ||
		    sp_endpoint_from_sockaddr(&e, a->ifa_addr) || e.addr.family != to->family)
			continue;
		found = to->family == 4 ||
			(sp_addr_class(&e.addr) == SP_ADDR_LINK_LOCAL) == local;
		if (found)
			*src = e.addr;
	}
	freeifaddrs(all);
	return found;
}

static int source_address(const struct sp_iface *i, const struct sp_addr *bind,
			  const struct sp_addr *to, const struct sp_neigh_route *route,
			  struct sp_addr *src, struct sp_err *err)
{
	if (bind->family == to->family) {
		*src = *bind;
		return 0;
	}
	if (route->src.family) {
		*src = route->src;
		return 0;
	}
	if (interface_address(i, to, src))
		return 0;
	return sp_fail(
		err, -EADDRNOTAVAIL, SP_EXIT_PERM,
		"interface %s has no IPv%u address to send from; name one to bind to, or "
		"`sudo ip address add ADDRESS/24 dev %s`",
		i->name, to->family, i->name);
}

/* RFC 1112 and RFC 2464: a group's hardware address is computed. false: one host. */
static bool group_mac(const struct sp_addr *to, uint8_t mac[6])
{
	if (sp_addr_class(to) == SP_ADDR_BROADCAST) {
		memset(mac, 0xff, 6);
		return true;
	}
	if (to->family == 4 && (to->ip[0] & 0xf0) == 0xe0) {
		const uint8_t m[6] = { 0x01, 0, 0x5e, to->ip[1] & 0x7f, to->ip[2], to->ip[3] };

		memcpy(mac, m, 6);
		return true;
	}
	if (to->family == 6 && to->ip[0] == 0xff) {
		mac[0] = mac[1] = 0x33;
		memcpy(mac + 2, to->ip + 12, 4);
		return true;
	}
	return false;
}

/* The kernel resolves; it must be asked while its table has nothing. */
static int resolve(const struct sp_iface *i, const struct sp_addr *hop,
		   const struct sp_addr *to, uint8_t mac[6], struct sp_err *err)
{
	unsigned tries = hop->family == 4 ? WAIT_TRIES_V4 : WAIT_TRIES_V6;
	struct timespec pause = { .tv_nsec = WAIT_NS };
	char h[64], t[64];
	int rc = 0;

	sp_addr_format(h, sizeof h, hop);
	sp_addr_format(t, sizeof t, to);
	for (unsigned k = 0; !rc && k < tries; k++) {
		if (!sp_neigh_mac(i->index, hop, mac))
			return 0;
		if (k % ASK_EACH == 0)
			rc = sp_neigh_ask(i->index, hop);
		nanosleep(&pause, NULL);
	}
	if (rc == -EPERM)
		return sp_fail(
			err, rc, SP_EXIT_PERM,
			"interface %s: the hardware address of %s is not known yet and only "
			"root may ask for it; `ping -c1 %s` first, or run it with `sudo`",
			i->name, h, t);
	return sp_fail(
		err, -EHOSTUNREACH, SP_EXIT_UNAVAIL,
		"interface %s: %s, the next hop to %s, does not answer (%s); is it up, and on "
		"this network?",
		i->name, h, t, to->family == 4 ? "ARP" : "neighbour discovery");
}

/* For frames that say themselves where they go: what the interface is called, if anything. */
static int own_address(const struct sp_iface *i, const struct sp_addr *bind,
		       struct sp_link *link)
{
	const struct sp_addr any4 = { .family = 4 };

	link->src = *bind;
	if (!bind->family)
		interface_address(i, &any4, &link->src);
	return 0;
}

int sp_iface_link(const struct sp_iface *i, const struct sp_addr *bind,
		  const struct sp_permit *permit, const struct sp_endpoint *to,
		  struct sp_link *link, struct sp_err *err)
{
	struct sp_neigh_route route = { .hop = to->addr };
	char text[72];
	int rc = 0;

	*link = (struct sp_link){ .mtu = i->mtu };
	memcpy(link->src_mac, i->mac, 6);
	if (!to->addr.family)
		return own_address(i, bind, link);
	sp_endpoint_format(text, sizeof text, to);
	if (!sp_permit_allows(permit, to))
		return sp_fail(err, -EACCES, SP_EXIT_PERM, "%s was not permitted", text);
	if (!i->loopback && !group_mac(&to->addr, link->dst_mac)) {
		rc = sp_neigh_route(i->index, &to->addr, &route);
		if (rc)
			return sp_fail(err, rc, SP_EXIT_UNAVAIL,
				       "there is no route to %s over interface %s (%s)", text,
				       i->name, strerror(-rc));
		rc = resolve(i, &route.hop, &to->addr, link->dst_mac, err);
	}
	return rc ? rc : source_address(i, bind, &to->addr, &route, &link->src, err);
}
