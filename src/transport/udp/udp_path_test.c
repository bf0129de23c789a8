/* What the network answers, and what it cannot take. In a network namespace of its own, so that
 * the kernel's counters are the test's alone. */
#include "transport/netns_test.h"
#include "transport/udp/rig_test.h"
#include "transport/udp/udp.h"

static const struct sp_transport_ops *const T = &sp_transport_udp;

/* Datagrams that IP handed on, by the namespace's own count. */
static uint64_t out_datagrams(void)
{
	FILE *f = fopen("/proc/thread-self/net/snmp", "r");
	unsigned long long in, none, errors, out = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "Udp: %llu %llu %llu %llu", &in, &none, &errors, &out) == 4)
			break;
	fclose(f);
	return out;
}

/* A number where nobody listens. */
static struct sp_endpoint closed_port(void)
{
	struct sp_endpoint e = rig_at("127.0.0.1", 0);
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(&e, (struct sockaddr *)&sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	close(fd);
	sp_endpoint_from_sockaddr(&e, (struct sockaddr *)&sa);
	return e;
}

/* Each datagram is answered by ICMP, and each leaves all the same. */
static void test_closed_port_costs_nothing(void **state)
{
	struct sp_endpoint to = closed_port();
	struct sp_tstats s;
	uint64_t before;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, NULL);
	rig_open_tx(&r);
	ep = rig_target(&r, &to);
	before = out_datagrams();
	rig_prepare(&r, 200, 64, ep, 0);
	rig_send(&r, false);
	for (int i = 0; i < 100; i++) {
		rig_prepare(&r, 1, 64, ep, 0);
		rig_send(&r, false);
	}
	assert_int_equal(T->flush(r.tq), 0);
	s = rig_stats(r.tq);
	assert_int_equal(out_datagrams() - before, 300);
	assert_int_equal(s.tx_msgs, 300);
	assert_int_equal(s.tx_units, 300);
	assert_int_equal(s.tx_unreachable, 300);
	assert_int_equal(T->unreachable(r.tq, ep), 300);
	assert_int_equal(T->unreachable(r.tq, ep + 1), 0);
	assert_int_equal(s.tx_blocked, 0);
	rig_close(&r);
}

static void test_closed_port_joined(void **state)
{
	struct sp_endpoint to = closed_port();
	struct sp_tstats s;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, NULL);
	rig_open_tx(&r);
	ep = rig_target(&r, &to);
	for (int i = 0; i < 5; i++) {
		rig_prepare(&r, 1000, 64, ep, 0);
		rig_send(&r, true);
	}
	assert_int_equal(T->flush(r.tq), 0);
	s = rig_stats(r.tq);
	assert_int_equal(s.tx_msgs, 5000);
	assert_true(s.tx_unreachable >= s.tx_units);
	rig_close(&r);
}

/* A port that also receives hears of it even when it never sends again. */
static void test_closed_port_heard_by_receiving(void **state)
{
	struct sp_endpoint to = closed_port();
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, NULL);
	r.tx.rx = true;
	rig_open_tx(&r);
	ep = rig_target(&r, &to);
	rig_prepare(&r, 1, 64, ep, 0);
	rig_send(&r, false);
	assert_int_equal(T->rx_burst(r.tq, &r.rb), 0);
	assert_int_equal(rig_stats(r.tq).tx_unreachable, 1);
	rig_close(&r);
}

/* Segments above the MTU cannot be joined: sent one by one, fragmented, and one line says so. */
static void test_above_the_mtu(void **state)
{
	struct sp_tstats s;
	struct rig r;
	uint32_t ep;

	(void)state;
	assert_true(netns_mtu("lo", 1500));
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	rig_expect(&r, 60);
	for (uint32_t i = 0; i < 40; i += 20) {
		rig_prepare(&r, 20, 2000, ep, i);
		rig_send(&r, true);
		rig_receive(&r, 20);
	}
	s = rig_stats(r.tq);
	assert_int_equal(s.tx_units, 40);
	assert_non_null(strstr(r.logged, "2000 bytes cannot be joined"));
	assert_null(strstr(strstr(r.logged, "cannot be joined") + 1, "cannot be joined"));
	rig_prepare(&r, 20, 1472, ep, 40); /* the longest that fits */
	rig_send(&r, true);
	rig_receive(&r, 20);
	assert_int_equal(rig_stats(r.tq).tx_units, 41);
	rig_close(&r);
	assert_true(netns_mtu("lo", 65536));
}

static void test_interface_down(void **state)
{
	struct sp_endpoint to = rig_at("10.99.9.2", 9);
	struct rig r;
	uint32_t ep;

	(void)state;
	assert_int_equal(system("ip link add d0 type veth peer name d1 && ip addr add "
				"10.99.9.1/24 dev d0 && ip link set d1 up && ip link set d0 up "
				"&& ip neigh add 10.99.9.2 lladdr 02:00:00:00:00:01 dev d0"),
			 0);
	rig_init(&r, NULL);
	rig_open_tx(&r);
	ep = rig_target(&r, &to);
	rig_prepare(&r, 3, 64, ep, 0);
	assert_true(netns_up("d0", false));
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, true), -ENETUNREACH);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -ENETUNREACH);
	assert_int_equal(rig_stats(r.tq).tx_msgs, 0);
	assert_int_equal(rig_stats(r.tq).tx_unreachable, 0);
	assert_true(netns_up("d0", true));
	rig_send(&r, true);
	assert_int_equal(rig_stats(r.tq).tx_msgs, 3);
	assert_int_equal(system("ip link del d0"), 0);
	assert_true(T->tx_burst(r.tq, &r.tb, 0, true) < 0);
	rig_close(&r);
}

static void test_no_route(void **state)
{
	struct sp_endpoint to = rig_at("192.0.2.1", 9);
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, NULL);
	rig_open_tx(&r);
	r.to[r.tx_permit.n_to++] = to;
	assert_int_equal(T->endpoint(r.tq, &to, &ep, &r.err), -ENETUNREACH);
	assert_int_equal(r.err.exit, SP_EXIT_UNAVAIL);
	assert_non_null(strstr(r.err.text, "no route to udp 192.0.2.1:9"));
	rig_close(&r);
}

/* Damaged on the way: the kernel drops it and counts; the namespace's counter is reported. */
static void test_checksum_errors(void **state)
{
	uint8_t packet[8 + 4] = { 0, 7, 0, 0, 0, 12, 0x12, 0x34, 1, 2, 3, 4 };
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct sp_endpoint at;
	struct rig r;
	int raw;

	(void)state;
	rig_init(&r, "127.0.0.1");
	rig_open_rx(&r);
	RIG_OK(&r, T->local(r.rp, 0, &at));
	packet[2] = (uint8_t)(at.port >> 8);
	packet[3] = (uint8_t)at.port;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	assert_true(raw >= 0);
	assert_int_equal(
		sendto(raw, packet, sizeof packet, 0, (struct sockaddr *)&sa, sizeof sa),
		sizeof packet);
	close(raw);
	assert_int_equal(T->rx_burst(r.rq, &r.rb), 0);
	assert_int_equal(rig_stats(r.rq).rx_csum_errors, 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed_port_costs_nothing),
		cmocka_unit_test(test_closed_port_joined),
		cmocka_unit_test(test_closed_port_heard_by_receiving),
		cmocka_unit_test(test_above_the_mtu),
		cmocka_unit_test(test_interface_down),
		cmocka_unit_test(test_no_route),
		cmocka_unit_test(test_checksum_errors),
	};

	if (!netns_enter()) {
		printf("1..0 # SKIP no network namespaces for this user here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
