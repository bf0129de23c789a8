#include "transport/neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct request {
	struct nlmsghdr h;
	union {
		struct rtmsg rt;
		struct ndmsg nd;
	} body;
	uint8_t attrs[64];
};

union reply {
	struct nlmsghdr h;
	uint8_t room[8192];
};

static int inet_family(const struct sp_addr *a)
{
	return a->family == 4 ? AF_INET : AF_INET6;
}

static size_t inet_len(const struct sp_addr *a)
{
	return a->family == 4 ? 4 : 16;
}

static void begin(struct request *r, uint16_t type, uint16_t flags, size_t body)
{
	*r = (struct request){ .h = { .nlmsg_type = type,
				      .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) } };
	r->h.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
}

static void put(struct request *r, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)((uint8_t *)r +
						     NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

/* One question, one answer: 0 when the answer is of the type that was wanted (0: an
 * acknowledgement). */
static int talk(struct request *r, uint16_t want, union reply *answer)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval second = { .tv_sec = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), rc = -errno;
	ssize_t n;

	if (fd < 0)
		return rc;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
	if (sendto(fd, r, r->h.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0 ||
	    (n = recv(fd, answer, sizeof *answer, 0)) < 0) {
		rc = -errno;
		goto done;
	}
	rc = -EPROTO;
	if (!NLMSG_OK(&answer->h, (size_t)n))
		goto done;
	if (answer->h.nlmsg_type == NLMSG_ERROR)
		rc = ((const struct nlmsgerr *)NLMSG_DATA(&answer->h))->error;
	else if (answer->h.nlmsg_type == want)
		rc = 0;
	if (rc == 0 && want && answer->h.nlmsg_type != want)
		rc = -EPROTO;
done:
	close(fd);
	return rc;
}

/* The attribute of that type and at least len bytes, or NULL. */
static const void *find(const union reply *r, size_t body, uint16_t type, size_t len)
{
	const uint8_t *at = r->room + NLMSG_LENGTH(0) + NLMSG_ALIGN(body);
	const uint8_t *end = r->room + r->h.nlmsg_len;

	while (end - at >= (ptrdiff_t)sizeof(struct rtattr)) {
		struct rtattr a;

		memcpy(&a, at, sizeof a);
		if (a.rta_len < sizeof a || a.rta_len > end - at)
			return NULL;
		if (a.rta_type == type && a.rta_len >= RTA_LENGTH(len))
			return at + RTA_LENGTH(0);
		at += RTA_ALIGN(a.rta_len);
	}
	return NULL;
}

static void copy(struct sp_addr *to, const struct sp_addr *like, const void *ip)
{
	*to = (struct sp_addr){ .family = like->family };
	memcpy(to->ip, ip, inet_len(like));
}

int sp_neigh_route(unsigned ifindex, const struct sp_addr *to, struct sp_neigh_route *route)
{
	struct request r;
	union reply reply;
	const void *ip;
	int rc;

	begin(&r, RTM_GETROUTE, 0, sizeof r.body.rt);
	r.body.rt.rtm_family = (unsigned char)inet_family(to);
	r.body.rt.rtm_dst_len = (unsigned char)(inet_len(to) * 8);
	put(&r, RTA_DST, to->ip, inet_len(to));
	if (ifindex)
		put(&r, RTA_OIF, &ifindex, sizeof ifindex);
	rc = talk(&r, RTM_NEWROUTE, &reply);
	if (rc)
		return rc;
	*route = (struct sp_neigh_route){ .hop = *to };
	ip = find(&reply, sizeof r.body.rt, RTA_OIF, sizeof route->ifindex);
	if (ip)
		memcpy(&route->ifindex, ip, sizeof route->ifindex);
	ip = find(&reply, sizeof r.body.rt, RTA_GATEWAY, inet_len(to));
	if (ip)
		copy(&route->hop, to, ip);
	ip = find(&reply, sizeof r.body.rt, RTA_PREFSRC, inet_len(to));
	if (ip)
		copy(&route->src, to, ip);
	return 0;
}

static void neigh_request(struct request *r, uint16_t type, uint16_t flags, unsigned ifindex,
			  const struct sp_addr *a)
{
	begin(r, type, flags, sizeof r->body.nd);
	r->body.nd.ndm_family = (uint8_t)inet_family(a);
	r->body.nd.ndm_ifindex = (int)ifindex;
	put(r, NDA_DST, a->ip, inet_len(a));
}

int sp_neigh_mac(unsigned ifindex, const struct sp_addr *a, uint8_t mac[6])
{
	const uint16_t known = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE |
			       NUD_PERMANENT | NUD_NOARP;
	union reply reply;
	struct request r;
	struct ndmsg nd;
	const void *ll;
	int rc;

	neigh_request(&r, RTM_GETNEIGH, 0, ifindex, a);
	rc = talk(&r, RTM_NEWNEIGH, &reply);
	if (rc)
		return rc;
	memcpy(&nd, NLMSG_DATA(&reply.h), sizeof nd);
	ll = find(&reply, sizeof nd, NDA_LLADDR, 6);
	if (!ll || !(nd.ndm_state & known))
		return -ENOENT;
	memcpy(mac, ll, 6);
	return 0;
}

int sp_neigh_ask(unsigned ifindex, const struct sp_addr *a)
{
	union reply reply;
	struct request r;

	neigh_request(&r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, ifindex, a);
	r.body.nd.ndm_flags = NTF_USE;
	return talk(&r, 0, &reply);
}
