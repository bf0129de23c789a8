#include "engine/opener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void what_is_put_is_got(void **state)
{
	const struct sp_opener in[] = {
		{ SP_OPEN_BULK, 1 },
		{ SP_OPEN_MESSAGES, 0x7fffff },
		{ SP_OPEN_BULK, UINT32_MAX },
	};
	uint8_t bytes[SP_OPENER_LEN];
	struct sp_opener out;

	(void)state;
	for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
		sp_opener_put(&in[i], bytes);
		assert_true(sp_opener_get(bytes, &out));
		assert_int_equal(out.kind, in[i].kind);
		assert_int_equal(out.flow, in[i].flow);
		for (size_t n = 1; n <= SP_OPENER_LEN; n++)
			assert_true(sp_opener_begins(bytes, n));
	}
}

static void no_bit_may_be_wrong(void **state)
{
	const struct sp_opener in = { SP_OPEN_MESSAGES, 77 };
	uint8_t bytes[SP_OPENER_LEN];
	struct sp_opener out;

	(void)state;
	for (unsigned bit = 0; bit < SP_OPENER_LEN * 8; bit++) {
		sp_opener_put(&in, bytes);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(sp_opener_get(bytes, &out));
	}
}

static void other_kinds_are_none(void **state)
{
	uint8_t bytes[SP_OPENER_LEN];
	struct sp_opener out;

	(void)state;
	for (int kind = 0; kind < 256; kind++) {
		struct sp_opener in = { (enum sp_open_kind)kind, 5 };

		sp_opener_put(&in, bytes);
		assert_int_equal(sp_opener_get(bytes, &out),
				 kind == SP_OPEN_BULK || kind == SP_OPEN_MESSAGES);
	}
	assert_false(sp_opener_begins((const uint8_t *)"GET / HTTP/1.1\r\n", 4));
	assert_false(sp_opener_begins((const uint8_t *)"\x16\x03\x01", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_got),
		cmocka_unit_test(no_bit_may_be_wrong),
		cmocka_unit_test(other_kinds_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
