/* Over loopback: whatever port number the kernel gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkt/bulk.h"
#include "plugin/tstats.h"
#include "transport/tcp/tcp.h"

extern const struct sp_transport_ops sp_transport_tcp;

struct rig {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_err err;
	struct sp_permit rx_permit, tx_permit;
	struct sp_tcp_conf conf;
	struct sp_port_conf rx, tx;
	struct sp_port *rp, *tp;
	struct sp_queue *rq, *tq;
	struct sp_endpoint to;
	uint32_t ep;
};

static const struct sp_conn_door *door(void)
{
	return sp_transport_tcp.conn;
}

static void rig_init(struct rig *r, const char *addr, uint64_t fail_at)
{
	*r = (struct rig){ .conf = { .nodelay = true, .congestion = "", .backlog = 64 } };
	sp_mem_test_init(&r->mem, fail_at);
	sp_clock_init_real(&r->clock);
	r->env = (struct sp_env){ .mem = &r->mem.mem, .clock = &r->clock };
	r->rx_permit = (struct sp_permit){ .magic = SP_PERMIT_MAGIC, .listen = true };
	r->tx_permit = (struct sp_permit){ .magic = SP_PERMIT_MAGIC, .to = &r->to, .n_to = 1 };
	r->rx = (struct sp_port_conf){
		.rx = true, .workers = 1, .max_conns = 8, .max_endpoints = 8, .conf = &r->conf
	};
	r->tx = (struct sp_port_conf){
		.tx = true, .workers = 1, .max_conns = 8, .max_endpoints = 8, .conf = &r->conf
	};
	assert_int_equal(sp_addr_parse(addr, &r->rx.bind.addr), 0);
}

static int rig_open(struct rig *r)
{
	const struct sp_transport_ops *t = &sp_transport_tcp;
	int rc = t->open(&r->rp, &r->rx, &r->rx_permit, &r->env, &r->err);

	if (!rc)
		rc = t->queue(r->rp, 0, &r->rq, &r->err);
	if (!rc)
		rc = t->local(r->rp, 0, &r->to);
	if (!rc)
		rc = t->open(&r->tp, &r->tx, &r->tx_permit, &r->env, &r->err);
	if (!rc)
		rc = t->queue(r->tp, 0, &r->tq, &r->err);
	return rc ? rc : t->endpoint(r->tq, &r->to, &r->ep, &r->err);
}

static void rig_close(struct rig *r)
{
	if (r->tp)
		sp_transport_tcp.close(r->tp);
	if (r->rp)
		sp_transport_tcp.close(r->rp);
	assert_int_equal(r->mem.live, 0);
}

static void rig_start(struct rig *r, const char *addr)
{
	rig_init(r, addr, UINT64_MAX);
	if (rig_open(r))
		fail_msg("%s", r->err.text);
}

/* What becomes ready within five seconds, all bits of one connection together. */
static uint32_t bits_of(struct sp_queue *q, const struct sp_conn *conn)
{
	struct pollfd p = { .fd = sp_transport_tcp.fd(q), .events = POLLIN };
	struct sp_conn_event ev[16];
	uint32_t bits = 0, n;

	for (unsigned i = 0; i < 100 && !bits; i++) {
		poll(&p, 1, 50);
		n = door()->ready(q, ev, 16);
		for (uint32_t k = 0; k < n; k++)
			if (ev[k].conn == conn)
				bits |= ev[k].bits;
	}
	return bits;
}

static struct sp_conn *connected(struct rig *r, uint32_t id)
{
	struct sp_conn *c = NULL;

	assert_int_equal(door()->connect(r->tq, r->ep, id, &c), 0);
	assert_int_equal(c->id, id);
	assert_int_equal(c->ops->write(c, &(struct iovec){ "x", 1 }, 1), -EAGAIN);
	while (c->ops->open(c) == -EAGAIN)
		assert_true(bits_of(r->tq, c));
	assert_int_equal(c->ops->open(c), 0);
	return c;
}

static struct sp_conn *accepted(struct rig *r, uint32_t id)
{
	struct sp_conn *c = NULL;
	int rc;

	for (unsigned i = 0; i < 100; i++) {
		rc = door()->accept(r->rq, id, &c);
		if (rc != -EAGAIN)
			break;
		bits_of(r->rq, NULL);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(c->id, id);
	return c;
}

static void say(struct sp_conn *c, const char *text)
{
	struct iovec iov[2] = { { strdup(text), 1 }, { NULL, strlen(text) - 1 } };

	assert_non_null(iov[0].iov_base);
	iov[1].iov_base = (char *)iov[0].iov_base + 1;
	assert_int_equal(c->ops->write(c, iov, 2), strlen(text));
	free(iov[0].iov_base);
}

static void hear(struct rig *r, struct sp_queue *q, struct sp_conn *c, const char *text)
{
	char got[64] = "";
	size_t at = 0;

	(void)r;
	while (at < strlen(text)) {
		ssize_t n = c->ops->read(c, got + at, sizeof got - 1 - at);

		if (n == -EAGAIN)
			assert_true(bits_of(q, c));
		else
			at += (size_t)n;
		assert_true(n > 0 || n == -EAGAIN);
	}
	assert_string_equal(got, text);
}

static void end_of_stream(struct sp_queue *q, struct sp_conn *c)
{
	char byte;
	ssize_t n = c->ops->read(c, &byte, 1);

	for (unsigned i = 0; i < 5 && n == -EAGAIN; i++) {
		bits_of(q, c);
		n = c->ops->read(c, &byte, 1);
	}
	assert_int_equal(n, 0);
}

static void bytes_both_ways(const char *addr)
{
	struct sp_endpoint remote, local, back;
	struct sp_conn_info info;
	struct sp_conn *a, *b;
	struct sp_tstats s;
	struct rig r;

	rig_start(&r, addr);
	a = connected(&r, 7);
	say(a, "hello");
	b = accepted(&r, 3);
	hear(&r, r.rq, b, "hello");
	say(b, "and back");
	hear(&r, r.tq, a, "and back");
	assert_int_equal(b->ops->read(b, &s, 1), -EAGAIN);
	assert_int_equal(a->ops->ends(a, &remote, &local), 0);
	assert_true(sp_endpoint_eq(&remote, &r.to));
	assert_int_equal(b->ops->ends(b, &back, NULL), 0);
	assert_true(sp_endpoint_eq(&back, &local));
	a->ops->info(a, &info);
	assert_true(info.known && info.mss && info.cwnd_bytes);
	assert_true(*info.congestion);
	assert_int_equal(a->ops->shutdown(a), 0);
	end_of_stream(r.rq, b);
	say(b, "still");
	hear(&r, r.tq, a, "still");
	b->ops->close(b, false);
	end_of_stream(r.tq, a);
	a->ops->close(a, false);
	sp_transport_tcp.stats(r.tq, &s);
	assert_int_equal(s.tx_bytes, 5);
	assert_int_equal(s.rx_bytes, 8 + 5);
	rig_close(&r);
}

static void test_bytes_both_ways(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 lo = { .sin6_family = AF_INET6,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	(void)state;
	bytes_both_ways("127.0.0.1");
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&lo, sizeof lo))
		bytes_both_ways("::1");
	if (fd >= 0)
		close(fd);
}

/* Bulk: what leaves is the pattern, from where the last piece ended, whichever way it leaves. */
static void test_blast(void **state)
{
	enum { ALL = 5 << 20 }; /* more than a period */

	(void)state;
	for (int how = TCP_BLAST_SENDFILE; how <= TCP_BLAST_WRITE; how++) {
		uint8_t *period = malloc(SP_BULK_PERIOD), *buf = malloc(1 << 20);
		uint64_t sent = 0, got = 0;
		struct sp_conn_info info;
		struct sp_conn *a, *b;
		struct rig r;

		assert_true(period && buf);
		sp_bulk_fill(period);
		rig_init(&r, "127.0.0.1", UINT64_MAX);
		r.conf.blast = how;
		assert_int_equal(rig_open(&r), 0);
		a = connected(&r, 1);
		sent += (uint64_t)a->ops->blast(a, 999);
		a->ops->info(a, &info);
		assert_string_equal(info.congestion, TCP_LOOPBACK_CONGESTION);
		assert_int_equal(sent, 999);
		b = accepted(&r, 2);
		while (got < ALL) {
			ssize_t n = sent < ALL ? a->ops->blast(a, ALL - sent) : -EAGAIN;

			assert_true(n > 0 || n == -EAGAIN);
			sent += n > 0 ? (uint64_t)n : 0;
			n = b->ops->read(b, buf, 1 << 20);
			if (n == -EAGAIN) {
				assert_true(bits_of(r.rq, b));
				continue;
			}
			assert_true(n > 0);
			assert_int_equal(sp_bulk_check(period, got, buf, (size_t)n), n);
			got += (uint64_t)n;
		}
		assert_int_equal(sent, ALL);
		a->ops->close(a, false);
		b->ops->close(b, false);
		rig_close(&r);
		free(period);
		free(buf);
	}
}

/* Discarding counts every byte and keeps the end; gathering waits, but not for ever. */
static void test_drain_and_gather(void **state)
{
	enum { ALL = 3 << 20 };
	uint64_t sent = 0, got = 0;
	struct sp_conn *a, *b;
	struct rig r;
	ssize_t n;
	int low;
	socklen_t len = sizeof low;

	(void)state;
	rig_start(&r, "127.0.0.1");
	a = connected(&r, 1);
	sent += (uint64_t)a->ops->blast(a, 10);
	b = accepted(&r, 2);
	b->ops->gather(b, 4096);
	assert_int_equal(getsockopt(((struct tcp_conn *)(void *)b)->fd, SOL_SOCKET, SO_RCVLOWAT,
				    &low, &len),
			 0);
	assert_int_equal(low, 4096);
	while (got < ALL) {
		n = sent < ALL ? a->ops->blast(a, ALL - sent) : 0;
		assert_true(n >= 0 || n == -EAGAIN);
		sent += n > 0 ? (uint64_t)n : 0;
		if (sent == ALL && n == 0)
			a->ops->shutdown(a);
		n = b->ops->drain(b, 1 << 20);
		if (n == -EAGAIN)
			assert_true(bits_of(r.rq, b));
		else
			assert_true(n > 0);
		got += n > 0 ? (uint64_t)n : 0;
	}
	assert_int_equal(got, sent);
	a->ops->shutdown(a);
	for (n = -EAGAIN; n == -EAGAIN;) {
		n = b->ops->drain(b, 1 << 20);
		if (n == -EAGAIN)
			assert_true(bits_of(r.rq, b));
	}
	assert_int_equal(n, 0);
	b->ops->gather(b, 0);
	a->ops->close(a, false);
	b->ops->close(b, false);
	rig_close(&r);
}

static void test_refused_and_reset(void **state)
{
	struct sp_conn *a, *b;
	struct rig r;
	char byte;
	ssize_t n;

	(void)state;
	rig_start(&r, "127.0.0.1");
	a = connected(&r, 1);
	say(a, "x");
	b = accepted(&r, 2);
	b->ops->close(b, true);
	for (n = -EAGAIN; n == -EAGAIN; n = a->ops->read(a, &byte, 1))
		assert_true(bits_of(r.tq, a));
	assert_int_equal(n, -ECONNRESET);
	n = a->ops->write(a, &(struct iovec){ &byte, 1 }, 1);
	assert_true(n == -EPIPE || n == -ECONNRESET);
	a->ops->close(a, false);
	/* Nobody listens any more. */
	sp_transport_tcp.close(r.rp);
	r.rp = NULL;
	n = door()->connect(r.tq, r.ep, 5, &a);
	while (n == 0 && (n = a->ops->open(a)) == -EAGAIN) {
		assert_true(bits_of(r.tq, a));
		n = 0;
	}
	assert_int_equal(n, -ECONNREFUSED);
	a->ops->close(a, true);
	rig_close(&r);
}

/* A connection to a number of the kernel's choice may be given that very number: it talks to
 * itself, and nobody listens. */
static void test_it_does_not_meet_itself(void **state)
{
	struct sp_conn *a = NULL;
	struct rig r;
	int rc;

	(void)state;
	rig_start(&r, "127.0.0.1");
	sp_transport_tcp.close(r.rp);
	sp_transport_tcp.close(r.tp);
	r.rp = r.tp = NULL;
	r.tx.bind = r.to; /* from the number that it connects to */
	assert_int_equal(sp_transport_tcp.open(&r.tp, &r.tx, &r.tx_permit, &r.env, &r.err), 0);
	assert_int_equal(sp_transport_tcp.queue(r.tp, 0, &r.tq, &r.err), 0);
	assert_int_equal(sp_transport_tcp.endpoint(r.tq, &r.to, &r.ep, &r.err), 0);
	rc = door()->connect(r.tq, r.ep, 5, &a);
	while (rc == 0 && (rc = a->ops->open(a)) == -EAGAIN) {
		assert_true(bits_of(r.tq, a));
		rc = 0;
	}
	assert_int_equal(rc, -ECONNREFUSED);
	a->ops->close(a, true);
	rig_close(&r);
}

static void test_room(void **state)
{
	struct sp_conn *a[3], *b;
	struct rig r;

	(void)state;
	rig_init(&r, "127.0.0.1", UINT64_MAX);
	r.tx.max_conns = 2;
	r.rx.max_conns = 1;
	assert_int_equal(rig_open(&r), 0);
	for (unsigned i = 0; i < 2; i++) {
		a[i] = connected(&r, i);
		say(a[i], "x");
	}
	assert_int_equal(door()->connect(r.tq, r.ep, 9, &a[2]), -ENOBUFS);
	a[2] = accepted(&r, 0);
	/* The next one is turned away and told so. */
	for (unsigned i = 0; i < 100; i++) {
		int rc = door()->accept(r.rq, 1, &b);

		if (rc == -ENOBUFS)
			break;
		assert_int_equal(rc, -EAGAIN);
		bits_of(r.rq, NULL);
	}
	while (bits_of(r.tq, a[1]) == SP_CONN_OUT)
		;
	assert_int_equal(a[1]->ops->read(a[1], &r.err, 1), -ECONNRESET);
	a[0]->ops->close(a[0], true);
	a[0] = connected(&r, 5); /* its place is free again */
	rig_close(&r);		 /* closes what is still open */
}

/* Without a descriptor a caller is turned away, and a later one is served. */
static void test_no_descriptor(void **state)
{
	struct sp_conn *a, *b = NULL, *c;
	struct rlimit old, few;
	struct rig r;
	int rc = -EAGAIN, high;

	(void)state;
	rig_start(&r, "127.0.0.1");
	a = connected(&r, 1);
	say(a, "x");
	high = dup(0);
	assert_true(high >= 0);
	close(high);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)high;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (unsigned i = 0; i < 100 && rc == -EAGAIN; i++) {
		rc = door()->accept(r.rq, 2, &b);
		if (rc == -EAGAIN)
			bits_of(r.rq, NULL);
	}
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(rc, -EMFILE);
	c = connected(&r, 3);
	say(c, "y");
	b = accepted(&r, 4);
	hear(&r, r.rq, b, "y");
	rig_close(&r);
}

static void test_settings(void **state)
{
	int tos = 0, ttl = 0, mss = 0, nodelay = -1;
	socklen_t len = sizeof tos;
	struct sp_conn *a;
	struct rig r;
	int fd;

	(void)state;
	rig_init(&r, "127.0.0.1", UINT64_MAX);
	r.conf.tos = 184;
	r.conf.ttl = 9;
	r.conf.mss = 1000;
	r.conf.nodelay = false;
	r.conf.congestion = "reno";
	assert_int_equal(rig_open(&r), 0);
	a = connected(&r, 1);
	fd = ((struct tcp_conn *)(void *)a)->fd;
	getsockopt(fd, IPPROTO_IP, IP_TOS, &tos, &len);
	getsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, &len);
	getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &len);
	getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len);
	assert_int_equal(tos, 184);
	assert_int_equal(ttl, 9);
	assert_in_range(mss, 900, 1000);
	assert_int_equal(nodelay, 0);
	rig_close(&r);
	rig_init(&r, "127.0.0.1", UINT64_MAX);
	r.conf.congestion = "no-such-one";
	assert_true(rig_open(&r) < 0);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(r.err.text, "no-such-one"));
	assert_non_null(strstr(r.err.text, "reno"));
	rig_close(&r);
}

static void test_permit_and_addresses(void **state)
{
	const struct sp_transport_ops *t = &sp_transport_tcp;
	struct sp_endpoint else_where;
	struct sp_port *again = NULL;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_start(&r, "127.0.0.1");
	else_where = r.to;
	else_where.port++;
	assert_int_equal(t->endpoint(r.tq, &else_where, &ep, &r.err), -EACCES);
	r.rx.bind.port = r.to.port;
	assert_int_equal(t->open(&again, &r.rx, &r.rx_permit, &r.env, &r.err), -EADDRINUSE);
	assert_non_null(strstr(r.err.text, "in use by another program"));
	r.rx_permit.listen = false;
	assert_int_equal(t->open(&again, &r.rx, &r.rx_permit, &r.env, &r.err), -EACCES);
	rig_close(&r);
	rig_init(&r, "192.0.2.1", UINT64_MAX);
	assert_int_equal(rig_open(&r), -EADDRNOTAVAIL);
	assert_non_null(strstr(r.err.text, "no interface here has this address"));
	rig_close(&r);
}

static void test_allocations_that_fail(void **state)
{
	struct rig r;
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		rig_init(&r, "127.0.0.1", n);
		rc = rig_open(&r);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		rig_close(&r);
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_both_ways),
		cmocka_unit_test(test_blast),
		cmocka_unit_test(test_drain_and_gather),
		cmocka_unit_test(test_refused_and_reset),
		cmocka_unit_test(test_it_does_not_meet_itself),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_no_descriptor),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_permit_and_addresses),
		cmocka_unit_test(test_allocations_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
