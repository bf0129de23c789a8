#include "base/json.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

static void write_sample(struct sp_json *j)
{
	sp_json_open(j, NULL, '{');
	sp_json_str(j, "name", "a \"b\" \\ \n\x01\x7f");
	sp_json_u64(j, "big", UINT64_MAX);
	sp_json_i64(j, "small", INT64_MIN);
	sp_json_open(j, "list", '[');
	sp_json_real(j, NULL, 0.1);
	sp_json_bool(j, NULL, true);
	sp_json_bool(j, NULL, false);
	sp_json_null(j, NULL);
	sp_json_open(j, NULL, '{');
	sp_json_close(j, '}');
	sp_json_open(j, NULL, '[');
	sp_json_close(j, ']');
	sp_json_close(j, ']');
	sp_json_str(j, "none", NULL);
	sp_json_close(j, '}');
}

static void test_shape(void **state)
{
	static const char line[] =
		"{\"name\":\"a \\\"b\\\" \\\\ \\n\\u0001\\u007f\","
		"\"big\":18446744073709551615,\"small\":-9223372036854775808,"
		"\"list\":[0.1,true,false,null,{},[]],\"none\":null}";
	static const char pretty[] = "{\n"
				     "  \"name\": \"a \\\"b\\\" \\\\ \\n\\u0001\\u007f\",\n"
				     "  \"big\": 18446744073709551615,\n"
				     "  \"small\": -9223372036854775808,\n"
				     "  \"list\": [\n"
				     "    0.1,\n"
				     "    true,\n"
				     "    false,\n"
				     "    null,\n"
				     "    {},\n"
				     "    []\n"
				     "  ],\n"
				     "  \"none\": null\n"
				     "}";
	struct sp_str s;
	struct sp_json j;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	sp_json_init(&j, &s, 0);
	write_sample(&j);
	assert_string_equal(s.text, line);
	sp_str_clear(&s);
	sp_json_init(&j, &s, 2);
	write_sample(&j);
	assert_string_equal(s.text, pretty);
	/* Outermost values have no comma between: one document a line. */
	sp_str_clear(&s);
	sp_json_init(&j, &s, 0);
	sp_json_u64(&j, NULL, 1);
	sp_str_puts(&s, "\n");
	sp_json_u64(&j, NULL, 2);
	assert_string_equal(s.text, "1\n2");
	sp_str_fini(&s);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	for (uint64_t fail = 0; fail < 3; fail++) {
		struct sp_mem_test t;
		struct sp_json j;
		struct sp_str s;

		sp_mem_test_init(&t, fail);
		sp_str_init(&s, &t.mem);
		sp_json_init(&j, &s, 2);
		write_sample(&j);
		assert_true(s.failed);
		sp_str_fini(&s);
		assert_int_equal(t.live, 0);
	}
}

static const char *text_of(struct sp_str *s, double v)
{
	struct sp_json j;

	sp_str_clear(s);
	sp_json_init(&j, s, 0);
	sp_json_real(&j, NULL, v);
	return s->text;
}

static void test_reals(void **state)
{
	static const struct {
		double v;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ -0.0, "-0" },
		{ 1, "1" },
		{ -1.5, "-1.5" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 100.0, "100" },
		{ 1e15, "1e15" },
		{ 123456789012345680.0, "1.2345678901234568e17" },
		{ 1e-7, "1e-7" },
		{ 1e100, "1e100" },
		{ DBL_MAX, "1.7976931348623157e308" },
		{ DBL_MIN, "2.2250738585072014e-308" },
		{ 5e-324, "5e-324" },
		{ NAN, "null" },
		{ INFINITY, "null" },
		{ -INFINITY, "null" },
	};
	struct sp_str s;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(text_of(&s, rows[i].v), rows[i].text);
	sp_str_fini(&s);
}

/* Any bits: the text is JSON, and reads back to the same bits. */
static void test_reals_round_trip(void **state)
{
	struct sp_str s;
	struct sp_rng r;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	sp_rng_init(&r, 11, "reals");
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = sp_rng_u64(&r);
		double v, back;
		json_t *doc;

		memcpy(&v, &bits, sizeof v);
		if (i & 1)
			v = (double)(int64_t)sp_rng_below(&r, 1000000000) / 1000;
		if (!isfinite(v))
			continue;
		doc = json_loads(text_of(&s, v), JSON_DECODE_ANY, NULL);
		assert_non_null(doc);
		back = json_number_value(doc);
		assert_memory_equal(&v, &back, sizeof v);
		json_decref(doc);
	}
	sp_str_fini(&s);
}

/* Where a comma is the decimal sign; such a locale is not installed everywhere. */
static void test_foreign_locale(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fa_IR",
					     "ps_AF.UTF-8" };
	struct sp_str s;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!setlocale(LC_ALL, names[i]))
			continue;
		assert_string_equal(text_of(&s, 0.1 + 0.2), "0.30000000000000004");
		assert_string_equal(text_of(&s, -1.5e300), "-1.5e300");
	}
	setlocale(LC_ALL, "C");
	sp_str_fini(&s);
}

/* Any bytes make a string that a JSON reader takes, with the valid part unchanged. */
static void test_random_strings(void **state)
{
	struct sp_str s;
	struct sp_rng r;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	sp_rng_init(&r, 12, "strings");
	for (int round = 0; round < 20000; round++) {
		char in[24], want[80] = "";
		size_t n = sp_rng_below(&r, sizeof in), at = 0;
		struct sp_json j;
		json_t *doc;

		for (size_t i = 0; i < n; i++)
			in[i] = (char)(1 + sp_rng_below(&r, round & 1 ? 255 : 127));
		in[n] = '\0';
		for (size_t i = 0; i < n;) {
			size_t len = sp_utf8_len(in + i);

			memcpy(want + at, len ? in + i : "\xef\xbf\xbd", len ? len : 3);
			at += len ? len : 3;
			i += len ? len : 1;
		}
		sp_str_clear(&s);
		sp_json_init(&j, &s, 0);
		sp_json_open(&j, NULL, '[');
		sp_json_str(&j, NULL, in);
		sp_json_close(&j, ']');
		for (const char *p = s.text; *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		doc = json_loads(s.text, 0, NULL);
		assert_non_null(doc);
		assert_string_equal(json_string_value(json_array_get(doc, 0)), want);
		json_decref(doc);
	}
	sp_str_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),	       cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_reals),	       cmocka_unit_test(test_reals_round_trip),
		cmocka_unit_test(test_foreign_locale), cmocka_unit_test(test_random_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
