#include "transport/tcp/tcp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Two binds may lose a race for the second family's number that often. */
#define TRIES 16

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

/* One port number, in one family or both. */
static int listen_number(struct sp_port *p, uint16_t number, uint32_t i, struct sp_err *err)
{
	struct sp_endpoint at = { .addr = p->bind.addr, .port = number };
	int rc = 0;

	if (p->bind.addr.family)
		return listen_at(p, &at, i, err);
	for (unsigned t = 0; t < TRIES; t++) {
		at = (struct sp_endpoint){ .addr.family = 4, .port = number };
		rc = listen_at(p, &at, i, err);
		if (rc || !p->v6)
			break;
		at.addr = (struct sp_addr){ .family = 6 };
		rc = listen_at(p, &at, i + 1, err);
		if (rc != -EADDRINUSE || number)
			break;
		close_at(p, i);
		close_at(p, i + 1);
	}
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
	uint16_t last = p->port_last > p->bind.port ? p->port_last : p->bind.port;
	uint32_t numbers = 1u + last - p->bind.port, step;
	size_t n;

	p->v6 = !p->bind.addr.family && has_v6(p);
	step = p->v6 ? 2 : 1;
	n = (size_t)p->workers * numbers * step;
	p->listen = sp_alloc_array(p->env->mem, n, sizeof *p->listen);
	if (!p->listen)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for %zu sockets",
			       n);
	for (size_t i = 0; i < n; i++)
		p->listen[i].fd = -1;
	p->n_listen = numbers * step;
	for (uint32_t i = 0; i < numbers; i++) {
		int rc = listen_number(p, (uint16_t)(p->bind.port + i), i * step, err);

		if (rc)
			return rc;
	}
	return 0;
}
