#include "transport/udp/udp.h"

#include "transport/sock.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

struct sp_endpoint sp_udp_plain(const struct sp_endpoint *e)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sp_endpoint v4 = { .addr.family = 4, .port = e->port };

	if (e->addr.family != 6 || memcmp(e->addr.ip, mapped, sizeof mapped))
		return *e;
	memcpy(v4.addr.ip, e->addr.ip + 12, 4);
	return v4;
}

static bool set_int(int fd, int level, int option, int value)
{
	return !setsockopt(fd, level, option, &value, sizeof value);
}

static bool is_any(const struct sp_addr *a)
{
	static const uint8_t any[16];

	return !memcmp(a->ip, any, a->family == 4 ? 4 : 16);
}

static bool is_multicast(const struct sp_addr *a)
{
	return a->family == 4 ? (a->ip[0] & 0xf0) == 0xe0 : a->ip[0] == 0xff;
}

static void set_header(const struct sp_port *p, int fd, uint8_t family)
{
	int ttl = (int)p->conf.ttl, tos = (int)p->conf.tos;

	if (ttl && family == 4) {
		set_int(fd, IPPROTO_IP, IP_TTL, ttl);
		set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
	} else if (ttl) {
		set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
		set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl);
	}
	if (tos && family == 4)
		set_int(fd, IPPROTO_IP, IP_TOS, tos);
	else if (tos)
		set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
}

static void set_rx(struct sp_port *p, int fd)
{
	uint64_t got = sp_sock_rcvbuf(fd, p->conf.rcvbuf);

	if (got < p->conf.rcvbuf && !p->noted_rcvbuf) {
		p->noted_rcvbuf = true;
		sp_log(p->env->log, SP_LOG_INFO,
		       "udp: receive buffers are %llu KiB instead of %llu; "
		       "`sysctl -w net.core.rmem_max=%llu` allows more",
		       (unsigned long long)got / 1024,
		       (unsigned long long)p->conf.rcvbuf / 1024,
		       (unsigned long long)p->conf.rcvbuf);
	}
	if (p->gro && !set_int(fd, SOL_UDP, UDP_GRO, 1)) {
		p->gro = false;
		sp_log(p->env->log, SP_LOG_INFO,
		       "udp: this kernel has no UDP_GRO (Linux 5.0): datagrams are received "
		       "one "
		       "by one");
	}
	if (p->stamps && !set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1)) {
		p->stamps = false;
		sp_log(p->env->log, SP_LOG_INFO,
		       "udp: the kernel gives no receive stamps: arrival is when spate reads");
	}
}

/* The membership that a receiver on a group address wants. */
static int join_group(const struct sp_port *p, int fd, const struct sp_addr *a,
		      struct sp_err *err)
{
	unsigned index = p->interface[0] ? if_nametoindex(p->interface) : a->scope;
	struct ip_mreqn m4 = { .imr_ifindex = (int)index };
	struct ipv6_mreq m6 = { .ipv6mr_interface = index };
	char text[64];
	int rc;

	if (a->family == 4) {
		memcpy(&m4.imr_multiaddr, a->ip, 4);
		rc = setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m4, sizeof m4);
	} else {
		memcpy(&m6.ipv6mr_multiaddr, a->ip, 16);
		rc = setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m6, sizeof m6);
	}
	if (!rc)
		return 0;
	return sp_fail(err, -errno, SP_EXIT_PERM,
		       "cannot join the group %s: %s; name an interface that carries it",
		       sp_addr_format(text, sizeof text, a), strerror(errno));
}

static int bind_fail(const struct sp_endpoint *e, int code, struct sp_err *err)
{
	char text[72], addr[64];

	sp_endpoint_format(text, sizeof text, e);
	switch (code) {
	case EADDRINUSE:
		return sp_fail(
			err, -code, SP_EXIT_FAILED,
			"udp %s is in use by another program; `ss -ulpn sport = :%u` shows "
			"which",
			text, e->port);
	case EADDRNOTAVAIL:
		return sp_fail(
			err, -code, SP_EXIT_PERM,
			"cannot bind to udp %s: no interface here has this address; `ip "
			"address` lists them, `ip address add %s dev lo` adds it (a whole "
			"prefix: `ip route add local PREFIX dev lo`)",
			text, sp_addr_format(addr, sizeof addr, &e->addr));
	case EACCES:
		return sp_fail(
			err, -code, SP_EXIT_PERM,
			"cannot bind to udp %s: port numbers below 1024 are root's; choose "
			"a higher one, or `sudo sysctl -w "
			"net.ipv4.ip_unprivileged_port_start=%u`",
			text, e->port);
	default:
		return sp_fail(err, -code, SP_EXIT_PERM, "cannot bind to udp %s: %s", text,
			       strerror(code));
	}
}

static int sock_bind(const struct sp_port *p, const struct sp_endpoint *bind_to, bool listen,
		     struct udp_sock *s, struct sp_err *err)
{
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(bind_to, (struct sockaddr *)&sa);

	if (!listen && !bind_to->port && is_any(&bind_to->addr))
		return 0;
	if (bind(s->fd, (struct sockaddr *)&sa, len))
		return bind_fail(bind_to, errno, err);
	len = sizeof sa;
	getsockname(s->fd, (struct sockaddr *)&sa, &len);
	sp_endpoint_from_sockaddr(&s->local, (struct sockaddr *)&sa);
	if (listen && is_multicast(&bind_to->addr))
		return join_group(p, s->fd, &bind_to->addr, err);
	return 0;
}

int sp_udp_sock_open(struct sp_port *p, const struct sp_endpoint *bind_to, int share,
		     bool listen, struct udp_sock *s, struct sp_err *err)
{
	uint8_t family = bind_to->addr.family;
	int rc = 0;

	*s = (struct udp_sock){ .family = family, .ep = SP_NO_FLOW, .gso_limit = UINT16_MAX };
	s->fd = sp_sock_open(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	if (s->fd < 0)
		return sp_sock_fail(err, s->fd,
				    family == 4 ? "a UDP socket" : "a UDP/IPv6 socket");
	s->rx = listen || p->rx;
	if (family == 6)
		set_int(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (share)
		set_int(s->fd, SOL_SOCKET, share, 1);
	if (p->permit->broadcast)
		set_int(s->fd, SOL_SOCKET, SO_BROADCAST, 1);
	set_header(p, s->fd, family);
	if (!listen)
		s->sndbuf = (uint32_t)sp_sock_sndbuf(s->fd, p->conf.sndbuf);
	if (s->rx)
		set_rx(p, s->fd);
	if (p->interface[0])
		rc = sp_sock_device(s->fd, p->interface, err);
	if (!rc)
		rc = sock_bind(p, bind_to, listen, s, err);
	if (rc)
		sp_udp_sock_close(s);
	return rc;
}

void sp_udp_sock_close(struct udp_sock *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* One super-datagram of n one-byte segments between two loopback sockets of our own. */
static bool takes_segments(int fd, uint16_t n)
{
	uint8_t bytes[128] = { 0 };

	return send(fd, bytes, n, MSG_DONTWAIT) == (ssize_t)n;
}

uint32_t sp_udp_probe_segments(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof sa;
	int to = sp_sock_open(AF_INET, SOCK_DGRAM, 0);
	int from = sp_sock_open(AF_INET, SOCK_DGRAM, 0);
	uint32_t n = 1;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (to < 0 || from < 0 || !set_int(from, SOL_UDP, UDP_SEGMENT, 1))
		goto done;
	n = 64; /* what every kernel with UDP_SEGMENT takes */
	if (!bind(to, (struct sockaddr *)&sa, len) &&
	    !getsockname(to, (struct sockaddr *)&sa, &len) &&
	    !connect(from, (struct sockaddr *)&sa, len) && takes_segments(from, 128))
		n = 128;
done:
	if (to >= 0)
		close(to);
	if (from >= 0)
		close(from);
	return n;
}
