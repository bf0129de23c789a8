/* Laws in a schedule: gaps with means of their own, sizes, and how far from them what left is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/schedule.h"
#include "plugin/catalog.h"

static struct sp_plan_stream stream_of(const char *rate, const char *departure,
				       const char *sizes)
{
	struct sp_plan_stream s = { .name = "s1",
				    .size = 1000,
				    .size_least = 40,
				    .mean_size = 1000,
				    .departure = departure,
				    .packet_size = sizes };

	if (rate)
		assert_int_equal(sp_parse_rate(rate, &s.rate), 0);
	return s;
}

static struct sp_schedule *make(const struct sp_plan_stream *s, uint64_t seed,
				struct sp_pace *p)
{
	const struct sp_env env = { .mem = sp_mem_system(), .seed = seed };
	struct sp_err err = { 0 };
	struct sp_schedule *sched;

	if (sp_schedule_make(s, &sp_catalog, &env, 1000, 0, p, &sched, &err))
		fail_msg("%s", err.text);
	return sched;
}

/* Every law's gaps: their mean is the rate's or the law's own, and what leaves at its time is at no
 * distance from it; a law that is not there is. */
static void gaps_of_every_law(void **state)
{
	enum { N = 50000 };
	static const struct {
		const char *rate, *law;
		double gap_ns;
	} rows[] = {
		{ "1kpps", "weibull(shape=0.7)", 1e6 },
		{ "1kpps", "gamma(shape=3)", 1e6 },
		{ "1kpps", "lognormal(sigma=0.5)", 1e6 },
		{ "1kpps", "normal(mean=1,sd=0.1)", 1e6 },
		{ "1kpps", "uniform(min=0.9,max=1.1)", 1e6 },
		{ "1kpps", "cauchy(1,0.05,0,2)", 1e6 },
		{ "1kpps", "student(1,0.05,5)", 1e6 },
		{ "1kpps", "poisson(mean=5)", 1e6 },
		{ "1kpps", "values(1:3,2:1)", 1e6 },
		{ "1kpps", "pareto(shape=3)", 1e6 },
		{ "1kpps", "mix(0.6*exponential+0.4*3)", 1e6 },
		{ "1kpps", "onoff(on=exponential(mean=10),off=exponential(mean=30))", 1e6 },
		{ NULL, "exponential(mean=2ms)", 2e6 },
		{ NULL, "weibull(2,1ms)", 0.88622693e6 },
		{ NULL, "10ms", 1e7 },
		{ NULL, "poisson(1000,per=1s)", 1.001003e6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_plan_stream s = stream_of(rows[i].rate, rows[i].law, NULL);
		struct sp_pace p;
		struct sp_schedule *sched = make(&s, 7, &p), *wrong;
		uint64_t due = 0, last = 1000, even = 1000, first = 0;
		uint32_t size;
		double mean;

		assert_int_equal(p.kind, SP_PACE_OPS);
		wrong = make(&s, 7, &p);
		for (unsigned k = 0; k < N; k++) {
			assert_int_equal(p.ops->next(p.st, &due, &size), 0);
			assert_true(due >= last);
			assert_int_equal(size, 1000);
			last = due;
			first = first ? first : due;
			sp_schedule_left(sched, due, size);
			even += (uint64_t)(rows[i].gap_ns * 2);
			sp_schedule_left(wrong, even, size);
		}
		mean = (double)(last - first) / (N - 1);
		if (fabs(mean / rows[i].gap_ns - 1) > 0.03)
			fail_msg("%s: mean gap %g", rows[i].law, mean);
		if (sched && wrong && !(sp_schedule_ks(sched) < 0.012) &&
		    !strstr(rows[i].law, "onoff"))
			fail_msg("%s: KS %g", rows[i].law, sp_schedule_ks(sched));
		if (!(sp_schedule_ks(wrong) > 0.3))
			fail_msg("%s: KS of another %g", rows[i].law, sp_schedule_ks(wrong));
		assert_true(isnan(sp_schedule_ks_size(sched)));
		sp_schedule_free(sched);
		sp_schedule_free(wrong);
	}
}

/* A clock's noise does not move a gap across the point where a law jumps. */
static void atoms_have_room(void **state)
{
	struct sp_plan_stream s = stream_of(NULL, "10ms", NULL);
	struct sp_pace p;
	struct sp_schedule *sched = make(&s, 1, &p);
	struct sp_rng rng;
	uint64_t t = 1000;

	(void)state;
	sp_rng_init(&rng, 1, NULL);
	for (unsigned i = 0; i < 1000; i++) {
		sp_schedule_left(sched, t + sp_rng_below(&rng, 10000), 1000);
		t += 10000000;
	}
	assert_true(sp_schedule_ks(sched) < 0.001);
	sp_schedule_free(sched);
}

/* Sizes: whole, within their bounds, of the law as clamped; by their own series. */
static void sizes_of_a_law(void **state)
{
	enum { N = 50000 };
	static const struct {
		const char *law;
		double mean; /* clamped to 40 .. 1000 */
	} rows[] = {
		{ "uniform(100,200)", 150 },
		{ "exponential(mean=200)", 202.4 },
		{ "values(10:1,500:1,5000:2)", (40 + 500 + 2 * 1000) / 4.0 },
		{ "mix(1*normal(400,50)+1*60)", 230 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_plan_stream s = stream_of("1kpps", "constant", rows[i].law);
		struct sp_plan_stream e = stream_of("1kpps", "exponential", rows[i].law);
		struct sp_pace p, q;
		struct sp_schedule *a = make(&s, 3, &p), *b = make(&e, 3, &q);
		uint64_t due = 0, other = 0;
		uint32_t size, same;
		double sum = 0;

		for (unsigned k = 0; k < N; k++) {
			assert_int_equal(p.ops->next(p.st, &due, &size), 0);
			assert_int_equal(due, 1000 + k * 1000000ull);
			assert_in_range(size, 40, 1000);
			sum += size;
			sp_schedule_left(a, due, size);
			/* Whatever the departures are, the sizes are the same. */
			assert_int_equal(q.ops->next(q.st, &other, &same), 0);
			assert_int_equal(size, same);
			sp_schedule_left(b, other, 1000);
		}
		if (fabs(sum / N / rows[i].mean - 1) > 0.01)
			fail_msg("%s: mean %g", rows[i].law, sum / N);
		if (!(sp_schedule_ks_size(a) < 1.95 / sqrt(N)))
			fail_msg("%s: KS %g", rows[i].law, sp_schedule_ks_size(a));
		assert_true(isnan(sp_schedule_ks(a)));
		assert_true(sp_schedule_ks_size(b) > 0.4);
		assert_true(sp_schedule_ks(b) < 0.012);
		sp_schedule_free(a);
		sp_schedule_free(b);
	}
}

/* At a bit rate each gap is what the unit before takes, to the nanosecond, for ever. */
static void a_bit_rate_is_kept(void **state)
{
	struct sp_plan_stream s = stream_of("3Mbit/s", "constant", "uniform(40,1000)");
	struct sp_pace p;
	struct sp_schedule *sched;
	uint64_t due = 0, bits = 0;
	uint32_t size;

	(void)state;
	s.mean_size = 520;
	sched = make(&s, 1, &p);
	for (unsigned i = 0; i < 100000; i++) {
		assert_int_equal(p.ops->next(p.st, &due, &size), 0);
		assert_int_equal(due, 1000 + bits * 1000 / 3);
		bits += 8ull * size;
	}
	/* Twice the rate from here on: the next one is drawn already. */
	p.ops->move(p.st, 5000000, 0.5);
	bits = 8ull * size;
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(p.ops->next(p.st, &due, &size), 0);
		assert_int_equal(due, 5000000 + bits * 1000 / 6);
		bits += 8ull * size;
	}
	/* And anew: the same sizes as in the beginning. */
	p.ops->restart(p.st, 7000000, 1);
	assert_int_equal(p.ops->next(p.st, &due, &size), 0);
	assert_int_equal(due, 7000000);
	sp_schedule_free(sched);
}

/* As fast as it goes: no times, but sizes. */
static void max_has_sizes(void **state)
{
	struct sp_plan_stream s = stream_of("max", "constant", "imix");
	struct sp_pacer *pacer;
	struct sp_pace p;
	struct sp_schedule *sched;
	struct sp_due due[64];
	uint64_t bytes = 0, n = 0;
	uint32_t k;

	(void)state;
	s.size = 1472;
	s.size_least = 18;
	s.size_less = 46;
	s.bytes = 1000000;
	sched = make(&s, 1, &p);
	assert_int_equal(p.kind, SP_PACE_MAX);
	assert_int_equal(sp_pacer_new(&pacer, sp_mem_system(), 1, 0, NULL), 0);
	assert_int_equal(sp_pacer_add(pacer, 0, &p), 0);
	while ((k = sp_pacer_take(pacer, 5000, due, 64)) > 0)
		for (uint32_t i = 0; i < k; i++, n++) {
			assert_true(due[i].size == 18 || due[i].size == 548 ||
				    due[i].size == 1472);
			bytes += due[i].size;
		}
	/* The limit holds to the last unit that fits. */
	assert_in_range(bytes, 1000000 - 1472, 1000000);
	assert_true(sp_pacer_next(pacer) == SP_NEVER);
	assert_true(fabs((double)bytes / (double)n / 315.83 - 1) < 0.05);
	sp_pacer_free(pacer);
	sp_schedule_free(sched);
}

static void memory_may_end(void **state)
{
	struct sp_plan_stream s = stream_of("1kpps", "mix(0.5*exponential+0.5*gamma)",
					    "values(50:1,60:1)");

	(void)state;
	for (uint64_t i = 0;; i++) {
		struct sp_mem_test mem;
		struct sp_schedule *sched;
		struct sp_env env = { .mem = &mem.mem, .seed = 1 };
		struct sp_pace p;
		int rc;

		sp_mem_test_init(&mem, i);
		rc = sp_schedule_make(&s, &sp_catalog, &env, 0, 0, &p, &sched, NULL);
		sp_schedule_free(sched);
		assert_int_equal(mem.live, 0);
		if (!rc) {
			assert_true(i > 10);
			return;
		}
		assert_int_equal(rc, -12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_of_every_law), cmocka_unit_test(atoms_have_room),
		cmocka_unit_test(sizes_of_a_law),    cmocka_unit_test(a_bit_rate_is_kept),
		cmocka_unit_test(max_has_sizes),     cmocka_unit_test(memory_may_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
