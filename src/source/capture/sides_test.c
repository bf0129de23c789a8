#include "source/capture/sides.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define SYN 2
#define ACK 16

/* Ethernet, IPv4 between 10.0.0.A and 10.0.0.B, and TCP, UDP or ICMP. */
static enum sp_side of(struct sp_sides *s, uint8_t proto, uint8_t a, uint16_t sport, uint8_t b,
		       uint16_t dport, uint8_t flags)
{
	uint8_t f[14 + 20 + 20] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	uint8_t *ip = f + 14, *l4 = ip + 20;

	ip[0] = 0x45;
	ip[3] = 40;
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, (uint8_t[]){ 10, 0, 0, a, 10, 0, 0, b }, 8);
	l4[0] = (uint8_t)(sport >> 8);
	l4[1] = (uint8_t)sport;
	l4[2] = (uint8_t)(dport >> 8);
	l4[3] = (uint8_t)dport;
	if (proto == 6) {
		l4[12] = 0x50;
		l4[13] = flags;
	} else if (proto == 17) {
		l4[5] = 20;
	} else {
		memset(l4, 0, 4);
		l4[0] = flags; /* the type */
	}
	return sp_sides_of(s, f, sizeof f);
}

static struct sp_sides *make(const char *rule)
{
	struct sp_sides *s;

	assert_int_equal(sp_sides_check(rule, NULL), 0);
	s = sp_sides_new(rule, sp_mem_system());
	assert_non_null(s);
	return s;
}

static void test_whoever_sent_the_syn(void **state)
{
	struct sp_sides *s = make("auto");

	(void)state;
	/* From a low number to a high one: FTP's data connections. */
	assert_int_equal(of(s, 6, 1, 20, 2, 40000, SYN), SP_SIDE_CLIENT);
	assert_int_equal(of(s, 6, 2, 40000, 1, 20, SYN | ACK), SP_SIDE_SERVER);
	assert_int_equal(of(s, 6, 1, 20, 2, 40000, ACK), SP_SIDE_CLIENT);
	assert_int_equal(of(s, 6, 2, 40000, 1, 20, ACK), SP_SIDE_SERVER);
	/* Its first packet is the server's. */
	assert_int_equal(of(s, 6, 3, 50000, 4, 50001, SYN | ACK), SP_SIDE_SERVER);
	assert_int_equal(of(s, 6, 4, 50001, 3, 50000, ACK), SP_SIDE_CLIENT);
	sp_sides_free(s);
}

static void test_numbers_where_no_syn_was_seen(void **state)
{
	struct sp_sides *s = make("auto");

	(void)state;
	assert_int_equal(of(s, 6, 1, 80, 2, 40000, ACK), SP_SIDE_SERVER);
	assert_int_equal(of(s, 17, 1, 40000, 2, 53, 0), SP_SIDE_CLIENT);
	assert_int_equal(of(s, 17, 2, 53, 1, 40000, 0), SP_SIDE_SERVER);
	assert_int_equal(of(s, 17, 1, 8000, 2, 9000, 0), SP_SIDE_SERVER);
	/* Of equal numbers whoever comes first asks. */
	assert_int_equal(of(s, 17, 5, 5000, 6, 5000, 0), SP_SIDE_CLIENT);
	assert_int_equal(of(s, 17, 6, 5000, 5, 5000, 0), SP_SIDE_SERVER);
	assert_int_equal(of(s, 17, 5, 5000, 6, 5000, 0), SP_SIDE_CLIENT);
	sp_sides_reset(s);
	assert_int_equal(of(s, 17, 6, 5000, 5, 5000, 0), SP_SIDE_CLIENT);
	sp_sides_free(s);
}

static void test_echo(void **state)
{
	struct sp_sides *s = make("auto");

	(void)state;
	assert_int_equal(of(s, 1, 1, 0, 2, 0, 0), SP_SIDE_SERVER);
	assert_int_equal(of(s, 1, 2, 0, 1, 0, 8), SP_SIDE_CLIENT);
	sp_sides_free(s);
}

static void test_what_nothing_tells(void **state)
{
	struct sp_sides *c = make("client"), *s = make("server");

	(void)state;
	assert_int_equal(of(c, 17, 1, 9000, 2, 8000, 0), SP_SIDE_CLIENT);
	assert_int_equal(of(c, 17, 2, 7000, 3, 8000, 0), SP_SIDE_CLIENT);
	assert_int_equal(of(s, 17, 1, 9000, 2, 8000, 0), SP_SIDE_SERVER);
	assert_int_equal(of(s, 17, 2, 8000, 1, 9000, 0), SP_SIDE_CLIENT);
	assert_int_equal(of(s, 17, 1, 9000, 2, 53, 0), SP_SIDE_CLIENT);
	sp_sides_free(c);
	sp_sides_free(s);
}

static void test_numbers_alone(void **state)
{
	struct sp_sides *s = make("port");

	(void)state;
	assert_int_equal(of(s, 6, 1, 20, 2, 40000, SYN), SP_SIDE_SERVER);
	assert_int_equal(of(s, 6, 1, 40000, 2, 20, 0), SP_SIDE_CLIENT);
	sp_sides_free(s);
}

static void test_addresses(void **state)
{
	struct sp_sides *s = make("10.0.0.64/26,10.0.0.7");

	(void)state;
	assert_int_equal(of(s, 6, 100, 40000, 1, 80, SYN), SP_SIDE_SERVER);
	assert_int_equal(of(s, 6, 7, 40000, 1, 80, SYN), SP_SIDE_SERVER);
	assert_int_equal(of(s, 6, 1, 80, 100, 40000, 0), SP_SIDE_CLIENT);
	sp_sides_free(s);
}

static void test_what_is_not_ip(void **state)
{
	static const uint8_t arp[60] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6 };
	struct sp_sides *s = make("auto");

	(void)state;
	assert_int_equal(sp_sides_of(s, arp, sizeof arp), SP_SIDE_CLIENT);
	assert_int_equal(sp_sides_of(s, arp, 14), SP_SIDE_CLIENT);
	sp_sides_free(s);
}

static void test_words_that_are_none(void **state)
{
	static const char *const wrong[] = {
		"", "both", "10.0.0.1/8", "10.0.0.0/8,", "10.0.0.0/8,,", "auto,10.0.0.0/8"
	};

	(void)state;
	assert_int_equal(sp_sides_check(wrong[0], NULL), -EINVAL);
	assert_int_equal(sp_sides_check(wrong[1], NULL), -EINVAL);
	assert_int_equal(sp_sides_check(wrong[2], NULL), -EINVAL);
	assert_int_equal(sp_sides_check(wrong[4], NULL), -EINVAL);
	assert_int_equal(sp_sides_check(wrong[5], NULL), -EINVAL);
}

static void test_memory_fails(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 2; n++) {
		struct sp_mem_test mem;

		sp_mem_test_init(&mem, n);
		assert_null(sp_sides_new("auto", &mem.mem));
		assert_int_equal(mem.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whoever_sent_the_syn),
		cmocka_unit_test(test_numbers_where_no_syn_was_seen),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_what_nothing_tells),
		cmocka_unit_test(test_numbers_alone),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_what_is_not_ip),
		cmocka_unit_test(test_words_that_are_none),
		cmocka_unit_test(test_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
