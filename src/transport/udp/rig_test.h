/* For tests: a receiver and a sender over loopback. */
#ifndef SP_TRANSPORT_UDP_RIG_TEST_H
#define SP_TRANSPORT_UDP_RIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/transport.h"

extern const struct sp_transport_ops sp_transport_udp;

struct rig {
	struct sp_clock clock;
	struct sp_log log;
	struct sp_env env;
	struct sp_err err;
	struct sp_permit rx_permit, tx_permit;
	struct sp_port_conf rx, tx;
	struct sp_port *rp, *tp;
	struct sp_queue *rq, *tq;
	struct sp_endpoint to[512];
	struct sp_msg tm[SP_BATCH_MAX], rm[SP_BATCH_MAX];
	struct sp_batch tb, rb;
	uint8_t *seen; /* a count for each number that was received */
	uint32_t n_seen;
	char logged[1024];
};

static inline void rig_log(void *arg, enum sp_log_level level, const char *text)
{
	struct rig *r = arg;
	size_t n = strlen(r->logged);

	(void)level;
	snprintf(r->logged + n, sizeof r->logged - n, "%s\n", text);
}

static inline struct sp_endpoint rig_at(const char *address, unsigned port)
{
	struct sp_endpoint e = { .port = (uint16_t)port };

	assert_int_equal(sp_addr_parse(address, &e.addr), 0);
	return e;
}

/* Both sides on address, one target: the receiver. Tests change r->rx and r->tx before opening. */
static inline void rig_init(struct rig *r, const char *address)
{
	memset(r, 0, sizeof *r);
	sp_clock_init_real(&r->clock);
	r->log = (struct sp_log){ r, rig_log, SP_LOG_DEBUG };
	r->env = (struct sp_env){ .mem = sp_mem_system(), .clock = &r->clock, .log = &r->log };
	r->rx_permit = (struct sp_permit){ .magic = SP_PERMIT_MAGIC, .listen = true };
	r->tx_permit = (struct sp_permit){ .magic = SP_PERMIT_MAGIC, .to = r->to };
	r->rx = (struct sp_port_conf){ .name = "rx", .rx = true, .workers = 1 };
	r->tx = (struct sp_port_conf){ .name = "tx", .tx = true, .workers = 1 };
	r->rx.max_endpoints = r->tx.max_endpoints = 512;
	if (address)
		r->rx.bind = rig_at(address, 0);
	r->tb = (struct sp_batch){ .cap = SP_BATCH_MAX, .m = r->tm };
	r->rb = (struct sp_batch){ .cap = SP_BATCH_MAX, .m = r->rm };
}

#define RIG_OK(r, expression)                                                                  \
	do {                                                                                   \
		if ((expression) != 0)                                                         \
			fail_msg("%s: %s", #expression, (r)->err.text);                        \
	} while (0)

static inline void rig_open_rx(struct rig *r)
{
	const struct sp_transport_ops *t = &sp_transport_udp;

	RIG_OK(r, t->open(&r->rp, &r->rx, &r->rx_permit, &r->env, &r->err));
	RIG_OK(r, t->queue(r->rp, 0, &r->rq, &r->err));
}

static inline void rig_open_tx(struct rig *r)
{
	const struct sp_transport_ops *t = &sp_transport_udp;

	RIG_OK(r, t->open(&r->tp, &r->tx, &r->tx_permit, &r->env, &r->err));
	RIG_OK(r, t->queue(r->tp, 0, &r->tq, &r->err));
}

static inline uint32_t rig_target(struct rig *r, const struct sp_endpoint *to)
{
	uint32_t ep = UINT32_MAX;

	r->to[r->tx_permit.n_to++] = *to;
	RIG_OK(r, sp_transport_udp.endpoint(r->tq, to, &ep, &r->err));
	return ep;
}

/* Receiver and sender, one target; its index. */
static inline uint32_t rig_open(struct rig *r)
{
	struct sp_endpoint to;

	rig_open_rx(r);
	rig_open_tx(r);
	assert_int_equal(sp_transport_udp.local(r->rp, 0, &to), 0);
	return rig_target(r, &to);
}

static inline void rig_close(struct rig *r)
{
	if (r->tp)
		sp_transport_udp.close(r->tp);
	if (r->rp)
		sp_transport_udp.close(r->rp);
	free(r->seen);
}

static inline void rig_fill(struct sp_msg *m, uint32_t number)
{
	memset(m->data, (int)(number & 0xff), m->len);
	memcpy(m->data, &number, m->len < 4 ? m->len : 4);
}

/* Slots for n messages of len, numbered from first on, to ep. */
static inline void rig_prepare(struct rig *r, uint32_t n, uint32_t len, uint32_t ep,
			       uint32_t first)
{
	assert_int_equal(sp_transport_udp.tx_slots(r->tq, &r->tb, n, len, 1), n);
	for (uint32_t i = 0; i < n; i++) {
		r->tm[i].ep = ep;
		rig_fill(&r->tm[i], first + i);
	}
}

static inline void rig_send(struct rig *r, bool join)
{
	uint32_t from = 0;

	while (from < r->tb.n) {
		int n = sp_transport_udp.tx_burst(r->tq, &r->tb, from, join);

		assert_true(n > 0);
		from += (uint32_t)n;
	}
}

/* Every byte is what rig_fill made. */
static inline void rig_check(struct rig *r, const struct sp_msg *m)
{
	uint32_t number;

	assert_true(m->len >= 4);
	memcpy(&number, m->data, 4);
	assert_true(number < r->n_seen);
	for (uint32_t i = 4; i < m->len; i++)
		assert_int_equal(m->data[i], number & 0xff);
	assert_int_equal(r->seen[number]++, 0);
	assert_int_equal(m->stamp_off, SP_NO_STAMP);
}

static inline void rig_expect(struct rig *r, uint32_t numbers)
{
	r->n_seen = numbers;
	r->seen = calloc(numbers, 1);
	assert_non_null(r->seen);
}

/* One burst of q, waiting at most two seconds. */
static inline uint32_t rig_burst(struct rig *r, struct sp_queue *q)
{
	struct pollfd pfd = { .fd = sp_transport_udp.fd(q), .events = POLLIN };
	int n;

	for (int i = 0; i < 20; i++) {
		n = sp_transport_udp.rx_burst(q, &r->rb);
		assert_true(n >= 0);
		assert_int_equal(n, r->rb.n);
		if (n)
			return (uint32_t)n;
		poll(&pfd, 1, 100);
	}
	return 0;
}

/* Receives exactly n and no more; checks each. */
static inline void rig_receive(struct rig *r, uint32_t n)
{
	uint32_t got = 0;

	while (got < n) {
		uint32_t k = rig_burst(r, r->rq);

		assert_true(k > 0);
		for (uint32_t i = 0; i < k; i++)
			rig_check(r, &r->rm[i]);
		got += k;
		sp_transport_udp.rx_release(r->rq, &r->rb);
	}
	assert_int_equal(got, n);
	assert_int_equal(sp_transport_udp.rx_burst(r->rq, &r->rb), 0);
}

static inline struct sp_tstats rig_stats(const struct sp_queue *q)
{
	struct sp_tstats s;

	sp_transport_udp.stats(q, &s);
	return s;
}

#endif
