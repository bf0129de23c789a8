#include "transport/utcp/utcp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "plugin/target.h"
#include "transport/neigh.h"

/* Has this host such an address? Then its kernel answers for it, and resets what it does not
 * know. */
static bool kernel_owns(const struct sp_addr *a)
{
	struct ifaddrs *all = NULL;
	struct sp_endpoint e;
	bool own = sp_addr_class(a) == SP_ADDR_LOOPBACK;

	if (getifaddrs(&all))
		return true;
	for (const struct ifaddrs *i = all; i && !own; i = i->ifa_next) {
		if (!i->ifa_addr || sp_endpoint_from_sockaddr(&e, i->ifa_addr))
			continue;
		e.addr.scope = a->scope;
		own = sp_addr_eq(&e.addr, a);
	}
	freeifaddrs(all);
	return own;
}

/* The interface that the kernel would take, unless one was said; all targets are behind it. */
static int find_iface(struct sp_port *p, const struct sp_endpoint *to, struct sp_err *err)
{
	struct sp_neigh_route route = { 0 };
	char name[IFNAMSIZ], text[72];
	int rc = 0;

	if (*p->interface && p->has_iface)
		return 0;
	if (*p->interface) {
		rc = sp_iface_open(&p->iface, p->interface, "the utcp transport", err);
		p->has_iface = !rc;
		return rc;
	}
	sp_endpoint_format(text, sizeof text, to);
	rc = sp_neigh_route(0, &to->addr, &route);
	if (!rc && !if_indextoname(route.ifindex, name))
		rc = -errno;
	if (rc)
		return sp_fail(err, rc, SP_EXIT_UNAVAIL, "there is no route to %s (%s)", text,
			       strerror(-rc));
	if (p->has_iface && route.ifindex != p->iface.index)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "utcp: %s is behind interface %s, other targets behind %s; one "
			       "port has one interface",
			       text, name, p->iface.name);
	if (p->has_iface)
		return 0;
	rc = sp_iface_open(&p->iface, name, "the utcp transport", err);
	if (!rc && p->iface.loopback)
		rc = sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"utcp: %s is this host's own address, and its kernel takes no frames "
			"from itself; use --transport tcp",
			text);
	p->has_iface = !rc;
	return rc;
}

/* Either the kernel is kept from resetting, or we are asked for the address ourselves. */
static int take_source(struct sp_queue *q, const struct sp_endpoint *to, struct utcp_target *t,
		       struct sp_err *err)
{
	struct sp_port *p = q->port;
	int rc = 0;

	if (!kernel_owns(&t->link.src)) {
		t->own.n = 1;
		t->own.p[0] = (struct sp_prefix){ t->link.src,
						  t->link.src.family == 4 ? 32 : 128 };
		return 0;
	}
	if (!p->conf.guard)
		return 0;
	if (!p->nft)
		rc = sp_nft_open(&p->nft, p->env->mem, err);
	return rc ? rc : sp_nft_drop_resets(p->nft, &t->link.src, q->first, q->last, to, err);
}

int sp_utcp_endpoint(struct sp_queue *q, const struct sp_endpoint *to, uint32_t *out,
		     struct sp_err *err)
{
	uint32_t before = q->ends.n, ep = SP_NO_FLOW;
	struct sp_port *p = q->port;
	struct utcp_target *t;
	int rc = sp_target_add(&q->ends, p->permit, to, &ep, err);

	if (rc)
		return rc;
	*out = ep;
	if (ep < before)
		return 0;
	t = &q->target[ep];
	rc = find_iface(p, to, err);
	if (!rc)
		rc = sp_iface_link(&p->iface, &p->bind.addr, p->permit, to, &t->link, err);
	if (!rc && q->fd < 0) {
		q->fd = sp_utcp_socket(q, err);
		rc = q->fd < 0 ? q->fd : 0;
	}
	return rc ? rc : take_source(q, to, t, err);
}
