#include "engine/netdev.h"

#include <dirent.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct asking {
	struct mnl_socket *nl;
	uint32_t seq;
	char buf[8192 * 4];
};

static bool open_asking(struct asking *a)
{
	a->seq = 0;
	a->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (a->nl && mnl_socket_bind(a->nl, 0, MNL_SOCKET_AUTOPID) == 0)
		return true;
	if (a->nl)
		mnl_socket_close(a->nl);
	return false;
}

static struct nlmsghdr *message(struct asking *a, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(a->buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = ++a->seq;
	return h;
}

/* Sends h and gives each answer to on; false: the kernel said no. */
static bool ask(struct asking *a, const struct nlmsghdr *h, mnl_cb_t on, void *arg)
{
	unsigned port = mnl_socket_get_portid(a->nl);
	int r = 1;

	if (mnl_socket_sendto(a->nl, h, h->nlmsg_len) < 0)
		return false;
	while (r > 0) {
		ssize_t n = mnl_socket_recvfrom(a->nl, a->buf, sizeof a->buf);

		r = n < 0 ? -1 : mnl_cb_run(a->buf, (size_t)n, a->seq, port, on, arg);
	}
	return r == 0;
}

/* ---- default routes ---- */

struct route {
	unsigned ifindex;
	bool found;
};

static void on_nexthop(const struct nlattr *list, struct route *r)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(list);
	size_t left = mnl_attr_get_payload_len(list);

	while (left >= sizeof *hop && hop->rtnh_len >= sizeof *hop && hop->rtnh_len <= left) {
		size_t step = RTNH_ALIGN(hop->rtnh_len);

		r->found |= (unsigned)hop->rtnh_ifindex == r->ifindex;
		if (step >= left)
			break;
		left -= step;
		hop = (const struct rtnexthop *)((const char *)hop + step);
	}
}

static int on_route_attr(const struct nlattr *at, void *arg)
{
	struct route *r = arg;

	if (mnl_attr_get_type(at) == RTA_OIF && mnl_attr_validate(at, MNL_TYPE_U32) == 0)
		r->found |= mnl_attr_get_u32(at) == r->ifindex;
	if (mnl_attr_get_type(at) == RTA_MULTIPATH)
		on_nexthop(at, r);
	return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);

	if (m->rtm_dst_len || m->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	return mnl_attr_parse(h, sizeof *m, on_route_attr, arg);
}

bool sp_netdev_default_route(const char *interface)
{
	struct route r = { .ifindex = if_nametoindex(interface) };
	struct asking a;
	bool told;

	if (!r.ifindex || !open_asking(&a))
		return true;
	told = true;
	for (int family = 0; family < 2 && told; family++) {
		struct nlmsghdr *h = message(&a, RTM_GETROUTE, NLM_F_DUMP);
		struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

		m->rtm_family = family ? AF_INET6 : AF_INET;
		/* A kernel without IPv6 has no such routes. */
		told = ask(&a, h, on_route, &r) || family;
	}
	mnl_socket_close(a.nl);
	return r.found || !told;
}

/* ---- the way to an address ---- */

static int on_way_attr(const struct nlattr *at, void *arg)
{
	if (mnl_attr_get_type(at) == RTA_OIF && mnl_attr_validate(at, MNL_TYPE_U32) == 0)
		*(unsigned *)arg = mnl_attr_get_u32(at);
	return MNL_CB_OK;
}

static int on_way(const struct nlmsghdr *h, void *arg)
{
	mnl_attr_parse(h, sizeof(struct rtmsg), on_way_attr, arg);
	return MNL_CB_STOP;
}

bool sp_netdev_towards(const struct sp_addr *to, char name[IFNAMSIZ])
{
	bool v6 = to->family == 6;
	unsigned ifindex = to->scope;
	struct asking a;
	struct rtmsg *m;
	struct nlmsghdr *h;

	if (ifindex)
		return if_indextoname(ifindex, name);
	if (!to->family || !open_asking(&a))
		return false;
	h = message(&a, RTM_GETROUTE, 0);
	m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	m->rtm_family = v6 ? AF_INET6 : AF_INET;
	m->rtm_dst_len = v6 ? 128 : 32;
	mnl_attr_put(h, RTA_DST, v6 ? 16 : 4, to->ip);
	if (!ask(&a, h, on_way, &ifindex))
		ifindex = 0;
	mnl_socket_close(a.nl);
	return ifindex && if_indextoname(ifindex, name);
}

/* ---- veth ---- */

struct link {
	bool veth, elsewhere;
	int32_t netns; /* of the other end, as this namespace numbers it */
};

static int on_info(const struct nlattr *at, void *arg)
{
	struct link *l = arg;

	if (mnl_attr_get_type(at) == IFLA_INFO_KIND &&
	    mnl_attr_validate(at, MNL_TYPE_NUL_STRING) == 0)
		l->veth = strcmp(mnl_attr_get_str(at), "veth") == 0;
	return MNL_CB_OK;
}

static int on_link_attr(const struct nlattr *at, void *arg)
{
	struct link *l = arg;

	if (mnl_attr_get_type(at) == IFLA_LINK_NETNSID &&
	    mnl_attr_validate(at, MNL_TYPE_U32) == 0) {
		l->netns = (int32_t)mnl_attr_get_u32(at);
		l->elsewhere = l->netns >= 0;
	}
	return mnl_attr_get_type(at) == IFLA_LINKINFO ? mnl_attr_parse_nested(at, on_info, l)
						      : MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *h, void *arg)
{
	mnl_attr_parse(h, sizeof(struct ifinfomsg), on_link_attr, arg);
	return MNL_CB_STOP;
}

static int on_nsid_attr(const struct nlattr *at, void *arg)
{
	if (mnl_attr_get_type(at) == NETNSA_NSID && mnl_attr_validate(at, MNL_TYPE_U32) == 0)
		*(int32_t *)arg = (int32_t)mnl_attr_get_u32(at);
	return MNL_CB_OK;
}

static int on_nsid(const struct nlmsghdr *h, void *arg)
{
	mnl_attr_parse(h, sizeof(struct rtgenmsg), on_nsid_attr, arg);
	return MNL_CB_STOP;
}

/* The number of a process's network namespace, -1: it has none here. */
static int32_t netns_of(struct asking *a, uint32_t pid)
{
	struct nlmsghdr *h = message(a, RTM_GETNSID, 0);
	struct rtgenmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	int32_t id = -1;

	m->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(h, NETNSA_PID, pid);
	return ask(a, h, on_nsid, &id) ? id : -1;
}

static bool somebody_there(struct asking *a, int32_t netns)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	bool found = false;

	while (proc && !found && (e = readdir(proc))) {
		char *end;
		unsigned long pid = strtoul(e->d_name, &end, 10);

		if (*end == '\0' && pid && pid < UINT32_MAX)
			found = netns_of(a, (uint32_t)pid) == netns;
	}
	if (proc)
		closedir(proc);
	return found;
}

bool sp_netdev_inner_veth(const char *interface)
{
	unsigned ifindex = if_nametoindex(interface);
	struct link l = { .netns = -1 };
	struct asking a;
	struct ifinfomsg *m;
	struct nlmsghdr *h;
	bool inner;

	if (!ifindex || !open_asking(&a))
		return false;
	h = message(&a, RTM_GETLINK, 0);
	m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	m->ifi_index = (int)ifindex;
	inner = ask(&a, h, on_link, &l) && l.veth && l.elsewhere &&
		netns_of(&a, 1) != l.netns && somebody_there(&a, l.netns);
	mnl_socket_close(a.nl);
	return inner;
}
