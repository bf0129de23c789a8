#include "core/pacer.h"

#include "base/rng.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#define S    SP_NS_PER_S
#define MS   SP_NS_PER_MS
#define T0   (7 * S + 123)
#define NONE UINT64_MAX

static struct sp_pacer *pacer(uint32_t n, const struct sp_catch_up_conf *conf)
{
	struct sp_pacer *p;

	assert_int_equal(sp_pacer_new(&p, sp_mem_system(), n, T0, conf), 0);
	return p;
}

static struct sp_pace at_pps(uint64_t pps, uint64_t end_ns)
{
	return (struct sp_pace){
		.kind = SP_PACE_CONST,
		.start_ns = T0,
		.end_ns = end_ns,
		.count = NONE,
		.bytes = NONE,
		.size = 100,
		.gap_ns = S / pps,
		.gap_num = S % pps,
		.gap_den = pps,
	};
}

static struct sp_paced counts(const struct sp_pacer *p, uint32_t id)
{
	struct sp_paced c;

	sp_pacer_counts(p, id, &c);
	return c;
}

static void assert_counts(const struct sp_pacer *p, uint64_t taken, uint64_t skipped,
			  uint64_t chased)
{
	struct sp_paced c = counts(p, 0);

	assert_int_equal(c.taken, taken);
	assert_int_equal(c.skipped, skipped);
	assert_int_equal(c.chased, chased);
}

/* Polls only when something is due; every departure must come out at its very time. */
static uint64_t run_exact(struct sp_pacer *p, uint64_t pps)
{
	struct sp_due d[4];
	uint64_t k = 0, now;

	while ((now = sp_pacer_next(p)) != SP_NEVER) {
		uint64_t want = T0 + k / pps * S + k % pps * S / pps;

		assert_int_equal(sp_pacer_take(p, now - 1, d, 4), 0);
		assert_int_equal(sp_pacer_take(p, now, d, 4), 1);
		assert_true(d[0].due_ns == want && now == want);
		assert_int_equal(d[0].size, 100);
		k++;
	}
	return k;
}

static void test_exact_times(void **state)
{
	const struct {
		uint64_t pps, seconds;
	} cases[] = { { 100, 10 }, { 3, 1000 }, { 7, 1000 }, { 1000000, 1 }, { 9999, 20 } };

	(void)state;
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_pacer *p = pacer(1, NULL);
		struct sp_pace c = at_pps(cases[i].pps, T0 + cases[i].seconds * S);

		assert_int_equal(sp_pacer_add(p, 0, &c), 0);
		assert_int_equal(run_exact(p, cases[i].pps), cases[i].pps * cases[i].seconds);
		assert_counts(p, cases[i].pps * cases[i].seconds, 0, 0);
		sp_pacer_free(p);
	}
}

/* 10,000 rates, and at every ms each stream has given exactly what its schedule holds. */
static void test_many_streams(void **state)
{
	enum { N = 10000 };
	struct sp_pacer *p = pacer(N, NULL);
	uint32_t *pps = calloc(N, sizeof *pps), *given = calloc(N, sizeof *given), n;
	struct sp_due d[256];
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "rates");
	for (uint32_t i = 0; i < N; i++) {
		struct sp_pace c;

		pps[i] = 1 + (uint32_t)sp_rng_below(&rng, 2 + i / 200);
		c = at_pps(pps[i], SP_NEVER);
		assert_int_equal(sp_pacer_add(p, i, &c), 0);
	}
	for (uint64_t t = 0; t <= 10 * S; t += MS) {
		while ((n = sp_pacer_take(p, T0 + t, d, 256)) > 0) {
			for (uint32_t k = 0; k < n; k++) {
				assert_true(d[k].due_ns <= T0 + t);
				given[d[k].stream]++;
			}
		}
		for (uint32_t i = 0; i < N; i++)
			if (given[i] != t * pps[i] / S + 1)
				fail_msg("stream %u at %u pps: %u at %lu ns", i, pps[i],
					 given[i], (unsigned long)t);
	}
	free(given);
	free(pps);
	sp_pacer_free(p);
}

/* Slow and fast streams together, polled at random: never early, and in order of slots. */
static void test_order(void **state)
{
	const uint64_t gaps[] = { 90, 700, 3000, 50000, 2000000, 90000000 };
	struct sp_rng rng;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct sp_pacer *p = pacer(6, NULL);
		uint64_t now = T0, slot = 0, first = seed % 6;
		struct sp_due d[64];

		sp_rng_init(&rng, seed, "order");
		for (uint32_t i = 0; i < 6; i++) {
			struct sp_pace c = at_pps(1, SP_NEVER);

			c.gap_ns = gaps[i < first ? i + 6 - first : i];
			c.start_ns += sp_rng_below(&rng, 100000);
			assert_int_equal(sp_pacer_add(p, i, &c), 0);
		}
		for (int round = 0; round < 20000; round++) {
			uint32_t max = 1 + (uint32_t)sp_rng_below(&rng, 64), n;

			n = sp_pacer_take(p, now, d, max);
			for (uint32_t k = 0; k < n; k++) {
				assert_true(d[k].due_ns <= now);
				assert_true(d[k].due_ns >> 10 >= slot);
				slot = d[k].due_ns >> 10;
			}
			if (n < max)
				now += sp_rng_below(&rng, 20000);
		}
		for (uint32_t i = 0; i < 6; i++)
			assert_int_equal(counts(p, i).chased, 0);
		sp_pacer_free(p);
	}
}

/* 1000 pps, polled each 100 us for 2 s; then silence; then polled on to the end at 10 s. */
static struct sp_pacer *stalled(const struct sp_catch_up_conf *conf)
{
	struct sp_pacer *p = pacer(2, conf);
	struct sp_pace c = at_pps(1000, T0 + 10 * S), slow = at_pps(1, SP_NEVER);
	struct sp_due d[4];

	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	/* so that it is not alone; only from after the test */
	slow.start_ns = T0 + 60 * S;
	assert_int_equal(sp_pacer_add(p, 1, &slow), 0);
	for (uint64_t t = 0; t <= 2 * S; t += MS / 10)
		(void)sp_pacer_take(p, T0 + t, d, 4);
	assert_counts(p, 2001, 0, 0);
	return p;
}

static uint64_t take_all(struct sp_pacer *p, uint64_t now)
{
	struct sp_due d[32];
	uint64_t all = 0;
	uint32_t n;

	while ((n = sp_pacer_take(p, now, d, 32)) > 0)
		all += n;
	return all;
}

static void finish(struct sp_pacer *p, uint64_t from, uint64_t taken, uint64_t skipped,
		   uint64_t chased)
{
	for (uint64_t t = from; t < T0 + 12 * S; t += MS / 10)
		(void)take_all(p, t);
	assert_counts(p, taken, skipped, chased);
	sp_pacer_free(p);
}

static void test_burst(void **state)
{
	const struct sp_catch_up_conf conf = { SP_CATCH_BURST, 2, S };
	struct sp_pacer *p = stalled(&conf);

	(void)state;
	assert_int_equal(take_all(p, T0 + 2500 * MS), 500);
	assert_counts(p, 2501, 0, 497); /* 3 were at most 2 ms late */
	finish(p, T0 + 2500 * MS, 10000, 0, 497);

	p = stalled(&conf);
	assert_int_equal(take_all(p, T0 + 5 * S), 1001); /* 4.000 to 5.000 */
	assert_counts(p, 3002, 1999, 998);
	finish(p, T0 + 5 * S, 8001, 1999, 998);
}

static void test_skip(void **state)
{
	const struct sp_catch_up_conf conf = { SP_CATCH_SKIP, 2, S };
	struct sp_pacer *p = stalled(&conf);

	(void)state;
	assert_int_equal(take_all(p, T0 + 2500 * MS), 3);
	assert_counts(p, 2004, 497, 0);
	finish(p, T0 + 2500 * MS, 9503, 497, 0);

	p = stalled(&conf);
	assert_int_equal(take_all(p, T0 + 5 * S), 3);
	assert_counts(p, 2004, 2997, 0);
	finish(p, T0 + 5 * S, 7003, 2997, 0);
}

static void test_chase(void **state)
{
	struct sp_pacer *p = stalled(NULL);

	(void)state;
	/* Twice the rate from 2.5 s on, until 2.999 s. */
	for (uint64_t t = 0; t < 499 * MS; t += MS / 20) {
		(void)take_all(p, T0 + 2500 * MS + t);
		assert_counts(p, 2001 + t / (MS / 2) + 1, 0, t / (MS / 2) + 1);
	}
	finish(p, T0 + 2999 * MS, 10000, 0, 998);

	p = stalled(NULL);
	for (uint64_t t = 0; t < S; t += MS / 20) {
		(void)take_all(p, T0 + 5 * S + t);
		assert_counts(p, 2001 + t / (MS / 2) + 1, 1999, t / (MS / 2) + 1);
	}
	finish(p, T0 + 6 * S, 8001, 1999, 2000);
}

static void test_chase_slowly(void **state)
{
	const struct sp_catch_up_conf conf = { SP_CATCH_CHASE, 1.25, S };
	struct sp_pacer *p = stalled(&conf);

	(void)state;
	/* 2.5 + (d - 2.001) / 1.25 <= d from d = 4.496 on */
	finish(p, T0 + 2500 * MS, 10000, 0, 2495);
}

/* 10,000 pps, polled when something is due, held up for so long after a second. Afterwards nothing
 * comes before its time or sooner after its forerunner than half a gap, every step back to the
 * schedule is smaller than the one before, and it is reached. */
static void smooth_after(uint64_t held_ns, uint64_t at_once)
{
	const struct sp_catch_up_conf conf = { SP_CATCH_SMOOTH, 2, SP_NEVER };
	const uint64_t gap = S / 10000;
	struct sp_pacer *p = pacer(1, &conf);
	struct sp_pace c = at_pps(10000, T0 + 2 * S);
	uint64_t now, last = 0, late = 0, back = NONE, k = 0;
	struct sp_due d[1];

	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	for (; (now = sp_pacer_next(p)) != SP_NEVER; k++) {
		if (k == 10000)
			now += held_ns;
		if (now < last)
			now = last; /* what is late already */
		assert_int_equal(sp_pacer_take(p, now, d, 1), 1);
		assert_true(d[0].due_ns == T0 + k * gap && now >= d[0].due_ns);
		if (k > 10000 && k <= 10000 + at_once) {
			assert_true(now == last);
		} else if (k > 10000 + at_once) {
			assert_in_range(now - last, gap / 2, gap);
			assert_true(gap - (now - last) <= back || now == d[0].due_ns);
			back = gap - (now - last);
		}
		late = now - d[0].due_ns;
		last = now;
	}
	assert_int_equal(late, 0);
	assert_int_equal(k, 20000);
	assert_counts(p, 20000, 0, at_once);
	sp_pacer_free(p);
}

static void test_smooth(void **state)
{
	(void)state;
	smooth_after(0, 0);
	smooth_after(900, 0);
	smooth_after(30000, 0);
	smooth_after(2 * MS, 0);
	smooth_after(52 * MS, 500);
}

/* A chase that is itself held up for 0.3 s starts anew: no burst, still not above twice. */
static void test_chase_stalls(void **state)
{
	struct sp_pacer *p = stalled(NULL);
	uint64_t before;

	(void)state;
	for (uint64_t t = 0; t <= 100 * MS; t += MS / 10)
		(void)take_all(p, T0 + 2500 * MS + t);
	before = counts(p, 0).taken;
	assert_int_equal(before, 2001 + 201);
	for (uint64_t t = 0; t < 50 * MS; t += MS / 10) {
		(void)take_all(p, T0 + 2900 * MS + t);
		assert_int_equal(counts(p, 0).taken, before + t / (MS / 2) + 1);
	}
	/* d = 2.202 was given at 2.9: on time again from d = 3.598 on */
	finish(p, T0 + 2950 * MS, 10000, 0, 201 + 1396);
}

/* After a stall every stream of many chases for itself. */
static void test_many_chase(void **state)
{
	enum { N = 50 };
	struct sp_pacer *p = pacer(N, NULL);

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		struct sp_pace c = at_pps(100 + i * 37, T0 + 4 * S);

		assert_int_equal(sp_pacer_add(p, i, &c), 0);
	}
	(void)take_all(p, T0);
	for (uint64_t t = S / 2; t < 5 * S; t += MS / 5) {
		(void)take_all(p, T0 + t);
		for (uint32_t i = 0; i < N; i++) {
			uint64_t pps = 100 + i * 37,
				 asked = (t < 4 * S ? t : 4 * S) * pps / S + 1;
			uint64_t most = 1 + (t - S / 2) * 2 * pps / S + 1, got;

			got = counts(p, i).taken;
			assert_true(got <= asked && got <= most);
			if (t > S + MS)
				assert_true(got + (t >= 4 * S) >= asked);
		}
	}
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(counts(p, i).taken, 4 * (100 + i * 37));
		assert_int_equal(counts(p, i).skipped, 0);
	}
	sp_pacer_free(p);
}

static void test_limits(void **state)
{
	const struct sp_catch_up_conf conf = { SP_CATCH_BURST, 2, S };
	struct sp_pacer *p = pacer(5, &conf);
	struct sp_pace c = at_pps(1000, T0 + S);

	(void)state;
	c.count = 17;
	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	c.bytes = 1699; /* 16 of 100 bytes */
	assert_int_equal(sp_pacer_add(p, 1, &c), 0);
	c = at_pps(1000, T0 + 5 * MS);
	assert_int_equal(sp_pacer_add(p, 2, &c), 0);
	c = at_pps(1000, T0);
	assert_int_equal(sp_pacer_add(p, 3, &c), 0);
	c = at_pps(1000, T0 + S);
	c.count = 0;
	assert_int_equal(sp_pacer_add(p, 4, &c), 0);
	assert_int_equal(take_all(p, T0 + 500 * MS), 17 + 16 + 5);
	assert_true(sp_pacer_next(p) == SP_NEVER);
	assert_int_equal(counts(p, 0).taken, 17);
	assert_int_equal(counts(p, 1).taken, 16);
	assert_int_equal(counts(p, 2).taken, 5);
	sp_pacer_free(p);
}

static void test_refused(void **state)
{
	struct sp_pacer *p = pacer(2, NULL);
	struct sp_pace good = at_pps(3, SP_NEVER), c = good;
	struct sp_catch_up_conf conf = { SP_CATCH_CHASE, 0.5, S };
	struct sp_pacer *none;

	(void)state;
	assert_int_equal(sp_pacer_add(p, 2, &good), -EINVAL);
	c.gap_den = 0;
	assert_int_equal(sp_pacer_add(p, 0, &c), -EINVAL);
	c = good;
	c.gap_num = 3;
	assert_int_equal(sp_pacer_add(p, 0, &c), -EINVAL);
	c = good;
	c.gap_ns = c.gap_num = 0;
	assert_int_equal(sp_pacer_add(p, 0, &c), -EINVAL);
	c.kind = SP_PACE_OPS;
	assert_int_equal(sp_pacer_add(p, 0, &c), -EINVAL);
	assert_int_equal(sp_pacer_add(p, 0, &good), 0);
	assert_int_equal(sp_pacer_add(p, 0, &good), -EINVAL);
	sp_pacer_free(p);
	assert_int_equal(sp_pacer_new(&none, sp_mem_system(), 1, 0, &conf), -EINVAL);
	assert_null(none);
}

static void test_stop_and_drain(void **state)
{
	struct sp_pacer *p = pacer(3, NULL);
	struct sp_pace c = at_pps(1000, SP_NEVER);
	struct sp_due d[100];

	(void)state;
	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	c = at_pps(10, T0 + 60 * S);
	assert_int_equal(sp_pacer_add(p, 1, &c), 0);
	c.kind = SP_PACE_MAX;
	assert_int_equal(sp_pacer_add(p, 2, &c), 0);
	assert_int_equal(sp_pacer_take(p, T0 + MS, d, 100), 100);
	assert_counts(p, 2, 0, 0);
	sp_pacer_stop(p, T0 + 500 * MS);
	/* 2 to 499 ms are left of the first, 100 to 400 of the second */
	assert_int_equal(sp_pacer_take(p, T0 + 2 * MS, d, 100), 100);
	assert_counts(p, 3, 0, 0);
	sp_pacer_drain(p);
	assert_true(sp_pacer_next(p) == SP_NEVER);
	assert_int_equal(sp_pacer_take(p, T0 + 60 * S, d, 100), 0);
	assert_counts(p, 3, 497, 0);
	assert_int_equal(counts(p, 1).taken, 1);
	assert_int_equal(counts(p, 1).skipped, 4);
	assert_int_equal(counts(p, 2).taken, 97 + 99);
	assert_int_equal(counts(p, 2).skipped, 0);
	sp_pacer_free(p);
}

/* When all that was due before the stop has been given, nothing is next. */
static void test_stop_ends(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 4; n++) {
		struct sp_pacer *p = pacer(n, NULL);

		for (uint32_t i = 0; i < n; i++) {
			struct sp_pace c = at_pps(100, SP_NEVER);

			assert_int_equal(sp_pacer_add(p, i, &c), 0);
		}
		assert_int_equal(take_all(p, T0), n);
		sp_pacer_stop(p, T0 + 10 * MS + 1);
		assert_true(sp_pacer_next(p) == T0 + 10 * MS);
		assert_int_equal(take_all(p, T0 + 10 * MS), n);
		assert_true(sp_pacer_next(p) == SP_NEVER);
		sp_pacer_drain(p);
		assert_counts(p, 2, 0, 0);
		sp_pacer_free(p);
	}
}

/* A stop in the middle of a chase does not end or hasten it. */
static void test_stop_in_chase(void **state)
{
	struct sp_pacer *p = stalled(NULL);

	(void)state;
	(void)take_all(p, T0 + 2500 * MS);
	sp_pacer_stop(p, T0 + 2600 * MS);
	for (uint64_t t = 0; t < 200 * MS; t += MS / 10) {
		(void)take_all(p, T0 + 2500 * MS + t);
		assert_int_equal(counts(p, 0).taken, 2001 + t / (MS / 2) + 1);
	}
	sp_pacer_drain(p);
	assert_counts(p, 2401, 199, 400);
	sp_pacer_free(p);
}

/* All but the last in one piece, of one that is alone; what did not leave is due again. */
static void test_runs(void **state)
{
	struct sp_pacer *p = pacer(2, NULL);
	struct sp_pace c = { .kind = SP_PACE_MAX,
			     .start_ns = T0,
			     .end_ns = T0 + S,
			     .count = 1000,
			     .bytes = UINT64_MAX,
			     .size = 60 };
	struct sp_repeat run;
	struct sp_due d[8];

	(void)state;
	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	assert_false(sp_pacer_take_run(p, T0, 100, &run)); /* it has not begun */
	assert_int_equal(sp_pacer_take(p, T0, d, 8), 8);
	assert_false(sp_pacer_take_run(p, T0, 0, &run));
	assert_true(sp_pacer_take_run(p, T0 + 1, 100, &run));
	assert_int_equal(run.n, 100);
	assert_int_equal(run.size, 60);
	assert_true(run.end_ns == T0 + S);
	sp_pacer_untake(p, &run, 40);
	assert_int_equal(counts(p, 0).taken, 68);
	assert_true(sp_pacer_take_run(p, T0 + 2, 100000, &run));
	assert_int_equal(run.n, 1000 - 68 - 1);
	assert_false(sp_pacer_take_run(p, T0 + 3, 100, &run));
	assert_int_equal(sp_pacer_take(p, T0 + 3, d, 8), 1);
	assert_int_equal(d[0].last, 1);
	assert_true(sp_pacer_next(p) == SP_NEVER);
	sp_pacer_free(p);

	p = pacer(2, NULL);
	c.count = UINT64_MAX;
	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	(void)sp_pacer_take(p, T0, d, 8);
	sp_pacer_room(p, 0, 5);
	assert_false(sp_pacer_take_run(p, T0 + 1, 100, &run)); /* each is waited for */
	sp_pacer_free(p);

	p = pacer(2, NULL);
	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	c = at_pps(10, T0 + S);
	assert_int_equal(sp_pacer_add(p, 1, &c), 0);
	(void)sp_pacer_take(p, T0, d, 8);
	assert_false(sp_pacer_take_run(p, T0 + 1, 100, &run)); /* not alone */
	sp_pacer_stop(p, T0 + 2);
	(void)sp_pacer_take(p, T0 + 2, d, 8);
	assert_false(sp_pacer_take_run(p, T0 + 2, 100, &run));
	sp_pacer_free(p);
}

/* MAX streams that are given room: no more than that, and no share of the others is lost. */
static void test_room(void **state)
{
	struct sp_pacer *p = pacer(2, NULL);
	struct sp_pace max = at_pps(1, T0 + 10 * MS);
	struct sp_due d[64];

	(void)state;
	max.kind = SP_PACE_MAX;
	assert_int_equal(sp_pacer_add(p, 0, &max), 0);
	assert_int_equal(sp_pacer_add(p, 1, &max), 0);
	sp_pacer_room(p, 0, 5);
	assert_int_equal(sp_pacer_take(p, T0, d, 64), 64);
	assert_int_equal(counts(p, 0).taken, 5);
	sp_pacer_room(p, 1, 7);
	assert_true(sp_pacer_next(p) == T0);
	assert_int_equal(sp_pacer_take(p, T0 + 1, d, 64), 7);
	assert_true(sp_pacer_next(p) == T0 + 10 * MS);
	assert_int_equal(sp_pacer_take(p, T0 + 2, d, 64), 0);
	sp_pacer_room(p, 0, 1);
	assert_int_equal(sp_pacer_take(p, T0 + 3, d, 64), 1);
	assert_int_equal(sp_pacer_take(p, T0 + 10 * MS, d, 64), 0);
	assert_true(sp_pacer_next(p) == SP_NEVER);
	sp_pacer_free(p);
}

static void test_max(void **state)
{
	struct sp_pacer *p = pacer(4, NULL);
	struct sp_pace paced = at_pps(1000, SP_NEVER), max = at_pps(1, T0 + 10 * MS);
	struct sp_due d[64];

	(void)state;
	max.kind = SP_PACE_MAX;
	assert_int_equal(sp_pacer_add(p, 0, &paced), 0);
	assert_int_equal(sp_pacer_add(p, 1, &max), 0);
	max.count = 100;
	assert_int_equal(sp_pacer_add(p, 2, &max), 0);
	max.count = NONE;
	max.bytes = 1050;
	max.start_ns = T0 + 5 * MS;
	assert_int_equal(sp_pacer_add(p, 3, &max), 0);

	assert_int_equal(sp_pacer_take(p, T0, d, 64), 64);
	assert_int_equal(d[0].stream, 0);
	for (uint32_t k = 1; k < 64; k++) {
		assert_int_equal(d[k].stream, k < 32 ? 1 : k < 63 ? 2 : 1);
		assert_true(d[k].due_ns == T0);
	}
	assert_true(sp_pacer_next(p) == T0);
	assert_int_equal(sp_pacer_take(p, T0 + 5, d, 3), 3); /* goes on in turn */
	assert_int_equal(d[0].stream, 2);
	assert_int_equal(d[1].stream, 1);
	assert_int_equal(d[2].stream, 2);
	for (uint64_t t = 1; t < 20; t++)
		(void)sp_pacer_take(p, T0 + t * MS, d, 64);
	assert_counts(p, 20, 0, 0);
	assert_int_equal(counts(p, 1).taken, 32 + 1 + 9 * 63 - (100 - 33) - 10);
	assert_int_equal(counts(p, 2).taken, 100);
	assert_int_equal(counts(p, 3).taken, 10);
	assert_true(sp_pacer_next(p) == T0 + 20 * MS);
	sp_pacer_free(p);
}

/* One that ends does not cost another its turn. */
static void test_max_turns(void **state)
{
	const uint32_t want[] = { 0, 1, 2, 0, 2, 0, 2 };
	struct sp_pacer *p = pacer(3, NULL);
	struct sp_due d;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct sp_pace c = at_pps(1, SP_NEVER);

		c.kind = SP_PACE_MAX;
		c.count = i == 1 ? 1 : NONE;
		assert_int_equal(sp_pacer_add(p, i, &c), 0);
	}
	for (uint32_t k = 0; k < 7; k++) {
		assert_int_equal(sp_pacer_take(p, T0 + k, &d, 1), 1);
		assert_int_equal(d.stream, want[k]);
	}
	sp_pacer_free(p);
}

/* A law of listed times; sizes count up from 1. */
struct script {
	const uint64_t *at_ns;
	uint32_t n, i;
};

static int script_next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct script *s = st;

	if (s->i == s->n)
		return 1;
	*due_ns = T0 + s->at_ns[s->i++];
	*size = s->i;
	return 0;
}

static const struct sp_schedule_ops script_ops = { .next = script_next };

static void test_law(void **state)
{
	const uint64_t at_ns[] = { 0, 10, 10, 5000, 5001, 900000, 900001, 2000000000 };
	struct script s[4] = {
		{ at_ns, 8, 0 }, { at_ns, 8, 0 }, { at_ns, 8, 0 }, { at_ns, 8, 0 }
	};
	struct sp_pace c = { .kind = SP_PACE_OPS, .ops = &script_ops };
	struct sp_pacer *p = pacer(4, NULL);
	const uint64_t limit[4][3] = { { SP_NEVER, NONE, NONE },
				       { T0 + 900001, NONE, NONE },
				       { SP_NEVER, 3, NONE },
				       { SP_NEVER, NONE, 14 } };
	const uint64_t want[4] = { 8, 6, 3, 4 };
	uint64_t seen[4] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		c.start_ns = T0;
		c.end_ns = limit[i][0];
		c.count = limit[i][1];
		c.bytes = limit[i][2];
		c.st = &s[i];
		assert_int_equal(sp_pacer_add(p, i, &c), 0);
	}
	for (uint64_t now; (now = sp_pacer_next(p)) != SP_NEVER;) {
		struct sp_due d[8];
		uint32_t n = sp_pacer_take(p, now, d, 8);

		assert_true(n > 0);
		for (uint32_t k = 0; k < n; k++) {
			assert_true(d[k].due_ns == T0 + at_ns[seen[d[k].stream]]);
			assert_int_equal(d[k].size, ++seen[d[k].stream]);
		}
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(seen[i], want[i]);
	sp_pacer_free(p);
}

/* A law is skipped and chased as a constant gap is. */
static void test_law_stall(void **state)
{
	uint64_t at_ns[3000];
	struct script s = { at_ns, 3000, 0 };
	struct sp_pace c = { .kind = SP_PACE_OPS, .ops = &script_ops, .st = &s };
	struct sp_pacer *p = pacer(1, NULL);

	(void)state;
	for (uint32_t i = 0; i < 3000; i++)
		at_ns[i] = i * MS;
	c.start_ns = T0;
	c.end_ns = SP_NEVER;
	c.count = c.bytes = NONE;
	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	assert_int_equal(take_all(p, T0), 1);
	for (uint64_t t = 0; t < 400 * MS; t += MS / 20) {
		(void)take_all(p, T0 + 1500 * MS + t);
		assert_counts(p, 1 + t / (MS / 2) + 1, 499, t / (MS / 2) + 1);
	}
	sp_pacer_stop(p, T0 + 2 * S); /* 0 to 1.999 s: 2000 */
	sp_pacer_drain(p);
	assert_counts(p, 801, 1199, 800);
	sp_pacer_free(p);
}

static uint64_t pick(struct sp_rng *rng, uint64_t limited)
{
	return sp_rng_below(rng, 2) ? NONE : limited;
}

/* The ledger's "asked", computed from the pace alone, is what the pacer gives, at any moment. */
static void test_asked(void **state)
{
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "asked");
	for (int round = 0; round < 600; round++) {
		struct sp_pacer *p = pacer(1, NULL);
		uint64_t micro = 1000 + (sp_rng_u64(&rng) >> (4 + sp_rng_below(&rng, 50)));
		unsigned __int128 unit = (unsigned __int128)S * 1000000;
		struct sp_pace c = at_pps(1, SP_NEVER);
		struct sp_due d[16];
		uint64_t given = 0, total, now, late;

		/* micro-pps: the gap is 10^15 / micro ns */
		c.gap_ns = (uint64_t)(unit / micro);
		c.gap_num = (uint64_t)(unit % micro);
		c.gap_den = micro;
		c.start_ns += sp_rng_below(&rng, 3 * S);
		c.end_ns = pick(&rng, c.start_ns + sp_rng_below(&rng, 1000 * c.gap_ns + 99));
		c.count = pick(&rng, sp_rng_below(&rng, 800));
		c.size = (uint32_t)sp_rng_below(&rng, 1500);
		c.bytes = pick(&rng, sp_rng_below(&rng, 500000));
		assert_int_equal(sp_pacer_add(p, 0, &c), 0);
		total = sp_pace_asked(&c, SP_NEVER);
		while (given < 1000 && (now = sp_pacer_next(p)) != SP_NEVER) {
			late = 2 + 20 * (c.gap_ns < MS / 20 ? c.gap_ns : MS / 20);
			now += sp_rng_below(&rng, 3) ? 0 : sp_rng_below(&rng, late);
			for (uint32_t n; (n = sp_pacer_take(p, now, d, 16)) > 0;)
				given += n;
			assert_int_equal(given, sp_pace_asked(&c, now));
			assert_true(sp_pace_asked(&c, c.start_ns - 1) == 0);
		}
		if (sp_pacer_next(p) == SP_NEVER)
			assert_int_equal(given, total);
		else
			assert_true(total > 1000 || given < total);
		sp_pacer_free(p);
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 20; n++) {
		struct sp_mem_test t;
		struct sp_pacer *p;
		int rc;

		sp_mem_test_init(&t, n);
		rc = sp_pacer_new(&p, &t.mem, 100, 0, NULL);
		assert_true(rc == 0 || (rc == -ENOMEM && !p));
		sp_pacer_free(p);
		assert_int_equal(t.live, 0);
		if (rc == 0)
			return;
	}
	fail_msg("more than 20 allocations");
}

/* Whatever limits a stream, its last departure says so where that is known when it is given. */
static void check_last(struct sp_pace c, uint64_t stop_ns, uint64_t want, uint64_t want_last)
{
	struct sp_pacer *p = pacer(1, NULL);
	struct sp_due d[32];
	uint64_t all = 0, last = 0;
	uint32_t n;

	assert_int_equal(sp_pacer_add(p, 0, &c), 0);
	for (uint64_t t = 0; t <= 2 * S; t += MS) {
		if (t == stop_ns)
			sp_pacer_stop(p, T0 + t);
		while (all < want && (n = sp_pacer_take(p, T0 + t, d, 32)) > 0) {
			assert_int_equal(last, 0);
			for (uint32_t k = 0; k < n; k++, all++)
				last += d[k].last * (all + 1);
		}
	}
	assert_int_equal(all, want);
	assert_int_equal(last, want_last);
	sp_pacer_free(p);
}

static void test_last(void **state)
{
	struct sp_pace c = at_pps(100, T0 + S), most = { .kind = SP_PACE_MAX,
							 .start_ns = T0,
							 .end_ns = SP_NEVER,
							 .count = 77,
							 .bytes = NONE,
							 .size = 9 };

	(void)state;
	check_last(c, NONE, 100, 100);
	check_last(c, S / 2, 50, 0);
	c.count = 7;
	check_last(c, NONE, 7, 7);
	c.bytes = 350;
	check_last(c, NONE, 3, 3);
	check_last(most, NONE, 77, 77);
	most.count = NONE;
	check_last(most, NONE, 64, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_times),    cmocka_unit_test(test_many_streams),
		cmocka_unit_test(test_order),	       cmocka_unit_test(test_burst),
		cmocka_unit_test(test_skip),	       cmocka_unit_test(test_chase),
		cmocka_unit_test(test_smooth),	       cmocka_unit_test(test_chase_slowly),
		cmocka_unit_test(test_chase_stalls),   cmocka_unit_test(test_many_chase),
		cmocka_unit_test(test_limits),	       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stop_and_drain), cmocka_unit_test(test_stop_ends),
		cmocka_unit_test(test_stop_in_chase),  cmocka_unit_test(test_runs),
		cmocka_unit_test(test_room),	       cmocka_unit_test(test_max),
		cmocka_unit_test(test_max_turns),      cmocka_unit_test(test_law),
		cmocka_unit_test(test_law_stall),      cmocka_unit_test(test_asked),
		cmocka_unit_test(test_no_memory),      cmocka_unit_test(test_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
