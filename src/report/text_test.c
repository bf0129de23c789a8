#include "report/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "report/sample.h"

/* What users see, letter by letter. A change here is a change of the product: look at it. */
/* clang-format off */
static const char golden_send[] =
	"spate 0.1.0: send udp://10.99.0.2:5001 --rate 1kpps -D 10\n"
	"  plan          3f9a1c2b77d0, seed 42, name sample\n"
	"  time          2026-01-01T00:00:00Z, ran 10.0 s of 10.0 s\n"
	"\n"
	"verdict: valid with remarks, bounded by sender CPU: the sending thread used\n"
	"         99.2 % of its core and departures were late\n"
	"\n"
	"ledger (in datagrams)\n"
	"  asked    20,000 = 20,000 sent        + 0 too late   + 0 refused     + 0 pending\n"
	"  sent     20,000 = 19,999 intact      + 0 corrupted  + 1 lost        + 0 in flight\n"
	"  lost          1 =      0 by receiver + 1 in network + 0 not located\n"
	"  received 19,999 = 19,999 intact      + 0 corrupted  + 0 duplicates\n"
	"  loss 0.005 %, reordered 0, loss bursts 1\n"
	"\n"
	"rates (bits and bytes of payload, l7)\n"
	"  asked                2,000.0 pps\n"
	"  sent                 2,000.0 pps       16.4 Mbit/s          20,480,000 B\n"
	"  received             1,999.6 pps       16.4 Mbit/s          20,478,976 B\n"
	"\n"
	"times                 min     mean      p50      p90      p99    p99.9      max\n"
	"  delay           10.0 us  13.0 us  12.8 us  15.1 us  21.0 us   135 us  4.11 ms\n"
	"    from actual   9.50 us  12.4 us  12.2 us  14.3 us  20.0 us   128 us  3.91 ms\n"
	"  late             100 ns   130 ns   128 ns   151 ns   210 ns  1.35 us  41.1 us\n"
	"  gap error         80 ns   104 ns   102 ns   120 ns   168 ns  1.08 us  32.9 us\n"
	"    at receiver    900 ns  1.17 us  1.15 us  1.36 us  1.89 us  12.2 us   370 us\n"
	"  jitter                   1.23 us\n"
	"  outage                   1.00 ms  in which nothing came and something was lost\n"
	"  delay is from the intended departure; clock error up to 1.20 us;\n"
	"  arrivals are timed by the kernel\n"
	"\n"
	"streams                sent     received       lost      loss   sent pps  late p99\n"
	"  udp-1              10,000       10,000          0       0 %      1,000    210 ns\n"
	"  udp-2              10,000        9,999          1   0.010 %      1,000    210 ns\n"
	"\n"
	"transports\n"
	"  tx0           udp on 10.99.0.1, by sendmmsg + UDP_SEGMENT\n"
	"    out         10,000 segments in 2,500 super-packets, 1,250 calls\n"
	"                3 sends blocked and tried again\n"
	"    offloaded   Segments crossed the path inside super-packets (GSO/GRO): they\n"
	"                were never single packets on a wire.\n"
	"  rx0           udp on 10.99.0.2:5001, by recvmmsg + UDP_GRO\n"
	"    in          9,998 packets in 5,000 calls\n"
	"    dropped     0 by the kernel for this socket, in its own units\n"
	"\n"
	"remarks\n"
	"  at 3.2 s      The sender fell behind: its thread was not scheduled for 48 ms,\n"
	"                48 packets left late, none were given up.\n"
	"  at 0.0 s      note: UDP_SEGMENT was not used because of --no-gso.\n"
	"\n"
	"  host          h1, Linux 6.1.0-18-amd64, 2 x Example CPU 2.00GHz, steal 0.3 %,\n"
	"                1.23 s of CPU used, 12.3 MB of memory\n"
	"  clocks        same host, one clock\n"
	"  run folder    /runs/sample\n";

static const char golden_recv[] =
	"spate 0.1.0: recv udp://:5001\n"
	"  plan          3f9a1c2b77d0, seed 42, name sample\n"
	"  time          2026-01-01T00:00:00Z, ran 10.0 s of 10.0 s\n"
	"  receiver      udp-1 on udp://10.99.0.2:5001, 1 flow\n"
	"\n"
	"verdict: valid with remarks, bounded by none\n"
	"\n"
	"ledger (in datagrams)\n"
	"  sent     unknown = 10,000 intact      +       0 corrupted  + unknown lost        + unknown in flight\n"
	"  lost     unknown =      0 by receiver + unknown in network + unknown not located\n"
	"  received  10,000 = 10,000 intact      +       0 corrupted  +       0 duplicates\n"
	"  loss unknown, reordered 0, loss bursts 0\n"
	"  not checked, because a term is unknown: asked, sent, lost\n"
	"\n"
	"rates (bits and bytes of payload, l7)\n"
	"  received             1,000.0 pps       8.19 Mbit/s          10,240,000 B\n"
	"\n"
	"times                 min     mean      p50      p90      p99    p99.9      max\n"
	"  delay           10.0 us  13.0 us  12.8 us  15.1 us  21.0 us   135 us  4.11 ms\n"
	"    from actual   9.50 us  12.4 us  12.2 us  14.3 us  20.0 us   128 us  3.91 ms\n"
	"  gap error        900 ns  1.17 us  1.15 us  1.36 us  1.89 us  12.2 us   370 us\n"
	"  jitter                   1.23 us\n"
	"  outage                   1.00 ms  in which nothing came and something was lost\n"
	"  delay is from the intended departure; clock error up to 1.20 us;\n"
	"  arrivals are timed by the kernel\n"
	"\n"
	"transports\n"
	"  rx0           udp on 10.99.0.2:5001, by recvmmsg + UDP_GRO\n"
	"    in          9,998 packets in 5,000 calls\n"
	"    dropped     0 by the kernel for this socket, in its own units\n"
	"\n"
	"remarks\n"
	"  at 3.2 s      The sender fell behind: its thread was not scheduled for 48 ms,\n"
	"                48 packets left late, none were given up.\n"
	"  at 0.0 s      note: UDP_SEGMENT was not used because of --no-gso.\n"
	"\n"
	"  host          h1, Linux 6.1.0-18-amd64, 2 x Example CPU 2.00GHz, steal 0.3 %,\n"
	"                1.23 s of CPU used, 12.3 MB of memory\n"
	"  run folder    /runs/sample\n";

static const char golden_unknown[] =
	"spate 0.1.0: run\n"
	"  plan          unknown, seed 42\n"
	"  time          2026-01-01T00:00:00Z, ran 10.0 s\n"
	"\n"
	"verdict: valid with remarks, bounded by unknown\n"
	"\n"
	"ledger\n"
	"  loss unknown, reordered unknown, loss bursts unknown\n"
	"  received: unknown (no spate receiver answered)\n"
	"  not checked, because a term is unknown: asked, sent, lost, received\n"
	"\n"
	"rates (bits and bytes counted as --size counts)\n"
	"  asked                unknown pps\n"
	"  sent                 unknown pps           unknown             unknown B\n"
	"  received             unknown pps           unknown             unknown B\n"
	"\n"
	"times                 min     mean      p50      p90      p99    p99.9      max\n"
	"  delay           unknown\n"
	"  late            unknown\n"
	"  gap error       unknown\n"
	"  jitter                   unknown\n"
	"\n"
	"transports\n"
	"  unknown       unknown\n"
	"  unknown       unknown\n"
	"\n"
	"remarks\n"
	"  at 3.2 s      The sender fell behind: its thread was not scheduled for 48 ms,\n"
	"                48 packets left late, none were given up.\n"
	"  at 0.0 s      note: UDP_SEGMENT was not used because of --no-gso.\n"
	"\n"
	"  host          steal unknown, unknown of CPU used\n"
	"  run folder    /runs/sample\n";
/* clang-format on */

static void render(struct sp_str *out, const struct sp_sample *s, bool color)
{
	sp_str_init(out, sp_mem_system());
	sp_report_text(out, &s->event, &sp_sample_env, color);
	assert_false(out->failed);
}

static void check(const struct sp_sample *s, const char *golden)
{
	struct sp_str out;

	render(&out, s, false);
	assert_string_equal(out.text, golden);
	sp_str_fini(&out);
}

static bool has(const struct sp_sample *s, const char *text)
{
	struct sp_str out;
	bool found;

	render(&out, s, false);
	found = strstr(out.text, text) != NULL;
	sp_str_fini(&out);
	return found;
}

static void a_send_reads_well(void **state)
{
	struct sp_sample s;

	(void)state;
	sp_sample_init(&s, 2);
	check(&s, golden_send);
	sp_sample_fini(&s);
}

static void a_recv_reads_well(void **state)
{
	struct sp_sample s;

	(void)state;
	sp_sample_init(&s, 1);
	sp_sample_recv(&s);
	check(&s, golden_recv);
	sp_sample_fini(&s);
}

/* What only the senders know has no row, and what was told of it has one. */
static void several_receivers_read_well(void **state)
{
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	sp_sample_init(&s, 2);
	sp_sample_recv(&s);
	sp_counts_set(&s.result.total.c, SP_C_tx_packets, 20001);
	s.streams[1].flows = 1234;
	sp_str_init(&out, sp_mem_system());
	sp_report_text(&out, &s.event, &sp_sample_env, false);
	assert_null(strstr(out.text, "asked    unknown"));
	assert_non_null(strstr(out.text, "  sent      20,001 = "));
	assert_non_null(strstr(out.text,
			       "receivers              sent     received       lost      "
			       "loss   recv pps     flows\n"));
	assert_non_null(strstr(out.text, "1,234\n"));
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

static void unknown_is_said_and_never_zero(void **state)
{
	struct sp_sample s;

	(void)state;
	sp_sample_init(&s, 0);
	sp_sample_forget(&s);
	check(&s, golden_unknown);
	sp_sample_fini(&s);
}

/* No one rate is asked for as much as possible, or because stages change it. */
static void what_is_asked_without_a_rate(void **state)
{
	struct sp_sample s;

	(void)state;
	sp_sample_init(&s, 2);
	s.result.total.asked_pps = NAN;
	assert_true(has(&s, "asked                varying pps"));
	strcpy(s.streams[1].asked, "max, bulk");
	assert_true(has(&s, "asked                    max pps"));
	sp_sample_fini(&s);
}

static void a_ledger_that_does_not_add_up_is_marked(void **state)
{
	struct sp_sample s;

	(void)state;
	sp_sample_init(&s, 1);
	s.result.total.c.v[SP_C_rx_packets]++;
	s.result.violated = sp_counts_check(&s.result.total.c, &s.result.unknown_identities);
	s.result.result = SP_NOT_TRUSTED;
	assert_true(has(&s, "verdict: not trusted"));
	assert_true(has(&s, "10,001 = 10,000 intact      + 0 corrupted  + 0 duplicates   "
			    "DOES NOT ADD UP\n"));
	assert_true(has(&s, "the ledger does not add up: rx_packets = rx_unique + corrupted"));
	sp_sample_fini(&s);
}

static void only_counts_that_say_something_are_added(void **state)
{
	struct sp_sample s;

	(void)state;
	sp_sample_init(&s, 1);
	s.result.total.c.v[SP_C_error_unreachable] = 1234;
	s.result.total.c.v[SP_C_own_control] = 12;
	s.result.interrupted = true;
	assert_true(has(&s, "  loss 0 %, reordered 0, loss bursts 0, own control 12, errors "
			    "unreachable 1,234\n"));
	assert_true(has(&s, "ran 10.0 s of 10.0 s, interrupted: complete up to then\n"));
	sp_sample_fini(&s);
}

static unsigned rows_of(const char *text)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, "\n  udp-")) != NULL; p++)
		n++;
	return n;
}

static void many_streams_are_summarised_by_the_worst(void **state)
{
	static const unsigned counts[] = { 20, 21, 10000 };
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		sp_sample_init(&s, counts[i]);
		s.streams[18].m.c.v[SP_C_lost] = 77;
		s.streams[16].m.late.p99 = 1000000;
		render(&out, &s, false);
		assert_int_equal(rows_of(out.text), 20);
		assert_non_null(strstr(out.text, "\n  udp-19             10,000        9,998"
						 "         77   0.770 %"));
		assert_non_null(strstr(out.text, "\n  udp-17 "));
		if (i == 1)
			assert_non_null(strstr(out.text, "\n  1 more of 21 not shown"));
		if (i == 2)
			assert_non_null(strstr(out.text, "\n  9,980 more of 10,000 not shown"));
		assert_int_equal(strstr(out.text, "not shown") != NULL, i > 0);
		sp_str_fini(&out);
		sp_sample_fini(&s);
	}
}

static void texts_from_outside_do_nothing(void **state)
{
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	sp_sample_init(&s, 2);
	s.result.name = SP_SAMPLE_HOSTILE;
	s.result.command = SP_SAMPLE_HOSTILE;
	s.result.evidence = SP_SAMPLE_HOSTILE;
	s.result.clock = SP_SAMPLE_HOSTILE;
	s.streams[0].name = SP_SAMPLE_HOSTILE;
	s.remarks[0].text = SP_SAMPLE_HOSTILE;
	s.transports[0].where = SP_SAMPLE_HOSTILE;
	s.transports[0].road = SP_SAMPLE_HOSTILE;
	snprintf(s.result.host.hostname, sizeof s.result.host.hostname, SP_SAMPLE_HOSTILE);
	render(&out, &s, false);
	sp_sample_assert_harmless(out.text, false);
	sp_str_fini(&out);
	s.result.n_streams = 1;
	strcpy(s.streams[0].target, SP_SAMPLE_HOSTILE);
	strcpy(s.streams[0].asked, SP_SAMPLE_HOSTILE);
	render(&out, &s, false);
	sp_sample_assert_harmless(out.text, false);
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

static void colour_is_only_where_it_is_wanted(void **state)
{
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	sp_sample_init(&s, 1);
	render(&out, &s, true);
	assert_non_null(strstr(out.text, "verdict: \033[1;33mvalid with remarks\033[0m, "));
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

static void failed_allocations_are_seen_and_nothing_leaks(void **state)
{
	struct sp_mem_test mem;
	struct sp_sample s;
	struct sp_str out;
	bool failed = true;

	(void)state;
	sp_sample_init(&s, 25);
	for (uint64_t n = 0; failed; n++) {
		sp_mem_test_init(&mem, n);
		sp_str_init(&out, &mem.mem);
		sp_report_text(&out, &s.event, &sp_sample_env, false);
		failed = out.failed;
		assert_int_equal(failed, mem.count > n);
		sp_str_fini(&out);
		assert_int_equal(mem.live, 0);
	}
	assert_true(mem.count > 5);
	sp_sample_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_send_reads_well),
		cmocka_unit_test(a_recv_reads_well),
		cmocka_unit_test(several_receivers_read_well),
		cmocka_unit_test(unknown_is_said_and_never_zero),
		cmocka_unit_test(what_is_asked_without_a_rate),
		cmocka_unit_test(a_ledger_that_does_not_add_up_is_marked),
		cmocka_unit_test(only_counts_that_say_something_are_added),
		cmocka_unit_test(many_streams_are_summarised_by_the_worst),
		cmocka_unit_test(texts_from_outside_do_nothing),
		cmocka_unit_test(colour_is_only_where_it_is_wanted),
		cmocka_unit_test(failed_allocations_are_seen_and_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
