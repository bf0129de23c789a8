/* AF_XDP over a veth pair. What loads programs is tested where that is allowed; elsewhere the refusal
 * is. */
#include "transport/xdp/rig_test.h"

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
		cmocka_unit_test(test_all_is_taken),
	};
	size_t n = sizeof tests / sizeof *tests;

	if (!netns_enter()) {
		printf("1..0 # SKIP no network namespaces for this user here\n");
		return 0;
	}
	/* Loading programs is root's of the host, whatever namespace it is in. */
	if (xdp_bpf_allowed())
		n = PLAIN_TESTS;
	return _cmocka_run_group_tests("xdp", tests, n, rig_set_up, NULL);
}
