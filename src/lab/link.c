#include "lab/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REQUEST_BYTES 1024u

struct mnl_socket *sp_link_open(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		int e = errno;

		mnl_socket_close(nl);
		errno = e;
		return NULL;
	}
	return nl;
}

void sp_link_close(struct mnl_socket *nl)
{
	if (nl)
		mnl_socket_close(nl);
}

/* Begins a request in buf (of REQUEST_BYTES, aligned). */
static struct nlmsghdr *request(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = 1;
	return h;
}

int sp_link_ask(struct mnl_socket *nl, const struct nlmsghdr *h)
{
	_Alignas(struct nlmsghdr) char answer[8192];

	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	ssize_t n = mnl_socket_recvfrom(nl, answer, sizeof answer);
	if (n < 0)
		return -errno;
	int rc = mnl_cb_run(answer, (size_t)n, h->nlmsg_seq, mnl_socket_get_portid(nl), NULL,
			    NULL);
	return rc < 0 ? -errno : 0;
}

int sp_link_add_veth(struct mnl_socket *nl, const struct sp_link_veth *v)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *h = request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof *ifi);

	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	mnl_attr_put_strz(h, IFLA_IFNAME, v->name);
	mnl_attr_put(h, IFLA_ADDRESS, 6, v->mac);
	if (v->master)
		mnl_attr_put_u32(h, IFLA_MASTER, v->master);
	struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	struct nlattr *data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	struct nlattr *peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, v->peer);
	mnl_attr_put(h, IFLA_ADDRESS, 6, v->peer_mac);
	mnl_attr_put_u32(h, IFLA_NET_NS_PID, (uint32_t)v->peer_pid);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return sp_link_ask(nl, h);
}

int sp_link_add_bridge(struct mnl_socket *nl, const char *name)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *h = request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof *ifi);

	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "bridge");
	struct nlattr *data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	mnl_attr_put_u32(h, IFLA_BR_STP_STATE, 0);
	mnl_attr_put_u8(h, IFLA_BR_MCAST_SNOOPING, 0);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return sp_link_ask(nl, h);
}

int sp_link_up(struct mnl_socket *nl, unsigned index)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *h = request(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof *ifi);

	ifi->ifi_index = (int)index;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	return sp_link_ask(nl, h);
}

int sp_link_set_mtu(struct mnl_socket *nl, unsigned index, uint32_t mtu)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *h = request(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof *ifi);

	ifi->ifi_index = (int)index;
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
	return sp_link_ask(nl, h);
}

int sp_link_set_master(struct mnl_socket *nl, unsigned index, unsigned master)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *h = request(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof *ifi);

	ifi->ifi_index = (int)index;
	mnl_attr_put_u32(h, IFLA_MASTER, master);
	return sp_link_ask(nl, h);
}

void sp_link_settle(const char *name)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = { .ifr_data = (char *)&link };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	strncpy(ifr.ifr_name, name, sizeof ifr.ifr_name - 1);
	ioctl(fd, SIOCETHTOOL, &ifr);
	close(fd);
}

int sp_link_add_addr(struct mnl_socket *nl, unsigned index, const uint8_t *ip, size_t len,
		     uint8_t prefix)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *h = request(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(h, sizeof *ifa);

	ifa->ifa_family = len == 4 ? AF_INET : AF_INET6;
	ifa->ifa_prefixlen = prefix;
	ifa->ifa_index = index;
	mnl_attr_put(h, IFA_LOCAL, len, ip);
	mnl_attr_put(h, IFA_ADDRESS, len, ip);
	if (len == 4) {
		uint32_t broadcast;

		memcpy(&broadcast, ip, sizeof broadcast);
		broadcast |= htonl(~(uint32_t)0 >> prefix);
		mnl_attr_put(h, IFA_BROADCAST, sizeof broadcast, &broadcast);
	} else {
		mnl_attr_put_u32(h, IFA_FLAGS, IFA_F_NODAD | IFA_F_PERMANENT);
	}
	return sp_link_ask(nl, h);
}

int sp_link_add_route(struct mnl_socket *nl, unsigned index, const uint8_t *net, size_t len,
		      uint8_t prefix, const uint8_t *gateway)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *h = request(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof *rt);

	rt->rtm_family = len == 4 ? AF_INET : AF_INET6;
	rt->rtm_dst_len = prefix;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, len, net);
	mnl_attr_put(h, RTA_GATEWAY, len, gateway);
	mnl_attr_put_u32(h, RTA_OIF, index);
	return sp_link_ask(nl, h);
}

int sp_link_plain_frames(const char *name)
{
	/* What depends on them (TSO, UDP segmentation) the kernel switches off with them. */
	static const uint32_t off[] = { ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM,
					ETHTOOL_SSG };
	struct ethtool_value v = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq ifr = { .ifr_data = (char *)&v };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, name, sizeof ifr.ifr_name - 1);
	if (!ioctl(fd, SIOCETHTOOL, &ifr)) {
		v = (struct ethtool_value){
			ETHTOOL_SFLAGS, v.data & ~(uint32_t)(ETH_FLAG_TXVLAN | ETH_FLAG_LRO)
		};
		if (ioctl(fd, SIOCETHTOOL, &ifr))
			rc = -errno;
	}
	for (size_t i = 0; i < sizeof off / sizeof *off && !rc; i++) {
		v = (struct ethtool_value){ .cmd = off[i] };
		if (ioctl(fd, SIOCETHTOOL, &ifr))
			rc = -errno;
	}
	close(fd);
	return rc;
}
