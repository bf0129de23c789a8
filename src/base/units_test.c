#include "base/units.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

#define PPS SP_RATE_PPS, SP_LAYER_DEFAULT
#define BPS SP_RATE_BPS, SP_LAYER_DEFAULT

static void test_rates(void **state)
{
	static const struct {
		const char *text;
		enum sp_rate_kind kind;
		enum sp_layer layer;
		uint64_t micro;
		const char *canonical;
	} rows[] = {
		{ "100", PPS, 100000000u, "100pps" },
		{ "100pps", PPS, 100000000u, "100pps" },
		{ "100 pps", PPS, 100000000u, "100pps" },
		{ "50k", PPS, 50000000000u, "50kpps" },
		{ "50K", PPS, 50000000000u, "50kpps" },
		{ "50kpps", PPS, 50000000000u, "50kpps" },
		{ "1.5Mpps", PPS, 1500000000000u, "1500kpps" },
		{ "1.44mPPS", PPS, 1440000000000u, "1440kpps" },
		{ "1Gpps", PPS, 1000000000000000u, "1Gpps" },
		{ "1Ki", PPS, 1024000000u, "1024pps" },
		{ "1Mipps", PPS, 1048576000000u, "1048576pps" },
		{ "0.5", PPS, 500000u, "0.5pps" },
		{ ".5pps", PPS, 500000u, "0.5pps" },
		{ "0.000001pps", PPS, 1, "0.000001pps" },
		{ "33.333333", PPS, 33333333u, "33.333333pps" },
		{ "0.00000000000000000001T", 0, 0, 0, NULL },
		{ "000100", PPS, 100000000u, "100pps" },
		{ "1.50000000000000000000000000000000000000000000000000", PPS, 1500000u,
		  "1.5pps" },
		{ "100Mbit/s", BPS, 100000000000000u, "100Mbit/s" },
		{ "2Gbit/s", BPS, 2000000000000000u, "2Gbit/s" },
		{ "2gbps", BPS, 2000000000000000u, "2Gbit/s" },
		{ "9600bit/s", BPS, 9600000000u, "9600bit/s" },
		{ "64kbps", BPS, 64000000000u, "64kbit/s" },
		{ "1Gibit/s", BPS, 1073741824000000u, "1073741824bit/s" },
		{ "1Mibps", BPS, 1048576000000u, "1048576bit/s" },
		{ "1Tbit/s", BPS, 1000000000000000000u, "1Tbit/s" },
		{ "1000Gbit/s", BPS, 1000000000000000000u, "1Tbit/s" },
		{ "1Gbit/s@l1", SP_RATE_BPS, SP_LAYER_L1, 1000000000000000u, "1Gbit/s@l1" },
		{ "1Gbps@L2", SP_RATE_BPS, SP_LAYER_L2, 1000000000000000u, "1Gbit/s@l2" },
		{ "1bit/s@l3", SP_RATE_BPS, SP_LAYER_L3, 1000000u, "1bit/s@l3" },
		{ "1.5bit/s@l7", SP_RATE_BPS, SP_LAYER_L7, 1500000u, "1.5bit/s@l7" },
		{ "max", SP_RATE_MAX, SP_LAYER_DEFAULT, 0, "max" },
		{ "MAX", SP_RATE_MAX, SP_LAYER_DEFAULT, 0, "max" },
	};
	struct sp_rate r;
	char buf[48];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int rc = sp_parse_rate(rows[i].text, &r);

		if (!rows[i].canonical) {
			assert_int_equal(rc, -EINVAL);
			continue;
		}
		if (rc)
			fail_msg("%s: %d", rows[i].text, rc);
		assert_int_equal(r.kind, rows[i].kind);
		assert_int_equal(r.layer, rows[i].layer);
		assert_int_equal(r.micro, rows[i].micro);
		assert_string_equal(sp_format_rate(buf, sizeof buf, &r), rows[i].canonical);
	}
	assert_string_equal(sp_format_rate(buf, sizeof buf, &(struct sp_rate){ 0 }), "none");
}

static void test_refused_rates(void **state)
{
	static const char *const invalid[] = {
		"",
		" ",
		"pps",
		"-1",
		"+1",
		"1e3",
		"nan",
		"inf",
		"0x10",
		"1,5",
		"1.",
		"1.pps",
		".",
		"..5",
		"1.2.3",
		"0",
		"0pps",
		"0.0",
		"0Gbit/s",
		"0.0000001",
		"100 ",
		" 100",
		"100  pps",
		"100ppss",
		"100xpps",
		"100kkpps",
		"100pp",
		"100s",
		"100B",
		"100bit",
		"100k/s",
		"100pps@l2",
		"100@l1",
		"max@l1",
		"max ",
		"1Gbit/s@l4",
		"1Gbit/s@",
		"1Gbit/s@l1@l2",
		"1Gbit/s @l1",
		"1.0000001Kibit/s",
		"1pps\n",
		"1\xc2\xb5pps",
		"99999999999999999999999999999999999999999999999apples",
	};
	static const char *const large[] = {
		"1000001Mpps",
		"1.000000000000000001Tbit/s",
		"1Tipps",
		"18446744073710",
		"99999999999999999999999999999999999999999999999",
		"340282366920938463463374607431768211456pps",
		"340282366920938463463374607431768211455Tbit/s",
	};
	struct sp_rate r = { .micro = 42 };

	(void)state;
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
		if (sp_parse_rate(invalid[i], &r) != -EINVAL)
			fail_msg("'%s' was not refused", invalid[i]);
	for (size_t i = 0; i < sizeof large / sizeof *large; i++)
		if (sp_parse_rate(large[i], &r) != -ERANGE)
			fail_msg("'%s' was not too large", large[i]);
	assert_int_equal(r.micro, 42);
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
		const char *canonical;
	} rows[] = {
		{ "0", 0, "0s" },
		{ "10", 10000000000u, "10s" },
		{ "500ms", 500000000u, "500ms" },
		{ "1.5s", 1500000000u, "1500ms" },
		{ "20us", 20000u, "20us" },
		{ "100ns", 100u, "100ns" },
		{ "1ns", 1u, "1ns" },
		{ "2m", 120000000000u, "2m" },
		{ "2min", 120000000000u, "2m" },
		{ "90s", 90000000000u, "90s" },
		{ "1h", 3600000000000u, "1h" },
		{ "1.5h", 5400000000000u, "90m" },
		{ "1D", 86400000000000u, "1d" },
		{ "0.000000001", 1u, "1ns" },
		{ "1.000000001s", 1000000001u, "1000000001ns" },
		{ "18446744073.709551615", UINT64_MAX, "18446744073709551615ns" },
	};
	static const char *const wrong[] = { "",     "s",   "-1s",   "1.",
					     "1sec", "1 2", "0.1ns", "0.0000000001",
					     "5mm",  "1e3", "1s " };
	uint64_t ns = 7;
	char buf[48];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(sp_parse_time(wrong[i], &ns), -EINVAL);
	assert_int_equal(sp_parse_time("18446744073.709551616", &ns), -ERANGE);
	assert_int_equal(sp_parse_time("1000000d", &ns), -ERANGE);
	assert_int_equal(ns, 7);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(sp_parse_time(rows[i].text, &ns), 0);
		assert_int_equal(ns, rows[i].ns);
		assert_string_equal(sp_format_time(buf, sizeof buf, ns), rows[i].canonical);
	}
}

static void test_sizes_and_counts(void **state)
{
	static const struct {
		const char *text;
		uint64_t v;
	} rows[] = {
		{ "0", 0 },
		{ "1400", 1400 },
		{ "64K", 64000 },
		{ "64k", 64000 },
		{ "1Mi", 1048576 },
		{ "1.5Gi", 1610612736 },
		{ "0.000000000931322574615478515625Gi", 1 },
		{ "2T", 2000000000000u },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const struct {
		const char *text;
		uint64_t v;
	} bytes[] = { { "10MB", 10000000 }, { "10MiB", 10485760 }, { "64KB", 64000 },
		      { "64KiB", 65536 },   { "9B", 9 },	   { "9 b", 9 } };
	static const char *const wrong[] = { "",	"B",	 "-5",	 "1.5",
					     "0.5B",	"10MBB", "10BM", "10bytes",
					     "0.0001K", "1_000", "1e6",	 "5 " };
	uint64_t v, w;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(sp_parse_u64(rows[i].text, &v), 0);
		assert_int_equal(sp_parse_size(rows[i].text, &w), 0);
		assert_int_equal(v, rows[i].v);
		assert_int_equal(w, rows[i].v);
	}
	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
		assert_int_equal(sp_parse_size(bytes[i].text, &v), 0);
		assert_int_equal(v, bytes[i].v);
		assert_int_equal(sp_parse_u64(bytes[i].text, &v), -EINVAL);
	}
	v = 7;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(sp_parse_size(wrong[i], &v), -EINVAL);
		assert_int_equal(sp_parse_u64(wrong[i], &v), -EINVAL);
	}
	assert_int_equal(sp_parse_u64("18446744073709551616", &v), -ERANGE);
	assert_int_equal(sp_parse_size("16777216Ti", &v), -ERANGE);
	assert_int_equal(v, 7);
}

static void test_reals_and_ratios(void **state)
{
	static const char *const no_real[] = { "",    "-",  "+",  "1.", ".",   "nan", "inf",
					       "0x1", " 1", "1 ", "1e", "1e+", "--1", "1,5" };
	static const char *const no_ratio[] = { "",    "-0.1",	"+0.1", "%",  "1 %",
						"1%%", "1e-1%", "nan",	"1%x" };
	double v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof no_real / sizeof *no_real; i++)
		assert_int_equal(sp_parse_real(no_real[i], &v), -EINVAL);
	for (size_t i = 0; i < sizeof no_ratio / sizeof *no_ratio; i++)
		assert_int_equal(sp_parse_ratio(no_ratio[i], &v), -EINVAL);
	assert_int_equal(sp_parse_real("1e999", &v), -ERANGE);
	assert_int_equal(sp_parse_ratio("1.01", &v), -ERANGE);
	assert_int_equal(sp_parse_ratio("100.1%", &v), -ERANGE);
	assert_true(v == 7);
	assert_true(sp_parse_real("-1.5e-3", &v) == 0 && v == -1.5e-3);
	assert_true(sp_parse_real("+.7", &v) == 0 && v == .7);
	assert_true(sp_parse_real("12345678901234567890123456789012345678901234567890", &v) ==
			    0 &&
		    v == 12345678901234567890123456789012345678901234567890.0);
	assert_true(sp_parse_ratio("1%", &v) == 0 && v == 0.01);
	assert_true(sp_parse_ratio("0.1%", &v) == 0 && v == 0.001);
	assert_true(sp_parse_ratio("0.7%", &v) == 0 && v == 0.007);
	assert_true(sp_parse_ratio("100%", &v) == 0 && v == 1);
	assert_true(sp_parse_ratio("1e-6", &v) == 0 && v == 1e-6);
	assert_true(sp_parse_ratio("0", &v) == 0 && v == 0);
}

static void test_foreign_locale(void **state)
{
	double v;
	char buf[48];

	(void)state;
	/* Where it is not installed this says nothing; it still holds then. */
	if (!setlocale(LC_ALL, "de_DE.UTF-8"))
		setlocale(LC_ALL, "fr_FR.UTF-8");
	assert_true(sp_parse_real("1.5", &v) == 0 && v == 1.5);
	assert_string_equal(sp_human_pps(buf, sizeof buf, 1.44e6), "1.44 Mpps");
	setlocale(LC_ALL, "C");
}

static void test_human(void **state)
{
	char b[48];

	(void)state;
	assert_string_equal(sp_human_pps(b, sizeof b, 1.44e6), "1.44 Mpps");
	assert_string_equal(sp_human_pps(b, sizeof b, 0), "0 pps");
	assert_string_equal(sp_human_pps(b, sizeof b, 100), "100 pps");
	assert_string_equal(sp_human_pps(b, sizeof b, 99.96), "100 pps");
	assert_string_equal(sp_human_pps(b, sizeof b, 99.94), "99.9 pps");
	assert_string_equal(sp_human_pps(b, sizeof b, 9.996), "10.0 pps");
	assert_string_equal(sp_human_pps(b, sizeof b, 0.5), "0.500 pps");
	assert_string_equal(sp_human_pps(b, sizeof b, 0.9996), "1.00 pps");
	assert_string_equal(sp_human_pps(b, sizeof b, 999.6), "1.00 kpps");
	assert_string_equal(sp_human_pps(b, sizeof b, 999.4), "999 pps");
	assert_string_equal(sp_human_pps(b, sizeof b, 1234e9), "1234 Gpps");
	assert_string_equal(sp_human_pps(b, sizeof b, NAN), "unknown");
	assert_string_equal(sp_human_bps(b, sizeof b, INFINITY), "unknown");
	assert_string_equal(sp_human_bps(b, sizeof b, 812e3), "812 kbit/s");
	assert_string_equal(sp_human_bps(b, sizeof b, 999.96e6), "1.00 Gbit/s");
	assert_string_equal(sp_human_bps(b, sizeof b, 87.04e9), "87.0 Gbit/s");
	assert_string_equal(sp_human_ns(b, sizeof b, 35200), "35.2 us");
	assert_string_equal(sp_human_ns(b, sizeof b, 1e10), "10.0 s");
	assert_string_equal(sp_human_ns(b, sizeof b, 30), "30 ns");
	assert_string_equal(sp_human_ns(b, sizeof b, -1500), "-1.50 us");
	assert_string_equal(sp_human_ns(b, sizeof b, 1800e9), "1800 s");
	assert_string_equal(sp_human_ns(b, sizeof b, 7200e9), "2.00 h");
	assert_string_equal(sp_human_bytes(b, sizeof b, 1460000), "1.46 MB");
	assert_string_equal(sp_human_bytes(b, sizeof b, 64), "64 B");
	assert_string_equal(sp_human_bytes(b, 5, 1460000), "1.46");
	assert_true(strlen(sp_human_ns(b, sizeof b, 1e300)) < sizeof b);
}

/* A number of any magnitude, often with many final zeros. */
static uint64_t any_u64(struct sp_rng *r, uint64_t max)
{
	uint64_t v = sp_rng_u64(r) >> sp_rng_below(r, 64), ten = 1;

	for (uint64_t n = sp_rng_below(r, 19); n; n--)
		ten *= 10;
	if (sp_rng_below(r, 2))
		v = v / ten * ten;
	return v > max ? v % max : v;
}

static void test_round_trip(void **state)
{
	struct sp_rng r;
	char buf[48];

	(void)state;
	sp_rng_init(&r, 2024, "units");
	for (int i = 0; i < 100000; i++) {
		struct sp_rate in = { .kind = SP_RATE_PPS }, out;
		uint64_t ns = any_u64(&r, UINT64_MAX), back;

		if (sp_rng_below(&r, 2)) {
			in.kind = SP_RATE_BPS;
			in.layer = (enum sp_layer)sp_rng_below(&r, 5);
		}
		in.micro = any_u64(&r, 1000000000000000000u);
		if (!in.micro)
			in.micro = 1000000000000000000u;
		sp_format_rate(buf, sizeof buf, &in);
		if (sp_parse_rate(buf, &out) || out.kind != in.kind || out.layer != in.layer ||
		    out.micro != in.micro)
			fail_msg("%llu became %s", (unsigned long long)in.micro, buf);
		sp_format_time(buf, sizeof buf, ns);
		if (sp_parse_time(buf, &back) || back != ns)
			fail_msg("%llu ns became %s", (unsigned long long)ns, buf);
	}
}

/* Whatever is taken has a canonical text that means the same and is its own canonical text. */
static void test_random_texts(void **state)
{
	static const char *const pieces[] = { "0",   "1",   "9", "00",	"500", ".",
					      "k",   "Ki",  "M", "G",	"pps", "bit/s",
					      "bps", "@l1", "m", "s",	"ns",  " ",
					      "B",   "-",   "e", "max", "%" };
	struct sp_rng r;
	unsigned taken = 0;

	(void)state;
	sp_rng_init(&r, 99, "texts");
	for (int i = 0; i < 200000; i++) {
		char text[80], once[48], twice[48];
		struct sp_rate rate, again;
		uint64_t v, n = sp_rng_below(&r, 8);
		double d;
		size_t at = 0;

		for (; n; n--) {
			const char *p = pieces[sp_rng_below(&r, 23)];

			memcpy(text + at, p, strlen(p));
			at += strlen(p);
			if (!sp_rng_below(&r, 50))
				text[at++] = (char)(1 + sp_rng_below(&r, 255));
		}
		text[at] = '\0';
		if (!sp_parse_rate(text, &rate)) {
			taken++;
			sp_format_rate(once, sizeof once, &rate);
			assert_int_equal(sp_parse_rate(once, &again), 0);
			sp_format_rate(twice, sizeof twice, &again);
			assert_string_equal(once, twice);
			assert_int_equal(rate.micro, again.micro);
		}
		if (!sp_parse_ratio(text, &d))
			assert_true(d >= 0 && d <= 1);
		if (!sp_parse_real(text, &d))
			assert_true(isfinite(d));
		sp_parse_time(text, &v);
		sp_parse_size(text, &v);
		sp_parse_u64(text, &v);
	}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_refused_rates),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_sizes_and_counts),
		cmocka_unit_test(test_reals_and_ratios),
		cmocka_unit_test(test_foreign_locale),
		cmocka_unit_test(test_human),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_random_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
