#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "base/units.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		double v;
		enum sp_quantity_unit unit;
	} rows[] = {
		{ "0", 0, SP_QUANTITY_NUMBER },	       { "-2.5", -2.5, SP_QUANTITY_NUMBER },
		{ "1e3", 1000, SP_QUANTITY_NUMBER },   { "1.4K", 1400, SP_QUANTITY_NUMBER },
		{ "64Ki", 65536, SP_QUANTITY_NUMBER }, { "2ms", 2e6, SP_QUANTITY_TIME },
		{ "0.5ns", 0.5, SP_QUANTITY_TIME },    { "1m", 6e10, SP_QUANTITY_TIME },
		{ "1M", 1e6, SP_QUANTITY_NUMBER },     { "-3us", -3e3, SP_QUANTITY_TIME },
		{ "1e-3s", 1e6, SP_QUANTITY_TIME },    { "80B", 80, SP_QUANTITY_NUMBER },
	};
	static const char *const wrong[] = { "",    "x",     "ms",    "1 ms",  "1e",
					     "--1", "1..2s", "nan",   "inf",   "0x10",
					     "2x",  "1e400", "1msec", "1e308h" };
	struct sp_quantity q;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(sp_parse_quantity(rows[i].text, &q), 0);
		assert_true(fabs(q.v - rows[i].v) <= 1e-9 * fabs(rows[i].v));
		assert_int_equal(q.unit, rows[i].unit);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (!sp_parse_quantity(wrong[i], &q))
			fail_msg("'%s' is taken", wrong[i]);
}

/* What is printed reads back as what it was. */
static void test_round_trip(void **state)
{
	struct sp_quantity q = { 2.5e6, SP_QUANTITY_TIME }, back;
	struct sp_rng rng;
	char buf[48];

	(void)state;
	assert_string_equal(sp_format_quantity(buf, sizeof buf, &q), "2500us");
	q = (struct sp_quantity){ 0.1, SP_QUANTITY_NUMBER };
	assert_string_equal(sp_format_quantity(buf, sizeof buf, &q), "0.1");
	sp_rng_init(&rng, 1, NULL);
	for (unsigned i = 0; i < 10000; i++) {
		q.v = (sp_rng_unit(&rng) - 0.5) * pow(10, (double)(i % 40) - 12);
		q.unit = i & 1 ? SP_QUANTITY_TIME : SP_QUANTITY_NUMBER;
		sp_format_quantity(buf, sizeof buf, &q);
		assert_int_equal(sp_parse_quantity(buf, &back), 0);
		assert_true(memcmp(&back.v, &q.v, sizeof q.v) == 0);
		assert_int_equal(back.unit, q.unit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
