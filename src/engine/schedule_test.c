#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/schedule.h"
#include "engine/test_catalog.h"

static struct sp_env env_of(const struct sp_mem *mem, uint64_t seed)
{
	return (struct sp_env){ .mem = mem, .seed = seed };
}

static struct sp_plan_stream stream_of(const char *rate, uint64_t size, const char *departure)
{
	struct sp_plan_stream s = { .name = "s1", .size = size, .departure = departure };

	assert_int_equal(sp_parse_rate(rate, &s.rate), 0);
	return s;
}

static int make(const struct sp_plan_stream *s, uint64_t seed, uint64_t t0, uint32_t extra,
		struct sp_pace *p, struct sp_schedule **sched, struct sp_err *err)
{
	struct sp_env env = env_of(sp_mem_system(), seed);

	return sp_schedule_make(s, &test_catalog, &env, t0, extra, p, sched, err);
}

static void test_exact_gaps(void **state)
{
	static const struct {
		const char *rate;
		uint64_t size;
		uint32_t extra;
		uint64_t ns, num, den;
	} rows[] = {
		{ "100pps", 1024, 0, 10000000, 0, 1 },
		{ "1pps", 1024, 0, 1000000000, 0, 1 },
		{ "3pps", 1024, 0, 333333333, 1, 3 },
		{ "7kpps", 64, 0, 142857, 1, 7 },
		{ "1.5Mpps", 64, 0, 666, 2, 3 },
		{ "3Gpps", 64, 0, 0, 1, 3 },
		{ "0.000001pps", 64, 0, 1000000000000000, 0, 1 },
		{ "8bit/s", 1, 0, 1000000000, 0, 1 },
		{ "1Gbit/s", 1250, 0, 10000, 0, 1 },
		{ "1Gbit/s", 1400, 0, 11200, 0, 1 },
		{ "3Gbit/s", 1400, 0, 3733, 1, 3 },
		{ "1Gbit/s@l1", 1472, 66, 12304, 0, 1 },
		{ "1Tbit/s", 65507, 0, 524, 7, 125 },
		{ "0.001bit/s", 65507, 0, 524056000000000000, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_plan_stream s = stream_of(rows[i].rate, rows[i].size, "constant");
		struct sp_schedule *sched;
		struct sp_pace p;

		assert_int_equal(make(&s, 1, 5, rows[i].extra, &p, &sched, NULL), 0);
		assert_null(sched);
		assert_int_equal(p.kind, SP_PACE_CONST);
		assert_int_equal(p.gap_ns, rows[i].ns);
		assert_int_equal(p.gap_num, rows[i].num);
		assert_int_equal(p.gap_den, rows[i].den);
	}
}

static void test_limits(void **state)
{
	struct sp_plan_stream s = stream_of("100pps", 1000, "constant");
	struct sp_schedule *sched;
	struct sp_pace p;

	(void)state;
	assert_int_equal(make(&s, 1, 7000, 0, &p, &sched, NULL), 0);
	assert_int_equal(p.start_ns, 7000);
	assert_true(p.end_ns == SP_NEVER && p.count == UINT64_MAX && p.bytes == UINT64_MAX);
	assert_int_equal(p.size, 1000);
	s.start_ns = 500;
	s.duration_ns = 1000000;
	s.count = 3;
	s.bytes = 2000;
	assert_int_equal(make(&s, 1, 7000, 0, &p, &sched, NULL), 0);
	assert_int_equal(p.start_ns, 7500);
	assert_int_equal(p.end_ns, 1007500);
	assert_int_equal(p.count, 3);
	assert_int_equal(p.bytes, 2000);
	s.duration_ns = INT64_MAX;
	assert_int_equal(make(&s, 1, UINT64_MAX - 1000, 0, &p, &sched, NULL), 0);
	assert_true(p.end_ns == SP_NEVER);
}

static void test_max(void **state)
{
	struct sp_plan_stream s = stream_of("max", 64, "constant");
	struct sp_schedule *sched;
	struct sp_pace p;

	(void)state;
	assert_int_equal(make(&s, 1, 0, 0, &p, &sched, NULL), 0);
	assert_int_equal(p.kind, SP_PACE_MAX);
	assert_null(sched);
}

static void test_law_is_kept(void **state)
{
	enum { N = 200000 };
	struct sp_plan_stream s = stream_of("10kpps", 100, "exponential");
	uint64_t due = 0, last = 1000, first = 0;
	struct sp_schedule *sched;
	struct sp_pace p;
	uint32_t size;
	double mean;

	(void)state;
	assert_int_equal(make(&s, 42, 1000, 0, &p, &sched, NULL), 0);
	assert_non_null(sched);
	assert_int_equal(p.kind, SP_PACE_OPS);
	assert_true(isnan(sp_schedule_ks(sched)));
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(p.ops->next(p.st, &due, &size), 0);
		assert_true(due >= last);
		assert_int_equal(size, 100);
		sp_schedule_left(sched, due, 100);
		first = i ? first : due;
		last = due;
	}
	assert_true(first > 1000);
	/* The mean of N gaps is 100 us, with a standard deviation of 100 us / sqrt(N). */
	mean = (double)(due - 1000) / N;
	assert_true(fabs(mean - 100000) < 5 * 100000 / sqrt(N));
	/* 1.95 / sqrt(N) is exceeded once in a thousand; the seed is fixed. */
	assert_true(sp_schedule_ks(sched) < 1.95 / sqrt(N));
	sp_schedule_free(sched);
}

static double ks_of(const uint64_t *gaps, unsigned n_gaps, unsigned n)
{
	struct sp_plan_stream s = stream_of("10kpps", 100, "exponential");
	struct sp_schedule *sched;
	uint64_t t = 1000;
	struct sp_pace p;
	double ks;

	assert_int_equal(make(&s, 1, 0, 0, &p, &sched, NULL), 0);
	for (unsigned i = 0; i <= n; i++) {
		sp_schedule_left(sched, t, 100);
		t += gaps[i % n_gaps];
	}
	ks = sp_schedule_ks(sched);
	sp_schedule_free(sched);
	return ks;
}

static void test_ks_finds_the_wrong_process(void **state)
{
	const uint64_t even[] = { 100000 }, slow[] = { 400000000 }, fast[] = { 0 };

	(void)state;
	assert_true(isnan(ks_of(even, 1, 99)));
	assert_true(ks_of(even, 1, 100) > 0);
	/* All gaps equal: the distance is 1 - 1/e = 0.632 at the mean; at the edge before it
	 * it is a little less. */
	assert_true(fabs(ks_of(even, 1, 1000) - 0.632) < 0.06);
	assert_true(ks_of(slow, 1, 1000) > 0.99);
	assert_true(ks_of(fast, 1, 1000) > 0.99);
}

static void test_series(void **state)
{
	struct sp_plan_stream a = stream_of("1kpps", 100, "exponential"), b = a;
	struct sp_schedule *sched[4];
	struct sp_pace p[4];
	uint64_t due[4] = { 0 };
	uint32_t size;
	bool differ_name = false, differ_seed = false;

	(void)state;
	b.name = "s2";
	assert_int_equal(make(&a, 1, 0, 0, &p[0], &sched[0], NULL), 0);
	assert_int_equal(make(&a, 1, 0, 0, &p[1], &sched[1], NULL), 0);
	assert_int_equal(make(&b, 1, 0, 0, &p[2], &sched[2], NULL), 0);
	assert_int_equal(make(&a, 2, 0, 0, &p[3], &sched[3], NULL), 0);
	for (unsigned i = 0; i < 300; i++) {
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(p[k].ops->next(p[k].st, &due[k], &size), 0);
		assert_int_equal(due[0], due[1]);
		differ_name |= due[0] != due[2];
		differ_seed |= due[0] != due[3];
	}
	assert_true(differ_name && differ_seed);
	for (unsigned k = 0; k < 4; k++)
		sp_schedule_free(sched[k]);
}

/* A law that always gives its mean must not drift from the exact gaps: 1/3 us a step. */
static void even_draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	(void)st, (void)rng;
	for (uint32_t i = 0; i < n; i++)
		v[i] = 1;
}

static void test_no_drift(void **state)
{
	enum { N = 3000000 };
	struct sp_dist_ops even = test_exponential;
	const struct sp_dist_ops *const dists[] = { &even, NULL };
	struct sp_catalog catalog = test_catalog;
	struct sp_env env = env_of(sp_mem_system(), 1);
	struct sp_plan_stream s = stream_of("3Mpps", 100, "exponential");
	struct sp_schedule *sched;
	struct sp_pace p;
	uint64_t due = 0;
	uint32_t size;

	(void)state;
	catalog.dist = dists;
	even.draw = even_draw;
	assert_int_equal(sp_schedule_make(&s, &catalog, &env, 0, 0, &p, &sched, NULL), 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(p.ops->next(p.st, &due, &size), 0);
	/* N steps of at most 2^-32 ns short */
	assert_in_range(due, 999999998, 1000000000);
	sp_schedule_free(sched);
}

/* Values that no clock can take do no harm. */
static void wild_draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	static const double wild[] = { -1, NAN, 1e300, INFINITY, -INFINITY, 0, 1e-300 };

	(void)st, (void)rng;
	for (uint32_t i = 0; i < n; i++)
		v[i] = wild[i % (sizeof wild / sizeof *wild)];
}

static void test_wild_law(void **state)
{
	struct sp_dist_ops dist = test_exponential;
	const struct sp_dist_ops *const dists[] = { &dist, NULL };
	struct sp_catalog catalog = test_catalog;
	struct sp_env env = env_of(sp_mem_system(), 1);
	struct sp_plan_stream s = stream_of("1pps", 100, "exponential");
	uint64_t due = 0, last = 0;
	struct sp_schedule *sched;
	struct sp_pace p;
	uint32_t size;
	unsigned n = 0;

	(void)state;
	catalog.dist = dists;
	dist.draw = wild_draw;
	assert_int_equal(sp_schedule_make(&s, &catalog, &env, 0, 0, &p, &sched, NULL), 0);
	while (!p.ops->next(p.st, &due, &size)) {
		assert_true(due >= last);
		last = due;
		assert_true(++n < 1000);
	}
	sp_schedule_free(sched);
}

static void test_errors(void **state)
{
	static const struct {
		const char *rate;
		uint64_t size;
		const char *departure, *fragment;
	} rows[] = {
		{ "1Mbit/s", 0, "constant", "no gap" },
		{ "0.000001bit/s", 65507, "constant", "146 years" },
		{ "100pps", 10, "exponentail", "did you mean 'exponential'" },
		{ "100pps", 10, "meanless", "no mean" },
		{ "100pps", 10, "shaped(shape=x)", "shape" },
		{ "100pps", 10, "shaped(", "bracket" },
		{ "100pps", 10, "exponential(a=1)", "takes no settings" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_plan_stream s = stream_of(rows[i].rate, rows[i].size,
						    rows[i].departure);
		struct sp_schedule *sched;
		struct sp_err err = { 0 };
		struct sp_pace p;

		assert_true(make(&s, 1, 0, 0, &p, &sched, &err) < 0);
		assert_null(sched);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		if (!strstr(err.text, rows[i].fragment))
			fail_msg("'%s' is not in: %s", rows[i].fragment, err.text);
	}
}

static void test_no_memory(void **state)
{
	struct sp_plan_stream s = stream_of("100pps", 10, "shaped(shape=2)");

	(void)state;
	for (uint64_t i = 0;; i++) {
		struct sp_schedule *sched;
		struct sp_mem_test mem;
		struct sp_env env;
		struct sp_pace p;
		int rc;

		sp_mem_test_init(&mem, i);
		env = env_of(&mem.mem, 1);
		rc = sp_schedule_make(&s, &test_catalog, &env, 0, 0, &p, &sched, NULL);
		sp_schedule_free(sched);
		assert_int_equal(mem.live, 0);
		if (!rc) {
			assert_true(i >= 3);
			return;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

static void test_catch_up(void **state)
{
	static const char *const wrong[] = { "",
					     "chase:",
					     "chase:x",
					     "chase:0.5x",
					     "chase:2",
					     "chase:nanx",
					     "chase:-2x",
					     "chase:1e9x",
					     "chase:infx",
					     "Burst",
					     "skip it",
					     "chase: 2x",
					     "chase:111111111111111111111111111x" };
	static const char *const words[] = { "chase:2x", "chase:1.25x", "chase:1000x", "burst",
					     "all",	 "smooth",	"skip" };
	char text[SP_CATCH_UP_TEXT];
	struct sp_catch_up_conf c;
	struct sp_err err;

	(void)state;
	assert_int_equal(sp_catch_up_parse("chase:2x", &c, NULL), 0);
	assert_int_equal(c.kind, SP_CATCH_CHASE);
	assert_true(c.chase_x == 2 && c.credit_ns == SP_NS_PER_S);
	assert_int_equal(sp_catch_up_parse("chase:1.5x", &c, NULL), 0);
	assert_true(c.chase_x == 1.5);
	assert_int_equal(sp_catch_up_parse("chase", &c, NULL), 0);
	assert_true(c.chase_x == 2);
	assert_int_equal(sp_catch_up_parse("burst", &c, NULL), 0);
	assert_int_equal(c.kind, SP_CATCH_BURST);
	assert_int_equal(sp_catch_up_parse("smooth", &c, NULL), 0);
	assert_int_equal(c.kind, SP_CATCH_SMOOTH);
	assert_true(c.credit_ns == SP_NEVER);
	assert_int_equal(sp_catch_up_parse("skip", &c, NULL), 0);
	assert_int_equal(c.kind, SP_CATCH_SKIP);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		assert_int_equal(sp_catch_up_parse(words[i], &c, NULL), 0);
		sp_catch_up_print(&c, text);
		assert_string_equal(text, words[i]);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err = (struct sp_err){ 0 };
		if (!sp_catch_up_parse(wrong[i], &c, &err))
			fail_msg("'%s' is taken", wrong[i]);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_non_null(strstr(err.text, "chase:2x"));
	}
}

/* Whatever the law: the parts of a schedule are the schedule, each departure once, and counts and
 * shares hold to one departure. */
static void test_parts_are_the_whole(void **state)
{
	enum { N = 4000 };
	static const char *const laws[] = { "constant", "exponential" };
	static const uint64_t shares[] = { 5, 3, 1 };

	(void)state;
	for (unsigned law = 0; law < 2; law++) {
		struct sp_plan_stream s = stream_of("7kpps", 100, laws[law]);
		struct sp_schedule *sched[4] = { NULL };
		struct sp_pace p[4];
		uint64_t due[4], whole, at = 0, given[3] = { 0 };
		uint32_t size;

		s.entry = "e";
		s.name = "e"; /* the series that the parts draw from */
		s.count = N;
		assert_int_equal(make(&s, 42, 1000, 0, &p[3], &sched[3], NULL), 0);
		for (unsigned k = 0; k < 3; k++) {
			s.name = "part";
			s.deal_of = 9;
			s.deal_at = at;
			s.deal_n = shares[k];
			at += shares[k];
			assert_int_equal(make(&s, 42, 1000, 0, &p[k], &sched[k], NULL), 0);
			assert_int_equal(p[k].kind, SP_PACE_OPS);
			assert_int_equal(p[k].ops->next(p[k].st, &due[k], &size), 0);
			assert_int_equal(size, 100);
		}
		for (uint64_t i = 0; i < N; i++) {
			unsigned owner = 3;

			if (law)
				assert_int_equal(p[3].ops->next(p[3].st, &whole, &size), 0);
			else
				whole = 1000 + i * 1000000 / 7;
			for (unsigned k = 0; k < 3; k++)
				if (due[k] == whole && given[k] < p[k].count)
					owner = k;
			assert_in_range(owner, 0, 2);
			given[owner]++;
			p[owner].ops->next(p[owner].st, &due[owner], &size);
		}
		for (unsigned k = 0; k < 3; k++) {
			assert_int_equal(given[k], p[k].count);
			assert_in_range(given[k], N * shares[k] / 9,
					N * shares[k] / 9 + shares[k]);
		}
		for (unsigned k = 0; k < 4; k++)
			sp_schedule_free(sched[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_gaps),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_max),
		cmocka_unit_test(test_law_is_kept),
		cmocka_unit_test(test_ks_finds_the_wrong_process),
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_wild_law),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_catch_up),
		cmocka_unit_test(test_parts_are_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
