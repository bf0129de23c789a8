/* Frames over a veth pair in a network namespace of the test's own; a second namespace holds
 * the neighbour that link() looks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/endian.h"
#include "transport/netns_test.h"
#include "transport/packet/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern const struct sp_transport_ops sp_transport_packet;
static const struct sp_transport_ops *const T = &sp_transport_packet;

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
};

#define OK(r, expression)                                                                      \
	do {                                                                                   \
		if ((expression) != 0)                                                         \
			fail_msg("%s: %s", #expression, (r)->err.text);                        \
	} while (0)

static void run(const char *command)
{
	if (system(command))
		fail_msg("failed: %s", command);
}

static struct sp_endpoint at(const char *address, unsigned port)
{
	struct sp_endpoint e = { .port = (uint16_t)port };

	assert_int_equal(sp_addr_parse(address, &e.addr), 0);
	return e;
}

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
	if (r->tp)
		T->close(r->tp);
	if (r->rp)
		T->close(r->rp);
}

/* A UDP/IPv4 frame from 10.98.0.1:(1000 + number % 10) to 10.98.0.2:port. */
static void put_frame(uint8_t *f, uint32_t len, uint16_t port, uint32_t number)
{
	static const uint8_t head[] = { 2, 0, 0,    0,	0, 2, 2,  0,  0, 0, 0, 1,
					8, 0, 0x45, 0,	0, 0, 0,  0,  0, 0, 9, 17,
					0, 0, 10,   98, 0, 1, 10, 98, 0, 2 };

	memset(f, (int)(number & 0xff), len);
	memcpy(f, head, sizeof head);
	sp_put_be16(f + 16, (uint16_t)(len - 14));
	sp_put_be16(f + 34, (uint16_t)(1000 + number % 10));
	sp_put_be16(f + 36, port);
	sp_put_be16(f + 38, (uint16_t)(len - 34));
	sp_put_be32(f + 42, number);
}

static void send_frames(struct rig *r, uint32_t n, uint32_t len, uint16_t port, uint32_t first)
{
	uint32_t from = 0;

	assert_int_equal(T->tx_slots(r->tq, &r->tb, n, len, 1), n);
	for (uint32_t i = 0; i < n; i++)
		put_frame(r->tm[i].data, len, port, first + i);
	while (from < n) {
		int k = T->tx_burst(r->tq, &r->tb, from, true);

		assert_true(k > 0);
		from += (uint32_t)k;
	}
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

static void test_frames_arrive(void **state)
{
	struct sp_tcaps caps;
	struct sp_tstats s;
	uint64_t before;
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	T->caps(r.tp, &caps);
	assert_int_equal(caps.bits, SP_T_FRAME);
	assert_int_equal(caps.max_len, 1514);
	assert_non_null(strstr(caps.road, "QDISC_BYPASS"));
	T->caps(r.rp, &caps);
	assert_true(caps.bits & SP_T_RX_TIME);
	before = sp_clock_now(&r.clock);
	send_frames(&r, 1, 60, 5001, 7);
	assert_int_equal(burst(&r), 1);
	assert_true(r.rm[0].t_ns + 20000 > before && r.rm[0].t_ns <= sp_clock_now(&r.clock));
	T->rx_release(r.rq, &r.rb);
	for (uint32_t i = 0; i < 5; i++) {
		send_frames(&r, 200, 60 + 300 * i, 5001, 200 * i);
		receive(&r, 200, 60 + 300 * i, 5001, 200 * i);
	}
	T->stats(r.tq, &s);
	assert_int_equal(s.tx_msgs, 1001);
	assert_int_equal(s.tx_units, 1001);
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_msgs, 1001);
	assert_true(s.rx_dropped_known);
	assert_int_equal(s.rx_dropped, 0);
	assert_int_equal(s.rx_other, 0);
	rig_close(&r);
}

static void test_a_bound_port_takes_its_own(void **state)
{
	struct sp_endpoint e;
	struct sp_tstats s;
	struct rig r;

	(void)state;
	rig_init(&r);
	r.rx.bind = at("10.98.0.2", 5001);
	r.rx.port_last = 5003;
	rig_open(&r);
	OK(&r, T->local(r.rp, 2, &e));
	assert_int_equal(e.port, 5003);
	assert_int_equal(T->local(r.rp, 3, &e), -ENOENT);
	send_frames(&r, 10, 60, 5000, 0);
	send_frames(&r, 10, 60, 5004, 0);
	send_frames(&r, 10, 60, 5003, 0);
	receive(&r, 10, 60, 5003, 0);
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_other, 20);
	assert_int_equal(s.rx_msgs, 10);
	rig_close(&r);
}

static void test_vlan_tag_comes_back(void **state)
{
	uint8_t frame[64];
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	put_frame(frame, 60, 5001, 3);
	memmove(frame + 16, frame + 12, 48);
	sp_put_be32(frame + 12, 0x81006064);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 64, 1), 1);
	memcpy(r.tm[0].data, frame, 64);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), 1);
	assert_int_equal(burst(&r), 1);
	assert_int_equal(r.rm[0].len, 64);
	assert_memory_equal(r.rm[0].data, frame, 64);
	assert_int_not_equal(r.rm[0].ep, SP_NO_FLOW);
	rig_close(&r);
}

/* A socket's datagram over veth: the sum was left to hardware that is not there. */
static void test_partial_checksum(void **state)
{
	struct sp_endpoint to = at("10.98.0.2", 9);
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(&to, (struct sockaddr *)&sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	assert_int_equal(sendto(fd, "abcdefgh", 8, 0, (struct sockaddr *)&sa, len), 8);
	close(fd);
	assert_int_equal(burst(&r), 1);
	assert_true(r.rm[0].flags & SP_M_CSUM_PARTIAL);
	assert_int_equal(r.rm[0].len, 50);
	rig_close(&r);
}

static void test_drops_are_counted(void **state)
{
	struct sp_packet_conf conf = { .bypass = true, .rcvbuf = 10000 };
	struct sp_tstats s;
	uint32_t got = 0;
	struct rig r;

	(void)state;
	rig_init(&r);
	r.rx.conf = &conf;
	rig_open(&r);
	for (unsigned round = 1; round < 3; round++) {
		send_frames(&r, 200, 1000, 5001, 0);
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

static void test_too_long(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 1515, 1), 0);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 1514, 1), 1);
	put_frame(r.tm[0].data, 1514, 5001, 0);
	assert_true(netns_mtu("w0", 1000));
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -EMSGSIZE);
	assert_true(netns_mtu("w0", 1500));
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), 1);
	rig_close(&r);
}

/* Down and up again; gone for good. */
static void test_interface_goes(void **state)
{
	struct rig r;
	int n = 0;

	(void)state;
	run("ip link add g0 type veth peer name g1 && "
	    "echo 1 > /proc/sys/net/ipv6/conf/g0/disable_ipv6 && "
	    "echo 1 > /proc/sys/net/ipv6/conf/g1/disable_ipv6 && "
	    "ip link set g0 up && ip link set g1 up");
	rig_init(&r);
	r.tx.interface = "g0";
	r.rx.interface = "g1";
	r.rx.bind = at("10.98.0.2", 0);
	rig_open(&r);
	assert_true(netns_up("g0", false) && netns_up("g1", false));
	assert_int_equal(T->rx_burst(r.rq, &r.rb), -ENETDOWN);
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
	run("ip link del g0");
	assert_int_equal(T->rx_burst(r.rq, &r.rb), -ENETDOWN);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -ENETDOWN);
	usleep(150000);
	assert_int_equal(T->rx_burst(r.rq, &r.rb), -ENETDOWN);
	rig_close(&r);
}

/* The neighbour's namespace: a child that lives until it is killed. */
static pid_t neighbour(void)
{
	int ready[2], go[2];
	char c, command[128];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) || write(ready[1], "r", 1) != 1 ||
		    read(go[0], &c, 1) != 1)
			_exit(1);
		if (system("ip addr add 10.99.7.2/24 dev v1 && ip addr add fd99:7::2/64 dev v1 "
			   "nodad && ip link set v1 up") ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	snprintf(command, sizeof command, "ip link add v0 type veth peer name v1 netns %d",
		 (int)pid);
	run(command);
	run("ip link set v0 address 02:00:00:00:07:01 && ip addr add 10.99.7.1/24 dev v0 && "
	    "ip addr add fd99:7::1/64 dev v0 nodad && ip link set v0 up && "
	    "ip route add 10.77.0.0/16 via 10.99.7.2 dev v0");
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(go[0]);
	close(go[1]);
	return pid;
}

static struct sp_link link_to(struct rig *r, const char *address)
{
	struct sp_link link;

	r->to[0] = at(address, 5001);
	r->permit.n_to = 1;
	OK(r, T->link(r->tp, &r->to[0], &link, &r->err));
	return link;
}

static void check_link(const struct sp_link *l, const uint8_t mac[6], const char *src)
{
	static const uint8_t own[6] = { 2, 0, 0, 0, 7, 1 };
	struct sp_endpoint want = at(src, 0);

	assert_memory_equal(l->src_mac, own, 6);
	assert_memory_equal(l->dst_mac, mac, 6);
	assert_true(sp_addr_eq(&l->src, &want.addr));
	assert_int_equal(l->mtu, 1500);
}

static void test_link(void **state)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t group4[6] = { 1, 0, 0x5e, 1, 2, 3 };
	static const uint8_t group6[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct sp_link first, l;
	pid_t pid = neighbour();
	struct rig r;

	(void)state;
	rig_init(&r);
	r.tx.interface = "v0";
	rig_open(&r);
	first = link_to(&r, "10.99.7.2"); /* by ARP */
	check_link(&first, first.dst_mac, "10.99.7.1");
	assert_memory_not_equal(first.dst_mac, "\0\0\0\0\0\0", 6);
	l = link_to(&r, "10.99.7.2"); /* from the table */
	check_link(&l, first.dst_mac, "10.99.7.1");
	l = link_to(&r, "10.77.1.1"); /* over the gateway */
	check_link(&l, first.dst_mac, "10.99.7.1");
	l = link_to(&r, "fd99:7::2"); /* by neighbour discovery */
	check_link(&l, first.dst_mac, "fd99:7::1");
	l = link_to(&r, "255.255.255.255");
	check_link(&l, all, "10.99.7.1");
	l = link_to(&r, "239.1.2.3");
	check_link(&l, group4, "10.99.7.1");
	l = link_to(&r, "ff02::1");
	assert_memory_equal(l.dst_mac, group6, 6);
	rig_close(&r);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (!system("ip link show v0 > /dev/null 2>&1")) /* goes with its peer */
		usleep(10000);
}

static void test_link_fails_clearly(void **state)
{
	struct sp_endpoint silent = at("10.98.0.77", 9), no_route = at("fd98::1", 9);
	struct sp_endpoint other = at("10.98.0.5", 9);
	struct sp_link link;
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	r.to[0] = silent;
	r.to[1] = no_route;
	r.permit.n_to = 2;
	assert_int_equal(T->link(r.tp, &silent, &link, &r.err), -EHOSTUNREACH);
	assert_int_equal(r.err.exit, SP_EXIT_UNAVAIL);
	assert_non_null(strstr(r.err.text, "10.98.0.77"));
	assert_non_null(strstr(r.err.text, "does not answer (ARP)"));
	assert_true(T->link(r.tp, &no_route, &link, &r.err) < 0);
	assert_int_equal(r.err.exit, SP_EXIT_UNAVAIL);
	assert_non_null(strstr(r.err.text, "no route to [fd98::1]:9 over interface w0"));
	assert_int_equal(T->link(r.tp, &other, &link, &r.err), -EACCES);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	rig_close(&r);
}

static void test_link_over_loopback(void **state)
{
	struct sp_endpoint bind = at("127.0.0.9", 0);
	struct sp_link l;
	struct rig r;

	(void)state;
	rig_init(&r);
	r.tx.interface = r.rx.interface = "lo";
	rig_open(&r);
	l = link_to(&r, "127.0.0.1");
	assert_memory_equal(l.dst_mac, "\0\0\0\0\0\0", 6);
	assert_int_equal(l.src.family, 4);
	T->close(r.tp);
	r.tx.bind = bind;
	OK(&r, T->open(&r.tp, &r.tx, &r.permit, &r.env, &r.err));
	l = link_to(&r, "127.0.0.1");
	assert_true(sp_addr_eq(&l.src, &bind.addr));
	OK(&r, T->queue(r.tp, 0, &r.tq, &r.err));
	send_frames(&r, 20, 100, 5001, 0); /* each comes once, not as sent too */
	receive(&r, 20, 100, 5001, 0);
	rig_close(&r);
}

static void test_sentences(void **state)
{
	struct sp_permit none = { 0 };
	struct sp_port *p;
	struct rig r;

	(void)state;
	rig_init(&r);
	r.rx.interface = NULL;
	assert_int_equal(T->open(&p, &r.rx, &r.permit, &r.env, &r.err), -EINVAL);
	assert_int_equal(r.err.exit, SP_EXIT_USAGE);
	r.rx.interface = "nosuch0";
	assert_int_equal(T->open(&p, &r.rx, &r.permit, &r.env, &r.err), -ENODEV);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(r.err.text, "no interface nosuch0"));
	r.rx.interface = "w1";
	assert_int_equal(T->open(&p, &r.rx, &none, &r.env, &r.err), -EACCES);
	assert_true(netns_up("w1", false));
	assert_int_equal(T->open(&p, &r.rx, &r.permit, &r.env, &r.err), -ENETDOWN);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(r.err.text, "ip link set w1 up"));
	assert_true(netns_up("w1", true));
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
		if (T->open(&p, &r.rx, &r.permit, &r.env, &r.err) != -EPERM)
			_exit(3);
		_exit(r.err.exit == SP_EXIT_PERM && strstr(r.err.text, "CAP_NET_RAW") &&
				      strstr(r.err.text, "sudo") &&
				      strstr(r.err.text, "setcap cap_net_raw+ep")
			      ? 0
			      : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_allocation_fails(void **state)
{
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc && n < 50; n++) {
		struct sp_mem_test mem;
		struct rig r;

		sp_mem_test_init(&mem, n);
		rig_init(&r);
		r.env.mem = &mem.mem;
		r.rx.tx = true;
		rc = T->open(&r.rp, &r.rx, &r.permit, &r.env, &r.err);
		if (rc)
			r.rp = NULL;
		else
			rc = T->queue(r.rp, 0, &r.rq, &r.err);
		assert_true(rc == 0 || rc == -ENOMEM);
		rig_close(&r);
		assert_int_equal(mem.live, 0);
		assert_true(rc || n > 5);
	}
	assert_int_equal(rc, 0);
}

static void test_ends(void **state)
{
	struct sp_endpoint from, to, want = at("fd00::2", 0);
	uint8_t f[80] = { [12] = 0x86, [13] = 0xdd, [14] = 0x60, [20] = 17 };

	(void)state;
	memcpy(f + 38, want.addr.ip, 16);
	sp_put_be32(f + 54, 0x03e81388);
	assert_true(sp_frame_ends(f, sizeof f, &from, &to));
	assert_int_equal(from.port, 1000);
	assert_int_equal(to.port, 5000);
	assert_true(sp_addr_eq(&to.addr, &want.addr));
	f[20] = 58; /* ICMPv6 has no port numbers */
	assert_true(sp_frame_ends(f, sizeof f, &from, &to));
	assert_int_equal(to.port, 0);
	for (uint32_t len = 0; len < 54; len++)
		assert_false(sp_frame_ends(f, len, &from, &to));
	put_frame(f, 60, 5001, 1);
	f[21] = 8; /* a later fragment */
	assert_true(sp_frame_ends(f, 60, &from, &to));
	assert_int_equal(to.port, 0);
	f[14] = 0x4f; /* options beyond the frame */
	assert_false(sp_frame_ends(f, 60, &from, &to));
	f[14] = 0x44;
	assert_false(sp_frame_ends(f, 60, &from, &to));
	f[13] = 6; /* ARP */
	assert_false(sp_frame_ends(f, 60, &from, &to));
}

/* No chatter of IPv6 on the pair. */
static int set_up(void **state)
{
	(void)state;
	run("ip link add w0 type veth peer name w1 && "
	    "echo 1 > /proc/sys/net/ipv6/conf/w0/disable_ipv6 && "
	    "echo 1 > /proc/sys/net/ipv6/conf/w1/disable_ipv6 && "
	    "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad && "
	    "ip addr add 10.98.0.1/24 dev w0 && ip link set w0 up && ip link set w1 up && "
	    "ip neigh add 10.98.0.2 lladdr 02:00:00:00:00:02 dev w0");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_arrive),
		cmocka_unit_test(test_a_bound_port_takes_its_own),
		cmocka_unit_test(test_vlan_tag_comes_back),
		cmocka_unit_test(test_partial_checksum),
		cmocka_unit_test(test_drops_are_counted),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_interface_goes),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_fails_clearly),
		cmocka_unit_test(test_link_over_loopback),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_without_privileges),
		cmocka_unit_test(test_allocation_fails),
		cmocka_unit_test(test_ends),
	};

	if (!netns_enter()) {
		printf("1..0 # SKIP no network namespaces for this user here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, NULL);
}
