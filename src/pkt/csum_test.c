#include "pkt/csum.h"

#include "base/rng.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

/* Straight from RFC 1071: big-endian words, carry added at the end. Big-endian result. */
static uint16_t plain(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (uint64_t)p[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void random_bytes(struct sp_rng *rng, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)sp_rng_u64(rng);
}

static void test_vectors(void **state)
{
	/* RFC 1071, section 3 */
	const uint8_t rfc[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	/* An IPv4 header whose checksum is b861. */
	const uint8_t ip[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
			       0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };
	uint8_t blank[20];
	uint16_t c = sp_csum_fold(sp_csum_add(0, rfc, sizeof rfc));

	(void)state;
	assert_int_equal(sp_get_be16(&c), 0xddf2);
	assert_int_equal(sp_csum_finish(sp_csum_add(0, ip, sizeof ip)), 0);
	memcpy(blank, ip, sizeof blank);
	memset(blank + 10, 0, 2);
	c = sp_csum_finish(sp_csum_add(0, blank, sizeof blank));
	assert_memory_equal(&c, ip + 10, 2);
}

static void test_random(void **state)
{
	struct sp_rng rng;
	uint8_t buf[2000];

	(void)state;
	sp_rng_init(&rng, 1, "csum");
	for (int round = 0; round < 2000; round++) {
		size_t len = sp_rng_below(&rng, sizeof buf - 3), off = sp_rng_below(&rng, 4);
		size_t cut = sp_rng_below(&rng, len + 1) & ~1ul;
		uint16_t c, chained;

		random_bytes(&rng, buf, sizeof buf);
		c = sp_csum_finish(sp_csum_add(0, buf + off, len));
		assert_int_equal(sp_get_be16(&c), plain(buf + off, len));
		chained = sp_csum_finish(sp_csum_add(sp_csum_add(0, buf + off, cut),
						     buf + off + cut, len - cut));
		assert_int_equal(chained, c);
	}
}

static void test_extremes(void **state)
{
	static uint8_t ones[65536];

	(void)state;
	assert_int_equal(sp_csum_fold(0), 0);
	assert_int_equal(sp_csum_fold(UINT64_MAX), 0xffff);
	assert_int_equal(sp_csum_fold(0x10000), 1);
	memset(ones, 0xff, sizeof ones);
	assert_int_equal(sp_csum_fold(sp_csum_add(0, ones, sizeof ones)), 0xffff);
	assert_int_equal(sp_csum_finish(0xffff), 0);
	assert_int_equal(sp_csum_finish_udp(0xffff), 0xffff);
	assert_int_equal(sp_csum_finish_udp(0xfffe), 1);
}

static void test_pseudo(void **state)
{
	struct sp_rng rng;
	uint8_t head[40], l4[99];

	(void)state;
	sp_rng_init(&rng, 2, "csum");
	for (int round = 0; round < 500; round++) {
		uint8_t flat[40 + sizeof l4] = { 0 };
		uint16_t c4, c6;
		uint64_t sum;

		random_bytes(&rng, head, sizeof head);
		random_bytes(&rng, l4, sizeof l4);
		sum = sp_csum_add(0, l4, sizeof l4);
		c4 = sp_csum_finish(sum + sp_csum_pseudo4(head, head + 4, 17, sizeof l4));
		memcpy(flat, head, 8);
		flat[9] = 17;
		flat[11] = sizeof l4;
		memcpy(flat + 12, l4, sizeof l4);
		assert_int_equal(sp_get_be16(&c4), plain(flat, 12 + sizeof l4));

		c6 = sp_csum_finish(sum + sp_csum_pseudo6(head, head + 16, 6, sizeof l4));
		memcpy(flat, head, 32);
		memset(flat + 32, 0, 8);
		flat[35] = sizeof l4;
		flat[39] = 6;
		memcpy(flat + 40, l4, sizeof l4);
		assert_int_equal(sp_get_be16(&c6), plain(flat, 40 + sizeof l4));
	}
}

static void test_delta(void **state)
{
	struct sp_rng rng;
	uint8_t buf[64], new[64];

	(void)state;
	sp_rng_init(&rng, 3, "csum");
	for (int round = 0; round < 20000; round++) {
		size_t off = sp_rng_below(&rng, 31) * 2;
		size_t len = 1 + sp_rng_below(&rng, 64 - off);
		uint16_t before, after, want;

		random_bytes(&rng, buf, sizeof buf);
		memcpy(new, buf, sizeof new);
		random_bytes(&rng, new + off, len);
		before = sp_csum_finish(sp_csum_add(0, buf, sizeof buf));
		want = sp_csum_finish(sp_csum_add(0, new, sizeof new));
		after = sp_csum_delta(before, sp_csum_add(0, buf + off, len),
				      sp_csum_add(0, new + off, len));
		assert_int_equal(after, want);
	}
}

/* RFC 1624, section 4: the case that the older equation got wrong. */
static void test_delta_rfc1624(void **state)
{
	assert_int_equal(sp_csum_delta(0xdd2f, 0x5555, 0x3285), 0x0000);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	 cmocka_unit_test(test_random),
		cmocka_unit_test(test_extremes), cmocka_unit_test(test_pseudo),
		cmocka_unit_test(test_delta),	 cmocka_unit_test(test_delta_rfc1624),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
