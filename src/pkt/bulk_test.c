#include "pkt/bulk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	uint8_t *p = malloc(SP_BULK_PERIOD);

	if (!p)
		return -1;
	sp_bulk_fill(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* What another implementation must make too. */
static void words_are_as_written_down(void **state)
{
	static const uint8_t first[16] = { 0xe2, 0x20, 0xa8, 0x39, 0x7b, 0x1d, 0xcd, 0xaf,
					   0x6e, 0x78, 0x9e, 0x6a, 0xa1, 0xb9, 0x65, 0xf4 };

	assert_memory_equal(*state, first, sizeof first);
}

static void any_piece_checks(void **state)
{
	const uint8_t *p = *state;
	uint8_t around[64];

	assert_int_equal(sp_bulk_check(p, 0, p, SP_BULK_PERIOD), SP_BULK_PERIOD);
	assert_int_equal(sp_bulk_check(p, 12345, p + 12345, 1000), 1000);
	memcpy(around, p + SP_BULK_PERIOD - 32, 32);
	memcpy(around + 32, p, 32);
	assert_int_equal(sp_bulk_check(p, 7ull * SP_BULK_PERIOD - 32, around, 64), 64);
	assert_int_equal(sp_bulk_check(p, 3, p, 0), 0);
}

static void the_first_wrong_byte_is_found(void **state)
{
	const uint8_t *p = *state;
	uint8_t *copy = malloc(SP_BULK_PERIOD);

	assert_non_null(copy);
	for (size_t at = 0; at < SP_BULK_PERIOD; at += 262143) {
		memcpy(copy, p, SP_BULK_PERIOD);
		copy[at] ^= 0x10;
		assert_int_equal(sp_bulk_check(p, 0, copy, SP_BULK_PERIOD), at);
	}
	/* A piece that is missing shows at once, or nearly. */
	assert_true(sp_bulk_check(p, 0, p + 8, 4096) < 8);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_as_written_down),
		cmocka_unit_test(any_piece_checks),
		cmocka_unit_test(the_first_wrong_byte_is_found),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
