#include "ctl/greet.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/tcp.h"
#include "engine/hello.h"

static int open_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Not connected: where UDP carries data on that number, too, the answer comes from another one. An
 * ICMP error is seen all the same. */
int sp_ctl_greet_ask(const struct sp_endpoint *to, uint64_t nonce)
{
	bool v4 = to->addr.family == 4;
	int fd = open_socket(v4 ? AF_INET : AF_INET6), on = 1, rc;
	uint8_t hello[SP_HELLO_LEN];
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(to, (struct sockaddr *)&sa);

	if (fd < 0)
		return fd;
	setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on,
		   sizeof on);
	sp_hello_put(hello, nonce, 0);
	if (sendto(fd, hello, sizeof hello, 0, (struct sockaddr *)&sa, len) ==
	    (ssize_t)sizeof hello)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static void unmap(struct sp_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family != 6 || memcmp(a->ip, mapped, sizeof mapped) != 0)
		return;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
	a->family = 4;
}

static int take(int fd, struct sp_endpoint *from, uint64_t *nonce, uint16_t *port)
{
	uint8_t data[SP_HELLO_LEN + 1];
	struct sockaddr_in6 sa;
	socklen_t len = sizeof sa;
	ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&sa, &len);

	if (n < 0)
		return -errno;
	if (sp_endpoint_from_sockaddr(from, (struct sockaddr *)&sa) ||
	    !sp_hello_get(data, (uint32_t)n, nonce, port))
		return -EBADMSG;
	unmap(&from->addr);
	return 0;
}

int sp_ctl_greet_answer(int fd, const struct sp_endpoint *to, uint64_t nonce)
{
	struct sp_endpoint from;
	uint64_t echoed;
	uint16_t port;
	int rc;

	for (;;) {
		rc = take(fd, &from, &echoed, &port);
		if (rc && rc != -EBADMSG)
			return rc;
		if (!rc && echoed == nonce && port && sp_addr_eq(&from.addr, &to->addr))
			return port;
	}
}

int sp_ctl_greet_listen(const struct sp_endpoint *at)
{
	bool dual = sp_ctl_tcp_is_any(&at->addr) && at->addr.family != 4;
	struct sp_endpoint e = *at;
	int fd, only = !dual, rc;
	struct sockaddr_in6 sa;
	socklen_t len;

	if (dual)
		e.addr.family = 6;
	fd = open_socket(e.addr.family == 6 ? AF_INET6 : AF_INET);
	if (fd == -EAFNOSUPPORT && dual) {
		e.addr.family = 4;
		fd = open_socket(AF_INET);
	}
	if (fd < 0)
		return fd;
	if (e.addr.family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
	len = sp_endpoint_to_sockaddr(&e, (struct sockaddr *)&sa);
	if (!bind(fd, (struct sockaddr *)&sa, len))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int sp_ctl_greet_take(int fd, bool public, struct sp_endpoint *from, uint64_t *nonce)
{
	uint16_t port;

	for (;;) {
		int rc = take(fd, from, nonce, &port);

		if (rc && rc != -EBADMSG)
			return -EAGAIN;
		if (!rc && !port && (public || sp_addr_is_own(&from->addr)))
			return 0;
	}
}

void sp_ctl_greet_reply(int fd, const struct sp_endpoint *to, uint64_t nonce, uint16_t port)
{
	struct sp_endpoint e = *to;
	struct sockaddr_in6 own = { 0 }, sa;
	socklen_t len = sizeof own;
	uint8_t hello[SP_HELLO_LEN];

	/* A socket of both families sends to mapped addresses. */
	if (!getsockname(fd, (struct sockaddr *)&own, &len) && own.sin6_family == AF_INET6 &&
	    e.addr.family == 4) {
		memcpy(e.addr.ip + 12, to->addr.ip, 4);
		memset(e.addr.ip, 0, 10);
		memset(e.addr.ip + 10, 0xff, 2);
		e.addr.family = 6;
	}
	sp_hello_put(hello, nonce, port);
	len = sp_endpoint_to_sockaddr(&e, (struct sockaddr *)&sa);
	/* One that cannot be sent is one that was lost. */
	(void)!sendto(fd, hello, sizeof hello, MSG_DONTWAIT, (struct sockaddr *)&sa, len);
}
