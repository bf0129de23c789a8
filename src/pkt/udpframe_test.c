#include "pkt/udpframe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "pkt/csum.h"

static const uint8_t src_mac[6] = { 2, 0, 0, 0, 0, 1 }, dst_mac[6] = { 2, 0, 0, 0, 0, 2 };

static struct sp_endpoint endpoint(const char *text, uint16_t port)
{
	struct sp_endpoint e = { .port = port };

	assert_int_equal(sp_addr_parse(text, &e.addr), 0);
	return e;
}

/* The header checksum was added up by hand, and a foreign dissector agrees. */
static void ip4_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t want[42] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00,    /* Ethernet */
		0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0x6d, 0xbb, /* IPv4 */
		192, 0, 2, 1, 10, 1, 1, 2,
		0x30, 0x39, 0x13, 0x89, 0, 26, 0, 0,               /* UDP */
	};
	/* clang-format on */
	struct sp_endpoint from = endpoint("192.0.2.1", 12345), to = endpoint("10.1.1.2", 5001);
	struct sp_udp_frame f;
	uint8_t got[60] = { 0 };

	(void)state;
	assert_int_equal(sp_udp_frame_init(&f, src_mac, dst_mac, &from, &to), 0);
	assert_int_equal(f.hdr_len, 42);
	sp_udp_frame_put(&f, got, 60);
	assert_memory_equal(got, want, sizeof want);
}

static void ip6_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t want[62] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, /* Ethernet */
		0x60, 0, 0, 0, 0, 26, 17, 64,                   /* IPv6 */
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0xfd, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
		0x30, 0x39, 0x13, 0x89, 0, 26, 0, 0,            /* UDP */
	};
	/* clang-format on */
	struct sp_endpoint from = endpoint("2001:db8::1", 12345),
			   to = endpoint("fd99::2", 5001);
	struct sp_udp_frame f;
	uint8_t got[80] = { 0 };

	(void)state;
	assert_int_equal(sp_udp_frame_init(&f, src_mac, dst_mac, &from, &to), 0);
	assert_int_equal(f.hdr_len, 62);
	sp_udp_frame_put(&f, got, 80);
	assert_memory_equal(got, want, sizeof want);
}

/* The prepared sums equal those over the bytes, at every length. */
static void sums_equal_those_of_the_bytes(void **state)
{
	struct sp_endpoint from4 = endpoint("255.255.255.254", 65535);
	struct sp_endpoint to4 = endpoint("255.1.255.255", 65534);
	struct sp_endpoint from6 = endpoint("ffff:ffff::ffff", 1), to6 = endpoint("fd99::2", 2);
	static uint8_t got[SP_UDP_FRAME_BIGGEST];
	struct sp_udp_frame f4, f6;

	(void)state;
	assert_int_equal(sp_udp_frame_init(&f4, src_mac, dst_mac, &from4, &to4), 0);
	assert_int_equal(sp_udp_frame_init(&f6, src_mac, dst_mac, &from6, &to6), 0);
	for (uint32_t len = 62; len <= SP_UDP_FRAME_BIGGEST; len += len < 1000 ? 1 : 997) {
		uint16_t udp4 = (uint16_t)(len - 34), udp6 = (uint16_t)(len - 54);

		sp_udp_frame_put(&f4, got, len);
		assert_int_equal(sp_csum_finish(sp_csum_add(0, got + 14, 20)), 0);
		assert_int_equal(sp_csum_fold(sp_udp_frame_sum(&f4, len)),
				 sp_csum_fold(sp_csum_add(
					 sp_csum_pseudo4(from4.addr.ip, to4.addr.ip, 17, udp4),
					 got + 34, 8)));
		sp_udp_frame_put(&f6, got, len);
		assert_int_equal(sp_csum_fold(sp_udp_frame_sum(&f6, len)),
				 sp_csum_fold(sp_csum_add(
					 sp_csum_pseudo6(from6.addr.ip, to6.addr.ip, 17, udp6),
					 got + 54, 8)));
	}
}

static void families_must_agree(void **state)
{
	struct sp_endpoint from = endpoint("192.0.2.1", 1), to = endpoint("fd99::2", 2);
	struct sp_endpoint none = { .port = 1 };
	struct sp_udp_frame f;

	(void)state;
	assert_int_equal(sp_udp_frame_init(&f, src_mac, dst_mac, &from, &to), -EINVAL);
	assert_int_equal(sp_udp_frame_init(&f, src_mac, dst_mac, &none, &none), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_bytes),
		cmocka_unit_test(ip6_bytes),
		cmocka_unit_test(sums_equal_those_of_the_bytes),
		cmocka_unit_test(families_must_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
