#include "transport/udp/udp.h"

#include "transport/listen.h"

#include <errno.h>
#include <linux/filter.h>

/* A port number is free, and if it was 0 one is chosen: an exclusive socket, closed again. The
 * sharing ones would not notice another program of the same user. */
static int probe_free(struct sp_port *p, struct sp_endpoint *at, struct sp_err *err)
{
	struct udp_sock s;
	int rc = sp_udp_sock_open(p, at, 0, true, &s, err);

	if (rc)
		return rc;
	at->port = s.local.port;
	sp_udp_sock_close(&s);
	return 0;
}

/* Slot i of each worker. */
static int listen_at(struct sp_port *p, struct sp_endpoint *at, uint32_t i, struct sp_err *err)
{
	int share = p->workers > 1 ? SO_REUSEPORT : p->tx && p->bind.port ? SO_REUSEADDR : 0;
	int rc = share ? probe_free(p, at, err) : 0;

	for (unsigned w = 0; !rc && w < p->workers; w++) {
		struct udp_sock *s = &p->listen[w * p->n_listen + i];

		rc = sp_udp_sock_open(p, at, share, true, s, err);
		if (!rc) {
			at->port = s->local.port;
			s->lane = 1 + i;
		}
	}
	return rc;
}

static void close_at(struct sp_port *p, uint32_t i)
{
	for (unsigned w = 0; w < p->workers; w++)
		sp_udp_sock_close(&p->listen[w * p->n_listen + i]);
}

static bool has_v6(struct sp_port *p)
{
	struct sp_endpoint any = { .addr.family = 6 };
	struct sp_err ignored = { 0 };
	struct udp_sock s;
	int rc = sp_udp_sock_open(p, &any, 0, true, &s, &ignored);

	if (!rc)
		sp_udp_sock_close(&s);
	return rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL;
}

int sp_udp_listen(struct sp_port *p, struct sp_err *err)
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

/* Where the source address (its last four bytes) and the port numbers are, from the network header
 * on. IPv6 with extension headers has other bytes there, the same in each packet of a source. */
#define V4_SOURCE 12
#define V6_SOURCE 20
#define V6_LENGTH 40

/* By where a datagram is from, and by nothing in it: a super-datagram holds messages of many flows
 * when its sender or the kernel of the receiver (UDP_GRO) joined them, and all of them are from one
 * socket. Numbers in a row go to workers in a row. */
static int steer_socket(const struct udp_sock *s, unsigned workers)
{
	struct sock_filter v4[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + V4_SOURCE),
		BPF_STMT(BPF_ST, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, (uint32_t)SKF_NET_OFF),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, (uint32_t)SKF_NET_OFF),
		BPF_STMT(BPF_LDX | BPF_MEM, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_filter v6[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + V6_SOURCE),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)SKF_NET_OFF + V6_LENGTH),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog prog = { sizeof v4 / sizeof v4[0], v4 };

	if (s->family == 6)
		prog = (struct sock_fprog){ sizeof v6 / sizeof v6[0], v6 };
	return setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof prog)
		       ? -errno
		       : 0;
}

int sp_udp_steer(struct sp_port *p, unsigned workers)
{
	int rc = 0;

	if (!workers || workers > p->workers)
		return -EINVAL;
	for (uint32_t i = 0; !rc && i < p->n_listen && p->workers > 1; i++)
		rc = steer_socket(&p->listen[i], workers);
	return rc;
}
