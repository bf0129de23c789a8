#include "report/hgrm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_histogram_is_valid(void **state)
{
	static struct sp_hist h;
	struct sp_str s;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	sp_report_hgrm(&s, &h);
	assert_string_equal(s.text,
			    "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
			    "#[Mean    =        0.000, StdDeviation   =        0.000]\n"
			    "#[Max     =        0.000, Total count    =            0]\n"
			    "#[Buckets =           37, SubBuckets     =           64]\n");
	sp_str_fini(&s);
}

static void the_text_is_that_of_hdrhistogram(void **state)
{
	static struct sp_hist h;
	struct sp_str s;

	(void)state;
	for (int i = 1; i <= 4; i++)
		sp_hist_add(&h, i);
	sp_str_init(&s, sp_mem_system());
	sp_report_hgrm(&s, &h);
	assert_string_equal(s.text,
			    "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
			    "       0.001 0.000000000000          1           1.00\n"
			    "       0.001 0.100000000000          1           1.11\n"
			    "       0.001 0.200000000000          1           1.25\n"
			    "       0.002 0.300000000000          2           1.43\n"
			    "       0.002 0.400000000000          2           1.67\n"
			    "       0.002 0.500000000000          2           2.00\n"
			    "       0.003 0.550000000000          3           2.22\n"
			    "       0.003 0.600000000000          3           2.50\n"
			    "       0.003 0.650000000000          3           2.86\n"
			    "       0.003 0.700000000000          3           3.33\n"
			    "       0.003 0.750000000000          3           4.00\n"
			    "       0.004 1.000000000000          4\n"
			    "#[Mean    =        0.003, StdDeviation   =        0.001]\n"
			    "#[Max     =        0.004, Total count    =            4]\n"
			    "#[Buckets =           37, SubBuckets     =           64]\n");
	sp_str_fini(&s);
}

/* Values and counts never fall, each line's share is at least its percentile, and the last one
 * has everything. */
static void lines_rise_to_all_of_it(void **state)
{
	static struct sp_hist h;
	double value = -1e9, v, p;
	unsigned long long count = 0, n;
	unsigned lines = 0;
	struct sp_str s;

	(void)state;
	for (int64_t i = 0; i < 100000; i++)
		sp_hist_add(&h, i * i % 1000003 - 50);
	sp_str_init(&s, sp_mem_system());
	sp_report_hgrm(&s, &h);
	assert_true(h.negative > 0);
	for (char *at = strchr(s.text, '\n') + 2; *at != '#';
	     at = strchr(at, '\n') + 1, lines++) {
		assert_int_equal(sscanf(at, "%lf %lf %llu", &v, &p, &n), 3);
		assert_true(v >= value && n >= count);
		assert_true((double)n / 100000 >= p - 1e-9);
		value = v;
		count = n;
	}
	assert_true(lines > 30);
	assert_int_equal(count, 100000);
	sp_str_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_histogram_is_valid),
		cmocka_unit_test(the_text_is_that_of_hdrhistogram),
		cmocka_unit_test(lines_rise_to_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
