/* What an interface can do in XDP: generic netlink, family "netdev" (Linux 6.3). The numbers are
 * those of linux/netdev.h, which is younger than many systems' headers. */
#include "transport/xdp/live.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <string.h>
#include <time.h>

#define NETDEV_CMD_DEV_GET	1
#define NETDEV_A_DEV_IFINDEX	1
#define NETDEV_A_DEV_XDP	3
#define NETDEV_XDP_ACT_NDO_XMIT 4

static int find_family(const struct nlattr *a, void *id)
{
	if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID)
		*(uint16_t *)id = mnl_attr_get_u16(a);
	return MNL_CB_OK;
}

static int find_features(const struct nlattr *a, void *features)
{
	if (mnl_attr_get_type(a) == NETDEV_A_DEV_XDP)
		*(uint64_t *)features = mnl_attr_get_u64(a);
	return MNL_CB_OK;
}

struct answer {
	mnl_attr_cb_t each;
	void *to;
};

static int each(const struct nlmsghdr *h, void *arg)
{
	const struct answer *a = arg;

	return mnl_attr_parse(h, sizeof(struct genlmsghdr), a->each, a->to);
}

static struct nlmsghdr *begin(char *buf, uint16_t type, uint8_t cmd)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	g->cmd = cmd;
	g->version = 1;
	return h;
}

static int ask(struct mnl_socket *nl, const struct nlmsghdr *h, struct answer *to)
{
	_Alignas(struct nlmsghdr) char buf[8192];
	int rc = 1;

	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	while (rc > 0) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof buf);

		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), each, to);
	}
	return rc < 0 ? -errno : 0;
}

static int features_of(struct mnl_socket *nl, unsigned ifindex, uint64_t *features)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct answer a = { find_family, &(uint16_t){ 0 } };
	struct nlmsghdr *h = begin(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	uint16_t family = 0;
	int rc;

	a.to = &family;
	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, "netdev");
	rc = ask(nl, h, &a);
	if (rc)
		return rc;
	h = begin(buf, family, NETDEV_CMD_DEV_GET);
	mnl_attr_put_u32(h, NETDEV_A_DEV_IFINDEX, ifindex);
	a = (struct answer){ find_features, features };
	return ask(nl, h, &a);
}

int xdp_iface_takes_frames(unsigned ifindex)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	uint64_t features = 0;
	int rc;

	if (!nl)
		return -errno;
	rc = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) ? -errno
							: features_of(nl, ifindex, &features);
	mnl_socket_close(nl);
	if (rc)
		return rc;
	return features & NETDEV_XDP_ACT_NDO_XMIT ? 0 : -EOPNOTSUPP;
}
