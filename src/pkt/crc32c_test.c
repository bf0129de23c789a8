#include "pkt/crc32c.h"

#include "base/rng.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static uint32_t bit_by_bit(uint32_t crc, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return crc;
}

static void test_vectors(void **state)
{
	uint8_t buf[32];

	(void)state;
	assert_int_equal(sp_crc32c("123456789", 9), 0xe3069283u);
	assert_int_equal(sp_crc32c("", 0), 0);
	/* RFC 3720, B.4 */
	memset(buf, 0, sizeof buf);
	assert_int_equal(sp_crc32c(buf, sizeof buf), 0x8a9136aau);
	memset(buf, 0xff, sizeof buf);
	assert_int_equal(sp_crc32c(buf, sizeof buf), 0x62a8ab43u);
	for (unsigned i = 0; i < sizeof buf; i++)
		buf[i] = (uint8_t)i;
	assert_int_equal(sp_crc32c(buf, sizeof buf), 0x46dd794eu);
}

static void test_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)i;

		assert_int_equal(sp_crc32c_table[i], bit_by_bit(0, &byte, 1));
	}
}

static void test_roads_agree(void **state)
{
	struct sp_rng rng;
	uint8_t buf[300];

	(void)state;
	sp_rng_init(&rng, 1, "crc32c");
	for (int round = 0; round < 2000; round++) {
		size_t off = sp_rng_below(&rng, 8), len = sp_rng_below(&rng, sizeof buf - 8);
		uint32_t init = (uint32_t)sp_rng_u64(&rng), want;

		for (size_t i = 0; i < sizeof buf; i++)
			buf[i] = (uint8_t)sp_rng_u64(&rng);
		want = bit_by_bit(init, buf + off, len);
		assert_int_equal(sp_crc32c_raw_table(init, buf + off, len), want);
		assert_int_equal(sp_crc32c_raw(init, buf + off, len), want);
	}
}

static void test_words_agree(void **state)
{
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 2, "crc32c");
	for (int round = 0; round < 10000; round++) {
		uint64_t w = sp_rng_u64(&rng);
		uint32_t init = (uint32_t)sp_rng_u64(&rng);
		uint32_t want = bit_by_bit(init, (const uint8_t *)&w, sizeof w);

		assert_int_equal(sp_crc32c_word_table(init, w), want);
		if (sp_crc32c_fast())
			assert_int_equal(sp_crc32c_word_fast(init, w), want);
	}
}

static void test_pieces_chain(void **state)
{
	const char *text = "the pieces of a message chain";
	uint32_t whole = sp_crc32c_raw(7, text, 29);

	(void)state;
	for (size_t cut = 0; cut <= 29; cut++)
		assert_int_equal(
			sp_crc32c_raw(sp_crc32c_raw(7, text, cut), text + cut, 29 - cut),
			whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	     cmocka_unit_test(test_table),
		cmocka_unit_test(test_roads_agree),  cmocka_unit_test(test_words_agree),
		cmocka_unit_test(test_pieces_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
