#include "transport/udp/udp.h"

#include "plugin/target.h"

#include <errno.h>
#include <string.h>

/* So many numbers of the kernel's choice are looked at for a good one. */
#define NUMBER_TRIES 64u

static int connect_fail(const struct sp_endpoint *to, int code, struct sp_err *err)
{
	char text[72];

	sp_endpoint_format(text, sizeof text, to);
	switch (code) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
		return sp_fail(err, -code, SP_EXIT_UNAVAIL,
			       "there is no route to udp %s; `ip route get` says why", text);
	case EACCES:
		return sp_fail(err, -code, SP_EXIT_PERM,
			       "udp %s is a broadcast address; --allow-broadcast permits it",
			       text);
	default:
		return sp_fail(err, -code, SP_EXIT_UNAVAIL, "cannot send to udp %s: %s", text,
			       strerror(code));
	}
}

/* The address that a socket toward a target of this family is bound to. */
static int source_for(const struct sp_endpoint *local, const struct sp_endpoint *to,
		      struct sp_endpoint *from, struct sp_err *err)
{
	char a[72], b[72];

	*from = *local;
	if (!from->addr.family)
		from->addr = (struct sp_addr){ .family = to->addr.family };
	if (from->addr.family == to->addr.family)
		return 0;
	return sp_fail(err, -EAFNOSUPPORT, SP_EXIT_USAGE,
		       "cannot send from %s to %s: one is IPv4, the other IPv6",
		       sp_addr_format(a, sizeof a, &from->addr),
		       sp_endpoint_format(b, sizeof b, to));
}

static int add_sock(struct sp_queue *q, const struct sp_endpoint *local,
		    const struct sp_endpoint *to, struct udp_sock *s, struct sp_err *err)
{
	struct sp_port *p = q->port;
	struct sp_endpoint from;
	int rc = source_for(local, to, &from, err);

	if (rc)
		return rc;
	rc = sp_udp_sock_open(p, &from, from.port ? SO_REUSEADDR : 0, false, s, err);
	if (!rc && !p->gso)
		s->gso_limit = 0;
	return rc;
}

/* Room for one more; the control thread's, before there is another. */
static int make_room(struct sp_queue *q)
{
	const struct sp_mem *mem = q->port->env->mem;
	struct udp_sock *more;

	if (q->n_socks < q->cap_socks)
		return 0;
	more = sp_alloc_array(mem, 2 * (size_t)q->cap_socks, sizeof *more);
	if (!more)
		return -ENOMEM;
	memcpy(more, q->socks, q->n_socks * sizeof *more);
	sp_free(mem, q->socks);
	q->socks = more;
	q->cap_socks *= 2;
	return 0;
}

static int publish(struct sp_queue *q, struct udp_sock *s, int32_t *index, struct sp_err *err)
{
	uint32_t i = q->n_socks;
	int rc = make_room(q);

	if (rc) {
		sp_udp_sock_close(s);
		return sp_fail(err, rc, SP_EXIT_FAILED, "out of memory for a udp socket");
	}
	q->socks[i] = *s;
	rc = sp_udp_watch(q, i);
	if (rc) {
		sp_udp_sock_close(&q->socks[i]);
		return sp_fail(err, rc, SP_EXIT_FAILED, "cannot watch a udp socket: %s",
			       strerror(-rc));
	}
	*index = (int32_t)i + 1;
	__atomic_store_n(&q->n_socks, i + 1, __ATOMIC_RELEASE);
	return 0;
}

static int connect_sock(struct sp_queue *q, const struct sp_endpoint *local,
			const struct sp_endpoint *to, struct udp_sock *s, struct sp_err *err)
{
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(to, (struct sockaddr *)&sa);
	int rc = add_sock(q, local, to, s, err);

	if (rc)
		return rc;
	if (connect(s->fd, (struct sockaddr *)&sa, len)) {
		rc = connect_fail(to, errno, err);
		sp_udp_sock_close(s);
		return rc;
	}
	len = sizeof sa;
	getsockname(s->fd, (struct sockaddr *)&sa, &len);
	sp_endpoint_from_sockaddr(&s->local, (struct sockaddr *)&sa);
	s->connected = true;
	return 0;
}

/* A receiver with several workers has one for each of our sockets (listen.c), and by its number:
 * those of our workers are to follow each other, so that none of theirs gets two. */
static bool is_well_numbered(const struct sp_queue *q, const struct udp_sock *s)
{
	return q->port->bind.port || s->local.port % q->port->workers == q->worker;
}

static int add_connected(struct sp_queue *q, const struct sp_endpoint *to, uint32_t ep,
			 struct sp_err *err)
{
	struct udp_sock s;
	const struct sp_endpoint *local = &q->port->bind;
	int rc = connect_sock(q, local, to, &s, err);

	for (unsigned t = 0; !rc && !is_well_numbered(q, &s) && t < NUMBER_TRIES; t++) {
		sp_udp_sock_close(&s);
		rc = connect_sock(q, local, to, &s, err);
	}
	if (rc)
		return rc;
	s.ep = ep;
	rc = publish(q, &s, &q->target[ep].sock, err);
	if (!rc)
		q->n_connected++;
	return rc;
}

static int add_plain(struct sp_queue *q, const struct sp_endpoint *to, uint32_t ep,
		     struct sp_err *err)
{
	int32_t *plain = to->addr.family == 4 ? &q->plain4 : &q->plain6;
	struct udp_target *t = &q->target[ep];
	struct udp_sock s;
	int rc = 0;

	if (!*plain) {
		rc = add_sock(q, &q->port->bind, to, &s, err);
		if (!rc)
			rc = publish(q, &s, plain, err);
	}
	if (rc)
		return rc;
	t->to_len = sp_endpoint_to_sockaddr(to, (struct sockaddr *)&t->to);
	t->sock = *plain;
	return 0;
}

int sp_udp_endpoint(struct sp_queue *q, const struct sp_endpoint *want, uint32_t *out,
		    struct sp_err *err)
{
	const struct sp_port *p = q->port;
	struct sp_endpoint to = sp_udp_plain(want);
	int rc = sp_target_check(p->permit, want, err);
	uint32_t ep = SP_NO_FLOW;
	char text[72];

	if (rc)
		return rc;
	if (!p->tx || !to.port || !to.addr.family)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "cannot send to udp %s",
			       sp_endpoint_format(text, sizeof text, want));
	rc = sp_target_enter(&q->peers, &to, &ep, err);
	if (rc)
		return rc;
	if (!q->target[ep].sock) {
		if (p->conf.connect && q->n_connected < UDP_CONNECTED)
			rc = add_connected(q, &to, ep, err);
		else
			rc = add_plain(q, &to, ep, err);
	}
	if (!rc)
		*out = ep;
	return rc;
}

int sp_udp_endpoint_from(struct sp_queue *q, const struct sp_endpoint *local,
			 const struct sp_endpoint *want, uint32_t *out, struct sp_err *err)
{
	const struct sp_port *p = q->port;
	struct sp_endpoint to = sp_udp_plain(want);
	struct sp_endpoint from = local->addr.family ? sp_udp_plain(local) : p->bind;
	int rc = sp_target_check(p->permit, want, err);
	struct udp_sock s;
	int32_t sock;
	uint32_t ep;

	if (!rc && (!p->tx || !to.port))
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "cannot send to a udp port of number 0");
	if (!rc)
		rc = connect_sock(q, &from, &to, &s, err);
	if (!rc)
		rc = publish(q, &s, &sock, err);
	if (rc)
		return rc;
	/* Its socket makes it another one. */
	ep = sp_endpoints_get(&q->peers, &to, (uint32_t)sock);
	if (ep == SP_NO_FLOW)
		return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
			       "the port was opened for %u sessions and this is one more",
			       q->peers.max);
	q->target[ep].sock = sock;
	q->socks[sock - 1].ep = ep;
	*out = ep;
	return 0;
}

int sp_udp_peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		struct sp_endpoint *local)
{
	const struct sp_endpoint_entry *peer = sp_endpoints_at(&q->peers, ep);
	uint32_t sock;

	if (!peer)
		return -ENOENT;
	if (remote)
		*remote = peer->remote;
	if (!local)
		return 0;
	*local = (struct sp_endpoint){ 0 };
	if (peer->lane)
		sock = peer->lane; /* listeners are first */
	else
		sock = q->target ? (uint32_t)q->target[ep].sock : 0;
	if (sock)
		*local = q->socks[sock - 1].local;
	return 0;
}
