/* Opening: ranges, workers and steering, bound senders, limits, sentences, memory. */
#include <sys/resource.h>

#include "transport/udp/rig_test.h"
#include "transport/udp/udp.h"

static const struct sp_transport_ops *const T = &sp_transport_udp;

/* The first of n numbers in a row that are free. */
static uint16_t free_range(struct rig *r, uint16_t n)
{
	for (uint16_t first = 20000; first < 60000; first = (uint16_t)(first + n)) {
		struct sp_port_conf c = r->rx;
		struct sp_port *p;

		c.bind.port = first;
		c.port_last = (uint16_t)(first + n - 1);
		if (!T->open(&p, &c, &r->rx_permit, &r->env, &r->err)) {
			T->close(p);
			return first;
		}
	}
	fail_msg("no %u free port numbers", n);
	return 0;
}

static void test_range(void **state)
{
	struct sp_endpoint e, local;
	struct rig r;
	uint32_t ep[5];
	uint16_t first;

	(void)state;
	rig_init(&r, NULL);
	first = free_range(&r, 5);
	r.rx.bind.port = first;
	r.rx.port_last = (uint16_t)(first + 4);
	rig_open_rx(&r);
	rig_open_tx(&r);
	for (unsigned i = 0; i < 5; i++) {
		RIG_OK(&r, T->local(r.rp, i, &e));
		assert_int_equal(e.port, first + i);
		e = rig_at(i & 1 ? "::1" : "127.0.0.1", e.port);
		ep[i] = rig_target(&r, &e);
	}
	assert_int_equal(T->local(r.rp, 5, &e), -ENOENT);
	rig_expect(&r, 100);
	rig_prepare(&r, 100, 64, 0, 0);
	for (uint32_t i = 0; i < 100; i++)
		r.tm[i].ep = ep[i / 20];
	rig_send(&r, true);
	for (uint32_t got = 0, number; got < 100;) {
		uint32_t n = rig_burst(&r, r.rq);

		assert_true(n > 0);
		for (uint32_t i = 0; i < n; i++) {
			memcpy(&number, r.rm[i].data, 4);
			RIG_OK(&r, T->peer(r.rq, r.rm[i].ep, NULL, &local));
			assert_int_equal(local.port, first + number / 20);
			rig_check(&r, &r.rm[i]);
		}
		got += n;
		T->rx_release(r.rq, &r.rb);
	}
	rig_close(&r);
}

enum { WORKERS = 3, BURSTS = 10, EACH = 4 };

/* The worker that is to get what is from there. */
static unsigned worker_of(const struct sp_endpoint *from)
{
	const uint8_t *ip = from->addr.ip + (from->addr.family == 6 ? 12 : 0);
	uint32_t word = (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 |
			ip[3];

	return (word + from->port) % WORKERS;
}

static void open_workers(struct rig *r, struct sp_queue **rq, struct sp_queue **tq)
{
	struct sp_queue *none;

	r->rx.workers = r->tx.workers = WORKERS;
	RIG_OK(r, T->open(&r->rp, &r->rx, &r->rx_permit, &r->env, &r->err));
	RIG_OK(r, T->open(&r->tp, &r->tx, &r->tx_permit, &r->env, &r->err));
	for (unsigned w = 0; w < WORKERS; w++) {
		RIG_OK(r, T->queue(r->rp, w, &rq[w], &r->err));
		RIG_OK(r, T->queue(r->tp, w, &tq[w], &r->err));
	}
	assert_int_not_equal(T->queue(r->rp, WORKERS, &none, &r->err), 0);
	assert_int_not_equal(T->queue(r->rp, 0, &none, &r->err), 0);
	assert_int_equal(T->steer(r->rp, 0), -EINVAL);
	assert_int_equal(T->steer(r->rp, WORKERS + 1), -EINVAL);
	RIG_OK(r, T->steer(r->rp, WORKERS));
}

/* Bursts of messages whose bytes all differ, as stamps of many flows do, from one socket; short
 * ones among them. Each begins with its number. */
static void send_mixed(struct rig *r, uint32_t ep, bool join)
{
	for (uint32_t i = 0; i < BURSTS; i++) {
		rig_prepare(r, EACH, i % 3 ? 64 : 5, ep, i * EACH);
		rig_send(r, join);
	}
}

/* All of them arrive at this queue, in order, from there. */
static void receive_mixed(struct rig *r, struct sp_queue *q, const struct sp_endpoint *from)
{
	struct sp_endpoint source;
	uint32_t number, next = 0;

	while (next < BURSTS * EACH) {
		assert_int_not_equal(rig_burst(r, q), 0);
		for (uint32_t i = 0; i < r->rb.n; i++) {
			memcpy(&number, r->rm[i].data, sizeof number);
			assert_int_equal(number, next++);
			RIG_OK(r, T->peer(q, r->rm[i].ep, &source, NULL));
			assert_true(sp_endpoint_eq(&source, from));
		}
		T->rx_release(q, &r->rb);
	}
	assert_int_equal(T->rx_burst(q, &r->rb), 0);
}

/* What one socket sends arrives at one worker, whatever is in it; and the sockets of a sender's
 * workers are spread over the receiver's. */
static void steered(bool join, const char *address)
{
	struct sp_queue *rq[WORKERS], *tq[WORKERS];
	struct sp_endpoint at, from[WORKERS];
	unsigned taken = 0;
	struct rig r;

	rig_init(&r, address);
	open_workers(&r, rq, tq);
	RIG_OK(&r, T->local(r.rp, 0, &at));
	if (!at.addr.family)
		at = rig_at("::1", at.port);
	for (unsigned w = 0; w < WORKERS; w++) {
		uint32_t ep;

		r.tq = tq[w];
		ep = rig_target(&r, &at);
		send_mixed(&r, ep, join);
		RIG_OK(&r, T->peer(r.tq, ep, NULL, &from[w]));
		taken |= 1u << worker_of(&from[w]);
		assert_int_equal(rig_stats(r.tq).tx_units, join ? BURSTS : BURSTS * EACH);
	}
	assert_int_equal(taken, (1u << WORKERS) - 1);
	for (unsigned w = 0; w < WORKERS; w++)
		receive_mixed(&r, rq[worker_of(&from[w])], &from[w]);
	rig_close(&r);
}

static void test_workers_and_steering(void **state)
{
	(void)state;
	steered(false, "127.0.0.1");
	steered(true, "127.0.0.1");
	steered(false, "::1");
	steered(true, NULL);
}

/* A receiver's number is its own, also when its workers share it. */
static void test_number_in_use(void **state)
{
	for (unsigned workers = 1; workers < 3; workers++) {
		struct sp_port *second;
		struct sp_endpoint at;
		struct rig r;

		(void)state;
		rig_init(&r, "127.0.0.1");
		r.rx.workers = workers;
		rig_open_rx(&r);
		RIG_OK(&r, T->local(r.rp, 0, &at));
		r.rx.bind.port = at.port;
		assert_int_equal(T->open(&second, &r.rx, &r.rx_permit, &r.env, &r.err),
				 -EADDRINUSE);
		assert_int_equal(r.err.exit, SP_EXIT_FAILED);
		assert_non_null(strstr(r.err.text, "is in use"));
		rig_close(&r);
	}
}

/* Many targets from one number. */
static void test_bound_sender(void **state)
{
	struct sp_endpoint from, at, to;
	uint32_t ep[3];
	struct rig r;

	(void)state;
	rig_init(&r, NULL);
	r.tx.bind = rig_at("127.0.0.5", free_range(&r, 1));
	rig_open_rx(&r);
	rig_open_tx(&r);
	RIG_OK(&r, T->local(r.rp, 0, &at));
	rig_expect(&r, 3);
	for (unsigned i = 0; i < 3; i++) {
		to = rig_at("127.0.0.1", at.port);
		to.addr.ip[3] = (uint8_t)(1 + i);
		ep[i] = rig_target(&r, &to);
		RIG_OK(&r, T->peer(r.tq, ep[i], NULL, &from));
		assert_true(sp_endpoint_eq(&from, &r.tx.bind));
		rig_prepare(&r, 1, 64, ep[i], i);
		rig_send(&r, false);
		assert_int_equal(rig_burst(&r, r.rq), 1);
		RIG_OK(&r, T->peer(r.rq, r.rm[0].ep, &from, NULL));
		assert_true(sp_endpoint_eq(&from, &r.tx.bind));
		T->rx_release(r.rq, &r.rb);
	}
	to = rig_at("::1", at.port);
	r.to[r.tx_permit.n_to++] = to;
	assert_int_equal(T->endpoint(r.tq, &to, &ep[0], &r.err), -EAFNOSUPPORT);
	assert_int_equal(r.err.exit, SP_EXIT_USAGE);
	rig_close(&r);
}

static void test_permit(void **state)
{
	struct sp_endpoint to = rig_at("127.0.0.1", 9), cast = rig_at("127.255.255.255", 9);
	struct sp_permit none = { 0 };
	struct sp_port *p;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	assert_int_equal(T->open(&p, &r.rx, NULL, &r.env, &r.err), -EACCES);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	assert_int_equal(T->open(&p, &r.rx, &none, &r.env, &r.err), -EACCES);
	assert_int_equal(T->open(&p, &r.rx, &r.tx_permit, &r.env, &r.err), -EACCES);
	rig_open_tx(&r);
	assert_int_equal(T->endpoint(r.tq, &to, &ep, &r.err), -EACCES);
	assert_non_null(strstr(r.err.text, "127.0.0.1:9: this run has no permit"));
	r.to[r.tx_permit.n_to++] = cast;
	assert_int_equal(T->endpoint(r.tq, &cast, &ep, &r.err), -EACCES);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(r.err.text, "broadcast"));
	rig_close(&r);
}

static void test_sentences(void **state)
{
	struct sp_port *p;
	struct rig r;

	(void)state;
	rig_init(&r, "192.0.2.77");
	assert_int_equal(T->open(&p, &r.rx, &r.rx_permit, &r.env, &r.err), -EADDRNOTAVAIL);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(r.err.text, "192.0.2.77"));
	r.rx.bind = rig_at("127.0.0.1", 0);
	r.rx.interface = "nosuch0";
	assert_int_equal(T->open(&p, &r.rx, &r.rx_permit, &r.env, &r.err), -ENODEV);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(r.err.text, "no interface nosuch0"));
	r.rx.interface = "lo";
	rig_open_rx(&r);
	rig_close(&r);
}

static void test_endpoints_are_bounded(void **state)
{
	struct sp_endpoint to;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, NULL);
	r.tx.max_endpoints = 2;
	rig_open_tx(&r);
	for (unsigned i = 0; i < 2; i++) {
		to = rig_at("127.0.0.1", 1000 + i);
		rig_target(&r, &to);
	}
	to = rig_at("127.0.0.1", 1002);
	r.to[r.tx_permit.n_to++] = to;
	assert_int_equal(T->endpoint(r.tq, &to, &ep, &r.err), -ENOSPC);
	rig_close(&r);
}

static void test_descriptor_limit(void **state)
{
	struct rlimit old, low;
	struct sp_endpoint to;
	struct rig r;
	uint32_t ep;
	int rc = 0, fd;

	(void)state;
	rig_init(&r, NULL);
	rig_open_tx(&r);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	fd = dup(0);
	low = old;
	low.rlim_cur = (rlim_t)fd + 10;
	close(fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (unsigned i = 0; !rc && i < 100; i++) {
		to = rig_at("127.0.0.1", 1000 + i);
		r.to[r.tx_permit.n_to++] = to;
		rc = T->endpoint(r.tq, &to, &ep, &r.err);
		assert_true(rc || i < 10);
	}
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(rc, -EMFILE);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(r.err.text, "ulimit -n"));
	RIG_OK(&r, T->endpoint(r.tq, &to, &ep, &r.err)); /* and all is well again */
	rig_close(&r);
}

static int open_all(struct rig *r, struct sp_queue **q)
{
	int rc = T->open(&r->rp, &r->rx, &r->rx_permit, &r->env, &r->err);
	uint32_t ep;

	if (rc) {
		r->rp = NULL;
		return rc;
	}
	for (unsigned w = 0; !rc && w < r->rx.workers; w++)
		rc = T->queue(r->rp, w, &q[w], &r->err);
	return rc ? rc : T->endpoint(q[0], &r->to[0], &ep, &r->err);
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void test_allocation_fails(void **state)
{
	struct sp_endpoint to = rig_at("127.0.0.1", 9);
	unsigned before = open_descriptors();
	struct sp_queue *q[2];
	uint64_t n;
	int rc = -1;

	(void)state;
	for (n = 0; rc && n < 100; n++) {
		struct sp_mem_test mem;
		struct rig r;

		sp_mem_test_init(&mem, n);
		rig_init(&r, NULL);
		r.env.mem = &mem.mem;
		r.rx.tx = true;
		r.rx.workers = 2;
		r.rx_permit.to = &to;
		r.rx_permit.n_to = 1;
		r.to[0] = to;
		rc = open_all(&r, q);
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_true(rc == 0 || r.err.text[0]);
		rig_close(&r);
		assert_int_equal(mem.live, 0);
		assert_int_equal(open_descriptors(), before);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_workers_and_steering),
		cmocka_unit_test(test_number_in_use),
		cmocka_unit_test(test_bound_sender),
		cmocka_unit_test(test_permit),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_endpoints_are_bounded),
		cmocka_unit_test(test_descriptor_limit),
		cmocka_unit_test(test_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
