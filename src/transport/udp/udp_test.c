/* What is sent arrives: counts, bytes, order, sources, flags. */
#include <stdio.h>
#include <stdlib.h>

#include "transport/udp/rig_test.h"
#include "transport/udp/udp.h"

static const struct sp_transport_ops *const T = &sp_transport_udp;

static void test_single(void **state)
{
	struct sp_endpoint remote, local, sender;
	struct sp_tstats s;
	uint64_t before, after;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	rig_expect(&r, 1);
	rig_prepare(&r, 1, 100, ep, 0);
	before = sp_clock_now(&r.clock);
	rig_send(&r, true);
	assert_int_equal(rig_burst(&r, r.rq), 1);
	after = sp_clock_now(&r.clock);
	rig_check(&r, &r.rm[0]);
	assert_int_equal(r.rm[0].len, 100);
	assert_int_equal(r.rm[0].flags, SP_M_UNIT);
	assert_true(r.rm[0].t_ns + 20000 > before && r.rm[0].t_ns <= after);
	RIG_OK(&r, T->peer(r.rq, r.rm[0].ep, &remote, &local));
	RIG_OK(&r, T->peer(r.tq, ep, NULL, &sender));
	assert_true(sp_endpoint_eq(&remote, &sender));
	assert_true(sp_endpoint_eq(&local, &r.to[0]));
	assert_int_equal(T->peer(r.rq, 7, &remote, NULL), -ENOENT);
	s = rig_stats(r.tq);
	assert_int_equal(s.tx_calls, 1);
	assert_int_equal(s.tx_msgs, 1);
	assert_int_equal(s.tx_bytes, 100);
	s = rig_stats(r.rq);
	assert_int_equal(s.rx_msgs, 1);
	assert_int_equal(s.rx_bytes, 100);
	assert_int_equal(s.max_seg, 1);
	assert_true(s.rx_dropped_known);
	assert_int_equal(s.rx_dropped, 0);
	rig_close(&r);
}

static void test_batch_without_join(void **state)
{
	struct sp_tstats s;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	rig_expect(&r, 600);
	for (uint32_t i = 0; i < 600; i += 150) {
		rig_prepare(&r, 150, 64, ep, i);
		rig_send(&r, false);
		rig_receive(&r, 150);
	}
	s = rig_stats(r.tq);
	assert_int_equal(s.tx_units, 600);
	assert_int_equal(s.tx_msgs, 600);
	assert_int_equal(s.tx_calls, 8); /* 128 + 22, four times */
	assert_int_equal(s.max_seg, 1);
	s = rig_stats(r.rq);
	assert_int_equal(s.rx_units, 600);
	assert_int_equal(s.rx_bytes, 600 * 64);
	rig_close(&r);
}

/* 1,000 datagrams in a few super-datagrams, delivered through a batch smaller than one. */
static void test_join_and_split(void **state)
{
	uint32_t got = 0, units = 0, ep, segs;
	struct sp_tstats s;
	struct sp_tcaps caps;
	struct rig r;

	(void)state;
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	T->caps(r.tp, &caps);
	segs = caps.max_seg;
	assert_true(caps.bits & SP_T_SEGMENT);
	assert_true(segs == 64 || segs == 128);
	rig_expect(&r, 1000);
	rig_prepare(&r, 1000, 64, ep, 0);
	rig_send(&r, true);
	r.rb.cap = 37;
	while (got < 1000) {
		uint32_t n = rig_burst(&r, r.rq), number;

		assert_true(n > 0);
		for (uint32_t i = 0; i < n; i++) {
			memcpy(&number, r.rm[i].data, 4);
			assert_int_equal(number, got + i);
			assert_int_equal(r.rm[i].len, 64);
			assert_true(r.rm[i].flags & SP_M_SUPER);
			assert_int_equal(r.rm[i].ep, r.rm[0].ep);
			units += (r.rm[i].flags & SP_M_UNIT) != 0;
			rig_check(&r, &r.rm[i]);
		}
		got += n;
		T->rx_release(r.rq, &r.rb);
	}
	assert_int_equal(got, 1000);
	s = rig_stats(r.tq);
	assert_int_equal(s.tx_units, (1000 + segs - 1) / segs);
	assert_int_equal(s.tx_calls, 1);
	assert_int_equal(s.tx_msgs, 1000);
	assert_int_equal(s.tx_bytes, 64000);
	assert_int_equal(s.max_seg, segs);
	s = rig_stats(r.rq);
	assert_int_equal(s.rx_units, units);
	assert_int_equal(units, (1000 + segs - 1) / segs);
	assert_int_equal(s.rx_msgs, 1000);
	assert_int_equal(s.max_seg, segs);
	rig_close(&r);
}

static void test_join_large(void **state)
{
	struct sp_tstats s;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	rig_expect(&r, 100);
	rig_prepare(&r, 100, 1400, ep, 0);
	rig_send(&r, true);
	rig_receive(&r, 100);
	s = rig_stats(r.tq);
	assert_int_equal(s.tx_units, 3); /* 46 + 46 + 8: at most 65,507 bytes each */
	assert_int_equal(s.max_seg, 46);
	rig_close(&r);
}

static void test_settings_turn_it_off(void **state)
{
	struct sp_udp_conf conf = { .connect = true };
	struct sp_tcaps caps;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	r.tx.conf = r.rx.conf = &conf;
	ep = rig_open(&r);
	T->caps(r.tp, &caps);
	assert_false(caps.bits & SP_T_SEGMENT);
	assert_int_equal(caps.max_seg, 1);
	assert_string_equal(caps.road, "sendmmsg");
	T->caps(r.rp, &caps);
	assert_string_equal(caps.road, "recvmmsg");
	assert_string_equal(caps.rx_clock, "kernel");
	rig_expect(&r, 100);
	rig_prepare(&r, 100, 64, ep, 0);
	rig_send(&r, true);
	rig_receive(&r, 100);
	assert_int_equal(rig_stats(r.tq).tx_units, 100);
	assert_int_equal(rig_stats(r.rq).rx_units, 100);
	rig_close(&r);
}

/* Neighbours of different length, or with bytes between them, are never joined. */
static void test_mixed_lengths(void **state)
{
	uint32_t got = 0, ep;
	struct rig r;

	(void)state;
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	rig_expect(&r, 120);
	rig_prepare(&r, 120, 200, ep, 0);
	for (uint32_t i = 0; i < 120; i++)
		if (i / 10 % 2) {
			r.tm[i].len = 50 + i;
			rig_fill(&r.tm[i], i);
		}
	rig_send(&r, true);
	while (got < 120) {
		uint32_t n = rig_burst(&r, r.rq), number;

		assert_true(n > 0);
		for (uint32_t i = 0; i < n; i++) {
			memcpy(&number, r.rm[i].data, 4);
			assert_int_equal(r.rm[i].len, number / 10 % 2 ? 50 + number : 200);
			rig_check(&r, &r.rm[i]);
		}
		got += n;
		T->rx_release(r.rq, &r.rb);
	}
	assert_int_equal(got, 120);
	assert_int_equal(rig_stats(r.tq).tx_units, 6 + 60);
	rig_close(&r);
}

static void test_empty_and_largest(void **state)
{
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 2, 0, 1), 2);
	r.tm[0].ep = r.tm[1].ep = ep;
	rig_send(&r, true);
	for (uint32_t got = 0; got < 2; got += r.rb.n, T->rx_release(r.rq, &r.rb)) {
		assert_true(rig_burst(&r, r.rq) > 0);
		assert_int_equal(r.rm[0].len, 0);
		assert_int_equal(r.rm[0].flags, SP_M_UNIT);
	}
	assert_int_equal(T->tx_slots(r.tq, &r.tb, 1, UDP_MAX_LEN + 1, 1), 0);
	rig_expect(&r, 2);
	rig_prepare(&r, 2, UDP_MAX_LEN, ep, 0);
	rig_send(&r, true);
	rig_receive(&r, 2);
	rig_close(&r);
}

static void test_slots_hold_their_template(void **state)
{
	struct sp_batch *b;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	b = &r.tb;
	rig_prepare(&r, 8, 64, ep, 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(r.tm[i].flags & SP_M_HELD, 0);
	b->n = 4; /* only these were filled and sent */
	rig_send(&r, true);
	assert_int_equal(T->tx_slots(r.tq, b, 8, 64, 1), 8);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(r.tm[i].flags & SP_M_HELD, i < 4 ? SP_M_HELD : 0);
		assert_ptr_equal(r.tm[i].data, r.tm[0].data + 64 * i);
	}
	/* refused at the fifth: the rest was filled all the same */
	for (uint32_t i = 0; i < 8; i++)
		r.tm[i].ep = i < 5 ? ep : 99;
	assert_int_equal(T->tx_burst(r.tq, b, 0, false), 5);
	assert_int_equal(T->tx_burst(r.tq, b, 5, false), -EINVAL);
	assert_int_equal(T->tx_slots(r.tq, b, 8, 64, 1), 8);
	assert_int_equal(r.tm[7].flags, SP_M_HELD);
	assert_int_equal(T->tx_slots(r.tq, b, 8, 64, 2), 8); /* another template */
	assert_int_equal(r.tm[0].flags, 0);
	assert_int_equal(T->tx_slots(r.tq, b, 8, 80, 2), 8); /* another length */
	assert_int_equal(r.tm[0].flags, 0);
	assert_int_equal(T->tx_slots(r.tq, b, 1024, 60000, 2), (8u << 20) / 60000);
	assert_int_equal(T->tx_slots(r.tq, b, 1024, 8192, 2), 1024);
	rig_close(&r);
}

static void test_buffers_stay_until_released(void **state)
{
	struct sp_msg kept;
	struct sp_batch b;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	ep = rig_open(&r);
	rig_expect(&r, 2);
	rig_prepare(&r, 1, 64, ep, 0);
	rig_send(&r, false);
	assert_int_equal(rig_burst(&r, r.rq), 1);
	kept = r.rm[0];
	b = r.rb;
	rig_prepare(&r, 1, 64, ep, 1);
	rig_send(&r, false);
	assert_int_equal(T->rx_burst(r.rq, &r.rb), 0);
	rig_check(&r, &kept);
	T->rx_release(r.rq, &b);
	rig_receive(&r, 1);
	rig_close(&r);
}

/* 256 targets have a socket of their own, 44 share one. */
static void test_many_targets(void **state)
{
	struct sp_endpoint at, local, first = { 0 }, second;
	struct rig r;
	uint32_t ep[300], again;

	(void)state;
	rig_init(&r, NULL);
	rig_open_rx(&r);
	rig_open_tx(&r);
	RIG_OK(&r, T->local(r.rp, 0, &at));
	for (uint32_t i = 0; i < 300; i++) {
		struct sp_endpoint to = rig_at("127.0.0.1", at.port);

		to.addr.ip[2] = (uint8_t)(i / 200);
		to.addr.ip[3] = (uint8_t)(1 + i % 200);
		ep[i] = rig_target(&r, &to);
		assert_int_equal(ep[i], i);
		assert_int_equal(T->endpoint(r.tq, &to, &again, &r.err), 0);
		assert_int_equal(again, i); /* same endpoint, same index */
	}
	assert_int_equal(r.tq->n_connected, 256);
	assert_int_equal(r.tq->n_socks, 257);
	RIG_OK(&r, T->peer(r.tq, ep[256], NULL, &first));
	RIG_OK(&r, T->peer(r.tq, ep[299], &second, &local));
	assert_true(sp_endpoint_eq(&first, &local));
	assert_int_equal(second.addr.ip[3], 100);
	rig_expect(&r, 1200);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t at_ep = 0; at_ep < 300; at_ep += 100) {
			rig_prepare(&r, 100, 64, 0, 300 * round + at_ep);
			for (uint32_t i = 0; i < 100; i++)
				r.tm[i].ep = ep[at_ep + i];
			rig_send(&r, round & 1);
			rig_receive(&r, 100);
		}
	}
	assert_int_equal(rig_stats(r.tq).tx_units, 1200);
	rig_close(&r);
}

static void test_joins_within_one_target_only(void **state)
{
	struct sp_endpoint b;
	uint32_t ep[2];
	struct rig r;

	(void)state;
	rig_init(&r, NULL);
	rig_open_rx(&r);
	rig_open_tx(&r);
	RIG_OK(&r, T->local(r.rp, 0, &b));
	for (unsigned i = 0; i < 2; i++) {
		struct sp_endpoint to = rig_at(i ? "127.0.0.2" : "127.0.0.1", b.port);

		ep[i] = rig_target(&r, &to);
	}
	rig_expect(&r, 100);
	rig_prepare(&r, 100, 64, 0, 0);
	for (uint32_t i = 0; i < 100; i++)
		r.tm[i].ep = ep[i / 20 % 2];
	rig_send(&r, true);
	rig_receive(&r, 100);
	assert_int_equal(rig_stats(r.tq).tx_units, 5);
	rig_close(&r);
}

/* The 44 targets beyond 256, and --connect off: joined on the shared socket too. */
static void test_unconnected_join(void **state)
{
	struct sp_udp_conf conf = { .gso = true, .gro = true };
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	r.tx.conf = &conf;
	ep = rig_open(&r);
	assert_int_equal(r.tq->n_connected, 0);
	rig_expect(&r, 128);
	rig_prepare(&r, 128, 300, ep, 0);
	rig_send(&r, true);
	rig_receive(&r, 128);
	assert_true(rig_stats(r.tq).tx_units <= 2);
	rig_close(&r);
}

static void receive_from_both(struct rig *r, uint32_t n)
{
	bool v4 = false, v6 = false;
	uint32_t got = 0;

	while (got < n) {
		struct sp_endpoint from;
		uint32_t k = rig_burst(r, r->rq);

		assert_true(k > 0);
		for (uint32_t i = 0; i < k; i++) {
			rig_check(r, &r->rm[i]);
			RIG_OK(r, T->peer(r->rq, r->rm[i].ep, &from, NULL));
			v4 |= from.addr.family == 4;
			v6 |= from.addr.family == 6;
		}
		got += k;
		T->rx_release(r->rq, &r->rb);
	}
	assert_true(v4 && v6);
}

static void test_both_families(void **state)
{
	struct sp_endpoint at, v4, v6, mapped;
	uint32_t ep4, ep6;
	struct rig r;

	(void)state;
	rig_init(&r, NULL);
	rig_open_rx(&r);
	rig_open_tx(&r);
	RIG_OK(&r, T->local(r.rp, 0, &at));
	assert_int_equal(at.addr.family, 0);
	assert_int_not_equal(at.port, 0);
	assert_int_equal(T->local(r.rp, 1, &v4), -ENOENT);
	v4 = rig_at("127.0.0.1", at.port);
	v6 = rig_at("::1", at.port);
	mapped = rig_at("::ffff:127.0.0.1", at.port);
	ep4 = rig_target(&r, &v4);
	ep6 = rig_target(&r, &v6);
	assert_int_equal(rig_target(&r, &mapped), ep4);
	rig_expect(&r, 200);
	rig_prepare(&r, 200, 100, ep4, 0);
	for (uint32_t i = 100; i < 200; i++)
		r.tm[i].ep = ep6;
	rig_send(&r, true);
	receive_from_both(&r, 200);
	rig_close(&r);
}

static void test_ipv6_only(void **state)
{
	struct sp_tstats s;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "::1");
	ep = rig_open(&r);
	rig_expect(&r, 200);
	rig_prepare(&r, 200, 1200, ep, 0);
	rig_send(&r, true);
	rig_receive(&r, 200);
	s = rig_stats(r.rq);
	assert_int_equal(s.rx_bytes, 200 * 1200);
	assert_true(s.rx_units < 20);
	rig_close(&r);
}

/* Room for three sources: the others are counted without an index. */
static void test_source_table_is_bounded(void **state)
{
	struct sp_endpoint at, from;
	struct rig r;
	int fd[5];

	(void)state;
	rig_init(&r, "127.0.0.1");
	r.rx.max_endpoints = 3;
	rig_open_rx(&r);
	RIG_OK(&r, T->local(r.rp, 0, &at));
	for (int i = 0; i < 5; i++) {
		struct sockaddr_in6 sa;
		socklen_t len = sp_endpoint_to_sockaddr(&at, (struct sockaddr *)&sa);

		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		assert_int_equal(connect(fd[i], (struct sockaddr *)&sa, len), 0);
	}
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5; i++) {
			assert_int_equal(send(fd[i], "abcdefgh", 8, 0), 8);
			assert_int_equal(rig_burst(&r, r.rq), 1);
			assert_int_equal(r.rm[0].ep, i < 3 ? (uint32_t)i : SP_NO_FLOW);
			if (i < 3)
				RIG_OK(&r, T->peer(r.rq, r.rm[0].ep, &from, NULL));
			T->rx_release(r.rq, &r.rb);
		}
	for (int i = 0; i < 5; i++)
		close(fd[i]);
	rig_close(&r);
}

/* A port that sends hears the answers, and knows which target they are from. */
static void test_replies(void **state)
{
	for (int connected = 0; connected < 2; connected++) {
		struct sp_udp_conf conf = { .gso = true, .gro = true, .connect = connected };
		struct sockaddr_in6 sa;
		socklen_t len;
		struct rig r;
		uint32_t ep;

		(void)state;
		rig_init(&r, "127.0.0.1");
		r.tx.rx = true;
		r.tx.conf = &conf;
		ep = rig_open(&r);
		rig_prepare(&r, 1, 32, ep, 0);
		rig_send(&r, false);
		assert_int_equal(rig_burst(&r, r.rq), 1);
		T->rx_release(r.rq, &r.rb);
		len = sp_endpoint_to_sockaddr(&r.rq->peers.at[0].remote,
					      (struct sockaddr *)&sa);
		assert_int_equal(
			sendto(r.rq->socks[0].fd, "answer", 6, 0, (struct sockaddr *)&sa, len),
			6);
		assert_int_equal(rig_burst(&r, r.tq), 1);
		assert_int_equal(r.rm[0].ep, ep);
		assert_memory_equal(r.rm[0].data, "answer", 6);
		T->rx_release(r.tq, &r.rb);
		rig_close(&r);
	}
}

/* What does not fit in the socket's buffer is counted by the kernel, one by one. */
static void test_drops_are_counted(void **state)
{
	struct sp_udp_conf conf = {
		.gso = true, .gro = true, .connect = true, .rcvbuf = 20000
	};
	struct sp_tstats s;
	uint32_t got = 0;
	struct rig r;
	uint32_t ep;

	(void)state;
	rig_init(&r, "127.0.0.1");
	r.rx.conf = &conf;
	ep = rig_open(&r);
	rig_prepare(&r, 200, 1000, ep, 0);
	rig_send(&r, false);
	for (;;) {
		int n = T->rx_burst(r.rq, &r.rb);

		if (n <= 0)
			break;
		got += (uint32_t)n;
		T->rx_release(r.rq, &r.rb);
	}
	s = rig_stats(r.rq);
	assert_true(got < 200);
	assert_int_equal(got, s.rx_msgs);
	assert_int_equal(got + s.rx_dropped, 200);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_batch_without_join),
		cmocka_unit_test(test_join_and_split),
		cmocka_unit_test(test_join_large),
		cmocka_unit_test(test_settings_turn_it_off),
		cmocka_unit_test(test_mixed_lengths),
		cmocka_unit_test(test_empty_and_largest),
		cmocka_unit_test(test_slots_hold_their_template),
		cmocka_unit_test(test_buffers_stay_until_released),
		cmocka_unit_test(test_many_targets),
		cmocka_unit_test(test_joins_within_one_target_only),
		cmocka_unit_test(test_unconnected_join),
		cmocka_unit_test(test_both_families),
		cmocka_unit_test(test_ipv6_only),
		cmocka_unit_test(test_source_table_is_bounded),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_drops_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
