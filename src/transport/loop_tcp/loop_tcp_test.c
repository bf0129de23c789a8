/* Streams in memory: everything happens at computed times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "transport/loop_tcp/loop_tcp.h"

extern const struct sp_transport_ops sp_transport_loop_tcp;

struct rig {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_permit permit;
	struct sp_endpoint to;
	struct sp_loop_tcp_conf conf;
	struct sp_port *p;
	struct sp_queue *q;
	uint32_t ep;
};

static const struct sp_conn_door *door(void)
{
	return sp_transport_loop_tcp.conn;
}

static int rig_open(struct rig *r, const struct sp_loop_tcp_conf *conf, uint64_t fail_at)
{
	const struct sp_transport_ops *t = &sp_transport_loop_tcp;
	struct sp_port_conf pc = { .tx = true, .rx = true, .workers = 1, .max_conns = 4 };
	struct sp_err err;
	int rc;

	*r = (struct rig){ .conf = *conf, .to = { .addr.family = 4, .port = 7 } };
	sp_mem_test_init(&r->mem, fail_at);
	sp_clock_init_virtual(&r->clock, 1000);
	r->env = (struct sp_env){ .mem = &r->mem.mem, .clock = &r->clock };
	r->permit = (struct sp_permit){
		.magic = SP_PERMIT_MAGIC, .listen = true, .to = &r->to, .n_to = 1
	};
	pc.conf = &r->conf;
	rc = t->open(&r->p, &pc, &r->permit, &r->env, &err);
	if (!rc)
		rc = t->queue(r->p, 0, &r->q, &err);
	return rc ? rc : t->endpoint(r->q, &r->to, &r->ep, &err);
}

static void rig_close(struct rig *r)
{
	if (r->p)
		sp_transport_loop_tcp.close(r->p);
	assert_int_equal(r->mem.live, 0);
}

/* What happens until at_ns, the bits of one connection or (NULL) of callers. */
static uint32_t pass(struct rig *r, uint64_t at_ns, const struct sp_conn *conn)
{
	struct sp_conn_event ev[16];
	uint32_t bits = 0, n;

	sp_clock_advance(&r->clock, at_ns);
	n = door()->ready(r->q, ev, 16);
	for (uint32_t i = 0; i < n; i++)
		if (ev[i].conn == conn)
			bits |= ev[i].bits;
	return bits;
}

static ssize_t put(struct sp_conn *c, const void *data, size_t n)
{
	struct iovec iov = { .iov_len = n };

	memcpy(&iov.iov_base, &data, sizeof data);
	return c->ops->write(c, &iov, 1);
}

/* One delay until somebody calls, two until the caller is through, one more for its bytes; a bit
 * rate is kept to the nanosecond; the end comes behind the last byte. */
static void test_times(void **state)
{
	struct sp_loop_tcp_conf conf = { .buffer = 1000, .delay_ns = 5000 };
	struct sp_conn *a, *b = NULL;
	char buf[1000] = "";
	struct rig r;

	(void)state;
	assert_int_equal(sp_parse_rate("8Mbit/s", &conf.rate), 0); /* a byte a microsecond */
	assert_int_equal(rig_open(&r, &conf, UINT64_MAX), 0);
	assert_int_equal(door()->connect(r.q, r.ep, 1, &a), 0);
	assert_int_equal(door()->accept(r.q, 2, &b), -EAGAIN);
	assert_int_equal(sp_transport_loop_tcp.next_ns(r.q), 6000);
	assert_int_equal(pass(&r, 5999, NULL), 0);
	assert_int_equal(pass(&r, 6000, NULL), SP_CONN_IN);
	assert_int_equal(door()->accept(r.q, 2, &b), 0);
	assert_int_equal(b->id, 2);
	assert_int_equal(a->ops->open(a), -EAGAIN);
	assert_int_equal(put(a, buf, 1), -EAGAIN);
	assert_true(pass(&r, 11000, a) & SP_CONN_OUT);
	assert_int_equal(a->ops->open(a), 0);
	assert_int_equal(put(a, "0123456789", 10), 10);
	assert_int_equal(a->ops->shutdown(a), 0);
	pass(&r, 25999, b);
	assert_int_equal(b->ops->read(b, buf, sizeof buf), -EAGAIN);
	assert_int_equal(pass(&r, 26000, b), SP_CONN_IN);
	assert_int_equal(b->ops->read(b, buf, 4), 4);
	assert_int_equal(b->ops->drain(b, 100), 6);
	assert_memory_equal(buf, "0123", 4);
	pass(&r, 26001, b);
	assert_int_equal(b->ops->read(b, buf, 4), 0);
	a->ops->close(a, false);
	b->ops->close(b, false);
	rig_close(&r);
}

/* A direction holds so many bytes; whoever found it full hears when there is room again. */
static void test_window(void **state)
{
	static const struct sp_loop_tcp_conf conf = { .buffer = 100 };
	uint8_t out[150], in[150];
	struct sp_conn *a, *b;
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < sizeof out; i++)
		out[i] = (uint8_t)i;
	assert_int_equal(rig_open(&r, &conf, UINT64_MAX), 0);
	assert_int_equal(door()->connect(r.q, r.ep, 1, &a), 0);
	pass(&r, 1000, NULL);
	assert_int_equal(door()->accept(r.q, 2, &b), 0);
	assert_int_equal(a->ops->open(a), 0);
	assert_int_equal(put(a, out, 150), 100);
	assert_int_equal(put(a, out + 100, 50), -EAGAIN);
	pass(&r, 1001, b);
	assert_int_equal(b->ops->read(b, in, 70), 70);
	assert_true(pass(&r, 1002, a) & SP_CONN_OUT);
	assert_int_equal(put(a, out + 100, 50), 50);
	pass(&r, 1003, b);
	assert_int_equal(b->ops->read(b, in + 70, 80), 80);
	assert_memory_equal(in, out, 150); /* round the ring */
	/* What the other end does not read any more is not taken. */
	b->ops->close(b, false);
	assert_int_equal(put(a, out, 1), -EPIPE);
	a->ops->close(a, false);
	rig_close(&r);
}

static void test_refused_and_reset(void **state)
{
	static const struct sp_loop_tcp_conf conf = { .buffer = 100, .refuse = 2, .reset = 3 };
	struct sp_conn *a, *b;
	struct rig r;
	char byte;

	(void)state;
	assert_int_equal(rig_open(&r, &conf, UINT64_MAX), 0);
	for (unsigned i = 1; i <= 3; i++) {
		uint64_t t = 1000 + 10 * i;

		assert_int_equal(door()->connect(r.q, r.ep, i, &a), 0);
		pass(&r, t, a);
		assert_int_equal(a->ops->open(a), i == 2 ? -ECONNREFUSED : 0);
		if (i == 2) {
			a->ops->close(a, true);
			continue;
		}
		assert_int_equal(door()->accept(r.q, 10, &b), 0);
		assert_int_equal(put(a, "x", 1), 1);
		pass(&r, t + 1, b);
		assert_int_equal(b->ops->read(b, &byte, 1), i == 3 ? -ECONNRESET : 1);
		assert_int_equal(a->ops->read(a, &byte, 1), i == 3 ? -ECONNRESET : -EAGAIN);
		a->ops->close(a, true);
		pass(&r, t + 2, b);
		assert_int_equal(b->ops->read(b, &byte, 1), -ECONNRESET);
		b->ops->close(b, false);
	}
	rig_close(&r);
}

static void test_room(void **state)
{
	static const struct sp_loop_tcp_conf conf = { .buffer = 10 };
	struct sp_conn *a[5];
	struct rig r;

	(void)state;
	assert_int_equal(rig_open(&r, &conf, UINT64_MAX), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(door()->connect(r.q, r.ep, i, &a[i]), 0);
	assert_int_equal(door()->connect(r.q, r.ep, 4, &a[4]), -ENOBUFS);
	pass(&r, 1001, NULL);
	/* Both ends gone: the place is free again. */
	assert_int_equal(door()->accept(r.q, 9, &a[4]), 0);
	a[4]->ops->close(a[4], true);
	a[0]->ops->close(a[0], true);
	pass(&r, 1002, NULL);
	assert_int_equal(door()->connect(r.q, r.ep, 4, &a[0]), 0);
	rig_close(&r);
}

static void test_allocations_that_fail(void **state)
{
	static const struct sp_loop_tcp_conf conf = { .buffer = 10 };
	struct rig r;
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		struct sp_conn *a;

		rc = rig_open(&r, &conf, n);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		else if ((rc = door()->connect(r.q, r.ep, 1, &a)) != 0)
			assert_int_equal(rc, -ENOBUFS);
		rig_close(&r);
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_refused_and_reset),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_allocations_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
