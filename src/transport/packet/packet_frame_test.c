/* What is read from frames and made of them, without a network. */
#include "transport/packet/rig_test.h"

#include "pkt/csum.h"

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

/* A super-frame of 5 segments of 100 bytes and one of 30. */
static void test_split(void **state)
{
	uint8_t super[42 + 530], room[4096];
	struct sp_msg m[8] = { { .data = super, .len = sizeof super, .ep = 3 } };
	uint32_t l3, l4;

	(void)state;
	put_frame(super, sizeof super, 5001, 0);
	for (uint32_t i = 0; i < 530; i++)
		super[42 + i] = (uint8_t)(i / 100);
	m[0].flags = SP_M_UNIT | SP_M_CSUM_OK;
	assert_int_equal(sp_packet_split(m, 5, 100, room, sizeof room), 0);
	assert_int_equal(sp_packet_split(m, 8, 100, room, 6 * 42 + 529), 0);
	assert_int_equal(sp_packet_split(m, 8, 0, room, sizeof room), 0);
	assert_int_equal(sp_packet_split(m, 8, 100, room, 6 * 42 + 530), 6);
	for (uint32_t i = 0; i < 6; i++) {
		uint32_t len = i < 5 ? 100 : 30;

		assert_int_equal(m[i].len, 42 + len);
		assert_int_equal(m[i].ep, 3);
		assert_int_equal(m[i].flags,
				 SP_M_SUPER | SP_M_CSUM_PARTIAL | (i ? 0 : SP_M_UNIT));
		assert_true(sp_frame_udp(m[i].data, m[i].len, &l3, &l4));
		assert_int_equal(sp_get_be16(m[i].data + l3 + 2), 28 + len);
		assert_int_equal(sp_csum_finish(sp_csum_add(0, m[i].data + l3, 20)), 0);
		assert_int_equal(sp_get_be16(m[i].data + l4 + 4), 8 + len);
		assert_int_equal(sp_get_be16(m[i].data + 18), i); /* identification */
		for (uint32_t k = 0; k < len; k++)
			assert_int_equal(m[i].data[42 + k], i);
	}
	super[23] = 6; /* not UDP */
	m[0] = (struct sp_msg){ .data = super, .len = sizeof super };
	assert_int_equal(sp_packet_split(m, 8, 100, room, sizeof room), 0);
}

/* The same over IPv6, behind a tag; its lengths are right. */
static void test_split_v6(void **state)
{
	uint8_t super[66 + 25] = {
		[12] = 0x81, [16] = 0x86, [17] = 0xdd, [18] = 0x60, [24] = 17, [25] = 64
	};
	struct sp_msg m[8] = { { .data = super, .len = sizeof super } };
	uint8_t room[1024];
	uint32_t l3, l4;

	(void)state;
	sp_put_be16(super + 22, 8 + 25);
	sp_put_be16(super + 62, 8 + 25);
	assert_int_equal(sp_packet_split(m, 8, 10, room, sizeof room), 3);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t len = i < 2 ? 10 : 5;

		assert_true(sp_frame_udp(m[i].data, m[i].len, &l3, &l4));
		assert_int_equal(l4, 58);
		assert_int_equal(m[i].len, 66 + len);
		assert_int_equal(sp_get_be16(m[i].data + l3 + 4), 8 + len);
		assert_int_equal(sp_get_be16(m[i].data + l4 + 4), 8 + len);
	}
}

/* A tagged super-frame for which the batch has no room is put once more, as it came. */
static void test_put_twice(void **state)
{
	static uint8_t split[PACKET_SPLIT_ROOM];
	uint8_t buf[64 + 42 + 100] = { 0 }, before[42 + 100], *at = buf + 64;
	struct sp_port port = { .all = true, .iface = { .mtu = 1500 } };
	struct sp_queue q = { .port = &port, .split = split };
	struct sp_msg m[16];
	struct sp_batch b = { .m = m, .cap = 4, .n = 1 };

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		at[i] = (uint8_t)(i + 1);
	at[12] = 8;
	at[14] = 0x45;
	at[23] = 17;
	sp_put_be16(at + 16, 20 + 8 + 100);
	sp_put_be16(at + 38, 8 + 100);
	memcpy(before, at, sizeof before);
	assert_int_equal(sp_endpoints_init(&q.peers, sp_mem_system(), 8, NULL), 0);
	for (unsigned turn = 0; turn < 2; turn++) {
		struct packet_frame f = { .data = at,
					  .len = sizeof before,
					  .status = TP_STATUS_VLAN_VALID,
					  .vlan_tci = 5 };

		f.vnet.gso_type = 5; /* VIRTIO_NET_HDR_GSO_UDP_L4 */
		f.vnet.gso_size = 10;
		assert_true(sp_packet_put(&q, &f, 1, &b) == (turn == 1));
		if (turn == 0)
			assert_memory_equal(at, before, sizeof before);
		b.n = turn == 0 ? 0 : b.n;
		b.cap = 16;
	}
	assert_int_equal(b.n, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_memory_equal(m[i].data, before, 12);
		assert_int_equal(sp_get_be16(m[i].data + 12), 0x8100);
		assert_int_equal(sp_get_be16(m[i].data + 14), 5);
	}
	sp_endpoints_fini(&q.peers, sp_mem_system());
}

static void test_filter_words(void **state)
{
	struct sp_packet_conf conf = { .filter = "vlan and udp port 8000" };
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(T->check(&conf, &err), 0);
	conf.filter = NULL;
	assert_int_equal(T->check(&conf, &err), 0);
	conf.filter = "udp prot 8000";
	assert_int_equal(T->check(&conf, &err), -EINVAL);
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	assert_non_null(strstr(err.text, "filter 'udp prot 8000': "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),	     cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_v6),     cmocka_unit_test(test_put_twice),
		cmocka_unit_test(test_filter_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
