/* Paces that change: exact departures and exact counts across every change, whether it was planned
 * or came in the middle, in time or late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/rng.h"
#include "core/pacer.h"

#define S     SP_NS_PER_S
#define MS    SP_NS_PER_MS
#define T0    (7 * S + 123)
#define NONE  UINT64_MAX
#define TAKEN 4096u

static struct sp_pace at_pps(uint64_t pps, uint64_t start_ns, uint64_t end_ns)
{
	return (struct sp_pace){ .kind = SP_PACE_CONST,
				 .start_ns = start_ns,
				 .end_ns = end_ns,
				 .count = NONE,
				 .bytes = NONE,
				 .size = 100,
				 .gap_ns = S / pps,
				 .gap_num = S % pps,
				 .gap_den = pps };
}

static struct sp_change to_rate(uint64_t pps, uint64_t at_ns)
{
	return (struct sp_change){ .kind = SP_CHANGE_RATE,
				   .at_ns = at_ns,
				   .pace = at_pps(pps, 0, NONE) };
}

static struct sp_change stop_at(uint64_t at_ns)
{
	return (struct sp_change){ .kind = SP_CHANGE_STOP, .at_ns = at_ns };
}

static struct sp_pacer *pacer(const struct sp_pace *pace)
{
	struct sp_pacer *p;

	assert_int_equal(sp_pacer_new(&p, sp_mem_system(), 1, T0, NULL), 0);
	assert_int_equal(sp_pacer_add(p, 0, pace), 0);
	return p;
}

static void change(struct sp_pacer *p, struct sp_change *c)
{
	assert_int_equal(sp_pacer_change(p, 0, c), 0);
}

/* Takes each departure at its time; returns how many there were, their times in out. */
static unsigned take_all(struct sp_pacer *p, uint64_t until_ns, uint64_t *out, unsigned at)
{
	struct sp_due d;
	uint64_t now;

	while ((now = sp_pacer_next(p)) < until_ns) {
		assert_int_equal(sp_pacer_take(p, now, &d, 1), 1);
		assert_true(d.due_ns == now);
		assert_true(at < TAKEN);
		out[at++] = d.due_ns;
	}
	return at;
}

/* What the plan alone says that was asked by the end of all. */
static uint64_t asked(struct sp_pace pace, const struct sp_change *c, unsigned n)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += sp_pace_change(&pace, &c[i]);
	return total + sp_pace_asked(&pace, SP_NEVER - 1);
}

static void test_counts_across_a_change(void **state)
{
	struct sp_pace pace = at_pps(100, T0, T0 + 10 * S);
	struct sp_change c = to_rate(300, T0 + 5 * S);
	struct sp_pacer *p = pacer(&pace);
	uint64_t due[TAKEN];

	(void)state;
	change(p, &c);
	assert_int_equal(take_all(p, NONE, due, 0), 2000);
	assert_true(due[499] == T0 + 4990 * MS);
	assert_true(due[500] == T0 + 5 * S);
	assert_true(due[501] == T0 + 5 * S + S / 300);
	assert_true(due[1999] == T0 + 5 * S + 1499 * S / 300);
	assert_int_equal(asked(pace, &c, 1), 2000);
	sp_pacer_free(p);
}

/* Departure k is where the integral of the rate is k, to the nanosecond. */
static void test_phase_is_kept(void **state)
{
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 7, "phase");
	for (unsigned round = 0; round < 300; round++) {
		struct sp_change c[6];
		uint64_t pps = 1 + sp_rng_u64(&rng) % 200, at = T0, due[TAKEN];
		struct sp_pace pace = at_pps(pps, T0, T0 + 4 * S);
		struct sp_pacer *p = pacer(&pace);
		long double integral = 0;
		unsigned n, k = 0, i = 0;
		uint64_t from = T0;

		for (unsigned j = 0; j < 6; j++) {
			at += sp_rng_u64(&rng) % S;
			c[j] = to_rate(1 + sp_rng_u64(&rng) % 200, at);
			change(p, &c[j]);
		}
		n = take_all(p, NONE, due, 0);
		for (; k < n; k++) {
			long double there;

			for (; i < 6 && c[i].at_ns <= due[k]; i++) {
				integral += (long double)(c[i].at_ns - from) * pps / S;
				from = c[i].at_ns;
				pps = c[i].pace.gap_den;
			}
			there = integral + (long double)(due[k] - from) * pps / S;
			assert_true(there < k + 1e-6L && there > k - 2e-6L);
		}
		assert_int_equal(asked(pace, c, 6), n);
		sp_pacer_free(p);
	}
}

static void test_stop_and_start(void **state)
{
	struct sp_pace pace = at_pps(10, T0, NONE);
	struct sp_change c[] = { stop_at(T0 + S),
				 { .kind = SP_CHANGE_START,
				   .at_ns = T0 + 5 * S,
				   .pace = at_pps(20, 0, T0 + 6 * S) },
				 to_rate(40, T0 + 5500 * MS) };
	struct sp_pacer *p;
	uint64_t due[TAKEN];

	(void)state;
	p = pacer(&pace);
	for (unsigned i = 0; i < 3; i++)
		change(p, &c[i]);
	assert_int_equal(take_all(p, NONE, due, 0), 10 + 10 + 20);
	assert_true(due[9] == T0 + 900 * MS);
	assert_true(due[10] == T0 + 5 * S);
	assert_true(due[20] == T0 + 5500 * MS);
	assert_true(due[39] == T0 + 5975 * MS);
	assert_int_equal(asked(pace, c, 3), 40);
	sp_pacer_free(p);
}

/* A stream that only a stage starts; its rate was set before. */
static void test_waits_for_its_start(void **state)
{
	struct sp_pace pace = at_pps(10, T0, NONE);
	struct sp_change c[] = {
		to_rate(1000, T0 + S),
		{ .kind = SP_CHANGE_START, .at_ns = T0 + 2 * S, .pace = at_pps(50, 0, NONE) },
		stop_at(T0 + 3 * S)
	};
	struct sp_pacer *p;
	uint64_t due[TAKEN];

	(void)state;
	pace.count = 0;
	p = pacer(&pace);
	assert_true(sp_pacer_next(p) == SP_NEVER);
	for (unsigned i = 0; i < 3; i++)
		change(p, &c[i]);
	assert_int_equal(take_all(p, NONE, due, 0), 50);
	assert_true(due[0] == T0 + 2 * S);
	assert_int_equal(asked(pace, c, 3), 50);
	sp_pacer_free(p);
}

static void test_limits_hold_across_changes(void **state)
{
	struct sp_pace pace = at_pps(10, T0, NONE);
	struct sp_change c[] = { to_rate(100, T0 + S), to_rate(10, T0 + 1100 * MS),
				 to_rate(1000, T0 + 9 * S) };
	struct sp_pacer *p;
	uint64_t due[TAKEN];

	(void)state;
	pace.count = 25;
	p = pacer(&pace);
	for (unsigned i = 0; i < 3; i++)
		change(p, &c[i]);
	assert_int_equal(take_all(p, NONE, due, 0), 25);
	assert_true(due[10] == T0 + S && due[19] == T0 + 1090 * MS);
	assert_true(due[20] == T0 + 1100 * MS && due[24] == T0 + 1500 * MS);
	assert_int_equal(asked(pace, c, 3), 25);
	sp_pacer_free(p);
	/* Before it begins, a new rate does not move the begin; after its end it does nothing. */
	pace = at_pps(10, T0 + 2 * S, T0 + 3 * S);
	p = pacer(&pace);
	for (unsigned i = 0; i < 3; i++)
		change(p, &c[i]);
	assert_int_equal(take_all(p, NONE, due, 0), 10);
	assert_true(due[0] == T0 + 2 * S);
	assert_int_equal(asked(pace, c, 3), 10);
	sp_pacer_free(p);
}

/* What comes in the middle, between other streams, does the same as what was planned. */
static void test_in_the_middle(void **state)
{
	struct sp_pace pace = at_pps(100, T0, T0 + 4 * S), slow = at_pps(1, T0, T0 + 4 * S);
	struct sp_change c[] = { to_rate(7, T0 + 1005 * MS), to_rate(333, T0 + 2001 * MS),
				 stop_at(T0 + 3 * S) };
	uint64_t planned[TAKEN], n;
	struct sp_pacer *p = pacer(&pace);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		change(p, &c[i]);
	n = take_all(p, NONE, planned, 0);
	assert_int_equal(n, asked(pace, c, 3));
	sp_pacer_free(p);
	for (unsigned early = 0; early < 2; early++) {
		uint64_t k = 0, next;
		unsigned i = 0;
		struct sp_due d;

		assert_int_equal(sp_pacer_new(&p, sp_mem_system(), 3, T0, NULL), 0);
		assert_int_equal(sp_pacer_add(p, 0, &pace), 0);
		assert_int_equal(sp_pacer_add(p, 1, &slow), 0);
		assert_int_equal(sp_pacer_add(p, 2, &slow), 0);
		while ((next = sp_pacer_next(p)) != SP_NEVER) {
			if (i < 3 && next >= c[i].at_ns - early * 3 * MS) {
				change(p, &c[i++]);
				continue;
			}
			assert_int_equal(sp_pacer_take(p, next, &d, 1), 1);
			if (d.stream == 0)
				assert_true(d.due_ns == planned[k++]);
		}
		assert_int_equal(i, 3);
		assert_int_equal(k, n);
		sp_pacer_free(p);
	}
}

static void test_as_fast_as_possible(void **state)
{
	struct sp_pace pace = at_pps(100, T0, T0 + 3 * S), max = pace;
	struct sp_change c[2];
	struct sp_due d[64];
	uint64_t due[TAKEN];
	struct sp_pacer *p;

	(void)state;
	max.kind = SP_PACE_MAX;
	c[0] = (struct sp_change){ .kind = SP_CHANGE_RATE, .at_ns = T0 + S, .pace = max };
	c[1] = to_rate(10, T0 + 2 * S);
	p = pacer(&pace);
	change(p, &c[0]);
	change(p, &c[1]);
	assert_int_equal(take_all(p, T0 + S, due, 0), 100);
	assert_int_equal(sp_pacer_take(p, T0 + S, d, 64), 64);
	assert_int_equal(sp_pacer_take(p, T0 + 2 * S - 1, d, 64), 64);
	assert_int_equal(sp_pacer_take(p, T0 + 2 * S, d, 64), 0);
	assert_true(sp_pacer_next(p) == T0 + 2 * S);
	assert_int_equal(sp_pacer_take(p, T0 + 2 * S, d, 64), 1);
	assert_true(d[0].due_ns == T0 + 2 * S);
	assert_int_equal(take_all(p, NONE, due, 0), 9);
	sp_pacer_free(p);
}

/* A stall over several changes: everything that was asked is given out or skipped. */
static void test_late(void **state)
{
	static const enum sp_catch_up kinds[] = { SP_CATCH_CHASE, SP_CATCH_BURST,
						  SP_CATCH_SKIP };
	struct sp_pace pace = at_pps(100, T0, T0 + 5 * S);

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		struct sp_catch_up_conf conf = { kinds[k], 2, S };
		struct sp_change c[] = {
			to_rate(200, T0 + S),
			stop_at(T0 + 1500 * MS),
			{ .kind = SP_CHANGE_START,
			  .at_ns = T0 + 2 * S,
			  .pace = at_pps(50, 0, T0 + 6 * S) },
			to_rate(500, T0 + 2500 * MS),
		};
		struct sp_paced counts;
		struct sp_pacer *p;
		struct sp_due d[256];
		uint64_t now = T0, n = 0, want = asked(pace, c, 4);

		assert_int_equal(want, 100 + 100 + 25 + 1750);
		assert_int_equal(sp_pacer_new(&p, sp_mem_system(), 1, T0, &conf), 0);
		assert_int_equal(sp_pacer_add(p, 0, &pace), 0);
		for (unsigned i = 0; i < 4; i++)
			change(p, &c[i]);
		n += sp_pacer_take(p, T0 + 500 * MS, d, 256);
		for (now = T0 + 3500 * MS; sp_pacer_next(p) != SP_NEVER; now += MS)
			n += sp_pacer_take(p, now, d, 256);
		sp_pacer_counts(p, 0, &counts);
		assert_int_equal(counts.taken, n);
		assert_int_equal(counts.taken + counts.skipped, want);
		assert_true(counts.skipped > 0);
		sp_pacer_free(p);
	}
}

static void test_drain_counts_what_was_to_come(void **state)
{
	struct sp_pace pace = at_pps(100, T0, T0 + 5 * S);
	struct sp_change c[] = { to_rate(200, T0 + S),
				 stop_at(T0 + 2 * S),
				 { .kind = SP_CHANGE_START,
				   .at_ns = T0 + 3 * S,
				   .pace = at_pps(10, 0, T0 + 4 * S) } };
	struct sp_paced counts;
	struct sp_due d[64];

	(void)state;
	for (unsigned stop = 0; stop < 2; stop++) {
		struct sp_pacer *p = pacer(&pace);

		for (unsigned i = 0; i < 3; i++)
			change(p, &c[i]);
		assert_true(sp_pacer_take(p, T0 + 100 * MS, d, 64) > 0);
		if (stop)
			sp_pacer_stop(p, T0 + 1500 * MS);
		sp_pacer_drain(p);
		sp_pacer_counts(p, 0, &counts);
		assert_int_equal(counts.taken + counts.skipped, stop ? 200 : 100 + 200 + 10);
		assert_true(sp_pacer_next(p) == SP_NEVER);
		sp_pacer_free(p);
	}
}

/* ---- laws ---- */

struct beat {
	uint64_t due_ns;
	double gap_ns;
};

static int beat_next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct beat *b = st;

	b->due_ns += (uint64_t)b->gap_ns;
	*due_ns = b->due_ns;
	*size = 10;
	return 0;
}

static void beat_move(void *st, uint64_t due_ns, double factor)
{
	struct beat *b = st;

	b->due_ns = due_ns;
	b->gap_ns *= factor;
}

static void test_laws(void **state)
{
	static const struct sp_schedule_ops ops = { .next = beat_next, .move = beat_move };
	static const struct sp_schedule_ops fixed = { .next = beat_next };
	struct beat b = { T0, (double)(100 * MS) };
	struct sp_pace pace = at_pps(10, T0, T0 + 10 * S), faster = at_pps(100, 0, NONE);
	struct sp_change c[4];
	uint64_t due[TAKEN];
	struct sp_pacer *p;

	(void)state;
	pace.kind = faster.kind = SP_PACE_OPS;
	pace.ops = &ops;
	pace.st = &b;
	pace.bytes = 1000;
	c[0] = (struct sp_change){ SP_CHANGE_RATE, T0 + 950 * MS, faster, NULL };
	c[1] = stop_at(T0 + S);
	c[2] = (struct sp_change){ SP_CHANGE_START, T0 + 2 * S, pace, NULL };
	c[2].pace.bytes = 200;
	p = pacer(&pace);
	for (unsigned i = 0; i < 3; i++)
		change(p, &c[i]);
	/* 0.1 ... 0.9, then half a gap of 10 ms after 0.95: 0.955 ... 0.995. */
	assert_int_equal(take_all(p, NONE, due, 0), 9 + 5 + 20);
	assert_true(due[8] == T0 + 900 * MS && due[9] == T0 + 955 * MS);
	assert_true(due[13] == T0 + 995 * MS && due[14] == T0 + 2100 * MS);
	assert_true(due[33] == T0 + 4 * S);
	c[3] = to_rate(5, T0 + 9 * S);
	assert_int_equal(sp_pacer_change(p, 0, &c[3]), -ENOTSUP);
	sp_pacer_free(p);
	pace.ops = &fixed;
	p = pacer(&pace);
	assert_int_equal(sp_pacer_change(p, 0, &c[0]), -ENOTSUP);
	assert_int_equal(sp_pacer_change(p, 1, &c[0]), -EINVAL);
	sp_pacer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_across_a_change),
		cmocka_unit_test(test_phase_is_kept),
		cmocka_unit_test(test_stop_and_start),
		cmocka_unit_test(test_waits_for_its_start),
		cmocka_unit_test(test_limits_hold_across_changes),
		cmocka_unit_test(test_in_the_middle),
		cmocka_unit_test(test_as_fast_as_possible),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_drain_counts_what_was_to_come),
		cmocka_unit_test(test_laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
