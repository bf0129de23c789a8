#include "transport/tcp/tcp.h"

#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "pkt/bulk.h"
#include "plugin/tstats.h"

static struct tcp_conn *of(struct sp_conn *conn)
{
	return (struct tcp_conn *)(void *)conn;
}

static const struct tcp_conn *of_const(const struct sp_conn *conn)
{
	return (const struct tcp_conn *)(const void *)conn;
}

static struct sp_endpoint plain(const struct sockaddr_in6 *sa)
{
	struct sp_endpoint e = { 0 };

	sp_endpoint_from_sockaddr(&e, (const struct sockaddr *)sa);
	return e;
}

static int conn_ends(const struct sp_conn *conn, struct sp_endpoint *remote,
		     struct sp_endpoint *local)
{
	const struct tcp_conn *c = of_const(conn);
	struct sockaddr_in6 sa = { 0 };
	socklen_t len = sizeof sa;

	if (remote && getpeername(c->fd, (struct sockaddr *)&sa, &len))
		return -errno;
	if (remote)
		*remote = plain(&sa);
	len = sizeof sa;
	if (local && getsockname(c->fd, (struct sockaddr *)&sa, &len))
		return -errno;
	if (local)
		*local = plain(&sa);
	return 0;
}

/* Nobody listens, and the kernel has chosen as our number the one that we connect to. */
static bool met_itself(const struct tcp_conn *c)
{
	const struct sp_port *p = c->q->port;
	const struct sp_endpoint *remote = &c->q->ends.at[c->ep].remote;
	struct sp_endpoint local;

	if (p->bind.port ? remote->port != p->bind.port
			 : remote->port < p->auto_first || remote->port > p->auto_last)
		return false;
	return conn_ends(&c->conn, NULL, &local) == 0 && sp_endpoint_eq(remote, &local);
}

static int conn_open(struct sp_conn *conn)
{
	struct tcp_conn *c = of(conn);
	int error = 0;
	socklen_t len = sizeof error;

	if (c->open)
		return 0;
	if (!c->ready)
		return -EAGAIN;
	if (c->trouble && !getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) && error)
		return -error;
	if (met_itself(c))
		return -ECONNREFUSED;
	c->open = true;
	return 0;
}

static ssize_t conn_read(struct sp_conn *conn, void *data, size_t len)
{
	struct tcp_conn *c = of(conn);
	ssize_t n = recv(c->fd, data, len, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	sp_tstats_add(&c->q->stats.rx_calls, 1);
	sp_tstats_add(&c->q->stats.rx_bytes, (uint64_t)n);
	return n;
}

static ssize_t sent(struct tcp_conn *c, ssize_t n)
{
	if (n < 0) {
		if (errno == EAGAIN)
			sp_tstats_add(&c->q->stats.tx_blocked, 1);
		return -errno;
	}
	sp_tstats_add(&c->q->stats.tx_calls, 1);
	sp_tstats_add(&c->q->stats.tx_bytes, (uint64_t)n);
	return n;
}

static ssize_t conn_write(struct sp_conn *conn, const struct iovec *iov, int n)
{
	struct tcp_conn *c = of(conn);
	struct msghdr m = { .msg_iovlen = (size_t)n };

	if (!c->open)
		return -EAGAIN;
	if (n == 1)
		return sent(c, send(c->fd, iov->iov_base, iov->iov_len,
				    MSG_NOSIGNAL | MSG_DONTWAIT));
	/* sendmsg does not write to what the vector points to. */
	memcpy(&m.msg_iov, &iov, sizeof m.msg_iov);
	return sent(c, sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static ssize_t conn_blast(struct sp_conn *conn, uint64_t max)
{
	struct tcp_conn *c = of(conn);
	const struct sp_port *p = c->q->port;
	off_t at = (off_t)(c->offset % SP_BULK_PERIOD);
	uint64_t left = SP_BULK_PERIOD - (uint64_t)at;
	size_t len = (size_t)(max < left ? max : left);
	ssize_t n;

	if (!c->open)
		return -EAGAIN;
	if (!c->offset)
		sp_tcp_sock_bulk(p, c->fd, &c->q->ends.at[c->ep].remote.addr);
	if (p->conf.blast == TCP_BLAST_SENDFILE)
		n = sendfile(c->fd, p->pattern_fd, &at, len);
	else
		n = send(c->fd, p->pattern + at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	n = sent(c, n);
	if (n > 0)
		c->offset += (uint64_t)n;
	return n;
}

/* The kernel counts and frees; nothing is copied. */
static ssize_t conn_drain(struct sp_conn *conn, uint64_t max)
{
	struct tcp_conn *c = of(conn);
	size_t len = max < TCP_DRAIN_MAX ? (size_t)max : TCP_DRAIN_MAX;
	ssize_t n = recv(c->fd, c->q->port->nowhere, len, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return -errno;
	sp_tstats_add(&c->q->stats.rx_calls, 1);
	sp_tstats_add(&c->q->stats.rx_bytes, (uint64_t)n);
	return n;
}

static void conn_gather(struct sp_conn *conn, uint32_t bytes)
{
	int low = bytes ? (int)bytes : 1;

	setsockopt(of(conn)->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
}

static int conn_shutdown(struct sp_conn *conn)
{
	return shutdown(of(conn)->fd, SHUT_WR) ? -errno : 0;
}

static void conn_info(const struct sp_conn *conn, struct sp_conn_info *info)
{
	struct tcp_info t = { 0 };
	socklen_t len = sizeof t, name = sizeof info->congestion - 1;
	int fd = of_const(conn)->fd;

	*info = (struct sp_conn_info){ 0 };
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &len))
		return;
	*info = (struct sp_conn_info){
		.known = true,
		.retransmits = t.tcpi_total_retrans,
		.rtt_ns = (uint64_t)t.tcpi_rtt * 1000,
		.rtt_var_ns = (uint64_t)t.tcpi_rttvar * 1000,
		.min_rtt_ns = t.tcpi_min_rtt == UINT32_MAX ? 0
							   : (uint64_t)t.tcpi_min_rtt * 1000,
		.cwnd_bytes = (uint64_t)t.tcpi_snd_cwnd * t.tcpi_snd_mss,
		.acked_bytes = t.tcpi_bytes_acked,
		.mss = t.tcpi_snd_mss,
	};
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, info->congestion, &name))
		info->congestion[0] = '\0';
}

static void conn_close(struct sp_conn *conn, bool reset)
{
	struct linger now = { .l_onoff = 1 };
	struct tcp_conn *c = of(conn);

	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(c->fd);
	sp_tcp_conn_free(c);
}

const struct sp_conn_ops sp_tcp_conn_ops = {
	.open = conn_open,
	.read = conn_read,
	.reads_all = true,
	.write = conn_write,
	.blast = conn_blast,
	.drain = conn_drain,
	.gather = conn_gather,
	.shutdown = conn_shutdown,
	.ends = conn_ends,
	.info = conn_info,
	.close = conn_close,
};
