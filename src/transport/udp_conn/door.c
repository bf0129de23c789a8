#include "transport/udp_conn/udp_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "plugin/tstats.h"
#include "transport/sock.h"

static struct udp_conn *of(struct sp_conn *conn)
{
	return (struct udp_conn *)(void *)conn;
}

/* ---- a connection ---- */

static int conn_open(struct sp_conn *conn)
{
	(void)conn;
	return 0;
}

/* A datagram behind its length. Of one that does not fit the rest is gone, and counted. */
static ssize_t conn_read(struct sp_conn *conn, void *data, size_t len)
{
	struct udp_conn *c = of(conn);
	size_t room = len - UDP_CONN_HEAD;
	uint8_t *to = data;
	ssize_t n;

	if (len <= UDP_CONN_HEAD)
		return -EMSGSIZE;
	room = room < UINT16_MAX ? room : UINT16_MAX;
	n = recv(c->fd, to + UDP_CONN_HEAD, room, MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0)
		return -errno;
	if ((size_t)n > room) {
		sp_tstats_add(&c->q->stats.rx_truncated, 1);
		n = (ssize_t)room;
	}
	sp_tstats_add(&c->q->stats.rx_calls, 1);
	sp_tstats_add(&c->q->stats.rx_units, 1);
	sp_tstats_add(&c->q->stats.rx_msgs, 1);
	sp_tstats_add(&c->q->stats.rx_bytes, (uint64_t)n);
	sp_put_be16(to, (uint16_t)n);
	return n + (ssize_t)UDP_CONN_HEAD;
}

/* The length of the datagram that these octets are, whole; -EPROTO: they are none. */
static ssize_t length_of(const struct iovec *iov, int n)
{
	size_t all = 0;

	for (int i = 0; i < n; i++)
		all += iov[i].iov_len;
	if (n < 1 || iov[0].iov_len < UDP_CONN_HEAD)
		return -EPROTO;
	return sp_get_be16(iov[0].iov_base) + UDP_CONN_HEAD == all ? (ssize_t)all : -EPROTO;
}

static ssize_t conn_write(struct sp_conn *conn, const struct iovec *iov, int n)
{
	struct udp_conn *c = of(conn);
	ssize_t all = length_of(iov, n), sent;
	struct iovec body[UDP_CONN_PIECES];
	struct msghdr m = { .msg_iov = body, .msg_iovlen = (size_t)n };

	if (all < 0 || n > (int)UDP_CONN_PIECES)
		return -EPROTO;
	memcpy(body, iov, (size_t)n * sizeof *iov);
	body[0].iov_base = (uint8_t *)body[0].iov_base + UDP_CONN_HEAD;
	body[0].iov_len -= UDP_CONN_HEAD;
	sent = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0) {
		if (errno == EAGAIN)
			sp_tstats_add(&c->q->stats.tx_blocked, 1);
		return -errno;
	}
	sp_tstats_sent(&c->q->stats, 1, 1, (uint64_t)sent, 1);
	return all;
}

static int conn_shutdown(struct sp_conn *conn)
{
	(void)conn; /* there is no way to say so */
	return 0;
}

static int conn_ends(const struct sp_conn *conn, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct udp_conn *c = (const struct udp_conn *)(const void *)conn;
	struct sockaddr_in6 sa = { 0 };
	socklen_t len = sizeof sa;

	if (remote && getpeername(c->fd, (struct sockaddr *)&sa, &len))
		return -errno;
	if (remote)
		sp_endpoint_from_sockaddr(remote, (struct sockaddr *)&sa);
	len = sizeof sa;
	if (local && getsockname(c->fd, (struct sockaddr *)&sa, &len))
		return -errno;
	if (local)
		sp_endpoint_from_sockaddr(local, (struct sockaddr *)&sa);
	return 0;
}

static void conn_close(struct sp_conn *conn, bool reset)
{
	struct udp_conn *c = of(conn);
	struct sp_queue *q = c->q;

	(void)reset;
	close(c->fd);
	c->conn.ops = NULL;
	c->next_free = q->free;
	q->free = (uint32_t)(c - q->conns) + 1;
}

static const struct sp_conn_ops conn_ops = {
	.open = conn_open,
	.read = conn_read,
	.write = conn_write,
	.shutdown = conn_shutdown,
	.ends = conn_ends,
	.close = conn_close,
};

/* ---- sockets ---- */

static void set(int fd, int level, int option, uint64_t value)
{
	int v = (int)value;

	if (value)
		setsockopt(fd, level, option, &v, sizeof v);
}

static int bind_own(const struct sp_port *p, int fd, uint8_t family,
		    const struct sp_endpoint *local)
{
	struct sp_endpoint at = local ? *local : p->bind;
	struct sockaddr_in6 sa;
	socklen_t len;

	if (!at.addr.family && !at.port)
		return 0;
	if (!at.addr.family)
		at.addr.family = family;
	len = sp_endpoint_to_sockaddr(&at, (struct sockaddr *)&sa);
	return bind(fd, (struct sockaddr *)&sa, len) ? -errno : 0;
}

/* Buffers are there before the first datagram can come. */
static int open_sock(const struct sp_port *p, const struct sp_endpoint *to,
		     const struct sp_endpoint *local)
{
	const struct sp_udp_conn_conf *c = &p->conf;
	bool v4 = to->addr.family == 4;
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(to, (struct sockaddr *)&sa);
	int fd = sp_sock_open(v4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0), rc = 0;

	if (fd < 0)
		return fd;
	if (c->sndbuf)
		sp_sock_sndbuf(fd, c->sndbuf);
	sp_sock_rcvbuf(fd, c->rcvbuf ? c->rcvbuf : UDP_CONN_RCVBUF);
	set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, c->tos);
	set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, c->ttl);
	if (*p->interface)
		rc = sp_sock_device(fd, p->interface, NULL);
	if (!rc)
		rc = bind_own(p, fd, to->addr.family, local);
	if (!rc && connect(fd, (struct sockaddr *)&sa, len))
		rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static struct udp_conn *take(struct sp_queue *q)
{
	struct udp_conn *c;

	if (q->free) {
		c = &q->conns[q->free - 1];
		q->free = c->next_free;
		return c;
	}
	return q->used < q->port->max_conns ? &q->conns[q->used++] : NULL;
}

static int door_connect_from(struct sp_queue *q, const struct sp_endpoint *local, uint32_t ep,
			     uint32_t id, struct sp_conn **out)
{
	const struct sp_endpoint *to = &q->ends.at[ep].remote;
	int fd = open_sock(q->port, to, local), rc;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	struct udp_conn *c;

	if (fd < 0)
		return fd;
	c = take(q);
	if (!c) {
		close(fd);
		return -ENOBUFS;
	}
	*c = (struct udp_conn){ .conn = { .ops = &conn_ops, .id = id }, .q = q, .fd = fd };
	ev.data.ptr = c;
	if (epoll_ctl(q->epoll, EPOLL_CTL_ADD, fd, &ev)) {
		rc = -errno;
		conn_close(&c->conn, true);
		return rc;
	}
	*out = &c->conn;
	return 0;
}

static int door_connect(struct sp_queue *q, uint32_t ep, uint32_t id, struct sp_conn **out)
{
	return door_connect_from(q, NULL, ep, id, out);
}

static int door_accept(struct sp_queue *q, uint32_t id, struct sp_conn **out)
{
	(void)q, (void)id, (void)out;
	return -EAGAIN; /* nobody is ever accepted */
}

static uint32_t door_ready(struct sp_queue *q, struct sp_conn_event *out, uint32_t max)
{
	struct epoll_event ev[UDP_CONN_EVENTS];
	int most = max < UDP_CONN_EVENTS ? (int)max : (int)UDP_CONN_EVENTS;
	int n = epoll_wait(q->epoll, ev, most, 0);
	uint32_t k = 0;

	for (int i = 0; i < n; i++) {
		struct udp_conn *c = ev[i].data.ptr;
		uint32_t bits = 0;

		if (!c->conn.ops)
			continue; /* closed since */
		if (ev[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
			bits |= SP_CONN_IN;
		if (ev[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			bits |= SP_CONN_OUT;
		out[k++] = (struct sp_conn_event){ &c->conn, bits };
	}
	return k;
}

const struct sp_conn_door sp_udp_conn_door = {
	.datagrams = true,
	.connect = door_connect,
	.connect_from = door_connect_from,
	.accept = door_accept,
	.ready = door_ready,
};
