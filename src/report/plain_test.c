#include "report/plain.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "report/sample.h"

static void utc(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}

static void lines_are_those_of_the_old_generator(void **state)
{
	struct sp_plain plain = { 0 };
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	utc();
	sp_sample_init(&s, 1);
	sp_str_init(&out, sp_mem_system());
	sp_sample_at(&s, 0.05); /* 50 packets: no line yet */
	sp_plain_event(&plain, &s.event, &out);
	assert_string_equal(out.text, "");
	sp_sample_at(&s, 0.25);
	sp_plain_event(&plain, &s.event, &out);
	assert_string_equal(
		out.text,
		"[2026-01-01 00:00:00] Stats: 250 packets, 256000 bytes, 1000.00 pps, "
		"7.81 Mbps (8.19 Mbit/s decimal; Mbps above is 1024*1024)\n");
	sp_str_clear(&out);
	sp_sample_at(&s, 0.29); /* the same hundred */
	sp_plain_event(&plain, &s.event, &out);
	assert_string_equal(out.text, "");
	sp_sample_at(&s, 10);
	s.result.total.tx_pps = 98.924;
	s.result.total.tx_bps = 98.924 * 8192;
	sp_plain_event(&plain, &s.event, &out);
	assert_string_equal(
		out.text,
		"[2026-01-01 00:00:10] Stats: 10000 packets, 10240000 bytes, 98.92 pps, "
		"0.77 Mbps (0.81 Mbit/s decimal; Mbps above is 1024*1024)\n"
		"[2026-01-01 00:00:10] Traffic generation complete\n");
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

static void a_receiver_prints_what_it_received(void **state)
{
	struct sp_plain plain = { 0 };
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	utc();
	sp_sample_init(&s, 4);
	sp_sample_recv(&s);
	s.result.total.rx_pps = NAN;
	s.result.total.rx_bps = NAN;
	sp_str_init(&out, sp_mem_system());
	sp_plain_event(&plain, &s.event, &out);
	assert_string_equal(
		out.text,
		"[2026-01-01 00:00:10] Stats: 39994 packets, 40953856 bytes, unknown "
		"pps, unknown Mbps (unknown Mbit/s decimal; Mbps above is 1024*1024)\n");
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_those_of_the_old_generator),
		cmocka_unit_test(a_receiver_prints_what_it_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
