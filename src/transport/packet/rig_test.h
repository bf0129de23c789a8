/* For tests: a sender and a receiver on the ends of a veth pair, in a network namespace of the
 * test's own. */
#ifndef SP_TRANSPORT_PACKET_RIG_TEST_H
#define SP_TRANSPORT_PACKET_RIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "transport/frame_test.h"
#include "transport/netns_test.h"
#include "transport/packet/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

extern const struct sp_transport_ops sp_transport_packet;
static const struct sp_transport_ops *const T = &sp_transport_packet;

struct rig {
	struct sp_clock clock;
	struct sp_env env;
	struct sp_err err;
	struct sp_permit permit;
	struct sp_packet_conf conf; /* of both */
	struct sp_port_conf rx, tx;
	struct sp_port *rp, *tp;
	struct sp_queue *rq, *tq;
	struct sp_endpoint to[8];
	struct sp_msg tm[SP_BATCH_MAX], rm[SP_BATCH_MAX];
	struct sp_batch tb, rb;
};

static inline void rig_init(struct rig *r, int ring)
{
	memset(r, 0, sizeof *r);
	sp_clock_init_real(&r->clock);
	r->env = (struct sp_env){ .mem = sp_mem_system(), .clock = &r->clock };
	r->permit = (struct sp_permit){ .magic = SP_PERMIT_MAGIC, .listen = true, .to = r->to };
	r->conf = (struct sp_packet_conf){
		.bypass = true, .ring = ring, .sndbuf = 4u << 20, .rcvbuf = 4u << 20
	};
	r->rx = (struct sp_port_conf){
		.name = "rx", .interface = "w1", .rx = true, .workers = 1, .conf = &r->conf
	};
	r->tx = (struct sp_port_conf){
		.name = "tx", .interface = "w0", .tx = true, .workers = 1, .conf = &r->conf
	};
	r->tb = (struct sp_batch){ .cap = SP_BATCH_MAX, .m = r->tm };
	r->rb = (struct sp_batch){ .cap = SP_BATCH_MAX, .m = r->rm };
}

static inline void rig_open(struct rig *r)
{
	OK(r, T->open(&r->rp, &r->rx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->rp, 0, &r->rq, &r->err));
	OK(r, T->open(&r->tp, &r->tx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->tp, 0, &r->tq, &r->err));
}

static inline void rig_close(struct rig *r)
{
	if (r->tp)
		T->close(r->tp);
	if (r->rp)
		T->close(r->rp);
}

static inline void send_batch(struct rig *r)
{
	uint32_t from = 0;

	while (from < r->tb.n) {
		int k = T->tx_burst(r->tq, &r->tb, from, true);

		assert_true(k > 0);
		from += (uint32_t)k;
	}
}

static inline void send_frames(struct rig *r, uint32_t n, uint32_t len, uint16_t port,
			       uint32_t first)
{
	assert_int_equal(T->tx_slots(r->tq, &r->tb, n, len, 1), n);
	for (uint32_t i = 0; i < n; i++)
		put_frame(r->tm[i].data, len, port, first + i);
	send_batch(r);
}

static inline uint32_t burst(struct rig *r)
{
	struct pollfd pfd = { .fd = T->fd(r->rq), .events = POLLIN };

	for (int i = 0; i < 20; i++) {
		int n = T->rx_burst(r->rq, &r->rb);

		assert_true(n >= 0);
		if (n)
			return (uint32_t)n;
		poll(&pfd, 1, 50);
	}
	return 0;
}

static inline void receive(struct rig *r, uint32_t n, uint32_t len, uint16_t port,
			   uint32_t first)
{
	uint8_t want[2048];
	uint32_t got = 0;

	while (got < n) {
		uint32_t k = burst(r);

		assert_true(k > 0);
		for (uint32_t i = 0; i < k; i++) {
			struct sp_endpoint from;

			put_frame(want, len, port, first + got + i);
			assert_int_equal(r->rm[i].len, len);
			assert_memory_equal(r->rm[i].data, want, len);
			assert_int_equal(r->rm[i].flags & ~SP_M_CSUM_OK, SP_M_UNIT);
			assert_int_equal(r->rm[i].stamp_off, SP_NO_STAMP);
			OK(r, T->peer(r->rq, r->rm[i].ep, &from, NULL));
			assert_int_equal(from.port, 1000 + (first + got + i) % 10);
		}
		got += k;
		T->rx_release(r->rq, &r->rb);
	}
	assert_int_equal(T->rx_burst(r->rq, &r->rb), 0);
}

/* No chatter of IPv6 on the pair. */
static inline int set_up(void **state)
{
	(void)state;
	run_command(
		"ip link add w0 type veth peer name w1 && "
		"echo 1 > /proc/sys/net/ipv6/conf/w0/disable_ipv6 && "
		"echo 1 > /proc/sys/net/ipv6/conf/w1/disable_ipv6 && "
		"echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad && "
		"ip addr add 10.98.0.1/24 dev w0 && ip link set w0 up && ip link set w1 up && "
		"ip neigh add 10.98.0.2 lladdr 02:00:00:00:00:02 dev w0");
	return 0;
}

/* Each test by both roads. */
static const int ring_yes = PACKET_RING_YES, ring_no = PACKET_RING_NO;
#define BY_BOTH(f)                                                                             \
	{ #f ", ring", f, NULL, NULL, (void *)(uintptr_t)&ring_yes },                          \
	{                                                                                      \
#f ", no ring", f, NULL, NULL, (void *)(uintptr_t)&ring_no                     \
	}
#define RING(state) (*(const int *)*(state))

#endif
