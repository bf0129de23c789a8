/* Frames over a veth pair, by each road. */
#include "transport/packet/rig_test.h"

#include <netinet/udp.h>

static void test_frames_arrive(void **state)
{
	struct sp_tcaps caps;
	struct sp_tstats s;
	uint64_t before;
	struct rig r;

	rig_init(&r, RING(state));
	rig_open(&r);
	T->caps(r.tp, &caps);
	assert_int_equal(caps.bits, SP_T_FRAME);
	assert_int_equal(caps.max_len, 1514);
	assert_non_null(strstr(caps.road, "QDISC_BYPASS"));
	assert_int_equal(!!strstr(caps.road, "ring +"), RING(state) == PACKET_RING_YES);
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

	rig_init(&r, RING(state));
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
	assert_int_equal(s.rx_other, 0); /* the kernel kept them out */
	assert_int_equal(s.rx_msgs, 10);
	for (uint16_t port = 5000; port < 5002; port++) { /* it takes out one tag of two */
		assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 68, 1), 1);
		put_frame(r.tm[0].data, 60, port, 0);
		memmove(r.tm[0].data + 20, r.tm[0].data + 12, 48);
		sp_put_be32(r.tm[0].data + 12, 0x88a80005);
		sp_put_be32(r.tm[0].data + 16, 0x81000006);
		send_batch(&r);
	}
	assert_int_equal(burst(&r), 1);
	assert_int_equal(sp_get_be32(r.rm[0].data + 12), 0x88a80005);
	assert_int_equal(sp_get_be16(r.rm[0].data + 44), 5001);
	T->rx_release(r.rq, &r.rb);
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_other, 1);
	rig_close(&r);
}

static void test_vlan_tag_comes_back(void **state)
{
	uint8_t frame[64];
	struct rig r;

	rig_init(&r, RING(state));
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

	rig_init(&r, RING(state));
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
	uint32_t got = 0, sent = 0, n;
	struct sp_tstats s;
	struct rig r;

	rig_init(&r, RING(state));
	r.conf.rcvbuf = 10000; /* a ring has 1 MiB at least */
	rig_open(&r);
	for (unsigned round = 1; round < 3; round++) {
		for (unsigned i = 0; i < (RING(state) == PACKET_RING_YES ? 12 : 2); i++) {
			send_frames(&r, 100, 1000, 5001, 0);
			sent += 100;
		}
		while ((n = burst(&r)) > 0) {
			got += n;
			T->rx_release(r.rq, &r.rb);
		}
		T->stats(r.rq, &s);
		assert_true(got < sent && got > 0);
		assert_int_equal(got + s.rx_dropped, sent);
		assert_int_equal(s.rx_frozen > 0, RING(state) == PACKET_RING_YES);
	}
	rig_close(&r);
}

static void test_too_long(void **state)
{
	struct rig r;
	int n = 1;

	rig_init(&r, RING(state));
	rig_open(&r);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 1515, 1), 0);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 1514, 1), 1);
	put_frame(r.tm[0].data, 1514, 5001, 0);
	assert_true(netns_mtu("w0", 1300));
	for (int i = 0; i < 100 && n == 1; i++, usleep(10000)) /* a ring looks now and then */
		n = T->tx_burst(r.tq, &r.tb, 0, false);
	assert_int_equal(n, -EMSGSIZE);
	assert_true(netns_mtu("w0", 1500));
	for (int i = 0; i < 100 && n != 1; i++, usleep(10000))
		n = T->tx_burst(r.tq, &r.tb, 0, false);
	assert_int_equal(n, 1);
	rig_close(&r);
}

/* What a burst says while the interface is away: at the latest after so long. */
static int told(struct rig *r, int want)
{
	int n = -1;

	for (int i = 0; i < 100; i++, usleep(10000)) {
		n = T->rx_burst(r->rq, &r->rb);
		if (n == want)
			break;
	}
	return n;
}

/* Down and up again; gone for good. */
static void test_interface_goes(void **state)
{
	struct rig r;

	run_command("ip link add g0 type veth peer name g1 && "
		    "echo 1 > /proc/sys/net/ipv6/conf/g0/disable_ipv6 && "
		    "echo 1 > /proc/sys/net/ipv6/conf/g1/disable_ipv6 && "
		    "ip link set g0 up && ip link set g1 up");
	rig_init(&r, RING(state));
	r.tx.interface = "g0";
	r.rx.interface = "g1";
	r.rx.bind = at("10.98.0.2", 0);
	rig_open(&r);
	assert_true(netns_up("g0", false) && netns_up("g1", false));
	assert_int_equal(told(&r, -ENETDOWN), -ENETDOWN);
	assert_int_equal(T->rx_burst(r.rq, &r.rb), -ENETDOWN);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 60, 1), 1);
	put_frame(r.tm[0].data, 60, 5001, 0);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -ENETDOWN);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -ENETDOWN);
	assert_true(netns_up("g0", true) && netns_up("g1", true));
	assert_int_equal(told(&r, 0), 0);
	send_frames(&r, 5, 60, 5001, 0);
	receive(&r, 5, 60, 5001, 0);
	assert_true(netns_up("g1", false)); /* another name is no other interface */
	assert_int_equal(told(&r, -ENETDOWN), -ENETDOWN);
	run_command("ip link set g1 name g9 && ip link set g9 up");
	assert_int_equal(told(&r, 0), 0);
	send_frames(&r, 5, 60, 5001, 5);
	receive(&r, 5, 60, 5001, 5);
	run_command("ip link del g0");
	assert_int_equal(told(&r, -ENETDOWN), -ENETDOWN);
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, false), -ENETDOWN);
	usleep(150000);
	assert_int_equal(T->rx_burst(r.rq, &r.rb), -ENETDOWN);
	rig_close(&r);
}

/* A slot keeps what it holds; it is lent again when the ring came round. */
static void test_slots_hold_templates(void **state)
{
	uint32_t n = 0, turns;
	struct rig r;

	rig_init(&r, RING(state));
	rig_open(&r);
	turns = r.tq->txr ? (r.tq->txr->n + 49) / 50 : 1;
	for (uint32_t i = 0; i < 2 * turns; i++, n += 50) {
		assert_int_equal(T->tx_slots(r.tq, &r.tb, 50, 60, 1), 50);
		if (i >= turns)
			assert_true(r.tm[0].flags & r.tm[49].flags & SP_M_HELD);
		else if (i + 1 < turns || turns == 1)
			assert_false((r.tm[0].flags | r.tm[49].flags) & SP_M_HELD);
		for (uint32_t k = 0; k < 50; k++)
			put_frame(r.tm[k].data, 60, 5001, n + k);
		send_batch(&r);
		receive(&r, 50, 60, 5001, n);
	}
	T->tx_slots(r.tq, &r.tb, 50, 61, 1);
	assert_false((r.tm[0].flags | r.tm[49].flags) & SP_M_HELD);
	T->tx_slots(r.tq, &r.tb, 50, 60, 2);
	assert_false((r.tm[0].flags | r.tm[49].flags) & SP_M_HELD);
	rig_close(&r);
}

/* What is given up in the middle is not sent, and does not stop the others. */
static void test_given_up(void **state)
{
	struct rig r;

	rig_init(&r, RING(state));
	rig_open(&r);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 40, 60, 1), 40);
	for (uint32_t i = 0; i < 40; i++)
		put_frame(r.tm[i].data, 60, 5001, i < 10 ? i : i < 13 ? 999 : i - 3);
	r.tb.n = 10;
	send_batch(&r);
	r.tb.n = 40;
	assert_int_equal(T->tx_burst(r.tq, &r.tb, 13, true), 27);
	receive(&r, 37, 60, 5001, 0);
	rig_close(&r);
}

/* A device that gives no slot back: frames wait elsewhere, and leave when it does. */
static void test_no_slot_is_free(void **state)
{
	struct sp_tstats s;
	struct rig r;

	rig_init(&r, RING(state));
	rig_open(&r);
	for (uint32_t i = 0; r.tq->txr && i < r.tq->txr->n; i++)
		((struct tpacket2_hdr *)(void *)r.tq->txr->slot[i].at)->tp_status =
			TP_STATUS_SENDING;
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(T->tx_slots(r.tq, &r.tb, 20, 60, 1), 20);
		for (uint32_t i = 0; i < 20; i++)
			put_frame(r.tm[i].data, 60, 5001, 20 * round + i);
		for (uint32_t i = 0; r.tq->txr && !round && i < r.tq->txr->n; i++) {
			if (!i)
				assert_int_equal(T->tx_burst(r.tq, &r.tb, 0, true), -EAGAIN);
			((struct tpacket2_hdr *)(void *)r.tq->txr->slot[i].at)->tp_status =
				TP_STATUS_AVAILABLE;
		}
		send_batch(&r);
		receive(&r, 20, 60, 5001, 20 * round);
	}
	T->stats(r.tq, &s);
	assert_int_equal(s.tx_blocked, r.tq->txr ? 1 : 0);
	assert_int_equal(s.tx_msgs, 40);
	rig_close(&r);
}

/* A socket's super-datagram crosses veth whole, and is what it stands for here. */
static void test_super_frame(void **state)
{
	struct sp_endpoint to = at("10.98.0.2", 9), from;
	struct sockaddr_in6 sa;
	socklen_t len = sp_endpoint_to_sockaddr(&to, (struct sockaddr *)&sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), seg = 100;
	uint32_t got = 0, units = 0, bytes = 0, n;
	uint8_t data[950];
	struct sp_tstats s;
	struct rig r;

	rig_init(&r, RING(state));
	rig_open(&r);
	for (uint32_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i / 100);
	assert_int_equal(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &seg, sizeof seg), 0);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(sendto(fd, data, sizeof data, 0, (struct sockaddr *)&sa, len),
				 sizeof data);
	close(fd);
	for (; got < 2000 && (n = burst(&r)) > 0; T->rx_release(r.rq, &r.rb))
		for (uint32_t i = 0; i < n; i++, got++) {
			const struct sp_msg *m = &r.rm[i];

			assert_true(m->flags & SP_M_SUPER && m->flags & SP_M_CSUM_PARTIAL);
			units += !!(m->flags & SP_M_UNIT);
			bytes += m->len;
			OK(&r, T->peer(r.rq, m->ep, &from, NULL));
			if (!r.rp->vnet)
				got += 9; /* an older kernel tells not how it is cut */
			else
				assert_int_equal(m->data[42], got % 10);
		}
	assert_int_equal(got, 2000);
	assert_int_equal(units, 200);
	assert_int_equal(bytes, 200 * ((r.rp->vnet ? 10 : 1) * 42 + 950));
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_units, 200);
	if (r.rp->vnet)
		assert_int_equal(s.max_seg, 10);
	assert_int_equal(s.rx_truncated, 0);
	rig_close(&r);
}

static void test_filter(void **state)
{
	struct sp_tstats s;
	uint8_t frame[64];
	struct rig r;

	rig_init(&r, RING(state));
	r.conf.filter = "udp port 5002";
	rig_open(&r);
	send_frames(&r, 10, 60, 5001, 0);
	send_frames(&r, 10, 60, 5002, 0);
	receive(&r, 10, 60, 5002, 0);
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_other, 0);
	T->close(r.rp);
	r.conf.filter = "vlan 100"; /* the tag is not in what a filter sees */
	OK(&r, T->open(&r.rp, &r.rx, &r.permit, &r.env, &r.err));
	OK(&r, T->queue(r.rp, 0, &r.rq, &r.err));
	send_frames(&r, 10, 60, 5001, 0);
	for (unsigned tag = 99; tag < 102; tag++) {
		put_frame(frame, 60, 5001, tag);
		memmove(frame + 16, frame + 12, 48);
		sp_put_be32(frame + 12, 0x81000000 + tag);
		assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, 64, 1), 1);
		memcpy(r.tm[0].data, frame, 64);
		send_batch(&r);
	}
	assert_int_equal(burst(&r), 1);
	assert_int_equal(sp_get_be32(r.rm[0].data + 12), 0x81000064);
	T->rx_release(r.rq, &r.rb);
	assert_int_equal(burst(&r), 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY_BOTH(test_frames_arrive),
		BY_BOTH(test_a_bound_port_takes_its_own),
		BY_BOTH(test_vlan_tag_comes_back),
		BY_BOTH(test_partial_checksum),
		BY_BOTH(test_drops_are_counted),
		BY_BOTH(test_too_long),
		BY_BOTH(test_interface_goes),
		BY_BOTH(test_slots_hold_templates),
		BY_BOTH(test_given_up),
		BY_BOTH(test_no_slot_is_free),
		BY_BOTH(test_super_frame),
		BY_BOTH(test_filter),
	};

	if (!netns_enter()) {
		printf("1..0 # SKIP no network namespaces for this user here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, NULL);
}
