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

static void at_mark(struct sp_plain *plain, const struct sp_sample *s, const struct sp_mark *m,
		    struct sp_str *out)
{
	struct sp_event ev = s->event;

	ev.kind = SP_EVENT_MARK;
	ev.mark = m;
	sp_str_clear(out);
	sp_plain_event(plain, &ev, out);
}

static void lines_are_those_of_the_old_generator(void **state)
{
	struct sp_mark mark = { 200, 204800, 1, 1000, 8192000 };
	struct sp_plain plain = { .last = "" };
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	utc();
	sp_sample_init(&s, 1);
	sp_str_init(&out, sp_mem_system());
	sp_sample_at(&s, 0.25); /* a tick is no reason for a line */
	sp_plain_event(&plain, &s.event, &out);
	assert_string_equal(out.text, "");
	at_mark(&plain, &s, &mark, &out);
	assert_string_equal(
		out.text,
		"[2026-01-01 00:00:00] Stats: 200 packets, 204800 bytes, 1000.00 pps, "
		"7.81 Mbps (8.19 Mbit/s decimal; Mbps above is 1024*1024)\n");
	sp_str_clear(&out);
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

/* The last packet was a hundredth one: its line is the last one, too. */
static void nothing_is_said_twice(void **state)
{
	struct sp_plain plain = { .last = "" };
	struct sp_sample s;
	struct sp_mark mark;
	struct sp_str out;

	(void)state;
	utc();
	sp_sample_init(&s, 1);
	sp_sample_recv(&s);
	sp_str_init(&out, sp_mem_system());
	mark = (struct sp_mark){ s.result.total.c.v[SP_C_rx_packets],
				 s.result.total.c.v[SP_C_rx_bytes], 1, s.result.total.rx_pps,
				 s.result.total.rx_bps };
	at_mark(&plain, &s, &mark, &out);
	assert_non_null(strstr(out.text, "Stats: 10000 packets"));
	sp_str_clear(&out);
	sp_plain_event(&plain, &s.event, &out);
	assert_string_equal(out.text, "");
	/* What the report says otherwise is said. */
	s.result.total.rx_pps = 77;
	sp_plain_event(&plain, &s.event, &out);
	assert_non_null(strstr(out.text, "Stats: 10000 packets, 10240000 bytes, 77.00 pps"));
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

static void a_receiver_prints_what_it_received(void **state)
{
	struct sp_plain plain = { .last = "" };
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

static void frames_are_received_and_corrupted(void **state)
{
	struct sp_plain plain = { .last = "" };
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	utc();
	sp_sample_init(&s, 4);
	sp_sample_recv(&s);
	s.result.unit = "frame";
	sp_counts_set(&s.result.total.c, SP_C_corrupted, 5);
	sp_str_init(&out, sp_mem_system());
	sp_plain_event(&plain, &s.event, &out);
	assert_non_null(strstr(out.text, "\nReceived=39994\nCorrupted=5\n"));
	sp_str_clear(&out);
	sp_counts_forget(&s.result.total.c, SP_C_corrupted);
	sp_plain_event(&plain, &s.event, &out);
	assert_string_equal(out.text, "Received=39994\n");
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_those_of_the_old_generator),
		cmocka_unit_test(nothing_is_said_twice),
		cmocka_unit_test(a_receiver_prints_what_it_received),
		cmocka_unit_test(frames_are_received_and_corrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
