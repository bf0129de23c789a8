/* AF_XDP and live frames over a veth pair in a network namespace of the test's own. What loads
 * programs is tested where that is allowed; elsewhere the refusal is. */
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

static void rig_init(struct rig *r)
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

static void rig_open(struct rig *r)
{
	OK(r, T->open(&r->rp, &r->rx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->rp, 0, &r->rq, &r->err));
	OK(r, T->open(&r->tp, &r->tx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->tp, 0, &r->tq, &r->err));
}

static void rig_close(struct rig *r)
{
	if (r->raw >= 0)
		close(r->raw);
	if (r->tp)
		T->close(r->tp);
	if (r->rp)
		T->close(r->rp);
}

static void open_raw(struct rig *r, const char *interface)
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

static void raw_receive(struct rig *r, uint32_t n, uint32_t len, uint16_t port, uint32_t first)
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

static void raw_send(struct rig *r, uint32_t n, uint32_t len, uint16_t port, uint32_t first)
{
	uint8_t frame[2048];

	for (uint32_t i = 0; i < n; i++) {
		put_frame(frame, len, port, first + i);
		assert_int_equal(send(r->raw, frame, len, 0), len);
	}
}

static void open_tx(struct rig *r)
{
	OK(r, T->open(&r->tp, &r->tx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->tp, 0, &r->tq, &r->err));
}

static void open_rx(struct rig *r)
{
	OK(r, T->open(&r->rp, &r->rx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->rp, 0, &r->rq, &r->err));
}

static void send_frames(struct rig *r, uint32_t n, uint32_t len, uint16_t port, uint32_t first)
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

static uint32_t burst(struct rig *r)
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

static void receive(struct rig *r, uint32_t n, uint32_t len, uint16_t port, uint32_t first)
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

/* ---- AF_XDP ---- */

static void test_sent_frames_are_those_of_a_packet_socket(void **state)
{
	struct sp_tstats s;
	struct sp_tcaps caps;
	struct rig r;

	(void)state;
	rig_init(&r);
	open_tx(&r);
	open_raw(&r, "w1");
	T->caps(r.tp, &caps);
	assert_true(caps.bits & SP_T_FRAME);
	assert_int_equal(caps.max_len, 1514);
	for (uint32_t i = 0; i < 6; i++) {
		send_frames(&r, 500, i ? 290 * i + 61 : 60, 5001, 500 * i);
		raw_receive(&r, 500, i ? 290 * i + 61 : 60, 5001, 500 * i);
	}
	T->stats(r.tq, &s);
	assert_int_equal(s.tx_msgs, 3000);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 4097, 1), 0);
	rig_close(&r);
}

static void test_slots_remember(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	open_tx(&r);
	send_frames(&r, 64, 60, 5001, 0);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 64, 60, 1), 64);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(r.tm[i].flags, SP_M_HELD);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 64, 61, 1), 64);
	assert_int_equal(r.tm[0].flags, 0);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 64, 60, 2), 64);
	assert_int_equal(r.tm[0].flags, 0);
	/* All of them, and none twice. */
	assert_int_equal(T->tx_slots(r.tq, &r.tb, SP_BATCH_MAX, 60, 1), SP_BATCH_MAX);
	for (uint32_t i = 1; i < SP_BATCH_MAX; i++)
		for (uint32_t k = i - 1; k < i; k++)
			assert_ptr_not_equal(r.tm[i].data, r.tm[k].data);
	rig_close(&r);
}

static void test_received_frames(void **state)
{
	struct sp_tstats s;
	struct sp_tcaps caps;
	uint64_t before;
	struct rig r;

	(void)state;
	rig_init(&r);
	open_rx(&r);
	open_raw(&r, "w0");
	T->caps(r.rp, &caps);
	assert_true(caps.bits & SP_T_RX_TIME && caps.bits & SP_T_LISTEN);
	before = sp_clock_now(&r.clock);
	raw_send(&r, 1, 60, 5001, 7);
	assert_int_equal(burst(&r), 1);
	assert_true(r.rm[0].t_ns > before && r.rm[0].t_ns <= sp_clock_now(&r.clock));
	T->rx_release(r.rq, &r.rb);
	/* more than all buffers together, so that each was used again */
	for (uint32_t i = 0; i < 20; i++) {
		raw_send(&r, 1000, 60 + 70 * i, 5001, 1000 * i);
		receive(&r, 1000, 60 + 70 * i, 5001, 1000 * i);
	}
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_msgs, 20001);
	assert_true(s.rx_dropped_known);
	assert_int_equal(s.rx_dropped, 0);
	rig_close(&r);
}

static void test_the_rest_goes_to_the_stack(void **state)
{
	struct sp_tstats s;
	struct rig r;

	(void)state;
	rig_init(&r);
	r.rx.bind = at("10.98.0.2", 5001);
	r.rx.port_last = 5003;
	open_rx(&r);
	open_raw(&r, "w0");
	raw_send(&r, 10, 60, 5000, 0);
	raw_send(&r, 10, 60, 5004, 0);
	raw_send(&r, 10, 60, 5003, 0);
	receive(&r, 10, 60, 5003, 0);
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_msgs, 10);
	assert_int_equal(s.rx_other, 0); /* never came here */
	close(r.raw);
	open_raw(&r, "w1");
	{
		struct rig far;

		rig_init(&far);
		open_raw(&far, "w0");
		raw_send(&far, 3, 60, 5004, 5);
		raw_receive(&r, 3, 60, 5004, 5);
		raw_send(&far, 3, 60, 5001, 5);
		receive(&r, 3, 60, 5001, 5);
		rig_close(&far);
	}
	rig_close(&r);
}

static void test_vlans_and_ipv6(void **state)
{
	uint8_t frame[96], got;
	struct rig r;

	(void)state;
	rig_init(&r);
	r.rx.bind.port = 5001;
	open_rx(&r);
	open_raw(&r, "w0");
	put_frame(frame, 60, 5001, 3);
	memmove(frame + 20, frame + 12, 48);
	sp_put_be32(frame + 12, 0x88a80064);
	sp_put_be32(frame + 16, 0x81000065);
	assert_int_equal(send(r.raw, frame, 68, 0), 68);
	got = (uint8_t)burst(&r);
	assert_int_equal(got, 1);
	assert_int_equal(r.rm[0].len, 68);
	T->rx_release(r.rq, &r.rb);
	memset(frame + 12, 0, sizeof frame - 12);
	sp_put_be16(frame + 12, 0x86dd);
	frame[14] = 0x60;
	frame[20] = 17;
	sp_put_be32(frame + 54, 0x03e81389);
	assert_int_equal(send(r.raw, frame, 80, 0), 80);
	assert_int_equal(burst(&r), 1);
	assert_int_equal(r.rm[0].len, 80);
	rig_close(&r);
}

static void test_drops_are_counted(void **state)
{
	struct xdp_conf conf = { .frames = 64 };
	struct sp_tstats s;
	uint32_t got = 0;
	struct rig r;

	(void)state;
	rig_init(&r);
	r.rx.conf = &conf;
	open_rx(&r);
	open_raw(&r, "w0");
	for (unsigned round = 1; round < 4; round++) {
		raw_send(&r, 200, 100, 5001, 0);
		usleep(20000);
		while (T->rx_burst(r.rq, &r.rb) > 0) {
			got += r.rb.n;
			T->rx_release(r.rq, &r.rb);
		}
		T->stats(r.rq, &s);
		assert_true(got < 200 * round);
		assert_int_equal(got + s.rx_dropped, 200 * round);
	}
	rig_close(&r);
}

/* Down and up again; gone for good. */
static void test_interface_goes(void **state)
{
	struct rig r;
	int n = 0;

	(void)state;
	run_command("ip link add g0 type veth peer name g1 && "
		    "echo 1 > /proc/sys/net/ipv6/conf/g0/disable_ipv6 && "
		    "echo 1 > /proc/sys/net/ipv6/conf/g1/disable_ipv6 && "
		    "ip link set g0 up && ip link set g1 up");
	rig_init(&r);
	r.tx.interface = "g0";
	r.rx.interface = "g1";
	rig_open(&r);
	assert_true(netns_up("g0", false) && netns_up("g1", false));
	assert_int_equal(T->rx_burst(r.rq, &r.rb), -ENETDOWN);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 60, 1), 1);
	put_frame(r.tm[0].data, 60, 5001, 0);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -ENETDOWN);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -ENETDOWN);
	assert_true(netns_up("g0", true) && netns_up("g1", true));
	for (int i = 0; i < 100 && (n = T->rx_burst(r.rq, &r.rb)) == -ENETDOWN; i++)
		usleep(10000);
	assert_int_equal(n, 0);
	send_frames(&r, 5, 60, 5001, 0);
	receive(&r, 5, 60, 5001, 0);
	run_command("ip link del g0");
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 60, 1), 1);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -ENETDOWN);
	usleep(150000);
	assert_int_equal(T->rx_burst(r.rq, &r.rb), -ENETDOWN);
	rig_close(&r);
}

static bool has_program(const char *interface)
{
	char command[128];

	snprintf(command, sizeof command, "ip link show %s | grep -q xdp", interface);
	return system(command) == 0;
}

static void test_killed(void **state)
{
	int ready[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct rig r;

		rig_init(&r);
		if (T->open(&r.rp, &r.rx, &r.permit, &r.env, &r.err) ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_true(has_program("w1"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 100 && has_program("w1"); i++)
		usleep(10000);
	assert_false(has_program("w1"));
	close(ready[0]);
	close(ready[1]);
}

static void test_taken(void **state)
{
	struct rig r, other;

	(void)state;
	rig_init(&r);
	open_rx(&r);
	rig_init(&other);
	assert_int_equal(T->open(&other.rp, &other.rx, &other.permit, &other.env, &other.err),
			 -EBUSY);
	assert_int_equal(other.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(other.err.text, "has an XDP program already"));
	rig_close(&r);
	rig_init(&r);
	open_tx(&r);
	assert_int_equal(T->open(&other.tp, &other.tx, &other.permit, &other.env, &other.err),
			 -EBUSY);
	assert_non_null(strstr(other.err.text, "queue 0 is taken"));
	rig_close(&r);
}

static void test_several_queues(void **state)
{
	struct rig r;
	uint64_t got = 0;

	(void)state;
	run_command(
		"ip link add q0 numtxqueues 4 numrxqueues 4 type veth peer name q1 numtxqueues 4 "
		"numrxqueues 4 && ip link set q0 up && ip link set q1 up");
	rig_init(&r);
	r.rx.interface = r.tx.interface = "q1";
	/* one worker, all four queues */
	open_rx(&r);
	assert_int_equal(r.rq->n_socks, r.rp->rx_queues);
	open_raw(&r, "q0");
	raw_send(&r, 400, 60, 5001, 0);
	for (uint32_t k = 1; got < 400 && k; got += k) {
		k = burst(&r);
		T->rx_release(r.rq, &r.rb);
	}
	assert_true(got >= 400); /* IPv6 may chatter */
	rig_close(&r);
	/* a worker more than queues */
	rig_init(&r);
	r.tx.interface = "q1";
	r.tx.workers = 9;
	assert_true(T->open(&r.tp, &r.tx, &r.permit, &r.env, &r.err) < 0);
	assert_non_null(strstr(r.err.text, "for another worker"));
	run_command("ip link del q0");
}

/* ---- live frames ---- */

#define LIVE_LEN 60u

struct live {
	struct sp_template t;
	struct sp_place place[2];
	struct sp_sum sum[2];
	struct sp_repeat_form form;
	uint8_t frame[LIVE_LEN];
};

static void live_init(struct live *l)
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

static void live_sums(uint8_t *f)
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

/* Every field of unit i, and nothing but them. */
static void check_unit(const struct sp_msg *m, uint32_t i)
{
	struct sp_msg stamped = *m;
	struct sp_batch b = { .n = 1, .cap = 1, .m = &stamped };
	struct sp_stamp s;
	int8_t good;
	uint8_t same[LIVE_LEN];

	assert_int_equal(m->len, LIVE_LEN);
	assert_int_equal(sp_get_be32(m->data + 26), 0x0a630000 + i % 60000);
	assert_int_equal(sp_get_be16(m->data + 34), 1024 + 3 * (i % 1000));
	stamped.stamp_off = 42;
	sp_stamp_native.get(&b, 42, &s, &good);
	assert_int_equal(good, SP_STAMP_GOOD);
	assert_int_equal(s.seq, i);
	assert_int_equal(s.flow, 0x123456);
	memcpy(same, m->data, LIVE_LEN);
	live_sums(same);
	assert_memory_equal(same, m->data, LIVE_LEN);
}

static void test_live_frames(void **state)
{
	struct sp_repeat run = { .n = 3000, .end_ns = SP_NEVER };
	struct sp_repeat_call call = { .run = &run, .head = sp_stamp_native.head(0x123456, 0) };
	struct sp_tstats s;
	struct live l;
	uint32_t got = 0;
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	live_init(&l);
	live_sums(l.frame);
	OK(&r, T->repeat(r.tq, &l.form, &r.err));
	for (unsigned round = 0; round < 5; round++) {
		uint64_t before = sp_clock_now(&r.clock);

		call.seq = call.unit = 3000 * round;
		assert_int_equal(T->tx_repeat(r.tq, &call), 0);
		assert_int_equal(call.made, 3000);
		assert_int_equal(call.left, 3000);
		assert_true(call.first_ns > before && call.first_ns <= call.last_ns &&
			    call.last_ns <= sp_clock_now(&r.clock));
		while (got < 3000 * (round + 1)) {
			uint32_t k = burst(&r);

			assert_true(k > 0);
			for (uint32_t i = 0; i < k; i++)
				check_unit(&r.rm[i], got + i);
			got += k;
			T->rx_release(r.rq, &r.rb);
		}
	}
	T->stats(r.tq, &s);
	assert_int_equal(s.tx_msgs, 15000);
	assert_int_equal(got, 15000);
	/* the time is over: nothing leaves, and nothing is counted */
	run.end_ns = sp_clock_now(&r.clock);
	assert_int_equal(T->tx_repeat(r.tq, &call), 0);
	assert_int_equal(call.made, 0);
	assert_int_equal(T->rx_burst(r.rq, &r.rb), 0);
	rig_close(&r);
}

/* What the interface does not take was made and did not leave; when it is gone, nothing is made. */
static void test_live_interface_goes(void **state)
{
	struct sp_repeat run = { .n = 640, .end_ns = SP_NEVER };
	struct sp_repeat_call call = { .run = &run };
	struct live l;
	struct rig r;

	(void)state;
	system("ip link del g0 2> /dev/null");
	run_command(
		"ip link add g0 type veth peer name g1 && ip link set g0 up && ip link set g1 up");
	rig_init(&r);
	r.tx.interface = "g0";
	r.rx.interface = "g1";
	rig_open(&r);
	live_init(&l);
	live_sums(l.frame);
	OK(&r, T->repeat(r.tq, &l.form, &r.err));
	assert_int_equal(T->tx_repeat(r.tq, &call), 0);
	assert_int_equal(call.left, 640);
	assert_true(netns_up("g0", false));
	(void)T->tx_repeat(r.tq, &call);
	assert_int_equal(call.made, 640);
	assert_int_equal(call.left, 0);
	run_command("ip link del g0");
	(void)T->tx_repeat(r.tq, &call);
	assert_int_equal(call.left, 0);
	assert_int_equal(call.made, 0);
	rig_close(&r);
}

/* Without XDP at the far end of a veth nobody takes redirected frames. */
static void test_live_not_taken(void **state)
{
	struct live l;
	struct rig r;

	(void)state;
	rig_init(&r);
	open_tx(&r);
	live_init(&l);
	live_sums(l.frame);
	assert_int_equal(T->repeat(r.tq, &l.form, &r.err), -ENOTSUP);
	assert_non_null(strstr(r.err.text, "interface w0 takes none"));
	rig_close(&r);
}

/* ---- counted in XDP ---- */

#define COUNT_FLOWS 3u
#define COUNT_MOST  20000u

struct counted {
	struct rig *r;
	uint32_t sent[COUNT_FLOWS][COUNT_MOST];
	uint32_t n_sent[COUNT_FLOWS], n_got[COUNT_FLOWS], up, bad, got_bad;
};

/* seq of flow k; bad: its check is wrong */
static void count_send(struct counted *c, uint32_t k, uint32_t seq, uint32_t len, uint8_t kind,
		       bool bad)
{
	struct sp_flow_tx f = { .head = sp_stamp_native.head(0x1000 + k, kind), .seq = seq };
	uint8_t frame[200];
	struct sp_msg m = { .data = frame, .len = len, .stamp_off = (uint16_t)(len - 18) };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	put_frame(frame, len, 5001, k);
	sp_stamp_native.put(&b, 0, &f, 5);
	if (bad)
		frame[len - 1] ^= 1;
	assert_int_equal(send(c->r->raw, frame, len, 0), len);
	if (bad)
		c->bad++;
	else
		c->sent[k][c->n_sent[k]++] = seq;
}

static void count_one(struct counted *c, uint32_t k, uint32_t seq)
{
	uint32_t i = c->n_got[k]++;

	assert_true(i < c->n_sent[k]);
	assert_int_equal(seq, c->sent[k][i]);
}

/* All that comes, runs unfolded, is what was sent, flow by flow in order. */
static void count_receive(struct counted *c)
{
	struct rig *r = c->r;

	for (unsigned quiet = 0; quiet < 8; quiet++) {
		int n = T->rx_burst(r->rq, &r->rb);

		assert_true(n >= 0);
		for (int i = 0; i < n; i++) {
			struct sp_msg m = r->rm[i];
			struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
			struct sp_stamp s;
			int8_t check;

			assert_true(m.flags & SP_M_UNTIMED);
			m.stamp_off = (uint16_t)(m.len - 18);
			sp_stamp_native.get(&b, m.stamp_off, &s, &check);
			assert_in_range(s.flow, 0x1000, 0x1000 + COUNT_FLOWS - 1);
			if (!(m.flags & SP_M_RUN)) {
				if (check == SP_STAMP_GOOD)
					count_one(c, s.flow - 0x1000, s.seq);
				else
					c->got_bad++;
				c->up++;
				continue;
			}
			assert_int_equal(check, SP_STAMP_GOOD);
			for (uint32_t k = 0; k < m.flow; k++)
				count_one(c, s.flow - 0x1000, s.seq + k);
		}
		if (n > 0)
			quiet = 0;
		T->rx_release(r->rq, &r->rb);
		usleep(n > 0 ? 0 : 3000);
	}
}

static uint32_t some(uint32_t *x, uint32_t n)
{
	*x = *x * 1664525u + 1013904223u;
	return (*x >> 8) % n;
}

static void test_counted(void **state)
{
	struct xdp_conf conf = { .frames = 8192, .rx = XDP_RX_COUNT };
	struct counted *c = calloc(1, sizeof *c);
	uint32_t next[COUNT_FLOWS] = { 0, 0xffffffe0u, 77 }, x = 5;
	struct sp_tstats s;
	struct rig r;

	(void)state;
	rig_init(&r);
	c->r = &r;
	r.rx.conf = &conf;
	r.rx.bind = at("10.98.0.2", 5001);
	open_rx(&r);
	open_raw(&r, "w0");
	for (uint32_t i = 0; i < 15000; i++) {
		uint32_t k = some(&x, COUNT_FLOWS), what = some(&x, 200), len = 60;

		if (k == 2)
			len = 80; /* octets before the stamp */
		if (what == 0)
			next[k] += some(&x, 50);
		if (what == 1)
			count_send(c, k, next[k] - 1 - some(&x, 9), len, 0, false);
		else if (what == 2)
			count_send(c, k, next[k]++, len + 1, 0, false);
		else if (what == 3)
			count_send(c, k, next[k], len, 0, true);
		else if (what == 4)
			count_send(c, k, next[k]++, len, SP_STAMP_LAST, false);
		else
			count_send(c, k, next[k]++, len, 0, false);
		if (i % 700 == 0)
			count_receive(c);
	}
	count_receive(c);
	for (uint32_t k = 0; k < COUNT_FLOWS; k++)
		assert_int_equal(c->n_got[k], c->n_sent[k]);
	assert_int_equal(c->got_bad, c->bad);
	assert_in_range(c->up, 100, 1500); /* the rest never came up */
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_msgs, 15000);
	assert_int_equal(s.rx_dropped, 0);
	rig_close(&r);
	free(c);
}

/* Frames that went up and found no room: no unit is missing but those. */
static void test_counted_and_dropped(void **state)
{
	struct xdp_conf conf = { .frames = 64, .rx = XDP_RX_COUNT };
	struct counted *c = calloc(1, sizeof *c);
	uint64_t units = 0;
	struct sp_tstats s;
	struct rig r;

	(void)state;
	rig_init(&r);
	c->r = &r;
	r.rx.conf = &conf;
	open_rx(&r);
	open_raw(&r, "w0");
	/* every tenth is a gap and goes up: 100 of 1,000 */
	for (uint32_t i = 0; i < 1000; i++)
		count_send(c, 0, i + i / 10, 60, 0, false);
	for (unsigned quiet = 0; quiet < 60; quiet++) {
		T->rx_burst(r.rq, &r.rb);
		for (uint32_t i = 0; i < r.rb.n; i++)
			units += r.rm[i].flags & SP_M_RUN ? r.rm[i].flow : 1;
		T->rx_release(r.rq, &r.rb);
		usleep(3000);
	}
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_dropped, 36);
	assert_int_equal(units + s.rx_dropped, 1000);
	rig_close(&r);
	free(c);
}

static void test_all_is_taken(void **state)
{
	struct xdp_conf conf = { .frames = 64, .take = XDP_TAKE_ALL };
	uint8_t arp[60] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6 };
	struct rig r;

	(void)state;
	for (unsigned count = 0; count < 2; count++) {
		rig_init(&r);
		conf.rx = count ? XDP_RX_COUNT : XDP_RX_AF_XDP;
		r.rx.conf = &conf;
		open_rx(&r);
		open_raw(&r, "w0");
		assert_int_equal(send(r.raw, arp, sizeof arp, 0), sizeof arp);
		assert_int_equal(burst(&r), 1);
		assert_memory_equal(r.rm[0].data, arp, sizeof arp);
		rig_close(&r);
	}
}

/* ---- refusals ---- */

static void test_sentences(void **state)
{
	struct sp_permit none = { 0 };
	struct sp_port *p;
	struct rig r;

	(void)state;
	rig_init(&r);
	r.tx.interface = NULL;
	assert_int_equal(T->open(&p, &r.tx, &r.permit, &r.env, &r.err), -EINVAL);
	assert_int_equal(r.err.exit, SP_EXIT_USAGE);
	r.tx.interface = "nosuch0";
	assert_int_equal(T->open(&p, &r.tx, &r.permit, &r.env, &r.err), -ENODEV);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	r.tx.interface = "w0";
	assert_int_equal(T->open(&p, &r.tx, &none, &r.env, &r.err), -EACCES);
	assert_true(netns_mtu("w0", 9000));
	assert_int_equal(T->open(&p, &r.tx, &r.permit, &r.env, &r.err), -EMSGSIZE);
	assert_non_null(strstr(r.err.text, "MTU of 9000"));
	assert_true(netns_mtu("w0", 1500));
}

/* An ordinary user: in a child that gives all capabilities away. */
static void test_without_privileges(void **state)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0 } };
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct sp_port *p;
		struct rig r;

		rig_init(&r);
		if (syscall(SYS_capset, &head, caps))
			_exit(2);
		if (T->open(&p, &r.tx, &r.permit, &r.env, &r.err) != -EPERM)
			_exit(3);
		if (r.err.exit != SP_EXIT_PERM || !strstr(r.err.text, "CAP_NET_RAW"))
			_exit(4);
		if (T->open(&p, &r.rx, &r.permit, &r.env, &r.err) != -EPERM)
			_exit(5);
		_exit(r.err.exit == SP_EXIT_PERM && strstr(r.err.text, "CAP_BPF") &&
				      strstr(r.err.text, "CAP_NET_ADMIN")
			      ? 0
			      : 6);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_allocation_fails(void **state)
{
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc && n < 60; n++) {
		struct sp_mem_test mem;
		struct live l;
		struct rig r;

		sp_mem_test_init(&mem, n);
		rig_init(&r);
		r.env.mem = &mem.mem;
		r.rx.tx = !xdp_bpf_allowed();
		rc = T->open(&r.rp, r.rx.tx ? &r.rx : &r.tx, &r.permit, &r.env, &r.err);
		if (rc)
			r.rp = NULL;
		else
			rc = T->queue(r.rp, 0, &r.rq, &r.err);
		if (!rc && r.rx.tx) {
			live_init(&l);
			live_sums(l.frame);
			rc = T->repeat(r.rq, &l.form, &r.err);
			if (rc == -ENOTSUP)
				rc = 0;
		}
		assert_true(rc == 0 || rc == -ENOMEM);
		rig_close(&r);
		assert_int_equal(mem.live, 0);
		assert_true(rc || n > 5);
	}
	assert_int_equal(rc, 0);
}

/* No chatter of IPv6 on the pair. */
static int set_up(void **state)
{
	(void)state;
	run_command(
		"echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 && "
		"ip link add w0 type veth peer name w1 && ip addr add 10.98.0.1/24 dev w0 && "
		"ip link set w0 up && ip link set w1 up && "
		"ip neigh add 10.98.0.2 lladdr 02:00:00:00:00:02 dev w0");
	return 0;
}

#define PLAIN_TESTS 5

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sent_frames_are_those_of_a_packet_socket),
		cmocka_unit_test(test_slots_remember),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_without_privileges),
		cmocka_unit_test(test_allocation_fails),
		/* These load programs: */
		cmocka_unit_test(test_received_frames),
		cmocka_unit_test(test_the_rest_goes_to_the_stack),
		cmocka_unit_test(test_vlans_and_ipv6),
		cmocka_unit_test(test_drops_are_counted),
		cmocka_unit_test(test_interface_goes),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_several_queues),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_counted_and_dropped),
		cmocka_unit_test(test_all_is_taken),
		cmocka_unit_test(test_live_frames),
		cmocka_unit_test(test_live_interface_goes),
		cmocka_unit_test(test_live_not_taken),
	};
	size_t n = sizeof tests / sizeof *tests;

	if (!netns_enter()) {
		printf("1..0 # SKIP no network namespaces for this user here\n");
		return 0;
	}
	/* Loading programs is root's of the host, whatever namespace it is in. */
	if (xdp_bpf_allowed())
		n = PLAIN_TESTS;
	return _cmocka_run_group_tests("xdp", tests, n, set_up, NULL);
}
