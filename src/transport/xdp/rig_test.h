/* For tests: a sender and a receiver on the ends of a veth pair, in a network namespace of the
 * test's own, and a packet socket beside them. */
#ifndef SP_TRANSPORT_XDP_RIG_TEST_H
#define SP_TRANSPORT_XDP_RIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/endian.h"
#include "core/pacer.h"
#include "pkt/csum.h"
#include "pkt/template.h"
#include "plugin/stamp.h"
#include "transport/frame_test.h"
#include "transport/netns_test.h"
#include "transport/xdp/bpf.h"
#include "transport/xdp/xdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern const struct sp_transport_ops sp_transport_xdp;
extern const struct sp_stamp_ops sp_stamp_native;
static const struct sp_transport_ops *const T = &sp_transport_xdp;

struct rig {
	struct sp_clock clock;
	struct sp_env env;
	struct sp_err err;
	struct sp_permit permit;
	struct sp_port_conf rx, tx;
	struct sp_port *rp, *tp;
	struct sp_queue *rq, *tq;
	struct sp_endpoint to[8];
	struct sp_msg tm[SP_BATCH_MAX], rm[SP_BATCH_MAX];
	struct sp_batch tb, rb;
	int raw; /* an AF_PACKET socket at an end, -1 */
};

static inline void rig_init(struct rig *r)
{
	memset(r, 0, sizeof *r);
	sp_clock_init_real(&r->clock);
	r->env = (struct sp_env){ .mem = sp_mem_system(), .clock = &r->clock };
	r->permit = (struct sp_permit){ .magic = SP_PERMIT_MAGIC, .listen = true, .to = r->to };
	r->rx = (struct sp_port_conf){
		.name = "rx", .interface = "w1", .rx = true, .workers = 1
	};
	r->tx = (struct sp_port_conf){
		.name = "tx", .interface = "w0", .tx = true, .workers = 1
	};
	r->raw = -1;
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
	if (r->raw >= 0)
		close(r->raw);
	if (r->tp)
		T->close(r->tp);
	if (r->rp)
		T->close(r->rp);
}

static inline void open_raw(struct rig *r, const char *interface)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(interface) };
	int one = 1, size = 8 << 20;

	r->raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(r->raw >= 0);
	setsockopt(r->raw, SOL_PACKET, 23 /* PACKET_IGNORE_OUTGOING */, &one, sizeof one);
	setsockopt(r->raw, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	assert_int_equal(bind(r->raw, (struct sockaddr *)&ll, sizeof ll), 0);
}

static inline void raw_receive(struct rig *r, uint32_t n, uint32_t len, uint16_t port,
			       uint32_t first)
{
	struct pollfd p = { .fd = r->raw, .events = POLLIN };
	uint8_t got[2048], want[2048];

	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(poll(&p, 1, 2000), 1);
		assert_int_equal(recv(r->raw, got, sizeof got, 0), len);
		put_frame(want, len, port, first + i);
		assert_memory_equal(got, want, len);
	}
	assert_int_equal(recv(r->raw, got, sizeof got, MSG_DONTWAIT), -1);
}

static inline void raw_send(struct rig *r, uint32_t n, uint32_t len, uint16_t port,
			    uint32_t first)
{
	uint8_t frame[2048];

	for (uint32_t i = 0; i < n; i++) {
		put_frame(frame, len, port, first + i);
		assert_int_equal(send(r->raw, frame, len, 0), len);
	}
}

static inline void open_tx(struct rig *r)
{
	OK(r, T->open(&r->tp, &r->tx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->tp, 0, &r->tq, &r->err));
}

static inline void open_rx(struct rig *r)
{
	OK(r, T->open(&r->rp, &r->rx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->rp, 0, &r->rq, &r->err));
}

static inline void send_frames(struct rig *r, uint32_t n, uint32_t len, uint16_t port,
			       uint32_t first)
{
	uint32_t sent = 0;

	while (sent < n) {
		uint32_t k = T->tx_slots(r->tq, &r->tb, n - sent, len, 1), from = 0;

		for (uint32_t i = 0; i < k; i++)
			put_frame(r->tm[i].data, len, port, first + sent + i);
		while (from < k) {
			int took = T->tx_burst(r->tq, &r->tb, from, true);

			assert_true(took > 0 || took == -EAGAIN || took == -ENOBUFS);
			from += took > 0 ? (uint32_t)took : 0;
		}
		sent += k;
	}
	assert_int_equal(T->flush(r->tq), 0);
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
			OK(r, T->peer(r->rq, r->rm[i].ep, &from, NULL));
			assert_int_equal(from.port, 1000 + (first + got + i) % 10);
		}
		got += k;
		T->rx_release(r->rq, &r->rb);
	}
	assert_int_equal(T->rx_burst(r->rq, &r->rb), 0);
}

/* ---- units of a stream ---- */

#define LIVE_LEN 60u

struct live {
	struct sp_template t;
	struct sp_place place[2];
	struct sp_sum sum[2];
	struct sp_repeat_form form;
	uint8_t frame[LIVE_LEN];
};

static inline void live_init(struct live *l)
{
	*l = (struct live){ .t = { .len = LIVE_LEN - 14, .payload_off = 28 } };
	put_frame(l->frame, LIVE_LEN, 5001, 0);
	memset(l->frame + 42, 0, 18);
	l->frame[22] = 64;
	sp_put_be16(l->frame + 24, 0);
	l->place[0] = (struct sp_place){ .off = 12,
					 .bytes = 4,
					 .mask = 0xffffffff,
					 .first = 0x0a630000,
					 .step = 1,
					 .count = 60000,
					 .every = 1 };
	l->place[1] = (struct sp_place){ .off = 20,
					 .bytes = 2,
					 .mask = 0xffff,
					 .first = 1024,
					 .step = 3,
					 .count = 1000,
					 .every = 1 };
	l->sum[0] = (struct sp_sum){ .off = 26,
				     .from = 20,
				     .kind = SP_SUM_UDP,
				     .addr_len = 4,
				     .proto = 17,
				     .src = 12,
				     .dst = 16 };
	l->sum[1] = (struct sp_sum){ .off = 10, .to = 20, .kind = SP_SUM_INET };
	l->t.octets = l->frame + 14;
	l->t.place = l->place;
	l->t.n_places = 2;
	l->t.sum = l->sum;
	l->t.n_sums = 2;
	l->form = (struct sp_repeat_form){ .tmpl = &l->t,
					   .prefix_len = 14,
					   .frame = l->frame,
					   .len = LIVE_LEN,
					   .stamp_off = 42 };
	/* unit 0's own */
	sp_put_be32(l->frame + 26, 0x0a630000);
	sp_put_be16(l->frame + 34, 1024);
}

static inline void live_sums(uint8_t *f)
{
	uint16_t c;

	memset(f + 24, 0, 2);
	memset(f + 40, 0, 2);
	c = sp_csum_finish(sp_csum_add(0, f + 14, 20));
	memcpy(f + 24, &c, 2);
	c = sp_csum_finish_udp(sp_csum_add(sp_csum_pseudo4(f + 26, f + 30, 17, LIVE_LEN - 34),
					   f + 34, LIVE_LEN - 34));
	memcpy(f + 40, &c, 2);
}

/* No chatter of IPv6 on the pair. */
static inline int rig_set_up(void **state)
{
	(void)state;
	run_command(
		"echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 && "
		"ip link add w0 type veth peer name w1 && ip addr add 10.98.0.1/24 dev w0 && "
		"ip link set w0 up && ip link set w1 up && "
		"ip neigh add 10.98.0.2 lladdr 02:00:00:00:00:02 dev w0");
	return 0;
}

/* Runs what loads programs: root's of the host, whatever namespace it is in. */
#define RIG_RUN(name, tests)                                                                   \
	do {                                                                                   \
		if (!netns_enter() || xdp_bpf_allowed()) {                                     \
			printf("1..0 # SKIP loading programs is root's\n");                    \
			return 0;                                                              \
		}                                                                              \
		return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof *(tests),   \
					       rig_set_up, NULL);                              \
	} while (0)

#endif
