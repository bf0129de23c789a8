/* Files of tcpprep: what tcpprep 4.4 wrote, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "source/capture/cache.h"

/* By tcpprep -x P:1-3,6 of nine packets, the first two of which are a client's. */
static const uint8_t file[] = { 't', 'c', 'p', 'p', 'r', 'e', 'p',  0,	  '0', '4',
				0,   0,	  0,   0,   0,	 0,   0,    0,	  0,   9,
				0,   4,	  0,   2,   'h', 'i', 0x2f, 0x08, 0x00 };

static void test_what_it_says(void **state)
{
	static const enum sp_cache_way want[] = { SP_CACHE_PRIMARY,   SP_CACHE_PRIMARY,
						  SP_CACHE_SECONDARY, SP_CACHE_STAYS,
						  SP_CACHE_STAYS,     SP_CACHE_SECONDARY,
						  SP_CACHE_STAYS,     SP_CACHE_STAYS,
						  SP_CACHE_STAYS,     SP_CACHE_UNKNOWN };
	struct sp_cache c;
	struct sp_err err;

	(void)state;
	assert_int_equal(sp_cache_parse(&c, file, sizeof file, "f", &err), 0);
	assert_int_equal(c.n, 9);
	for (unsigned i = 0; i < sizeof want / sizeof *want; i++)
		assert_int_equal(sp_cache_of(&c, i + 1), want[i]);
	assert_int_equal(sp_cache_of(&c, 0), SP_CACHE_UNKNOWN);
	assert_int_equal(sp_cache_of(&c, UINT64_MAX), SP_CACHE_UNKNOWN);
}

static void test_what_is_none(void **state)
{
	static const struct {
		size_t at, len;
		uint8_t octet;
		const char *why;
	} rows[] = {
		{ 0, 29, 'T', "no cache file" }, { 0, 0, 't', "no cache file" },
		{ 0, 20, 't', "header" },	 { 9, 29, '5', "version" },
		{ 21, 29, 8, "4 packets" },	 { 22, 29, 1, "comment" },
		{ 0, 28, 't', "more packets" },	 { 12, 29, 0xff, "more packets" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t data[sizeof file];
		struct sp_cache c;
		struct sp_err err = { 0 };

		memcpy(data, file, sizeof file);
		data[rows[i].at] = rows[i].octet;
		assert_int_equal(sp_cache_parse(&c, data, rows[i].len, "f", &err), -EBADMSG);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		assert_non_null(strstr(err.text, rows[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_it_says),
		cmocka_unit_test(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
