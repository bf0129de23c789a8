#include "engine/resolve.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"
#include "pkt/rewrite.h"

/* ---- this host ---- */

struct sp_local {
	const struct sp_mem *mem;
	struct ifaddrs *list; /* libc's */
};

int sp_local_new(struct sp_local **out, const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_local *l = sp_alloc(mem, sizeof *l);

	*out = NULL;
	if (!l)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	l->mem = mem;
	if (getifaddrs(&l->list)) {
		int code = -errno;

		sp_free(mem, l);
		return sp_fail(err, code, SP_EXIT_PERM,
			       "the addresses of this host cannot be read: %s",
			       strerror(-code));
	}
	*out = l;
	return 0;
}

void sp_local_free(struct sp_local *l)
{
	if (!l)
		return;
	freeifaddrs(l->list);
	sp_free(l->mem, l);
}

/* Mapped addresses leave as IPv4. */
static struct sp_addr plain(const struct sp_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sp_addr v4 = { .family = 4 };

	if (a->family != 6 || memcmp(a->ip, mapped, sizeof mapped) != 0)
		return *a;
	memcpy(v4.ip, a->ip + 12, 4);
	return v4;
}

static bool read_addr(const struct sockaddr *sa, struct sp_addr *out)
{
	struct sp_endpoint e;

	if (!sa || sp_endpoint_from_sockaddr(&e, sa))
		return false;
	*out = e.addr;
	return true;
}

bool sp_local_is_own(const struct sp_local *l, const struct sp_addr *addr)
{
	struct sp_addr a = plain(addr), own;

	if (sp_addr_class(&a) == SP_ADDR_LOOPBACK)
		return true;
	for (const struct ifaddrs *i = l->list; i; i = i->ifa_next) {
		if (!(i->ifa_flags & IFF_UP) || !read_addr(i->ifa_addr, &own))
			continue;
		if (sp_addr_eq(&own, &a))
			return true;
	}
	return false;
}

static uint32_t v4_bits(const struct sp_addr *a)
{
	return (uint32_t)a->ip[0] << 24 | (uint32_t)a->ip[1] << 16 | (uint32_t)a->ip[2] << 8 |
	       a->ip[3];
}

bool sp_local_is_broadcast(const struct sp_local *l, const struct sp_addr *addr)
{
	struct sp_addr a = plain(addr), own, mask, told;
	uint32_t host, net;

	if (a.family != 4)
		return false;
	for (const struct ifaddrs *i = l->list; i; i = i->ifa_next) {
		if (!(i->ifa_flags & IFF_UP) || !(i->ifa_flags & IFF_BROADCAST))
			continue;
		if (!read_addr(i->ifa_addr, &own) || own.family != 4 ||
		    !read_addr(i->ifa_netmask, &mask))
			continue;
		if (read_addr(i->ifa_broadaddr, &told) && v4_bits(&told) &&
		    v4_bits(&told) == v4_bits(&a) && v4_bits(&told) != v4_bits(&own))
			return true;
		host = ~v4_bits(&mask);
		net = v4_bits(&own) & ~host;
		/* /31 and /32 have no broadcast address (RFC 3021). */
		if (host > 1 && (v4_bits(&a) == (net | host) || v4_bits(&a) == net))
			return true;
	}
	return false;
}

bool sp_local_is_public(const struct sp_local *l, const char *interface)
{
	struct sp_addr own;

	for (const struct ifaddrs *i = l->list; i; i = i->ifa_next) {
		if (!(i->ifa_flags & IFF_UP) || !read_addr(i->ifa_addr, &own) ||
		    own.family != 4)
			continue;
		if (interface && *interface && strcmp(interface, i->ifa_name) != 0)
			continue;
		if (!sp_addr_is_own(&own))
			return true;
	}
	return false;
}

bool sp_local_has_broadcast(const struct sp_local *l, const struct sp_addr *first,
			    const struct sp_addr *last)
{
	struct sp_addr own, mask, edge = { .family = 4 };

	if (first->family != 4)
		return false;
	for (const struct ifaddrs *i = l->list; i; i = i->ifa_next) {
		if (!(i->ifa_flags & IFF_UP) || !(i->ifa_flags & IFF_BROADCAST) ||
		    !read_addr(i->ifa_addr, &own) || own.family != 4 ||
		    !read_addr(i->ifa_netmask, &mask))
			continue;
		for (unsigned all = 0; all < 2; all++) {
			for (unsigned k = 0; k < 4; k++)
				edge.ip[k] = (uint8_t)((own.ip[k] & mask.ip[k]) |
						       (all ? ~mask.ip[k] : 0));
			if (sp_addr_compare(&edge, first) >= 0 &&
			    sp_addr_compare(&edge, last) <= 0 &&
			    sp_local_is_broadcast(l, &edge))
				return true;
		}
	}
	return false;
}

bool sp_local_moves_onto_broadcast(const struct sp_local *l, const struct sp_addr *a)
{
	struct sp_addr own, mask, edge, told;

	for (const struct ifaddrs *i = l->list; i; i = i->ifa_next) {
		if (!read_addr(i->ifa_addr, &own) || own.family != 4 ||
		    !read_addr(i->ifa_netmask, &mask))
			continue;
		if (read_addr(i->ifa_broadaddr, &told) && sp_rewrite_may_become(a, &told) &&
		    sp_local_is_broadcast(l, &told))
			return true;
		for (unsigned all = 0; all < 2; all++) {
			edge = own;
			for (unsigned k = 0; k < 4; k++)
				edge.ip[k] = (uint8_t)(all ? own.ip[k] | ~mask.ip[k]
							   : own.ip[k] & mask.ip[k]);
			if (sp_rewrite_may_become(a, &edge) && sp_local_is_broadcast(l, &edge))
				return true;
		}
	}
	return false;
}

bool sp_local_is_own_link(const struct sp_local *l, const char *interface)
{
	struct sp_addr a;
	bool own = false;

	for (const struct ifaddrs *i = l->list; i; i = i->ifa_next) {
		if (!interface || strcmp(interface, i->ifa_name) != 0 ||
		    !read_addr(i->ifa_addr, &a))
			continue;
		if (!sp_addr_is_own(&a))
			return false;
		own |= (i->ifa_flags & IFF_LOOPBACK) || sp_addr_class(&a) != SP_ADDR_LINK_LOCAL;
	}
	return own;
}

/* ---- names ---- */

static bool needs_scope(const struct sp_addr *a)
{
	return a->family == 6 && sp_addr_class(a) == SP_ADDR_LINK_LOCAL && !a->scope;
}

/* What does not depend on where the address came from. */
static int finish(const char *host, const struct sp_resolve_conf *conf, struct sp_addr *a,
		  struct sp_err *err)
{
	const char *dev = conf->interface && *conf->interface ? conf->interface : NULL;

	if (conf->family && plain(a).family != conf->family && a->family != conf->family)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s is an IPv%u address, but the own address is an IPv%u one",
			       host, (unsigned)a->family, (unsigned)conf->family);
	if (!needs_scope(a))
		return 0;
	if (!dev)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s is link-local: say on which interface, as %s%%eth0 or by "
			       "--interface",
			       host, host);
	a->scope = if_nametoindex(dev);
	if (!a->scope)
		return sp_fail(err, -ENODEV, SP_EXIT_PERM, "%s: there is no interface %s", host,
			       dev);
	return 0;
}

static int fail_name(const char *host, int gai, struct sp_err *err)
{
	const char *dev = strchr(host, '%');

	if (dev && strchr(host, ':') && !if_nametoindex(dev + 1))
		return sp_fail(err, -ENODEV, SP_EXIT_PERM, "%s: there is no interface %s", host,
			       dev + 1);
	if (gai == EAI_AGAIN)
		return sp_fail(err, -ENOENT, SP_EXIT_UNAVAIL,
			       "the name '%s' does not resolve: no name server answers", host);
	return sp_fail(err, -ENOENT, SP_EXIT_UNAVAIL, "the name '%s' does not resolve: %s",
		       host, gai == EAI_SYSTEM ? strerror(errno) : gai_strerror(gai));
}

/* The first address of the preferred family, else the first that is an IP address at all. */
static bool choose(const struct addrinfo *list, uint8_t family, struct sp_addr *out)
{
	bool found = false;
	struct sp_addr a;

	for (const struct addrinfo *i = list; i; i = i->ai_next) {
		if (!read_addr(i->ai_addr, &a))
			continue;
		if (!found || a.family == family)
			*out = a;
		if (!family || a.family == family)
			return true;
		found = true;
	}
	return found;
}

int sp_resolve(const char *host, uint16_t port, const struct sp_resolve_conf *conf,
	       struct sp_endpoint *out, struct sp_err *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;
	struct sp_endpoint e = { .port = port };
	int rc, gai;

	if (sp_addr_parse(host, &e.addr)) {
		gai = getaddrinfo(host, NULL, &hints, &list);
		if (gai)
			return fail_name(host, gai, err);
		if (!choose(list, conf->family, &e.addr)) {
			freeaddrinfo(list);
			return fail_name(host, EAI_NONAME, err);
		}
		freeaddrinfo(list);
	}
	rc = finish(host, conf, &e.addr, err);
	if (!rc)
		*out = e;
	return rc;
}
