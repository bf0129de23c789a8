/* Simulations: what must be exact in virtual time. The truth is the loop's own count of what it
 * did, and arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/run_impl.h"
#include "engine/testing.h"
#include "transport/loop/loop.h"

static struct sp_loop_truth truth_of(const struct sim *s)
{
	struct sp_loop_truth t = { 0 }, one;

	for (unsigned w = 0; w < s->run->n_workers; w++) {
		sp_loop_truth(s->run->ports[0].queues[w], &one);
		t.lost += one.lost;
		t.corrupted += one.corrupted;
		t.duplicated += one.duplicated;
		t.reordered += one.reordered;
	}
	return t;
}

/* ---- schedules ---- */

/* Moves virtual time to at_ns, with everything that is due on the way. */
static void advance(struct sim *s, uint64_t at_ns)
{
	struct sp_worker *w = &s->run->workers[0];
	uint64_t next;

	while ((next = sp_worker_next(w)) <= at_ns) {
		sp_clock_advance(&s->clock, next);
		while (sp_worker_turn(w, s->clock.virtual_ns))
			;
	}
	sp_clock_advance(&s->clock, at_ns);
}

/* At every millisecond of 10 s, for each of 10,000 rates: |sent - scheduled| is at most 1. */
static void test_schedules_hold_at_every_millisecond(void **state)
{
	static const char *const words[] = { VIRTUAL, LOOP, NULL };
	const unsigned streams = 10000, end_ms = 10000;
	uint64_t t0_ns, wrong = 0, total = 0;
	struct sim s;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, streams), 0);
	assert_int_equal(sim_arm(&s, &t0_ns), 0);
	for (unsigned ms = 0; ms <= end_ms; ms++) {
		advance(&s, t0_ns + ms * SP_NS_PER_MS);
		for (unsigned i = 0; i < streams; i++) {
			/* Both sides in millionths of a packet. */
			int64_t sent = (int64_t)run_flow_tx(s.run, i)->tx * 1000000;
			int64_t scheduled = (int64_t)(ms * sim_milli_pps(i));

			wrong += sent - scheduled > 1000000 || scheduled - sent > 1000000;
		}
	}
	assert_int_equal(wrong, 0);
	for (unsigned i = 0; i < streams; i++)
		total += run_flow_tx(s.run, i)->tx;
	while (sp_run_step(s.run, 0) == 0)
		;
	assert_int_equal(s.violations, 0);
	assert_int_equal(COUNT(&sp_run_result(s.run)->total, tx_packets), total);
	sim_end(&s);
}

/* ---- impairments ---- */

#define MANY                                                                                   \
	STREAM("20kpps"), "duration=2s", "+stream", "name=t", "from=p", "host=::1",            \
		"port=5001", "rate=7kpps", "size=200", "duration=2s", "departure=exponential", \
		"+stream", "name=u", "from=p", "host=127.0.0.2", "port=5001", "rate=1kpps",    \
		"size=50", "stamp=short", "duration=2s"

static const struct impaired {
	const char *what;
	const char *words[48];
} impaired[] = {
	{ "nothing", { VIRTUAL, LOOP, BOTH, MANY } },
	{ "loss", { VIRTUAL, LOOP, "loss=3%", BOTH, MANY } },
	{ "each n-th lost", { VIRTUAL, LOOP, "loss_every=10", BOTH, MANY } },
	{ "corruption", { VIRTUAL, LOOP, "corrupt=2%", BOTH, MANY } },
	{ "each n-th corrupted",
	  { VIRTUAL, LOOP, "corrupt_every=50", "delay=1ms", BOTH, MANY } },
	{ "duplication", { VIRTUAL, LOOP, "duplicate=5%", BOTH, MANY } },
	{ "each n-th duplicated", { VIRTUAL, LOOP, "duplicate_every=7", BOTH, MANY } },
	{ "reordering", { VIRTUAL, LOOP, "reorder=4%", BOTH, MANY } },
	{ "each n-th reordered",
	  { VIRTUAL, LOOP, "reorder_every=33", "reorder_by=5", "delay=1ms", BOTH, MANY } },
	{ "delay and jitter", { VIRTUAL, LOOP, "delay=20ms", "jitter=5ms", BOTH, MANY } },
	{ "everything by chance",
	  { VIRTUAL, LOOP, "loss=2%", "corrupt=1%", "duplicate=3%", "reorder=2%", "delay=30ms",
	    "jitter=3ms", BOTH, MANY } },
	{ "everything by number",
	  { VIRTUAL, LOOP, "loss_every=10", "corrupt_every=50", "duplicate_every=7",
	    "reorder_every=33", "delay=2ms", "jitter=1ms", BOTH, MANY } },
	{ "everything, two workers",
	  { VIRTUAL, "cores=2", LOOP, "loss=2%", "corrupt=1%", "duplicate=3%", "reorder=2%",
	    "delay=300ms", "jitter=3ms", BOTH, MANY } },
};

#define EXACT(of, name, want)                                                                  \
	do {                                                                                   \
		if (COUNT(of, name) != (want))                                                 \
			fail_msg("%s: " #name " is %llu, not %llu", im->what,                  \
				 (unsigned long long)COUNT(of, name),                          \
				 (unsigned long long)(want));                                  \
	} while (0)

static void check_impaired(const struct impaired *im)
{
	struct sim s;
	const struct sp_measure *m = sim_run(&s, im->words, 0);
	const struct sp_loop_truth t = truth_of(&s);
	uint64_t tx = COUNT(m, tx_packets);

	assert_true(tx > 50000);
	EXACT(m, asked_packets, tx);
	EXACT(m, lost, t.lost);
	EXACT(m, lost_network, t.lost);
	EXACT(m, corrupted, t.corrupted);
	EXACT(m, duplicates, t.duplicated);
	EXACT(m, reordered, t.reordered);
	EXACT(m, rx_unique, tx - t.lost - t.corrupted);
	EXACT(m, rx_packets, tx - t.lost + t.duplicated);
	EXACT(m, in_flight, 0u);
	EXACT(m, pending, 0u);
	EXACT(m, too_old, 0u);
	/* Every identity was evaluated at every event, not only not violated. */
	assert_int_equal(s.unknown, 0);
	assert_true(s.intervals >= 1);
	sim_end(&s);
}

static void test_impairments_are_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof impaired / sizeof *impaired; i++)
		check_impaired(&impaired[i]);
}

/* By number the settings alone say what has to come out. */
static void test_impairments_follow_from_their_settings(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     LOOP,
					     "loss_every=10",
					     "corrupt_every=50",
					     "duplicate_every=7",
					     "reorder_every=33",
					     "delay=2ms",
					     BOTH,
					     STREAM("1kpps"),
					     "duration=10s",
					     NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);
	const uint64_t kept = 10000 - 10000 / 10, whole = kept - kept / 50,
		       single = whole - whole / 7;

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 10000);
	assert_int_equal(COUNT(m, lost), 10000 - kept);
	assert_int_equal(COUNT(m, corrupted), kept / 50);
	assert_int_equal(COUNT(m, duplicates), whole / 7);
	assert_int_equal(COUNT(m, reordered), single / 33);
	sim_end(&s);
}

/* ---- delay ---- */

static void check_delay(const char *delay, uint64_t want_ns, const char *departure)
{
	const char *words[] = { VIRTUAL,	 LOOP,	    delay,	   BOTH,
				STREAM("3kpps"), departure, "duration=2s", NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	assert_true(m->delay.known && m->delay_actual.known);
	assert_int_equal(m->delay.min, want_ns);
	assert_int_equal(m->delay.max, want_ns);
	assert_true(m->delay.mean == (double)want_ns);
	assert_int_equal(m->delay_actual.min, want_ns);
	assert_int_equal(m->delay_actual.max, want_ns);
	assert_int_equal(m->delay.clock_error, 0);
	assert_true(m->jitter_ns == 0);
	assert_int_equal(m->rx_gap_error.max, 0);
	assert_int_equal(COUNT(m, negative_delay), 0);
	sim_end(&s);
}

static void test_delay_shift_is_exact(void **state)
{
	(void)state;
	check_delay("delay=0", 0, "departure=constant");
	check_delay("delay=5ms", 5 * SP_NS_PER_MS, "departure=constant");
	check_delay("delay=5000001ns", 5 * SP_NS_PER_MS + 1, "departure=exponential");
	check_delay("delay=2s", 2 * SP_NS_PER_S, "departure=exponential");
}

/* ---- the clock of the dates ---- */

/* A day forth and back in the middle of a run: named, and nothing else changes. */
static void test_clock_steps_are_named(void **state)
{
	static const char *const words[] = { VIRTUAL,	      LOOP,	     "delay=5ms", BOTH,
					     STREAM("1kpps"), "duration=6s", NULL };
	const struct sp_result *res;
	unsigned steps = 0, others = 0;
	uint64_t t0_ns;
	struct sim s;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, 0), 0);
	assert_int_equal(sim_arm(&s, &t0_ns), 0);
	while (sp_run_step(s.run, 0) == 0) {
		if (s.intervals == 2)
			s.clock.virtual_real_ns += 86400 * (int64_t)SP_NS_PER_S;
		if (s.intervals == 4)
			s.clock.virtual_real_ns -= 86400 * (int64_t)SP_NS_PER_S;
	}
	res = sp_run_result(s.run);
	for (size_t i = 0; i < res->n_remarks; i++) {
		if (!strcmp(res->remarks[i].code, "clock-step"))
			steps++;
		else
			others += !res->remarks[i].neutral;
	}
	assert_int_equal(steps, 2);
	assert_int_equal(others, 0);
	assert_int_equal(COUNT(&res->total, rx_unique), 6000);
	assert_true(res->total.tx_pps == 1000 && res->total.rx_pps == 1000);
	assert_int_equal(res->total.delay.max, 5 * SP_NS_PER_MS);
	assert_true(res->total.jitter_ns == 0);
	sim_end(&s);
}

/* ---- the last unit ---- */

static void check_last_unit(const char *const *words, uint64_t tx, bool told)
{
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);
	uint64_t said = 0;

	assert_int_equal(COUNT(m, tx_packets), tx);
	assert_int_equal(sp_flow_told(&s.run->granted.rx[0], &s.run->granted.meta[0], &said),
			 told);
	if (told)
		assert_int_equal(said, tx);
	sim_end(&s);
}

/* Known where the flow's end is known when the unit leaves; unknown where that one is lost. */
static void test_the_last_unit_says_so(void **state)
{
	static const char *const constant[] = { VIRTUAL,	 LOOP,		BOTH,
						STREAM("1kpps"), "duration=1s", NULL };
	static const char *const law[] = {
		VIRTUAL, LOOP, BOTH, STREAM("1kpps"), "count=777", "departure=exponential", NULL
	};
	static const char *const most[] = { VIRTUAL,	   LOOP,	 BOTH,
					    STREAM("max"), "count=2777", NULL };
	static const char *const bytes[] = { VIRTUAL,	      LOOP,	    BOTH,
					     STREAM("1kpps"), "bytes=6400", NULL };
	static const char *const shorter[] = {
		VIRTUAL, LOOP, BOTH, STREAM("1kpps"), "stamp=short", "duration=1s", NULL
	};
	static const char *const lossy[] = {
		VIRTUAL, LOOP, "loss_every=10", BOTH, STREAM("1kpps"), "duration=1s", NULL
	};

	(void)state;
	check_last_unit(constant, 1000, true);
	check_last_unit(law, 777, true);
	check_last_unit(most, 2777, true);
	check_last_unit(bytes, 100, true);
	check_last_unit(shorter, 1000, true);
	check_last_unit(lossy, 1000, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedules_hold_at_every_millisecond),
		cmocka_unit_test(test_impairments_are_exact),
		cmocka_unit_test(test_impairments_follow_from_their_settings),
		cmocka_unit_test(test_delay_shift_is_exact),
		cmocka_unit_test(test_clock_steps_are_named),
		cmocka_unit_test(test_the_last_unit_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
