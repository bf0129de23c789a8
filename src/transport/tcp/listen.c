#include "transport/tcp/tcp.h"

#include "transport/listen.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int listen_one(struct sp_port *p, struct sp_endpoint *at, struct tcp_listener *l,
		      struct sp_err *err)
{
	struct sockaddr_in6 sa;
	socklen_t len = sizeof sa;
	int fd = sp_tcp_sock_open(p, at->addr.family, true, err), rc;

	if (fd < 0)
		return fd;
	rc = sp_tcp_sock_bind(p, fd, at, true);
	if (!rc && listen(fd, (int)p->conf.backlog))
		rc = -errno;
	if (rc) {
		close(fd);
		return sp_tcp_bind_fail(at, rc, err);
	}
	l->fd = fd;
	l->at = *at;
	if (!getsockname(fd, (struct sockaddr *)&sa, &len))
		sp_endpoint_from_sockaddr(&l->at, (struct sockaddr *)&sa);
	at->port = l->at.port;
	return 0;
}

static void close_at(struct sp_port *p, uint32_t i)
{
	for (unsigned w = 0; w < p->workers; w++) {
		struct tcp_listener *l = &p->listen[w * p->n_listen + i];

		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
	}
}

/* Slot i of each worker. The first bind is an exclusive one: sockets that share a number would
 * not notice another program of the same user. */
static int listen_at(struct sp_port *p, struct sp_endpoint *at, uint32_t i, struct sp_err *err)
{
	unsigned workers = p->workers;
	struct tcp_listener probe;
	int rc;

	p->workers = 1;
	rc = listen_one(p, at, workers == 1 ? &p->listen[i] : &probe, err);
	p->workers = workers;
	if (rc || workers == 1)
		return rc;
	close(probe.fd);
	for (unsigned w = 0; !rc && w < workers; w++)
		rc = listen_one(p, at, &p->listen[w * p->n_listen + i], err);
	return rc;
}

static bool has_v6(const struct sp_port *p)
{
	struct sp_endpoint any = { .addr.family = 6 };
	int fd = sp_tcp_sock_open(p, 6, true, NULL), rc;

	if (fd < 0)
		return false;
	rc = sp_tcp_sock_bind(p, fd, &any, true);
	close(fd);
	return rc == 0;
}

int sp_tcp_listen(struct sp_port *p, struct sp_err *err)
{
	struct sp_listen l = { .port = p,
			       .bind = p->bind,
			       .numbers = sp_listen_numbers(p->bind.port, p->port_last),
			       .open = listen_at,
			       .close = close_at };
	size_t n;

	p->v6 = l.v6 = !p->bind.addr.family && has_v6(p);
	p->n_listen = sp_listen_slots(&l);
	n = (size_t)p->workers * p->n_listen;
	p->listen = sp_alloc_array(p->env->mem, n, sizeof *p->listen);
	if (!p->listen) {
		p->n_listen = 0;
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for %zu sockets",
			       n);
	}
	for (size_t i = 0; i < n; i++)
		p->listen[i].fd = -1;
	return sp_listen_all(&l, err);
}
