#include "transport/utcp/utcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "transport/sock.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#define RCVBUF (8u << 20)
#define SNDBUF (4u << 20)

/* Segments for our port numbers, and who asks for hardware addresses; all else stays with the
 * kernel, and wakes nobody. */
static int attach(const struct sp_queue *q, int fd)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 19, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 16),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23), /* IPv4: protocol, fragment, options */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 14),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 12, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
		BPF_JUMP(BPF_JMP | BPF_JA, 6, 0, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20), /* IPv6: next header */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 7),
		BPF_JUMP(BPF_JMP | BPF_JA, 7, 0, 0),
		BPF_STMT(BPF_LDX | BPF_IMM, 40),
		BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16), /* destination port */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, q->first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, q->last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog prog = { sizeof f / sizeof f[0], f };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) ? -errno : 0;
}

static int set_up(const struct sp_queue *q, int fd)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)q->port->iface.index };
	struct packet_mreq groups = { .mr_ifindex = ll.sll_ifindex,
				      .mr_type = PACKET_MR_ALLMULTI };
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	int one = 1, rc = attach(q, fd);

	if (rc)
		return rc;
	sp_sock_rcvbuf(fd, RCVBUF);
	sp_sock_sndbuf(fd, SNDBUF);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	/* What the far end's kernel left to hardware that is not there is no damage. */
	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one))
		return -errno;
	if (q->port->bind.addr.family == 6) /* solicitations go to a group */
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &groups, sizeof groups);
	if (bind(fd, (struct sockaddr *)&ll, sizeof ll) ||
	    epoll_ctl(q->epoll, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	return 0;
}

/* A socket that nothing comes to yet. */
static int open_any(struct sp_err *err)
{
	int fd = sp_sock_open(AF_PACKET, SOCK_RAW, 0);

	if (fd == -EPERM || fd == -EACCES)
		return sp_fail(err, fd, SP_EXIT_PERM,
			       "utcp: raw frames need the capability CAP_NET_RAW; run it with "
			       "`sudo`");
	return fd < 0 ? sp_sock_fail(err, fd, "a packet socket") : fd;
}

int sp_utcp_may(struct sp_err *err)
{
	int fd = open_any(err);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int sp_utcp_socket(struct sp_queue *q, struct sp_err *err)
{
	int rc, fd = open_any(err);

	if (fd < 0)
		return fd;
	rc = set_up(q, fd);
	if (!rc)
		return fd;
	close(fd);
	return sp_fail(err, rc, SP_EXIT_PERM, "utcp: interface %s: %s", q->port->iface.name,
		       strerror(-rc));
}
