/* Over loopback: whatever port number the kernel gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "plugin/tstats.h"
#include "transport/udp_conn/udp_conn.h"

extern const struct sp_transport_ops sp_transport_udp_conn;
static const struct sp_transport_ops *const ops = &sp_transport_udp_conn;

struct rig {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_err err;
	struct sp_permit permit;
	struct sp_port_conf conf;
	struct sp_port *p;
	struct sp_queue *q;
	struct sp_endpoint to;
	uint32_t ep;
	int server; /* a plain socket */
};

static void rig_init(struct rig *r, const char *addr, uint64_t fail_at)
{
	struct sockaddr_in6 sa;
	socklen_t len = sizeof sa;

	*r = (struct rig){ .server = -1 };
	sp_mem_test_init(&r->mem, fail_at);
	sp_clock_init_real(&r->clock);
	r->env = (struct sp_env){ .mem = &r->mem.mem, .clock = &r->clock };
	r->permit = (struct sp_permit){ .magic = SP_PERMIT_MAGIC, .to = &r->to, .n_to = 1 };
	r->conf = (struct sp_port_conf){
		.tx = true, .workers = 1, .max_conns = 3, .max_endpoints = 4
	};
	assert_int_equal(sp_addr_parse(addr, &r->to.addr), 0);
	r->server = socket(r->to.addr.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	len = sp_endpoint_to_sockaddr(&r->to, (struct sockaddr *)&sa);
	assert_int_equal(bind(r->server, (struct sockaddr *)&sa, len), 0);
	len = sizeof sa;
	assert_int_equal(getsockname(r->server, (struct sockaddr *)&sa, &len), 0);
	sp_endpoint_from_sockaddr(&r->to, (struct sockaddr *)&sa);
}

static int rig_open(struct rig *r)
{
	int rc = ops->open(&r->p, &r->conf, &r->permit, &r->env, &r->err);

	if (!rc)
		rc = ops->queue(r->p, 0, &r->q, &r->err);
	return rc ? rc : ops->endpoint(r->q, &r->to, &r->ep, &r->err);
}

static void rig_close(struct rig *r)
{
	if (r->p)
		ops->close(r->p);
	close(r->server);
	assert_int_equal(r->mem.live, 0);
}

static void rig_start(struct rig *r, const char *addr)
{
	rig_init(r, addr, UINT64_MAX);
	if (rig_open(r))
		fail_msg("%s", r->err.text);
}

static struct sp_conn *connected(struct rig *r, uint32_t id)
{
	struct sp_conn *c = NULL;

	assert_int_equal(ops->conn->connect(r->q, r->ep, id, &c), 0);
	assert_int_equal(c->id, id);
	assert_int_equal(c->ops->open(c), 0);
	return c;
}

static ssize_t say(struct sp_conn *c, const char *text)
{
	uint8_t head[2];
	struct iovec v[2] = { { head, 2 }, { NULL, strlen(text) } };
	char copy[64];

	strcpy(copy, text);
	v[1].iov_base = copy;
	sp_put_be16(head, (uint16_t)strlen(text));
	return c->ops->write(c, v, *text ? 2 : 1);
}

/* What comes within five seconds. */
static ssize_t hear(struct rig *r, struct sp_conn *c, uint8_t *buf, size_t cap)
{
	struct pollfd p = { .fd = ops->fd(r->q), .events = POLLIN };
	struct sp_conn_event ev[8];
	ssize_t n = c->ops->read(c, buf, cap);

	for (unsigned i = 0; i < 100 && n == -EAGAIN; i++) {
		poll(&p, 1, 50);
		ops->conn->ready(r->q, ev, 8);
		n = c->ops->read(c, buf, cap);
	}
	return n;
}

static void both_ways(void **state)
{
	static const char *const addrs[] = { "127.0.0.1", "::1" };
	uint8_t buf[100];
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct sp_endpoint local, remote;
		struct sockaddr_in6 from;
		socklen_t len = sizeof from;
		struct sp_tstats stats;
		struct sp_conn *c;

		rig_start(&r, addrs[i]);
		c = connected(&r, 7);
		assert_int_equal(c->ops->read(c, buf, sizeof buf), -EAGAIN);
		assert_int_equal(say(c, "one"), 5);
		assert_int_equal(say(c, ""), 2);
		assert_int_equal(
			recvfrom(r.server, buf, sizeof buf, 0, (struct sockaddr *)&from, &len),
			3);
		assert_memory_equal(buf, "one", 3);
		assert_int_equal(recv(r.server, buf, sizeof buf, 0), 0);
		/* Their boundaries are kept, and an empty one is no end. */
		sendto(r.server, "ab", 2, 0, (struct sockaddr *)&from, len);
		sendto(r.server, "", 0, 0, (struct sockaddr *)&from, len);
		sendto(r.server, "c", 1, 0, (struct sockaddr *)&from, len);
		assert_int_equal(hear(&r, c, buf, sizeof buf), 4);
		assert_memory_equal(buf, "\0\2ab", 4);
		assert_int_equal(hear(&r, c, buf, sizeof buf), 2);
		assert_memory_equal(buf, "\0\0", 2);
		assert_int_equal(hear(&r, c, buf, sizeof buf), 3);
		assert_memory_equal(buf, "\0\1c", 3);
		assert_int_equal(c->ops->shutdown(c), 0);
		assert_int_equal(c->ops->ends(c, &remote, &local), 0);
		assert_true(sp_endpoint_eq(&remote, &r.to));
		sp_endpoint_from_sockaddr(&remote, (struct sockaddr *)&from);
		assert_true(sp_endpoint_eq(&remote, &local));
		ops->stats(r.q, &stats);
		assert_int_equal(stats.tx_msgs, 2);
		assert_int_equal(stats.tx_bytes, 3);
		assert_int_equal(stats.rx_msgs, 3);
		assert_int_equal(stats.rx_bytes, 3);
		c->ops->close(c, false);
		rig_close(&r);
	}
}

/* Each has a socket of its own, and hears nobody else. */
static void apart(void **state)
{
	struct sp_conn *c[3], *more;
	struct sp_endpoint at[3];
	uint8_t buf[100];
	struct rig r;

	(void)state;
	rig_start(&r, "127.0.0.1");
	for (uint32_t i = 0; i < 3; i++) {
		c[i] = connected(&r, i);
		c[i]->ops->ends(c[i], NULL, &at[i]);
	}
	assert_int_not_equal(at[0].port, at[1].port);
	assert_int_not_equal(at[1].port, at[2].port);
	assert_int_equal(ops->conn->connect(r.q, r.ep, 3, &more), -ENOBUFS);
	assert_int_equal(say(c[0], "x"), 3); /* from one to another: not heard there */
	assert_int_equal(recv(r.server, buf, sizeof buf, 0), 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(c[i]->ops->read(c[i], buf, sizeof buf), -EAGAIN);
	c[1]->ops->close(c[1], true);
	c[1] = connected(&r, 9);
	assert_int_equal(ops->conn->accept(r.q, 4, &more), -EAGAIN);
	rig_close(&r); /* and what is open with it */
}

static void nobody(void **state)
{
	struct sp_conn *c;
	uint8_t buf[100];
	struct rig r;

	(void)state;
	rig_start(&r, "127.0.0.1");
	close(r.server);
	r.server = socket(AF_INET, SOCK_DGRAM, 0);
	c = connected(&r, 0);
	assert_int_equal(say(c, "x"), 3);
	assert_int_equal(hear(&r, c, buf, sizeof buf), -ECONNREFUSED);
	c->ops->close(c, true);
	rig_close(&r);
}

static void what_is_none(void **state)
{
	uint8_t bytes[4] = { 0, 3, 'a', 'b' };
	struct iovec v = { bytes, 4 };
	struct sp_endpoint other;
	struct sp_conn *c;
	uint32_t ep;
	struct rig r;

	(void)state;
	rig_start(&r, "127.0.0.1");
	c = connected(&r, 0);
	assert_int_equal(c->ops->write(c, &v, 1), -EPROTO);
	v.iov_len = 1;
	assert_int_equal(c->ops->write(c, &v, 1), -EPROTO);
	assert_int_equal(c->ops->write(c, &v, 0), -EPROTO);
	assert_int_equal(c->ops->read(c, bytes, 2), -EMSGSIZE);
	other = r.to;
	other.port ^= 1;
	assert_int_equal(ops->endpoint(r.q, &other, &ep, &r.err), -EACCES);
	rig_close(&r);
	rig_init(&r, "127.0.0.1", UINT64_MAX);
	r.permit.magic = 0;
	assert_int_equal(rig_open(&r), -EACCES);
	rig_close(&r);
	rig_init(&r, "127.0.0.1", UINT64_MAX);
	r.permit.listen = r.conf.rx = true;
	assert_int_equal(rig_open(&r), -EOPNOTSUPP);
	rig_close(&r);
}

static void no_memory(void **state)
{
	struct rig r;
	uint64_t n;
	int rc = -1;

	(void)state;
	for (n = 0; rc; n++) {
		rig_init(&r, "127.0.0.1", n);
		rc = rig_open(&r);
		assert_true(!rc || rc == -ENOMEM || rc == -ENOSPC);
		rig_close(&r);
	}
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways), cmocka_unit_test(apart),
		cmocka_unit_test(nobody),    cmocka_unit_test(what_is_none),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
