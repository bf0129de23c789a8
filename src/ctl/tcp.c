#include "ctl/tcp.h"

#include "ctl/limits.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t zero[16];

static void set_int(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof value);
}

bool sp_ctl_tcp_is_any(const struct sp_addr *a)
{
	return !a->family || memcmp(a->ip, zero, a->family == 4 ? 4 : 16) == 0;
}

static int listen_at(int family, const struct sockaddr *sa, unsigned len, int backlog,
		     bool dual)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
	if (bind(fd, sa, len) == 0 && listen(fd, backlog) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int sp_ctl_tcp_listen(const struct sp_endpoint *at, int backlog, bool *dual)
{
	struct sockaddr_storage ss;
	struct sp_endpoint e = *at;
	unsigned len;
	int rc;

	*dual = sp_ctl_tcp_is_any(&at->addr) && at->addr.family != 4;
	if (*dual)
		e.addr.family = 6;
	len = sp_endpoint_to_sockaddr(&e, (struct sockaddr *)&ss);
	rc = listen_at(ss.ss_family, (struct sockaddr *)&ss, len, backlog, *dual);
	if (*dual && (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL)) {
		*dual = false;
		e.addr.family = 4;
		len = sp_endpoint_to_sockaddr(&e, (struct sockaddr *)&ss);
		rc = listen_at(ss.ss_family, (struct sockaddr *)&ss, len, backlog, false);
	}
	return rc;
}

static void unmap(struct sp_addr *a)
{
	if (a->family != 6 || memcmp(a->ip, zero, 10) != 0 || a->ip[10] != 0xff ||
	    a->ip[11] != 0xff)
		return;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
	a->family = 4;
	a->scope = 0;
}

int sp_ctl_tcp_accept(int listener, struct sp_endpoint *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	int fd = accept4(listener, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (sp_endpoint_from_sockaddr(peer, (const struct sockaddr *)&ss)) {
		close(fd);
		return -EPROTO;
	}
	unmap(&peer->addr);
	return fd;
}

int sp_ctl_tcp_local(int fd, struct sp_endpoint *local)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return -errno;
	if (sp_endpoint_from_sockaddr(local, (const struct sockaddr *)&ss))
		return -EPROTO;
	unmap(&local->addr);
	return 0;
}

void sp_ctl_tcp_server_side(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_SNDBUF, SP_CTL_SNDBUF);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 4);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, SP_CTL_DEAD_MS);
}

int sp_ctl_tcp_socket(const struct sp_endpoint *to)
{
	int family = to->addr.family == 4 ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return fd;
}

bool sp_ctl_tcp_is_self(int fd)
{
	struct sockaddr_storage a = { 0 }, b = { 0 };
	socklen_t an = sizeof a, bn = sizeof b;
	struct sp_endpoint ours, theirs;

	if (getsockname(fd, (struct sockaddr *)&a, &an) ||
	    getpeername(fd, (struct sockaddr *)&b, &bn) ||
	    sp_endpoint_from_sockaddr(&ours, (struct sockaddr *)&a) ||
	    sp_endpoint_from_sockaddr(&theirs, (struct sockaddr *)&b))
		return false;
	return sp_endpoint_eq(&ours, &theirs);
}
