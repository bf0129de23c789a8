#include "source/capture/times.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define T0 (INT64_C(1700000000) * (int64_t)S)

static struct sp_times_conf plain(void)
{
	return (struct sp_times_conf){ .num = 1, .den = 1 };
}

/* The due time of the packet that is read next. */
static uint64_t due(struct sp_times *t, int64_t t_ns)
{
	return sp_times_due(&t->conf, sp_times_next(t, t_ns, true, 60), 0);
}

static void test_recorded_distances_stay(void **state)
{
	struct sp_times_conf c = plain();
	struct sp_times t;

	(void)state;
	sp_times_init(&t, &c);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(due(&t, T0 + (int64_t)(i * i * 1237)), i * i * 1237);
	assert_int_equal(t.odd.n_fix, 0);
}

/* floor((t - first) / multiplier) whatever the numbers: no rounding adds up. */
static void test_multipliers_are_exact(void **state)
{
	static const struct {
		const char *text;
		uint64_t num, den;
	} cases[] = { { "1", 1, 1 },
		      { "2", 2, 1 },
		      { "0.5", 1, 2 },
		      { "3", 3, 1 },
		      { "0.333333", 333333, 1000000 },
		      { "10.000001", 10000001, 1000000 },
		      { "1000000", 1000000, 1 },
		      { "0.000001", 1, 1000000 } };

	(void)state;
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct sp_times_conf c = plain();
		struct sp_times t;

		assert_int_equal(sp_times_multiplier(cases[k].text, &c.num, &c.den), 0);
		sp_times_init(&t, &c);
		for (uint64_t i = 0; i < 300; i++) {
			uint64_t d = i * 77777777771u;
			unsigned __int128 want = (unsigned __int128)d * cases[k].den /
						 cases[k].num;

			if (d / (i ? i : 1) >= SP_TIMES_STEP_NS)
				break;
			assert_int_equal(due(&t, T0 + (int64_t)d),
					 want > UINT64_MAX ? UINT64_MAX : (uint64_t)want);
		}
	}
}

static void test_what_is_no_multiplier(void **state)
{
	static const char *const wrong[] = {
		"",	     "0",   "-1",  "x",	      "1x",
		"0.0000001", "1e3", "0.0", "1000001", "99999999999999999999",
		"."
	};
	uint64_t num, den;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(sp_times_multiplier(wrong[i], &num, &den), -EINVAL);
	assert_int_equal(sp_times_multiplier(".5", &num, &den), 0);
	assert_int_equal(num * 2, den);
}

static void test_out_of_order_keeps_places(void **state)
{
	struct sp_times_conf c = plain();
	struct sp_times t;

	(void)state;
	sp_times_init(&t, &c);
	assert_int_equal(due(&t, T0), 0);
	assert_int_equal(due(&t, T0 + (int64_t)(2 * S)), 2 * S);
	/* Up to a second: leaves with the latest, and moves nobody. */
	assert_int_equal(due(&t, T0 + (int64_t)S), 2 * S);
	assert_int_equal(sp_times_note(&t, 0, 3), SP_TIMES_REORDERED);
	assert_int_equal(due(&t, T0 + (int64_t)(3 * S)), 3 * S);
	assert_int_equal(sp_times_note(&t, 0, 4), SP_TIMES_FINE);
	assert_int_equal(t.odd.n[SP_TIMES_REORDERED], 1);
	assert_int_equal(t.odd.fix[0].packet, 3);
	assert_int_equal(t.odd.fix[0].gap_ns, -(int64_t)S);
}

static void test_clock_that_was_set_back(void **state)
{
	struct sp_times_conf c = plain();
	struct sp_times t;

	(void)state;
	sp_times_init(&t, &c);
	assert_int_equal(due(&t, T0), 0);
	assert_int_equal(due(&t, T0 + (int64_t)(10 * S)), 10 * S);
	assert_int_equal(due(&t, T0 + (int64_t)(9 * S) - 1), 10 * S);
	assert_int_equal(sp_times_note(&t, 2, 3), SP_TIMES_SET_BACK);
	assert_int_equal(due(&t, T0 + (int64_t)(9 * S)), 10 * S + 1);
	assert_int_equal(t.odd.fix[0].file, 2);
}

/* Thirty years: the clock was set, not waited for. */
static void test_clock_that_was_set_on(void **state)
{
	const uint64_t years = 30 * 365 * UINT64_C(86400) * S;
	struct sp_times_conf c = plain();
	struct sp_times t;

	(void)state;
	sp_times_init(&t, &c);
	assert_int_equal(due(&t, 0), 0);
	assert_int_equal(due(&t, (int64_t)years), 0);
	assert_int_equal(sp_times_note(&t, 0, 2), SP_TIMES_SET_ON);
	assert_int_equal(due(&t, (int64_t)(years + S)), S);
	assert_int_equal(t.odd.cut_ns, years);
	/* A nanosecond below a day is a pause like any other. */
	assert_int_equal(due(&t, (int64_t)(years + S + SP_TIMES_STEP_NS - 1)),
			 S + SP_TIMES_STEP_NS - 1);
	assert_int_equal(sp_times_note(&t, 0, 4), SP_TIMES_FINE);
	assert_int_equal(due(&t, INT64_MAX), S + SP_TIMES_STEP_NS - 1);
	assert_int_equal(due(&t, INT64_MIN), S + SP_TIMES_STEP_NS - 1);
	assert_int_equal(sp_times_note(&t, 0, 6), SP_TIMES_SET_BACK);
}

static void test_pauses_are_shortened(void **state)
{
	struct sp_times_conf c = { .num = 2, .den = 1, .max_gap_ns = 100 * MS };
	struct sp_times t;

	(void)state;
	sp_times_init(&t, &c);
	assert_int_equal(due(&t, T0), 0);
	/* 200 ms at twice the speed are the limit itself. */
	assert_int_equal(due(&t, T0 + (int64_t)(200 * MS)), 100 * MS);
	assert_int_equal(sp_times_note(&t, 0, 2), SP_TIMES_FINE);
	assert_int_equal(due(&t, T0 + (int64_t)(400 * MS) + 1), 200 * MS);
	assert_int_equal(sp_times_note(&t, 0, 3), SP_TIMES_SHORTENED);
	assert_int_equal(t.odd.cut_ns, 1);
	assert_int_equal(due(&t, T0 + (int64_t)(60 * S)), 300 * MS);
	assert_int_equal(due(&t, T0 + (int64_t)(60 * S + 2)), 300 * MS + 1);
	assert_int_equal(t.odd.n[SP_TIMES_SHORTENED], 2);
}

static void test_packets_without_a_time(void **state)
{
	struct sp_times_conf c = plain();
	struct sp_times t;

	(void)state;
	sp_times_init(&t, &c);
	assert_int_equal(sp_times_next(&t, 0, false, 60), 0);
	assert_int_equal(due(&t, T0), 0);
	assert_int_equal(due(&t, T0 + 5), 5);
	assert_int_equal(sp_times_next(&t, 0, false, 60), 5);
	assert_int_equal(sp_times_note(&t, 0, 4), SP_TIMES_UNTIMED);
	assert_int_equal(due(&t, T0 + 7), 7);
}

/* Departure i is at floor(i * 10^15 / micro), in every loop. */
static void test_rates(void **state)
{
	struct sp_times_conf p = { .by = SP_TIMES_PACKETS,
				   .micro = 3 * 1000000u,
				   .pause_ns = 5 };
	struct sp_times_conf b = { .by = SP_TIMES_BITS, .micro = UINT64_C(7000000) * 1000000u };
	struct sp_times t;
	uint64_t bits = 0;

	(void)state;
	sp_times_init(&t, &p);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(sp_times_due(&p, sp_times_next(&t, 0, false, 60), 0),
				 i * S / 3);
	assert_int_equal(sp_times_due(&p, 100, 2), 100 * S / 3 + 10);
	sp_times_init(&t, &b);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(sp_times_due(&b, sp_times_next(&t, 0, true, 60 + i), 0),
				 bits * S / 7000000);
		bits += (60 + i) * 8;
	}
}

/* What follows begins when the last one leaves; a year of loops is exact to the nanosecond. */
static void test_files_and_loops(void **state)
{
	struct sp_times_conf c = { .num = 3, .den = 1, .pause_ns = 7 };
	struct sp_times t;
	uint64_t span;

	(void)state;
	sp_times_init(&t, &c);
	sp_times_next(&t, T0, true, 60);
	assert_int_equal(sp_times_next(&t, T0 + 100, true, 60), 100);
	sp_times_file(&t);
	assert_int_equal(sp_times_next(&t, 0, true, 60), 100);
	assert_int_equal(sp_times_next(&t, 1, true, 60), 101);
	span = sp_times_end(&t);
	assert_int_equal(span, 101);
	for (uint64_t loop = 0; loop < 1000000; loop += 999)
		assert_int_equal(sp_times_due(&c, loop * span + 100, loop),
				 (loop * 101 + 100) / 3 + 7 * loop);
	assert_int_equal(sp_times_due(&c, UINT64_MAX, UINT64_MAX), UINT64_MAX);
	assert_int_equal(t.odd.n_fix, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_distances_stay),
		cmocka_unit_test(test_multipliers_are_exact),
		cmocka_unit_test(test_what_is_no_multiplier),
		cmocka_unit_test(test_out_of_order_keeps_places),
		cmocka_unit_test(test_clock_that_was_set_back),
		cmocka_unit_test(test_clock_that_was_set_on),
		cmocka_unit_test(test_pauses_are_shortened),
		cmocka_unit_test(test_packets_without_a_time),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_files_and_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
