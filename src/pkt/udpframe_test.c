#include "pkt/udpframe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pkt/patch.h"

static struct sp_endpoint endpoint(const char *text, uint16_t port)
{
	struct sp_endpoint e = { .port = port };

	assert_int_equal(sp_addr_parse(text, &e.addr), 0);
	return e;
}

/* A packet of len octets, its payload zeros. */
static void made(const struct sp_endpoint *from, const struct sp_endpoint *to, uint8_t *got,
		 uint32_t len)
{
	static uint8_t zeros[2048];
	struct sp_rows rows = { .bytes = zeros, .n = 1, .len = sizeof zeros };
	struct sp_patch_conf conf = { .max_len = len, .max_batch = 1, .rows = &rows };
	struct sp_msg m = { .data = got, .len = len };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
	struct sp_template t;
	struct sp_patch *p;

	assert_int_equal(sp_udp_template(&t, from, to, sp_mem_system()), 0);
	assert_int_equal(sp_patch_new(&p, &t, &conf, sp_mem_system()), 0);
	sp_patch_fill(p, &b, 0);
	sp_patch_free(p);
	sp_template_free(&t);
}

/* The checksums were added up by hand, and a foreign dissector agrees. */
static void ip4_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t want[28] = {
		0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0x6d, 0xbb, /* IPv4 */
		192, 0, 2, 1, 10, 1, 1, 2,
		0x30, 0x39, 0x13, 0x89, 0, 26, 0xee, 0xf3,         /* UDP */
	};
	/* clang-format on */
	struct sp_endpoint from = endpoint("192.0.2.1", 12345), to = endpoint("10.1.1.2", 5001);
	uint8_t got[46];

	(void)state;
	made(&from, &to, got, sizeof got);
	assert_memory_equal(got, want, sizeof want);
}

static void ip6_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t want[46] = {
		0x60, 0, 0, 0, 0, 26, 17, 64,                   /* IPv6 */
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0xfd, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
		0x30, 0x39, 0x13, 0x89, 0, 26,                  /* UDP */
	};
	/* clang-format on */
	struct sp_endpoint from = endpoint("2001:db8::1", 12345),
			   to = endpoint("fd99::2", 5001);
	uint8_t got[66];

	(void)state;
	made(&from, &to, got, sizeof got);
	assert_memory_equal(got, want, sizeof want);
}

static void families_must_agree(void **state)
{
	struct sp_endpoint from = endpoint("192.0.2.1", 1), to = endpoint("fd99::2", 2);
	struct sp_endpoint none = { .port = 1 };
	struct sp_template t;

	(void)state;
	assert_int_equal(sp_udp_template(&t, &from, &to, sp_mem_system()), -EINVAL);
	sp_template_free(&t);
	assert_int_equal(sp_udp_template(&t, &none, &none, sp_mem_system()), -EINVAL);
	sp_template_free(&t);
}

static void survives_a_lack_of_memory(void **state)
{
	struct sp_endpoint from = endpoint("192.0.2.1", 1), to = endpoint("10.0.0.1", 2);
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		struct sp_mem_test test;
		struct sp_template t;

		sp_mem_test_init(&test, n);
		rc = sp_udp_template(&t, &from, &to, &test.mem);
		assert_true(rc == 0 || rc == -ENOMEM);
		sp_template_free(&t);
		assert_int_equal(test.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_bytes),
		cmocka_unit_test(ip6_bytes),
		cmocka_unit_test(families_must_agree),
		cmocka_unit_test(survives_a_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
