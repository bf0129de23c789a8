#include "transport/tcp/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "plugin/tstats.h"
#include "transport/sock.h"

struct tcp_conn *sp_tcp_conn_new(struct sp_queue *q, uint32_t id, int fd)
{
	struct tcp_conn *c;

	if (q->free) {
		c = &q->conns[q->free - 1];
		q->free = c->next_free;
	} else if (q->used < q->port->max_conns) {
		c = &q->conns[q->used++];
	} else {
		return NULL;
	}
	*c = (struct tcp_conn){ .conn = { .ops = &sp_tcp_conn_ops, .id = id },
				.q = q,
				.fd = fd };
	return c;
}

void sp_tcp_conn_free(struct tcp_conn *c)
{
	struct sp_queue *q = c->q;

	c->conn.ops = NULL;
	c->fd = -1;
	c->next_free = q->free;
	q->free = (uint32_t)(c - q->conns) + 1;
}

static int watch(struct tcp_conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				  .data.ptr = c };

	return epoll_ctl(c->q->epoll, EPOLL_CTL_ADD, c->fd, &ev) ? -errno : 0;
}

static int bind_own(const struct sp_port *p, int fd, uint8_t family,
		    const struct sp_endpoint *local)
{
	struct sp_endpoint at = local ? *local : p->bind;

	if (p->rx && !local)
		at.port = 0; /* the listener has it */
	if (!at.addr.family && !at.port)
		return 0;
	if (!at.addr.family)
		at.addr.family = family;
	return sp_tcp_sock_bind(p, fd, &at, false);
}

/* The SYN-ACK is answered by the first bytes, a packet and a wake-up less at both ends (the kernel
 * waits 200 ms for them at most). */
static void set_lazy(int fd)
{
	int second = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &second, sizeof second);
}

static int door_connect_from(struct sp_queue *q, const struct sp_endpoint *local, uint32_t ep,
			     uint32_t id, struct sp_conn **out)
{
	const struct sp_endpoint *to = &q->ends.at[ep].remote;
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(to, (struct sockaddr *)&sa);
	struct tcp_conn *c;
	int fd = sp_tcp_sock_open(q->port, to->addr.family, false, NULL), rc;

	if (fd < 0)
		return fd;
	c = sp_tcp_conn_new(q, id, fd);
	rc = c ? bind_own(q->port, fd, to->addr.family, local) : -ENOBUFS;
	if (q->port->conf.lazy_ack)
		set_lazy(fd);
	if (!rc && connect(fd, (struct sockaddr *)&sa, len) && errno != EINPROGRESS)
		rc = -errno;
	if (!rc)
		rc = watch(c);
	if (rc) {
		close(fd);
		if (c)
			sp_tcp_conn_free(c);
		return rc;
	}
	c->ep = ep;
	sp_tstats_add(&q->stats.tx_units, 1);
	*out = &c->conn;
	return 0;
}

static int door_connect(struct sp_queue *q, uint32_t ep, uint32_t id, struct sp_conn **out)
{
	return door_connect_from(q, NULL, ep, id, out);
}

/* Nothing that needs a path: the process may be confined by now. */
int sp_tcp_spare(struct sp_queue *q)
{
	q->spare = fcntl(q->epoll, F_DUPFD_CLOEXEC, 0);
	return q->spare < 0 ? -errno : 0;
}

/* No descriptor is left: the spare one takes the next caller, who is told so at once. Else it
 * would wait, and the listener stay ready for ever. */
static void turn_away(struct sp_queue *q, int listener)
{
	struct linger now = { .l_onoff = 1 };
	int fd;

	if (q->spare < 0)
		return;
	close(q->spare);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		close(fd);
	}
	sp_tcp_spare(q);
}

static int take(struct sp_queue *q, int fd, uint32_t id, struct sp_conn **out)
{
	struct linger now = { .l_onoff = 1 };
	struct tcp_conn *c = sp_tcp_conn_new(q, id, fd);
	int rc = c ? watch(c) : -ENOBUFS;

	if (rc) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		close(fd);
		if (c)
			sp_tcp_conn_free(c);
		return rc;
	}
	c->ready = true;
	c->open = true;
	sp_tstats_add(&q->stats.rx_units, 1);
	*out = &c->conn;
	return 0;
}

static int door_accept(struct sp_queue *q, uint32_t id, struct sp_conn **out)
{
	const struct sp_port *p = q->port;

	for (uint32_t i = 0; i < p->n_listen; i++) {
		int listener = p->listen[q->worker * p->n_listen + i].fd;
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			return take(q, fd, id, out);
		if (errno == EMFILE || errno == ENFILE) {
			turn_away(q, listener);
			return -EMFILE;
		}
	}
	return -EAGAIN;
}

static uint32_t door_ready(struct sp_queue *q, struct sp_conn_event *out, uint32_t max)
{
	struct epoll_event ev[TCP_EVENTS];
	int n = epoll_wait(q->epoll, ev, max < TCP_EVENTS ? (int)max : (int)TCP_EVENTS, 0);
	uint32_t k = 0;

	for (int i = 0; i < n; i++) {
		struct tcp_conn *c = ev[i].data.ptr;
		uint32_t e = ev[i].events, bits = 0;

		if (c && !c->conn.ops)
			continue; /* closed since */
		if (e & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			bits |= SP_CONN_IN;
		if (e & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			bits |= SP_CONN_END;
		if (e & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			bits |= SP_CONN_OUT;
		if (c) {
			c->ready = true;
			c->trouble |= (e & (EPOLLHUP | EPOLLERR)) != 0;
		}
		out[k++] = (struct sp_conn_event){ c ? &c->conn : NULL, bits };
	}
	return k;
}

const struct sp_conn_door sp_tcp_door = {
	.connect = door_connect,
	.connect_from = door_connect_from,
	.accept = door_accept,
	.ready = door_ready,
};
