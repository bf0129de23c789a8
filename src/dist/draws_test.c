/* Every law: 100,000 draws against its own distribution function, its moments against theory, and the
 * bits of its series. */
#include "dist/testing.h"

extern const struct sp_dist_ops sp_dist_cauchy, sp_dist_exponential, sp_dist_gamma,
	sp_dist_imix, sp_dist_lognormal, sp_dist_mix, sp_dist_normal, sp_dist_onoff,
	sp_dist_pareto, sp_dist_poisson, sp_dist_student, sp_dist_uniform, sp_dist_values,
	sp_dist_weibull, sp_dist_constant;

struct row {
	const struct sp_dist_ops *ops;
	const char *settings, *wrong; /* wrong: a law that must be told from it; NULL: none */
	double mean, var; /* of theory; infinite: there is none, or too slow to be seen */
	double step;	  /* discrete: from value to value */
	uint64_t hash;
};

#define INF ((double)INFINITY)

static const struct row rows[] = {
	{ &sp_dist_exponential, "mean=2", "mean=2.04", 2, 4, 0, 0xf7eeea0244757c5a },
	{ &sp_dist_exponential, "mean=2 max=3", "mean=2", 1.1383492, 0.67260573, 0,
	  0xaaf4aee1105a333e },
	{ &sp_dist_uniform, "min=1 max=5", "min=1 max=5.1", 3, 4.0 / 3, 0, 0x2febfb2b0ecdae54 },
	{ &sp_dist_normal, "mean=10 sd=2", "mean=10.05 sd=2", 10, 4, 0, 0xc19e12475754f4e7 },
	{ &sp_dist_normal, "mean=1 sd=1 min=0", "mean=1 sd=1.05 min=0", 1.2875999, 0.6296862, 0,
	  0xf770a712f8bb0f28 },
	{ &sp_dist_lognormal, "median=1 sigma=0.8", "median=1 sigma=0.83", 1.3771278, 1.7001588,
	  0, 0xdb54e5f6906fb63a },
	{ &sp_dist_pareto, "shape=4.5 scale=80", "shape=4.6 scale=80", 102.85714, 940.40816, 0,
	  0x53b50ab96ff27c6c },
	{ &sp_dist_pareto, "shape=1.3 scale=80 max=1400", "shape=1.3 scale=80", 204.73099,
	  36227.284, 0, 0xf09d42c48e239920 },
	{ &sp_dist_pareto, "shape=0.95 scale=1", "shape=0.97 scale=1", INF, INF, 0,
	  0xd5fee6f3f3854b90 },
	{ &sp_dist_weibull, "shape=0.7 scale=2", "shape=0.72 scale=2", 2.5316470, 13.707342, 0,
	  0xae1b4b601b14cac5 },
	{ &sp_dist_weibull, "shape=2 scale=2", "shape=2 scale=2.03", 1.7724539, 0.85840735, 0,
	  0x7bbb3ce900a27517 },
	{ &sp_dist_gamma, "shape=0.5 scale=2", "shape=0.52 scale=2", 1, 2, 0,
	  0x692ae09e67b3c740 },
	{ &sp_dist_gamma, "shape=9 scale=2", "shape=9.1 scale=2", 18, 36, 0,
	  0x11d76bef5d6c286a },
	{ &sp_dist_cauchy, "location=1 scale=0.1 min=0 max=2",
	  "location=1 scale=0.105 min=0 max=2", 1, 0.057975065, 0, 0x0034036ff0377c63 },
	{ &sp_dist_student, "location=5 scale=1 shape=9", "location=5.03 scale=1 shape=9", 5,
	  9.0 / 7, 0, 0x69f9f5f3cf3bd93e },
	{ &sp_dist_student, "location=41.7 scale=0.1 shape=0.7 min=0 max=83.4",
	  "location=41.7 scale=0.104 shape=0.7 min=0 max=83.4", 41.7, INF, 0,
	  0x9928fb861f199ee8 },
	{ &sp_dist_poisson, "mean=3", "mean=3.05", 3, 3, 1, 0xc3dc1f5352f9add2 },
	{ &sp_dist_poisson, "mean=29.5 unit=2", "mean=29.8 unit=2", 59, 118, 2,
	  0x547f761f4afc514b },
	{ &sp_dist_poisson, "mean=30", "mean=30.3", 30, 30, 1, 0x6b260e91fd91526d },
	{ &sp_dist_poisson, "mean=1000", "mean=1002", 1000, 1000, 1, 0x169d055b3519d456 },
	{ &sp_dist_values, "of=27:0.8312,28:0.1,31:0.0688", "of=27:0.8212,28:0.11,31:0.0688",
	  27.3752, 1.0600250, 1, 0x06ef468633b97bd5 },
	{ &sp_dist_values, "of=3,1,2:2,9:0.5", "of=3,1,2:2.1,9:0.5", 2.7777778, 5.2839506, 1,
	  0x30866eea1491c7f9 },
	{ &sp_dist_imix, "", NULL, 361.83333, 181104.97, 1, 0xe85fe95f74092ebd },
};
#define N_ROWS (sizeof rows / sizeof *rows)

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double fit(const struct row *r, const struct sp_dist *d, double *v)
{
	if (r->step > 0)
		return chi_p(d, v, N_DRAWS, r->step, by_value);
	return ks_p(ks_distance(d, v, N_DRAWS), N_DRAWS);
}

static void check_moments(const struct row *r, const double *v)
{
	double sum = 0, second = 0, fourth = 0;

	for (uint32_t i = 0; i < N_DRAWS; i++)
		sum += v[i] / N_DRAWS;
	for (uint32_t i = 0; i < N_DRAWS; i++) {
		double x = v[i] - sum;

		second += x * x / N_DRAWS;
		fourth += x * x * x * x / N_DRAWS;
	}
	/* 5 standard errors of mean and variance */
	if (isfinite(r->mean) && fabs(sum - r->mean) > 5 * sqrt(second / N_DRAWS))
		fail_msg("%s(%s): mean %g", r->ops->name, r->settings, sum);
	if (isfinite(r->var) &&
	    fabs(second - r->var) > 6 * sqrt((fourth - second * second) / N_DRAWS))
		fail_msg("%s(%s): variance %g", r->ops->name, r->settings, second);
}

static void each_law_is_what_it_says(void **state)
{
	double *v = malloc(N_DRAWS * sizeof *v), mean, var;

	(void)state;
	assert_non_null(v);
	for (size_t k = 0; k < N_ROWS; k++) {
		const struct row *r = &rows[k];
		unsigned poor = 0;
		struct law l;

		if (law_make(&l, r->ops, r->settings, NULL, 0))
			fail_msg("%s(%s): %s", r->ops->name, r->settings, l.err.text);
		assert_int_equal(r->ops->moments(l.d.state, &mean, &var), isfinite(r->mean));
		if (isfinite(r->mean) && fabs(mean / r->mean - 1) > 1e-4)
			fail_msg("%s(%s): it says its mean is %.9g", r->ops->name, r->settings,
				 mean);
		if (isfinite(r->var) && fabs(var / r->var - 1) > 1e-4)
			fail_msg("%s(%s): it says its variance is %.9g", r->ops->name,
				 r->settings, var);
		for (uint64_t seed = 1; seed < 21; seed++) {
			law_draw(&l, seed, v, N_DRAWS);
			check_moments(r, v);
			poor += fit(r, &l.d, v) < 0.01;
		}
		if (poor > 1)
			fail_msg("%s(%s): %u of 20 series do not fit", r->ops->name,
				 r->settings, poor);
		law_free(&l);
	}
	free(v);
}

/* The test can fail: a law that is a few per cent off is found. */
static void another_law_is_told_apart(void **state)
{
	double *v = malloc(N_DRAWS * sizeof *v);

	(void)state;
	assert_non_null(v);
	for (size_t k = 0; k < N_ROWS; k++) {
		const struct row *r = &rows[k];
		unsigned poor = 0;
		struct law l, other;

		if (!r->wrong)
			continue;
		assert_int_equal(law_make(&l, r->ops, r->settings, NULL, 0), 0);
		assert_int_equal(law_make(&other, r->ops, r->wrong, NULL, 0), 0);
		for (uint64_t seed = 0; seed < 3; seed++) {
			law_draw(&other, seed, v, N_DRAWS);
			poor += fit(r, &l.d, v) < 0.01;
		}
		if (poor < 2)
			fail_msg("%s(%s) passes for (%s)", r->ops->name, r->wrong, r->settings);
		law_free(&l);
		law_free(&other);
	}
	free(v);
}

/* The same bits from every compiler, C library and machine. */
static void the_series_are_the_same_everywhere(void **state)
{
	double v[6400];
	bool wrong = false;

	(void)state;
	for (size_t k = 0; k < N_ROWS; k++) {
		const struct row *r = &rows[k];
		uint64_t hash = 0, bits;
		struct law l;

		assert_int_equal(law_make(&l, r->ops, r->settings, NULL, 0), 0);
		law_draw(&l, 42, v, 6400);
		for (unsigned i = 0; i < 6400; i++) {
			memcpy(&bits, &v[i], sizeof bits);
			hash = (hash ^ bits) * 0x9e3779b97f4a7c15;
			hash ^= hash >> 29;
		}
		if (hash != r->hash)
			print_error("%s(%s): 0x%016llx\n", r->ops->name, r->settings,
				    (unsigned long long)hash);
		wrong |= hash != r->hash;
		law_free(&l);
	}
	assert_false(wrong);
}

static void a_mixture_is_its_parts(void **state)
{
	double *v = malloc(N_DRAWS * sizeof *v), mean, var;
	struct law a, b, c, l;
	struct sp_dist_part part[2], more[2];
	unsigned poor = 0, even = 0;

	(void)state;
	assert_non_null(v);
	assert_int_equal(law_make(&a, &sp_dist_normal, "mean=34.84 sd=4.39", NULL, 0), 0);
	assert_int_equal(law_make(&b, &sp_dist_normal, "mean=49.49 sd=3.62", NULL, 0), 0);
	part[0] = (struct sp_dist_part){ a.d, 0.3732 };
	part[1] = (struct sp_dist_part){ b.d, 0.6268 };
	assert_int_equal(law_make(&l, &sp_dist_mix, "", part, 2), 0);
	assert_true(l.d.ops->moments(l.d.state, &mean, &var));
	assert_true(fabs(mean - (0.3732 * 34.84 + 0.6268 * 49.49)) < 1e-9);
	for (uint64_t seed = 1; seed < 21; seed++) {
		law_draw(&l, seed, v, N_DRAWS);
		poor += ks_p(ks_distance(&l.d, v, N_DRAWS), N_DRAWS) < 0.01;
	}
	assert_in_range(poor, 0, 1);
	law_free(&l);
	/* Weights need not add up to 1; a constant is a part like any other. */
	assert_int_equal(law_make(&c, &sp_dist_constant, "value=10.75", NULL, 0), 0);
	more[0] = (struct sp_dist_part){ a.d, 6 };
	more[1] = (struct sp_dist_part){ c.d, 4 };
	assert_int_equal(law_make(&l, &sp_dist_mix, "", more, 2), 0);
	law_draw(&l, 1, v, N_DRAWS);
	for (uint32_t i = 0; i < N_DRAWS; i++)
		even += fabs(v[i] - 10.75) < 1e-12;
	/* 0.4 of them, with a standard deviation of 155 */
	assert_in_range(even, 40000 - 700, 40000 + 700);
	law_free(&l);
	law_free(&a);
	law_free(&b);
	law_free(&c);
	free(v);
}

/* On-times of 10 gaps, off-times of 40: bursts of 10, and then one gap with the pause in it. */
static void on_and_off(void **state)
{
	double *v = malloc(N_DRAWS * sizeof *v), mean, var, sum = 0;
	struct law on, off, gap, l;
	struct sp_dist_part part[3];

	(void)state;
	assert_non_null(v);
	assert_int_equal(law_make(&on, &sp_dist_constant, "value=10", NULL, 0), 0);
	assert_int_equal(law_make(&off, &sp_dist_constant, "value=40", NULL, 0), 0);
	assert_int_equal(law_make(&gap, &sp_dist_constant, "value=1", NULL, 0), 0);
	part[0] = (struct sp_dist_part){ on.d, 1 };
	part[1] = (struct sp_dist_part){ off.d, 1 };
	part[2] = (struct sp_dist_part){ gap.d, 1 };
	assert_int_equal(law_make(&l, &sp_dist_onoff, "", part, 3), 0);
	assert_true(l.d.ops->moments(l.d.state, &mean, &var));
	assert_true(fabs(mean - 5) < 1e-12);
	law_draw(&l, 1, v, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(fabs(v[i] - (i && i % 10 == 0 ? 41 : 1)) < 1e-9);
	law_free(&l);
	law_free(&on);
	law_free(&off);
	/* Exponential times: the mean comes out. */
	assert_int_equal(law_make(&on, &sp_dist_exponential, "mean=7", NULL, 0), 0);
	assert_int_equal(law_make(&off, &sp_dist_pareto, "shape=2.5 scale=6", NULL, 0), 0);
	part[0].dist = on.d;
	part[1].dist = off.d;
	part[2].dist = (struct sp_dist){ 0 }; /* gaps of 1 */
	assert_int_equal(law_make(&l, &sp_dist_onoff, "", part, 3), 0);
	assert_true(l.d.ops->moments(l.d.state, &mean, &var));
	assert_true(fabs(mean - 17.0 / 7) < 1e-12);
	law_draw(&l, 1, v, N_DRAWS);
	for (uint32_t i = 0; i < N_DRAWS; i++)
		sum += v[i] / N_DRAWS;
	assert_true(fabs(sum / mean - 1) < 0.05);
	law_free(&l);
	law_free(&on);
	law_free(&off);
	law_free(&gap);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_law_is_what_it_says),
		cmocka_unit_test(another_law_is_told_apart),
		cmocka_unit_test(the_series_are_the_same_everywhere),
		cmocka_unit_test(a_mixture_is_its_parts),
		cmocka_unit_test(on_and_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
