#include "transport/tcp/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "transport/sock.h"

static bool set_int(int fd, int level, int option, int value)
{
	return !setsockopt(fd, level, option, &value, sizeof value);
}

static int set_congestion(int fd, const char *name)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name))
		       ? -errno
		       : 0;
}

/* Buffers, segment size and header fields must be there before the handshake. */
static int set_options(const struct sp_port *p, int fd, uint8_t family)
{
	const struct sp_tcp_conf *c = &p->conf;
	int tos = (int)c->tos;

	if (c->nodelay)
		set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (c->sndbuf)
		sp_sock_sndbuf(fd, c->sndbuf);
	if (c->rcvbuf)
		sp_sock_rcvbuf(fd, c->rcvbuf);
	if (c->mss)
		set_int(fd, IPPROTO_TCP, TCP_MAXSEG, (int)c->mss);
	if (tos && family == 4)
		set_int(fd, IPPROTO_IP, IP_TOS, tos);
	else if (tos)
		set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
	if (c->ttl && family == 4)
		set_int(fd, IPPROTO_IP, IP_TTL, (int)c->ttl);
	else if (c->ttl)
		set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, (int)c->ttl);
	/* What root may choose it may not any more once it has given up its capabilities. */
	return *c->congestion ? set_congestion(fd, c->congestion) : 0;
}

void sp_tcp_sock_bulk(const struct sp_port *p, int fd, const struct sp_addr *to)
{
	if (!*p->conf.congestion && sp_addr_class(to) == SP_ADDR_LOOPBACK)
		set_congestion(fd, TCP_LOOPBACK_CONGESTION);
}

/* For those that are accepted: a caller that is gone without a word is noticed after a minute, and
 * its place free again. Who says anything within half a minute is never asked. */
static void set_keepalive(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

int sp_tcp_sock_open(const struct sp_port *p, uint8_t family, bool listen, struct sp_err *err)
{
	int fd = sp_sock_open(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM, 0), rc;

	if (fd < 0)
		return err ? sp_sock_fail(err, fd,
					  family == 4 ? "a TCP socket" : "a TCP/IPv6 socket")
			   : fd;
	if (family == 6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (listen) {
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		set_keepalive(fd);
		if (p->workers > 1)
			set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	}
	rc = set_options(p, fd, family);
	if (rc && err)
		sp_fail(err, rc, SP_EXIT_PERM, "congestion control %s cannot be set: %s",
			p->conf.congestion, strerror(-rc));
	if (!rc && p->interface[0])
		rc = sp_sock_device(fd, p->interface, err);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int sp_tcp_sock_bind(const struct sp_port *p, int fd, const struct sp_endpoint *e, bool listen)
{
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(e, (struct sockaddr *)&sa);

	(void)p;
	if (!listen) {
		/* The number is chosen at the connect, so that it may serve many targets. */
		if (!e->port)
			set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		else
			set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	}
	return bind(fd, (struct sockaddr *)&sa, len) ? -errno : 0;
}

int sp_tcp_bind_fail(const struct sp_endpoint *e, int code, struct sp_err *err)
{
	char text[72];

	sp_endpoint_format(text, sizeof text, e);
	switch (code) {
	case -EADDRINUSE:
		return sp_fail(
			err, code, SP_EXIT_FAILED,
			"tcp %s is in use by another program; `ss -tlpn sport = :%u` shows "
			"which",
			text, e->port);
	case -EADDRNOTAVAIL:
		return sp_fail(err, code, SP_EXIT_PERM,
			       "cannot bind to tcp %s: no interface here has this address; `ip "
			       "address` lists them",
			       text);
	case -EACCES:
		return sp_fail(
			err, code, SP_EXIT_PERM,
			"cannot bind to tcp %s: port numbers below 1024 are root's; choose a "
			"higher one, or `sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%u`",
			text, e->port);
	default:
		return sp_fail(err, code, SP_EXIT_PERM, "cannot bind to tcp %s: %s", text,
			       strerror(-code));
	}
}

/* The names that an ordinary user may choose from, "reno cubic". */
static void list_congestion(char *text, size_t cap)
{
	int fd = open("/proc/sys/net/ipv4/tcp_available_congestion_control",
		      O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

int sp_tcp_check_congestion(const struct sp_port *p, struct sp_err *err)
{
	const char *name = p->conf.congestion;
	char list[200];
	int fd, rc;

	if (!*name)
		return 0;
	fd = sp_sock_open(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return sp_sock_fail(err, fd, "a TCP socket");
	rc = set_congestion(fd, name);
	close(fd);
	if (!rc)
		return 0;
	list_congestion(list, sizeof list);
	return sp_fail(err, rc, SP_EXIT_PERM,
		       "congestion control %s cannot be used: %s; this kernel has: %s (others "
		       "may need `sudo modprobe tcp_%s`)",
		       name, strerror(-rc), list, name);
}

void sp_tcp_auto_ports(uint16_t *first, uint16_t *last)
{
	int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	if (n > 0 && sscanf(text, "%" SCNu16 " %" SCNu16, first, last) == 2)
		return;
	*first = 1;
	*last = UINT16_MAX;
}

int sp_tcp_raise_limit(uint64_t n, uint64_t need, struct sp_err *err)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return 0;
	if (lim.rlim_cur < n + TCP_SPARE_FDS) {
		lim.rlim_cur = n + TCP_SPARE_FDS < lim.rlim_max ? n + TCP_SPARE_FDS
								: lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	if (lim.rlim_cur >= need + TCP_SPARE_FDS)
		return 0;
	return sp_fail(
		err, -EMFILE, SP_EXIT_PERM,
		"%llu connections need %llu descriptors, and %llu are allowed; raise the "
		"limit with `ulimit -Hn %llu` as root, or ask for fewer",
		(unsigned long long)need, (unsigned long long)(need + TCP_SPARE_FDS),
		(unsigned long long)lim.rlim_cur, (unsigned long long)(need + TCP_SPARE_FDS));
}
