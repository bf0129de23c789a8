/* What a port needs before anything is sent: rights, the way to a target, memory. */
#include "transport/packet/rig_test.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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
	run_command(command);
	run_command(
		"ip link set v0 address 02:00:00:00:07:01 && ip addr add 10.99.7.1/24 dev v0 && "
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
	rig_init(&r, PACKET_RING_AUTO);
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
	rig_init(&r, PACKET_RING_AUTO);
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
	rig_init(&r, PACKET_RING_AUTO);
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
	rig_init(&r, PACKET_RING_AUTO);
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

		rig_init(&r, PACKET_RING_AUTO);
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
		rig_init(&r, PACKET_RING_AUTO);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_fails_clearly),
		cmocka_unit_test(test_link_over_loopback),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_without_privileges),
		cmocka_unit_test(test_allocation_fails),
	};

	if (!netns_enter()) {
		printf("1..0 # SKIP no network namespaces for this user here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, NULL);
}
