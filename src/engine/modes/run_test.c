/* Whole runs of each mode in virtual time: what was asked, what left, what a stop and a stage do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/testing.h"

#define S    SP_NS_PER_S

#define HEAD VIRTUAL, LOOP, BOTH, "+stream", "name=s", "from=p", "host=127.0.0.1", "port=5001"
#define W(...)                                                                                 \
	(const char *const[])                                                                  \
	{                                                                                      \
		HEAD, __VA_ARGS__, NULL                                                        \
	}

static void expect(const char *const *words, uint64_t asked, uint64_t stop_after_ns)
{
	const struct sp_measure *m;
	struct sim s;
	uint64_t t0_ns;
	int r;

	sim_start(&s, UINT64_MAX);
	s.stop_after_ns = stop_after_ns;
	r = sim_build(&s, words, 0);
	if (r == 0)
		r = sim_arm(&s, &t0_ns);
	while (r == 0)
		r = sp_run_step(s.run, 100);
	if (r < 0)
		fail_msg("%s", s.err.text);
	m = &sp_run_result(s.run)->total;
	assert_int_equal(s.violations, 0);
	assert_int_equal(COUNT(m, asked_packets), asked);
	assert_int_equal(COUNT(m, tx_packets), asked);
	assert_int_equal(COUNT(m, rx_unique), asked);
	assert_int_equal(COUNT(m, not_sent_late), 0);
	assert_int_equal(m->late.max, 0);
	assert_int_equal(m->gap_error.max, 0);
	assert_int_equal(sp_run_result(s.run)->exit_code, stop_after_ns ? 130 : 0);
	sim_end(&s);
}

/* All limits, and the one that is reached first wins. */
static void test_counts(void **state)
{
	(void)state;
	expect(W("mode=standard"), 10, 0);
	expect(W("mode=standard", "count=1234", "rate=1k"), 1234, 0);
	expect(W("mode=continuous", "duration=5s"), 5, 0);
	expect(W("mode=rate", "duration=2s"), 2000, 0);
	expect(W("mode=burst"), 20, 0);
	expect(W("mode=burst", "burst_count=40", "burst_interval=1s", "bursts=25"), 1000, 0);
	expect(W("burst_count=40", "burst_interval=1s", "bursts=25", "duration=3s"), 120, 0);
	expect(W("burst_count=40", "burst_interval=1s", "bursts=25", "count=41"), 41, 0);
	expect(W("burst_count=40", "burst_interval=1s", "size=100", "bytes=12345"), 123, 0);
	expect(W("mode=backoff", "duration=7s"), 14, 0);
	expect(W("mode=ramp", "ramp_from=100", "ramp_to=1k", "ramp_time=2s"), 1100, 0);
	expect(W("mode=ramp", "ramp_from=1k", "ramp_time=2s"), 1000, 0);
	expect(W("rate=1k", "ramp_up=1s", "ramp_down=3s", "duration=10s"), 8000, 0);
	expect(W("steps=1k@0,0@1s,500@2s,0@4s"), 2000, 0);
	expect(W("steps=8Mbit/s@0,0@1s", "size=1000"), 1000, 0);
	expect(W("mode=onoff", "rate=1k", "on_time=100ms", "off_time=900ms"), 1000, 0);
}

/* A stop at the tick of the third second: what was due before it was asked. */
static void test_stops(void **state)
{
	(void)state;
	expect(W("mode=continuous", "rate=7"), 22, 3 * S);
	expect(W("mode=burst", "burst_count=5", "burst_interval=250ms", "duration=0"), 65,
	       3 * S);
	expect(W("mode=onoff", "rate=100", "duration=0"), 200, 3 * S);
	expect(W("mode=ramp", "ramp_to=100", "duration=1h"), 45 + 1, 3 * S);
}

/* Rates are not set, starts begin anew. */
static void test_stages(void **state)
{
	(void)state;
	expect(W("burst_count=10", "burst_interval=1s", "duration=2500ms", "+stage", "at=5s",
		 "stream=s", "do=start"), /* it waits for that */
	       30, 0);
	expect(W("burst_count=10", "burst_interval=1s", "duration=2500ms", "+stage", "at=1s",
		 "stream=s", "do=stop", "+stage", "at=5s", "stream=s", "do=start"),
	       40, 0);
	expect(W("burst_count=10", "burst_interval=1s", "duration=0", "+stage", "at=2s",
		 "stream=s", "do=stop"),
	       20, 0);
	expect(W("mode=rate", "duration=2s", "+stage", "at=1s", "stream=s", "rate=10"), 1010,
	       0);
	expect(W("mode=continuous", "rate=10", "duration=4s", "+stage", "at=2s", "stream=s",
		 "rate=100"),
	       220, 0);
}

static void refuse_rate(const char *const *words, const char *want)
{
	struct sim s;

	sim_start(&s, UINT64_MAX);
	assert_int_not_equal(sim_build(&s, words, 0), 0);
	if (!strstr(s.err.text, want) || !strstr(s.err.text, "start and stop it"))
		fail_msg("'%s' does not say '%s'", s.err.text, want);
	sim_end(&s);
}

static void test_stages_set_no_rate(void **state)
{
#define SET "+stage", "at=1s", "stream=s", "rate=5"
	(void)state;
	refuse_rate(W("mode=burst", SET), "bursts have no rate");
	refuse_rate(W("mode=backoff", SET), "pauses that grow");
	refuse_rate(W("mode=ramp", "ramp_to=5", SET), "a ramp has ramp_from");
	refuse_rate(W("steps=5@0", SET), "steps have rates");
	refuse_rate(W("mode=onoff", SET), "onoff does not change");
	refuse_rate(W("ramp_up=1s", SET), "goes up or down by itself");
}

/* Commands: the same, while it runs. */
static void test_commands(void **state)
{
	struct sp_cmd c = { .action = SP_DO_SET, .stream = "s" };
	struct sim s;
	uint64_t t0_ns;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, W("mode=burst"), 0), 0);
	assert_int_equal(sim_arm(&s, &t0_ns), 0);
	sp_parse_rate("5", &c.rate);
	assert_true(sp_run_command(s.run, &c, &s.err) < 0);
	assert_non_null(strstr(s.err.text, "bursts have no rate"));
	c = (struct sp_cmd){ .action = SP_DO_START, .stream = "s", .at_ns = t0_ns + 2 * S };
	assert_int_equal(sp_run_command(s.run, &c, &s.err), 0);
	while (sp_run_step(s.run, 100) == 0)
		;
	/* One burst, and two more: at 2 and 7.09 s. */
	assert_int_equal(COUNT(&sp_run_result(s.run)->total, tx_packets), 30);
	assert_int_equal(s.violations, 0);
	sim_end(&s);
}

/* A trace's sizes arrive, and the bytes are right. */
static void test_trace(void **state)
{
	char path[] = "/tmp/spate-trace-XXXXXX", word[64];
	int fd = mkstemp(path);
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	assert_int_equal(write(fd, "0,100\n1ms,40\n1ms,1400\n3s,18\n", 28), 28);
	snprintf(word, sizeof word, "trace=%s", path);
	m = sim_run(&s, W(word), 0);
	assert_int_equal(COUNT(m, asked_packets), 4);
	assert_int_equal(COUNT(m, rx_unique), 4);
	assert_int_equal(COUNT(m, tx_bytes), 1558);
	assert_int_equal(COUNT(m, rx_bytes), 1558);
	assert_int_equal(m->late.max, 0);
	sim_end(&s);
	unlink(path);
	close(fd);
}

/* Mixed: a group's bursts are dealt out. */
static void test_shared(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    W("burst_count=30", "burst_interval=1s", "bursts=10", "deal_of=3",
		      "deal_at=0", "deal_n=2", "entry=e", "+stream", "name=t", "from=p",
		      "host=127.0.0.1", "port=5001", "burst_count=30", "burst_interval=1s",
		      "bursts=10", "deal_of=3", "deal_at=2", "entry=e"),
		    0);
	assert_int_equal(COUNT(m, tx_packets), 300);
	sim_end(&s);
}

/* Every answer, 20 ms later, begins with the first pause again: 120 ms a request. */
static void test_replies(void **state)
{
	struct sim s;
	const struct sp_measure *m;

	(void)state;
	m = sim_run(&s,
		    (const char *[]){ VIRTUAL, "+port", "name=p", "transport=loop-tcp",
				      "port=5001", "+recv", "name=r", "from=p", "protocol=http",
				      "delay=20ms", "+stream", "name=s", "from=p",
				      "protocol=http", "host=127.0.0.1", "mode=backoff",
				      "backoff_reset=reply", "duration=1s", NULL },
		    0);
	/* 0, 100, then each 120 ms after the one before, the reply coming 20 ms after it; the one at
	 * 820 is the last, since the next would be at 1020 if there were no reply. */
	assert_int_equal(COUNT(m, tx_packets), 8);
	assert_int_equal(COUNT(m, rx_unique), 8);
	sim_end(&s);
}

static void test_without_memory(void **state)
{
	struct sim s;
	int r = -1;

	(void)state;
	for (uint64_t fail_at = 0; r && fail_at < 3000; fail_at++) {
		sim_start(&s, fail_at);
		r = sim_execute(&s, W("steps=1k@0,0@10ms,500@20ms,0@40ms"), 0);
		sim_end(&s);
	}
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_stages_set_no_rate),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
